/** Frames on the wire, headers as other implementations compress them, and bytes that nobody should send. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { constants, createDeflate, inflateSync } from 'node:zlib';
import { FrameDecoder } from './decoder.ts';
import { DICTIONARY, DICTIONARY_ID } from './dictionary.ts';
import { dataHead, FrameEncoder } from './encoder.ts';
import { SpdyError } from './errors.ts';
import type { ControlFrame, Frame } from './frames.ts';
import { HeaderDeflater, HeaderInflater } from './headers.ts';
import { MAX_CONTROL_FRAME_BYTES, MAX_HEADER_BLOCK_BYTES } from './limits.ts';

const headers = (values: Record<string, string>): Map<string, string> => new Map(Object.entries(values));

test("the dictionary is the specification's", () => {
  let [low, high] = [1, 0];
  for (const byte of DICTIONARY) {
    low = (low + byte) % 65_521;
    high = (high + low) % 65_521;
  }
  assert.equal(high * 65_536 + low, DICTIONARY_ID);
  assert.equal(DICTIONARY.length, 1423);
});

/** Name, frame, and its bytes without the compressed headers. */
const TABLE: [string, ControlFrame, string][] = [
  ['RST_STREAM', { type: 'rstStream', streamId: 5, status: 3 }, '8003000300000008 00000005 00000003'],
  ['SETTINGS', { type: 'settings', settings: [{ id: 7, value: 131_072 }] }, '800300040000000c 00000001 00000007 00020000'],
  ['PING', { type: 'ping', id: 0xfffffffe }, '8003000600000004 fffffffe'],
  ['GOAWAY', { type: 'goAway', lastStreamId: 9, status: 1 }, '8003000700000008 00000009 00000001'],
  ['WINDOW_UPDATE', { type: 'windowUpdate', streamId: 1, delta: 0x7fffffff }, '8003000900000008 00000001 7fffffff'],
];

test('frames have the bytes that the specification gives them', () => {
  for (const [name, frame, spaced] of TABLE) {
    const hex = spaced.replaceAll(' ', '');
    assert.equal(new FrameEncoder().encode(frame).toString('hex'), hex, name);
    assert.deepEqual(new FrameDecoder().push(Buffer.from(hex, 'hex')), [frame], name);
  }
  assert.equal(dataHead(3, 5, true).toString('hex'), '0000000301000005');
});

test('frames are told apart however the bytes are cut', () => {
  const frames: Frame[] = [
    { type: 'synStream', streamId: 1, associatedTo: 0, priority: 3, headers: headers({ streamtype: 'error', port: '80', requestid: '0' }), fin: true, unidirectional: false },
    { type: 'synStream', streamId: 3, associatedTo: 0, priority: 0, headers: headers({ streamtype: 'data', port: '80', requestid: '0' }), fin: false, unidirectional: true },
    { type: 'synReply', streamId: 3, headers: headers({}), fin: false },
    { type: 'headers', streamId: 3, headers: headers({ a: 'one\0two' }), fin: true },
    { type: 'ping', id: 1 },
  ];
  const encoder = new FrameEncoder();
  const bytes = Buffer.concat(frames.flatMap((frame) => (frame.type === 'data' ? [] : [encoder.encode(frame)])));
  const all = Buffer.concat([bytes, dataHead(3, 5, true), Buffer.from('hello'), dataHead(1, 0, true)]);
  for (let size = 1; size < all.length; size += 1) {
    const decoder = new FrameDecoder();
    const got: Frame[] = [];
    for (let at = 0; at < all.length; at += size) {
      got.push(...decoder.push(all.subarray(at, at + size)));
    }
    const data = got.filter((frame) => frame.type === 'data' && frame.streamId === 3);
    assert.deepEqual(got.filter((frame) => frame.type !== 'data'), frames);
    assert.equal(data.map((frame) => (frame.type === 'data' ? frame.data.toString() : '')).join(''), 'hello');
    assert.deepEqual(data.map((frame) => frame.type === 'data' && frame.fin), [...data.slice(1).map(() => false), true], 'the last piece ends the stream');
    assert.deepEqual(got.at(-1), { type: 'data', streamId: 1, data: Buffer.alloc(0), fin: true });
  }
});

/** Header blocks as an implementation writes them that refers back to earlier ones. */
async function foreignBlocks(plain: readonly Buffer[]): Promise<Buffer[]> {
  const deflate = createDeflate({ dictionary: DICTIONARY });
  const blocks: Buffer[] = [];
  for (const one of plain) {
    deflate.write(one);
    const flushed = new Promise<void>((resolve) => { deflate.flush(constants.Z_SYNC_FLUSH, () => { resolve(); }); });
    await flushed;
    const block: unknown = deflate.read();
    assert.ok(Buffer.isBuffer(block));
    blocks.push(block);
  }
  deflate.destroy();
  await once(deflate, 'close');
  return blocks;
}

function plainBlock(pairs: readonly (readonly [string, string])[]): Buffer {
  const word = (text: string): Buffer => Buffer.concat([Buffer.from([0, 0, text.length >> 8, text.length & 255]), Buffer.from(text)]);
  return Buffer.concat([Buffer.from([0, 0, pairs.length >> 8, pairs.length & 255]), ...pairs.flatMap(([name, value]) => [word(name), word(value)])]);
}

test('header blocks of other implementations, which refer to the dictionary and to earlier blocks, are read', async () => {
  const sets = Array.from({ length: 200 }, (_, index) => [['streamtype', index % 2 === 0 ? 'error' : 'data'], ['port', '8080'], ['requestid', String(index)], ['filler', `${index}-`.repeat(100)]] as const);
  const inflater = new HeaderInflater();
  for (const [index, block] of (await foreignBlocks(sets.map(plainBlock))).entries()) {
    assert.deepEqual([...inflater.inflate(block)], sets[index]);
  }
});

