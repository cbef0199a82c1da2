/** Many clients of one container's streams, none of whom can end its input. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { duplexPair } from 'node:stream';
import type { Duplex } from 'node:stream';
import { test } from 'node:test';
import { Attachments } from './attachments.ts';
import { Demultiplexer, frameOf } from './multiplex.ts';

const settled = (): Promise<void> => new Promise((resolve) => { setImmediate(() => { setImmediate(resolve); }); });

/** Attachments to containers that are the other ends of pipes. */
function bed(): { attachments: Attachments; containers: Duplex[] } {
  const containers: Duplex[] = [];
  const attachContainer = (): Promise<{ socket: Duplex; head: Buffer }> => {
    const [socket, container] = duplexPair();
    containers.push(container);
    return Promise.resolve({ socket, head: Buffer.alloc(0) });
  };
  return { attachments: new Attachments({ attachContainer }), containers };
}

function reading(stream: Duplex): () => string {
  const demultiplexer = new Demultiplexer();
  let said = '';
  stream.on('data', (chunk: Buffer) => { said += demultiplexer.push(chunk).map(({ stream: number, data }) => `${number}${data.toString()};`).join(''); });
  return () => said;
}

test('clients come and go, also in the middle of a frame; the input stays', async () => {
  const { attachments, containers } = bed();
  const [first, second] = await Promise.all([attachments.attach('c'), attachments.attach('c')]);
  assert.equal(containers.length, 1);
  const [container] = containers;
  assert.ok(container !== undefined);
  let input = '';
  let ended = false;
  container.on('data', (chunk: Buffer) => { input += chunk.toString(); });
  container.on('end', () => { ended = true; });
  const [one, two] = [reading(first.socket), reading(second.socket)];
  const frame = frameOf(1, Buffer.from('hello'));
  container.write(frame.subarray(0, 10));
  await settled();
  const late = reading((await attachments.attach('c')).socket);
  container.write(frame.subarray(10));
  first.socket.end('typed');
  await settled();
  first.socket.destroy();
  container.write(frameOf(2, Buffer.from('oh')));
  second.socket.write(' more');
  await settled();
  assert.deepEqual([input, ended], ['typed more', false]);
  assert.deepEqual([one(), two(), late()], ['1he;1llo;', '1he;1llo;2oh;', '1llo;2oh;']);
  const over = once(second.socket, 'end');
  container.destroy();
  await over;
  await attachments.attach('c');
  assert.equal(containers.length, 2, 'the next attempt is another stream');
  await attachments.close();
});

test('the container waits for the slowest client, and for none that went', async () => {
  const { attachments, containers } = bed();
  const [slow, quick] = await Promise.all([attachments.attach('c'), attachments.attach('c')]);
  let read = 0;
  quick.socket.on('data', (chunk: Buffer) => { read += chunk.length; });
  const [container] = containers;
  assert.ok(container !== undefined);
  let written = 0;
  while (written < 4 * 1024 * 1024 && container.write(frameOf(1, Buffer.alloc(8192)))) {
    written += 8192;
    await settled();
  }
  assert.ok(written < 1024 * 1024, `${written} bytes were taken though one client reads nothing`);
  const before = read;
  slow.socket.destroy();
  await settled();
  assert.ok(read > before, 'the other goes on');
  await attachments.close();
});
