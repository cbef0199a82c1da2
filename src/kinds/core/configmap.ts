import type { ConfigMap } from '../generated/core.ts';
import { defineKind } from '../kind.ts';

export const configMap = defineKind<ConfigMap>({
  group: '', version: 'v1', kind: 'ConfigMap', plural: 'configmaps', singular: 'configmap',
  namespaced: true, type: 'core/v1.ConfigMap', origin: 'builtin',
  shortNames: ['cm'],
  columns: [],
  rules: {},
});
