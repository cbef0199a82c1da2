import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { isObject } from '../../apimachinery/values.ts';
import { AGE, column, NAME } from '../columns.ts';
import { configKey, immutable, nameErrors } from '../checks.ts';
import type { Secret } from '../generated/core.ts';
import { defineKind } from '../kind.ts';
import { lockedErrors, MAX_DATA_BYTES } from './configmap.ts';

const ACCOUNT_NAME = 'kubernetes.io/service-account.name';
const REDACTED = '<secret contents redacted>';

/** Keys that secrets of a type must have; of a list within, one suffices. */
const REQUIRED_KEYS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'kubernetes.io/dockercfg': [['.dockercfg']],
  'kubernetes.io/dockerconfigjson': [['.dockerconfigjson']],
  'kubernetes.io/basic-auth': [['username', 'password']],
  'kubernetes.io/ssh-auth': [['ssh-privatekey']],
  'kubernetes.io/tls': [['tls.crt'], ['tls.key']],
};

const JSON_KEYS: Readonly<Record<string, string>> = {
  'kubernetes.io/dockercfg': '.dockercfg', 'kubernetes.io/dockerconfigjson': '.dockerconfigjson',
};

function jsonError(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? undefined : 'must be a JSON object';
  } catch (error) {
    return error instanceof SyntaxError ? error.message : String(error);
  }
}

function typeErrors(type: string, data: Record<string, string>): FieldError[] {
  const errors = (REQUIRED_KEYS[type] ?? []).flatMap((keys) =>
    (keys.some((key) => Object.hasOwn(data, key)) ? [] : keys.map((key) => fieldError.required(`data[${key}]`))));
  const key = JSON_KEYS[type];
  const text = key === undefined ? undefined : data[key];
  if (key !== undefined && text !== undefined) {
    const why = jsonError(Buffer.from(text, 'base64').toString());
    errors.push(...(why === undefined ? [] : [fieldError.invalid(`data[${key}]`, REDACTED, why)]));
  }
  return errors;
}

function validate({ metadata, data = {}, type = '' }: Secret): FieldError[] {
  const errors: FieldError[] = [];
  let size = 0;
  for (const [key, value] of Object.entries(data)) {
    errors.push(...nameErrors(`data[${key}]`, key, configKey));
    size += Buffer.byteLength(value, 'base64');
  }
  if (size > MAX_DATA_BYTES) {
    errors.push(fieldError.tooLong('data', MAX_DATA_BYTES));
  }
  if (type === 'kubernetes.io/service-account-token' && !metadata.annotations?.[ACCOUNT_NAME]) {
    errors.push(fieldError.required(`metadata.annotations[${ACCOUNT_NAME}]`));
  }
  return [...errors, ...typeErrors(type, data)];
}

/** `stringData` is for writing only: it goes into `data`, where it wins. */
function foldStrings(secret: Secret): void {
  const { stringData } = secret;
  if (stringData === undefined) {
    return;
  }
  const encoded = Object.entries(stringData).map(([key, text]) => [key, Buffer.from(text).toString('base64')] as const);
  secret.data = { ...secret.data, ...Object.fromEntries(encoded) };
  delete secret.stringData;
}

export const secret = defineKind<Secret>({
  group: '', version: 'v1', kind: 'Secret', plural: 'secrets', singular: 'secret',
  namespaced: true, type: 'core/v1.Secret', origin: 'builtin',
  columns: [
    NAME,
    column('Type', ({ type }) => type ?? ''),
    column('Data', ({ data }) => Object.keys(data ?? {}).length, { type: 'integer' }),
    AGE,
  ],
  selectableFields: { type: ({ type }) => type ?? '' },
  rules: {
    generation: false,
    defaults(object) {
      foldStrings(object);
      object.type ||= 'Opaque';
    },
    validate,
    validateUpdate: (object, old) => [
      ...immutable('type', object.type ?? '', old.type ?? ''),
      ...lockedErrors(object, old, ['data']),
    ],
  },
});
