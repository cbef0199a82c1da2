/** What the expressions of a mutating policy make of an object: apply configurations that are merged, JSON patches that are applied. */
import { BuiltRecord, CelList, CelMap, toJson, type CelValue } from '../../../apimachinery/cel/index.ts';
import { merge } from '../../../apimachinery/apply/merge.ts';
import { memberShape } from '../../../apimachinery/apply/extract.ts';
import type { Shape } from '../../../apimachinery/apply/shape.ts';
import { typeErrors } from '../../../apimachinery/apply/typecheck.ts';
import type { Json, JsonObject } from '../../../apimachinery/object.ts';
import { applyJsonPatch } from '../../../apimachinery/patch/json.ts';
import { isStatusError } from '../../../apimachinery/status.ts';
import { isObject } from '../../../apimachinery/values.ts';

/** A mutation cannot be done. */
export class MutationError extends Error { override name = 'MutationError'; }

/** How a `test` operation that does not hold is told from other failures. */
const TEST_FAILED = /^testing value .* failed/s;
/** Operations of one JSON patch. */
const MAX_OPERATIONS = 10_000;

/** `Object.spec` must stand where `spec` is; anything else is a slip of the pen that types do not catch. */
function checkTypeNames(value: CelValue, path: string): void {
  if (value instanceof BuiltRecord) {
    if (value.typeName !== path) {
      throw new MutationError(`type mismatch: unexpected type name ${JSON.stringify(value.typeName)}, expected ${JSON.stringify(path)}, which matches field name path from root Object type`);
    }
    for (const name of value.names()) {
      checkTypeNames(value.get(name) ?? null, `${path}.${name}`);
    }
  } else if (value instanceof CelList) {
    for (const one of value) {
      checkTypeNames(one, path);
    }
  } else if (value instanceof CelMap) {
    for (const key of value.keys()) {
      checkTypeNames(value.get(key) ?? null, path);
    }
  }
}

/** Places in a configuration that would replace everything that is there. */
function atomics(value: Json, shape: Shape | undefined, path: string): string[] {
  if (shape === undefined || typeof value !== 'object' || value === null) {
    return [];
  }
  const own = shape.type === 'atomic' ? [path] : [];
  if (Array.isArray(value)) {
    return [...own, ...value.flatMap((one, index) => atomics(one, shape.item, `${path}[${index}]`))];
  }
  return [...own, ...Object.entries(value).flatMap(([name, one]) => atomics(one, memberShape(shape, name), `${path}.${name}`))];
}

const isDocument = (value: Json): value is JsonObject => isObject(value);

/** The object with an apply configuration merged into it; shares unchanged parts with it. Throws MutationError. */
export function applyConfiguration(document: JsonObject, value: CelValue, shape: Shape): JsonObject {
  checkTypeNames(value, 'Object');
  const given = toJson(value);
  const configuration: JsonObject = { ...(isDocument(given) ? given : {}), apiVersion: document['apiVersion'] ?? '', kind: document['kind'] ?? '' };
  const wrong = typeErrors(configuration, shape);
  if (wrong.length > 0) {
    throw new MutationError(`error applying patch: failed to convert patch object to typed object: ${wrong.length === 1 ? wrong.join('') : `errors:\n${wrong.map((one) => `  ${one}`).join('\n')}`}`);
  }
  const replaced = atomics(configuration, shape, '');
  if (replaced.length > 0) {
    throw new MutationError(`error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: ${replaced.join(', ')}`);
  }
  const merged = merge(document, configuration, shape);
  return isDocument(merged) ? merged : document;
}

function operation(value: CelValue): Json {
  if (!(value instanceof BuiltRecord)) {
    throw new MutationError('type mismatch: JSONPatchType.expression should evaluate to array of JSONPatch');
  }
  const given = value.get('value');
  if (given instanceof BuiltRecord) {
    checkTypeNames(given, given.typeName);
  }
  const text = (name: string): string | undefined => {
    const one = value.get(name);
    return typeof one === 'string' && one !== '' ? one : undefined;
  };
  const from = text('from');
  return { op: text('op') ?? '', path: text('path') ?? '', ...(from === undefined ? {} : { from }), ...(given === undefined ? {} : { value: toJson(given) }) };
}

/** The object with a list of JSONPatch applied; unchanged when a `test` in it fails. Throws MutationError. */
export function applyPatches(document: JsonObject, value: CelValue): JsonObject {
  if (!(value instanceof CelList) || value.length > MAX_OPERATIONS) {
    throw new MutationError(value instanceof CelList ? `a JSON patch may have ${MAX_OPERATIONS} operations at most`
      : 'type mismatch: JSONPatchType.expression should evaluate to array');
  }
  try {
    const patched = applyJsonPatch(document, [...value].map(operation));
    return isDocument(patched) ? patched : document;
  } catch (error) {
    if (!isStatusError(error)) {
      throw error;
    }
    // The cause is what the patch library says; the message is for clients that sent the patch themselves.
    const why = error.status.details?.causes?.[0]?.message ?? error.message;
    if (TEST_FAILED.test(why)) {
      return document;
    }
    throw new MutationError(`JSONPath: ${why}`, { cause: error });
  }
}
