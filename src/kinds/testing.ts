/** For tests: what the API server does to an object before it is stored, without the API server. */
import { decodeObject } from '../apimachinery/schema/decode.ts';
import { apiVersionOf, type JsonObject, type KubeObject } from '../apimachinery/object.ts';
import type { FieldError } from '../apimachinery/status.ts';
import { deepClone } from '../apimachinery/values.ts';
import type { AnyKind } from './kind.ts';
import { loadRegistry } from './registry.ts';

const registry = loadRegistry();

export const texts = (errors: readonly FieldError[]): string[] => errors.map(({ field, detail }) => `${field}: ${detail}`);

/** A decoded object of a kind; `metadata.name` is `x` unless given. */
export function objectOf(kind: AnyKind, content: JsonObject): KubeObject {
  const meta = content['metadata'];
  const value = {
    apiVersion: apiVersionOf(kind), kind: kind.kind, ...content,
    metadata: { name: 'x', ...(kind.namespaced ? { namespace: 'default' } : {}), ...(typeof meta === 'object' && !Array.isArray(meta) ? meta : {}) },
  };
  const { object, unknown } = decodeObject(deepClone(value), registry.types, kind.type, 'strict');
  if (unknown.length > 0) {
    throw new Error(unknown.join(', '));
  }
  // Decoded against the kind's message: an object with apiVersion, kind and metadata.
  return object as unknown as KubeObject;
}

export interface Outcome {
  object: KubeObject;
  errors: string[];
}

/** Defaults, preparation and validation of a new object. */
export function create(kind: AnyKind, content: JsonObject): Outcome {
  const object = objectOf(kind, content);
  kind.rules.defaults?.(object);
  kind.rules.prepareCreate?.(object);
  return { object, errors: texts([...kind.rules.validate?.(object) ?? [], ...kind.rules.validateCreate?.(object) ?? []]) };
}

/** The same for an update of `old`, of which `change` makes the wanted object. */
export function update(kind: AnyKind, old: KubeObject, change: (object: KubeObject) => void): Outcome {
  const object = deepClone(old);
  change(object);
  kind.rules.defaults?.(object);
  kind.rules.prepareUpdate?.(object, old);
  return { object, errors: texts([...kind.rules.validate?.(object) ?? [], ...kind.rules.validateUpdate?.(object, old) ?? []]) };
}

/** A member deep in an object, e.g. `spec.containers.0.image`. */
export function at(object: unknown, path: string): unknown {
  let value: unknown = object;
  for (const step of path.split('.')) {
    value = typeof value === 'object' && value !== null ? Reflect.get(value, step) : undefined;
  }
  return value;
}

/** Sets a member deep in an object; undefined removes it. */
export function set(object: unknown, path: string, value: unknown): void {
  const steps = path.split('.');
  const last = steps.pop() ?? '';
  const parent = steps.length === 0 ? object : at(object, steps.join('.'));
  if (typeof parent !== 'object' || parent === null) {
    throw new Error(`nothing at ${steps.join('.')}`);
  }
  if (value === undefined) {
    Reflect.deleteProperty(parent, last);
  } else {
    Reflect.set(parent, last, value);
  }
}

/** Cells of one object by column name. */
export function cells(kind: AnyKind, object: KubeObject, now: number): Record<string, unknown> {
  return Object.fromEntries(kind.columns.map((column) => [column.name, column.value(object, now)]));
}
