/** CEL as Kubernetes uses it: see README.md. */
export { CostBudget, CostExceeded, MATCH_CONDITIONS_COST_LIMIT, PER_CALL_COST_LIMIT, PER_REQUEST_COST_LIMIT, STATIC_COST_LIMIT, STATIC_CRD_COST_LIMIT } from './budget.ts';
export { compile } from './compile.ts';
export { CelCompileError, CelEvaluationError } from './errors.ts';
export { adapt, toJson } from './json.ts';
export { escapeName, unescapeName } from './names.ts';
export type { CelEnvironment, CelProgram } from './program.ts';
export { celTypeOfMessage, celTypeOfSchema } from './schema.ts';
export { celAuthorizer, celResourceCheck, type AccessAnswer, type AccessQuestion, type AskAccess } from './library/authorization.ts';
export {
  BOOL, BYTES, DOUBLE, DURATION, DYN, INT, listOf, mapOf, NULL, objectType, opaque, optionalOf, STRING, TIMESTAMP, typeText, UINT,
  type CelType, type ListType, type MapType, type ObjectField, type ObjectType,
} from './types.ts';
export { BuiltRecord, typeNameOf, CelMap, CelList, CelRecord, CelOptional, type CelValue } from './values.ts';
export {
  applyConfigurationType, compilePolicyExpression, NAMESPACE_TYPE, policyExpressionError, REQUEST_TYPE, type ExpressionScope, type ExpressionUse,
} from './policy.ts';
