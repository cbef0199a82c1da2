/** Wrong types in custom resources, which the API server finds with their schemas and words differently from built-in kinds. */
import { parseApiVersion } from '../object.ts';
import { fieldError, invalid, type StatusError } from '../status.ts';
import type { MessageType } from '../typetable.ts';
import { isObject } from '../values.ts';
import type { DecodeError } from './context.ts';

/** Kinds without protobuf numbers are those that Kubernetes itself installs as custom resources. */
export const isCustom = (type: MessageType): boolean =>
  type.isKind && [...type.fields.values()].every(({ number }) => number.length === 0);

/** The type of a JSON schema for a Go type. */
function schemaType(goType: string): string {
  switch (goType) {
    case 'bool': return 'boolean';
    case 'int32': case 'int64': return 'integer';
    case 'float64': return 'number';
    case 'string': case '[]uint8': return 'string';
    default: return goType.startsWith('[]') ? 'array' : 'object';
  }
}

/** The type of a JSON schema for what Go calls a value. */
function schemaKind(kind: string): string {
  switch (kind) {
    case 'bool': return 'boolean';
    case 'number': return 'integer';
    default: return kind.startsWith('number ') ? 'number' : kind;
  }
}

/** 422 as for a value that the resource's schema does not allow; undefined for what is an error of decoding there too. */
export function customTypeError(error: DecodeError, value: unknown, kind: string): StatusError | undefined {
  if (error.type === '' || error.path === '' || /^metadata\b/.test(error.path) || !isObject(value)) {
    return undefined;
  }
  const meta = isObject(value['metadata']) ? value['metadata'] : {};
  const apiVersion = typeof value['apiVersion'] === 'string' ? value['apiVersion'] : '';
  const name = typeof meta['name'] === 'string' ? meta['name'] : '';
  const found = schemaKind(error.kind);
  return invalid({ group: parseApiVersion(apiVersion).group, resource: kind, name }, [
    fieldError.typeInvalid(error.path, found, `${error.path} in body must be of type ${schemaType(error.type)}: ${JSON.stringify(found)}`),
  ]);
}
