import { validateQualifiedName } from '../../apimachinery/names.ts';
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { deepEqual } from '../../apimachinery/values.ts';
import { duplicates, nameErrors, oneOf } from '../checks.ts';
import { AGE, column, NAME } from '../columns.ts';
import type { TopologySelectorLabelRequirement, TopologySelectorTerm } from '../generated/core.ts';
import type { StorageClass } from '../generated/storage.ts';
import { inert } from '../inert.ts';
import { defineKind } from '../kind.ts';
import { parameterErrors, provisionerErrors } from './parameters.ts';

const DEFAULT_CLASS = 'storageclass.kubernetes.io/is-default-class';

function validateUpdate(object: StorageClass, old: StorageClass): FieldError[] {
  const names = ['parameters', 'provisioner', 'reclaimPolicy', 'volumeBindingMode'] as const;
  return names.flatMap((name) => (deepEqual(object[name], old[name]) ? []
    : [fieldError.forbidden(name, `updates to ${name} are forbidden.`)]));
}

/** Nodes a volume may be made for: every expression names a label and its values. */
function topologyErrors({ matchLabelExpressions = [] }: TopologySelectorTerm, index: number): FieldError[] {
  const seen = new Set<string>();
  return matchLabelExpressions.flatMap(({ key = '', values = [] }: Partial<TopologySelectorLabelRequirement>, place) => {
    const at = `allowedTopologies[${index}].matchLabelExpressions[${place}]`;
    const errors = values.length === 0 ? [fieldError.required(`${at}.values`)] : duplicates(values, (one) => `${at}.values[${one}]`);
    errors.push(...nameErrors(`${at}.key`, key, validateQualifiedName));
    if (seen.has(key)) {
      errors.push(fieldError.duplicate(`${at}.key`, key));
    }
    seen.add(key);
    return errors;
  });
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
    validate: ({ provisioner, parameters, reclaimPolicy, volumeBindingMode, allowedTopologies }) => [
      ...provisionerErrors('provisioner', provisioner),
      ...parameterErrors('parameters', parameters, true),
      ...oneOf('reclaimPolicy', reclaimPolicy, ['Delete', 'Recycle', 'Retain']),
      ...oneOf('volumeBindingMode', volumeBindingMode, ['Immediate', 'WaitForFirstConsumer']),
      ...(allowedTopologies ?? []).flatMap(topologyErrors),
    ],
    validateUpdate,
    warnings: inert('StorageClass', 'volumes are not provisioned here yet'),
  },
});
