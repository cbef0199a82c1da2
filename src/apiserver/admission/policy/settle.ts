/** An object that a policy or webhook changed, brought back to its kind's shape. */
import { shapeOfMessage, type Shape } from '../../../apimachinery/apply/shape.ts';
import { decodeObject } from '../../../apimachinery/schema/decode.ts';
import type { GroupVersionKind, JsonObject, KubeObject } from '../../../apimachinery/object.ts';
import { fieldError, invalid } from '../../../apimachinery/status.ts';
import type { AnyKind } from '../../../kinds/kind.ts';
import type { Registry } from '../../../kinds/registry.ts';
import { asKubeObject, decodeTyped, expectedOf } from '../../verbs/body.ts';
import type { AdmissionRequest } from '../admission.ts';

/** Metadata that is settled before admission and stands, whatever anybody changes. */
const SETTLED = ['name', 'namespace', 'uid'] as const;

const isOwnKind = (request: AdmissionRequest, { group, version, kind }: GroupVersionKind): boolean =>
  request.kind.kind === kind && request.kind.group === group && request.kind.version === version;

/** The message of a kind that only a subresource takes, e.g. `policy/v1.Eviction`; undefined when the table has none. */
function messageOf(registry: Registry, { group, version, kind }: GroupVersionKind): string | undefined {
  const guess = `${group === '' ? 'core' : group.split('.')[0] ?? ''}/${version}.${kind}`;
  return registry.byKind(group, version, kind)?.type ?? (registry.types.has(guess) ? guess : undefined);
}

/** How lists and maps of an object merge; undefined when nothing is known of them. `shown`: what the object is. */
export function shapeOf(registry: Registry, request: AdmissionRequest, kind: AnyKind, shown: GroupVersionKind): Shape | undefined {
  if (isOwnKind(request, shown)) {
    return kind.custom?.shape ?? shapeOfMessage(registry.types, kind.type);
  }
  const message = messageOf(registry, shown);
  return message === undefined ? undefined : shapeOfMessage(registry.types, message);
}

/** A document of a kind that only a subresource takes. Throws BadRequest for wrong types. */
export function decoded(registry: Registry, kind: GroupVersionKind, value: JsonObject): JsonObject {
  const message = messageOf(registry, kind);
  const object = message === undefined ? value : decodeObject(value, registry.types, message, 'ignore').object;
  return { ...object, apiVersion: value['apiVersion'] ?? '', kind: value['kind'] ?? '' };
}

function decodedAs(registry: Registry, request: AdmissionRequest, kind: AnyKind, value: JsonObject): KubeObject {
  if (!isOwnKind(request, request.objectKind)) {
    return asKubeObject(decoded(registry, request.objectKind, value));
  }
  const object = asKubeObject(decodeTyped(value, registry, expectedOf(kind), 'ignore').object);
  kind.rules.defaults?.(object);
  return object;
}

/**
 * The changed document as an object of `kind`: unknown fields dropped, defaults filled in. It shares nothing with `value`. Throws BadRequest for wrong types
 * and Invalid for changes of what identifies the object.
 */
export function settled(registry: Registry, request: AdmissionRequest, kind: AnyKind, value: JsonObject): KubeObject {
  const object = decodedAs(registry, request, kind, structuredClone(value));
  const before = request.object?.metadata;
  for (const field of SETTLED) {
    if (before !== undefined && (object.metadata[field] ?? '') !== (before[field] ?? '')) {
      throw invalid({ group: request.kind.group, resource: request.kind.kind, name: request.name },
        [fieldError.invalid(`metadata.${field}`, object.metadata[field], 'field is immutable')]);
    }
  }
  return object;
}
