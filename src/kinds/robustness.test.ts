/** Whatever of a kind's shape a client sends, rules and columns answer: they never throw. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json, JsonObject, KubeObject } from '../apimachinery/object.ts';
import type { FieldError } from '../apimachinery/status.ts';
import type { Field, TypeRef } from '../apimachinery/typetable.ts';
import { deepClone } from '../apimachinery/values.ts';
import type { AnyKind } from './kind.ts';
import { toTable } from './printing.ts';
import { loadRegistry } from './registry.ts';

const registry = loadRegistry();
const ROUNDS = 200;
const MAX_DEPTH = 9;

/** A small generator of numbers from a seed (mulberry32): failures can be repeated. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = Math.trunc(state + 0x6d2b79f5);
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

class Maker {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = numbers(seed);
  }

  #pick<T>(list: readonly [T, ...T[]]): T {
    return list[Math.floor(this.#next() * list.length)] ?? list[0];
  }

  #scalar(ref: TypeRef & { t: 'scalar' }, field: Field): Json {
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
    const count = Math.floor(this.#next() * 3);
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
    for (const field of registry.types.get(name)?.fields.values() ?? []) {
      if (this.#next() < likely) {
        object[field.name] = this.#value(field.type, field, depth);
      }
    }
    return object;
  }

  object(kind: AnyKind): KubeObject {
    const content = this.message(kind.type);
    // Made from the kind's own message, with the metadata every object has by the time rules see it.
    return { ...content, apiVersion: 'v1', kind: kind.kind, metadata: { name: 'x', uid: 'u', ...(kind.namespaced ? { namespace: 'default' } : {}) } };
  }
}

/** All rules of a create and of an update that knows nothing of it. */
function errorsOf({ rules }: AnyKind, object: KubeObject, other: KubeObject): FieldError[] {
  rules.defaults?.(object);
  rules.prepareCreate?.(object);
  const errors = [...rules.validate?.(object) ?? [], ...rules.validateCreate?.(object) ?? []];
  const old = deepClone(object);
  rules.defaults?.(other);
  rules.prepareUpdate?.(other, old);
  return [...errors, ...rules.validate?.(other) ?? [], ...rules.validateUpdate?.(other, old) ?? [], ...rules.validateStatus?.(other, old) ?? []];
}

function exercise(kind: AnyKind, seed: number): void {
  const maker = new Maker(seed);
  const [object, other] = [maker.object(kind), maker.object(kind)];
  for (const { field, detail } of errorsOf(kind, object, other)) {
    assert.ok(detail !== '' && !field.includes('undefined'), `${field}: ${detail}`);
  }
  kind.rules.desiredStateChanged?.(other, object);
  kind.rules.warnings?.(other);
  for (const value of Object.values(kind.selectableFields ?? {})) {
    assert.equal(typeof value(object), 'string');
  }
  toTable(kind, [object, other], { includeObject: 'None', now: Date.parse('2026-06-01T00:00:00Z'), listMeta: {}, columns: true });
  kind.storedAs?.decode(kind.storedAs.encode(object));
  const before = JSON.stringify(object);
  kind.rules.defaults?.(object);
  assert.equal(JSON.stringify(object), before, 'defaults are idempotent');
}

for (const kind of registry.list()) {
  test(`${kind.kind}.${kind.group} ${kind.version}`, () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const seed = round * 7919 + kind.plural.length;
      try {
        exercise(kind, seed);
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
    }
  });
}
