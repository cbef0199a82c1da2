/** What a person sees while something takes its time: steps, and under the present one a line that changes. */

const CLEAR_LINE = '\r\u001b[2K';

export class Progress {
  readonly #out: NodeJS.WriteStream;
  #last = '';

  constructor(out: NodeJS.WriteStream = process.stdout) {
    this.#out = out;
  }

  step(title: string): void {
    this.done();
    this.#out.write(`==> ${title}\n`);
  }

  /** A line that stays. */
  line(words: string): void {
    this.done();
    this.#out.write(`    ${words}\n`);
  }

  /** The present state: replaced on a terminal, a new line elsewhere whenever it changes. */
  state(words: string): void {
    if (words === this.#last) {
      return;
    }
    this.#last = words;
    if (this.#out.isTTY) {
      const width = Math.max(20, (this.#out.columns ?? 80) - 6);
      this.#out.write(`${CLEAR_LINE}    ${words.length > width ? `${words.slice(0, width - 1)}…` : words}`);
      return;
    }
    this.#out.write(`    ${words}\n`);
  }

  /** Ends a line that was still changing. */
  done(): void {
    if (this.#last !== '' && this.#out.isTTY) {
      this.#out.write('\n');
    }
    this.#last = '';
  }
}
