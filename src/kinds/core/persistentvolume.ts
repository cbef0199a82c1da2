import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { deepEqual } from '../../apimachinery/values.ts';
import { nonNegativeQuantity, oneOf } from '../checks.ts';
import { AGE, column, NAME, wide } from '../columns.ts';
import type { PersistentVolume } from '../generated/core.ts';
import { inert } from '../inert.ts';
import { defineKind } from '../kind.ts';
import { keepStatus } from '../strategy.ts';

const SHORT_MODES: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO', ReadOnlyMany: 'ROX', ReadWriteMany: 'RWX', ReadWriteOncePod: 'RWOP',
};
export const ACCESS_MODES = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];
/** Members of a spec that are no source. */
const COMMON = new Set(['capacity', 'accessModes', 'claimRef', 'persistentVolumeReclaimPolicy', 'storageClassName', 'mountOptions', 'volumeMode', 'nodeAffinity', 'volumeAttributesClassName']);

/** `RWO,RWX` */
export const accessModes = (modes: readonly string[] | undefined): string => [...new Set(modes)].map((mode) => SHORT_MODES[mode] ?? mode).join(',');

export function validateAccessModes(field: string, modes: readonly string[] | undefined): FieldError[] {
  if (modes === undefined || modes.length === 0) {
    return [fieldError.required(field, 'at least 1 access mode is required')];
  }
  return [
    ...modes.flatMap((mode) => oneOf(field, mode, ACCESS_MODES)),
    ...(modes.includes('ReadWriteOncePod') && modes.length > 1
      ? [fieldError.forbidden(field, 'may not use ReadWriteOncePod with other access modes')] : []),
  ];
}

const sourceOf = (spec: PersistentVolume['spec']): [string, unknown][] =>
  Object.entries(spec).filter(([name, value]) => !COMMON.has(name) && value !== undefined);

function validate({ spec }: PersistentVolume): FieldError[] {
  const sources = sourceOf(spec);
  const storage = spec.capacity?.['storage'];
  return [
    ...validateAccessModes('spec.accessModes', spec.accessModes),
    ...(storage === undefined ? [fieldError.required('spec.capacity')] : nonNegativeQuantity('spec.capacity[storage]', storage)),
    ...(sources.length === 0 ? [fieldError.required('spec', 'must specify a volume type')] : []),
    ...sources.slice(1).map(([name]) => fieldError.forbidden(`spec.${name}`, 'may not specify more than 1 volume type')),
    ...oneOf('spec.persistentVolumeReclaimPolicy', spec.persistentVolumeReclaimPolicy, ['Delete', 'Recycle', 'Retain']),
    ...oneOf('spec.volumeMode', spec.volumeMode, ['Block', 'Filesystem']),
  ];
}

export const persistentVolume = defineKind<PersistentVolume>({
  group: '', version: 'v1', kind: 'PersistentVolume', plural: 'persistentvolumes', singular: 'persistentvolume',
  namespaced: false, type: 'core/v1.PersistentVolume', origin: 'builtin',
  shortNames: ['pv'], status: true,
  columns: [
    NAME,
    column('Capacity', ({ spec }) => spec.capacity?.['storage'] ?? ''),
    column('Access Modes', ({ spec }) => accessModes(spec.accessModes)),
    column('Reclaim Policy', ({ spec }) => spec.persistentVolumeReclaimPolicy ?? ''),
    column('Status', ({ status, metadata }) => (metadata.deletionTimestamp === undefined ? status?.phase ?? '' : 'Terminating')),
    column('Claim', ({ spec: { claimRef } }) => (claimRef === undefined ? '' : `${claimRef.namespace ?? ''}/${claimRef.name ?? ''}`)),
    column('StorageClass', ({ spec }) => spec.storageClassName ?? ''),
    column('VolumeAttributesClass', ({ spec }) => spec.volumeAttributesClassName || '<unset>'),
    column('Reason', ({ status }) => status?.reason ?? ''),
    AGE,
    wide('VolumeMode', ({ spec }) => spec.volumeMode ?? '<unset>'),
  ],
  rules: {
    generation: false,
    defaults(object) {
      object.spec ??= {};
      object.spec.persistentVolumeReclaimPolicy ||= 'Retain';
      object.spec.volumeMode ||= 'Filesystem';
    },
    prepareCreate(object) { object.status = { phase: 'Pending' }; },
    prepareUpdate: keepStatus,
    validate,
    validateUpdate: ({ spec }, { spec: old }) => [
      ...(deepEqual(sourceOf(spec), sourceOf(old)) ? [] : [fieldError.forbidden('spec.persistentvolumesource', 'spec.persistentvolumesource is immutable after creation')]),
      ...(spec.volumeMode === old.volumeMode ? [] : [fieldError.invalid('spec.volumeMode', spec.volumeMode, 'field is immutable')]),
    ],
    warnings: inert('PersistentVolume', 'volumes are not bound or mounted here yet'),
  },
});
