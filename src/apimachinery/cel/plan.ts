/**
 * Turns a checked expression into closures. Each closure evaluates one node in a frame: the slots hold variables, the meter
 * counts what every operation costs. Errors are thrown; the logical operators alone absorb them, as CEL demands.
 */
import type { CallExpr, Expr, ListExpr, LoopExpr, MapExpr, SelectExpr, StructExpr } from './ast.ts';
import type { Checked } from './checker.ts';
import { CelEvaluationError, fail, noSuchKey, noSuchOverload } from './errors.ts';
import { asBool, insert, type Step } from './frame.ts';
import { LOOP_COSTS, LOOPS, type LoopParts } from './loops.ts';
import { guardOf, type Overload } from './overload.ts';
import { elementAt, optionalElementAt } from './library/comparison.ts';
import { compilePattern } from './patterns.ts';
import { isLooseType } from './unify.ts';
import { ArrayList, BuiltRecord, CelMap, CelOptional, CelRecord, EntryMap, type CelValue } from './values.ts';

/** Base costs, as in cel-go. */
export const IDENT_COST = 1;
export const SELECT_COST = 1;
export const LIST_COST = 10;
export const MAP_COST = 30;
export const STRUCT_COST = 40;

interface Scope { readonly name: string; readonly slot: number; readonly outer: Scope | undefined }

/** The field of a value; undefined when it has none, which `has` asks and others report. */
function fieldOf(value: CelValue, field: string): CelValue | undefined {
  if (value instanceof CelMap || value instanceof CelRecord) {
    return value.get(field);
  }
  return undefined;
}

function select(value: CelValue, field: string): CelValue {
  if (value instanceof CelOptional) {
    return optionalSelect(value, field);
  }
  const found = fieldOf(value, field);
  return found === undefined ? noSuchKey(field) : found;
}

function optionalSelect(value: CelValue, field: string): CelValue {
  const inner = value instanceof CelOptional ? value.value : value;
  const found = inner === undefined ? undefined : fieldOf(inner, field);
  return found === undefined ? CelOptional.NONE : new CelOptional(found);
}

function presence(value: CelValue, field: string): boolean {
  const inner = value instanceof CelOptional ? value.value : value;
  return inner !== undefined && fieldOf(inner, field) !== undefined;
}

export class Planner {
  readonly #checked: Checked;
  /** Slots of the environment's variables, in the order of their first use. */
  readonly roots = new Map<string, number>();
  slotCount = 0;

  constructor(checked: Checked) {
    this.#checked = checked;
  }

  plan(expr: Expr, scope?: Scope): Step {
    switch (expr.kind) {
      case 'const': {
        const { value } = expr;
        return () => value;
      }
      case 'ident': return this.#ident(expr, expr.name, scope);
      case 'select': return this.#select(expr, scope);
      case 'call': return this.#call(expr, scope);
      case 'list': return this.#list(expr, scope);
      case 'map': return this.#map(expr, scope);
      case 'struct': return this.#struct(expr, scope);
      case 'loop': return this.#loop(expr, scope);
      case 'bind': return this.#bind(expr.name, expr.value, expr.body, scope);
      case 'optmap': return this.#optMap(expr.target, expr.name, { body: expr.body, flat: expr.flat }, scope);
      default: return noSuchOverload();
    }
  }

