/**
 * Which objects stay parsed. Everything is kept as JSON text; the object beside it costs as much again, so only what was read or written
 * lately keeps one. Two generations: when the young one is full, what of the old one was not asked for meanwhile forgets its object.
 */

/** Characters of JSON whose objects are kept in each of the two generations. */
export const MAX_PARSED_CHARACTERS = 12 * 1024 * 1024;

export interface Parsed {
  readonly json: string;
  /** Forgets the object, unless it was asked for since the last time: then it answers true. */
  renew(): boolean;
}

export class ParsedObjects {
  readonly #limit: number;
  #young: Parsed[] = [];
  #old: Parsed[] = [];
  #characters = 0;

  constructor(limit: number = MAX_PARSED_CHARACTERS) {
    this.#limit = limit;
  }

  /** One more object has been parsed. */
  add(parsed: Parsed): void {
    this.#young.push(parsed);
    this.#characters += parsed.json.length;
    if (this.#characters > this.#limit) {
      this.#rotate();
    }
  }

  #rotate(): void {
    const previous = this.#old;
    this.#old = this.#young;
    this.#young = [];
    this.#characters = 0;
    for (const parsed of previous) {
      if (parsed.renew()) {
        this.#young.push(parsed);
        this.#characters += parsed.json.length;
      }
    }
  }
}
