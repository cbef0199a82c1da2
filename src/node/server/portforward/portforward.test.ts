/** Port-forward in each of its protocols, to real servers. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, describe, it, test } from 'node:test';
import { createWebSocketStream, WebSocket } from 'ws';
import { silentLog } from '../../../apimachinery/log.ts';
import { SpdySession } from '../spdy/session.ts';
import { serveUpgrades, spdyClient, takeOver, type UpgradeServer } from '../testing.ts';
import { portsOf } from './channelports.ts';
import { dialAddress, NetnsDialers, portForward } from './index.ts';

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

async function listening(server: Server): Promise<Server> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

describe('port-forward', () => {
  let upgrades: UpgradeServer;
  /** Says first who it is, then, when its client has ended, how much it got. */
  let counting: Server;
  /** Breaks off after its first word. */
  let breaking: Server;
  before(async () => {
    counting = await listening(createServer({ allowHalfOpen: true }, (socket) => {
      let size = 0;
      socket.write('hello ');
      socket.on('data', (data: Buffer) => { size += data.length; });
      socket.on('end', () => { socket.end(String(size)); });
    }));
    breaking = await listening(createServer({ allowHalfOpen: true }, (socket) => {
      socket.write('word');
      setTimeout(() => { socket.resetAndDestroy(); }, 20);
    }));
    upgrades = await serveUpgrades((upgrade, query) => portForward(upgrade, { pod: 'web_default', uid: 'u', dial: (port) => dialAddress('127.0.0.1', port) }, query, silentLog));
  });
  after(() => {
    upgrades.close();
    counting.close();
    breaking.close();
  });

  interface Opened { said: Promise<string>; failed: Promise<string> }
  function open(session: SpdySession, id: string, port: number | string, sent: Buffer): Opened {
    const headers = (streamtype: string): Map<string, string> => new Map([['streamtype', streamtype], ['port', String(port)], ['requestid', id]]);
    const error = session.open(headers('error'));
    error.end();
    const data = session.open(headers('data'));
    data.end(sent);
    return { said: text(data), failed: text(error) };
  }

  async function exercise(session: SpdySession): Promise<void> {
    const good = Array.from({ length: 5 }, (_, index) => open(session, String(index), portOf(counting), Buffer.alloc(100_000 * (index + 1))));
    assert.deepEqual(await Promise.all(good.map(({ said }) => said)), ['hello 100000', 'hello 200000', 'hello 300000', 'hello 400000', 'hello 500000']);
    assert.deepEqual(await Promise.all(good.map(({ failed }) => failed)), ['', '', '', '', '']);
    const none = open(session, '9', 1, Buffer.from('x'));
    assert.equal(await none.failed, 'error forwarding port 1 to pod web_default, uid u: dial tcp 127.0.0.1:1: connect: connection refused');
    assert.equal(await none.said, '');
    const broken = open(session, '10', portOf(breaking), Buffer.alloc(0));
    await assert.rejects(broken.said, 'the part is not taken for the whole');
    assert.equal((await open(session, '11', portOf(counting), Buffer.alloc(3)).said), 'hello 3', 'the session goes on');
  }

  it('over SPDY: many connections in one session', async () => {
    const { session, protocol, closed } = await spdyClient(upgrades.port, 'portforward.k8s.io');
    assert.equal(protocol, 'portforward.k8s.io');
    await exercise(session);
    session.destroy();
    await closed;
  });

  it("over SPDY in a WebSocket, whose protocol's name comes back as it was offered", async () => {
    const offered = 'SPDY/3.1+portforward.k8s.io';
    let answered: unknown;
    const socket = new WebSocket(`ws://127.0.0.1:${upgrades.port}/`, {
      headers: { 'sec-websocket-protocol': offered },
      finishRequest(request) {
        // The client library takes the slash for an error: it is kept from seeing the answer.
        request.prependListener('upgrade', (incoming) => {
          answered = incoming.headers['sec-websocket-protocol'];
          delete incoming.headers['sec-websocket-protocol'];
        });
        request.end();
      },
    });
    await once(socket, 'open');
    assert.equal(answered, offered);
    const { promise: closed, resolve } = Promise.withResolvers<undefined>();
    const session = new SpdySession(createWebSocketStream(socket), { role: 'client', closed: () => { resolve(undefined); } });
    await exercise(session);
    session.destroy();
    await closed;
  });

  it('refuses streams that lack something, and pairs those of old clients by their numbers', async () => {
    const { session } = await spdyClient(upgrades.port, 'portforward.k8s.io');
    for (const wrong of [{ streamtype: 'data' }, { port: '80' }, { port: '0', streamtype: 'data' }, { port: 'http', streamtype: 'data' }, { port: '80', streamtype: 'other' }]) {
      const stream = session.open(new Map(Object.entries(wrong)));
      await once(stream, 'close');
    }
    const error = session.open(new Map([['streamtype', 'error'], ['port', String(portOf(counting))]]));
    error.end();
    const data = session.open(new Map([['streamtype', 'data'], ['port', String(portOf(counting))]]));
    data.end('1234');
    assert.equal(await text(data), 'hello 4');
    const twice = new Map([['streamtype', 'error'], ['port', '80'], ['requestid', '5']]);
    session.open(twice);
    await once(session.open(twice), 'close');
    session.destroy();
  });

  it('over channels: two bytes of port, then data; a failure on its own channel', async () => {
    for (const protocol of ['v4.channel.k8s.io', 'v4.base64.channel.k8s.io']) {
      const socket = new WebSocket(`ws://127.0.0.1:${upgrades.port}/?ports=${portOf(breaking)},1`, [protocol]);
      const said = new Map<number, Buffer>();
      socket.on('message', (message: Buffer) => {
        const base64 = protocol.includes('base64');
        const channel = (message[0] ?? 0) - (base64 ? 48 : 0);
        const data = base64 ? Buffer.from(message.subarray(1).toString(), 'base64') : message.subarray(1);
        said.set(channel, Buffer.concat([said.get(channel) ?? Buffer.alloc(0), data]));
      });
      await once(socket, 'close');
      const port = portOf(breaking);
      assert.deepEqual(said.get(0), Buffer.concat([Buffer.from([port & 255, port >> 8]), Buffer.from('word')]), protocol);
      assert.deepEqual(said.get(1), Buffer.from([port & 255, port >> 8]));
      assert.match(said.get(3)?.subarray(2).toString() ?? '', /^error forwarding port 1 to pod web_default/);
    }
  });

  it('refuses before it upgrades', async () => {
    const { status, body } = await takeOver(upgrades.port, { upgrade: 'smoke-signals' });
    assert.equal(status, 400);
    assert.match(body, /expected SPDY\/3\.1 or websocket/);
    assert.equal((await takeOver(upgrades.port, { upgrade: 'SPDY/3.1', 'x-stream-protocol-version': 'v4.channel.k8s.io' })).status, 403);
    assert.match((await takeOver(upgrades.port, { upgrade: 'websocket', 'sec-websocket-protocol': 'v4.channel.k8s.io' })).body, /query parameter \\"port\\" is required/);
  });
});

