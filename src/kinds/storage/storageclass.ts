import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { deepEqual } from '../../apimachinery/values.ts';
import { oneOf, requiredText } from '../checks.ts';
import { AGE, column, NAME } from '../columns.ts';
import type { StorageClass } from '../generated/storage.ts';
import { inert } from '../inert.ts';
import { defineKind } from '../kind.ts';

const DEFAULT_CLASS = 'storageclass.kubernetes.io/is-default-class';

function validateUpdate(object: StorageClass, old: StorageClass): FieldError[] {
  const names = ['parameters', 'provisioner', 'reclaimPolicy', 'volumeBindingMode'] as const;
  return names.flatMap((name) => (deepEqual(object[name], old[name]) ? []
    : [fieldError.forbidden(name, `updates to ${name} are forbidden.`)]));
}

export const storageClass = defineKind<StorageClass>({
  group: 'storage.k8s.io', version: 'v1', kind: 'StorageClass', plural: 'storageclasses', singular: 'storageclass',
  namespaced: false, type: 'storage/v1.StorageClass', origin: 'builtin',
  shortNames: ['sc'],
  columns: [
    { ...NAME, value: ({ metadata }) => (metadata.annotations?.[DEFAULT_CLASS] === 'true' ? `${metadata.name} (default)` : metadata.name) },
    column('Provisioner', ({ provisioner }) => provisioner ?? ''),
    column('ReclaimPolicy', ({ reclaimPolicy }) => reclaimPolicy ?? 'Delete'),
    column('VolumeBindingMode', ({ volumeBindingMode }) => volumeBindingMode ?? '<unset>'),
    column('AllowVolumeExpansion', ({ allowVolumeExpansion }) => String(allowVolumeExpansion === true)),
    AGE,
  ],
  rules: {
    generation: false,
    defaults(object) {
      object.reclaimPolicy ||= 'Delete';
      object.volumeBindingMode ||= 'Immediate';
    },
    validate: ({ provisioner, reclaimPolicy, volumeBindingMode }) => [
      ...requiredText('provisioner', provisioner),
      ...oneOf('reclaimPolicy', reclaimPolicy, ['Delete', 'Recycle', 'Retain']),
      ...oneOf('volumeBindingMode', volumeBindingMode, ['Immediate', 'WaitForFirstConsumer']),
    ],
    validateUpdate,
    warnings: inert('StorageClass', 'volumes are not provisioned here yet'),
  },
});