  #slot(): number {
    this.slotCount += 1;
    return this.slotCount - 1;
  }

  #ident(expr: Expr, name: string, scope: Scope | undefined): Step {
    const constant = this.#checked.constants.get(expr);
    if (constant !== undefined) {
      return ({ meter }) => {
        meter.spend(IDENT_COST);
        return constant;
      };
    }
    let at = scope;
    while (at !== undefined && at.name !== name) {
      at = at.outer;
    }
    const slot = at?.slot ?? this.roots.get(name) ?? this.#slot();
    if (at === undefined) {
      this.roots.set(name, slot);
    }
    return ({ slots, meter }) => {
      meter.spend(IDENT_COST);
      const value = slots[slot];
      return value === undefined ? fail(`no such attribute(s): ${name}`) : value;
    };
  }

  #select(expr: SelectExpr, scope: Scope | undefined): Step {
    const dotted = this.#checked.dotted.get(expr);
    if (dotted !== undefined || this.#checked.constants.has(expr)) {
      return this.#ident(expr, dotted ?? '', undefined);
    }
    const operand = this.plan(expr.operand, scope);
    const { field } = expr;
    if (expr.test) {
      return (frame) => presence(operand(frame), field);
    }
    const get = expr.optional ? optionalSelect : select;
    return (frame) => {
      const value = operand(frame);
      frame.meter.spend(SELECT_COST);
      return get(value, field);
    };
  }

  #call(expr: CallExpr, scope: Scope | undefined): Step {
    const found = this.#checked.calls.get(expr);
    if (found === undefined) {
      return noSuchOverload();
    }
    const operands = expr.target === undefined || found.namespaced ? expr.args : [expr.target, ...expr.args];
    const steps = operands.map((one) => this.plan(one, scope));
    switch (found.name) {
      case '_&&_': return logical(steps, false);
      case '_||_': return logical(steps, true);
      case '_?_:_': return conditional(steps);
      // Elements are found by what the container turns out to be; the declarations only say what types fit.
      case '_[_]': return indexed(steps, elementAt);
      case '_[?_]': return indexed(steps, optionalElementAt);
      case 'or': case 'orValue': return alternative(steps, found.name === 'orValue');
      default: break;
    }
    this.#compilePatterns(found.name, operands);
    return invocation(found.overloads, steps, operands.some((one) => isLooseType(this.#checked.types.get(one))));
  }

  /** Patterns that stand in the expression are compiled with it. */
  #compilePatterns(name: string, operands: readonly Expr[]): void {
    const pattern = operands[1];
    if ((name === 'matches' || name === 'find' || name === 'findAll') && pattern?.kind === 'const' && typeof pattern.value === 'string') {
      compilePattern(pattern.value);
    }
  }

  #list(expr: ListExpr, scope: Scope | undefined): Step {
    const items = expr.items.map(({ value, optional }) => ({ optional, step: this.plan(value, scope) }));
    return (frame) => {
      const values: CelValue[] = [];
      for (const { step, optional } of items) {
        const value = step(frame);
        const held = optional ? unwrapped(value) : value;
        if (held !== undefined) {
          values.push(held);
        }
      }
      frame.meter.spend(LIST_COST);
      return new ArrayList(values);
    };
  }

  #map(expr: MapExpr, scope: Scope | undefined): Step {
    const entries = expr.entries.map(({ key, value, optional }) => ({ optional, key: this.plan(key, scope), value: this.plan(value, scope) }));
    return (frame) => {
      const made = new Map<string, readonly [CelValue, CelValue]>();
      for (const { key, value, optional } of entries) {
        const name = key(frame);
        const given = value(frame);
        const held = optional ? unwrapped(given) : given;
        if (held !== undefined) {
          insert(made, name, held);
        }
      }
      frame.meter.spend(MAP_COST);
      return new EntryMap(made);
    };
  }

  #struct(expr: StructExpr, scope: Scope | undefined): Step {
    const type = this.#checked.structs.get(expr);
    if (type === undefined) {
      return noSuchOverload();
    }
    const fields = expr.fields.map(({ name, value, optional }) => ({ name, optional, step: this.plan(value, scope) }));
    return (frame) => {
      const made = new Map<string, CelValue>();
      for (const { name, step, optional } of fields) {
        const value = step(frame);
        const held = optional ? unwrapped(value) : value;
        if (held !== undefined) {
          made.set(name, held);
        }
      }
      frame.meter.spend(STRUCT_COST);
      return new BuiltRecord(type, made);
    };
  }

  #bind(name: string, value: Expr, body: Expr, scope: Scope | undefined): Step {
    const bound = this.plan(value, scope);
    const slot = this.#slot();
    const step = this.plan(body, { name, slot, outer: scope });
    return (frame) => {
      frame.meter.spend(LIST_COST);
      frame.slots[slot] = bound(frame);
      return step(frame);
    };
  }

  #optMap(target: Expr, name: string, { body, flat }: { body: Expr; flat: boolean }, scope: Scope | undefined): Step {
    const source = this.plan(target, scope);
    const slot = this.#slot();
    const step = this.plan(body, { name, slot, outer: scope });
    return (frame) => {
      const value = source(frame);
      frame.meter.spend(1);
      if (!(value instanceof CelOptional)) {
        return noSuchOverload();
      }
      if (value.value === undefined) {
        return CelOptional.NONE;
      }
      frame.slots[slot] = value.value;
      const result = step(frame);
      return flat ? result : new CelOptional(result);
    };
  }

  #loop(expr: LoopExpr, outer: Scope | undefined): Step {
    const range = this.plan(expr.range, outer);
    const first = this.#slot();
    let scope: Scope = { name: expr.variables[0], slot: first, outer };
    let second = -1;
    if (expr.variables[1] !== undefined) {
      second = this.#slot();
      scope = { name: expr.variables[1], slot: second, outer: scope };
    }
    const parts: LoopParts = {
      first, second, range,
      filter: expr.filter === undefined ? undefined : this.plan(expr.filter, scope),
      body: expr.body === undefined ? ({ slots }) => slots[first] ?? null : this.plan(expr.body, scope),
      each: LOOP_COSTS[expr.macro].each, once: LOOP_COSTS[expr.macro].once,
    };
    return LOOPS[expr.macro](parts);
  }
}

