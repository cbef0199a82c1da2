import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Demultiplexer, frameOf } from './multiplex.ts';

const frame = (stream: number, text: string): Buffer => frameOf(stream, Buffer.from(text));

test('streams are told apart however the bytes are cut', () => {
  const bytes = Buffer.concat([frame(1, 'out'), frame(2, 'error text'), frame(1, ''), frame(1, 'more')]);
  for (let size = 1; size <= bytes.length; size += 1) {
    const demultiplexer = new Demultiplexer();
    const texts = ['', '', ''];
    for (let at = 0; at < bytes.length; at += size) {
      for (const { stream, data } of demultiplexer.push(bytes.subarray(at, at + size))) {
        texts[stream] += data.toString();
      }
    }
    assert.deepEqual(texts, ['', 'outmore', 'error text']);
  }
});
