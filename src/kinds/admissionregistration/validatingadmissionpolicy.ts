import type { ExpressionScope } from '../../apimachinery/cel/policy.ts';
import { validateQualifiedName } from '../../apimachinery/names.ts';
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { duplicates, nameErrors } from '../checks.ts';
import { AGE, column, NAME } from '../columns.ts';
import { conditionsErrors } from '../conditions.ts';
import type { AuditAnnotation, ExpressionWarning, ValidatingAdmissionPolicy, Validation } from '../generated/admissionregistration.ts';
import { defineKind } from '../kind.ts';
import { ownStatus } from '../strategy.ts';
import { expressionErrors, scopesOf } from './expressions.ts';
import { conditionErrors, constraintErrors, defaultMatch, FAILURE_POLICIES, optional, paramKindErrors, paramKindText, required, variableErrors } from './match.ts';

const MAX_ANNOTATIONS = 20;
const MAX_ANNOTATION_EXPRESSION = 5 * 1024;
const REASONS = ['Forbidden', 'Invalid', 'RequestEntityTooLarge', 'Unauthorized'];
const NOTHING = 'validations or auditAnnotations must contain at least one item';

function validationErrors(field: string, validation: Partial<Validation>, scope: ExpressionScope): FieldError[] {
  const { expression = '', message = '', messageExpression = '', reason } = validation;
  const text = message.trim();
  return [
    ...(expression.trim() === '' ? [fieldError.required(`${field}.expression`, 'expression is not specified')] : []),
    ...expressionErrors(`${field}.expression`, expression, 'validation', scope),
    ...(messageExpression !== '' && messageExpression.trim() === ''
      ? [fieldError.invalid(`${field}.messageExpression`, messageExpression, 'must be non-empty if specified')] : []),
    ...expressionErrors(`${field}.messageExpression`, messageExpression, 'message', scope),
    ...(message !== '' && text === '' ? [fieldError.invalid(`${field}.message`, message, 'message must be non-empty if specified')] : []),
    ...(/[\n\r]/.test(text) ? [fieldError.invalid(`${field}.message`, message, 'message must not contain line breaks')] : []),
    ...optional(`${field}.reason`, reason, REASONS),
  ];
}

function annotationErrors(field: string, annotation: Partial<AuditAnnotation>, policy: string, scope: ExpressionScope): FieldError[] {
  const { key = '', valueExpression = '' } = annotation;
  const expression = valueExpression.trim();
  return [
    ...nameErrors(`${field}.key`, `${policy}/${key}`, validateQualifiedName),
    ...(expression === '' ? [fieldError.required(`${field}.valueExpression`, 'valueExpression is not specified')] : []),
    ...(expression.length > MAX_ANNOTATION_EXPRESSION
      ? [fieldError.required(`${field}.valueExpression`, `must not exceed ${MAX_ANNOTATION_EXPRESSION} bytes in length`)]
      : expressionErrors(`${field}.valueExpression`, valueExpression, 'auditAnnotation', scope)),
  ];
}

function contentErrors({ metadata, spec }: ValidatingAdmissionPolicy, scope: ExpressionScope): FieldError[] {
  const { validations = [], auditAnnotations: annotations = [] } = spec;
  if (validations.length + annotations.length === 0) {
    return [fieldError.required('spec.validations', NOTHING), fieldError.required('spec.auditAnnotations', NOTHING)];
  }
  return [
    ...validations.flatMap((one, index) => validationErrors(`spec.validations[${index}]`, one, scope)),
    ...(annotations.length > MAX_ANNOTATIONS
      ? [fieldError.invalid('spec.auditAnnotations', annotations, `must not have more than ${MAX_ANNOTATIONS} auditAnnotations`)] : []),
    ...annotations.flatMap((one, index) => annotationErrors(`spec.auditAnnotations[${index}]`, one, metadata.name, scope)),
    ...duplicates(annotations.map(({ key }) => key ?? ''), (index) => `spec.auditAnnotations[${index}].key`),
  ];
}

const warningErrors = (field: string, { warning, fieldRef }: ExpressionWarning): FieldError[] => [
  ...(warning ? [] : [fieldError.required(`${field}.warning`)]), ...((fieldRef ?? '').trim() === '' ? [fieldError.required(`${field}.fieldRef`)] : []),
];

function validate(object: ValidatingAdmissionPolicy): FieldError[] {
  const { failurePolicy, paramKind, matchConstraints, matchConditions, variables } = object.spec;
  const params = paramKind !== undefined;
  const scopes = scopesOf(params, variables);
  return [
    ...required('spec.failurePolicy', failurePolicy, FAILURE_POLICIES),
    ...paramKindErrors('spec.paramKind', paramKind),
    ...constraintErrors('spec.matchConstraints', matchConstraints),
    ...conditionErrors('spec.matchConditions', matchConditions, { params }),
    ...variableErrors('spec.variables', variables, scopes.each),
    ...contentErrors(object, scopes.all),
  ];
}

export const validatingAdmissionPolicy = defineKind<ValidatingAdmissionPolicy>({
  group: 'admissionregistration.k8s.io', version: 'v1', kind: 'ValidatingAdmissionPolicy',
  plural: 'validatingadmissionpolicies', singular: 'validatingadmissionpolicy',
  namespaced: false, type: 'admissionregistration/v1.ValidatingAdmissionPolicy', origin: 'builtin',
  categories: ['api-extensions'], status: true,
  columns: [
    NAME, column('Validations', ({ spec }) => (spec?.validations ?? []).length, { type: 'integer' }),
    column('ParamKind', ({ spec }) => paramKindText(spec?.paramKind)), AGE,
  ],
  rules: {
    ...ownStatus(() => ({})),
    defaults(object) {
      object.spec ??= {};
      object.spec.failurePolicy ??= 'Fail';
      defaultMatch(object.spec.matchConstraints);
    },
    validate,
    validateStatus: ({ status }) => [
      ...(status?.typeChecking?.expressionWarnings ?? []).flatMap((one, index) => warningErrors(`status.typeChecking.expressionWarnings[${index}]`, one)),
      ...conditionsErrors('status.conditions', status?.conditions),
    ],
  },
});
