/** Which addresses of the node's range are taken. In memory; what persists are the sandboxes' records, from which it is rebuilt. */
import { formatAddress, formatRange, inRange, parseAddress, type Range } from './address.ts';

/** A released address rests this long before it is handed out again, unless no other is free: late packets and DNS answers of its last pod die out. */
const REST_MS = 30_000;

export class AddressesExhausted extends Error {
  constructor(range: Range, taken: number) {
    super(`all ${taken} pod addresses of ${formatRange(range)} are in use: delete pods or start Telar with a larger pod range`);
    this.name = 'AddressesExhausted';
  }
}

export class AddressPool {
  readonly range: Range;
  readonly #reserved: ReadonlySet<number>;
  readonly #taken = new Set<number>();
  /** Released address → when, oldest first. */
  readonly #resting = new Map<number, number>();
  readonly #now: () => number;
  #cursor: number;

  /** Network, broadcast and the `reserved` addresses are never handed out. */
  constructor(range: Range, reserved: readonly string[], now: () => number = Date.now) {
    this.range = range;
    this.#reserved = new Set([range.first, range.last, ...reserved.map((text) => parseAddress(text) ?? range.first)]);
    this.#now = now;
    this.#cursor = range.first;
  }

  /** Next free address after the last one handed out. Throws AddressesExhausted. */
  allocate(): string {
    const size = this.range.last - this.range.first + 1;
    const now = this.#now();
    for (let step = 1; step <= size; step++) {
      const candidate = this.range.first + ((this.#cursor - this.range.first + step) % size);
      if (this.#free(candidate) && now - (this.#resting.get(candidate) ?? -Infinity) >= REST_MS) {
        return this.#take(candidate);
      }
    }
    const [longest] = [...this.#resting.keys()].filter((address) => this.#free(address));
    if (longest === undefined) {
      throw new AddressesExhausted(this.range, this.#taken.size);
    }
    return this.#take(longest);
  }

  /** Take a particular address, as when a pod is adopted; false when another has it or it is not of the range. */
  claim(text: string): boolean {
    const address = parseAddress(text);
    if (address === undefined || !inRange(this.range, address) || !this.#free(address)) {
      return false;
    }
    this.#take(address);
    return true;
  }

  release(text: string): void {
    const address = parseAddress(text);
    if (address !== undefined && this.#taken.delete(address)) {
      this.#resting.delete(address);
      this.#resting.set(address, this.#now());
    }
  }

  #free(address: number): boolean {
    return !this.#taken.has(address) && !this.#reserved.has(address);
  }

  #take(address: number): string {
    this.#taken.add(address);
    this.#resting.delete(address);
    this.#cursor = address;
    return formatAddress(address);
  }
}
