/**
 * kubectl's annotation `kubectl.kubernetes.io/last-applied-configuration`, by which client-side apply remembers: while an object
 * carries it, kubectl's server-side apply may take over what client-side apply wrote, and keeps the annotation in step so that either can go on.
 */
import { compare } from '../../apimachinery/apply/compare.ts';
import { fieldsOf } from '../../apimachinery/apply/extract.ts';
import { difference, EMPTY_SET, union, type FieldSet } from '../../apimachinery/apply/fieldset.ts';
import type { Shape } from '../../apimachinery/apply/shape.ts';
import type { Json, JsonObject, KubeObject } from '../../apimachinery/object.ts';
import { MAX_ANNOTATIONS_BYTES } from '../../apimachinery/objectmeta.ts';
import { isObject } from '../../apimachinery/values.ts';
import { metadataOf } from './configuration.ts';

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
/** Only this manager is kubectl's by default. */
export const KUBECTL = 'kubectl';

const lastAppliedOf = (object: KubeObject): string => object.metadata.annotations?.[LAST_APPLIED] ?? '';

function parsed(text: string): JsonObject | undefined {
  let value: Json;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) {
      return undefined;
    }
    throw error;
  }
  return isObject(value) ? value : undefined;
}

/**
 * The fields that client-side apply wrote last and that nobody has changed since. `decode` brings the configuration to the form of stored
 * objects; undefined when it is none of this kind.
 */
export function fieldsLastApplied(live: KubeObject, document: JsonObject, shape: Shape, decode: (config: JsonObject) => JsonObject | undefined): FieldSet {
  const text = lastAppliedOf(live);
  const config = text === '' ? undefined : parsed(text);
  const decoded = config === undefined || config['apiVersion'] !== live.apiVersion ? undefined : decode(config);
  if (decoded === undefined) {
    return EMPTY_SET;
  }
  const { changed, removed } = compare(decoded, document, shape);
  return difference(fieldsOf(decoded, shape), union(changed, removed));
}

/** With the names of every object in order, as Go writes maps. */
function sorted(value: Json): Json {
  if (Array.isArray(value)) {
    return value.map(sorted);
  }
  return isObject(value) ? Object.fromEntries(Object.keys(value).sort().map((name) => [name, sorted(value[name] ?? null)])) : value;
}

function withoutAnnotation(config: JsonObject): JsonObject {
  const metadata = metadataOf(config);
  const { annotations } = metadata;
  if (!isObject(annotations) || !Object.hasOwn(annotations, LAST_APPLIED)) {
    return config;
  }
  const { [LAST_APPLIED]: _annotation, ...others } = annotations;
  return { ...config, metadata: { ...metadata, annotations: others } };
}

/** Brings the annotation of an object that has one up to date with a configuration just applied, in place. Without it when it would be too long. */
export function renewLastApplied(object: KubeObject, config: JsonObject): void {
  if (lastAppliedOf(object) === '') {
    return;
  }
  const { [LAST_APPLIED]: _old, ...others } = object.metadata.annotations ?? {};
  const annotations = { ...others, [LAST_APPLIED]: `${JSON.stringify(sorted(withoutAnnotation(config)))}\n` };
  const size = Object.entries(annotations).reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  object.metadata.annotations = size > MAX_ANNOTATIONS_BYTES ? others : annotations;
}
