import type { ServiceAccount } from '../generated/core.ts';
import { defineKind } from '../kind.ts';

export const serviceAccount = defineKind<ServiceAccount>({
  group: '', version: 'v1', kind: 'ServiceAccount', plural: 'serviceaccounts', singular: 'serviceaccount',
  namespaced: true, type: 'core/v1.ServiceAccount', origin: 'builtin',
  shortNames: ['sa'],
  columns: [],
  rules: {},
});
