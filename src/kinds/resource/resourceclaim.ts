import { immutable } from '../checks.ts';
import { AGE, column, NAME } from '../columns.ts';
import type { ResourceClaim } from '../generated/resource.ts';
import { defineKind } from '../kind.ts';
import { ownStatus } from '../strategy.ts';
import { claimSpecErrors, defaultClaimSpec } from './claimspec.ts';
import { claimStatusErrors } from './claimstatus.ts';

/** `pending`, `allocated,reserved`, `deleted,allocated`… */
function claimState({ metadata, status }: ResourceClaim): string {
  const deleted = metadata.deletionTimestamp !== undefined;
  if (status?.allocation === undefined) {
    return deleted ? 'deleted' : 'pending';
  }
  const use = status.reservedFor?.length ? ['reserved'] : deleted ? ['deallocating'] : [];
  return [...(deleted ? ['deleted'] : []), 'allocated', ...use].join(',');
}

export const resourceClaim = defineKind<ResourceClaim>({
  group: 'resource.k8s.io', version: 'v1', kind: 'ResourceClaim', plural: 'resourceclaims', singular: 'resourceclaim',
  namespaced: true, type: 'resource/v1.ResourceClaim', origin: 'builtin', status: true,
  columns: [NAME, column('State', (object) => claimState(object)), AGE],
  rules: {
    ...ownStatus(() => ({})),
    generation: false,
    defaults(object) {
      object.spec ??= {};
      defaultClaimSpec(object.spec);
    },
    validate: ({ spec }) => claimSpecErrors('spec', spec),
    validateUpdate: (object, old) => immutable('spec', object.spec, old.spec),
    validateStatus: claimStatusErrors,
  },
});