test('ports of a query are checked in Kubernetes\' words', () => {
  const ports = (query: string): number[] => portsOf(new URLSearchParams(query));
  assert.deepEqual(ports('ports=80&ports=81,82'), [80, 81, 82]);
  assert.throws(() => ports(''), /query parameter "port" is required/);
  assert.throws(() => ports('ports='), /query parameter "port" cannot be empty/);
  assert.throws(() => ports('ports=x'), /unable to parse "x" as a port/);
  assert.throws(() => ports('ports=0'), /port "0" must be > 0/);
  assert.throws(() => ports('ports=65536'), /unable to parse "65536" as a port/);
  assert.throws(() => ports(`ports=${'1,'.repeat(64)}1`), /at most 64 ports/);
});

test('a helper in a namespace hands over connections, and ends when nobody holds it', { skip: process.getuid?.() === 0 ? false : 'needs root' }, async () => {
  const server = await listening(createServer({ allowHalfOpen: true }, (socket) => {
    socket.write('first');
    socket.on('end', () => { socket.end(' last'); });
    socket.resume();
  }));
  const dialers = new NetnsDialers(silentLog);
  const localhost = dialers.hold('/proc/self/ns/net');
  const socket = await localhost.dial(portOf(server));
  socket.end('x');
  assert.equal(await text(socket), 'first last', 'what was said before the socket changed hands, and after its half ended');
  await assert.rejects(localhost.dial(1), /failed to connect to localhost:1 inside namespace "\/proc\/self\/ns\/net", IPv4: dial tcp4 127\.0\.0\.1:1: connect: connection refused IPv6: dial tcp6 \[::1\]:1: connect: /);
  const heard = Promise.withResolvers<string>();
  const leaving = await listening(createServer({ allowHalfOpen: true }, (one) => {
    one.end('bye');
    text(one).then(heard.resolve, heard.reject);
  }));
  const left = await localhost.dial(portOf(leaving));
  assert.equal(await text(left), 'bye');
  left.end('and yet');
  assert.equal(await heard.promise, 'and yet', 'the server has ended its half, not the connection');
  leaving.close();
  localhost.release();
  dialers.close();
  server.close();
  const nowhere = dialers.hold('/nowhere');
  await assert.rejects(nowhere.dial(1), /network namespace/);
  nowhere.release();
  dialers.close();
});
