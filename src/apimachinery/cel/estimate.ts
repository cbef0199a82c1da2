/**
 * What an expression costs at least and at most, known from its types alone: how long strings and lists can be (`max` of their types). Where nothing
 * bounds a size the most is Infinity. The formulas are those of evaluating (overload costs, plan.ts), applied to ranges, as in cel-go's checker.
 */
import type { CallExpr, Expr, LoopExpr, SelectExpr } from './ast.ts';
import type { Checked } from './checker.ts';
import { REGEX_COST, STRING_COST, type Overload } from './overload.ts';
import { LONGEST_PATTERN } from './library/formats.ts';
import { LOOP_COSTS, SKIPPED_COST } from './loops.ts';
import { IDENT_COST, LIST_COST, MAP_COST, SELECT_COST, STRUCT_COST } from './plan.ts';
import type { CelType } from './types.ts';
import { sizeOf } from './values.ts';

/** From least to most. */
export interface Range { readonly min: number; readonly max: number }

interface Estimate {
  readonly cost: Range;
  /** Characters or elements; what has no size counts 1. */
  readonly size: Range;
  /** Of each element or value, of lists and maps. */
  readonly element: Range;
}

interface Scope { readonly name: string; readonly size: Range; readonly element: Range; readonly outer: Scope | undefined }

const range = (min: number, max = min): Range => ({ min, max });
const ONE = range(1);
const UNKNOWN = range(0, Number.POSITIVE_INFINITY);

const add = (...all: readonly Range[]): Range => range(all.reduce((sum, { min }) => sum + min, 0), all.reduce((sum, { max }) => sum + max, 0));
/** Nothing times without bound is nothing. */
const times = (a: Range, b: Range): Range => range(a.min * b.min, a.max === 0 || b.max === 0 ? 0 : a.max * b.max);
const scale = (size: Range, factor: number): Range => range(Math.ceil(size.min * factor), Math.ceil(size.max * factor));
const union = (a: Range, b: Range): Range => range(Math.min(a.min, b.min), Math.max(a.max, b.max));
const smaller = (a: Range, b: Range): Range => range(Math.min(a.min, b.min), Math.min(a.max, b.max));

function sizeOfType(type: CelType | undefined): Range {
  switch (type?.kind) {
    case 'string': case 'bytes': case 'list': case 'map': return range(0, type.max ?? Number.POSITIVE_INFINITY);
    case undefined: case 'dyn': case 'var': case 'param': case 'error': return UNKNOWN;
    default: return ONE;
  }
}

/**
 * The size of what a path leads to, where the type alone speaks: a variable, a field, an element. Kubernetes gives numbers and objects none, so comparing
 * them costs nothing in an estimate, and times that of their text.
 */
function sizeOfPlace(type: CelType | undefined): Range {
  switch (type?.kind) {
    case 'timestamp': case 'duration': return range(0, type.max ?? 1);
    case 'int': case 'uint': case 'double': case 'bool': case 'object': return range(0);
    default: return sizeOfType(type);
  }
}

function elementOfType(type: CelType | undefined): Range {
  return type?.kind === 'list' ? sizeOfPlace(type.element) : type?.kind === 'map' ? sizeOfPlace(type.value) : UNKNOWN;
}

/** The cost of a call itself and, where it differs from the type's, the size of its result. */
interface CallCost { readonly cost: Range; readonly size?: Range; readonly element?: Range }
type CallEstimate = (operands: readonly Estimate[], type: CelType | undefined) => CallCost;

const NOTHING: Estimate = { cost: range(0), size: UNKNOWN, element: UNKNOWN };
const at = (operands: readonly Estimate[], index: number): Estimate => operands[index] ?? NOTHING;

const traversal: CallEstimate = (operands) => ({ cost: scale(at(operands, 0).size, STRING_COST) });
/** No more of a text is looked at than the other has. */
const affix: CallEstimate = (operands) => ({ cost: scale(at(operands, 1).size, STRING_COST) });
const sameSize: CallEstimate = (operands) => ({ cost: scale(at(operands, 0).size, STRING_COST), size: at(operands, 0).size });
const comparison: CallEstimate = (operands) => ({ cost: scale(smaller(at(operands, 0).size, at(operands, 1).size), STRING_COST) });
const pattern: CallEstimate = (operands) => ({
  cost: times(scale(add(at(operands, 0).size, ONE), STRING_COST), scale(at(operands, 1).size, REGEX_COST)), size: range(0, at(operands, 0).size.max),
});
const product = (factor: number): CallEstimate => (operands) => {
  const pairs = times(at(operands, 0).size, at(operands, 1).size);
  return { cost: add(ONE, range(pairs.min * factor, pairs.max * factor)) };
};

