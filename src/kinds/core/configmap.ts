import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { deepEqual } from '../../apimachinery/values.ts';
import { AGE, column, NAME } from '../columns.ts';
import { configKey, nameErrors } from '../checks.ts';
import type { ConfigMap } from '../generated/core.ts';
import { defineKind } from '../kind.ts';

/** Bytes that the data of a ConfigMap or a Secret may take together. */
export const MAX_DATA_BYTES = 1024 * 1024;
export const LOCKED = 'field is immutable when `immutable` is set';

const base64Bytes = (text: string): number => Math.floor((text.replace(/=+$/, '').length * 3) / 4);

function validate({ data = {}, binaryData = {} }: ConfigMap): FieldError[] {
  const errors: FieldError[] = [];
  let size = 0;
  for (const [key, value] of Object.entries(data)) {
    errors.push(...nameErrors(`data[${key}]`, key, configKey));
    if (Object.hasOwn(binaryData, key)) {
      errors.push(fieldError.invalid(`data[${key}]`, key, 'duplicate of key present in binaryData'));
    }
    size += Buffer.byteLength(value);
  }
  for (const [key, value] of Object.entries(binaryData)) {
    errors.push(...nameErrors(`binaryData[${key}]`, key, configKey));
    size += base64Bytes(value);
  }
  return size > MAX_DATA_BYTES ? [...errors, fieldError.tooLong('[]', MAX_DATA_BYTES)] : errors;
}

/** What a ConfigMap or a Secret that was declared immutable refuses. */
export function lockedErrors<T extends { immutable?: boolean }>(object: T, old: T, names: readonly (keyof T & string)[]): FieldError[] {
  if (old.immutable !== true) {
    return [];
  }
  return [
    ...(object.immutable === true ? [] : [fieldError.forbidden('immutable', LOCKED)]),
    ...names.flatMap((name) => (deepEqual(object[name] ?? {}, old[name] ?? {}) ? [] : [fieldError.forbidden(name, LOCKED)])),
  ];
}

export const configMap = defineKind<ConfigMap>({
  group: '', version: 'v1', kind: 'ConfigMap', plural: 'configmaps', singular: 'configmap',
  namespaced: true, type: 'core/v1.ConfigMap', origin: 'builtin',
  shortNames: ['cm'],
  columns: [
    NAME,
    column('Data', ({ data, binaryData }) => Object.keys(data ?? {}).length + Object.keys(binaryData ?? {}).length, { type: 'integer' }),
    AGE,
  ],
  rules: {
    generation: false,
    validate,
    validateUpdate: (object, old) => lockedErrors(object, old, ['data', 'binaryData']),
  },
});
