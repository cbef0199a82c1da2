import { validateQualifiedName } from '../../apimachinery/names.ts';
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { duplicates, nameErrors } from '../checks.ts';
import { AGE, column, NAME } from '../columns.ts';
import type { AuditAnnotation, ExpressionWarning, ValidatingAdmissionPolicy, Validation } from '../generated/admissionregistration.ts';
import { defineKind } from '../kind.ts';
import { ownStatus } from '../strategy.ts';
import { conditionErrors, constraintErrors, defaultMatch, FAILURE_POLICIES, optional, paramKindErrors, paramKindText, required, variableErrors } from './match.ts';

const MAX_ANNOTATIONS = 20;
const MAX_ANNOTATION_EXPRESSION = 5 * 1024;
const REASONS = ['Forbidden', 'Invalid', 'RequestEntityTooLarge', 'Unauthorized'];
const NOTHING = 'validations or auditAnnotations must contain at least one item';

function validationErrors(field: string, { expression = '', message = '', messageExpression = '', reason }: Partial<Validation>): FieldError[] {
  const text = message.trim();
  return [
    ...(expression.trim() === '' ? [fieldError.required(`${field}.expression`, 'expression is not specified')] : []),
    ...(messageExpression !== '' && messageExpression.trim() === ''
      ? [fieldError.invalid(`${field}.messageExpression`, messageExpression, 'must be non-empty if specified')] : []),
    ...(message !== '' && text === '' ? [fieldError.invalid(`${field}.message`, message, 'message must be non-empty if specified')] : []),
    ...(/[\n\r]/.test(text) ? [fieldError.invalid(`${field}.message`, message, 'message must not contain line breaks')] : []),
    ...optional(`${field}.reason`, reason, REASONS),
  ];
}

function annotationErrors(field: string, { key = '', valueExpression = '' }: Partial<AuditAnnotation>, policy: string): FieldError[] {
  const expression = valueExpression.trim();
  return [
    ...nameErrors(`${field}.key`, `${policy}/${key}`, validateQualifiedName),
    ...(expression === '' ? [fieldError.required(`${field}.valueExpression`, 'valueExpression is not specified')] : []),
    ...(expression.length > MAX_ANNOTATION_EXPRESSION
      ? [fieldError.required(`${field}.valueExpression`, `must not exceed ${MAX_ANNOTATION_EXPRESSION} bytes in length`)] : []),
  ];
}

function contentErrors({ metadata, spec }: ValidatingAdmissionPolicy): FieldError[] {
  const { validations = [], auditAnnotations: annotations = [] } = spec;
  if (validations.length + annotations.length === 0) {
    return [fieldError.required('spec.validations', NOTHING), fieldError.required('spec.auditAnnotations', NOTHING)];
  }
  return [
    ...validations.flatMap((one, index) => validationErrors(`spec.validations[${index}]`, one)),
    ...(annotations.length > MAX_ANNOTATIONS
      ? [fieldError.invalid('spec.auditAnnotations', annotations, `must not have more than ${MAX_ANNOTATIONS} auditAnnotations`)] : []),
    ...annotations.flatMap((one, index) => annotationErrors(`spec.auditAnnotations[${index}]`, one, metadata.name)),
    ...duplicates(annotations.map(({ key }) => key ?? ''), (index) => `spec.auditAnnotations[${index}].key`),
  ];
}

const warningErrors = (field: string, { warning, fieldRef }: ExpressionWarning): FieldError[] => [
  ...(warning ? [] : [fieldError.required(`${field}.warning`)]), ...((fieldRef ?? '').trim() === '' ? [fieldError.required(`${field}.fieldRef`)] : []),
];

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
    validate: (object) => [
      ...required('spec.failurePolicy', object.spec?.failurePolicy, FAILURE_POLICIES),
      ...paramKindErrors('spec.paramKind', object.spec?.paramKind),
      ...constraintErrors('spec.matchConstraints', object.spec?.matchConstraints),
      ...conditionErrors('spec.matchConditions', object.spec?.matchConditions),
      ...variableErrors('spec.variables', object.spec?.variables),
      ...contentErrors(object),
    ],
    validateStatus: ({ status }) => (status?.typeChecking?.expressionWarnings ?? [])
      .flatMap((one, index) => warningErrors(`status.typeChecking.expressionWarnings[${index}]`, one)),
  },
});
