/** Whatever of a kind's shape a client sends, rules and columns answer: they never throw. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '../apimachinery/object.ts';
import type { FieldError } from '../apimachinery/status.ts';
import { deepClone } from '../apimachinery/values.ts';
import type { AnyKind } from './kind.ts';
import { toTable } from './printing.ts';
import { Maker } from './randomobjects.ts';
import { loadRegistry } from './registry.ts';

const registry = loadRegistry();
const ROUNDS = 200;

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
  const maker = new Maker(registry.types, seed);
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
