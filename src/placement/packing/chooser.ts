/** Which machine a request goes to: the best score, on equal scores the first in a fixed order. Scores are kept until the machine changes. */
import { isShare, type Estate, type Placement, type Request } from './estate.ts';
import type { Policy } from './policies.ts';

/** Scores of one kind of request on every machine, each with the machine's version it was computed at. */
interface Known {
  version: Float64Array;
  score: Float64Array;
  device: Int32Array;
}

export interface ChooserOptions {
  estate: Estate;
  policy: Policy;
  /** Machine indices in the order that decides between equal scores; default as they are. Decisive for the result: see the README. */
  order?: readonly number[];
  /** Spread scores over 0–100 as whole numbers among those that fit, as BestFit has it. */
  normalise?: boolean;
}

const NEVER = -1;
const SPREAD = 100;

export class Chooser {
  readonly #estate: Estate;
  readonly #order: Int32Array;
  readonly #normalise: boolean;
  #policy: Policy;
  readonly #known = new Map<string, Known>();

  constructor({ estate, policy, order, normalise = false }: ChooserOptions) {
    this.#estate = estate;
    this.#policy = policy;
    this.#order = Int32Array.from(order ?? estate.machines.keys());
    this.#normalise = normalise;
  }

  /** Another policy from now on; what is known of the old one is forgotten. */
  usePolicy(policy: Policy): void {
    this.#policy = policy;
    this.#known.clear();
  }

  /** Where the request should go; undefined when nothing fits. The estate is not changed. */
  choose(request: Request): Placement | undefined {
    const known = this.#knownOf(request);
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    let best = -1;
    for (const machine of this.#order) {
      if (!this.#estate.fits(request, machine)) {
        continue;
      }
      const score = this.#score(known, request, machine);
      low = Math.min(low, score);
      if (score > high) {
        [best, high] = [machine, score];
      }
    }
    if (best < 0) {
      return undefined;
    }
    return this.#placement(known, request, this.#normalise && high > low ? this.#firstOfTheBest(known, request, low, high) : best);
  }

  /** Where on one machine it would go; undefined when it does not fit there. */
  chooseOn(request: Request, machine: number): Placement | undefined {
    if (!this.#estate.fits(request, machine)) {
      return undefined;
    }
    const known = this.#knownOf(request);
    this.#score(known, request, machine);
    return this.#placement(known, request, machine);
  }

  /** How good a machine is for the request; undefined when it does not fit there. */
  scoreOn(request: Request, machine: number): { score: number; placement: Placement } | undefined {
    if (!this.#estate.fits(request, machine)) {
      return undefined;
    }
    const known = this.#knownOf(request);
    const score = this.#score(known, request, machine);
    return { score, placement: this.#placement(known, request, machine) };
  }

  /** With whole numbers from 0 to 100, machines a little worse than the best count as equal to it. */
  #firstOfTheBest(known: Known, request: Request, low: number, high: number): number {
    const spread = (score: number): number => Math.trunc((score - low) * SPREAD / (high - low));
    return this.#order.find((machine) => this.#estate.fits(request, machine) && spread(this.#score(known, request, machine)) === SPREAD) ?? -1;
  }

  #placement(known: Known, request: Request, machine: number): Placement {
    const device = known.device[machine] ?? -1;
    return { machine, devices: isShare(request) ? [device] : this.#estate.firstIdle(machine, request.devices) };
  }

  #score(known: Known, request: Request, machine: number): number {
    const version = this.#estate.version[machine] ?? 0;
    if (known.version[machine] !== version) {
      const { score, device } = this.#policy(this.#estate, request, machine);
      known.version[machine] = version;
      known.score[machine] = score;
      known.device[machine] = device;
    }
    return known.score[machine] ?? Number.NEGATIVE_INFINITY;
  }

  /** Memory decides only whether a request fits, never how good a machine is. */
  #knownOf({ cpuMilli, devices, milli, models }: Request): Known {
    const key = `${cpuMilli} ${devices} ${milli} ${models}`;
    let known = this.#known.get(key);
    if (known === undefined) {
      const count = this.#estate.machines.length;
      known = { version: new Float64Array(count).fill(NEVER), score: new Float64Array(count), device: new Int32Array(count) };
      this.#known.set(key, known);
    }
    return known;
  }
}
