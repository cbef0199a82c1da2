/** Lines of a CRI log: `2026-01-01T00:00:00.000000000+00:00 stdout F text`; P marks a line that goes on in the next. */

export interface LogFormat {
  timestamps: boolean;
  /** Lines before it are left out. */
  since?: Date;
  /** Only this stream. */
  stream?: 'stdout' | 'stderr';
}

const SPACE = 32;
const PARTIAL = 80;
const NEWLINE = Buffer.from('\n');

/** `…+00:00` as Kubernetes writes it: `…Z`. */
function shownTime(time: Buffer): Buffer {
  const text = time.toString('latin1');
  return Buffer.from(text.endsWith('+00:00') ? `${text.slice(0, -6)}Z ` : `${text} `);
}

/** Turns raw lines into what the client sees. Keeps whether the last line of each stream was partial. */
export class LogFormatter {
  readonly #format: LogFormat;
  readonly #partial = new Set<string>();
  /** Times are in order: once one is recent enough, the rest are. */
  #reached: boolean;

  constructor(format: LogFormat) {
    this.#format = format;
    this.#reached = format.since === undefined;
  }

  /** `line` without its newline; undefined when it is not shown. */
  line(line: Buffer): Buffer | undefined {
    const first = line.indexOf(SPACE);
    const second = line.indexOf(SPACE, first + 1);
    const third = line.indexOf(SPACE, second + 1);
    if (first < 0 || second < 0 || third < 0) {
      return undefined;
    }
    const stream = line.toString('latin1', first + 1, second);
    if (!this.#isWanted(line.subarray(0, first), stream)) {
      return undefined;
    }
    const continued = this.#partial.has(stream);
    const partial = line[second + 1] === PARTIAL;
    if (partial) {
      this.#partial.add(stream);
    } else {
      this.#partial.delete(stream);
    }
    const text = line.subarray(third + 1);
    const time = this.#format.timestamps && !continued ? [shownTime(line.subarray(0, first))] : [];
    return Buffer.concat([...time, text, ...(partial ? [] : [NEWLINE])]);
  }

  #isWanted(time: Buffer, stream: string): boolean {
    if (!this.#reached && new Date(time.toString('latin1')) >= (this.#format.since ?? new Date(0))) {
      this.#reached = true;
    }
    return this.#reached && (this.#format.stream === undefined || this.#format.stream === stream);
  }
}
