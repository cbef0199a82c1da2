/**
 * Header blocks: name/value pairs, compressed with one zlib stream for the whole connection and direction. Every block ends with a sync
 * flush, so a block is decompressed by itself once the last 32 KiB of what came before are given as its dictionary.
 */
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import { DICTIONARY, DICTIONARY_ID } from './dictionary.ts';
import { SpdyError } from './errors.ts';
import { MAX_HEADER_BLOCK_BYTES, MAX_HEADERS } from './limits.ts';

/** Names in lower case. Several values of one name are joined with NUL, as on the wire. */
export type Headers = ReadonlyMap<string, string>;

/** How far back deflate refers, bytes. */
const WINDOW_BYTES = 32 * 1024;
/** CMF and FLG of a zlib stream with a preset dictionary. */
const ZLIB_HEAD = 0x78bb;
const ZLIB_HEAD_BYTES = 6;
/** CM 8 (deflate), and the flag that a dictionary's id follows. */
const METHOD_MASK = 0x0f;
const METHOD_DEFLATE = 8;
const FLAG_DICTIONARY = 0x20;
const CHECK_MODULUS = 31;
/** What a sync flush leaves: an empty stored block. */
const SYNC_MARK = Buffer.from([0, 0, 0xff, 0xff]);

/** Decompresses one direction of a connection. Throws SpdyError; then it is of no more use. */
export class HeaderInflater {
  #window: Buffer = DICTIONARY;
  #begun = false;

  inflate(block: Buffer): Headers {
    const deflated = this.#begun ? block : withoutHead(block);
    this.#begun = true;
    if (!deflated.subarray(-SYNC_MARK.length).equals(SYNC_MARK)) {
      throw new SpdyError('a header block does not end with a flush');
    }
    const plain = inflate(deflated, this.#window);
    this.#window = Buffer.concat([this.#window, plain]).subarray(-WINDOW_BYTES);
    return parseBlock(plain);
  }
}

function withoutHead(block: Buffer): Buffer {
  if (block.length < ZLIB_HEAD_BYTES) {
    throw new SpdyError('a header block is too short');
  }
  const head = block.readUInt16BE(0);
  if (((head >> 8) & METHOD_MASK) !== METHOD_DEFLATE || head % CHECK_MODULUS !== 0 || (head & FLAG_DICTIONARY) === 0 || block.readUInt32BE(2) !== DICTIONARY_ID) {
    throw new SpdyError("headers are not compressed with SPDY/3's dictionary");
  }
  return block.subarray(ZLIB_HEAD_BYTES);
}

function inflate(deflated: Buffer, dictionary: Buffer): Buffer {
  try {
    return inflateRawSync(deflated, { dictionary, finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: MAX_HEADER_BLOCK_BYTES });
  } catch (cause) {
    throw new SpdyError('a header block cannot be decompressed', { cause });
  }
}

function parseBlock(plain: Buffer): Headers {
  let at = 0;
  const number = (): number => {
    if (at + 4 > plain.length) {
      throw new SpdyError('a header block ends too early');
    }
    at += 4;
    return plain.readUInt32BE(at - 4);
  };
  const text = (): string => {
    const end = number() + at;
    if (end > plain.length) {
      throw new SpdyError('a header is longer than its block');
    }
    const value = plain.toString('utf8', at, end);
    at = end;
    return value;
  };
  const count = number();
  if (count > MAX_HEADERS) {
    throw new SpdyError(`more than ${MAX_HEADERS} headers`);
  }
  const headers = new Map<string, string>();
  for (let index = 0; index < count; index += 1) {
    const name = text().toLowerCase();
    const value = text();
    if (name === '' || headers.has(name)) {
      throw new SpdyError(name === '' ? 'a header without a name' : `the header ${JSON.stringify(name)} twice`);
    }
    headers.set(name, value);
  }
  if (at !== plain.length) {
    throw new SpdyError('a header block goes on after its last header');
  }
  return headers;
}

function prefixed(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const bytes = Buffer.allocUnsafe(4 + length);
  bytes.writeUInt32BE(length);
  bytes.write(text, 4);
  return bytes;
}

/** Compresses one direction of a connection. Blocks refer to nothing before them: they are few and short. */
export class HeaderDeflater {
  #begun = false;

  deflate(headers: Headers): Buffer {
    const count = Buffer.alloc(4);
    count.writeUInt32BE(headers.size);
    const plain = Buffer.concat([count, ...[...headers].flatMap(([name, value]) => [prefixed(name.toLowerCase()), prefixed(value)])]);
    const deflated = deflateRawSync(plain, { finishFlush: constants.Z_SYNC_FLUSH });
    if (this.#begun) {
      return deflated;
    }
    this.#begun = true;
    const head = Buffer.alloc(ZLIB_HEAD_BYTES);
    head.writeUInt16BE(ZLIB_HEAD);
    head.writeUInt32BE(DICTIONARY_ID, 2);
    return Buffer.concat([head, deflated]);
  }
}
