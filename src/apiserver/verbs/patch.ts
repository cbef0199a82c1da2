/** patch: the patch types, and a kind's part in which of them it takes. */
import { applyJsonPatch } from '../../apimachinery/patch/json.ts';
import { applyMergePatch } from '../../apimachinery/patch/merge.ts';
import { applyStrategicPatch } from '../../apimachinery/patch/strategic.ts';
import type { Json, JsonObject, KubeObject } from '../../apimachinery/object.ts';
import { badRequest, tooLarge, unsupportedMediaType } from '../../apimachinery/status.ts';
import { isObject } from '../../apimachinery/values.ts';
import type { AnyKind } from '../../kinds/kind.ts';
import type { Registry } from '../../kinds/registry.ts';
import { MAX_JSON_PATCH_OPERATIONS } from '../limits.ts';
import type { Call } from '../types.ts';
import { mediaTypeOf, readJson } from './body.ts';

const JSON_PATCH = 'application/json-patch+json';
const MERGE_PATCH = 'application/merge-patch+json';
const STRATEGIC_PATCH = 'application/strategic-merge-patch+json';
const APPLY_PATCH = 'application/apply-patch+yaml';

/** From a document (never changed) to a new one. Throws StatusErrors. */
export type Patcher = (document: JsonObject) => JsonObject;

const mustBeObject = (value: Json, what: string): JsonObject => {
  if (!isObject(value)) {
    throw badRequest(`json: cannot unmarshal ${Array.isArray(value) ? 'array' : typeof value} into Go value of type ${what}`);
  }
  return value;
};

function unsupported(kind: AnyKind | undefined): Error {
  const types = [JSON_PATCH, MERGE_PATCH, ...(kind?.origin === 'custom' ? [] : [STRATEGIC_PATCH])];
  return unsupportedMediaType(`the body of the request was in an unknown format - accepted media types include: ${types.join(', ')}`);
}

/** Reads the patch of a request once; it may then be applied several times, after lost races. `type` is the message patched. */
export function patcherOf(call: Call, registry: Registry, kind: AnyKind, type: string): Patcher {
  const mediaType = mediaTypeOf(call.body);
  switch (mediaType) {
    case JSON_PATCH: {
      const operations = readJson(call.body);
      if (Array.isArray(operations) && operations.length > MAX_JSON_PATCH_OPERATIONS) {
        throw tooLarge(`The allowed maximum operations in a JSON patch is ${MAX_JSON_PATCH_OPERATIONS}, got ${operations.length}`);
      }
      return (document) => mustBeObject(applyJsonPatch(document, operations), 'map[string]interface {}');
    }
    case MERGE_PATCH: {
      const patch = mustBeObject(readJson(call.body), 'map[string]interface {}');
      return (document) => mustBeObject(applyMergePatch(document, patch), 'map[string]interface {}');
    }
    case STRATEGIC_PATCH: {
      if (kind.origin === 'custom') {
        throw unsupported(kind);
      }
      const patch = mustBeObject(readJson(call.body), 'map[string]interface {}');
      return (document) => applyStrategicPatch(document, patch, registry.types, type);
    }
    case APPLY_PATCH:
      throw unsupportedMediaType('server-side apply (application/apply-patch+yaml) is not served: use client-side apply, '
        + `or one of: ${[JSON_PATCH, MERGE_PATCH, ...(kind.origin === 'custom' ? [] : [STRATEGIC_PATCH])].join(', ')}`);
    default:
      throw unsupported(kind);
  }
}

/** A stored object as a JSON document: only the type differs. */
export const asDocument = (object: KubeObject): JsonObject => object as unknown as JsonObject;
