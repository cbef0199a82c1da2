/** Calls that are not calls: has, the comprehensions, cel.bind, optMap. A macro that is not given what it needs is an error, not a function. */
import type { CallExpr, Expr, LoopMacro } from './ast.ts';

type Fail = (at: number, message: string) => never;

function variable(expr: Expr | undefined, fail: Fail, at: number): string {
  return expr?.kind === 'ident' ? expr.name : fail(expr?.at ?? at, 'argument must be a simple name');
}

/** Loop macros by name and number of arguments: how many of them are variables, and whether a filter stands before the body. */
const LOOPS: Readonly<Record<string, { macro: LoopMacro; variables: 1 | 2; filter: boolean }>> = {
  'all/2': { macro: 'all', variables: 1, filter: false },
  'all/3': { macro: 'all', variables: 2, filter: false },
  'exists/2': { macro: 'exists', variables: 1, filter: false },
  'exists/3': { macro: 'exists', variables: 2, filter: false },
  'exists_one/2': { macro: 'existsOne', variables: 1, filter: false },
  'existsOne/2': { macro: 'existsOne', variables: 1, filter: false },
  'existsOne/3': { macro: 'existsOne', variables: 2, filter: false },
  'map/2': { macro: 'map', variables: 1, filter: false },
  'map/3': { macro: 'map', variables: 1, filter: true },
  'transformList/3': { macro: 'map', variables: 2, filter: false },
  'transformList/4': { macro: 'map', variables: 2, filter: true },
  'transformMap/3': { macro: 'transformMap', variables: 2, filter: false },
  'transformMap/4': { macro: 'transformMap', variables: 2, filter: true },
  'transformMapEntry/3': { macro: 'transformMapEntry', variables: 2, filter: false },
  'transformMapEntry/4': { macro: 'transformMapEntry', variables: 2, filter: true },
};

function loop(call: CallExpr, range: Expr, fail: Fail): Expr | undefined {
  const { fn, args, at } = call;
  if (fn === 'filter' && args.length === 2) {
    return { kind: 'loop', at, macro: 'filter', range, variables: [variable(args[0], fail, at)], filter: args[1], body: undefined };
  }
  const shape = LOOPS[`${fn}/${args.length}`];
  if (shape === undefined) {
    return undefined;
  }
  const first = variable(args[0], fail, at);
  const variables = shape.variables === 1 ? [first] as const : [first, variable(args[1], fail, at)] as const;
  if (variables.length === 2 && variables[0] === variables[1]) {
    fail(args[1]?.at ?? at, `duplicate variable name: ${variables[0]}`);
  }
  const rest = args.slice(shape.variables);
  return { kind: 'loop', at, macro: shape.macro, range, variables, filter: shape.filter ? rest[0] : undefined, body: rest.at(-1) };
}

/** The list a `sortBy` sorts; no name that an expression can have. */
const SORTED = '@sorted';

/** `list.sortBy(x, key)`: the list is bound, mapped to its keys, and ordered by them. */
function sortBy({ at }: CallExpr, list: Expr, name: string, key: Expr): Expr {
  const input: Expr = { kind: 'ident', at, name: SORTED };
  const keys: Expr = { kind: 'loop', at, macro: 'map', range: input, variables: [name], filter: undefined, body: key };
  return { kind: 'bind', at, name: SORTED, value: list, body: { kind: 'call', at, fn: '@sortByAssociatedKeys', target: input, args: [keys] } };
}

function memberMacro(call: CallExpr, target: Expr, fail: Fail): Expr | undefined {
  const { fn, args, at } = call;
  const [first, second, third] = args;
  if ((fn === 'optMap' || fn === 'optFlatMap') && second !== undefined && args.length === 2) {
    return { kind: 'optmap', at, flat: fn === 'optFlatMap', target, name: variable(first, fail, at), body: second };
  }
  if (fn === 'sortBy' && second !== undefined && args.length === 2) {
    return sortBy(call, target, variable(first, fail, at), second);
  }
  if (fn === 'bind' && target.kind === 'ident' && target.name === 'cel' && second !== undefined && third !== undefined && args.length === 3) {
    return { kind: 'bind', at, name: variable(first, fail, at), value: second, body: third };
  }
  return loop(call, target, fail);
}

/** The tree a call stands for: the macro's when it is one, else the call itself. */
export function expandMacro(call: CallExpr, fail: Fail): Expr {
  const [only] = call.args;
  if (call.target !== undefined) {
    return memberMacro(call, call.target, fail) ?? call;
  }
  if (call.fn === 'has' && call.args.length === 1) {
    return only?.kind === 'select' && !only.test && !only.optional ? { ...only, test: true } : fail(only?.at ?? call.at, 'invalid argument to has() macro');
  }
  return call;
}
