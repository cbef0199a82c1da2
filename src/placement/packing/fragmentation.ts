/**
 * Fragmentation as FGD measures it (Weng et al., USENIX ATC 2023): the free device thousandths of a machine that a typical request
 * cannot use, averaged over what is typically asked for.
 */
import { allows, DEVICE, type Estate } from './estate.ts';
import type { Typical } from './typical.ts';

/**
 * Typical requests by columns, so that a machine is judged without touching objects. Sorted by nothing: the sum is the same in any order
 * up to rounding, which the integer score hides.
 */
export class Expectation {
  readonly #cpu: Float64Array;
  readonly #devices: Int32Array;
  readonly #milli: Int32Array;
  readonly #models: Int32Array;
  readonly #weight: Float64Array;
  readonly #count: number;

  constructor(typical: readonly Typical[]) {
    this.#count = typical.length;
    this.#cpu = Float64Array.from(typical, ({ cpuMilli }) => cpuMilli);
    this.#devices = Int32Array.from(typical, ({ devices }) => devices);
    this.#milli = Int32Array.from(typical, ({ milli }) => milli);
    this.#models = Int32Array.from(typical, ({ models }) => models);
    this.#weight = Float64Array.from(typical, ({ weight }) => weight);
  }

  /** Thousandths of a machine that are free and of no use, expected; with `cpu` taken from its free CPU first. */
  fragment(estate: Estate, machine: number, cpu = 0): number {
    const from = machine * estate.width;
    const to = from + estate.devicesOf(machine);
    const free = estate.deviceFree;
    const cpuFree = (estate.cpuFree[machine] ?? 0) - cpu;
    const model = estate.modelOf(machine);
    const [all, idle] = totals(free, from, to);
    let sum = 0;
    for (let m = 0; m < this.#count; m += 1) {
      const devices = this.#devices[m] ?? 0;
      const milli = this.#milli[m] ?? 0;
      let unusable = all;
      if (devices > 0 && cpuFree >= (this.#cpu[m] ?? 0) && allows(this.#models[m] ?? 0, model)) {
        const whole = idle < devices ? all : all - idle * DEVICE;
        unusable = devices > 1 || milli === DEVICE ? whole : tooSmall(free, from, to, milli) ?? all;
      }
      sum += unusable * (this.#weight[m] ?? 0);
    }
    return sum;
  }
}

/** Free thousandths on devices with less than `milli` left; undefined when no device has as much. */
function tooSmall(free: Int32Array, from: number, to: number, milli: number): number | undefined {
  let small = 0;
  let fits = false;
  for (let at = from; at < to; at += 1) {
    const left = free[at] ?? 0;
    if (left < milli) {
      small += left;
    } else {
      fits = true;
    }
  }
  return fits ? small : undefined;
}

/** Free thousandths in all, and devices with nothing on them. */
function totals(free: Int32Array, from: number, to: number): readonly [all: number, idle: number] {
  let all = 0;
  let idle = 0;
  for (let at = from; at < to; at += 1) {
    const left = free[at] ?? 0;
    all += left;
    idle += left === DEVICE ? 1 : 0;
  }
  return [all, idle];
}
