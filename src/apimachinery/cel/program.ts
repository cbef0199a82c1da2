/** What a compiled expression is to its users: see compile.ts for how it comes about. */
import type { CostBudget } from './budget.ts';
import type { CelType, ObjectType } from './types.ts';
import type { CelValue } from './values.ts';

export interface CelEnvironment {
  /** Names an expression may use, with their types. */
  readonly variables: Readonly<Record<string, CelType>>;
  /** What the expression must be; refused otherwise. `dyn` passes for each. */
  readonly expected?: CelType | readonly CelType[];
  /** Types that expressions may construct by name: `Object.spec{replicas: 1}`. */
  readonly structs?: (name: string) => ObjectType | undefined;
}

export interface CelProgram {
  readonly source: string;
  /** The type the checker inferred. */
  readonly type: CelType;
  /** True when the expression mentions this variable. */
  uses(variable: string): boolean;
  /**
   * The value of the expression. `bindings` holds JSON, read by the variables' types, or CEL values; a missing variable is an error only where
   * it is used. Throws CelEvaluationError and CostExceeded; the cost is taken from `budget` in any case.
   */
  evaluate(bindings: Readonly<Record<string, unknown>>, budget: CostBudget): CelValue;
  /** The least and the most it can cost, by the sizes that types say (`max`). Infinity when nothing bounds it. */
  estimate(): { readonly min: number; readonly max: number };
}
