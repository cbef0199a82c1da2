import type { ReplicaSet } from '../generated/apps.ts';
import { defineKind } from '../kind.ts';

export const replicaSet = defineKind<ReplicaSet>({
  group: 'apps', version: 'v1', kind: 'ReplicaSet', plural: 'replicasets', singular: 'replicaset',
  namespaced: true, type: 'apps/v1.ReplicaSet', origin: 'builtin',
  shortNames: ['rs'], categories: ['all'], status: true,
  scale: { specReplicas: '.spec.replicas', statusReplicas: '.status.replicas', selector: '.spec.selector' },
  columns: [],
  rules: {},
});
