import { immutable } from '../checks.ts';
import { AGE, column, NAME } from '../columns.ts';
import type { ResourceQuota } from '../generated/core.ts';
import { defineKind } from '../kind.ts';
import { ownStatus } from '../strategy.ts';
import { quotaErrors } from './resourcequota.validate.ts';

/** `requests.cpu: 1/2, requests.memory: 1Gi/4Gi` */
function usage({ status }: ResourceQuota, limits: boolean): string {
  return Object.entries(status?.hard ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
    .filter(([name]) => name.startsWith('limits.') === limits)
    .map(([name, hard]) => `${name}: ${status?.used?.[name] ?? '0'}/${hard}`).join(', ');
}

export const resourceQuota = defineKind<ResourceQuota>({
  group: '', version: 'v1', kind: 'ResourceQuota', plural: 'resourcequotas', singular: 'resourcequota',
  namespaced: true, type: 'core/v1.ResourceQuota', origin: 'builtin',
  shortNames: ['quota'], status: true,
  columns: [NAME, column('Request', (quota) => usage(quota, false)), column('Limit', (quota) => usage(quota, true)), AGE],
  rules: {
    ...ownStatus(() => ({})),
    generation: false,
    defaults(object) { object.spec ??= {}; },
    validate: ({ spec }) => quotaErrors('spec', spec),
    validateUpdate: ({ spec }, { spec: old }) => immutable('spec.scopes', spec.scopes, old.scopes),
  },
});
