/** Two sessions that talk to each other, and peers that do not behave. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { duplexPair } from 'node:stream';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { dataHead, FrameDecoder, FrameEncoder } from '../../../apimachinery/spdy/index.ts';
import type { Frame } from '../../../apimachinery/spdy/index.ts';
import { MAX_STREAMS, MAX_UNSENT_BYTES, SESSION_BUFFER_BYTES, STREAM_BUFFER_BYTES } from './limits.ts';
import { SpdySession } from './session.ts';
import type { SpdyStream } from './stream.ts';

interface Pair {
  client: SpdySession;
  server: SpdySession;
  closed: string[];
}

function pair(stream: (stream: SpdyStream) => void): Pair {
  const [left, right] = duplexPair();
  const closed: string[] = [];
  return {
    server: new SpdySession(left, { role: 'server', stream, closed: () => { closed.push('server'); } }),
    client: new SpdySession(right, { role: 'client', closed: () => { closed.push('client'); } }),
    closed,
  };
}

/** A server session, and its peer as bare frames. */
function bare(stream: (stream: SpdyStream) => void): { peer: Duplex; frames: Frame[]; encoder: FrameEncoder; session: SpdySession; closed: Promise<void> } {
  const [left, peer] = duplexPair();
  const { promise: closed, resolve } = Promise.withResolvers<undefined>();
  const session = new SpdySession(left, { role: 'server', stream, closed: () => { resolve(undefined); } });
  const frames: Frame[] = [];
  const decoder = new FrameDecoder();
  peer.on('data', (chunk: Buffer) => { frames.push(...decoder.push(chunk)); });
  return { peer, frames, encoder: new FrameEncoder(), session, closed };
}

const open = (encoder: FrameEncoder, streamId: number, fin = false): Buffer =>
  encoder.encode({ type: 'synStream', streamId, associatedTo: 0, priority: 0, headers: new Map([['n', String(streamId)]]), fin, unidirectional: false });

const settled = (): Promise<void> => new Promise((resolve) => { setImmediate(() => { setImmediate(resolve); }); });

test('streams carry both ways, and their halves end apart', async () => {
  const { client, server, closed } = pair((stream) => {
    const answer = async (): Promise<void> => {
      const asked = await text(stream);
      stream.end(`${stream.headers.get('name') ?? ''} got ${asked}`);
    };
    answer().catch((error: unknown) => { assert.fail(String(error)); });
  });
  const streams = ['a', 'b', 'c'].map((name) => client.open(new Map([['name', name]])));
  streams.forEach((stream, index) => stream.end(`question ${index}`));
  assert.deepEqual(await Promise.all(streams.map(text)), ['a got question 0', 'b got question 1', 'c got question 2']);
  server.end();
  await settled();
  client.destroy();
  await settled();
  assert.deepEqual(closed.sort(), ['client', 'server']);
});

test('large amounts pass, and a slow reader holds the sender back', async () => {
  const size = 8 * 1024 * 1024;
  let taken: SpdyStream | undefined;
  const { client, server } = pair((stream) => { taken = stream; });
  const stream = client.open(new Map());
  await settled();
  assert.ok(taken !== undefined);
  let written = 0;
  const write = (): void => {
    while (written < size && stream.write(Buffer.alloc(64 * 1024, 7))) {
      written += 64 * 1024;
    }
  };
  stream.on('drain', () => {
    written += 64 * 1024;
    write();
  });
  write();
  for (let turn = 0; turn < 50; turn += 1) {
    await settled();
  }
  assert.ok(written < 4 * STREAM_BUFFER_BYTES, `${written} bytes were taken though nobody read`);
  let read = 0;
  taken.on('data', (chunk: Buffer) => { read += chunk.length; });
  while (read < size) {
    await settled();
  }
  client.destroy();
  server.destroy();
});

test('many slow readers together hold the sender back', async () => {
  const taken: SpdyStream[] = [];
  const { client, server } = pair((stream) => { taken.push(stream); });
  const count = 2 * SESSION_BUFFER_BYTES / (STREAM_BUFFER_BYTES / 2);
  const streams = Array.from({ length: count }, () => client.open(new Map()));
  streams.forEach((stream) => { stream.end(Buffer.alloc(STREAM_BUFFER_BYTES / 2)); });
  const buffered = (): number => taken.reduce((sum, stream) => sum + stream.readableLength, 0);
  for (let turn = 0; turn < 500; turn += 1) {
    await settled();
  }
  assert.ok(buffered() > SESSION_BUFFER_BYTES / 2 && buffered() < 1.5 * SESSION_BUFFER_BYTES, `${buffered()} bytes are held`);
  let read = 0;
  const drain = (stream: SpdyStream): void => { stream.on('data', (chunk: Buffer) => { read += chunk.length; }); };
  while (read < count * STREAM_BUFFER_BYTES / 2) {
    taken.splice(0).forEach(drain);
    await settled();
  }
  client.destroy();
  server.destroy();
});

