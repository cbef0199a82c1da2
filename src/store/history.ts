/** The events since the last compaction, in revision order: what watches resume from. Bounded in number and in bytes. */
import type { Revision, StoreEvent } from './store.ts';

export interface HistoryLimits {
  /** Events kept at most. */
  events: number;
  /** Characters of JSON that only history still holds, at most. */
  characters: number;
}

export const DEFAULT_HISTORY_LIMITS: HistoryLimits = { events: 100_000, characters: 128 * 1024 * 1024 };

/** Share of the limits that is made free at once: some thousand events, which takes a few milliseconds. */
const SPARE = 0.02;

/** What the event alone keeps in memory: the state it superseded. */
const weight = (event: StoreEvent): number => event.previous?.json.length ?? 0;

export class History {
  readonly #limits: HistoryLimits;
  #events: StoreEvent[] = [];
  /** Index of the oldest event; what lies before has been dropped. */
  #head = 0;
  #characters = 0;

  constructor(limits: HistoryLimits = DEFAULT_HISTORY_LIMITS) {
    this.#limits = limits;
  }

  get length(): number {
    return this.#events.length - this.#head;
  }

  /** Revision of the oldest event; Infinity when there is none. */
  get first(): Revision {
    return this.#events[this.#head]?.stored.revision ?? Infinity;
  }

  push(event: StoreEvent): void {
    this.#events.push(event);
    this.#characters += weight(event);
  }

  /** The revision up to which events must go for the limits to hold again; 0 when they hold. */
  get excess(): Revision {
    if (this.length <= this.#limits.events && this.#characters <= this.#limits.characters) {
      return 0;
    }
    // A little more than needed, so that this does not come up again with every write.
    let surplus = this.length - this.#limits.events * (1 - SPARE);
    let characters = this.#characters - this.#limits.characters * (1 - SPARE);
    let revision = 0;
    for (let index = this.#head; index < this.#events.length && (surplus > 0 || characters > 0); index += 1) {
      const event = this.#events[index];
      if (event !== undefined) {
        surplus -= 1;
        characters -= weight(event);
        revision = event.stored.revision;
      }
    }
    return revision;
  }

  /** Removes and returns the events at or before `revision`, the oldest `limit` of them. */
  shift(revision: Revision, limit = Infinity): StoreEvent[] {
    const end = Math.min(this.#after(revision), this.#head + limit);
    const shifted = this.#events.slice(this.#head, end);
    for (const event of shifted) {
      this.#characters -= weight(event);
    }
    this.#head = end;
    if (this.#head > this.#events.length / 2) {
      this.#events = this.#events.slice(this.#head);
      this.#head = 0;
    }
    return shifted;
  }

  /** Index of the first event after `revision`. */
  #after(revision: Revision): number {
    let low = this.#head;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const event = this.#events[middle];
      if (event !== undefined && event.stored.revision <= revision) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /** Up to `limit` events after `revision` whose key `matches`; `complete` when there are no more. */
  read(revision: Revision, matches: (key: string) => boolean, limit: number): { events: StoreEvent[]; complete: boolean } {
    const events: StoreEvent[] = [];
    for (let index = this.#after(revision); index < this.#events.length; index += 1) {
      const event = this.#events[index];
      if (event !== undefined && matches(event.stored.key)) {
        if (events.length === limit) {
          return { events, complete: false };
        }
        events.push(event);
      }
    }
    return { events, complete: true };
  }
}
