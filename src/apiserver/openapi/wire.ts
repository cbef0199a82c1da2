/** Writing protobuf: just what the OpenAPI v2 document needs, into one buffer that grows. */

const VARINT = 0;
const BYTES = 2;
const INITIAL_BYTES = 1 << 16;
/** Bytes of the longest length that is written. */
const MAX_VARINT = 5;

const varintSize = (value: number): number => {
  let size = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 128)) {
    size += 1;
  }
  return size;
};

export class WireWriter {
  #buffer = Buffer.allocUnsafe(INITIAL_BYTES);
  #at = 0;

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) {
      return;
    }
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#at + bytes));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }

  #putVarint(value: number, at: number): void {
    let rest = value;
    let place = at;
    while (rest > 0x7f) {
      this.#buffer[place] = (rest & 0x7f) | 0x80;
      rest = Math.floor(rest / 128);
      place += 1;
    }
    this.#buffer[place] = rest;
  }

  #varint(value: number): void {
    this.#room(MAX_VARINT);
    this.#putVarint(value, this.#at);
    this.#at += varintSize(value);
  }

  bool(number: number, value: boolean | undefined): this {
    if (value === true) {
      this.#varint(number * 8 + VARINT);
      this.#varint(1);
    }
    return this;
  }

  string(number: number, value: string | undefined): this {
    if (value === undefined || value === '') {
      return this;
    }
    const size = Buffer.byteLength(value);
    this.#varint(number * 8 + BYTES);
    this.#varint(size);
    this.#room(size);
    this.#at += this.#buffer.write(value, this.#at);
    return this;
  }

  /** An embedded message that has been written elsewhere. */
  bytes(number: number, value: Uint8Array): this {
    this.#varint(number * 8 + BYTES);
    this.#varint(value.length);
    this.#room(value.length);
    this.#buffer.set(value, this.#at);
    this.#at += value.length;
    return this;
  }

  /** An embedded message, written by `fill`. Its length comes before it, so it is moved over when that takes more than a byte. */
  message(number: number, fill: (writer: WireWriter) => void): this {
    this.#varint(number * 8 + BYTES);
    this.#room(1);
    const start = this.#at;
    this.#at += 1;
    fill(this);
    const length = this.#at - start - 1;
    const extra = varintSize(length) - 1;
    if (extra > 0) {
      this.#room(extra);
      this.#buffer.copyWithin(start + 1 + extra, start + 1, this.#at);
      this.#at += extra;
    }
    this.#putVarint(length, start);
    return this;
  }

  /** What has been written, in a buffer of its own. */
  finish(): Uint8Array {
    return Uint8Array.from(this.#buffer.subarray(0, this.#at));
  }
}
