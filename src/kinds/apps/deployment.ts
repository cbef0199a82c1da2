import type { Deployment } from '../generated/apps.ts';
import { defineKind } from '../kind.ts';

export const deployment = defineKind<Deployment>({
  group: 'apps', version: 'v1', kind: 'Deployment', plural: 'deployments', singular: 'deployment',
  namespaced: true, type: 'apps/v1.Deployment', origin: 'builtin',
  shortNames: ['deploy'], categories: ['all', 'workloads'], status: true,
  scale: { specReplicas: '.spec.replicas', statusReplicas: '.status.replicas', selector: '.spec.selector' },
  columns: [],
  rules: {},
});
