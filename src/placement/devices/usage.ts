/** What is in use of devices, of their capacities, and of the counters that they share. */
import type { PoolDevice } from './inventory.ts';
import type { Capacities } from './amounts.ts';

/** A device, or a share of it, that is given out. */
export interface Taken {
  readonly device: PoolDevice;
  /** Absent: the whole device, and nobody else gets any. */
  readonly consumed?: Capacities;
}

interface Use {
  whole: number;
  shares: number;
  readonly consumed: Map<string, number>;
}

function bump(map: Map<string, number>, key: string, by: number): void {
  const next = (map.get(key) ?? 0) + by;
  if (Math.abs(next) < 1e-9) {
    map.delete(key);
  } else {
    map.set(key, next);
  }
}

/** Counts add up over a base below, which is only read: what is planned over what is. */
export class Usage {
  readonly #base: Usage | undefined;
  readonly #devices = new Map<string, Use>();
  /** `driver/pool/set/counter` → amount. */
  readonly #counters = new Map<string, number>();

  constructor(base?: Usage) {
    this.#base = base;
  }

  /** Allocations of the whole device. */
  whole(id: string): number {
    return (this.#devices.get(id)?.whole ?? 0) + (this.#base?.whole(id) ?? 0);
  }

  shares(id: string): number {
    return (this.#devices.get(id)?.shares ?? 0) + (this.#base?.shares(id) ?? 0);
  }

  consumed(id: string, capacity: string): number {
    return (this.#devices.get(id)?.consumed.get(capacity) ?? 0) + (this.#base?.consumed(id, capacity) ?? 0);
  }

  counter(key: string): number {
    return (this.#counters.get(key) ?? 0) + (this.#base?.counter(key) ?? 0);
  }

  inUse(id: string): boolean {
    return this.whole(id) > 0 || this.shares(id) > 0;
  }

  /** Nothing is in use any more. */
  clear(): void {
    this.#devices.clear();
    this.#counters.clear();
  }

  take(taken: Taken): void {
    this.#change(taken, 1);
  }

  free(taken: Taken): void {
    this.#change(taken, -1);
  }

  #change({ device, consumed }: Taken, sign: 1 | -1): void {
    const before = this.inUse(device.id);
    const use = this.#devices.get(device.id) ?? { whole: 0, shares: 0, consumed: new Map<string, number>() };
    this.#devices.set(device.id, use);
    if (consumed === undefined) {
      use.whole += sign;
    } else {
      use.shares += sign;
      for (const [name, amount] of consumed) {
        bump(use.consumed, name, sign * amount);
      }
    }
    if (use.whole === 0 && use.shares === 0 && use.consumed.size === 0) {
      this.#devices.delete(device.id);
    }
    // Counters are the device's own, however many share it.
    if (before !== this.inUse(device.id)) {
      for (const [key, amount] of device.counters) {
        bump(this.#counters, key, sign * amount);
      }
    }
  }
}
