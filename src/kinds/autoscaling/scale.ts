import { AGE, column, NAME } from '../columns.ts';
import type { Scale } from '../generated/autoscaling.ts';
import { defineKind } from '../kind.ts';

/** What `/scale` answers: no resource of its own, so not in the table of kinds. */
export const scaleKind = defineKind<Scale>({
  group: 'autoscaling', version: 'v1', kind: 'Scale', plural: 'scales', singular: 'scale',
  namespaced: true, type: 'autoscaling/v1.Scale', origin: 'builtin', unstored: true,
  columns: [
    NAME,
    column('Desired', ({ spec }) => spec?.replicas ?? 0, { type: 'integer' }),
    column('Available', ({ status }) => status?.replicas ?? 0, { type: 'integer' }),
    AGE,
  ],
  rules: { generation: false },
});