test('what a peer had said to its end can be read after it hung up, what it left open is broken', async () => {
  const taken: SpdyStream[] = [];
  const { client } = pair((stream) => { taken.push(stream); });
  const [whole, half] = [client.open(new Map()), client.open(new Map())];
  whole.end('all of it');
  half.write('only some');
  while (taken.length < 2 || taken.some((stream) => stream.readableLength === 0)) {
    await settled();
  }
  client.destroy();
  await settled();
  await settled();
  const [first, second] = taken;
  assert.ok(first !== undefined && second !== undefined);
  assert.equal(first.destroyed, false);
  assert.equal(second.destroyed, true);
  assert.equal(await text(first), 'all of it');
  assert.equal(first.writable, false);
});

test('a peer that counts is sent no more than it allows', async () => {
  const { peer, frames, encoder, session } = bare((stream) => { stream.write(Buffer.alloc(100_000)); });
  peer.write(encoder.encode({ type: 'settings', settings: [{ id: 7, value: 1_000 }] }));
  peer.write(open(encoder, 1));
  const received = (): number => frames.reduce((sum, frame) => sum + (frame.type === 'data' ? frame.data.length : 0), 0);
  await settled();
  assert.equal(received(), 1_000);
  peer.write(encoder.encode({ type: 'windowUpdate', streamId: 1, delta: 500 }));
  await settled();
  assert.equal(received(), 1_500);
  peer.write(encoder.encode({ type: 'windowUpdate', streamId: 1, delta: 1_000_000 }));
  await settled();
  assert.equal(received(), 65_536, "the connection's own window holds too");
  peer.write(encoder.encode({ type: 'windowUpdate', streamId: 0, delta: 1_000_000 }));
  await settled();
  assert.equal(received(), 100_000);
  session.destroy();
});

test('what was read is credited', async () => {
  const { peer, frames, encoder, session } = bare((stream) => { stream.resume(); });
  peer.write(open(encoder, 1));
  peer.write(Buffer.concat([dataHead(1, 40_000, false), Buffer.alloc(40_000)]));
  await settled();
  const credits = frames.filter((frame) => frame.type === 'windowUpdate');
  assert.deepEqual(credits.map((frame) => (frame.type === 'windowUpdate' ? [frame.streamId, frame.delta] : [])), [[0, 40_000], [1, 40_000]]);
  session.destroy();
});

test('PING is answered, a reset ends the stream, refusal resets it', async () => {
  const seen: SpdyStream[] = [];
  const { peer, frames, encoder, session } = bare((stream) => {
    if (stream.id === 3) {
      throw new Error('no');
    }
    seen.push(stream);
  });
  peer.write(encoder.encode({ type: 'ping', id: 7 }));
  peer.write(encoder.encode({ type: 'ping', id: 8 }));
  peer.write(Buffer.concat([open(encoder, 1), open(encoder, 3)]));
  await settled();
  assert.deepEqual(frames.filter((frame) => frame.type === 'ping'), [{ type: 'ping', id: 7 }], 'even numbers are ours');
  assert.deepEqual(frames.filter((frame) => frame.type === 'rstStream'), [{ type: 'rstStream', streamId: 3, status: 5 }]);
  const [stream] = seen;
  assert.ok(stream !== undefined);
  peer.write(encoder.encode({ type: 'rstStream', streamId: 1, status: 5 }));
  await once(stream, 'close');
  await settled();
  assert.equal(frames.filter((frame) => frame.type === 'rstStream').length, 1, 'a reset is not answered');
  session.destroy();
});

const HOSTILE: [string, (encoder: FrameEncoder) => Buffer][] = [
  ['an even stream', (encoder) => open(encoder, 2)],
  ['stream 0', (encoder) => open(encoder, 0)],
  ['a stream twice', (encoder) => Buffer.concat([open(encoder, 5), open(encoder, 5)])],
  ['a stream that goes back', (encoder) => Buffer.concat([open(encoder, 5), open(encoder, 3)])],
  ['HTTP', () => Buffer.concat([Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), Buffer.alloc(8 * 1024 * 1024)])],
  ['another version of SPDY', () => Buffer.from('800200060000000400000001', 'hex')],
  ['data of a stream that was never opened', () => dataHead(1, 0, true)],
  ['data of a stream that we never opened', () => dataHead(2, 0, true)],
  ['a window beyond 31 bits', (encoder) => encoder.encode({ type: 'settings', settings: [{ id: 7, value: 0xffff_ffff }] })],
];