test('our header blocks are one zlib stream with the dictionary', () => {
  const deflater = new HeaderDeflater();
  const stream = Buffer.concat([deflater.deflate(headers({ streamType: 'data' })), deflater.deflate(headers({ a: 'b' }))]);
  const plain = inflateSync(stream, { dictionary: DICTIONARY, finishFlush: constants.Z_SYNC_FLUSH });
  assert.deepEqual(plain, Buffer.concat([plainBlock([['streamtype', 'data']]), plainBlock([['a', 'b']])]));
});

const control = (type: number, body: Buffer, version = 3): Buffer => {
  const head = Buffer.alloc(8);
  head.writeUInt16BE(0x8000 | version);
  head.writeUInt16BE(type, 2);
  head.writeUInt32BE(body.length, 4);
  return Buffer.concat([head, body]);
};

test('frames that are wrong are refused', async () => {
  const synStream = (block: Buffer): Buffer => control(1, Buffer.concat([Buffer.alloc(10), block]));
  const [bomb] = await foreignBlocks([plainBlock([['a', 'x'.repeat(60_000)], ['b', 'x'.repeat(60_000)]])]);
  const [twice] = await foreignBlocks([plainBlock([['a', 'x'], ['A', 'y']])]);
  const [many] = await foreignBlocks([plainBlock(Array.from({ length: 101 }, (_, index) => [String(index), ''] as const))]);
  const [longer] = await foreignBlocks([Buffer.concat([plainBlock([['a', 'b']]), Buffer.from('rest')])]);
  const [short] = await foreignBlocks([Buffer.from([0, 0, 0, 1, 0, 0, 0, 9, 97])]);
  const huge = Buffer.alloc(8);
  huge.writeUInt32BE(0x80030001);
  huge.writeUInt32BE(MAX_CONTROL_FRAME_BYTES + 1, 4);
  const cases: [string, Buffer, RegExp][] = [
    ['another version', control(6, Buffer.alloc(4), 2), /version 2/],
    ['a frame beyond the limit', huge, /more than 32768/],
    ['a short PING', control(6, Buffer.alloc(3)), /PING of 3 bytes/],
    ['a long RST_STREAM', control(3, Buffer.alloc(9)), /RST_STREAM of 9 bytes/],
    ['a short SYN_STREAM', control(1, Buffer.alloc(9)), /SYN_STREAM of 9 bytes/],
    ['a SYN_REPLY without headers', control(2, Buffer.alloc(4)), /too short/],
    ['settings that are not there', control(4, Buffer.from([0, 0, 0, 2, 0, 0, 0, 0])), /SETTINGS of 8 bytes/],
    ['too many settings', control(4, Buffer.from([0xff, 0, 0, 0])), /more than 64 settings/],
    ['no zlib stream', synStream(Buffer.from('not compressed')), /not compressed with SPDY\/3's dictionary/],
    ['a block without a flush', synStream(Buffer.from('78bbe3c6a7c2010203', 'hex')), /flush/],
    ['a broken block', synStream(Buffer.from('78bbe3c6a7c2ffffffff0000ffff', 'hex')), /cannot be decompressed/],
    ['a block that explodes', synStream(bomb ?? Buffer.alloc(0)), /cannot be decompressed/],
    ['a header twice', synStream(twice ?? Buffer.alloc(0)), /"a" twice/],
    ['too many headers', synStream(many ?? Buffer.alloc(0)), /more than 100 headers/],
    ['a block that goes on', synStream(longer ?? Buffer.alloc(0)), /goes on/],
    ['a header longer than its block', synStream(short ?? Buffer.alloc(0)), /longer than its block/],
  ];
  for (const [name, bytes, message] of cases) {
    assert.throws(() => new FrameDecoder().push(bytes), (error) => error instanceof SpdyError && message.test(error.message), name);
  }
  assert.ok(bomb !== undefined && bomb.length < MAX_HEADER_BLOCK_BYTES / 100, 'the bomb is small');
  assert.deepEqual(new FrameDecoder().push(control(10, Buffer.from('credential'))), [], 'unknown types are ignored');
});

/** Numbers that look random and are the same every time (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

test('whatever the bytes, they are frames or a SpdyError', () => {
  const random = randomFrom(20_260_101);
  const encoder = new FrameEncoder();
  const good = Buffer.concat([
    encoder.encode({ type: 'synStream', streamId: 1, associatedTo: 0, priority: 0, headers: headers({ streamtype: 'data', port: '80' }), fin: false, unidirectional: false }),
    encoder.encode({ type: 'headers', streamId: 1, headers: headers({ more: 'x'.repeat(300) }), fin: false }),
    ...TABLE.map(([, frame]) => encoder.encode(frame)), dataHead(1, 6, true), Buffer.from('abcdef'),
  ]);
  let refused = 0;
  for (let round = 0; round < 5_000; round += 1) {
    const bytes = Buffer.from(good);
    const changes = 1 + Math.floor(random() * 4);
    for (let change = 0; change < changes; change += 1) {
      bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
    }
    const decoder = new FrameDecoder();
    try {
      for (let at = 0; at < bytes.length;) {
        const end = at + 1 + Math.floor(random() * 200);
        decoder.push(bytes.subarray(at, end));
        at = end;
      }
    } catch (error) {
      assert.ok(error instanceof SpdyError, String(error));
      refused += 1;
    }
  }
  assert.ok(refused > 1_000, `${refused} of 5000 were refused`);
});
