import { compareQuantities } from '../../apimachinery/quantity.ts';
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { deepEqual } from '../../apimachinery/values.ts';
import { labelSelector, oneOf, quantity } from '../checks.ts';
import { AGE, column, NAME, wide } from '../columns.ts';
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from '../generated/core.ts';
import { inert } from '../inert.ts';
import { defineKind } from '../kind.ts';
import { keepStatus } from '../strategy.ts';
import { accessModes, validateAccessModes } from './persistentvolume.ts';

export function defaultClaimSpec(spec: PersistentVolumeClaimSpec): void {
  spec.volumeMode ||= 'Filesystem';
  spec.resources ??= {};
}

export function validateClaimSpec(field: string, spec: PersistentVolumeClaimSpec): FieldError[] {
  const storage = spec.resources?.requests?.['storage'];
  const at = `${field}.resources[storage]`;
  const errors = storage === undefined ? [fieldError.required(at)] : quantity(at, storage);
  if (storage !== undefined && errors.length === 0 && compareQuantities(storage, '0') <= 0) {
    errors.push(fieldError.invalid(at, storage, 'must be greater than zero'));
  }
  return [
    ...validateAccessModes(`${field}.accessModes`, spec.accessModes),
    ...labelSelector(`${field}.selector`, spec.selector),
    ...errors,
    ...oneOf(`${field}.volumeMode`, spec.volumeMode, ['Block', 'Filesystem']),
  ];
}

/** Everything but what may grow, and the volume that is bound to it. */
function frozen({ resources: _r, volumeAttributesClassName: _v, ...spec }: PersistentVolumeClaimSpec, old: PersistentVolumeClaimSpec): PersistentVolumeClaimSpec {
  const { volumeName, storageClassName, ...rest } = spec;
  return {
    ...rest,
    ...(old.volumeName && volumeName !== undefined ? { volumeName } : {}),
    ...(old.storageClassName !== undefined && storageClassName !== undefined ? { storageClassName } : {}),
  };
}

function validateUpdate({ spec }: PersistentVolumeClaim, { spec: old, status }: PersistentVolumeClaim): FieldError[] {
  const bound = status?.phase === 'Bound';
  const unchanged = deepEqual(frozen(spec, old), frozen(old, old)) && (bound || deepEqual(spec.resources, old.resources));
  const errors = unchanged ? [] : [
    fieldError.forbidden('spec', 'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims'),
  ];
  const [now, before] = [spec.resources?.requests?.['storage'], old.resources?.requests?.['storage']];
  if (bound && now !== undefined && before !== undefined && compareQuantities(now, before) < 0) {
    errors.push(fieldError.forbidden('spec.resources.requests.storage', 'field can not be less than previous value'));
  }
  return errors;
}

export const persistentVolumeClaim = defineKind<PersistentVolumeClaim>({
  group: '', version: 'v1', kind: 'PersistentVolumeClaim', plural: 'persistentvolumeclaims', singular: 'persistentvolumeclaim',
  namespaced: true, type: 'core/v1.PersistentVolumeClaim', origin: 'builtin',
  shortNames: ['pvc'], status: true,
  columns: [
    NAME,
    column('Status', ({ status, metadata }) => (metadata.deletionTimestamp === undefined ? status?.phase ?? '' : 'Terminating')),
    column('Volume', ({ spec }) => spec.volumeName ?? ''),
    column('Capacity', ({ spec, status }) => (spec.volumeName ? status?.capacity?.['storage'] ?? '0' : '')),
    column('Access Modes', ({ spec, status }) => (spec.volumeName ? accessModes(status?.accessModes) : '')),
    column('StorageClass', ({ spec }) => spec.storageClassName ?? ''),
    column('VolumeAttributesClass', ({ spec }) => spec.volumeAttributesClassName || '<unset>'),
    AGE,
    wide('VolumeMode', ({ spec }) => spec.volumeMode ?? '<unset>'),
  ],
  rules: {
    generation: false,
    defaults(object) {
      object.spec ??= {};
      defaultClaimSpec(object.spec);
    },
    prepareCreate(object) { object.status = { phase: 'Pending' }; },
    prepareUpdate: keepStatus,
    validate: ({ spec }) => validateClaimSpec('spec', spec),
    validateUpdate,
    warnings: inert('PersistentVolumeClaim', 'volumes are not provisioned or bound here yet'),
  },
});
