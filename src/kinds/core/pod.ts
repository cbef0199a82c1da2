import type { Pod } from '../generated/core.ts';
import { defineKind } from '../kind.ts';

export const pod = defineKind<Pod>({
  group: '', version: 'v1', kind: 'Pod', plural: 'pods', singular: 'pod',
  namespaced: true, type: 'core/v1.Pod', origin: 'builtin',
  shortNames: ['po'], categories: ['all'], status: true,
  columns: [],
  rules: {},
});
