import { fieldError } from '../../apimachinery/status.ts';
import { deepEqual } from '../../apimachinery/values.ts';
import { AGE, column, NAME } from '../columns.ts';
import type { VolumeAttributesClass } from '../generated/storage.ts';
import { inert } from '../inert.ts';
import { defineKind } from '../kind.ts';
import { parameterErrors, provisionerErrors } from './parameters.ts';

export const volumeAttributesClass = defineKind<VolumeAttributesClass>({
  group: 'storage.k8s.io', version: 'v1', kind: 'VolumeAttributesClass', plural: 'volumeattributesclasses', singular: 'volumeattributesclass',
  namespaced: false, type: 'storage/v1.VolumeAttributesClass', origin: 'builtin',
  shortNames: ['vac'],
  columns: [NAME, column('DriverName', ({ driverName }) => driverName ?? ''), AGE],
  rules: {
    generation: false,
    validate: ({ driverName, parameters }) => [...provisionerErrors('driverName', driverName), ...parameterErrors('parameters', parameters, false)],
    validateUpdate: (object, old) => (['driverName', 'parameters'] as const).flatMap((name) => (deepEqual(object[name], old[name]) ? []
      : [fieldError.forbidden(name, `updates to ${name} are forbidden.`)])),
    warnings: inert('VolumeAttributesClass', 'volumes are not changed by it here yet'),
  },
});
