/** Replaying arrivals on an estate by the protocol of FGD's authors: one by one, none leaves, what does not fit is dropped. */
import { Chooser } from '../../src/placement/packing/chooser.ts';
import { demand, Estate, type Machine, type Placement, type Request } from '../../src/placement/packing/estate.ts';
import { Expectation } from '../../src/placement/packing/fragmentation.ts';
import { LearningChooser, policyFor } from '../../src/placement/packing/learning.ts';
import { bestFit, fragmentationGradient } from '../../src/placement/packing/policies.ts';
import { relocate, type Movable } from '../../src/placement/packing/relocate.ts';
import { demandOf } from '../../src/placement/packing/typical.ts';

/** `telar` learns as it goes; `telar-whole` knows the statistics of the whole trace beforehand, as `fgd` does. */
export const POLICIES = ['telar', 'telar-whole', 'fgd', 'bestfit'] as const;
export type PolicyName = (typeof POLICIES)[number];

export interface Replay {
  /** Percent of all devices in use when as many have been asked for as there are, and 1.3 times as many. */
  at100: number;
  at130: number;
  refused: number;
  moves: number;
  seconds: number;
}

export interface ReplayOptions {
  machines: readonly Machine[];
  requests: readonly Request[];
  policy: PolicyName;
  seed: number;
  relocation: boolean;
}

/** Mulberry32: the same order for the same seed on every machine. */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function shuffled(count: number, seed: number): number[] {
  const next = random(seed);
  const order = Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last -= 1) {
    const other = Math.floor(next() * (last + 1));
    [order[last], order[other]] = [order[other] ?? 0, order[last] ?? 0];
  }
  return order;
}

interface Placing {
  choose(request: Request): Placement | undefined;
  chooser: Chooser;
}

function placing({ policy, requests, machines, seed }: ReplayOptions, estate: Estate): Placing {
  const order = shuffled(machines.length, seed);
  if (policy === 'telar') {
    return new LearningChooser(estate, order);
  }
  const typical = demandOf(requests).typical();
  const chooser = policy === 'bestfit' ? new Chooser({ estate, order, policy: bestFit, normalise: true })
    : new Chooser({ estate, order, policy: policy === 'fgd' ? fragmentationGradient(new Expectation(typical)) : policyFor(estate, typical) });
  return { choose: (request) => chooser.choose(request), chooser };
}

/** What runs where, kept so that something can be moved. */
class Running {
  readonly #estate: Estate;
  readonly #on: Movable[][];
  used = 0;

  constructor(estate: Estate) {
    this.#estate = estate;
    this.#on = estate.machines.map(() => []);
  }

  on(machine: number): readonly Movable[] {
    return this.#on[machine] ?? [];
  }

  start(request: Request, placement: Placement): void {
    this.#estate.place(request, placement);
    this.#on[placement.machine]?.push({ request, placement });
    this.used += demand(request);
  }

  move(moved: Movable, to: Placement): void {
    const before = this.#on[moved.placement.machine];
    before?.splice(before.indexOf(moved), 1);
    this.#estate.release(moved.request, moved.placement);
    moved.placement = to;
    this.#estate.place(moved.request, to);
    this.#on[to.machine]?.push(moved);
  }
}

/** Mean allocation, in hundredths of a percent as published, by whole percent of what has been asked for. */
class Curve {
  readonly #bins = new Map<number, { sum: number; count: number }>();

  add(arrived: number, used: number): void {
    const at = Math.round(arrived * 100);
    const bin = this.#bins.get(at) ?? { sum: 0, count: 0 };
    bin.sum += Math.round(used * 10_000) / 100;
    bin.count += 1;
    this.#bins.set(at, bin);
  }

  at(percent: number): number {
    const bin = this.#bins.get(percent) ?? this.#bins.get(percent - 1) ?? this.#bins.get(percent + 1);
    return bin === undefined ? Number.NaN : bin.sum / bin.count;
  }
}

export function replay(options: ReplayOptions): Replay {
  const { machines, requests, relocation } = options;
  const begun = performance.now();
  const estate = new Estate(machines);
  const running = new Running(estate);
  const place = placing(options, estate);
  const capacity = machines.reduce((sum, machine) => sum + machine.devices * 1000, 0);
  const curve = new Curve();
  let [arrived, refused, moves] = [0, 0, 0];
  for (const request of requests) {
    arrived += demand(request);
    const placement = place.choose(request);
    const way = placement === undefined && relocation ? relocate(estate, place.chooser, request, (machine) => running.on(machine)) : undefined;
    if (placement !== undefined) {
      running.start(request, placement);
    } else if (way !== undefined) {
      running.move(way.moved, way.to);
      running.start(request, way.placement);
      moves += 1;
    } else {
      refused += 1;
    }
    curve.add(arrived / capacity, running.used / capacity);
  }
  return { at100: curve.at(100), at130: curve.at(130), refused, moves, seconds: (performance.now() - begun) / 1000 };
}
