import { AGE, column, NAME } from '../columns.ts';
import { nonNegative, positive } from '../checks.ts';
import type { Lease } from '../generated/coordination.ts';
import { defineKind } from '../kind.ts';

export const lease = defineKind<Lease>({
  group: 'coordination.k8s.io', version: 'v1', kind: 'Lease', plural: 'leases', singular: 'lease',
  namespaced: true, type: 'coordination/v1.Lease', origin: 'builtin',
  columns: [NAME, column('Holder', ({ spec }) => spec?.holderIdentity ?? ''), AGE],
  rules: {
    generation: false,
    defaults(object) { object.spec ??= {}; },
    validate: ({ spec }) => [
      ...positive('spec.leaseDurationSeconds', spec.leaseDurationSeconds),
      ...nonNegative('spec.leaseTransitions', spec.leaseTransitions),
    ],
  },
});
