/** The DNS server on real sockets, with a resolver of the test's own behind it. */
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { createServer, connect, type AddressInfo, type Server } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { decode, encode, streamEncode, type DecodedPacket, type Packet } from 'dns-packet';
import { Forwarder } from './forwarder.ts';
import { DnsServer } from './server.ts';
import { parseUpstreams } from './upstreams.ts';
import { parseZone } from './zone.ts';

const ADDRESS = '127.0.0.1';
const zone = parseZone(JSON.stringify({
  format: 1, domain: 'cluster.local', listen: ADDRESS, ranges: ['10.42.0.0/16'],
  services: [
    { namespace: 'default', name: 'web', ip: '10.43.0.7', ports: [] },
    { namespace: 'default', name: 'out', externalName: 'target.example' },
    { namespace: 'default', name: 'many', endpoints: Array.from({ length: 100 }, (_, index) => ({ ip: `10.42.0.${index + 2}`, ports: [] })) },
  ],
}), 1);

describe('the DNS server', () => {
  let port = 0;
  let server: DnsServer;
  let udp: Socket;
  let tcp: Server;
  let upstreams: { address: string; port: number }[] = [];
  const seen: string[] = [];
  let silent = false;

  const reply = (query: Buffer, overTcp: boolean): Buffer => {
    const packet = decode(query);
    const [question] = packet.questions ?? [];
    seen.push(`${question?.name} ${overTcp ? 'tcp' : 'udp'}`);
    const big = question?.name === 'big.example' && !overTcp;
    return encode({
      type: 'response', id: packet.id ?? 0, flags: 0x180 | (big ? 0x200 : 0) | (question?.name === 'fails.example' ? 2 : 0), questions: packet.questions ?? [],
      answers: big ? [] : [{ type: 'A', name: question?.name ?? '', ttl: 77, data: '198.51.100.1' }],
    });
  };

  before(async () => {
    udp = createSocket('udp4', (message, from) => {
      if (!silent) {
        udp.send(reply(message, false), from.port, from.address);
      }
    });
    await new Promise<void>((resolve) => { udp.bind(0, ADDRESS, resolve); });
    upstreams = [{ address: ADDRESS, port: udp.address().port }];
    tcp = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (chunk: Buffer) => {
        const answer = reply(chunk.subarray(2), true);
        const head = Buffer.alloc(2);
        head.writeUInt16BE(answer.length);
        socket.end(Buffer.concat([head, answer]));
      });
    });
    await new Promise<void>((resolve) => { tcp.listen(udp.address().port, ADDRESS, resolve); });
    const free = createServer();
    await new Promise<void>((resolve) => { free.listen(0, ADDRESS, resolve); });
    port = (free.address() as AddressInfo).port;
    await new Promise((resolve) => { free.close(resolve); });
    server = new DnsServer({
      address: ADDRESS, port, zone: () => zone, forwarder: new Forwarder(() => upstreams), onError: (error, what) => { assert.fail(`${what}: ${String(error)}`); },
    });
    await server.listen();
  });
  after(async () => {
    await server.close();
    udp.close();
    tcp.close();
  });

  const exchange = (message: Buffer): Promise<Buffer> => new Promise((resolve, reject) => {
    const socket = createSocket('udp4', (answer) => {
      socket.close();
      resolve(answer);
    });
    socket.on('error', reject);
    socket.send(message, port, ADDRESS);
  });
  const query = (name: string, type: 'A' | 'AAAA' = 'A'): Packet => ({ type: 'query', id: 99, flags: 0x100, questions: [{ type, name }] });
  const ask = async (name: string, type: 'A' | 'AAAA' = 'A'): Promise<DecodedPacket> => decode(await exchange(encode(query(name, type))));
  const askTcp = (...names: string[]): Promise<DecodedPacket[]> => new Promise((resolve, reject) => {
    const socket = connect(port, ADDRESS, () => socket.write(Buffer.concat(names.map((name) => streamEncode(query(name))))));
    let buffer = Buffer.alloc(0);
    const answers: DecodedPacket[] = [];
    socket.on('error', reject);
    socket.on('data', (chunk: Buffer) => {
      buffer = Buffer.concat([buffer, chunk]);
      while (buffer.length >= 2 && buffer.length >= buffer.readUInt16BE(0) + 2) {
        answers.push(decode(buffer.subarray(2, buffer.readUInt16BE(0) + 2)));
        buffer = buffer.subarray(buffer.readUInt16BE(0) + 2);
      }
      if (answers.length === names.length) {
        socket.destroy();
        resolve(answers);
      }
    });
  });
  /** The library decodes it without declaring it. */
  const rcode = (packet: DecodedPacket): unknown => ('rcode' in packet ? packet.rcode : undefined);
  const data = (packet: DecodedPacket): unknown[] => (packet.answers ?? []).map((answer) => ('data' in answer ? answer.data : undefined));

  it('answers its own names and forwards the others', async () => {
    assert.deepEqual(data(await ask('web.default.svc.cluster.local')), ['10.43.0.7']);
    const out = await ask('www.example');
    assert.deepEqual([out.id, data(out), out.flag_aa], [99, ['198.51.100.1'], false]);
    assert.ok(!seen.some((name) => name.includes('cluster.local')), 'cluster names never leave');
  });

  it('adds the addresses of an alias’s target', async () => {
    assert.deepEqual(data(await ask('out.default.svc.cluster.local')), ['target.example', '198.51.100.1']);
  });

  it('truncates by UDP and gives all by TCP, several questions on one connection', async () => {
    assert.equal((await ask('many.default.svc.cluster.local')).flag_tc, true);
    const [many, web, big] = await askTcp('many.default.svc.cluster.local', 'web.default.svc.cluster.local', 'big.example');
    assert.equal(many?.answers?.length, 100);
    assert.deepEqual([web, big].map((packet) => packet?.answers?.length), [1, 1]);
    assert.equal((await ask('big.example')).flag_tc, true);
  });

  it('says SERVFAIL when no resolver helps, and forgets nothing else', async () => {
    assert.equal(rcode(await ask('fails.example')), 'SERVFAIL');
    const good = upstreams;
    upstreams = [];
    assert.equal(rcode(await ask('www.example')), 'SERVFAIL');
    upstreams = good;
    silent = true;
    // The same question asked by many at once is under way a few times only.
    const many = await Promise.all(Array.from({ length: 30 }, () => ask('silent.example')));
    silent = false;
    assert.deepEqual(new Set(many.map(rcode)), new Set(['SERVFAIL']));
    assert.deepEqual(data(await ask('www.example')), ['198.51.100.1']);
  });

  it('goes on after nonsense', async () => {
    const socket = createSocket('udp4');
    for (const bytes of [[], [1], Array.from({ length: 12 }, () => 255), Array.from({ length: 600 }, (_, index) => index % 256)]) {
      await new Promise<void>((resolve) => { socket.send(Buffer.from(bytes), port, ADDRESS, () => { resolve(); }); });
    }
    socket.close();
    await new Promise<void>((resolve) => {
      const nonsense = connect(port, ADDRESS, () => nonsense.write(Buffer.alloc(70_000, 7)));
      nonsense.on('error', () => undefined).resume();
      nonsense.on('close', () => { resolve(); });
    });
    assert.equal(rcode(decode(await exchange(Buffer.from([0, 7, 1, 0, 0, 2, 0, 0, 0, 0, 0, 0])))), 'FORMERR');
    assert.deepEqual(data(await ask('web.default.svc.cluster.local')), ['10.43.0.7']);
  });
});

describe('the machine’s resolvers', () => {
  it('are read without this server itself', () => {
    assert.deepEqual(parseUpstreams('# x\nnameserver 10.43.0.10\n nameserver 192.0.2.1\nnameserver fe80::1%eth0\nsearch a b\n', '10.43.0.10'), [
      { address: '192.0.2.1', port: 53 }, { address: 'fe80::1%eth0', port: 53 },
    ]);
  });
});
