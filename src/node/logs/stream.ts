/** Reads a container's log as `kubectl logs` wants it: all of it, its end, and what is yet to come. */
import { watch } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { logFilesOf, unlessMissing } from './files.ts';
import { LogFormatter } from './format.ts';
import type { LogFormat } from './format.ts';
import { tailStart } from './tail.ts';

const CHUNK_BYTES = 64 * 1024;
/** A line longer than this is passed on in pieces, bytes; conmon splits lines at 8 KiB. */
const MAX_LINE_BYTES = 1024 * 1024;
const NEWLINE = 10;
/** Follow looks again this often should the kernel's notice be missed, milliseconds. */
const FALLBACK_MS = 5_000;

export interface LogRequest extends LogFormat {
  /** Folder of the container's logs. */
  folder: string;
  attempt: number;
  /** Only so many lines from the end. */
  tailLines?: number;
  /** Stop after so many bytes. */
  limitBytes?: number;
  /** Go on until this resolves and everything is read; absent: do not follow. */
  ended?: Promise<void>;
  signal: AbortSignal;
}

/** The client has what it asked for. */
class Enough extends Error {}

class LogReader {
  readonly #request: LogRequest;
  readonly #write: (chunk: Buffer) => Promise<void>;
  readonly #formatter: LogFormatter;
  #left: number;
  #rest = Buffer.alloc(0);

  constructor(request: LogRequest, write: (chunk: Buffer) => Promise<void>) {
    this.#request = request;
    this.#write = write;
    this.#formatter = new LogFormatter(request);
    this.#left = request.limitBytes ?? Infinity;
  }

  /** Reads from `offset` to the present end; answers where that is. */
  async read(file: FileHandle, offset: number): Promise<number> {
    const buffer = Buffer.alloc(CHUNK_BYTES);
    let at = offset;
    for (;;) {
      this.#request.signal.throwIfAborted();
      const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, at);
      if (bytesRead === 0) {
        return at;
      }
      at += bytesRead;
      await this.#take(buffer.subarray(0, bytesRead));
    }
  }

  async #take(bytes: Buffer): Promise<void> {
    const data = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const lines: Buffer[] = [];
    let start = 0;
    for (let end = data.indexOf(NEWLINE); end >= 0; end = data.indexOf(NEWLINE, start)) {
      const line = this.#formatter.line(data.subarray(start, end));
      if (line !== undefined) {
        lines.push(line);
      }
      start = end + 1;
    }
    this.#rest = Buffer.from(data.subarray(start));
    if (this.#rest.length > MAX_LINE_BYTES) {
      this.#rest = Buffer.alloc(0);
    }
    await this.#send(Buffer.concat(lines));
  }

  async #send(bytes: Buffer): Promise<void> {
    const shown = bytes.length > this.#left ? bytes.subarray(0, this.#left) : bytes;
    this.#left -= shown.length;
    if (shown.length > 0) {
      await this.#write(shown);
    }
    if (this.#left <= 0) {
      throw new Enough();
    }
  }
}

/** Which files to read from which byte, so that the last `lines` lines come. */
async function beginnings(files: readonly string[], lines: number | undefined): Promise<Map<string, number>> {
  const result = new Map<string, number>();
  let missing = lines ?? Infinity;
  for (const path of files.toReversed()) {
    if (missing <= 0) {
      break;
    }
    const file = await open(path);
    try {
      const { size } = await file.stat();
      const start = missing === Infinity ? { offset: 0, missing: Infinity } : await tailStart(file, size, missing);
      result.set(path, start.offset);
      missing = start.missing;
    } finally {
      await file.close();
    }
  }
  return result;
}

/** Wakes whenever something in the folder changes. */
class FolderWatch {
  readonly #watcher;
  #wake: (() => void) | undefined;
  #changed = false;

  constructor(folder: string) {
    this.#watcher = watch(folder, () => { this.wake(); });
    // The folder goes with its pod; the fallback notices.
    this.#watcher.on('error', () => { this.wake(); });
  }

  wake(): void {
    this.#changed = true;
    this.#wake?.();
  }

  async next(): Promise<void> {
    if (!this.#changed) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, FALLBACK_MS);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#changed = false;
  }

  close(): void {
    this.#watcher.close();
    this.wake();
  }
}

async function isSame(file: FileHandle, path: string): Promise<boolean> {
  const [mine, there] = await Promise.all([file.stat(), unlessMissing(stat(path), undefined)]);
  // Rotated a moment ago: the new file does not exist until the container's next line.
  return there === undefined || there.ino === mine.ino;
}

async function follow(request: LogRequest, reader: LogReader, ended: Promise<void>, start: number | undefined): Promise<void> {
  const path = join(request.folder, `${request.attempt}.log`);
  const folder = new FolderWatch(request.folder);
  let over = false;
  const untilEnd = async (): Promise<void> => {
    await ended;
    over = true;
    folder.wake();
  };
  const finish = untilEnd();
  const stop = (): void => { folder.wake(); };
  request.signal.addEventListener('abort', stop);
  let file: FileHandle | undefined;
  let offset = start ?? 0;
  try {
    for (;;) {
      // Before the read: what comes after the last read is then surely nothing.
      const last = over;
      file ??= await unlessMissing(open(path), undefined);
      if (file !== undefined) {
        offset = await reader.read(file, offset);
        if (!await isSame(file, path)) {
          await reader.read(file, offset);
          await file.close();
          file = undefined;
          offset = 0;
          continue;
        }
      }
      if (last) {
        await finish;
        return;
      }
      await folder.next();
      request.signal.throwIfAborted();
    }
  } finally {
    request.signal.removeEventListener('abort', stop);
    folder.close();
    await file?.close();
  }
}

/** Writes the log; `write` resolves when more may come. Resolves when all is written, rejects when `signal` aborts. */
export async function streamLog(request: LogRequest, write: (chunk: Buffer) => Promise<void>): Promise<void> {
  const reader = new LogReader(request, write);
  const files = await logFilesOf(request.folder, request.attempt);
  const current = join(request.folder, `${request.attempt}.log`);
  const offsets = await beginnings(files, request.tailLines);
  try {
    let end: number | undefined;
    for (const path of files) {
      const offset = offsets.get(path);
      const file = await open(path);
      try {
        const read = offset === undefined ? (await file.stat()).size : await reader.read(file, offset);
        end = path === current ? read : end;
      } finally {
        await file.close();
      }
    }
    if (request.ended !== undefined) {
      await follow(request, reader, request.ended, end);
    }
  } catch (error) {
    if (!(error instanceof Enough)) {
      throw error;
    }
  }
}
