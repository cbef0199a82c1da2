/** What holds after any sequence of writes by anybody: seeded, so that a failure can be repeated. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Json, JsonObject, ManagedFieldsEntry } from '../object.ts';
import { parseTypes } from '../typetable.ts';
import { isObject } from '../values.ts';
import { ApplyConflict, applyConfiguration } from './application.ts';
import { compare } from './compare.ts';
import { fieldsOf } from './extract.ts';
import { contains, intersection, isEmpty, members, unionAll, type FieldSet } from './fieldset.ts';
import { readManagers, type Manager } from './managers.ts';
import { merge } from './merge.ts';
import { afterUpdate, ownedShape } from './ownership.ts';
import { shapeOfMessage } from './shape.ts';

const ROUNDS = 200;
const WRITES = 25;

const table = new Map(parseTypes('core/v1', `
Thing kind
  metadata ObjectMeta 1
  spec Spec 2

ObjectMeta
  name string 1
  labels map:string 2
  finalizers []string 3 set

Spec
  replicas int32 1
  nested Nested 2
  items []Item 3 map=name
  whole map:string 4 atomic
  free any 5

Nested
  a string 1
  b string 2

Item
  name string 1 !
  v string 2
  ports []Port 3 map=port

Port
  port int32 1 !
  v string 2
`).map((message) => [message.name, message]));

const SHAPE = ownedShape(shapeOfMessage(table, 'core/v1.Thing'), { owns: () => true, ownsMeta: () => true });

class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** 0 to below `n`. */
  below(n: number): number {
    this.#state = (this.#state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((this.#state / 2 ** 31) * n);
  }

  chance(): boolean {
    return this.below(2) === 0;
  }

  some(names: readonly string[]): string[] {
    return names.filter(() => this.chance());
  }
}

function randomThing(random: Random): JsonObject {
  const word = (): string => 'xyz'.charAt(random.below(3));
  const maybe = (name: string, value: () => Json): JsonObject => (random.chance() ? { [name]: value() } : {});
  const words = (names: readonly string[]): JsonObject => Object.fromEntries(random.some(names).map((name) => [name, word()]));
  const item = (name: string): JsonObject => ({ name, ...maybe('v', word), ...maybe('ports', () => random.some(['1', '2']).map((port) => ({ port: Number(port), ...maybe('v', word) }))) });
  return {
    metadata: { name: 't', ...maybe('labels', () => words(['a', 'b'])), ...maybe('finalizers', () => random.some(['f/1', 'f/2'])) },
    spec: {
      ...maybe('replicas', () => random.below(3)), ...maybe('nested', () => words(['a', 'b'])), ...maybe('items', () => random.some(['i', 'j', 'k']).map(item)),
      ...maybe('whole', () => words(['a', 'b'])), ...maybe('free', () => ({ [word()]: random.chance() ? word() : { deep: [word()] } })),
    },
  };
}

/** Whether a path of fields leads to a map or a list. */
function isContainer(value: Json, path: readonly string[]): boolean {
  const found = path.reduce<unknown>((at, key) => (isObject(at) ? at[key.slice(2)] : undefined), value);
  return typeof found === 'object' && found !== null;
}

const fieldsOwned = (managers: readonly Manager[]): FieldSet => unionAll(managers.map(({ fields }) => fields));

it('an application holds, takes nothing from others unforced, and done again does nothing', () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const random = new Random(round + 1);
    let object: JsonObject = { metadata: { name: 't' } };
    let entries: ManagedFieldsEntry[] | undefined;
    for (let step = 0; step < WRITES; step += 1) {
      const where = `round ${round}, write ${step}`;
      const writer = { name: `m${random.below(3)}`, apiVersion: 'v1', subresource: '', time: `2026-01-01T00:00:${String(step).padStart(2, '0')}Z` };
      const next = randomThing(random);
      const before = JSON.stringify([object, entries]);
      const others = (readManagers(entries) ?? []).filter(({ name, operation }) => name !== writer.name || operation !== 'Apply');
      if (random.below(3) === 0) {
        const updated = afterUpdate({ live: object, next, shape: SHAPE, liveEntries: entries, sentEntries: undefined }, writer);
        assert.equal(JSON.stringify([object, entries]), before, `${where}: nothing that was there is changed`);
        [object, entries] = [next, updated];
        continue;
      }
      const force = random.chance();
      try {
        const application = { config: next, shape: SHAPE, force };
        const applied = applyConfiguration({ ...application, live: object, liveEntries: entries }, writer);
        assert.equal(JSON.stringify([object, entries]), before, `${where}: nothing that was there is changed`);
        const result = applied.object as JsonObject;
        assert.equal(merge(result, next, SHAPE), result, `${where}: what was applied is there`);
        const { changed, removed } = compare(object, result, SHAPE);
        const appliers = others.filter(({ operation }) => operation === 'Apply');
        // A map or list that another wants empty may go with its last member, as in Kubernetes.
        const lost = [...members(intersection(removed, fieldsOwned(appliers)))].filter((path) => !isContainer(object, path));
        assert.ok(force || lost.length === 0, `${where}: what another applies stays`);
        assert.ok(force || isEmpty(intersection(changed, fieldsOwned(others))), `${where}: nothing is taken unforced`);
        const mine = (readManagers(applied.managedFields) ?? []).find(({ name, operation }) => name === writer.name && operation === 'Apply');
        assert.ok(contains(mine?.fields ?? {}, fieldsOf(next, SHAPE)), `${where}: what was applied is owned`);
        const again = applyConfiguration({ ...application, live: result, liveEntries: applied.managedFields }, { ...writer, time: '2027-01-01T00:00:00Z' });
        assert.equal(again.object, result, `${where}: again it changes nothing`);
        assert.deepEqual(again.managedFields, applied.managedFields, `${where}: nor who owns what`);
        [object, entries] = [result, applied.managedFields];
      } catch (error) {
        assert.ok(error instanceof ApplyConflict && !force, `${where}: ${String(error)}`);
        assert.equal(JSON.stringify([object, entries]), before, `${where}: a refusal changes nothing`);
      }
    }
  }
});
