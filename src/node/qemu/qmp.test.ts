import assert from 'node:assert/strict';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { isObject } from '../../apimachinery/values.ts';
import { Qmp, QmpError, type QmpEvent } from './qmp.ts';

let dir = '';
let server: Server | undefined;
const sockets: Socket[] = [];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'telar-qmp-'));
});

afterEach(async () => {
  sockets.splice(0).forEach((socket) => socket.destroy());
  await new Promise<void>((resolve) => {
    if (server === undefined) { resolve(); } else { server.close(() => resolve()); }
  });
  server = undefined;
  await rm(dir, { recursive: true });
});

type Answer = (command: string, id: unknown, socket: Socket) => void;

async function fakeQemu(answer: Answer): Promise<string> {
  const path = join(dir, 'qmp.sock');
  server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.write('{"QMP": {"version": {}, "capabilities": []}}\r\n');
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
        const message: unknown = JSON.parse(text.slice(0, end));
        text = text.slice(end + 1);
        assert.ok(isObject(message));
        answer(String(message['execute']), message['id'], socket);
      }
    });
  });
  await new Promise<void>((resolve) => server?.listen(path, resolve));
  return path;
}

const reply = (socket: Socket, id: unknown, value: unknown): void => {
  socket.write(`${JSON.stringify({ return: value, id })}\r\n`);
};

test('answers find their commands, whatever their order, and events come between', async () => {
  const events: QmpEvent[] = [];
  const held: [unknown, Socket][] = [];
  const path = await fakeQemu((command, id, socket) => {
    if (command === 'slow') {
      held.push([id, socket]);
    } else {
      socket.write('{"event": "STOP", "timestamp": {"seconds": 1, "microseconds": 2}}\r\n');
      reply(socket, id, { of: command });
      held.splice(0).forEach(([slow, to]) => reply(to, slow, { of: 'slow' }));
    }
  });
  const qmp = await Qmp.connect(path, { event: (event) => events.push(event), closed: () => undefined }, 1000);
  const slow = qmp.execute('slow');
  assert.deepEqual(await qmp.execute('fast'), { of: 'fast' });
  assert.deepEqual(await slow, { of: 'slow' });
  assert.equal(events.at(-1)?.event, 'STOP');
  qmp.close();
});

test('a refusal carries QEMU’s class and words; silence ends in a time-out', async () => {
  const path = await fakeQemu((command, id, socket) => {
    if (command === 'bad') {
      socket.write(`${JSON.stringify({ error: { class: 'CommandNotFound', desc: 'no such thing' }, id })}\r\n`);
    } else if (command !== 'silent') {
      reply(socket, id, {});
    }
  });
  const qmp = await Qmp.connect(path, { event: () => undefined, closed: () => undefined }, 1000);
  await assert.rejects(qmp.execute('bad'), (error) => error instanceof QmpError && error.class === 'CommandNotFound');
  await assert.rejects(qmp.execute('silent', {}, 20), /did not answer within 20 ms/);
  qmp.close();
  await assert.rejects(qmp.execute('late'), /not connected/);
});

test('what is not the protocol, or an endless line, ends the connection', async () => {
  for (const garbage of ['not json\n', `"${'x'.repeat(2 << 20)}`]) {
    const path = await fakeQemu((command, id, socket) => {
      if (command === 'qmp_capabilities') { reply(socket, id, {}); } else { socket.write(garbage); }
    });
    const closed = Promise.withResolvers<void>();
    const qmp = await Qmp.connect(path, { event: () => undefined, closed: () => closed.resolve() }, 1000);
    await assert.rejects(qmp.execute('anything'), /closed its monitor/);
    await closed.promise;
    assert.ok(qmp.closed);
    await new Promise<void>((resolve) => server?.close(() => resolve()));
    await rm(path, { force: true });
  }
});

test('a link in place of the socket is refused', async () => {
  await fakeQemu(() => undefined);
  const link = join(dir, 'link.sock');
  await symlink(join(dir, 'qmp.sock'), link);
  await assert.rejects(Qmp.connect(link, { event: () => undefined, closed: () => undefined }, 200), /is not a socket/);
});
