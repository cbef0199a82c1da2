/** Reading DER that somebody else wrote: what certificate requests are made of. Everything throws on what is malformed. */
import { elements, type Element } from '../../apimachinery/der.ts';

const TAG = { oid: 0x06, utf8: 0x0c, sequence: 0x30, set: 0x31, bits: 0x03, octets: 0x04, printable: 0x13, teletex: 0x14, ia5: 0x16, bmp: 0x1e, boolean: 0x01 } as const;

export class DerError extends Error { override name = 'DerError'; }

/** The element at a place, of a tag when one is given. */
export function elementAt(all: readonly Element[], at: number, tag?: number): Element {
  const element = all[at];
  if (element === undefined || (tag !== undefined && element.tag !== tag)) {
    throw new DerError('malformed structure');
  }
  return element;
}

export const sequenceOf = (element: Element): Element[] => {
  if (element.tag !== TAG.sequence) {
    throw new DerError('malformed structure: a sequence is missing');
  }
  return elements(element.content);
};

export const setOf = (element: Element): Element[] => {
  if (element.tag !== TAG.set) {
    throw new DerError('malformed structure: a set is missing');
  }
  return elements(element.content);
};

/** `2.5.29.17` of an object identifier. */
export function oidText(element: Element): string {
  if (element.tag !== TAG.oid || element.content.length === 0) {
    throw new DerError('malformed object identifier');
  }
  const arcs: number[] = [];
  let value = 0;
  for (const byte of element.content) {
    value = value * 128 + (byte & 0x7f);
    if (value > Number.MAX_SAFE_INTEGER) {
      throw new DerError('malformed object identifier');
    }
    if (byte < 0x80) {
      arcs.push(value);
      value = 0;
    }
  }
  const first = arcs[0] ?? 0;
  const root = Math.min(2, Math.floor(first / 40));
  return [root, first - root * 40, ...arcs.slice(1)].join('.');
}

/** Any of the string types that names are written in. */
export function stringOf(element: Element): string {
  switch (element.tag) {
    case TAG.utf8: return element.content.toString('utf8');
    case TAG.printable: case TAG.ia5: case TAG.teletex: return element.content.toString('latin1');
    case TAG.bmp: return new TextDecoder('utf-16be').decode(element.content);
    default: throw new DerError('malformed string');
  }
}

/** The bytes of a bit string without unused bits, as keys and signatures are. */
export function bitsOf(element: Element): Buffer {
  if (element.tag !== TAG.bits || element.content[0] !== 0) {
    throw new DerError('malformed bit string');
  }
  return element.content.subarray(1);
}

/** The value of an extension: OID, perhaps `critical`, and an octet string. */
export function extensionOf(element: Element): { id: string; value: Buffer } {
  const parts = sequenceOf(element);
  const last = parts[1]?.tag === TAG.boolean ? 2 : 1;
  return { id: oidText(elementAt(parts, 0)), value: elementAt(parts, last, TAG.octets).content };
}
