import { validateDns1123Subdomain } from '../../apimachinery/names.ts';
import { immutable, labelSelector, nameErrors, nonNegativeQuantity } from '../checks.ts';
import { column, NAME } from '../columns.ts';
import type { CSIStorageCapacity } from '../generated/storage.ts';
import { inert } from '../inert.ts';
import { defineKind } from '../kind.ts';

export const csiStorageCapacity = defineKind<CSIStorageCapacity>({
  group: 'storage.k8s.io', version: 'v1', kind: 'CSIStorageCapacity', plural: 'csistoragecapacities', singular: 'csistoragecapacity',
  namespaced: true, type: 'storage/v1.CSIStorageCapacity', origin: 'builtin',
  columns: [
    NAME,
    column('StorageClassName', ({ storageClassName }) => storageClassName ?? '', { description: 'Storage Class Name' }),
    column('Capacity', ({ capacity }) => capacity ?? '<unset>', { description: 'Capacity' }),
  ],
  rules: {
    generation: false,
    validate: ({ storageClassName, nodeTopology, capacity, maximumVolumeSize }) => [
      ...nameErrors('storageClassName', storageClassName ?? '', validateDns1123Subdomain),
      ...labelSelector('nodeTopology', nodeTopology),
      ...(capacity === undefined ? [] : nonNegativeQuantity('capacity', capacity)),
      ...(maximumVolumeSize === undefined ? [] : nonNegativeQuantity('maximumVolumeSize', maximumVolumeSize)),
    ],
    validateUpdate: (object, old) => [
      ...immutable('nodeTopology', object.nodeTopology, old.nodeTopology),
      ...immutable('storageClassName', object.storageClassName, old.storageClassName),
    ],
    warnings: inert('CSIStorageCapacity', 'the scheduler here does not look at storage capacity yet'),
  },
});
