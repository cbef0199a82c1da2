/**
 * A queue of keys for controllers. A key waiting is held once; a key added while it is being worked on
 * is worked on again afterwards, never by two workers at once.
 */

export interface BackoffOptions {
  /** First delay after a failure, milliseconds. */
  baseMs?: number;
  /** Longest delay, milliseconds. */
  maxMs?: number;
}

const DEFAULT_BASE_MS = 5;
const DEFAULT_MAX_MS = 1_000_000;
/** The longest delay a Node timer can hold; longer waits are re-armed. */
const TIMER_MAX_MS = 2_147_483_647;

interface Waiting {
  due: number;
  timer: NodeJS.Timeout;
}

export class WorkQueue {
  readonly #baseMs: number;
  readonly #maxMs: number;
  /** Keys that need work, in order of arrival; a Set keeps insertion order and forbids doubles. */
  readonly #ready = new Set<string>();
  /** Keys a worker holds → whether they were added again meanwhile. */
  readonly #processing = new Map<string, boolean>();
  readonly #waiting = new Map<string, Waiting>();
  readonly #failures = new Map<string, number>();
  readonly #takers: ((key: string | undefined) => void)[] = [];
  #closed = false;

  constructor(options: BackoffOptions = {}) {
    this.#baseMs = options.baseMs ?? DEFAULT_BASE_MS;
    this.#maxMs = options.maxMs ?? DEFAULT_MAX_MS;
  }

  /** Keys ready to be worked on. */
  get depth(): number {
    return this.#ready.size;
  }

  get closed(): boolean {
    return this.#closed;
  }

  add(key: string): void {
    if (this.#closed) {
      return;
    }
    if (this.#processing.has(key)) {
      this.#processing.set(key, true);
      return;
    }
    if (this.#ready.has(key)) {
      return;
    }
    const taker = this.#takers.shift();
    if (taker) {
      this.#processing.set(key, false);
      taker(key);
    } else {
      this.#ready.add(key);
    }
  }

  /** Add after `ms`; of several pending delays of one key the earliest wins. */
  addAfter(key: string, ms: number): void {
    if (this.#closed) {
      return;
    }
    if (!(ms > 0)) {
      this.add(key);
      return;
    }
    const due = performance.now() + ms;
    const pending = this.#waiting.get(key);
    if (pending !== undefined && pending.due <= due) {
      return;
    }
    clearTimeout(pending?.timer);
    this.#arm(key, due);
  }

  #arm(key: string, due: number): void {
    const wait = Math.min(Math.max(Math.ceil(due - performance.now()), 1), TIMER_MAX_MS);
    const timer = setTimeout(() => {
      if (performance.now() + 1 < due) {
        this.#arm(key, due);
        return;
      }
      this.#waiting.delete(key);
      this.add(key);
    }, wait);
    this.#waiting.set(key, { due, timer });
  }

  /** Add after the key's back-off, which doubles with every call until `forget`. */
  addRateLimited(key: string): void {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    this.addAfter(key, Math.min(this.#baseMs * 2 ** failures, this.#maxMs));
  }

  /** The key succeeded: its back-off starts anew. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** Failures of the key since it was last forgotten. */
  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /** The next key, which the caller must hand to `done`; undefined once the queue is closed. */
  get(): Promise<string | undefined> {
    if (this.#closed) {
      return Promise.resolve(undefined);
    }
    for (const key of this.#ready) {
      this.#ready.delete(key);
      this.#processing.set(key, false);
      return Promise.resolve(key);
    }
    return new Promise((resolve) => {
      this.#takers.push(resolve);
    });
  }

  done(key: string): void {
    const again = this.#processing.get(key);
    this.#processing.delete(key);
    if (again === true) {
      this.add(key);
    }
  }

  /** Drops what waits and sends every worker home. Keys being worked on finish. */
  close(): void {
    if (this.#closed) {
      return;
    }
    this.#closed = true;
    for (const { timer } of this.#waiting.values()) {
      clearTimeout(timer);
    }
    this.#waiting.clear();
    this.#ready.clear();
    this.#failures.clear();
    for (const taker of this.#takers.splice(0)) {
      taker(undefined);
    }
  }
}
