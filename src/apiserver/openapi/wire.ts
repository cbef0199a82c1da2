/** Writing protobuf: just what the OpenAPI v2 document needs. */
const encoder = new TextEncoder();

const VARINT = 0;
const BYTES = 2;

/** Grows by doubling; one writer per message, lengths being known only at the end. */
export class WireWriter {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  #push(bytes: Uint8Array): void {
    this.#parts.push(bytes);
    this.#length += bytes.length;
  }

  #varint(value: number): void {
    const bytes: number[] = [];
    let rest = value;
    while (rest > 0x7f) {
      bytes.push((rest & 0x7f) | 0x80);
      rest = Math.floor(rest / 128);
    }
    bytes.push(rest);
    this.#push(Uint8Array.from(bytes));
  }

  bool(number: number, value: boolean | undefined): this {
    if (value === true) {
      this.#varint(number * 8 + VARINT);
      this.#varint(1);
    }
    return this;
  }

  string(number: number, value: string | undefined): this {
    return value === undefined || value === '' ? this : this.bytes(number, encoder.encode(value));
  }

  bytes(number: number, value: Uint8Array): this {
    this.#varint(number * 8 + BYTES);
    this.#varint(value.length);
    this.#push(value);
    return this;
  }

  /** An embedded message, written by `fill`. */
  message(number: number, fill: (writer: WireWriter) => void): this {
    const inner = new WireWriter();
    fill(inner);
    return this.bytes(number, inner.finish());
  }

  finish(): Uint8Array {
    const result = new Uint8Array(this.#length);
    let at = 0;
    for (const part of this.#parts) {
      result.set(part, at);
      at += part.length;
    }
    return result;
  }
}
