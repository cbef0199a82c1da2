/** Request bodies: JSON, YAML or protobuf bytes, or values handed over in process, as objects of an expected kind. */
import { decodeObject } from '../../apimachinery/schema/decode.ts';
import { decodeProtobuf, decodeProtobufEnvelope } from '../../apimachinery/protobuf/decode.ts';
import { apiVersionOf, type Json, type JsonObject, type KubeObject } from '../../apimachinery/object.ts';
import { badRequest, unsupportedMediaType } from '../../apimachinery/status.ts';
import { isObject } from '../../apimachinery/values.ts';
import type { AnyKind, CustomType } from '../../kinds/kind.ts';
import type { Registry } from '../../kinds/registry.ts';
import { MAX_WARNING_CHARS } from '../limits.ts';
import type { Body, Call } from '../types.ts';
import { JSON_TYPE, mediaTypeOf, PROTOBUF_TYPE, YAML_TYPE } from './mediatype.ts';
import type { FieldValidation } from './options.ts';
import { parsedBody } from './parsedbody.ts';

/** What a body must be. */
export interface Expected {
  apiVersion: string;
  /** An older version of the same shape, which old clients still send. */
  formerly?: string;
  kind: string;
  /** Message in the type table. */
  type: string;
  /** Custom kinds take no protobuf. */
  custom?: boolean;
  /** Decodes in place of `type`: the kind is defined by a CustomResourceDefinition. */
  schema?: CustomType;
}

export const expectedOf = (kind: AnyKind): Expected =>
  ({ apiVersion: apiVersionOf(kind), kind: kind.kind, type: kind.type, custom: kind.origin === 'custom', ...(kind.custom === undefined ? {} : { schema: kind.custom }) });

interface Read {
  value: unknown;
  /** Fields given twice, as the parser saw them. */
  duplicates: readonly string[];
}

/** The body as JSON, whatever its Content-Type says of patches. Throws BadRequest. */
export function readJson(body: Body): Json {
  if (body.kind === 'none') {
    throw badRequest('unexpected end of JSON input');
  }
  if (body.kind === 'value') {
    // In-process callers hand over JSON values.
    return body.value as Json;
  }
  return parsedBody(body.bytes, JSON_TYPE).value;
}

function readValue(body: Body, expected: Expected, registry: Registry): Read {
  const mediaType = mediaTypeOf(body);
  if (body.kind === 'none') {
    return { value: {}, duplicates: [] };
  }
  if (body.kind === 'value') {
    return { value: body.value, duplicates: [] };
  }
  if (mediaType === JSON_TYPE || mediaType === YAML_TYPE) {
    return parsedBody(body.bytes, mediaType);
  }
  if (mediaType !== PROTOBUF_TYPE || expected.custom === true) {
    const types = [JSON_TYPE, YAML_TYPE, ...(expected.custom === true ? [] : [PROTOBUF_TYPE])];
    throw unsupportedMediaType(`the body of the request was in an unknown format - accepted media types include: ${types.join(', ')}`);
  }
  const envelope = decodeProtobufEnvelope(body.bytes);
  checkKind(envelope.apiVersion, envelope.kind, expected);
  const value = decodeProtobuf(envelope.raw, registry.types, expected.type);
  return { value: { ...value, apiVersion: expected.apiVersion, kind: expected.kind }, duplicates: [] };
}

function checkKind(apiVersion: unknown, kind: unknown, expected: Expected): void {
  if (typeof apiVersion === 'string' && apiVersion !== '' && apiVersion !== expected.apiVersion && expected.formerly !== apiVersion) {
    throw badRequest(`the API version in the data (${apiVersion}) does not match the expected API version (${expected.apiVersion})`);
  }
  if (typeof kind === 'string' && kind !== '' && kind !== expected.kind) {
    throw badRequest(`${kind} in version ${JSON.stringify(expected.apiVersion.replace(/^.*\//, ''))} cannot be handled as a ${expected.kind}: `
      + `the kind in the data (${kind}) does not match the expected kind (${expected.kind})`);
  }
}

export interface TypedBody {
  object: JsonObject;
  /** What fieldValidation is about: `unknown field "spec.foo"`, `duplicate field "spec.foo"`. */
  problems: string[];
}

/** A body decoded against its message: unknown fields dropped, types checked, apiVersion and kind filled in. The result is the caller's own. */
export function readTyped(call: Pick<Call, 'body'>, registry: Registry, expected: Expected, mode: FieldValidation = 'ignore'): TypedBody {
  const { value, duplicates } = readValue(call.body, expected, registry);
  return decodeTyped(value, registry, expected, mode, duplicates);
}

export function decodeTyped(value: unknown, registry: Registry, expected: Expected, mode: FieldValidation, duplicates: readonly string[] = []): TypedBody {
  if (!isObject(value)) {
    throw badRequest(`json: cannot unmarshal ${Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value} into Go value of type v1.${expected.kind}`);
  }
  checkKind(value['apiVersion'], value['kind'], expected);
  const { object, unknown } = expected.schema?.decode(value, mode) ?? decodeObject(value, registry.types, expected.type, mode);
  object['apiVersion'] = expected.apiVersion;
  object['kind'] = expected.kind;
  return { object, problems: mode === 'ignore' ? [] : [...duplicates, ...unknown] };
}

/** Makes good on fieldValidation: an error, warnings, or nothing. */
export function reportProblems(problems: readonly string[], validation: FieldValidation, warnings: string[], expected: Expected): void {
  if (problems.length === 0 || validation === 'ignore') {
    return;
  }
  if (validation === 'strict') {
    throw badRequest(`${expected.kind} in version ${JSON.stringify(expected.apiVersion.replace(/^.*\//, ''))} cannot be handled as a ${expected.kind}: `
      + `strict decoding error: ${problems.join(', ')}`);
  }
  warnings.push(...problems.map((problem) => problem.slice(0, MAX_WARNING_CHARS)));
}

/** A decoded document as an object: the decoder has seen that `metadata` is one. */
export function asKubeObject(document: JsonObject): KubeObject {
  document['metadata'] ??= {};
  return document as unknown as KubeObject;
}

/** The object of a write request, with fieldValidation done. */
export function readObject(call: Call, registry: Registry, kind: AnyKind, validation: FieldValidation): KubeObject {
  const expected = expectedOf(kind);
  const { object, problems } = readTyped(call, registry, expected, validation);
  reportProblems(problems, validation, call.warnings, expected);
  return asKubeObject(object);
}
