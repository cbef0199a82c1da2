/** Compiled expressions of a policy or webhook, and their evaluation for one request. */
import {
  adapt, CelCompileError, CelEvaluationError, CelRecord, compilePolicyExpression, CostBudget, CostExceeded, DYN, MATCH_CONDITIONS_COST_LIMIT,
  type CelProgram, type CelType, type CelValue, type ExpressionScope, type ExpressionUse,
} from '../../../apimachinery/cel/index.ts';
import type { KubeObject } from '../../../apimachinery/object.ts';
import type { MatchCondition, Variable } from '../../../kinds/generated/admissionregistration.ts';
import type { AdmissionRequest } from '../admission.ts';
import type { Access } from './access.ts';
import type { Match } from './match.ts';
import { celRequest } from './request.ts';

/** An expression that compiled, or why it did not: stored policies may be older than a check that refuses them now. */
export interface Compiled {
  readonly source: string;
  readonly program: CelProgram | undefined;
  /** `compilation failed: …`; empty when there is a program. */
  readonly error: string;
}

export function compiled(source: string, use: ExpressionUse, scope: ExpressionScope): Compiled {
  try {
    return { source, program: compilePolicyExpression(source, use, scope), error: '' };
  } catch (error) {
    if (error instanceof CelCompileError) {
      return { source, program: undefined, error: error.issues.some(({ offset }) => offset < 0) ? error.message : `compilation failed: ${error.message}` };
    }
    throw error;
  }
}

export interface CompiledVariable extends Compiled { readonly name: string }

/** Variables in order: each sees those before it. The result has the scope of everything after them. */
export function compileVariables(variables: readonly Partial<Variable>[], params: boolean): { variables: readonly CompiledVariable[]; scope: ExpressionScope } {
  const types = new Map<string, CelType>();
  const done = variables.map(({ name = '', expression = '' }) => {
    const one = compiled(expression, 'variable', { params, variables: new Map(types) });
    types.set(name, one.program?.type ?? DYN);
    return { ...one, name };
  });
  return { variables: done, scope: { params, variables: types } };
}

/** What an expression gave, or what went wrong in Kubernetes' words. */
export type Outcome = { readonly value: CelValue; readonly error?: undefined } | { readonly error: string };

/** `variables`: each is evaluated when it is first asked for, and once. */
class Variables extends CelRecord {
  readonly typeName = 'kubernetes.variables';
  readonly #compiled: ReadonlyMap<string, CompiledVariable>;
  readonly #done = new Map<string, CelValue | CelEvaluationError>();
  readonly #evaluate: (program: CelProgram) => CelValue;

  constructor(compiled: readonly CompiledVariable[], evaluate: (program: CelProgram) => CelValue) {
    super();
    this.#compiled = new Map(compiled.map((one) => [one.name, one]));
    this.#evaluate = evaluate;
  }

  knows(name: string): boolean { return this.#compiled.has(name); }
  names(): Iterable<string> { return this.#compiled.keys(); }

  get(name: string): CelValue | undefined {
    const known = this.#done.get(name) ?? this.#first(name);
    if (known instanceof CelEvaluationError) {
      throw known;
    }
    return known;
  }

  #first(name: string): CelValue | CelEvaluationError | undefined {
    const one = this.#compiled.get(name);
    if (one === undefined) {
      return undefined;
    }
    const result = this.#valueOf(one);
    this.#done.set(name, result);
    return result;
  }

  #valueOf({ name, program, error }: CompiledVariable): CelValue | CelEvaluationError {
    if (program === undefined) {
      return new CelEvaluationError(`composited variable ${JSON.stringify(name)} fails to compile: ${error}`);
    }
    try {
      return this.#evaluate(program);
    } catch (failure) {
      if (failure instanceof CelEvaluationError || (failure instanceof CostExceeded && failure.scope === 'call')) {
        return new CelEvaluationError(`composited variable ${JSON.stringify(name)} fails to evaluate: ${failure.message}`);
      }
      throw failure;
    }
  }
}

export interface Subject {
  readonly request: AdmissionRequest;
  readonly match: Match;
  /** In the version that was matched. */
  readonly object: KubeObject | undefined;
  readonly old: KubeObject | undefined;
  readonly params?: KubeObject | undefined;
  readonly namespace?: KubeObject | undefined;
  readonly access: Access;
  readonly variables?: readonly CompiledVariable[];
}

/** One policy, binding and parameter, or one webhook, looking at one request. */
export class Evaluation {
  readonly #bindings: Record<string, unknown>;
  #budget: CostBudget;

  constructor({ request, match, object, old, params, namespace, access, variables = [] }: Subject) {
    this.#budget = new CostBudget();
    // Adapted once: what was read of the object is remembered between the expressions.
    this.#bindings = {
      object: adapt(object ?? null, DYN), oldObject: adapt(old ?? null, DYN), params: adapt(params ?? null, DYN), request: celRequest(request, match),
      namespaceObject: namespace === undefined ? null : shownNamespace(namespace),
      authorizer: access.authorizer(), 'authorizer.requestResource': access.requestResource(request),
    };
    this.#bindings['variables'] = new Variables(variables, (program) => program.evaluate(this.#bindings, this.#budget));
  }

  /** A fresh budget, as Kubernetes gives each group of expressions. */
  refill(limit?: number): void {
    this.#budget = new CostBudget(limit);
  }

  /** Throws CostExceeded when the budget of the group is gone; anything else that goes wrong is an outcome. */
  evaluate({ source, program, error }: Compiled): Outcome {
    if (program === undefined) {
      return { error: `compilation error: ${error}` };
    }
    try {
      return { value: program.evaluate(this.#bindings, this.#budget) };
    } catch (failure) {
      if (failure instanceof CelEvaluationError || (failure instanceof CostExceeded && failure.scope === 'call')) {
        return { error: `expression '${source}' resulted in error: ${failure.message}` };
      }
      throw failure;
    }
  }
}

/** Expressions see nothing of who manages a namespace's fields. */
function shownNamespace(namespace: KubeObject): unknown {
  const { managedFields: _managed, ownerReferences: _owners, uid, ...metadata } = namespace.metadata;
  return { ...namespace, metadata: { ...metadata, ...(uid === undefined ? {} : { UID: uid }) } };
}

export interface Condition extends Compiled { readonly name: string }

export const compileConditions = (conditions: readonly Partial<MatchCondition>[] = [], scope: ExpressionScope): readonly Condition[] =>
  conditions.map(({ name = '', expression = '' }) => ({ ...compiled(expression, 'condition', scope), name }));

/** False when a condition says no; `error` when none does but one failed and the policy is Fail. */
export function conditionsMatch(conditions: readonly Condition[], evaluation: Evaluation, failurePolicy: string): { matches: boolean; error?: string } {
  if (conditions.length === 0) {
    return { matches: true };
  }
  const errors: string[] = [];
  evaluation.refill(MATCH_CONDITIONS_COST_LIMIT);
  try {
    for (const condition of conditions) {
      const outcome = evaluation.evaluate(condition);
      if (outcome.error !== undefined) {
        errors.push(outcome.error);
      } else if (outcome.value === false) {
        return { matches: false };
      }
    }
  } catch (error) {
    if (!(error instanceof CostExceeded)) {
      throw error;
    }
    errors.splice(0, errors.length, error.message);
  } finally {
    evaluation.refill();
  }
  if (errors.length === 0) {
    return { matches: true };
  }
  const [only = ''] = errors;
  return failurePolicy === 'Ignore' ? { matches: false } : { matches: false, error: errors.length === 1 ? only : `[${errors.join(', ')}]` };
}
