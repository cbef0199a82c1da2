/** Placement that learns what is asked for as it comes: nothing has to be known beforehand. */
import { Chooser } from './chooser.ts';
import type { Estate, Placement, Request } from './estate.ts';
import { Expectation } from './fragmentation.ts';
import { fragmentationGradient, pricesOf } from './policies.ts';
import { Demand, type Typical } from './typical.ts';

/** Requests remembered: some weeks of a large cluster. */
const MEMORY = 20_000;
/** Expectations are drawn anew after so many requests at first, then ever less often: they settle, and drawing them costs. */
const FIRST = 50;
const GROWTH = 0.5;
const LONGEST = 500;

export class LearningChooser {
  readonly #estate: Estate;
  readonly #chooser: Chooser;
  readonly #demand = new Demand(MEMORY);
  #seen = 0;
  #next = FIRST;

  constructor(estate: Estate, order?: readonly number[]) {
    this.#estate = estate;
    this.#chooser = new Chooser({ estate, policy: policyFor(estate, []), ...(order === undefined ? {} : { order }) });
  }

  get chooser(): Chooser {
    return this.#chooser;
  }

  /** Where the request should go, after it has been learnt from; undefined when nothing fits. */
  choose(request: Request): Placement | undefined {
    this.#demand.add(request);
    this.#seen += 1;
    if (this.#seen === this.#next) {
      this.#chooser.usePolicy(policyFor(this.#estate, this.#demand.typical()));
      this.#next += Math.ceil(Math.min(LONGEST, this.#next * GROWTH));
    }
    return this.#chooser.choose(request);
  }
}

/** Telar's policy for an expected demand. */
export const policyFor = (estate: Estate, typical: readonly Typical[]): ReturnType<typeof fragmentationGradient> =>
  fragmentationGradient(new Expectation(typical), pricesOf(estate.machines, typical));
