/** Operators on numbers, texts, lists and times. Overflow is an error, as in Go. */
import { fail, noSuchOverload } from '../errors.ts';
import { sameKeys, equal } from '../equality.ts';
import { overload, STRING_COST, type Cost, type Overload } from '../overload.ts';
import { MAX_DURATION, MAX_TIMESTAMP, MIN_TIMESTAMP } from '../time.ts';
import { ArrayList, CelDuration, CelList, CelTimestamp, CelUint, keyText, sizeOf, type CelValue, type ListSemantics } from '../values.ts';

type IntOperation = (a: bigint, b: bigint) => bigint;

const fitsInt = (value: bigint): bigint => (BigInt.asIntN(64, value) === value ? value : fail('integer overflow'));
const fitsUint = (value: bigint): CelUint => (BigInt.asUintN(64, value) === value ? new CelUint(value) : fail('unsigned integer overflow'));
const duration = (nanos: bigint): CelDuration => (nanos > MAX_DURATION || nanos < -MAX_DURATION - 1n ? fail('integer overflow') : new CelDuration(nanos));
const timestamp = (nanos: bigint): CelTimestamp => (nanos > MAX_TIMESTAMP || nanos < MIN_TIMESTAMP ? fail('timestamp overflow') : new CelTimestamp(nanos));

/** More elements than this no list can be said to have. */
const MAX_CHAINED = 2 ** 31;

/** Two lists as one, without copying either. */
class ChainedList extends CelList {
  readonly length: number;
  readonly #first: CelList;
  readonly #second: CelList;
  constructor(first: CelList, second: CelList) {
    super();
    this.#first = first;
    this.#second = second;
    this.length = first.length + second.length;
  }

  at(index: number): CelValue {
    const { length } = this.#first;
    return index < length ? this.#first.at(index) : this.#second.at(index - length);
  }
}

/** The union, in the order of `a`; what is only in `b` follows. */
function mergeSets(a: CelList, b: CelList, semantics: ListSemantics): CelList {
  const items = [...a];
  const seen = new Set(items.map(keyText));
  for (const one of b) {
    const key = keyText(one);
    if (key === undefined ? !items.some((other) => equal(one, other)) : !seen.has(key)) {
      items.push(one);
      seen.add(key);
    }
  }
  return new ArrayList(items, semantics);
}

/** Elements of `a`, replaced by those of `b` with the same keys; the others of `b` follow. */
function mergeKeyed(a: CelList, b: CelList, semantics: ListSemantics & { type: 'map' }): CelList {
  const items = [...a];
  for (const one of b) {
    const place = items.findIndex((other) => sameKeys(one, other, semantics.keys));
    if (place < 0) {
      items.push(one);
    } else {
      items[place] = one;
    }
  }
  return new ArrayList(items, semantics);
}

function concatenate(a: CelList, b: CelList): CelList {
  const { semantics } = a;
  if (semantics !== undefined) {
    return semantics.type === 'set' ? mergeSets(a, b, semantics) : mergeKeyed(a, b, semantics);
  }
  if (a.length + b.length > MAX_CHAINED) {
    return fail('the list is too long');
  }
  return a.length === 0 ? b : b.length === 0 ? a : new ChainedList(a, b);
}

/** Lists with semantics are merged element by element; others are chained at no cost worth counting. */
const concatenationCost: Cost = ([a, b]) => (a instanceof CelList && b instanceof CelList && a.semantics !== undefined
  ? 1 + Math.ceil((a.semantics.type === 'set' ? a.length + b.length : a.length * b.length) * STRING_COST) : 1);

const bothSizes: Cost = (args) => Math.ceil((sizeOf(args[0] ?? null) + sizeOf(args[1] ?? null)) * STRING_COST);

const ints = (operation: IntOperation) => ([a, b]: readonly CelValue[]): CelValue =>
  (typeof a === 'bigint' && typeof b === 'bigint' ? fitsInt(operation(a, b)) : noSuchOverload());
const uints = (operation: IntOperation) => ([a, b]: readonly CelValue[]): CelValue =>
  (a instanceof CelUint && b instanceof CelUint ? fitsUint(operation(a.value, b.value)) : noSuchOverload());
const doubles = (operation: (a: number, b: number) => number) => ([a, b]: readonly CelValue[]): CelValue =>
  (typeof a === 'number' && typeof b === 'number' ? operation(a, b) : noSuchOverload());

const nanosOf = (value: CelValue | undefined): bigint => (value instanceof CelTimestamp || value instanceof CelDuration ? value.nanos : noSuchOverload());

const divide: IntOperation = (a, b) => (b === 0n ? fail('division by zero') : a / b);
const modulo: IntOperation = (a, b) => (b === 0n ? fail('modulus by zero') : a % b);

function joinBytes([a, b]: readonly CelValue[]): CelValue {
  return a instanceof Uint8Array && b instanceof Uint8Array ? new Uint8Array(Buffer.concat([a, b])) : noSuchOverload();
}

export const arithmetic: readonly Overload[] = [
  overload('_+_', '(int, int): int', ints((a, b) => a + b)),
  overload('_+_', '(uint, uint): uint', uints((a, b) => a + b)),
  overload('_+_', '(double, double): double', doubles((a, b) => a + b)),
  overload('_+_', '(string, string): string', ([a, b]) => (typeof a === 'string' && typeof b === 'string' ? a + b : noSuchOverload()), bothSizes),
  overload('_+_', '(bytes, bytes): bytes', joinBytes, bothSizes),
  overload('_+_', '(list<A>, list<A>): list<A>', ([a, b]) => (a instanceof CelList && b instanceof CelList ? concatenate(a, b) : noSuchOverload()), concatenationCost),
  overload('_+_', '(timestamp, duration): timestamp', ([a, b]) => timestamp(nanosOf(a) + nanosOf(b))),
  overload('_+_', '(duration, timestamp): timestamp', ([a, b]) => timestamp(nanosOf(a) + nanosOf(b))),
  overload('_+_', '(duration, duration): duration', ([a, b]) => duration(nanosOf(a) + nanosOf(b))),
  overload('_-_', '(int, int): int', ints((a, b) => a - b)),
  overload('_-_', '(uint, uint): uint', uints((a, b) => a - b)),
  overload('_-_', '(double, double): double', doubles((a, b) => a - b)),
  overload('_-_', '(timestamp, timestamp): duration', ([a, b]) => duration(nanosOf(a) - nanosOf(b))),
  overload('_-_', '(timestamp, duration): timestamp', ([a, b]) => timestamp(nanosOf(a) - nanosOf(b))),
  overload('_-_', '(duration, duration): duration', ([a, b]) => duration(nanosOf(a) - nanosOf(b))),
  overload('_*_', '(int, int): int', ints((a, b) => a * b)),
  overload('_*_', '(uint, uint): uint', uints((a, b) => a * b)),
  overload('_*_', '(double, double): double', doubles((a, b) => a * b)),
  overload('_/_', '(int, int): int', ints(divide)),
  overload('_/_', '(uint, uint): uint', uints(divide)),
  overload('_/_', '(double, double): double', doubles((a, b) => a / b)),
  overload('_%_', '(int, int): int', ints(modulo)),
  overload('_%_', '(uint, uint): uint', uints(modulo)),
  overload('-_', '(int): int', ([a]) => (typeof a === 'bigint' ? fitsInt(-a) : noSuchOverload())),
  overload('-_', '(double): double', ([a]) => (typeof a === 'number' ? -a : noSuchOverload())),
];
