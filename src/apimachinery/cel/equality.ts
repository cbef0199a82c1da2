/** Equality and order of CEL values. Numbers of all kinds compare by value; values of different kinds are unequal, not an error. */
import { noSuchOverload } from './errors.ts';
import {
  CelDuration, CelList, CelMap, CelOpaque, CelOptional, CelRecord, CelTimestamp, CelTypeValue, CelUint, keyText, type CelValue,
} from './values.ts';

const isNumber = (value: CelValue): value is bigint | number | CelUint => typeof value === 'bigint' || typeof value === 'number' || value instanceof CelUint;
const plain = (value: bigint | number | CelUint): bigint | number => (value instanceof CelUint ? value.value : value);

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, index) => byte === b[index]);

/** JavaScript compares a bigint with a number by value and exactly. */
const sameNumber = (a: bigint | number, b: bigint | number): boolean => (typeof a === typeof b ? a === b : !(a < b) && !(a > b) && !Number.isNaN(Number(a)) && !Number.isNaN(Number(b)));

/** Equal elements in whatever order (`x-kubernetes-list-type: set`). */
function sameSets(a: CelList, b: CelList): boolean {
  if (a.length !== b.length) {
    return false;
  }
  const others = new Map([...b].map((one) => [keyText(one), one]));
  return [...a].every((one) => (keyText(one) === undefined ? [...b].some((other) => equal(one, other)) : others.has(keyText(one))));
}

const fieldOf = (value: CelValue, name: string): CelValue | undefined => (value instanceof CelRecord || value instanceof CelMap ? value.get(name) : undefined);

/** True when two elements of a list of type map have the same keys. */
export const sameKeys = (a: CelValue, b: CelValue, keys: readonly string[]): boolean => keys.every((key) => {
  const [left, right] = [fieldOf(a, key), fieldOf(b, key)];
  return left === undefined || right === undefined ? left === right : equal(left, right);
});

function sameKeyedLists(a: CelList, b: CelList, keys: readonly string[]): boolean {
  if (a.length !== b.length) {
    return false;
  }
  const identity = (one: CelValue): string => keys.map((key) => JSON.stringify(keyText(fieldOf(one, key) ?? null))).join();
  const others = new Map([...b].map((one) => [identity(one), one]));
  return [...a].every((one) => {
    const other = others.get(identity(one));
    return other !== undefined && equal(one, other);
  });
}

function sameLists(a: CelList, b: CelList): boolean {
  visited += Math.min(a.length, b.length);
  const semantics = a.semantics ?? b.semantics;
  if (semantics?.type === 'set') {
    return sameSets(a, b);
  }
  if (semantics?.type === 'map') {
    return sameKeyedLists(a, b, semantics.keys);
  }
  if (a.length !== b.length) {
    return false;
  }
  for (let index = 0; index < a.length; index += 1) {
    if (!equal(a.at(index), b.at(index))) {
      return false;
    }
  }
  return true;
}

function sameMaps(a: CelMap, b: CelMap): boolean {
  visited += Math.min(a.size, b.size);
  if (a.size !== b.size) {
    return false;
  }
  for (const key of a.keys()) {
    const [left, right] = [a.get(key), b.get(key)];
    if (left === undefined || right === undefined || !equal(left, right)) {
      return false;
    }
  }
  return true;
}

function sameRecords(a: CelRecord, b: CelRecord): boolean {
  const names = new Set([...a.names(), ...b.names()]);
  visited += names.size;
  return [...names].every((name) => {
    const [left, right] = [a.get(name), b.get(name)];
    return left !== undefined && right !== undefined && equal(left, right);
  });
}

function sameOptionals(a: CelOptional, b: CelOptional): boolean {
  return a.value === undefined || b.value === undefined ? a.value === b.value : equal(a.value, b.value);
}

type Comparison = (a: CelValue, b: CelValue) => boolean | undefined;

const COMPARISONS: readonly Comparison[] = [
  (a, b) => (a instanceof CelList ? b instanceof CelList && sameLists(a, b) : undefined),
  (a, b) => (a instanceof CelMap ? b instanceof CelMap && sameMaps(a, b) : undefined),
  (a, b) => (a instanceof CelRecord ? b instanceof CelRecord && sameRecords(a, b) : undefined),
  (a, b) => (a instanceof CelOpaque ? b instanceof CelOpaque && a.typeName === b.typeName && a.equals(b) : undefined),
  (a, b) => (a instanceof CelTimestamp ? b instanceof CelTimestamp && a.nanos === b.nanos : undefined),
  (a, b) => (a instanceof CelDuration ? b instanceof CelDuration && a.nanos === b.nanos : undefined),
  (a, b) => (a instanceof Uint8Array ? b instanceof Uint8Array && sameBytes(a, b) : undefined),
  (a, b) => (a instanceof CelOptional ? b instanceof CelOptional && sameOptionals(a, b) : undefined),
  (a, b) => (a instanceof CelTypeValue ? b instanceof CelTypeValue && a.name === b.name : undefined),
];

export function equal(a: CelValue, b: CelValue): boolean {
  if (a === b) {
    return true;
  }
  if (isNumber(a)) {
    return isNumber(b) && sameNumber(plain(a), plain(b));
  }
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') {
    return false;
  }
  for (const comparison of COMPARISONS) {
    const result = comparison(a, b);
    if (result !== undefined) {
      return result;
    }
  }
  return false;
}

/** Elements and entries that the comparison under way went through, the outermost values' own included. */
let visited = 0;

/** Compares, and says how many elements below the outermost value that took: what costs do not see in its size. */
export function countedEqual(a: CelValue, b: CelValue): { same: boolean; visited: number } {
  visited = 0;
  const same = equal(a, b);
  return { same, visited: Math.max(0, visited - Math.min(outermost(a), outermost(b))) };
}

const outermost = (value: CelValue): number => (value instanceof CelList ? value.length : value instanceof CelMap ? value.size : 0);

const sign = (less: boolean, more: boolean): number => (less ? -1 : more ? 1 : 0);

/** Order of UTF-8 texts is the order of code points, which UTF-16 units do not keep beyond the basic plane. */
function compareTexts(a: string, b: string): number {
  const end = Math.min(a.length, b.length);
  for (let at = 0; at < end; at += 1) {
    const [left, right] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (left !== right) {
      const [leftHigh, rightHigh] = [left >= 0xd800 && left <= 0xdfff, right >= 0xd800 && right <= 0xdfff];
      return leftHigh === rightHigh ? left - right : leftHigh ? 1 : -1;
    }
  }
  return a.length - b.length;
}

/** Negative, zero or positive; NaN when one of the numbers is none. Throws `no such overload` for what has no order. */
export function compare(a: CelValue, b: CelValue): number {
  if (isNumber(a) && isNumber(b)) {
    const [left, right] = [plain(a), plain(b)];
    return Number.isNaN(Number(left)) || Number.isNaN(Number(right)) ? Number.NaN : sign(left < right, left > right);
  }
  if (typeof a === 'string' && typeof b === 'string') {
    return compareTexts(a, b);
  }
  if (typeof a === 'boolean' && typeof b === 'boolean') {
    return sign(!a && b, a && !b);
  }
  return compareObjects(a, b);
}

function compareObjects(a: CelValue, b: CelValue): number {
  if ((a instanceof CelTimestamp && b instanceof CelTimestamp) || (a instanceof CelDuration && b instanceof CelDuration)) {
    return sign(a.nanos < b.nanos, a.nanos > b.nanos);
  }
  return a instanceof Uint8Array && b instanceof Uint8Array ? Buffer.compare(a, b) : noSuchOverload();
}
