/** Equality, order, membership, access by index, and the logical operators' declarations (their evaluation is the planner's, which short-cuts). */
import { compare, countedEqual } from '../equality.ts';
import { fail, noSuchKey, noSuchOverload } from '../errors.ts';
import { any, overload, STRING_COST, type Cost, type Overload, type Run } from '../overload.ts';
import { CelDuration, CelList, CelMap, CelOptional, CelRecord, CelTimestamp, CelUint, keyText, sizeOf, type CelValue } from '../values.ts';
import { durationText, timestampText } from '../time.ts';

const smaller: Cost = (args) => Math.ceil(Math.min(sizeOf(args[0] ?? null), sizeOf(args[1] ?? null)) * STRING_COST);

/** Compares, and charges what nested values cost beyond their outermost size. */
const equality = (wanted: boolean): Run => ([a, b], meter) => {
  const { same, visited } = countedEqual(any(a), any(b));
  meter.spend(Math.floor(visited * STRING_COST));
  return same === wanted;
};

const ORDERS: readonly [string, (order: number) => boolean][] = [
  ['_<_', (order) => order < 0], ['_<=_', (order) => order <= 0], ['_>_', (order) => order > 0], ['_>=_', (order) => order >= 0],
];
const ORDERED = ['bool', 'int', 'uint', 'double', 'string', 'bytes', 'timestamp', 'duration'];
const NUMERIC_PAIRS = ['int, uint', 'int, double', 'uint, int', 'uint, double', 'double, int', 'double, uint'];

function orders(): Overload[] {
  const pairs = [...ORDERED.map((type) => `${type}, ${type}`), ...NUMERIC_PAIRS];
  return ORDERS.flatMap(([name, holds]) => pairs.map((pair) => overload(name, `(${pair}): bool`, ([a, b]) => holds(compare(any(a), any(b))),
    pair.startsWith('string') || pair.startsWith('bytes') ? smaller : undefined)));
}

/** A whole number that can be an index; undefined for everything else. */
function indexOf(value: CelValue): number | undefined {
  if (typeof value === 'bigint') {
    return Number(value);
  }
  if (value instanceof CelUint) {
    return Number(value.value);
  }
  return typeof value === 'number' && Number.isInteger(value) ? value : undefined;
}

export function keyShown(key: CelValue): string {
  if (key instanceof CelUint) {
    return String(key.value);
  }
  if (key instanceof CelTimestamp) {
    return timestampText(key.nanos);
  }
  return key instanceof CelDuration ? durationText(key.nanos) : typeof key === 'object' ? 'object' : String(key);
}

/** The element or value at an index or key; undefined when there is none. Throws for what cannot be looked into, or by such a key. */
export function lookUp(container: CelValue, key: CelValue): CelValue | undefined {
  if (container instanceof CelList) {
    const index = indexOf(key) ?? fail(`unsupported index type '${typeof key}' in list`);
    return index >= 0 && index < container.length ? container.at(index) : undefined;
  }
  if (container instanceof CelMap) {
    return keyText(key) === undefined ? fail('unsupported key type') : container.get(key);
  }
  return container instanceof CelRecord && typeof key === 'string' ? container.get(key) : noSuchOverload();
}

/** `container[key]`; through an optional it stays optional. */
export function elementAt(container: CelValue, key: CelValue): CelValue {
  if (container instanceof CelOptional) {
    return container.value === undefined ? CelOptional.NONE : optionalElementAt(container.value, key);
  }
  const found = lookUp(container, key);
  if (found !== undefined) {
    return found;
  }
  return container instanceof CelList ? fail(`index out of bounds: ${keyShown(key)}`) : noSuchKey(keyShown(key));
}

/** `container[?key]`. */
export function optionalElementAt(container: CelValue, key: CelValue): CelValue {
  const inner = container instanceof CelOptional ? container.value : container;
  const found = inner === undefined ? undefined : lookUp(inner, key);
  return found === undefined ? CelOptional.NONE : new CelOptional(found);
}

const element: Run = ([container, key]) => elementAt(any(container), any(key));
const optionalElement: Run = ([container, key]) => optionalElementAt(any(container), any(key));

function contains([value, container]: readonly CelValue[]): boolean | number {
  const wanted = any(value);
  if (container instanceof CelMap) {
    return container.get(wanted) !== undefined;
  }
  if (container instanceof CelRecord) {
    return typeof wanted === 'string' && container.get(wanted) !== undefined;
  }
  if (!(container instanceof CelList)) {
    return noSuchOverload();
  }
  let work = 0;
  for (let index = 0; index < container.length; index += 1) {
    const { same, visited } = countedEqual(wanted, container.at(index));
    work += visited;
    if (same) {
      return true;
    }
  }
  return work;
}

const membership: Run = (args, meter) => {
  const result = contains(args);
  if (typeof result === 'boolean') {
    return result;
  }
  meter.spend(Math.floor(result * STRING_COST));
  return false;
};

/** Never run: the planner evaluates logical operators itself. */
const lazy: Run = () => noSuchOverload();

export const comparison: readonly Overload[] = [
  overload('_==_', '(A, A): bool', equality(true), smaller),
  overload('_!=_', '(A, A): bool', equality(false), smaller),
  ...orders(),
  overload('@in', '(A, list<A>): bool', membership, (args) => sizeOf(args[1] ?? null)),
  overload('@in', '(A, map<A, B>): bool', membership),
  overload('_[_]', '(list<A>, int): A', element),
  overload('_[_]', '(map<A, B>, A): B', element),
  overload('_[_]', '(optional<list<A>>, int): optional<A>', element),
  overload('_[_]', '(optional<map<A, B>>, A): optional<B>', element),
  overload('_[?_]', '(list<A>, int): optional<A>', optionalElement),
  overload('_[?_]', '(map<A, B>, A): optional<B>', optionalElement),
  overload('_[?_]', '(optional<list<A>>, int): optional<A>', optionalElement),
  overload('_[?_]', '(optional<map<A, B>>, A): optional<B>', optionalElement),
  overload('_&&_', '(bool, bool): bool', lazy),
  overload('_||_', '(bool, bool): bool', lazy),
  overload('_?_:_', '(bool, A, A): A', lazy),
  overload('!_', '(bool): bool', ([value]) => (typeof value === 'boolean' ? !value : noSuchOverload())),
];
