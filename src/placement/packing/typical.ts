/** What is usually asked for: the distribution that fragmentation and prices are measured against. */
import type { Request } from './estate.ts';

/** A request without its memory, and its share of all requests; the weights of a list add up to 1. */
export interface Typical {
  readonly cpuMilli: number;
  readonly devices: number;
  readonly milli: number;
  readonly models: number;
  readonly weight: number;
}

/** Kinds of request are taken, the commonest first, until they make up so much of all requests (as FGD does it). */
const COVERED = 0.95;

type Sort = Omit<Typical, 'weight'>;

const keyOf = ({ cpuMilli, devices, milli, models }: Sort): string => `${cpuMilli} ${devices} ${milli} ${models}`;

/** Counts requests as they come; the oldest are forgotten beyond `memory` of them. */
export class Demand {
  readonly #counts = new Map<string, { sort: Sort; count: number }>();
  readonly #recent: string[] = [];
  readonly #memory: number;
  #first = 0;

  constructor(memory = Number.POSITIVE_INFINITY) {
    this.#memory = memory;
  }

  get size(): number {
    return this.#recent.length - this.#first;
  }

  add({ cpuMilli, devices, milli, models }: Request): void {
    const sort = { cpuMilli, devices, milli, models };
    const key = keyOf(sort);
    const entry = this.#counts.get(key);
    if (entry === undefined) {
      this.#counts.set(key, { sort, count: 1 });
    } else {
      entry.count += 1;
    }
    this.#recent.push(key);
    if (this.size > this.#memory) {
      this.#forget(this.#recent[this.#first] ?? '');
      this.#first += 1;
    }
    // The forgotten part is dropped when it is the larger one, so that each request moves once on average.
    if (this.#first > this.size) {
      this.#recent.splice(0, this.#first);
      this.#first = 0;
    }
  }

  #forget(key: string): void {
    const entry = this.#counts.get(key);
    if (entry !== undefined && (entry.count -= 1) === 0) {
      this.#counts.delete(key);
    }
  }

  /** The commonest kinds, with weights that add up to 1. On equal counts the one seen first. */
  typical(covered = COVERED): Typical[] {
    const sorted = [...this.#counts.values()].sort((a, b) => b.count - a.count);
    const wanted = covered * this.size;
    const taken: typeof sorted = [];
    let sum = 0;
    for (const entry of sorted) {
      if (sum >= wanted) {
        break;
      }
      taken.push(entry);
      sum += entry.count;
    }
    return taken.map(({ sort, count }) => ({ ...sort, weight: count / sum }));
  }
}

export function demandOf(requests: Iterable<Request>): Demand {
  const demand = new Demand();
  for (const request of requests) {
    demand.add(request);
  }
  return demand;
}
