import { NAME } from '../columns.ts';
import type { Binding } from '../generated/core.ts';
import { defineKind } from '../kind.ts';

/** The older way to bind a pod to a node: `POST …/bindings`, never stored. */
export const binding = defineKind<Binding>({
  group: '', version: 'v1', kind: 'Binding', plural: 'bindings', singular: 'binding',
  namespaced: true, type: 'core/v1.Binding', origin: 'builtin', unstored: true, verbs: ['create'],
  columns: [NAME],
  rules: { generation: false },
});
