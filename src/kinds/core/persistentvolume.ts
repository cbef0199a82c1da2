import { AGE, column, NAME, wide } from '../columns.ts';
import type { PersistentVolume } from '../generated/core.ts';
import { inert } from '../inert.ts';
import { defineKind } from '../kind.ts';
import { keepStatus } from '../strategy.ts';
import { validateVolume, validateVolumeUpdate } from './persistentvolume.validate.ts';

const SHORT_MODES: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO', ReadOnlyMany: 'ROX', ReadWriteMany: 'RWX', ReadWriteOncePod: 'RWOP',
};
/** `RWO,RWX` */
export const accessModes = (modes: readonly string[] | undefined): string => [...new Set(modes)].map((mode) => SHORT_MODES[mode] ?? mode).join(',');

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
    defaultStatus(object) { object.status = { ...object.status, phase: object.status?.phase || 'Pending' }; },
    prepareCreate(object) { object.status = { phase: 'Pending' }; },
    prepareUpdate: keepStatus,
    validate: validateVolume,
    validateUpdate: validateVolumeUpdate,
    warnings: inert('PersistentVolume', 'volumes are not bound or mounted here yet'),
  },
});