/** What an optional entry of a literal holds. */
function unwrapped(value: CelValue): CelValue | undefined {
  return value instanceof CelOptional ? value.value : noSuchOverload();
}

/** `&&` and `||`: an operand that decides wins over an error of the other. `decisive` is the value that decides. */
function logical([left, right]: readonly Step[], decisive: boolean): Step {
  if (left === undefined || right === undefined) {
    return noSuchOverload();
  }
  return (frame) => {
    let failure: CelEvaluationError | undefined;
    try {
      if (asBool(left(frame)) === decisive) {
        return decisive;
      }
    } catch (error) {
      if (!(error instanceof CelEvaluationError)) {
        throw error;
      }
      failure = error;
    }
    const second = asBool(right(frame));
    if (failure !== undefined && second !== decisive) {
      throw failure;
    }
    return second;
  };
}

function conditional([condition, yes, no]: readonly Step[]): Step {
  if (condition === undefined || yes === undefined || no === undefined) {
    return noSuchOverload();
  }
  return (frame) => (asBool(condition(frame)) ? yes(frame) : no(frame));
}

function indexed([container, key]: readonly Step[], find: (container: CelValue, key: CelValue) => CelValue): Step {
  if (container === undefined || key === undefined) {
    return noSuchOverload();
  }
  return (frame) => {
    const from = container(frame);
    const at = key(frame);
    frame.meter.spend(1);
    return find(from, at);
  };
}

/** `or` and `orValue`, whose argument is not evaluated in vain. */
function alternative([left, right]: readonly Step[], inner: boolean): Step {
  if (left === undefined || right === undefined) {
    return noSuchOverload();
  }
  return (frame) => {
    const value = left(frame);
    frame.meter.spend(1);
    if (!(value instanceof CelOptional)) {
      return noSuchOverload();
    }
    if (value.value === undefined) {
      return right(frame);
    }
    return inner ? value.value : value;
  };
}

/** A call of the one overload the types leave, or of the first that takes what the arguments turn out to be. */
function invocation(overloads: readonly Overload[], steps: readonly Step[], loose: boolean): Step {
  const [only] = overloads;
  if (only !== undefined && overloads.length === 1 && !loose) {
    const { run, cost } = only;
    return (frame) => {
      const args = steps.map((step) => step(frame));
      frame.meter.spend(cost === undefined ? 1 : cost(args));
      return run(args, frame.meter);
    };
  }
  const candidates = overloads.map(({ run, cost, params }) => ({ run, cost, guards: params.map(guardOf) }));
  return (frame) => {
    const args = steps.map((step) => step(frame));
    const fitting = candidates.find(({ guards }) => guards.every((guard, index) => guard(args[index] ?? null))) ?? noSuchOverload();
    frame.meter.spend(fitting.cost === undefined ? 1 : fitting.cost(args));
    return fitting.run(args, frame.meter);
  };
}
