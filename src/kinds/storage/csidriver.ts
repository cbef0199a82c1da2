import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { immutable } from '../checks.ts';
import { AGE, column, NAME } from '../columns.ts';
import type { CSIDriver, CSIDriverSpec, TokenRequest } from '../generated/storage.ts';
import { inert } from '../inert.ts';
import { defineKind } from '../kind.ts';
import { driverName } from '../namechecks.ts';

const MODES = ['Ephemeral', 'Persistent'];
const FS_GROUP_POLICIES = ['File', 'None', 'ReadWriteOnceWithFSType'];
const MIN_TOKEN_SECONDS = 600;
const MAX_TOKEN_SECONDS = 2 ** 32;
const MIN_UPDATE_SECONDS = 10;

function tokenErrors(field: string, requests: readonly Partial<TokenRequest>[]): FieldError[] {
  const seen = new Set<string>();
  return requests.flatMap(({ audience = '', expirationSeconds }, index) => {
    const at = `${field}[${index}]`;
    const errors = seen.has(audience) ? [fieldError.duplicate(`${at}.audience`, audience)] : [];
    seen.add(audience);
    if (expirationSeconds !== undefined && expirationSeconds < MIN_TOKEN_SECONDS) {
      errors.push(fieldError.invalid(`${at}.expirationSeconds`, expirationSeconds, 'may not specify a duration less than 10 minutes'));
    }
    if (expirationSeconds !== undefined && expirationSeconds > MAX_TOKEN_SECONDS) {
      errors.push(fieldError.invalid(`${at}.expirationSeconds`, expirationSeconds, 'may not specify a duration larger than 2^32 seconds'));
    }
    return errors;
  });
}

function specErrors(spec: CSIDriverSpec): FieldError[] {
  const { fsGroupPolicy, nodeAllocatableUpdatePeriodSeconds: period, volumeLifecycleModes = [], tokenRequests = [] } = spec;
  return [
    ...volumeLifecycleModes.filter((mode) => !MODES.includes(mode)).map((mode) => fieldError.notSupported('spec.volumeLifecycleModes', mode, MODES)),
    ...(fsGroupPolicy === undefined || FS_GROUP_POLICIES.includes(fsGroupPolicy) ? []
      : [fieldError.notSupported('spec.fsGroupPolicy', fsGroupPolicy, FS_GROUP_POLICIES)]),
    ...tokenErrors('spec.tokenRequests', tokenRequests),
    ...(period !== undefined && period < MIN_UPDATE_SECONDS
      ? [fieldError.invalid('spec.nodeAllocatableUpdatePeriodSeconds', period, `must be greater than or equal to ${MIN_UPDATE_SECONDS} seconds`)] : []),
  ];
}

function defaults(driver: CSIDriver): void {
  driver.spec ??= {};
  const { spec } = driver;
  spec.attachRequired ??= true;
  spec.podInfoOnMount ??= false;
  spec.storageCapacity ??= false;
  spec.fsGroupPolicy ??= 'ReadWriteOnceWithFSType';
  spec.requiresRepublish ??= false;
  spec.seLinuxMount ??= false;
  if (!spec.volumeLifecycleModes?.length) {
    spec.volumeLifecycleModes = ['Persistent'];
  }
}

const flag = (name: string, value: (spec: CSIDriverSpec) => boolean | undefined): ReturnType<typeof column<CSIDriver>> =>
  column<CSIDriver>(name, ({ spec }) => value(spec) === true, { type: 'boolean' });

export const csiDriver = defineKind<CSIDriver>({
  group: 'storage.k8s.io', version: 'v1', kind: 'CSIDriver', plural: 'csidrivers', singular: 'csidriver',
  namespaced: false, type: 'storage/v1.CSIDriver', origin: 'builtin',
  columns: [
    NAME,
    flag('AttachRequired', ({ attachRequired = true }) => attachRequired), flag('PodInfoOnMount', ({ podInfoOnMount }) => podInfoOnMount),
    flag('StorageCapacity', ({ storageCapacity }) => storageCapacity),
    column('TokenRequests', ({ spec: { tokenRequests } }) => (tokenRequests?.length ? tokenRequests.map(({ audience }) => audience ?? '').join(',') : '<unset>')),
    flag('RequiresRepublish', ({ requiresRepublish }) => requiresRepublish),
    column('Modes', ({ spec: { volumeLifecycleModes } }) => (volumeLifecycleModes?.length ? volumeLifecycleModes.join(',') : '<none>')),
    AGE,
  ],
  rules: {
    defaults,
    validate: ({ metadata, spec }) => [...driverName('name', metadata.name), ...specErrors(spec)],
    validateUpdate: ({ spec }, { spec: old }) => [
      ...immutable('spec.attachRequired', spec.attachRequired, old.attachRequired),
      ...immutable('spec.volumeLifecycleModes', spec.volumeLifecycleModes, old.volumeLifecycleModes),
    ],
    warnings: inert('CSIDriver', 'the node here does not call drivers yet'),
  },
});
