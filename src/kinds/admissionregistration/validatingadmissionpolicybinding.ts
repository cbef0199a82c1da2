import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { duplicates } from '../checks.ts';
import { AGE, column, NAME } from '../columns.ts';
import type { ValidatingAdmissionPolicyBinding } from '../generated/admissionregistration.ts';
import { defineKind } from '../kind.ts';
import { bindingErrors, defaultBinding } from './bindings.ts';
import { paramRefText } from './match.ts';

const ACTIONS = ['Audit', 'Deny', 'Warn'];
const TWICE = 'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)';

function actionErrors(field: string, actions: readonly string[] = []): FieldError[] {
  return [
    ...actions.flatMap((one, index) => (ACTIONS.includes(one) ? [] : [fieldError.notSupported(`${field}[${index}]`, one, ACTIONS)])),
    ...duplicates(actions, (index) => `${field}[${index}]`),
    ...(actions.includes('Deny') && actions.includes('Warn') ? [fieldError.invalid(field, actions, TWICE)] : []),
    ...(actions.length === 0 ? [fieldError.required(field, 'at least one validation action is required')] : []),
  ];
}

export const validatingAdmissionPolicyBinding = defineKind<ValidatingAdmissionPolicyBinding>({
  group: 'admissionregistration.k8s.io', version: 'v1', kind: 'ValidatingAdmissionPolicyBinding',
  plural: 'validatingadmissionpolicybindings', singular: 'validatingadmissionpolicybinding',
  namespaced: false, type: 'admissionregistration/v1.ValidatingAdmissionPolicyBinding', origin: 'builtin',
  categories: ['api-extensions'],
  columns: [NAME, column('PolicyName', ({ spec }) => spec?.policyName ?? ''), column('ParamRef', ({ spec }) => paramRefText(spec?.paramRef)), AGE],
  rules: {
    defaults(object) {
      object.spec ??= { policyName: '', validationActions: [] };
      defaultBinding(object.spec);
    },
    validate: ({ spec }) => [...bindingErrors(spec), ...actionErrors('spec.validationActions', spec.validationActions)],
  },
});