/** `+`: texts and lists grow, numbers do not. */
const addition: CallEstimate = (operands, type) => {
  const size = add(at(operands, 0).size, at(operands, 1).size);
  if (type?.kind === 'list') {
    const cost = type.semantics === undefined ? ONE : add(ONE, scale(times(at(operands, 0).size, at(operands, 1).size), STRING_COST));
    return { cost, size, element: union(at(operands, 0).element, at(operands, 1).element) };
  }
  return type?.kind === 'string' || type?.kind === 'bytes' || type?.kind === 'dyn' ? { cost: scale(size, STRING_COST), size } : { cost: ONE };
};

const selector: CallEstimate = (operands) => {
  const { size } = at(operands, 1);
  return { cost: add(range(10), scale(range(Math.ceil(size.min / 2), Math.ceil(size.max / 2)), 50), scale(size, STRING_COST)) };
};

/** Of a list whose elements are compared with one another. */
const eachWithEach: CallEstimate = ([first = NOTHING]) => ({ ...first, cost: add(ONE, range(first.size.min, first.size.max * first.size.max + first.size.max)) });

const overList: CallEstimate = (operands) => {
  const { size, element } = at(operands, 0);
  return { cost: times(size, element.max > 1 ? add(ONE, scale(element, STRING_COST)) : ONE) };
};

/** On a text these go through it; on a list, through its elements. */
const positions: CallEstimate = (operands) => (at(operands, 0).element.max === Number.POSITIVE_INFINITY ? traversal(operands, undefined) : overList(operands, undefined));

const join: CallEstimate = (operands) => {
  const { size, element } = at(operands, 0);
  const separators = operands.length > 1 ? times(range(Math.max(0, size.min - 1), Math.max(0, size.max - 1)), at(operands, 1).size) : range(0);
  const result = add(times(size, element), separators);
  return { cost: scale(result, STRING_COST), size: result };
};

const replace: CallEstimate = (operands) => {
  const [value, from, to] = [at(operands, 0).size, at(operands, 1).size, at(operands, 2).size];
  const most = from.min === 0 ? value.max + (value.max + 1) * to.max : to.max <= from.min ? value.max : Math.ceil(value.max / from.min) * to.max;
  return { cost: scale(value, 2 * STRING_COST), size: range(0, Number.isNaN(most) ? Number.POSITIVE_INFINITY : most) };
};

/** By function; what is not here costs 1. */
const CALLS: Readonly<Record<string, CallEstimate>> = {
  startsWith: affix, endsWith: affix, lowerAscii: sameSize, upperAscii: sameSize, trim: sameSize, substring: sameSize,
  reverse: ([first = NOTHING], type) => ({ ...first, cost: type?.kind === 'string' ? scale(first.size, STRING_COST) : add(ONE, first.size) }),
  'strings.quote': traversal, 'jsonpatch.escapeKey': traversal, url: traversal, isURL: traversal, ip: traversal, cidr: traversal, isIP: traversal, isCIDR: traversal, quantity: traversal, isQuantity: traversal,
  semver: traversal, isSemver: traversal, 
  validate: (operands) => ({ cost: times(scale(add(at(operands, 1).size, ONE), STRING_COST), range(Math.ceil(LONGEST_PATTERN * REGEX_COST))) }),
  format: (operands) => ({ cost: scale(at(operands, 0).size, STRING_COST) }),
  'ip.isCanonical': (operands) => ({ cost: scale(at(operands, 0).size, 2 * STRING_COST) }),
  containsIP: () => ({ cost: range(1, 8) }), containsCIDR: () => ({ cost: range(2, 10) }),
  matches: pattern, find: pattern, findAll: (operands) => ({ ...pattern(operands, undefined), element: range(0, at(operands, 0).size.max) }),
  contains: (operands) => ({ cost: times(scale(at(operands, 0).size, STRING_COST), scale(at(operands, 1).size, STRING_COST)) }),
  '_==_': comparison, '_!=_': comparison,
  '_+_': addition,
  // A list is searched, a map is not.
  '@in': (operands) => ({ cost: range(Math.min(1, at(operands, 1).size.min), Math.max(1, at(operands, 1).size.max)) }),
  'sets.contains': product(1), 'sets.intersects': product(1), 'sets.equivalent': product(2),
  isSorted: overList, sum: overList, min: overList, max: overList, indexOf: positions, lastIndexOf: positions,
  slice: ([first = NOTHING]) => ({ ...first, cost: add(ONE, first.size), size: range(0, first.size.max) }),
  distinct: eachWithEach, sort: eachWithEach, '@sortByAssociatedKeys': eachWithEach,
  // Nothing says how long the inner lists are, or how many numbers are asked for.
  flatten: () => ({ cost: UNKNOWN, size: UNKNOWN }), 'lists.range': () => ({ cost: UNKNOWN, size: UNKNOWN, element: ONE }),
  split: (operands) => ({ cost: scale(at(operands, 0).size, 2 * STRING_COST), size: range(0, at(operands, 0).size.max), element: range(0, at(operands, 0).size.max) }),
  join, replace,
  check: () => ({ cost: range(350_000) }), fieldSelector: selector, labelSelector: selector,
  bytes: (operands) => ({ cost: scale(at(operands, 0).size, STRING_COST), size: range(at(operands, 0).size.min, at(operands, 0).size.max * 4) }),
  string: (operands) => ({ cost: range(1, Math.max(1, Math.ceil(at(operands, 0).size.max * STRING_COST))), size: at(operands, 0).size.max > 64 ? at(operands, 0).size : range(0, 64) }),
};

