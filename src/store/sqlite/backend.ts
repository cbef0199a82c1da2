/** The SQLite back end as the store's thread sees it: requests to the database's thread and their answers. */
import { Worker } from 'node:worker_threads';
import type { Backend, LogState, Row } from '../backend.ts';
import { StoreOpenError, StoreUnavailableError, type Revision } from '../store.ts';
import { fromColumns, toColumns, type Reply, type Request, type WorkerOptions } from './protocol.ts';

/** Of the database's thread, which only passes rows on: its memory counts on a small machine. */
const YOUNG_GENERATION_MB = 8;

interface Waiting {
  resolve(reply: Reply): void;
  reject(error: Error): void;
}

type Unnumbered<T> = T extends Request ? Omit<T, 'id'> : never;

export class SqliteBackend implements Backend {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #ended: Error | undefined;
  #closing = false;
  readonly #onLost: (error: Error) => void;

  private constructor(worker: Worker, onLost: (error: Error) => void) {
    this.#worker = worker;
    this.#onLost = onLost;
    worker.on('message', (reply: Reply) => this.#receive(reply));
    worker.on('error', (error) => this.#end(error instanceof Error ? error : new Error(String(error))));
    worker.on('exit', () => this.#end(new StoreUnavailableError('the database thread has ended')));
  }

  /** Throws StoreOpenError. `onLost` is told when the database's thread ends by itself: from then on every write fails. */
  static async open(options: WorkerOptions, onLost: (error: Error) => void = () => {}): Promise<SqliteBackend> {
    // Sources run as they are; what is published has been compiled beside them.
    const script = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);
    const worker = new Worker(script, { workerData: options, name: 'telar-store', execArgv: [], resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB } });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    worker.once('message', (reply: Reply) => {
      if (reply.kind === 'refused') {
        // Once it has ended, nothing of it holds the file any more.
        worker.once('exit', () => reject(new StoreOpenError(reply.message)));
      } else {
        resolve();
      }
    });
    worker.once('error', reject);
    await promise;
    return new SqliteBackend(worker, onLost);
  }

  #receive(reply: Reply): void {
    switch (reply.kind) {
      case 'done': reply.ids.forEach((id) => this.#take(id)?.resolve(reply)); return;
      case 'failed': reply.ids.forEach((id) => this.#take(id)?.reject(new StoreUnavailableError(reply.message))); return;
      case 'rows': case 'count': case 'state': this.#take(reply.id)?.resolve(reply); return;
      default:
    }
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }

  #end(error: Error): void {
    if (this.#ended === undefined) {
      this.#ended = error;
      if (!this.#closing) {
        this.#onLost(error);
      }
    }
    for (const waiting of this.#waiting.values()) {
      waiting.reject(error);
    }
    this.#waiting.clear();
  }

  #ask(request: Unnumbered<Request>): Promise<Reply> {
    if (this.#ended !== undefined) {
      return Promise.reject(this.#ended);
    }
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    this.#waiting.set(id, { resolve, reject });
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread has no origin
    this.#worker.postMessage({ ...request, id });
    return promise;
  }

  async append(rows: readonly Row[]): Promise<void> {
    await this.#ask({ op: 'append', columns: toColumns(rows) });
  }

  async after(revision: Revision, limit: number): Promise<Row[]> {
    return rowsOf(await this.#ask({ op: 'after', revision, limit }));
  }

  async list(prefix: string): Promise<Row[]> {
    return rowsOf(await this.#ask({ op: 'list', prefix }));
  }

  async count(prefix: string): Promise<number> {
    const reply = await this.#ask({ op: 'count', prefix });
    return reply.kind === 'count' ? reply.count : 0;
  }

  async compact(revision: Revision, superseded: readonly Revision[]): Promise<void> {
    await this.#ask({ op: 'compact', revision, superseded });
  }

  async rewrite(rows: readonly Row[]): Promise<void> {
    await this.#ask({ op: 'rewrite', columns: toColumns(rows) });
  }

  async scrub(): Promise<void> {
    await this.#ask({ op: 'scrub' });
  }

  async snapshot(file: string): Promise<void> {
    await this.#ask({ op: 'snapshot', file });
  }

  async currentRevision(): Promise<LogState> {
    const reply = await this.#ask({ op: 'state' });
    return reply.kind === 'state' ? { current: reply.current, compacted: reply.compacted } : { current: 0, compacted: 0 };
  }

  async close(): Promise<void> {
    if (this.#ended !== undefined) {
      return;
    }
    this.#closing = true;
    const exited = new Promise<void>((resolve) => { this.#worker.once('exit', () => resolve()); });
    await this.#ask({ op: 'close' });
    await exited;
  }
}

const rowsOf = (reply: Reply): Row[] => (reply.kind === 'rows' ? fromColumns(reply.columns) : []);
