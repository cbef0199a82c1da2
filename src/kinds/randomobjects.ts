/** For tests: objects of any kind's shape with random contents, the same for the same seed. */
import type { Json, JsonObject, KubeObject } from '../apimachinery/object.ts';
import type { Field, TypeRef, TypeTable } from '../apimachinery/typetable.ts';
import type { AnyKind } from './kind.ts';

const MAX_DEPTH = 9;

/** What stands in the fields of a JSON schema that hold a schema or something else. */
const SCHEMA_UNIONS: Readonly<Record<string, readonly [Json, ...Json[]]>> = {
  items: [{ type: 'string' }, [{ type: 'string' }, { type: 'integer' }]], additionalProperties: [true, false, { type: 'string' }],
  additionalItems: [true, { type: 'string' }], dependencies: [['a', 'b'], { type: 'object' }],
};

/** A small generator of numbers from a seed (mulberry32): failures can be repeated. */
export function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = Math.trunc(state + 0x6d2b79f5);
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Makes objects of a kind's shape: `hostile` ones hold zeros and nonsense, others only values that every encoding tells from absence. */
export class Maker {
  readonly #next: () => number;
  readonly #types: TypeTable;
  readonly #hostile: boolean;

  constructor(types: TypeTable, seed: number, hostile = true) {
    this.#types = types;
    this.#next = numbers(seed);
    this.#hostile = hostile;
  }

  #pick<T>(list: readonly [T, ...T[]]): T {
    return list[Math.floor(this.#next() * list.length)] ?? list[0];
  }

  #scalar(ref: TypeRef & { t: 'scalar' }, field: Field): Json {
    return this.#hostile ? this.#hostileScalar(ref, field) : this.#plainScalar(ref, field);
  }

  #plainScalar(ref: TypeRef & { t: 'scalar' }, field: Field): Json {
    switch (ref.scalar) {
      case 'string': return this.#pick(['a', 'ñ 🧵', 'x'.repeat(200), ...(field.enum ?? []).filter((one) => one !== '')]);
      case 'int32': return this.#pick([1, -1, 80, 2_147_483_647, -2_147_483_648]);
      case 'int64': return this.#pick([1, -1, 300, 2 ** 53 - 1, -(2 ** 53) + 1]);
      case 'double': return this.#pick([-1.5, 1, 1e300]);
      case 'bool': return true;
      case 'bytes': return this.#pick(['eA==', 'AAECAw==']);
      case 'Quantity': return this.#pick(['1', '-1', '1500m', '2Gi', '1e3']);
      case 'Time': return this.#pick(['2026-01-01T00:00:00Z', '1970-01-01T00:00:01Z', '1969-12-31T23:59:59Z']);
      case 'MicroTime': return this.#pick(['2026-01-01T00:00:00.000000Z', '2026-01-01T00:00:00.123456Z']);
      case 'Duration': return this.#pick(['5s', '1h0m1.5s']);
      case 'IntOrString': return this.#pick<Json>([1, -5, '25%', 'http']);
      case 'FieldsV1': return this.#pick<Json>([{ b: null }, { a: [1, 'x'] }]);
      case 'any': return this.#pick<Json>(SCHEMA_UNIONS[field.name] ?? [{ b: null }, { a: [1, 'x'] }, false, '']);
      default: return ref.scalar satisfies never;
    }
  }

  #hostileScalar(ref: TypeRef & { t: 'scalar' }, field: Field): Json {
    switch (ref.scalar) {
      case 'string': return this.#pick(['', 'a', 'A/b', '-x-', '10.0.0.1', '../..', 'x'.repeat(70), '/abs', 'a:b', '"\\\n', ...(field.enum ?? [])]);
      case 'int32': case 'int64': return this.#pick([0, 1, -1, 80, 70_000, 2_147_483_647]);
      case 'double': return this.#pick([0, -1.5, 1]);
      case 'bool': return this.#next() < 0.5;
      case 'bytes': return this.#pick(['', 'eA==']);
      case 'Quantity': return this.#pick(['0', '1', '-1', '1500m', '2Gi', '1e3']);
      case 'Time': return this.#pick(['2026-01-01T00:00:00Z', '1970-01-01T00:00:00Z']);
      case 'MicroTime': return '2026-01-01T00:00:00.000000Z';
      case 'Duration': return '5s';
      case 'IntOrString': return this.#pick<Json>([0, 1, -5, '25%', '200%', 'http', '']);
      case 'any': case 'FieldsV1': return this.#pick<Json>([{}, { a: 1 }]);
      default: return ref.scalar satisfies never;
    }
  }

  #value(ref: TypeRef, field: Field, depth: number): Json {
    const count = Math.floor(this.#next() * 3) || (this.#hostile ? 0 : 1);
    switch (ref.t) {
      case 'scalar': return this.#scalar(ref, field);
      case 'list': return Array.from({ length: count }, () => this.#value(ref.of, field, depth + 1));
      case 'map': return Object.fromEntries(Array.from({ length: count }, (_one, index) => [this.#pick(['a', 'cpu', 'memory', '__proto__x', 'storage', '']) + (index || ''), this.#value(ref.of, field, depth + 1)]));
      case 'message': return this.message(ref.name, depth + 1);
      default: return ref satisfies never;
    }
  }

  /** Deep parts of a message are rarer, or nothing would ever end. */
  message(name: string, depth = 0): JsonObject {
    const likely = depth > MAX_DEPTH ? 0 : this.#pick([0.15, 0.5, 0.9]) / (depth > 4 ? 2 : 1);
    const object: JsonObject = {};
    for (const field of this.#types.get(name)?.fields.values() ?? []) {
      if (this.#next() < likely) {
        object[field.name] = this.#value(field.type, field, depth);
      }
    }
    return object;
  }

  /** A message with every field given, its parts as they come. */
  whole(name: string): JsonObject {
    return Object.fromEntries([...this.#types.get(name)?.fields.values() ?? []].map((field) => [field.name, this.#value(field.type, field, 5)]));
  }

  object(kind: AnyKind): KubeObject {
    const content = this.message(kind.type);
    // Made from the kind's own message, with the metadata every object has by the time rules see it.
    return { ...content, apiVersion: 'v1', kind: kind.kind, metadata: { name: 'x', uid: 'u', ...(kind.namespaced ? { namespace: 'default' } : {}) } };
  }
}
