/** Tar archives (POSIX ustar) as a stream of bytes: headers to write, and a parser that is fed with what arrives. No I/O. */

export const TAR_BLOCK = 512;
/** Two empty blocks end an archive. */
export const TAR_END: Uint8Array = new Uint8Array(2 * TAR_BLOCK);
/** Longest path of an entry, bytes. */
export const MAX_TAR_PATH = 100;
/** Largest entry that the header's eleven octal digits can tell. */
export const MAX_TAR_SIZE = 8 ** 11 - 1;

export interface TarFileInfo {
  path: string;
  /** Bytes. */
  size: number;
  mode: number;
  /** Seconds since 1970. */
  mtime: number;
}

const FIELDS = { name: 0, mode: 100, uid: 108, gid: 116, size: 124, mtime: 136, checksum: 148, type: 156, magic: 257 } as const;
const CHECKSUM_LENGTH = 8;

export class TarError extends Error { override name = 'TarError'; }

const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, '0');

function write(block: Uint8Array, offset: number, text: string): void {
  block.set(new TextEncoder().encode(text), offset);
}

const sumOf = (block: Uint8Array): number => {
  let sum = 0;
  for (let index = 0; index < TAR_BLOCK; index += 1) {
    const inChecksum = index >= FIELDS.checksum && index < FIELDS.checksum + CHECKSUM_LENGTH;
    sum += inChecksum ? 0x20 : block[index] ?? 0;
  }
  return sum;
};

/** The header block of a regular file. Throws TarError for what does not fit. */
export function tarHeader({ path, size, mode, mtime }: TarFileInfo): Uint8Array {
  if (new TextEncoder().encode(path).length > MAX_TAR_PATH || size > MAX_TAR_SIZE) {
    throw new TarError(`${path} does not fit into a tar archive`);
  }
  const block = new Uint8Array(TAR_BLOCK);
  write(block, FIELDS.name, path);
  write(block, FIELDS.mode, octal(mode & 0o7777, 7));
  write(block, FIELDS.uid, octal(0, 7));
  write(block, FIELDS.gid, octal(0, 7));
  write(block, FIELDS.size, octal(size, 11));
  write(block, FIELDS.mtime, octal(Math.floor(mtime), 11));
  write(block, FIELDS.type, '0');
  write(block, FIELDS.magic, 'ustar\u000000');
  write(block, FIELDS.checksum, `${octal(sumOf(block), 6)}\u0000 `);
  return block;
}

/** Bytes between the end of a file and the next header. */
export const tarPadding = (size: number): number => (TAR_BLOCK - (size % TAR_BLOCK)) % TAR_BLOCK;

/** What a file of this size takes in an archive. */
export const tarLength = (size: number): number => TAR_BLOCK + size + tarPadding(size);

export interface TarHandler {
  file(info: TarFileInfo): void;
  /** A part of the file named last. The bytes are only good during the call. */
  data(part: Uint8Array): void;
  /** The file named last is complete. */
  end(): void;
}

function textAt(block: Uint8Array, offset: number, length: number): string {
  const field = block.subarray(offset, offset + length);
  const end = field.indexOf(0);
  return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end));
}

function octalAt(block: Uint8Array, offset: number, length: number): number {
  const text = textAt(block, offset, length).trim();
  if (!/^[0-7]+$/.test(text)) {
    throw new TarError('a header of the archive is damaged');
  }
  return Number.parseInt(text, 8);
}

function readHeader(block: Uint8Array): TarFileInfo {
  if (octalAt(block, FIELDS.checksum, CHECKSUM_LENGTH) !== sumOf(block)) {
    throw new TarError('a header of the archive is damaged');
  }
  const type = textAt(block, FIELDS.type, 1);
  const path = textAt(block, FIELDS.name, 100);
  if (type !== '0' && type !== '') {
    throw new TarError(`${path} is no regular file`);
  }
  return { path, size: octalAt(block, FIELDS.size, 12), mode: octalAt(block, FIELDS.mode, 8), mtime: octalAt(block, FIELDS.mtime, 12) };
}

/** Takes an archive of regular files apart as it arrives. Throws TarError for what is none. */
export class TarParser {
  readonly #handler: TarHandler;
  readonly #block = new Uint8Array(TAR_BLOCK);
  #filled = 0;
  /** Of the file being read: what is to come of it, then of its padding. */
  #left = 0;
  #padding = 0;
  #ended = false;

  constructor(handler: TarHandler) {
    this.#handler = handler;
  }

  push(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length && !this.#ended) {
      at += this.#left > 0 ? this.#data(bytes.subarray(at)) : this.#between(bytes.subarray(at));
    }
  }

  /** Throws TarError when the archive's end has not come. */
  finish(): void {
    if (!this.#ended) {
      throw new TarError('the archive is cut off');
    }
  }

  #data(bytes: Uint8Array): number {
    const part = bytes.subarray(0, this.#left);
    this.#handler.data(part);
    this.#left -= part.length;
    if (this.#left === 0) {
      this.#handler.end();
    }
    return part.length;
  }

  #between(bytes: Uint8Array): number {
    if (this.#padding > 0) {
      const skipped = Math.min(this.#padding, bytes.length);
      this.#padding -= skipped;
      return skipped;
    }
    const part = bytes.subarray(0, TAR_BLOCK - this.#filled);
    this.#block.set(part, this.#filled);
    this.#filled += part.length;
    if (this.#filled === TAR_BLOCK) {
      this.#filled = 0;
      this.#header();
    }
    return part.length;
  }

  #header(): void {
    if (this.#block.every((byte) => byte === 0)) {
      this.#ended = true;
      return;
    }
    const info = readHeader(this.#block);
    this.#handler.file(info);
    this.#left = info.size;
    this.#padding = tarPadding(info.size);
    if (info.size === 0) {
      this.#handler.end();
    }
  }
}
