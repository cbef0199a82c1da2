import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { validateQualifiedName } from '../../apimachinery/names.ts';
import { AGE, NAME } from '../columns.ts';
import type { DeviceClass } from '../generated/resource.ts';
import { defineKind } from '../kind.ts';
import { configErrors, limited, MAX_CONFIGS, selectorErrors } from './names.ts';

/** A resource of somebody else's domain, as containers ask for: `example.com/gpu`. */
const isExtendedResource = (name: string): boolean =>
  name.includes('/') && !name.split('/')[0]?.endsWith('kubernetes.io') && !name.startsWith('requests.') && validateQualifiedName(`requests.${name}`).length === 0;

function validate({ spec }: DeviceClass): FieldError[] {
  const extended = spec.extendedResourceName;
  return [
    ...selectorErrors('spec.selectors', spec.selectors),
    ...limited('spec.config', spec.config, MAX_CONFIGS, configErrors),
    ...(extended === undefined || isExtendedResource(extended) ? []
      : [fieldError.invalid('spec.extendedResourceName', extended, 'must be a valid extended resource name')]),
  ];
}

export const deviceClass = defineKind<DeviceClass>({
  group: 'resource.k8s.io', version: 'v1', kind: 'DeviceClass', plural: 'deviceclasses', singular: 'deviceclass',
  namespaced: false, type: 'resource/v1.DeviceClass', origin: 'builtin',
  columns: [NAME, AGE],
  rules: {
    defaults(object) { object.spec ??= {}; },
    validate,
  },
});
