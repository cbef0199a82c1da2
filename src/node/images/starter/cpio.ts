/** The archive format of Linux' initial RAM disk (cpio "newc"), written deterministically and without root's mknod. */

export type CpioEntry =
  | { type: 'file'; path: string; mode: number; data: Uint8Array }
  | { type: 'directory'; path: string; mode: number }
  | { type: 'symlink'; path: string; target: string }
  | { type: 'character'; path: string; mode: number; major: number; minor: number };

const TYPE_BITS = { file: 0o100000, directory: 0o040000, symlink: 0o120000, character: 0o020000 } as const;
const TRAILER = 'TRAILER!!!';

const hex = (value: number): string => value.toString(16).padStart(8, '0');
const padding = (length: number): Buffer => Buffer.alloc((4 - (length % 4)) % 4);

interface Header {
  ino: number;
  mode: number;
  size: number;
  major?: number;
  minor?: number;
}

function record(path: string, header: Header, data: Uint8Array): Buffer {
  const name = Buffer.from(`${path}\0`);
  const fields = [
    header.ino, header.mode, 0, 0, 1, 0, header.size, 0, 0, header.major ?? 0, header.minor ?? 0, name.length, 0,
  ];
  const head = Buffer.concat([Buffer.from(`070701${fields.map(hex).join('')}`), name]);
  return Buffer.concat([head, padding(head.length), data, padding(data.length)]);
}

function entryRecord(entry: CpioEntry, ino: number): Buffer {
  const data = entry.type === 'file' ? entry.data : entry.type === 'symlink' ? Buffer.from(entry.target) : Buffer.alloc(0);
  const mode = TYPE_BITS[entry.type] | (entry.type === 'symlink' ? 0o777 : entry.mode);
  const device = entry.type === 'character' ? { major: entry.major, minor: entry.minor } : {};
  return record(entry.path, { ino, mode, size: data.length, ...device }, data);
}

/** The archive's bytes; paths are relative, parents must come before what they hold, everything belongs to root. */
export function writeCpio(entries: readonly CpioEntry[]): Buffer {
  const records = entries.map((entry, index) => entryRecord(entry, index + 1));
  records.push(record(TRAILER, { ino: 0, mode: 0, size: 0 }, Buffer.alloc(0)));
  return Buffer.concat(records);
}
