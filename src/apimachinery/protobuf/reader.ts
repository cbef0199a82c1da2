/** Protobuf's wire format, read with every length checked: the bytes come from outside. */

/** What cannot be read; becomes a BadRequest. */
export class WireError extends Error { override name = 'WireError'; }

export const VARINT = 0;
export const FIXED64 = 1;
export const LENGTH = 2;
export const FIXED32 = 5;

const MAX_VARINT_BYTES = 10;
const TWO_32 = 2 ** 32;

const utf8 = new TextDecoder('utf-8', { fatal: true });

export class Reader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;

  constructor(bytes: Uint8Array, start: number = 0, end: number = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  get done(): boolean {
    return this.#at >= this.#end;
  }

  #byte(): number {
    const byte = this.#at < this.#end ? this.#bytes[this.#at] : undefined;
    if (byte === undefined) {
      throw new WireError('unexpected end of message');
    }
    this.#at += 1;
    return byte;
  }

  /** Low and high 32 bits. */
  #varint(): { low: number; high: number } {
    let [low, high] = [0, 0];
    for (let index = 0; index < MAX_VARINT_BYTES; index += 1) {
      const byte = this.#byte();
      const bits = byte & 0x7f;
      const shift = index * 7;
      if (shift < 28) {
        low |= bits << shift;
      } else if (shift === 28) {
        low |= bits << 28;
        high |= bits >> 4;
      } else {
        high |= bits << (shift - 32);
      }
      if (byte < 0x80) {
        return { low: low >>> 0, high: high >>> 0 };
      }
    }
    throw new WireError('integer overflow');
  }

  /** A signed integer of up to 64 bits. Throws for what a number cannot hold exactly. */
  integer(): number {
    const { low, high } = this.#varint();
    const value = (high | 0) * TWO_32 + low;
    if (!Number.isSafeInteger(value)) {
      throw new WireError('integer out of range');
    }
    return value;
  }

  boolean(): boolean {
    const { low, high } = this.#varint();
    return low !== 0 || high !== 0;
  }

  #advance(length: number): number {
    const start = this.#at;
    if (length > this.#end - start) {
      throw new WireError('unexpected end of message');
    }
    this.#at = start + length;
    return start;
  }

  double(): number {
    const start = this.#advance(8);
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + start, 8).getFloat64(0, true);
  }

  #length(): number {
    const { low, high } = this.#varint();
    if (high !== 0) {
      throw new WireError('unexpected end of message');
    }
    return low;
  }

  /** A view of the next length-delimited value. */
  bytes(): Uint8Array {
    const length = this.#length();
    const start = this.#advance(length);
    return this.#bytes.subarray(start, start + length);
  }

  text(): string {
    try {
      return utf8.decode(this.bytes());
    } catch (error) {
      throw error instanceof WireError ? error : new WireError('invalid UTF-8', { cause: error });
    }
  }

  /** A reader of the next length-delimited value. */
  message(): Reader {
    const length = this.#length();
    const start = this.#advance(length);
    return new Reader(this.#bytes, start, start + length);
  }

  tag(): { number: number; wire: number } {
    const { low, high } = this.#varint();
    const number = low >>> 3;
    if (high !== 0 || number === 0) {
      throw new WireError('illegal tag');
    }
    return { number, wire: low & 7 };
  }

  skip(wire: number): void {
    switch (wire) {
      case VARINT: this.#varint(); return;
      case FIXED64: this.#advance(8); return;
      case LENGTH: this.bytes(); return;
      case FIXED32: this.#advance(4); return;
      default: throw new WireError(`illegal wire type ${wire}`);
    }
  }
}

export function expectWire(actual: number, expected: number): void {
  if (actual !== expected) {
    throw new WireError(`wrong wire type ${actual}`);
  }
}
