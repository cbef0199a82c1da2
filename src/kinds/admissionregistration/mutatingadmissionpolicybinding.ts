import { AGE, column, NAME } from '../columns.ts';
import type { MutatingAdmissionPolicyBinding } from '../generated/admissionregistration.ts';
import { defineKind } from '../kind.ts';
import { bindingErrors, defaultBinding } from './bindings.ts';
import { paramRefText } from './match.ts';

export const mutatingAdmissionPolicyBinding = defineKind<MutatingAdmissionPolicyBinding>({
  group: 'admissionregistration.k8s.io', version: 'v1', kind: 'MutatingAdmissionPolicyBinding',
  plural: 'mutatingadmissionpolicybindings', singular: 'mutatingadmissionpolicybinding',
  namespaced: false, type: 'admissionregistration/v1.MutatingAdmissionPolicyBinding', origin: 'builtin',
  categories: ['api-extensions'],
  columns: [NAME, column('PolicyName', ({ spec }) => spec?.policyName ?? ''), column('ParamRef', ({ spec }) => paramRefText(spec?.paramRef)), AGE],
  rules: {
    defaults(object) {
      object.spec ??= {};
      defaultBinding(object.spec);
    },
    validate: ({ spec }) => bindingErrors(spec),
  },
});