const ORDERS: ReadonlySet<string> = new Set(['_<_', '_<=_', '_>_', '_>=_']);
const isText = ({ params: [first] }: Overload): boolean => first?.kind === 'string' || first?.kind === 'bytes';

/** Texts are compared as far as the shorter reaches; everything else at once. */
function orderCost(operands: readonly Estimate[], overloads: readonly Overload[]): CallCost {
  const texts = comparison(operands, undefined).cost;
  const ranges = [...overloads.some(isText) ? [texts] : [], ...overloads.every(isText) ? [] : [ONE]];
  return { cost: ranges.reduce(union) };
}

class Estimator {
  readonly #checked: Checked;

  constructor(checked: Checked) {
    this.#checked = checked;
  }

  /** A variable or a field. */
  #place(expr: Expr, cost: Range): Estimate {
    const type = this.#checked.types.get(expr);
    return { cost, size: sizeOfPlace(type), element: elementOfType(type) };
  }

  #select(expr: SelectExpr, scope: Scope | undefined): Estimate {
    if (this.#checked.constants.has(expr) || this.#checked.dotted.has(expr)) {
      return this.#place(expr, range(IDENT_COST));
    }
    const operand = this.of(expr.operand, scope);
    if (expr.test) {
      return { cost: operand.cost, size: ONE, element: UNKNOWN };
    }
    const cost = add(operand.cost, range(SELECT_COST));
    const type = this.#checked.types.get(expr);
    // What a map holds under a name is no place that a schema describes.
    return this.#checked.types.get(expr.operand)?.kind === 'map' ? { cost, size: sizeOfType(type), element: elementOfType(type) } : this.#place(expr, cost);
  }

  of(expr: Expr, scope: Scope | undefined): Estimate {
    switch (expr.kind) {
      case 'const': return { cost: range(0), size: range(sizeOf(expr.value)), element: UNKNOWN };
      case 'ident': return this.#ident(expr, expr.name, scope);
      case 'select': return this.#select(expr, scope);
      case 'call': return this.#call(expr, scope);
      case 'list': return this.#container(expr.items.map(({ value }) => this.of(value, scope)), expr.items.length, LIST_COST, (all) => all);
      case 'map': {
        const all = expr.entries.flatMap(({ key, value }) => [this.of(key, scope), this.of(value, scope)]);
        return this.#container(all, expr.entries.length, MAP_COST, (parts) => parts.filter((_, index) => index % 2 === 1));
      }
      case 'struct': return this.#container(expr.fields.map(({ value }) => this.of(value, scope)), 1, STRUCT_COST, (all) => all);
      case 'loop': return this.#loop(expr, scope);
      case 'bind': {
        const value = this.of(expr.value, scope);
        const body = this.of(expr.body, { name: expr.name, size: value.size, element: value.element, outer: scope });
        return { ...body, cost: add(value.cost, body.cost, range(LIST_COST)) };
      }
      case 'optmap': {
        const target = this.of(expr.target, scope);
        const body = this.of(expr.body, { name: expr.name, size: target.element, element: UNKNOWN, outer: scope });
        return { cost: add(target.cost, range(1), range(0, body.cost.max)), size: ONE, element: body.size };
      }
      default: return NOTHING;
    }
  }

  #ident(expr: Expr, name: string, scope: Scope | undefined): Estimate {
    for (let one = scope; one !== undefined; one = one.outer) {
      if (one.name === name) {
        return { cost: range(IDENT_COST), size: one.size, element: one.element };
      }
    }
    return this.#place(expr, range(IDENT_COST));
  }

  #container(parts: readonly Estimate[], length: number, base: number, elements: (all: readonly Estimate[]) => readonly Estimate[]): Estimate {
    const sizes = elements(parts).map(({ size }) => size);
    const element = sizes.length === 0 ? range(0) : sizes.reduce(union);
    return { cost: add(range(base), ...parts.map(({ cost }) => cost)), size: range(length), element };
  }

  #call(expr: CallExpr, scope: Scope | undefined): Estimate {
    const found = this.#checked.calls.get(expr);
    const operands = (expr.target === undefined || found?.namespaced === true ? expr.args : [expr.target, ...expr.args]).map((one) => this.of(one, scope));
    const [first, second, third] = [at(operands, 0), at(operands, 1), at(operands, 2)];
    const all = add(...operands.map(({ cost }) => cost));
    switch (expr.fn) {
      case '_&&_': case '_||_': return { cost: range(first.cost.min, all.max), size: ONE, element: UNKNOWN };
      case '_?_:_': return { cost: add(first.cost, union(second.cost, third.cost)), size: union(second.size, third.size), element: union(second.element, third.element) };
      case 'dyn': return { ...first, cost: add(ONE, all) };
      default: break;
    }
    const type = this.#checked.types.get(expr);
    const own = this.#own(expr, operands, type);
    return { cost: add(all, own.cost), size: own.size ?? sizeOfType(type), element: own.element ?? elementOfType(type) };
  }

  /** What the call costs beside its operands. */
  #own(expr: CallExpr, operands: readonly Estimate[], type: CelType | undefined): CallCost {
    const { name = expr.fn, overloads = [] } = this.#checked.calls.get(expr) ?? {};
    if (ORDERS.has(name)) {
      return orderCost(operands, overloads);
    }
    return (Object.hasOwn(CALLS, name) ? CALLS[name] : undefined)?.(operands, type) ?? this.#plain(expr, operands);
  }

  /** Calls of constant cost. What an index finds is as large as the container's elements. */
  #plain(expr: CallExpr, operands: readonly Estimate[]): CallCost {
    const isIndex = expr.fn === '_[_]' || expr.fn === '_[?_]';
    return isIndex && at(operands, 0).element.max < Number.POSITIVE_INFINITY ? { cost: ONE, size: at(operands, 0).element } : { cost: ONE };
  }

  /** The sizes of the loop's variables. */
  #loopScope(expr: LoopExpr, over: Estimate, outer: Scope | undefined): Scope {
    const type = this.#checked.types.get(expr.range);
    const element = elementOfType(type?.kind === 'list' ? type.element : type?.kind === 'map' ? type.value : undefined);
    const key = type?.kind === 'map' ? sizeOfType(type.key) : ONE;
    const [first, second] = expr.variables;
    if (second === undefined) {
      return { name: first, outer, size: type?.kind === 'map' ? key : over.element, element };
    }
    return { name: second, size: over.element, element, outer: { name: first, outer, size: key, element } };
  }

  /** What a loop goes over. An object behind `dyn` is gone through by its fields, of which nothing is known. */
  #range(expr: Expr, scope: Scope | undefined): Estimate {
    const over = this.of(expr, scope);
    const kind = this.#checked.types.get(expr)?.kind;
    return kind === 'list' || kind === 'map' || over.size.max > 1 ? over : { ...over, size: UNKNOWN };
  }

  #loop(expr: LoopExpr, outer: Scope | undefined): Estimate {
    const over = this.#range(expr.range, outer);
    const scope = this.#loopScope(expr, over, outer);
    const filter = expr.filter === undefined ? undefined : this.of(expr.filter, scope);
    const body = expr.body === undefined ? undefined : this.of(expr.body, scope);
    const { each, once } = LOOP_COSTS[expr.macro];
    const passing = add(range(each), body?.cost ?? range(0));
    const perElement = filter === undefined ? passing : add(filter.cost, union(passing, range(SKIPPED_COST)));
    const loops = times(over.size, perElement);
    const collected = { size: range(0, over.size.max), element: body?.size ?? over.element };
    switch (expr.macro) {
      // A quantifier may be decided by the first element.
      case 'all': case 'exists': return { cost: add(over.cost, range(once), range(Math.min(loops.min, perElement.min), loops.max)), size: ONE, element: UNKNOWN };
      case 'existsOne': return { cost: add(over.cost, range(once), loops), size: ONE, element: UNKNOWN };
      default: return { cost: add(over.cost, range(once), loops), ...collected };
    }
  }
}

export const estimateCost = (checked: Checked): Range => new Estimator(checked).of(checked.expr, undefined).cost;
