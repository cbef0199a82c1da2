/** What no HTTP library would send: broken requests, broken chunks, and HTTP/2 frames in any order. The server must go on answering others. */
import assert from 'node:assert/strict';
import { connect as connectHttp2 } from 'node:http2';
import { after, before, describe, it } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { CMS, configMap, TestServer } from '../../src/apiserver/testing/harness.ts';
import { Random } from './random.ts';

const LONG = process.env['TELAR_TEST_LONG'] === '1';
const ROUNDS = LONG ? 5_000 : 150;
const AT_ONCE = 10;
const SEED = Number(process.env['TELAR_FUZZ_SEED'] ?? 20_260_102);
/** A connection that is neither answered nor closed by then is left to the server's own limits, which are longer. */
const PATIENCE_MS = 1_000;
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream >>> 0, 5);
  return Buffer.concat([head, payload]);
}

/** DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION, and some that are not. */
function frames(random: Random): Buffer {
  const list = Array.from({ length: 1 + random.below(60) }, () =>
    frame(random.below(12), random.below(256), random.pick([0, 1, 2, 3, 5, 2 ** 31 - 1, random.below(100)]), random.bytes(random.pick([0, 4, 5, 6, 8, 24, random.below(300)]))));
  const settings = random.chance(0.8) ? frame(4, 0, 0, Buffer.alloc(0)) : Buffer.alloc(0);
  return Buffer.concat([Buffer.from(random.chance(0.95) ? PREFACE : PREFACE.slice(0, random.below(24))), settings, ...list]);
}

function http1(random: Random, token: string): Buffer {
  const head = `host: x\r\nauthorization: Bearer ${token}\r\n`;
  const texts: [() => string, ...(() => string)[]] = [
    () => `GET ${CMS} HTTP/1.1\r\n${head}bad header\r\n\r\n`,
    () => `GET ${CMS} HTTP/9.9\r\n${head}\r\n`,
    () => `get / http/1.1\r\n\r\n`,
    () => `POST ${CMS} HTTP/1.1\r\n${head}content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`,
    () => `POST ${CMS} HTTP/1.1\r\n${head}content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n{}`,
    () => `POST ${CMS} HTTP/1.1\r\n${head}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n`,
    () => `POST ${CMS} HTTP/1.1\r\n${head}content-length: -1\r\n\r\n`,
    () => `POST ${CMS} HTTP/1.1\r\n${head}content-length: 5\r\ncontent-length: 6\r\n\r\nabcdef`,
    () => `POST ${CMS} HTTP/1.1\r\n${head}content-length: 99999999999\r\n\r\nx`,
    () => `POST ${CMS} HTTP/1.1\r\n${head}content-length: 500\r\n\r\n{"half`,
    () => `GET ${CMS} HTTP/1.1\r\n${head}${'x: y\r\n'.repeat(5000)}\r\n`,
    () => `GET /${'a'.repeat(100_000)} HTTP/1.1\r\n${head}\r\n`,
    () => `GET ${CMS}?watch=true HTTP/1.1\r\n${head}\r\nGET ${CMS} HTTP/1.1\r\n${head}\r\n`,
    () => `GET ${CMS} HTTP/1.1\r\n${head}upgrade: websocket\r\nconnection: upgrade\r\n\r\n`,
    () => `GET ${CMS} HTTP/1.1\r\n${head}upgrade: h2c\r\nconnection: upgrade, http2-settings\r\nhttp2-settings: AAA\r\n\r\n`,
    () => `GET /api/v1/namespaces/default/pods/x/exec HTTP/1.1\r\n${head}upgrade: SPDY/3.1\r\nconnection: upgrade\r\n\r\n\u0080\u0003\u0000\u0001`,
    () => `CONNECT example.com:443 HTTP/1.1\r\n${head}\r\n`,
    () => '\u0016\u0003\u0001\u0002\u0000'.repeat(20),
  ];
  const text = random.pick(texts)();
  const bytes = Buffer.from(text, 'latin1');
  if (random.chance(0.3)) {
    bytes[random.below(bytes.length)] = random.below(256);
  }
  return random.chance(0.2) ? bytes.subarray(0, random.below(bytes.length)) : bytes;
}

describe(`broken frames, seed ${SEED}`, { timeout: LONG ? 1_500_000 : 240_000 }, () => {
  let s: TestServer;
  let surprises: string[];
  before(async () => {
    surprises = [];
    s = await TestServer.start();
    await s.post(CMS, configMap('there'));
  });
  after(() => s.close());

  const opened = (protocol: string): Promise<TLSSocket> => new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: s.port, ca: s.pki.ca.cert, ALPNProtocols: [protocol] });
    socket.once('secureConnect', () => resolve(socket));
    socket.once('error', reject);
  });

  /** Sends it in one or more pieces, waits for an answer or an end, and goes. */
  async function sent(protocol: string, bytes: Buffer, random: Random): Promise<string> {
    const socket = await opened(protocol);
    let answer = '';
    const over = new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, PATIENCE_MS);
      const done = (): void => {
        clearTimeout(timer);
        resolve();
      };
      socket.on('data', (data: Buffer) => {
        answer += data.toString('latin1');
        if (protocol === 'http/1.1') {
          done();
        }
      });
      socket.on('error', done);
      socket.on('close', done);
    });
    const cut = random.chance(0.3) ? random.below(bytes.length + 1) : bytes.length;
    socket.write(bytes.subarray(0, cut));
    if (cut < bytes.length) {
      socket.write(bytes.subarray(cut));
    }
    if (random.chance(0.3)) {
      socket.end();
    }
    await over;
    socket.destroy();
    return answer;
  }

  for (const [name, protocol, make] of [['HTTP/1.1', 'http/1.1', http1], ['HTTP/2', 'h2', frames]] as const) {
    it(`${name}: nobody else notices`, async () => {
      const random = new Random(SEED);
      for (let n = 0; n < ROUNDS; n += AT_ONCE) {
        const answers = await Promise.all(Array.from({ length: AT_ONCE }, () => sent(protocol, make(random, s.pki.adminToken), random)));
        surprises.push(...answers.filter((answer) => /^HTTP\/1\.1 5\d\d/.test(answer)));
        const { code, json } = await s.get(`${CMS}/there`);
        assert.equal(code, 200, `after ${n} connections: ${JSON.stringify(json)}`);
      }
      assert.deepEqual(surprises, []);
      assert.equal((await s.get(CMS)).code, 200);
    });
  }

  it('HTTP/2: streams that are reset as soon as they are opened cost nobody else anything', async () => {
    const session = connectHttp2(`https://127.0.0.1:${s.port}`, { ca: s.pki.ca.cert });
    session.on('error', () => undefined);
    for (let n = 0; n < ROUNDS * 10 && !session.destroyed && !session.closed; n += 1) {
      const stream = session.request({ ':path': n % 3 === 0 ? `${CMS}?watch=true` : CMS, authorization: `Bearer ${s.pki.adminToken}` });
      stream.on('error', () => undefined);
      stream.close(8);
      if (n % 100 === 0) {
        await new Promise((resolve) => { setImmediate(resolve); });
      }
    }
    session.destroy();
    assert.equal((await s.get(`${CMS}/there`)).code, 200);
  });
});