for (const [name, bytes] of HOSTILE) {
  test(`the connection ends after ${name}`, async () => {
    const { peer, frames, encoder, closed } = bare((stream) => { stream.resume(); });
    peer.write(bytes(encoder));
    await settled();
    peer.end();
    await closed;
    const last = frames.at(-1);
    assert.deepEqual(last?.type === 'goAway' ? last.status : last, 1);
  });
}

test('streams beyond the limit are refused', async () => {
  const { peer, frames, encoder, session } = bare((stream) => { stream.resume(); });
  for (let index = 0; index <= MAX_STREAMS; index += 1) {
    peer.write(open(encoder, index * 2 + 1));
  }
  await settled();
  assert.deepEqual(frames.filter((frame) => frame.type === 'rstStream'), [{ type: 'rstStream', streamId: MAX_STREAMS * 2 + 1, status: 3 }]);
  session.destroy();
});

test('data after a reset or an end does no harm', async () => {
  const texts: string[] = [];
  const { peer, encoder, session } = bare((stream) => {
    if (stream.id === 3) {
      throw new Error('no');
    }
    stream.on('data', (data: Buffer) => { texts.push(data.toString()); });
  });
  peer.write(Buffer.concat([open(encoder, 1), open(encoder, 3), dataHead(3, 3, false), Buffer.from('abc'), dataHead(1, 2, true), Buffer.from('hi'), dataHead(1, 4, false), Buffer.from('late')]));
  await settled();
  assert.deepEqual(texts, ['hi']);
  assert.equal(session.closed, false);
  session.destroy();
});

test('a peer that only asks is cut off', async () => {
  const [left, peer] = duplexPair();
  let closed = false;
  const session = new SpdySession(left, { role: 'server', closed: () => { closed = true; } });
  const encoder = new FrameEncoder();
  const pings = Buffer.concat(Array.from({ length: 10_000 }, () => encoder.encode({ type: 'ping', id: 1 })));
  // Nobody reads `peer`.
  for (let sent = 0; sent < MAX_UNSENT_BYTES * 2 && !closed; sent += pings.length) {
    peer.write(pings);
    await settled();
  }
  assert.equal(closed, true);
  session.destroy();
});

/** Numbers that look random and are the same every time (mulberry32). */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor(((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32 * below);
  };
}

test('whatever frames come, the session goes on or ends, and keeps nothing', async () => {
  const random = randomFrom(20_260_102);
  let ended = 0;
  for (let round = 0; round < 400; round += 1) {
    const { peer, encoder, session, closed } = bare((stream) => {
      // Takers of all kinds: one refuses, one echoes, one reads, one never does.
      switch (stream.id % 8) {
        case 1: throw new Error('no');
        case 3: stream.pipe(stream); break;
        case 5: stream.resume(); break;
        default: stream.write('something');
      }
    });
    const frames = Array.from({ length: 1 + random(40) }, (): Buffer => {
      const streamId = random(40);
      switch (random(9)) {
        case 0: case 1: return open(encoder, random(20) * 2 + 1, random(4) === 0);
        case 2: return Buffer.concat([dataHead(streamId, 5, random(3) === 0), Buffer.from('12345')]);
        case 3: return encoder.encode({ type: 'rstStream', streamId, status: random(12) });
        case 4: return encoder.encode({ type: 'windowUpdate', streamId, delta: random(2 ** 31) });
        case 5: return encoder.encode({ type: 'settings', settings: [{ id: random(9), value: random(2 ** 32) }] });
        case 6: return encoder.encode({ type: 'ping', id: random(2 ** 32) });
        case 7: return encoder.encode({ type: 'goAway', lastStreamId: streamId, status: random(3) });
        default: return Buffer.from([0x80, 3, 0, random(12), random(4), 0, 0, random(20), ...Array.from({ length: random(20) }, () => random(256))]);
      }
    });
    peer.write(Buffer.concat(frames));
    await settled();
    ended += session.closed ? 1 : 0;
    peer.destroy();
    session.destroy();
    await closed;
  }
  assert.ok(ended < 400, 'some of them are good');
});
