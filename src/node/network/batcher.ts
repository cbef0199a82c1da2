/** Coalescing: what arrives while one batch runs becomes the next, so fifty pods at once cost a few spawns and one pod waits for nothing. */

/** Items of one batch; more wait for the next. */
const MAX_BATCH = 256;
/** Items that may wait; a node holds far fewer pods and changes. */
const MAX_WAITING = 65_536;

interface Waiting<T> {
  item: T;
  resolve(): void;
  reject(error: unknown): void;
}

export class Batcher<T> {
  readonly #run: (items: readonly T[]) => Promise<(Error | undefined)[]>;
  #waiting: Waiting<T>[] = [];
  #running = false;

  /** `run` answers, per item, the error that befell it; throwing fails all of the batch. */
  constructor(run: (items: readonly T[]) => Promise<(Error | undefined)[]>) {
    this.#run = run;
  }

  /** Resolves when the batch that took the item is done. */
  add(item: T): Promise<void> {
    if (this.#waiting.length >= MAX_WAITING) {
      return Promise.reject(new Error(`more than ${MAX_WAITING} network changes are waiting`));
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ item, resolve, reject });
    if (!this.#running) {
      this.#running = true;
      // Whatever is asked for in this same turn goes into the first batch.
      setImmediate(() => void this.#drain());
    }
    return promise;
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, MAX_BATCH);
      try {
        const errors = await this.#run(batch.map(({ item }) => item));
        batch.forEach((waiting, index) => {
          const error = errors[index];
          if (error === undefined) {
            waiting.resolve();
          } else {
            waiting.reject(error);
          }
        });
      } catch (error) {
        batch.forEach((waiting) => { waiting.reject(error); });
      }
    }
    this.#running = false;
  }
}

/** At most `limit` of the given tasks run at once: forks beyond the cores only fight. */
export class Gate {
  readonly #limit: number;
  readonly #queue: (() => void)[] = [];
  #held = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  async run<R>(task: () => Promise<R>): Promise<R> {
    if (this.#held >= this.#limit) {
      await new Promise<void>((resolve) => { this.#queue.push(resolve); });
    } else {
      this.#held++;
    }
    try {
      return await task();
    } finally {
      const next = this.#queue.shift();
      if (next === undefined) {
        this.#held--;
      } else {
        next();
      }
    }
  }
}
