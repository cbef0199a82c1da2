import type { Endpoints } from '../generated/core.ts';
import { defineKind } from '../kind.ts';

export const endpoints = defineKind<Endpoints>({
  group: '', version: 'v1', kind: 'Endpoints', plural: 'endpoints', singular: 'endpoints',
  namespaced: true, type: 'core/v1.Endpoints', origin: 'builtin',
  shortNames: ['ep'],
  columns: [],
  rules: {},
});
