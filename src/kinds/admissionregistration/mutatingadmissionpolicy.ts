import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { AGE, column, NAME } from '../columns.ts';
import type { MutatingAdmissionPolicy, Mutation } from '../generated/admissionregistration.ts';
import { defineKind } from '../kind.ts';
import {
  conditionErrors, constraintErrors, defaultMatch, FAILURE_POLICIES, paramKindErrors, paramKindText, REINVOCATION_POLICIES, required, variableErrors,
} from './match.ts';

const PATCH_TYPES = ['ApplyConfiguration', 'JSONPatch'];

function mutationErrors(field: string, { patchType, applyConfiguration, jsonPatch }: Mutation): FieldError[] {
  const body = (name: string, value: { expression?: string } | undefined): FieldError[] => (value === undefined
    ? [fieldError.required(`${field}.${name}`, `must be specified when patchType is ${patchType}`)]
    : (value.expression ?? '').trim() === '' ? [fieldError.required(`${field}.${name}.expression`, 'expression is not specified')] : []);
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
    validate: ({ spec }) => [
      ...required('spec.failurePolicy', spec.failurePolicy, FAILURE_POLICIES),
      ...paramKindErrors('spec.paramKind', spec.paramKind),
      ...constraintErrors('spec.matchConstraints', spec.matchConstraints),
      ...conditionErrors('spec.matchConditions', spec.matchConditions),
      ...variableErrors('spec.variables', spec.variables),
      ...(spec.mutations?.length ? spec.mutations.flatMap((one, index) => mutationErrors(`spec.mutations[${index}]`, one))
        : [fieldError.required('spec.mutations', 'mutations must contain at least one item')]),
      ...required('spec.reinvocationPolicy', spec.reinvocationPolicy || undefined, REINVOCATION_POLICIES),
    ],
  },
});
