/**
 * Watch events as bytes. An event that many watchers see is written once: the bytes of the last few are kept, framed
 * for HTTP/1.1 (a chunk of its own) and bare for HTTP/2.
 */
import type { Stored } from '../../store/store.ts';
import { MAX_SHARED_FRAME_BYTES, MAX_SHARED_FRAMES } from '../limits.ts';
import type { WatchItem } from '../verbs/watchstream.ts';

export interface Frame {
  readonly bare: Buffer;
  readonly chunk: Buffer;
}

function frameOf(type: string, json: string): Frame {
  const line = `{"type":"${type}","object":${json}}\n`;
  const length = Buffer.byteLength(line);
  const head = `${length.toString(16)}\r\n`;
  const chunk = Buffer.allocUnsafe(head.length + length + 2);
  chunk.write(head, 'latin1');
  chunk.write(line, head.length);
  chunk.write('\r\n', head.length + length, 'latin1');
  return { chunk, bare: chunk.subarray(head.length, head.length + length) };
}

/** By stored version, then by event type: ADDED for one watcher may be MODIFIED for another. */
type Generation = Map<Stored, Map<string, Frame>>;

/** Two generations: when the young one is full it becomes the old one, so what is in use is never all forgotten at once. */
let young: Generation = new Map();
let old: Generation = new Map();
let youngBytes = 0;

function sharedFrame(type: string, stored: Stored): Frame {
  const frames = young.get(stored) ?? old.get(stored);
  const found = frames?.get(type);
  if (found !== undefined) {
    return found;
  }
  const frame = frameOf(type, stored.json);
  if (young.size >= MAX_SHARED_FRAMES || youngBytes + frame.chunk.length > MAX_SHARED_FRAME_BYTES) {
    [old, young, youngBytes] = [young, new Map(), 0];
  }
  const kept = frames ?? new Map<string, Frame>();
  kept.set(type, frame);
  young.set(stored, kept);
  youngBytes += frame.chunk.length;
  return frame;
}

/** How one watcher sees the objects of its events: undefined for as they are stored. */
export type Shape = (item: WatchItem) => string;

export function frameItem(item: WatchItem, shape: Shape | undefined): Frame {
  if (shape !== undefined) {
    return frameOf(item.type, shape(item));
  }
  return item.type === 'BOOKMARK' || item.type === 'ERROR' ? frameOf(item.type, JSON.stringify(item.object)) : sharedFrame(item.type, item.stored);
}
