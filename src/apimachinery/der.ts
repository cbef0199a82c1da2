/** As much of DER (ITU-T X.690) as certificates need: writing, and finding the way through what was written. */

const TAGS = { boolean: 0x01, integer: 0x02, bitString: 0x03, octetString: 0x04, oid: 0x06, utf8String: 0x0c, utcTime: 0x17, generalizedTime: 0x18, sequence: 0x30, set: 0x31 } as const;

function lengthOf(size: number): Buffer {
  if (size < 0x80) {
    return Buffer.from([size]);
  }
  const digits: number[] = [];
  for (let rest = size; rest > 0; rest = Math.floor(rest / 256)) {
    digits.unshift(rest % 256);
  }
  return Buffer.from([0x80 | digits.length, ...digits]);
}

/** One element: tag, length, content. */
export function tagged(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([Buffer.from([tag]), lengthOf(body.length), body]);
}

export const sequence = (...elements: readonly Uint8Array[]): Buffer => tagged(TAGS.sequence, ...elements);
export const set = (...elements: readonly Uint8Array[]): Buffer => tagged(TAGS.set, ...elements);
export const boolean = (value: boolean): Buffer => tagged(TAGS.boolean, Buffer.from([value ? 0xff : 0]));
export const octets = (bytes: Uint8Array): Buffer => tagged(TAGS.octetString, bytes);
export const text = (value: string): Buffer => tagged(TAGS.utf8String, Buffer.from(value));
/** `unused` is the number of bits at the end that do not count. */
export const bits = (bytes: Uint8Array, unused = 0): Buffer => tagged(TAGS.bitString, Buffer.from([unused]), bytes);
/** Context-specific, constructed: what ASN.1 writes `[n] EXPLICIT`. */
export const explicit = (number: number, ...elements: readonly Uint8Array[]): Buffer => tagged(0xa0 | number, ...elements);
/** Context-specific, primitive: `[n] IMPLICIT` of a string. */
export const implicit = (number: number, bytes: Uint8Array): Buffer => tagged(0x80 | number, bytes);

/** A non-negative integer, big-endian. */
export function integer(bytes: Uint8Array): Buffer {
  const first = bytes[0] ?? 0;
  return tagged(TAGS.integer, first >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes);
}

/** `2.5.29.17` */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const digits = [arc & 0x7f];
    for (let left = arc >> 7; left > 0; left >>= 7) {
      digits.unshift(0x80 | (left & 0x7f));
    }
    bytes.push(...digits);
  }
  return tagged(TAGS.oid, Buffer.from(bytes));
}

/** X.509 writes years before 2050 with two digits. */
export function time(date: Date): Buffer {
  const digits = date.toISOString().replace(/[-:T]/g, '').slice(0, 14);
  return date.getUTCFullYear() < 2050 ? tagged(TAGS.utcTime, Buffer.from(`${digits.slice(2)}Z`)) : tagged(TAGS.generalizedTime, Buffer.from(`${digits}Z`));
}

export interface Element {
  tag: number;
  content: Buffer;
  /** Tag and length included. */
  whole: Buffer;
}

/** The elements of a constructed element's content, in order. Throws on what is cut short. */
export function elements(content: Buffer): Element[] {
  const found: Element[] = [];
  for (let at = 0; at < content.length;) {
    const tag = content.readUInt8(at);
    const short = content.readUInt8(at + 1);
    const digits = short < 0x80 ? 0 : short & 0x7f;
    const length = digits === 0 ? short : content.readUIntBE(at + 2, digits);
    const start = at + 2 + digits;
    if (start + length > content.length) {
      throw new Error('DER: an element is longer than what holds it');
    }
    found.push({ tag, content: content.subarray(start, start + length), whole: content.subarray(at, start + length) });
    at = start + length;
  }
  return found;
}
