/** Kubernetes' functions on lists, and the sets extension. */
import { compare, countedEqual } from '../equality.ts';
import { fail, noSuchOverload } from '../errors.ts';
import { any, list, overload, STRING_COST, type Cost, type Overload, type Run } from '../overload.ts';
import { CelDuration, CelUint, keyText, sizeOf, type CelList, type CelValue } from '../values.ts';
import { FunctionTable } from '../functions.ts';
import { arithmetic } from './arithmetic.ts';
import type { CostMeter } from '../budget.ts';

const length: Cost = (args) => sizeOf(args[0] ?? null);
const COMPARABLE = ['int', 'uint', 'double', 'bool', 'duration', 'timestamp', 'string', 'bytes'];
const SUMMABLE = ['int', 'uint', 'double', 'duration'];

const ADDITIONS = new FunctionTable(arithmetic).find('_+_');

/** The sum of two values of the same kind. */
function add(a: CelValue, b: CelValue, meter: CostMeter): CelValue {
  const index = typeof a === 'bigint' ? 0 : a instanceof CelUint ? 1 : typeof a === 'number' ? 2 : a instanceof CelDuration ? ADDITIONS.length - 1 : -1;
  return ADDITIONS[index]?.run([a, b], meter) ?? noSuchOverload();
}

function isSorted([value]: readonly CelValue[]): CelValue {
  const items = list(value);
  for (let index = 1; index < items.length; index += 1) {
    if (compare(items.at(index - 1), items.at(index)) > 0) {
      return false;
    }
  }
  return true;
}

const ZEROES: Readonly<Record<string, CelValue>> = { int: 0n, uint: new CelUint(0n), double: 0, duration: new CelDuration(0n) };

const sum = (zero: CelValue): Run => ([value], meter) => {
  const items = list(value);
  let total: CelValue | undefined;
  for (const one of items) {
    total = total === undefined ? one : add(total, one, meter);
  }
  return total ?? zero;
};

const extreme = (name: string, wanted: (order: number) => boolean): Run => ([value]) => {
  const items = list(value);
  if (items.length === 0) {
    return fail(`${name} called on empty list`);
  }
  let best = items.at(0);
  for (const one of items) {
    best = wanted(compare(one, best)) ? one : best;
  }
  return best;
};

/** The first index with an equal element, going by `order`; -1 when there is none. */
function find(items: CelList, wanted: CelValue, order: Iterable<number>, meter: CostMeter): CelValue {
  let work = 0;
  for (const index of order) {
    const { same, visited } = countedEqual(items.at(index), wanted);
    work += visited;
    if (same) {
      meter.spend(Math.floor(work * STRING_COST));
      return BigInt(index);
    }
  }
  meter.spend(Math.floor(work * STRING_COST));
  return -1n;
}

function* upwards(count: number): Generator<number> {
  for (let index = 0; index < count; index += 1) {
    yield index;
  }
}

function* downwards(count: number): Generator<number> {
  for (let index = count - 1; index >= 0; index -= 1) {
    yield index;
  }
}

const indexOf: Run = ([value, wanted], meter) => find(list(value), any(wanted), upwards(list(value).length), meter);
const lastIndexOf: Run = ([value, wanted], meter) => find(list(value), any(wanted), downwards(list(value).length), meter);

/** True when `items` has an equal element. Scalars are found by their text, others one by one. */
function member(items: CelList): (value: CelValue) => boolean {
  const all = [...items];
  const texts = new Set(all.map(keyText));
  return (value) => {
    const key = keyText(value);
    return key === undefined ? all.some((one) => countedEqual(one, value).same) : texts.has(key);
  };
}

/** Empty lists are looked at first: their product costs nothing, so neither may the work. */
function containsAll(a: CelValue | undefined, b: CelValue | undefined): boolean {
  const [all, some] = [list(a), list(b)];
  return some.length === 0 || (all.length > 0 && [...some].every(member(all)));
}

function intersects([a, b]: readonly CelValue[]): boolean {
  const [all, some] = [list(a), list(b)];
  return all.length > 0 && some.length > 0 && [...some].some(member(all));
}

/** cel-go's: one, and each element with each. */
const product = (factor: number): Cost => (args) => 1 + sizeOf(args[0] ?? null) * sizeOf(args[1] ?? null) * factor;

export const lists: readonly Overload[] = [
  ...COMPARABLE.flatMap((type) => [
    overload('isSorted', `list<${type}>.(): bool`, isSorted, length),
    overload('min', `list<${type}>.(): ${type}`, extreme('min', (order) => order < 0), length),
    overload('max', `list<${type}>.(): ${type}`, extreme('max', (order) => order > 0), length),
  ]),
  ...SUMMABLE.map((type) => overload('sum', `list<${type}>.(): ${type}`, sum(ZEROES[type] ?? 0n), length)),
  overload('indexOf', 'list<A>.(A): int', indexOf, length),
  overload('lastIndexOf', 'list<A>.(A): int', lastIndexOf, length),
  overload('sets.contains', '(list<A>, list<A>): bool', ([a, b]) => containsAll(a, b), product(1)),
  overload('sets.intersects', '(list<A>, list<A>): bool', intersects, product(1)),
  overload('sets.equivalent', '(list<A>, list<A>): bool', ([a, b]) => (list(a).length === 0) === (list(b).length === 0) && containsAll(a, b) && containsAll(b, a), product(2)),
];
