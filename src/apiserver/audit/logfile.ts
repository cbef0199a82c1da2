/** Where audit events go: lines of JSON in a file that is turned over when it is full, behind a queue with a limit. */
import { open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import type { Log } from '../../apimachinery/log.ts';
import { MAX_AUDIT_QUEUE_BYTES } from '../limits.ts';

export interface AuditLogOptions {
  /** `-` for standard output. */
  path: string;
  /** Days old files are kept; 0 for ever. */
  maxAge: number;
  /** Old files kept; 0 for all. */
  maxBackup: number;
  /** Megabytes after which a new file is begun. */
  maxSize: number;
}

const MEGABYTE = 1024 * 1024;
const DAY_MS = 86_400_000;

export class AuditLog {
  readonly #options: AuditLogOptions;
  readonly #log: Log;
  #file: FileHandle | undefined;
  #size = 0;
  #queue: string[] = [];
  #queued = 0;
  #dropped = 0;
  #writing: Promise<void> | undefined;

  private constructor(options: AuditLogOptions, log: Log, file: FileHandle | undefined, size: number) {
    this.#options = options;
    this.#log = log;
    this.#file = file;
    this.#size = size;
  }

  /** Opens or makes the file, for its owner alone. Rejects when it cannot be written. */
  static async open(options: AuditLogOptions, log: Log): Promise<AuditLog> {
    if (options.path === '-') {
      return new AuditLog(options, log, undefined, 0);
    }
    const file = await open(options.path, 'a', 0o600);
    return new AuditLog(options, log, file, (await file.stat()).size);
  }

  /** Queues one event. What does not fit is counted, and the next that fits is preceded by a warning in the server's own log. */
  write(line: string): void {
    if (this.#queued + line.length > MAX_AUDIT_QUEUE_BYTES) {
      this.#dropped += 1;
      return;
    }
    if (this.#dropped > 0) {
      this.#log.error({ dropped: this.#dropped }, 'audit events were lost: they come faster than they can be written');
      this.#dropped = 0;
    }
    this.#queue.push(line);
    this.#queued += line.length;
    this.#writing ??= this.#drain();
  }

  async #drain(): Promise<void> {
    // What is said in this turn of the event loop travels together.
    await new Promise((resolve) => { setImmediate(resolve); });
    while (this.#queue.length > 0) {
      const lines = this.#queue.join('');
      this.#queue = [];
      try {
        await this.#append(lines);
      } catch (error) {
        this.#log.error({ error: error instanceof Error ? error.message : String(error) }, 'audit events could not be written');
      }
      this.#queued = this.#queue.reduce((sum, line) => sum + line.length, 0);
    }
    this.#writing = undefined;
  }

  async #append(lines: string): Promise<void> {
    if (this.#options.path === '-') {
      process.stdout.write(lines);
      return;
    }
    const bytes = Buffer.byteLength(lines);
    if (this.#size > 0 && this.#size + bytes > this.#options.maxSize * MEGABYTE) {
      await this.#turnOver();
    }
    await this.#file?.appendFile(lines);
    this.#size += bytes;
  }

  /** `audit.log` becomes `audit-2030-01-02T03-04-05.678.log`, as kube-apiserver names it. */
  async #turnOver(): Promise<void> {
    const { path } = this.#options;
    await this.#file?.close();
    const extension = extname(path);
    const stamp = new Date().toISOString().replaceAll(':', '-').replace('Z', '');
    await rename(path, join(dirname(path), `${basename(path, extension)}-${stamp}${extension}`));
    this.#file = await open(path, 'a', 0o600);
    this.#size = 0;
    await this.#forgetOld();
  }

  async #forgetOld(): Promise<void> {
    const { path, maxAge, maxBackup } = this.#options;
    const extension = extname(path);
    const prefix = `${basename(path, extension)}-`;
    const old = (await readdir(dirname(path))).filter((name) => name.startsWith(prefix) && name.endsWith(extension)).sort().reverse();
    for (const [index, name] of old.entries()) {
      const file = join(dirname(path), name);
      const expired = maxAge > 0 && Date.now() - (await stat(file)).mtimeMs > maxAge * DAY_MS;
      if (expired || (maxBackup > 0 && index >= maxBackup)) {
        await rm(file, { force: true });
      }
    }
  }

  /** Writes what is queued. */
  async close(): Promise<void> {
    await this.#writing;
    await this.#file?.close();
    this.#file = undefined;
  }
}
