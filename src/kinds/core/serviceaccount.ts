import { AGE, column, NAME } from '../columns.ts';
import type { ServiceAccount } from '../generated/core.ts';
import { defineKind } from '../kind.ts';

export const serviceAccount = defineKind<ServiceAccount>({
  group: '', version: 'v1', kind: 'ServiceAccount', plural: 'serviceaccounts', singular: 'serviceaccount',
  namespaced: true, type: 'core/v1.ServiceAccount', origin: 'builtin',
  shortNames: ['sa'],
  subresources: { token: { kind: 'TokenRequest', group: 'authentication.k8s.io', version: 'v1', verbs: ['create'] } },
  columns: [NAME, column('Secrets', ({ secrets }) => secrets?.length ?? 0, { type: 'integer' }), AGE],
  rules: { generation: false },
});
