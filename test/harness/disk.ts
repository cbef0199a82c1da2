/**
 * A disk that loses its power. `strace` records what a process wrote to the files of a directory and when it asked for it to be on disk;
 * from the record a disk is made as it may look after the power failed at any moment: what was synced is there, of what was not each
 * 512-byte sector may or may not be, files that were made or removed without their directory being synced may or may not be.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { debianTool } from '../../scripts/debian.ts';

const SECTOR = 512;
/** Longest text of one call in the record, bytes: more than a page of the database. */
const MAX_CALL_BYTES = 70_000;
const CALLS = 'openat,close,pwrite64,write,fsync,fdatasync,ftruncate,unlink';

export type DiskEvent =
  | { kind: 'write'; file: string; offset: number; data: Buffer }
  | { kind: 'truncate'; file: string; size: number }
  | { kind: 'sync'; file: string }
  | { kind: 'create'; file: string }
  | { kind: 'remove'; file: string }
  /** The directory itself. */
  | { kind: 'syncDirectory' }
  /** What the process said to the world. */
  | { kind: 'said'; text: string };

/** Starts a Node.js program under strace; its output is the caller's to read. */
export function recorded(record: string, script: URL, args: readonly string[]): ChildProcess {
  const { file, env } = debianTool('strace', ['strace', 'libunwind8']);
  return spawn(file, [
    '-f', '-qq', '-xx', '-s', String(MAX_CALL_BYTES), '--seccomp-bpf', '-e', `trace=${CALLS}`, '-e', 'signal=none', '-o', record,
    process.execPath, '--disable-warning=ExperimentalWarning', fileURLToPath(script), ...args,
  ], { env, stdio: ['ignore', 'pipe', 'pipe'] });
}

const bytesOf = (text: string): Buffer => Buffer.from(text.replaceAll('\\x', ''), 'hex');

/** Reads strace's record: the events of the files of one directory, and of standard output, in their order. */
class RecordReader {
  readonly events: DiskEvent[] = [];
  readonly #directory: string;
  /** Of the files of interest, by descriptor. */
  readonly #open = new Map<number, string>();
  readonly #known = new Set<string>();
  /** Calls that have begun and not ended, by thread. */
  readonly #unfinished = new Map<string, string>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  line(line: string): void {
    const match = /^(\d+) +(.*)$/.exec(line);
    const [, thread = '', call = ''] = match ?? [];
    const begun = / <unfinished \.\.\.>$/.exec(call);
    if (begun !== null) {
      const head = call.slice(0, begun.index);
      this.#unfinished.set(thread, head);
      // A write may reach the disk from its beginning on.
      this.#begin(head);
      return;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(call);
    if (resumed !== null) {
      const head = this.#unfinished.get(thread) ?? '';
      this.#unfinished.delete(thread);
      this.#end(head + (resumed[1] ?? ''));
      return;
    }
    this.#begin(call);
    this.#end(call);
  }

  #begin(call: string): void {
    const write = /^(pwrite64|write)\((\d+), "((?:\\x[0-9a-f]{2})*)"(\.\.\.)?, \d+(?:, (\d+))?/.exec(call);
    if (write === null) {
      return;
    }
    const [, name, descriptor, text = '', cut, offset] = write;
    const file = this.#open.get(Number(descriptor));
    if (name === 'write' && descriptor === '1') {
      this.events.push({ kind: 'said', text: bytesOf(text).toString() });
    } else if (file !== undefined) {
      if (cut !== undefined || offset === undefined) {
        throw new Error(`the record of a write to ${file} is not whole`);
      }
      this.events.push({ kind: 'write', file, offset: Number(offset), data: bytesOf(text) });
    }
  }

