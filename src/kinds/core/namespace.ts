import type { Namespace } from '../generated/core.ts';
import { defineKind } from '../kind.ts';

export const namespace = defineKind<Namespace>({
  group: '', version: 'v1', kind: 'Namespace', plural: 'namespaces', singular: 'namespace',
  namespaced: false, type: 'core/v1.Namespace', origin: 'builtin',
  shortNames: ['ns'], status: true,
  columns: [],
  rules: {},
});
