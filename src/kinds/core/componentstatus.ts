import { column, NAME } from '../columns.ts';
import type { ComponentStatus } from '../generated/core.ts';
import { defineKind } from '../kind.ts';

const healthy = ({ conditions }: ComponentStatus): NonNullable<ComponentStatus['conditions']>[number] | undefined =>
  conditions?.find(({ type }) => type === 'Healthy');

/** Deprecated; clients only read it, the server writes what there is at its start. */
export const componentStatus = defineKind<ComponentStatus>({
  group: '', version: 'v1', kind: 'ComponentStatus', plural: 'componentstatuses', singular: 'componentstatus',
  namespaced: false, type: 'core/v1.ComponentStatus', origin: 'builtin',
  shortNames: ['cs'], verbs: ['get', 'list'],
  columns: [
    NAME,
    column('Status', (object) => (healthy(object)?.status === 'True' ? 'Healthy' : healthy(object)?.status === 'False' ? 'Unhealthy' : 'Unknown')),
    column('Message', (object) => healthy(object)?.message ?? ''),
    column('Error', (object) => healthy(object)?.error ?? ''),
  ],
  rules: { generation: false },
});