  #end(call: string): void {
    const match = /^(\w+)\((.*)\) += (-?\d+)/.exec(call);
    const [, name, args = '', result] = match ?? [];
    if (match === null || Number(result) < 0) {
      return;
    }
    const file = this.#open.get(Number.parseInt(args, 10));
    switch (name) {
      case 'openat': this.#opened(args, Number(result)); return;
      case 'close': this.#open.delete(Number(args)); return;
      case 'unlink': this.#removed(bytesOf(/"([^"]*)"/.exec(args)?.[1] ?? '').toString()); return;
      case 'fsync': case 'fdatasync':
        if (file !== undefined) {
          this.events.push(file === '' ? { kind: 'syncDirectory' } : { kind: 'sync', file });
        }
        return;
      case 'ftruncate':
        if (file !== undefined) {
          this.events.push({ kind: 'truncate', file, size: Number(args.split(', ')[1]) });
        }
        return;
      default:
    }
  }

  #opened(args: string, descriptor: number): void {
    const path = bytesOf(/"([^"]*)"/.exec(args)?.[1] ?? '').toString();
    this.#open.delete(descriptor);
    if (path === this.#directory) {
      this.#open.set(descriptor, '');
    } else if (dirname(path) === this.#directory) {
      const file = basename(path);
      this.#open.set(descriptor, file);
      if (args.includes('O_CREAT') && !this.#known.has(file)) {
        this.#known.add(file);
        this.events.push({ kind: 'create', file });
      }
    }
  }

  #removed(path: string): void {
    if (dirname(path) === this.#directory && this.#known.delete(basename(path))) {
      this.events.push({ kind: 'remove', file: basename(path) });
    }
  }
}

export function readRecord(record: string, directory: string): DiskEvent[] {
  const reader = new RecordReader(directory);
  for (const line of readFileSync(record, 'latin1').split('\n')) {
    reader.line(line);
  }
  return reader.events;
}

type Change = Extract<DiskEvent, { kind: 'write' | 'truncate' }>;

interface DiskFile {
  /** What is surely on disk. */
  synced: Buffer;
  /** What was done since, in order. */
  pending: Change[];
  /** Whether its name is surely in the directory. */
  named: boolean;
  /** Removed, but the directory has not been synced since. */
  removed: boolean;
}

function resized(content: Buffer, size: number): Buffer {
  return size <= content.length ? Buffer.from(content.subarray(0, size)) : Buffer.concat([content, Buffer.alloc(size - content.length)]);
}

/** `keep` says of each sector of a write whether it reached the disk. */
function applied(content: Buffer, change: Change, keep: () => boolean): Buffer {
  if (change.kind === 'truncate') {
    return keep() ? resized(content, change.size) : content;
  }
  let result = content;
  for (let at = 0; at < change.data.length; at += SECTOR) {
    if (keep()) {
      const part = change.data.subarray(at, at + SECTOR);
      result = result.length < change.offset + at + part.length ? resized(result, change.offset + at + part.length) : result;
      part.copy(result, change.offset + at);
    }
  }
  return result;
}

/** The disk as the events make it. */
export class Disk {
  readonly #files = new Map<string, DiskFile>();

  apply(event: DiskEvent): void {
    switch (event.kind) {
      case 'create': this.#files.set(event.file, { synced: Buffer.alloc(0), pending: [], named: false, removed: false }); return;
      case 'remove': {
        const file = this.#files.get(event.file);
        if (file !== undefined) {
          file.removed = true;
        }
        return;
      }
      case 'write': case 'truncate': this.#files.get(event.file)?.pending.push(event); return;
      case 'sync': {
        const file = this.#files.get(event.file);
        if (file !== undefined) {
          file.synced = file.pending.reduce<Buffer>((content, change) => applied(content, change, () => true), Buffer.from(file.synced));
          file.pending = [];
        }
        return;
      }
      case 'syncDirectory':
        for (const [name, file] of this.#files) {
          file.named = true;
          if (file.removed) {
            this.#files.delete(name);
          }
        }
        return;
      default:
    }
  }

  /** What may be found after the power failed now. `luck` decides about everything that was not synced: true for what got through. */
  image(luck: () => boolean): Map<string, Buffer> {
    const image = new Map<string, Buffer>();
    for (const [name, { synced, pending, named, removed }] of this.#files) {
      if ((named || luck()) && !(removed && luck())) {
        image.set(name, pending.reduce<Buffer>((content, change) => applied(content, change, luck), Buffer.from(synced)));
      }
    }
    return image;
  }
}
