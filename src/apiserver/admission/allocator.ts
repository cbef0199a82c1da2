/**
 * Hands out numbers of a range (addresses, ports). What objects own is told by `own` and `disown`; what a write under
 * way has taken is `held` until it is released, so a number is free again exactly when nobody has it.
 */
export class Allocator {
  readonly first: number;
  readonly last: number;
  readonly #dynamicFirst: number;
  /** Number → how many objects own it (two for the moment in which one takes over from another). */
  readonly #owned = new Map<number, number>();
  readonly #held = new Set<number>();

  /** Both ends are included. Unasked, only numbers from `dynamicFirst` on are handed out. */
  constructor(first: number, last: number, dynamicFirst: number = first) {
    this.first = first;
    this.last = last;
    this.#dynamicFirst = dynamicFirst;
  }

  contains(number: number): boolean {
    return number >= this.first && number <= this.last;
  }

  isFree(number: number): boolean {
    return !this.#owned.has(number) && !this.#held.has(number);
  }

  /** Takes this number. False when somebody has it. */
  hold(number: number): boolean {
    if (!this.isFree(number)) {
      return false;
    }
    this.#held.add(number);
    return true;
  }

  /** Takes any free number, at random so that a number just given back is not the next one out; undefined when there is none. */
  holdAny(): number | undefined {
    const size = this.last - this.#dynamicFirst + 1;
    const start = Math.floor(Math.random() * size);
    for (let step = 0; step < size; step += 1) {
      const number = this.#dynamicFirst + ((start + step) % size);
      if (this.hold(number)) {
        return number;
      }
    }
    return undefined;
  }

  release(number: number): void {
    this.#held.delete(number);
  }

  own(number: number): void {
    this.#owned.set(number, (this.#owned.get(number) ?? 0) + 1);
  }

  disown(number: number): void {
    const owners = this.#owned.get(number) ?? 0;
    if (owners <= 1) {
      this.#owned.delete(number);
    } else {
      this.#owned.set(number, owners - 1);
    }
  }

  get used(): number {
    return this.#owned.size + this.#held.size;
  }
}
