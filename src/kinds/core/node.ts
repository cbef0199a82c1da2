import type { Node } from '../generated/core.ts';
import { defineKind } from '../kind.ts';

export const node = defineKind<Node>({
  group: '', version: 'v1', kind: 'Node', plural: 'nodes', singular: 'node',
  namespaced: false, type: 'core/v1.Node', origin: 'builtin',
  shortNames: ['no'], status: true,
  columns: [],
  rules: {},
});
