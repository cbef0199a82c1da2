/** Deterministic tar archives (POSIX ustar): the same entries always give the same bytes. And a reader for Debian's packages. */
import type { Readable } from 'node:stream';

const BLOCK = 512;
/** Longest extended header (a long name) accepted when reading, bytes. */
const MAX_EXTENDED_HEADER_BYTES = 64 * 1024;

export type TarEntry =
  | { type: 'file'; path: string; mode: number; data: Uint8Array }
  | { type: 'directory'; path: string; mode: number }
  | { type: 'symlink'; path: string; target: string };

function field(block: Buffer, offset: number, length: number, text: string): void {
  block.write(text.slice(0, length), offset, 'latin1');
}

const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, '0')}\0`;

/** Splits a path over ustar's name (100 bytes) and prefix (155 bytes). */
function splitPath(path: string): { name: string; prefix: string } {
  if (path.length <= 100) {
    return { name: path, prefix: '' };
  }
  const cut = path.indexOf('/', path.length - 101);
  if (cut < 0 || cut > 155) {
    throw new Error(`the path ${path} is too long for a tar archive`);
  }
  return { name: path.slice(cut + 1), prefix: path.slice(0, cut) };
}

function header(entry: TarEntry, mtime: number, size = entry.type === 'file' ? entry.data.length : 0): Buffer {
  const block = Buffer.alloc(BLOCK);
  const { name, prefix } = splitPath(entry.type === 'directory' ? `${entry.path}/` : entry.path);
  field(block, 0, 100, name);
  field(block, 100, 8, octal(entry.type === 'symlink' ? 0o777 : entry.mode, 8));
  field(block, 108, 8, octal(0, 8));
  field(block, 116, 8, octal(0, 8));
  field(block, 124, 12, octal(size, 12));
  field(block, 136, 12, octal(mtime, 12));
  field(block, 148, 8, ' '.repeat(8));
  field(block, 156, 1, entry.type === 'file' ? '0' : entry.type === 'symlink' ? '2' : '5');
  field(block, 157, 100, entry.type === 'symlink' ? entry.target : '');
  field(block, 257, 8, 'ustar\x0000');
  field(block, 265, 32, 'root');
  field(block, 297, 32, 'root');
  field(block, 345, 155, prefix);
  const sum = block.reduce((total, byte) => total + byte, 0);
  field(block, 148, 8, `${sum.toString(8).padStart(6, '0')}\0 `);
  return block;
}

/** The archive's bytes; paths are relative (`etc/passwd`), owners root. `mtime` is in seconds. */
export function writeTar(entries: readonly TarEntry[], mtime: number): Buffer {
  return Buffer.concat(tarParts(entries, mtime));
}

/** The same bytes piece by piece: the files' data is not copied, which counts where a file has a hundred megabytes. */
export function tarParts(entries: readonly TarEntry[], mtime: number): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (const entry of entries) {
    parts.push(header(entry, mtime));
    if (entry.type === 'file') {
      parts.push(entry.data, Buffer.alloc((BLOCK - (entry.data.length % BLOCK)) % BLOCK));
    }
  }
  parts.push(Buffer.alloc(2 * BLOCK));
  return parts;
}

/** One file of an archive, without the archive's end, whose content is in pieces. */
export function memberParts(path: string, content: readonly Uint8Array[], mtime: number): Uint8Array[] {
  const size = content.reduce((total, part) => total + part.length, 0);
  return [
    header({ type: 'file', path, mode: 0o644, data: Buffer.alloc(0) }, mtime, size), ...content, Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK),
  ];
}

export interface TarFile {
  /** Without leading `./`. */
  path: string;
  mode: number;
  /** Seconds since 1970. */
  mtime: number;
  data: Buffer;
  /** What a symbolic link points at; only where links were asked for. */
  link?: string;
}

const text = (block: Buffer, offset: number, length: number): string => {
  const end = block.indexOf(0, offset);
  return block.toString('utf8', offset, end < 0 || end > offset + length ? offset + length : end);
};

const number = (block: Buffer, offset: number, length: number): number => Number.parseInt(text(block, offset, length).trim() || '0', 8);

/** Reads whole blocks off a stream. */
class Blocks {
  readonly #iterator: AsyncIterator<unknown>;
  #rest: Buffer[] = [];
  #size = 0;

  constructor(stream: Readable) {
    this.#iterator = stream[Symbol.asyncIterator]();
  }

  /** Exactly `length` bytes, or undefined at the end of the stream. `keep` false skips them. */
  async take(length: number, keep = true): Promise<Buffer | undefined> {
    const taken: Buffer[] = [];
    let missing = length;
    while (missing > 0) {
      if (this.#size === 0) {
        const next = await this.#iterator.next();
        if (next.done === true) {
          return undefined;
        }
        if (!Buffer.isBuffer(next.value)) {
          throw new TypeError('a tar archive is read from bytes');
        }
        this.#rest = [next.value];
        this.#size = next.value.length;
        continue;
      }
      const [first = Buffer.alloc(0)] = this.#rest;
      const part = first.subarray(0, missing);
      this.#rest = part.length === first.length ? [] : [first.subarray(part.length)];
      this.#size -= part.length;
      missing -= part.length;
      if (keep) {
        taken.push(part);
      }
    }
    return keep ? Buffer.concat(taken) : Buffer.alloc(0);
  }
}

/** A link's header says where it leads, a file's how much data follows it. */
function fileOf(block: Buffer, path: string, data: Buffer): TarFile {
  return {
    path, mode: number(block, 100, 8), mtime: number(block, 136, 12), data: data.subarray(0, number(block, 124, 12)),
    ...(text(block, 156, 1) === '2' ? { link: text(block, 157, 100) } : {}),
  };
}

const isKept = (type: string, links: boolean): boolean => type === '0' || type === '' || (links && type === '2');

/** The regular files of a tar stream whose path `wanted` accepts; with `links` its symbolic links too, without data. */
export async function readTar(stream: Readable, wanted: (path: string) => boolean, options: { links?: boolean } = {}): Promise<TarFile[]> {
  const blocks = new Blocks(stream);
  const files: TarFile[] = [];
  let longName: string | undefined;
  for (;;) {
    const block = await blocks.take(BLOCK);
    if (block === undefined) {
      return files;
    }
    const type = text(block, 156, 1);
    const size = number(block, 124, 12);
    const padded = Math.ceil(size / BLOCK) * BLOCK;
    if (type === 'L') {
      if (size > MAX_EXTENDED_HEADER_BYTES) {
        throw new Error('a file name in the archive is too long');
      }
      longName = (await blocks.take(padded))?.toString('utf8', 0, size).replace(/\0+$/, '');
      continue;
    }
    const prefix = text(block, 257, 5) === 'ustar' && text(block, 257, 8) !== 'ustar  ' ? text(block, 345, 155) : '';
    const name = longName ?? (prefix === '' ? text(block, 0, 100) : `${prefix}/${text(block, 0, 100)}`);
    longName = undefined;
    const path = name.replace(/^\.\//, '');
    const keep = isKept(type, options.links === true) && path !== '' && wanted(path);
    const data = padded === 0 ? Buffer.alloc(0) : await blocks.take(padded, keep);
    if (data === undefined) {
      throw new Error('the archive ends in the middle of a file');
    }
    if (keep) {
      files.push(fileOf(block, path, data));
    }
  }
}
