import type { Secret } from '../generated/core.ts';
import { defineKind } from '../kind.ts';

export const secret = defineKind<Secret>({
  group: '', version: 'v1', kind: 'Secret', plural: 'secrets', singular: 'secret',
  namespaced: true, type: 'core/v1.Secret', origin: 'builtin',
  columns: [],
  rules: {},
});
