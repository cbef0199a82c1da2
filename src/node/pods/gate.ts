/** At most so many tasks at once; the others wait in the order they came. */
export class Gate {
  readonly #width: number;
  #busy = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(width: number) {
    this.#width = width;
  }

  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#busy >= this.#width) {
      await new Promise<void>((resolve) => { this.#waiting.push(resolve); });
    } else {
      this.#busy += 1;
    }
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) {
        this.#busy -= 1;
      } else {
        // The place is handed on, not given back.
        next();
      }
    }
  }
}
