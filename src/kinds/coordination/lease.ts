import type { Lease } from '../generated/coordination.ts';
import { defineKind } from '../kind.ts';

export const lease = defineKind<Lease>({
  group: 'coordination.k8s.io', version: 'v1', kind: 'Lease', plural: 'leases', singular: 'lease',
  namespaced: true, type: 'coordination/v1.Lease', origin: 'builtin',
  columns: [],
  rules: {},
});
