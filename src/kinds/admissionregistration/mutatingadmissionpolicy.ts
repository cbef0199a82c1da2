import type { ExpressionScope } from '../../apimachinery/cel/policy.ts';
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { AGE, column, NAME } from '../columns.ts';
import type { MutatingAdmissionPolicy, Mutation } from '../generated/admissionregistration.ts';
import { defineKind } from '../kind.ts';
import { expressionErrors, scopesOf } from './expressions.ts';
import {
  conditionErrors, constraintErrors, defaultMatch, FAILURE_POLICIES, paramKindErrors, paramKindText, REINVOCATION_POLICIES, required, variableErrors,
} from './match.ts';

const PATCH_TYPES = ['ApplyConfiguration', 'JSONPatch'];

function mutationErrors(field: string, { patchType, applyConfiguration, jsonPatch }: Mutation, scope: ExpressionScope): FieldError[] {
  const body = (name: 'applyConfiguration' | 'jsonPatch', value: { expression?: string } | undefined): FieldError[] => (value === undefined
    ? [fieldError.required(`${field}.${name}`, `must be specified when patchType is ${patchType}`)]
    : (value.expression ?? '').trim() === '' ? [fieldError.required(`${field}.${name}.expression`, 'expression is not specified')]
      : expressionErrors(`${field}.${name}.expression`, value.expression, name, scope));
  switch (patchType) {
    case 'ApplyConfiguration': return [
      ...body('applyConfiguration', applyConfiguration),
      ...(jsonPatch === undefined ? [] : [fieldError.invalid(`${field}.jsonPatch`, '{jsonPatch}', 'must not be specified when patchType is ApplyConfiguration')]),
    ];
    case 'JSONPatch': return [
      ...body('jsonPatch', jsonPatch),
      ...(applyConfiguration === undefined ? []
        : [fieldError.invalid(`${field}.applyConfiguration`, '{applyConfiguration}', 'must not be specified when patchType is JSONPatch')]),
    ];
    default: return required(`${field}.patchType`, patchType || undefined, PATCH_TYPES);
  }
}

function validate({ spec }: MutatingAdmissionPolicy): FieldError[] {
  const { failurePolicy, paramKind, matchConstraints, matchConditions, variables, mutations = [], reinvocationPolicy } = spec;
  const params = paramKind !== undefined;
  const scopes = scopesOf(params, variables);
  return [
    ...required('spec.failurePolicy', failurePolicy, FAILURE_POLICIES),
    ...paramKindErrors('spec.paramKind', paramKind),
    ...constraintErrors('spec.matchConstraints', matchConstraints),
    ...conditionErrors('spec.matchConditions', matchConditions, { params }),
    ...variableErrors('spec.variables', variables, scopes.each),
    ...(mutations.length === 0 ? [fieldError.required('spec.mutations', 'mutations must contain at least one item')] : []),
    ...mutations.flatMap((one, index) => mutationErrors(`spec.mutations[${index}]`, one, scopes.all)),
    ...required('spec.reinvocationPolicy', reinvocationPolicy || undefined, REINVOCATION_POLICIES),
  ];
}

export const mutatingAdmissionPolicy = defineKind<MutatingAdmissionPolicy>({
  group: 'admissionregistration.k8s.io', version: 'v1', kind: 'MutatingAdmissionPolicy',
  plural: 'mutatingadmissionpolicies', singular: 'mutatingadmissionpolicy',
  namespaced: false, type: 'admissionregistration/v1.MutatingAdmissionPolicy', origin: 'builtin',
  categories: ['api-extensions'],
  columns: [
    NAME, column('Mutations', ({ spec }) => (spec?.mutations ?? []).length, { type: 'integer' }),
    column('ParamKind', ({ spec }) => paramKindText(spec?.paramKind)), AGE,
  ],
  rules: {
    defaults(object) {
      object.spec ??= {};
      object.spec.failurePolicy ??= 'Fail';
      defaultMatch(object.spec.matchConstraints);
    },
    validate,
  },
});
