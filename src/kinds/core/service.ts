import type { Service } from '../generated/core.ts';
import { defineKind } from '../kind.ts';

export const service = defineKind<Service>({
  group: '', version: 'v1', kind: 'Service', plural: 'services', singular: 'service',
  namespaced: true, type: 'core/v1.Service', origin: 'builtin',
  shortNames: ['svc'], categories: ['all'], status: true,
  columns: [],
  rules: {},
});
