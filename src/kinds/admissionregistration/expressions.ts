/** CEL expressions of policies and webhooks: compiled when they are written, so that a wrong one is refused at once. */
import { policyExpressionError, compilePolicyExpression, type ExpressionScope, type ExpressionUse } from '../../apimachinery/cel/policy.ts';
import { CelCompileError } from '../../apimachinery/cel/errors.ts';
import { DYN, type CelType } from '../../apimachinery/cel/types.ts';
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import type { Variable } from '../generated/admissionregistration.ts';

/** What is wrong with an expression that is there; an empty one is for the caller to name. */
export function expressionErrors(field: string, expression: string | undefined, use: ExpressionUse, scope: ExpressionScope): FieldError[] {
  if (expression === undefined || expression.trim() === '') {
    return [];
  }
  const why = policyExpressionError(expression, use, scope);
  return why === undefined ? [] : [fieldError.invalid(field, expression, why)];
}

/** The type a variable has for the expressions after it; anything at all where it does not compile, which is said elsewhere. */
function typeOf(expression: string, scope: ExpressionScope): CelType {
  try {
    return compilePolicyExpression(expression, 'variable', scope).type;
  } catch (error) {
    if (error instanceof CelCompileError) {
      return DYN;
    }
    throw error;
  }
}

/** Scopes of a policy's variables, each of which sees those before it, and at last that of its other expressions. */
export function scopesOf(params: boolean, variables: readonly Partial<Variable>[] = []): { each: ExpressionScope[]; all: ExpressionScope } {
  const known = new Map<string, CelType>();
  const each = variables.map(({ name = '', expression = '' }) => {
    const scope: ExpressionScope = { params, variables: new Map(known) };
    known.set(name, typeOf(expression, scope));
    return scope;
  });
  return { each, all: { params, variables: known } };
}
