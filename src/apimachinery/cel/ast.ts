/** The syntax tree of an expression, macros already recognised. `at` is where a node's message points: characters from the beginning. */
import type { CelValue } from './values.ts';

export interface ConstExpr { readonly kind: 'const'; readonly at: number; readonly value: CelValue }
export interface IdentExpr { readonly kind: 'ident'; readonly at: number; readonly name: string }
/** `a.b`, `a.?b` (optional), `has(a.b)` (test). */
export interface SelectExpr { readonly kind: 'select'; readonly at: number; readonly operand: Expr; readonly field: string; readonly test: boolean; readonly optional: boolean }
/** A function, a method (`target`) or an operator (`_+_`, `_[_]`, `!_`). */
export interface CallExpr { readonly kind: 'call'; readonly at: number; readonly fn: string; readonly target: Expr | undefined; readonly args: readonly Expr[] }
export interface ListExpr { readonly kind: 'list'; readonly at: number; readonly items: readonly { readonly value: Expr; readonly optional: boolean }[] }
export interface MapExpr { readonly kind: 'map'; readonly at: number; readonly entries: readonly { readonly key: Expr; readonly value: Expr; readonly optional: boolean }[] }
export interface StructExpr {
  readonly kind: 'struct'; readonly at: number; readonly type: string;
  readonly fields: readonly { readonly at: number; readonly name: string; readonly value: Expr; readonly optional: boolean }[];
}

export type LoopMacro = 'all' | 'exists' | 'existsOne' | 'map' | 'filter' | 'transformMap' | 'transformMapEntry';

/** A comprehension over a list or a map. With two variables the first is the index or key and the second the element or value. */
export interface LoopExpr {
  readonly kind: 'loop'; readonly at: number; readonly macro: LoopMacro; readonly range: Expr;
  readonly variables: readonly [string] | readonly [string, string];
  /** Skips what does not pass; of `filter`, `map` with three arguments and `transform…`. */
  readonly filter: Expr | undefined;
  /** Predicate of all, exists and existsOne; transformation of the others; absent for filter. */
  readonly body: Expr | undefined;
}
/** `cel.bind(name, value, body)`. */
export interface BindExpr { readonly kind: 'bind'; readonly at: number; readonly name: string; readonly value: Expr; readonly body: Expr }
/** `target.optMap(name, body)`; `flat` for optFlatMap. */
export interface OptMapExpr { readonly kind: 'optmap'; readonly at: number; readonly flat: boolean; readonly target: Expr; readonly name: string; readonly body: Expr }

export type Expr = ConstExpr | IdentExpr | SelectExpr | CallExpr | ListExpr | MapExpr | StructExpr | LoopExpr | BindExpr | OptMapExpr;

/** The expressions directly below one. */
export function childrenOf(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case 'const': case 'ident': return [];
    case 'select': return [expr.operand];
    case 'call': return expr.target === undefined ? expr.args : [expr.target, ...expr.args];
    case 'list': return expr.items.map(({ value }) => value);
    case 'map': return expr.entries.flatMap(({ key, value }) => [key, value]);
    case 'struct': return expr.fields.map(({ value }) => value);
    case 'loop': return [expr.range, expr.filter, expr.body].filter((one) => one !== undefined);
    case 'bind': return [expr.value, expr.body];
    case 'optmap': return [expr.target, expr.body];
    default: return [];
  }
}
