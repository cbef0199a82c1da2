/** Forgets history: durably first, then in memory, then row by row in bounded transactions between which writes go on. */
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import type { Backend } from './backend.ts';
import type { Revision } from './store.ts';

/** Rows removed in one transaction. */
const CHUNK_ROWS = 1_000;
/** Pause between two transactions, in milliseconds, so that removing rows never starves writers. */
const CHUNK_PAUSE_MS = 5;

export interface Forgotten {
  /** Rows that nobody can reach any more. */
  garbage: Revision[];
  /** There is more to forget up to the same revision. */
  more: boolean;
}

export interface CompactorOptions {
  backend: Backend;
  compacted: Revision;
  /** Rows already superseded at or before the compacted revision; of each key the oldest first. */
  garbage: Revision[];
  /** 0 for no compaction by time. */
  everyMs: number;
  current(): Revision;
  /** Drops history up to a revision from memory, some of it at a time. */
  forget(revision: Revision): Forgotten;
  onError(error: Error): void;
}

export class Compactor {
  readonly #options: CompactorOptions;
  #garbage: Revision[];
  #turn: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  /** Where the log stood one interval ago: compaction keeps between one and two intervals. */
  #mark: Revision;
  /** What has been written down as compacted. */
  #durable: Revision;
  /** The revision that memory has forgotten ahead of the disk; 0 when none is being written down. */
  #shedding: Revision = 0;
  /** Rows that memory gave up before the disk did, by the revision up to which it did; in order. */
  readonly #early: { revision: Revision; garbage: Revision[] }[] = [];
  #closed = false;

  constructor(options: CompactorOptions) {
    this.#options = options;
    this.#garbage = options.garbage;
    this.#mark = options.current();
    this.#durable = options.compacted;
    if (options.everyMs > 0) {
      this.#timer = setInterval(() => this.#tick(), options.everyMs);
      this.#timer.unref();
    }
    if (this.#garbage.length > 0) {
      this.#inBackground(() => this.#collect());
    }
  }

  #tick(): void {
    const mark = this.#mark;
    this.#mark = this.#options.current();
    if (mark > this.#durable) {
      this.#inBackground(() => this.#run(mark));
    }
  }

  #inBackground(work: () => Promise<void>): void {
    this.#queue(work).catch((error: unknown) => {
      this.#options.onError(error instanceof Error ? error : new Error(String(error)));
    });
  }

  /** One compaction at a time. */
  #queue(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }

  compact(revision: Revision): Promise<void> {
    return this.#queue(() => this.#run(revision));
  }

  /** Memory's limits are reached: forget at once, and let the disk follow. */
  shed(revision: Revision): void {
    // Memory cannot wait; the rows can go only when the disk says that this is no longer history.
    let more = true;
    while (more) {
      const forgotten = this.#options.forget(revision);
      this.#early.push({ revision, garbage: forgotten.garbage });
      ({ more } = forgotten);
    }
    const idle = this.#shedding === 0;
    this.#shedding = revision;
    if (idle) {
      this.#inBackground(() => {
        const reached = this.#shedding;
        this.#shedding = 0;
        return this.#run(reached);
      });
    }
  }

  #takeEarly(): void {
    for (let first = this.#early[0]; first !== undefined && first.revision <= this.#durable; first = this.#early[0]) {
      this.#keep(first.garbage);
      this.#early.shift();
    }
  }

  /** Answers whether there is more. */
  #forgetSome(revision: Revision): boolean {
    const { garbage, more } = this.#options.forget(revision);
    this.#keep(garbage);
    return more;
  }

  #keep(garbage: readonly Revision[]): void {
    for (const revision of garbage) {
      this.#garbage.push(revision);
    }
  }

  async #run(revision: Revision): Promise<void> {
    if (revision > this.#durable) {
      await this.#options.backend.compact(revision, []);
      this.#durable = revision;
    }
    this.#takeEarly();
    while (this.#forgetSome(revision)) {
      // Everybody else gets a turn.
      await nextTurn();
    }
    await this.#collect();
  }

  async #collect(): Promise<void> {
    while (this.#garbage.length > 0 && !this.#closed) {
      // Oldest first: a deletion that went before what it deleted would bring that back at the next start.
      const chunk = this.#garbage.splice(0, CHUNK_ROWS);
      try {
        await this.#options.backend.compact(this.#durable, chunk);
      } catch (error) {
        this.#garbage = [...chunk, ...this.#garbage];
        throw error;
      }
      await delay(CHUNK_PAUSE_MS);
    }
  }

  /** Ends after the transaction under way; what is left is found again at the next start. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#turn;
  }
}
