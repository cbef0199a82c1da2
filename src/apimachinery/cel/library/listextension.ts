/** The lists extension (version 3): slice, flatten, distinct, sort, sortBy, reverse, first, last, lists.range. */
import { compare, countedEqual } from '../equality.ts';
import { fail, noSuchOverload } from '../errors.ts';
import { int, list, overload, STRING_COST, type Cost, type Overload, type Run } from '../overload.ts';
import { ArrayList, CelList, CelOptional, keyText, sizeOf, typeNameOf, type CelValue } from '../values.ts';

const SORTABLE = ['int', 'uint', 'double', 'bool', 'duration', 'timestamp', 'string', 'bytes'];

const length: Cost = (args) => 1 + sizeOf(args[0] ?? null);
/** Comparisons that sorting takes. */
const sorting: Cost = (args) => 1 + Math.ceil(sizeOf(args[0] ?? null) * Math.log2(sizeOf(args[0] ?? null) + 1));

function slice([value, from, to]: readonly CelValue[]): CelValue {
  const [items, start, end] = [list(value), int(from), int(to)];
  if (start < 0n || end < 0n) {
    return fail(`cannot slice(${start}, ${end}), negative indexes not supported`);
  }
  if (start > end) {
    return fail(`cannot slice(${start}, ${end}), start index must be less than or equal to end index`);
  }
  if (end > BigInt(items.length)) {
    return fail(`cannot slice(${start}, ${end}), list is length ${items.length}`);
  }
  return new ArrayList([...items].slice(Number(start), Number(end)));
}

const flatten: Run = ([value, levels], meter) => {
  const depth = levels === undefined ? 1n : int(levels);
  if (depth < 0n) {
    return fail('level must be non-negative');
  }
  const flat: CelValue[] = [];
  const collect = (items: CelList, left: bigint): void => {
    meter.spend(items.length);
    for (const one of items) {
      if (one instanceof CelList && left > 0n) {
        collect(one, left - 1n);
      } else {
        flat.push(one);
      }
    }
  };
  collect(list(value), depth);
  return new ArrayList(flat);
};

/** Scalars are told apart by their text; others are compared with all before them, which is charged. */
const distinct: Run = ([value], meter) => {
  const kept: CelValue[] = [];
  const texts = new Set<string>();
  for (const one of list(value)) {
    const key = keyText(one);
    if (key !== undefined) {
      if (!texts.has(key)) {
        kept.push(one);
        texts.add(key);
      }
      continue;
    }
    meter.spend(kept.length);
    if (!kept.some((other) => isSame(one, other, (visited) => meter.spend(Math.floor(visited * STRING_COST))))) {
      kept.push(one);
    }
  }
  return new ArrayList(kept);
};

function isSame(a: CelValue, b: CelValue, spend: (visited: number) => void): boolean {
  const { same, visited } = countedEqual(a, b);
  spend(visited);
  return same;
}

/** Values ordered by their keys, which must all be of one type. */
function sortBy(values: readonly CelValue[], keys: readonly CelValue[]): CelValue {
  const [first] = keys;
  const type = first === undefined ? '' : typeNameOf(first);
  if (keys.some((key) => typeNameOf(key) !== type)) {
    return fail('list elements must have the same type');
  }
  const order = values.map((_, index) => index).sort((a, b) => compare(keys[a] ?? null, keys[b] ?? null) || a - b);
  return new ArrayList(order.map((index) => values[index] ?? null));
}

const sort: Run = ([value]) => {
  const items = [...list(value)];
  return sortBy(items, items);
};

const sortAssociated: Run = ([value, keys]) => {
  const [items, by] = [[...list(value)], [...list(keys)]];
  return items.length === by.length ? sortBy(items, by) : noSuchOverload();
};

/** Charged before it is made: the count is whatever an expression says. */
const upTo: Run = ([count], meter) => {
  const total = Number(int(count));
  meter.spend(Math.max(0, total));
  return new ArrayList(Array.from({ length: Math.max(0, total) }, (_, index) => BigInt(index)));
};

const end = (index: (items: CelList) => number): Run => ([value]) => {
  const items = list(value);
  return items.length === 0 ? CelOptional.NONE : new CelOptional(items.at(index(items)));
};

export const listExtension: readonly Overload[] = [
  overload('slice', 'list<A>.(int, int): list<A>', slice, length),
  overload('flatten', 'list<list<A>>.(): list<A>', flatten),
  overload('flatten', 'list<dyn>.(int): list<dyn>', flatten),
  overload('distinct', 'list<A>.(): list<A>', distinct, length),
  overload('reverse', 'list<A>.(): list<A>', ([value]) => new ArrayList([...list(value)].reverse()), length),
  overload('lists.range', '(int): list<int>', upTo),
  overload('first', 'list<A>.(): optional<A>', end(() => 0)),
  overload('last', 'list<A>.(): optional<A>', end((items) => items.length - 1)),
  ...SORTABLE.flatMap((type) => [
    overload('sort', `list<${type}>.(): list<${type}>`, sort, sorting),
    overload('@sortByAssociatedKeys', `list<A>.(list<${type}>): list<A>`, sortAssociated, sorting),
  ]),
];
