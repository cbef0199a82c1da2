/** From text to a program: parse, check, plan. */
import { CostExceeded, CostMeter, PER_CALL_COST_LIMIT, type CostBudget } from './budget.ts';
import { checkExpression, type Checked } from './checker.ts';
import { CelCompileError, CelEvaluationError, type CelIssue } from './errors.ts';
import { estimateCost } from './estimate.ts';
import { adapt } from './json.ts';
import { literalIssues } from './literals.ts';
import { FUNCTIONS, structOf } from './library/index.ts';
import { parse } from './parser.ts';
import type { Step } from './frame.ts';
import { Planner } from './plan.ts';
import type { CelEnvironment, CelProgram } from './program.ts';
import { DYN, typeText, type CelType } from './types.ts';
import { Types } from './unify.ts';
import type { CelValue } from './values.ts';

/** Variables of an evaluation, by name. */
type Bindings = Readonly<Record<string, unknown>>;

/** V8's own limits, met by expressions whose values grow beyond all reason, are failures of the evaluation. */
function asEvaluationError(error: unknown): unknown {
  return error instanceof RangeError ? new CelEvaluationError('the expression takes too much memory or too many levels', { cause: error }) : error;
}

class Program implements CelProgram {
  readonly source: string;
  readonly type: CelType;
  readonly #checked: Checked;
  readonly #step: Step;
  readonly #slotCount: number;
  readonly #roots: readonly { readonly name: string; readonly slot: number; readonly type: CelType }[];

  constructor(source: string, checked: Checked, env: CelEnvironment) {
    this.source = source;
    this.type = checked.type;
    this.#checked = checked;
    const planner = new Planner(checked);
    this.#step = planner.plan(checked.expr);
    this.#slotCount = planner.slotCount;
    this.#roots = [...planner.roots].map(([name, slot]) => ({ name, slot, type: env.variables[name] ?? DYN }));
  }

  uses(variable: string): boolean {
    return this.#roots.some(({ name }) => name === variable);
  }

  evaluate(bindings: Bindings, budget: CostBudget): CelValue {
    const meter = new CostMeter(Math.min(PER_CALL_COST_LIMIT, budget.remaining));
    const slots = Array.from<CelValue | undefined>({ length: this.#slotCount });
    try {
      for (const { name, slot, type } of this.#roots) {
        const value = bindings[name];
        slots[slot] = value === undefined ? undefined : adapt(value, type);
      }
      return this.#step({ slots, meter });
    } catch (error) {
      throw error instanceof CostExceeded && meter.limit < PER_CALL_COST_LIMIT ? new CostExceeded('budget') : asEvaluationError(error);
    } finally {
      budget.charge(Math.min(meter.used, meter.limit));
    }
  }

  estimate(): { readonly min: number; readonly max: number } {
    return estimateCost(this.#checked);
  }
}

function unexpected(type: CelType, expected: CelEnvironment['expected']): CelIssue[] {
  const wanted: readonly CelType[] = expected === undefined ? [] : 'kind' in expected ? [expected] : expected;
  if (wanted.length === 0 || type.kind === 'error' || wanted.some((one) => new Types().assignable(one, type))) {
    return [];
  }
  const [only] = wanted;
  const text = only !== undefined && wanted.length === 1 ? `must evaluate to ${typeText(only)}` : `must evaluate to one of ${wanted.map(typeText).join(', ')}`;
  return [{ offset: -1, message: text }];
}

/**
 * Compiles an expression. Throws CelCompileError, worded as cel-go's: `ERROR: <input>:1:3: undefined field 'x'` with the line and a caret, one for
 * each thing wrong; for a result of the wrong type just `must evaluate to bool`.
 */
export function compile(source: string, env: CelEnvironment): CelProgram {
  const expr = parse(source);
  const structs = (name: string): ReturnType<typeof structOf> => env.structs?.(name) ?? structOf(name);
  const checked = checkExpression(expr, { variables: env.variables, functions: FUNCTIONS, structs });
  const issues = [...checked.issues, ...(checked.issues.length > 0 ? [] : literalIssues(checked))];
  if (issues.length > 0) {
    throw new CelCompileError(source, issues);
  }
  const [wrong] = unexpected(checked.type, env.expected);
  if (wrong !== undefined) {
    throw new CelCompileError(source, [wrong]);
  }
  return new Program(source, checked, env);
}
