/** JSON Merge Patch (RFC 7386). */
import type { Json, JsonObject } from '../object.ts';
import { deepClone, isObject, setOwn } from '../values.ts';

const isJsonObject = (value: Json | undefined): value is JsonObject => isObject(value);

function merged(target: Json | undefined, patch: Json): Json {
  if (!isJsonObject(patch)) {
    return deepClone(patch);
  }
  const result: JsonObject = {};
  if (isJsonObject(target)) {
    for (const [key, value] of Object.entries(target)) {
      if (!Object.hasOwn(patch, key)) {
        setOwn(result, key, value);
      } else if (patch[key] !== null) {
        // In the place it had: patched documents keep their order of members.
        setOwn(result, key, merged(value, patch[key] ?? null));
      }
    }
  }
  for (const [key, value] of Object.entries(patch)) {
    if (value !== null && !(isJsonObject(target) && Object.hasOwn(target, key))) {
      setOwn(result, key, merged(undefined, value));
    }
  }
  return result;
}

/** The patched document, which shares unchanged parts with `document`; neither argument is changed. */
export function applyMergePatch(document: Json, patch: Json): Json {
  return merged(document, patch);
}
