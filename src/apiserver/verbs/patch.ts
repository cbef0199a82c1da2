/** patch: the patch types, a kind's part in which of them it takes, and how what does not fit is refused. */
import { goText } from '../../apimachinery/gotext.ts';
import { applyJsonPatch } from '../../apimachinery/patch/json.ts';
import { applyMergePatch } from '../../apimachinery/patch/merge.ts';
import { applyStrategicPatch } from '../../apimachinery/patch/strategic.ts';
import type { Json, JsonObject, KubeObject } from '../../apimachinery/object.ts';
import { badRequest, fieldError, invalid, isStatusError, tooLarge, unsupportedMediaType, type StatusError } from '../../apimachinery/status.ts';
import { isObject } from '../../apimachinery/values.ts';
import type { AnyKind } from '../../kinds/kind.ts';
import type { Registry } from '../../kinds/registry.ts';
import { MAX_JSON_PATCH_OPERATIONS, MAX_QUOTED_PATCH_CHARS } from '../limits.ts';
import type { Body, Call } from '../types.ts';
import { decodeTyped, readJson, reportProblems, type Expected } from './body.ts';
import { APPLY_PATCH, JSON_PATCH, JSON_TYPE, mediaTypeOf, MERGE_PATCH, STRATEGIC_PATCH } from './mediatype.ts';
import type { FieldValidation } from './options.ts';
import { parsedBody } from './parsedbody.ts';

/** From a document (never changed) to a new one. Throws StatusErrors. */
type Patcher = (document: JsonObject) => JsonObject;

export interface Patch {
  readonly apply: Patcher;
  /** What fieldValidation finds wrong with the patch itself. */
  readonly problems: readonly string[];
  /** What errors quote of the patch or of the document it made. */
  quoted(patched: JsonObject): string;
  /** A wrong type, in the words of the machinery that Kubernetes uses for this type of patch. */
  typeError(text: string): string;
}

const mustBeObject = (value: Json, what: string): JsonObject => {
  if (!isObject(value)) {
    throw badRequest(`json: cannot unmarshal ${Array.isArray(value) ? 'array' : typeof value} into Go value of type ${what}`);
  }
  return value;
};

/** The body is a patch of no type that the kind takes. */
export function unsupportedPatch(kind: AnyKind): StatusError {
  const types = [JSON_PATCH, MERGE_PATCH, ...(kind.origin === 'custom' ? [] : [STRATEGIC_PATCH]), APPLY_PATCH];
  return unsupportedMediaType(`the body of the request was in an unknown format - accepted media types include: ${types.join(', ')}`);
}

const OPERATION_FIELDS: ReadonlySet<string> = new Set(['op', 'path', 'from', 'value']);

function unknownOperationFields(operations: Json): string[] {
  return !Array.isArray(operations) ? [] : operations.flatMap((operation, index) => (!isObject(operation) ? []
    : Object.keys(operation).filter((name) => !OPERATION_FIELDS.has(name)).map((name) => `json patch unknown field ${JSON.stringify(`[${index}].${name}`)}`)));
}

const quotedDocument = (patched: JsonObject): string => JSON.stringify(patched);
const asIs = (text: string): string => text;

function jsonPatch(operations: Json): Patch {
  if (Array.isArray(operations) && operations.length > MAX_JSON_PATCH_OPERATIONS) {
    throw tooLarge(`The allowed maximum operations in a JSON patch is ${MAX_JSON_PATCH_OPERATIONS}, got ${operations.length}`);
  }
  return {
    apply: (document) => mustBeObject(applyJsonPatch(document, operations), 'map[string]interface {}'),
    problems: unknownOperationFields(operations), quoted: quotedDocument, typeError: asIs,
  };
}

/** `json: cannot unmarshal string into Go struct field X.spec.replicas of type int32` in the words of the converter of maps. */
function converterError(text: string): string {
  const match = /cannot unmarshal (?<found>\S+)(?: \S+)? into Go .*of type (?<type>.+)$/s.exec(text);
  const { found = '', type = '' } = match?.groups ?? {};
  if (match === null) {
    return text;
  }
  const kind = found === 'object' ? 'map' : found === 'array' ? 'slice' : found === 'number' ? 'int64' : found;
  if (type.startsWith('[]')) {
    return `cannot restore slice from ${kind}`;
  }
  if (type.startsWith('map[')) {
    return `cannot restore map from ${kind}`;
  }
  if (type.includes('.')) {
    return `cannot restore struct from: ${kind}`;
  }
  return found === 'number' && type !== 'bool' ? `cannot convert int64 to ${type}` : `unrecognized type: ${type}`;
}

interface ReadPatch {
  value: Json;
  duplicates: readonly string[];
}

function readPatchBody(body: Body): ReadPatch {
  return body.kind === 'bytes' ? parsedBody(body.bytes, JSON_TYPE) : { value: readJson(body), duplicates: [] };
}

/** Reads the patch of a request once; it may then be applied several times, after lost races. `type` is the message patched. Throws StatusErrors. */
export function readPatch(call: Pick<Call, 'body'>, registry: Registry, kind: AnyKind, type: string): Patch {
  const mediaType = mediaTypeOf(call.body);
  if (mediaType === JSON_PATCH) {
    return jsonPatch(readJson(call.body));
  }
  if (mediaType !== MERGE_PATCH && (mediaType !== STRATEGIC_PATCH || kind.origin === 'custom')) {
    throw unsupportedPatch(kind);
  }
  const { value, duplicates } = readPatchBody(call.body);
  const patch = mustBeObject(value, 'map[string]interface {}');
  return mediaType === MERGE_PATCH
    ? { apply: (document) => mustBeObject(applyMergePatch(document, patch), 'map[string]interface {}'), problems: duplicates, quoted: quotedDocument, typeError: asIs }
    : { apply: (document) => applyStrategicPatch(document, patch, registry.types, type), problems: duplicates, quoted: () => goText(patch), typeError: converterError };
}

/** What decoders put before the reason; a patch's errors do without. */
const DECODER_PREFIX = /^\S+ in version "[^"]*" cannot be handled as an? \S+: (?!the kind in the data)/;

const invalidPatch = (patch: Patch, patched: JsonObject, why: string): StatusError =>
  invalid({ group: '', resource: '', name: '' }, [fieldError.invalid('patch', patch.quoted(patched).slice(0, MAX_QUOTED_PATCH_CHARS), why)]);

/**
 * What a patch made of an object, decoded; problems are warned of once. Wrong types and, in strict eyes, unknown fields are Invalid: the
 * request could be read, its outcome is wrong.
 */
export function decodePatched(patch: Patch, patched: JsonObject, registry: Registry, expected: Expected, report: { validation: FieldValidation; warnings: string[] }): JsonObject {
  const { validation, warnings } = report;
  let decoded: ReturnType<typeof decodeTyped>;
  try {
    decoded = decodeTyped(patched, registry, expected, validation, validation === 'ignore' ? [] : patch.problems);
  } catch (error) {
    if (isStatusError(error, 'BadRequest') && DECODER_PREFIX.test(error.message)) {
      throw invalidPatch(patch, patched, patch.typeError(error.message.replace(DECODER_PREFIX, '')));
    }
    throw error;
  }
  const { object, problems } = decoded;
  if (problems.length > 0 && validation === 'strict') {
    throw invalidPatch(patch, patched, `strict decoding error: ${problems.join(', ')}`);
  }
  reportProblems(problems, validation, warnings, expected);
  return object;
}

/** A stored object as a JSON document: only the type differs. */
export const asDocument = (object: KubeObject): JsonObject => object as unknown as JsonObject;
