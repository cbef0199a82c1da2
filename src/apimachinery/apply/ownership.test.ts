/** Who owns what after writes: the cases of Kubernetes' documentation of server-side apply, and those that people were bitten by. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Json, JsonObject, ManagedFieldsEntry } from '../object.ts';
import { parseTypes } from '../typetable.ts';
import { ANCIENT_CHANGES, MAX_UPDATE_MANAGERS, readManagers, writeManagers } from './managers.ts';
import { ApplyConflict, applyConfiguration, BEFORE_FIRST_APPLY, type Applied } from './application.ts';
import { afterUpdate, ownedShape, type OwnedParts } from './ownership.ts';
import { shapeOfMessage } from './shape.ts';
import type { Versions } from './versions.ts';

const table = new Map(parseTypes('core/v1', `
Thing kind
  metadata ObjectMeta 1
  spec Spec 2
  status Status 3

ObjectMeta
  name string 1
  labels map:string 2
  annotations map:string 3
  finalizers []string 4 set

Spec
  replicas int32 1
  image string 2
  containers []Container 3 map=name
  selector map:string 4 atomic

Status
  ready int32 1

Container
  name string 1 !
  image string 2
`).map((message) => [message.name, message]));

const PARTS: OwnedParts = { owns: (field) => field !== 'status', ownsMeta: () => true };
const SHAPE = ownedShape(shapeOfMessage(table, 'core/v1.Thing'), PARTS);

const thing = (spec: JsonObject, labels?: JsonObject): JsonObject => ({ apiVersion: 'v1', kind: 'Thing', metadata: { name: 't', ...(labels === undefined ? {} : { labels }) }, spec });

/** One object under several writers: what it is, and who owns it. */
class Subject {
  object: JsonObject | undefined;
  entries: ManagedFieldsEntry[] | undefined;
  #second = 0;

  #now(): string {
    this.#second += 1;
    return `2026-01-01T00:00:${String(this.#second).padStart(2, '0')}Z`;
  }

  apply(manager: string, config: JsonObject, force = false): Applied {
    const result = applyConfiguration({ live: this.object, liveEntries: this.entries, config, shape: SHAPE, force },
      { name: manager, apiVersion: 'v1', subresource: '', time: this.#now() });
    this.object = result.object as JsonObject;
    this.entries = result.managedFields;
    return result;
  }

  update(manager: string, next: JsonObject, sent?: ManagedFieldsEntry[], apiVersion = 'v1'): void {
    this.entries = afterUpdate({ live: this.object, next, shape: SHAPE, liveEntries: this.entries, sentEntries: sent }, { name: manager, apiVersion, subresource: '', time: this.#now() });
    this.object = next;
  }

  /** `manager operation` → fields. */
  owners(): Record<string, Json> {
    return Object.fromEntries((this.entries ?? []).map(({ manager, operation, fieldsV1 }) => [`${manager ?? ''} ${operation ?? ''}`, fieldsV1 ?? {}]));
  }

  conflict(manager: string, config: JsonObject): string {
    try {
      this.apply(manager, config);
    } catch (error) {
      if (error instanceof ApplyConflict) {
        return error.message;
      }
      throw error;
    }
    return '';
  }
}

describe('applying', () => {
  it('claims what it names, and gives up what it names no longer', () => {
    const s = new Subject();
    s.apply('one', thing({ replicas: 1, image: 'x' }, { a: '1', b: '2' }));
    assert.deepEqual(s.owners(), { 'one Apply': { 'f:metadata': { 'f:labels': { 'f:a': {}, 'f:b': {} } }, 'f:spec': { 'f:replicas': {}, 'f:image': {} } } });
    s.apply('one', thing({ replicas: 1 }, { a: '1' }));
    assert.deepEqual(s.object, { metadata: { name: 't', labels: { a: '1' } }, spec: { replicas: 1 } });
    s.apply('one', thing({ replicas: 1 }));
    assert.deepEqual(s.object, { metadata: { name: 't' }, spec: { replicas: 1 } }, 'the map goes with its last member');
    s.apply('one', { metadata: { name: 't' } });
    assert.deepEqual(s.object, { metadata: { name: 't' } });
    assert.equal(s.entries, undefined, 'who owns nothing has no entry');
  });

  it('changes nothing when nothing changes, not even the time', () => {
    const s = new Subject();
    s.apply('one', thing({ replicas: 1 }));
    const { object, entries } = s;
    const again = s.apply('one', thing({ replicas: 1 }));
    assert.equal(again.object, object);
    assert.deepEqual(again.managedFields, entries);
  });

  it('refuses what another owns with another value, and says so', () => {
    const s = new Subject();
    s.apply('one', thing({ replicas: 1, image: 'x', containers: [{ name: 'c', image: 'y' }] }));
    assert.equal(s.conflict('two', thing({ replicas: 2 })), 'Apply failed with 1 conflict: conflict with "one": .spec.replicas');
    s.update('editor', { ...s.object, spec: { replicas: 5, image: 'x', containers: [{ name: 'c', image: 'y' }] } });
    assert.equal(s.conflict('two', thing({ replicas: 2, image: 'z', containers: [{ name: 'c', image: 'z' }] })),
      'Apply failed with 3 conflicts: conflicts with "editor" using v1:\n- .spec.replicas\nconflicts with "one":\n- .spec.containers[name="c"].image\n- .spec.image');
  });

  it('shares what both want, and leaves it to the one that stays', () => {
    const s = new Subject();
    s.apply('one', thing({ replicas: 1, image: 'x' }));
    s.apply('two', thing({ replicas: 1 }));
    assert.deepEqual(s.owners()['two Apply'], { 'f:spec': { 'f:replicas': {} } });
    s.apply('one', thing({ image: 'x' }));
    assert.deepEqual(s.object?.['spec'], { replicas: 1, image: 'x' });
    s.apply('two', { metadata: { name: 't' } });
    assert.deepEqual(s.object?.['spec'], { image: 'x' });
  });

  it('takes by force, from all others', () => {
    const s = new Subject();
    s.apply('one', thing({ replicas: 1, image: 'x' }));
    s.apply('two', thing({ replicas: 2 }), true);
    assert.deepEqual(s.owners(), { 'one Apply': { 'f:spec': { 'f:image': {} } }, 'two Apply': { 'f:spec': { 'f:replicas': {} } } });
    s.apply('one', thing({ image: 'x' }));
    assert.deepEqual(s.object?.['spec'], { replicas: 2, image: 'x' });
  });

  it('leaves what others added beside it, and removes an element only with all it owns', () => {
    const s = new Subject();
    s.apply('one', thing({ containers: [{ name: 'c', image: 'x' }, { name: 'd', image: 'x' }] }));
    s.apply('two', thing({ containers: [{ name: 'c' }, { name: 'side', image: 'y' }] }));
    s.apply('one', thing({ containers: [{ name: 'd', image: 'x' }] }));
    assert.deepEqual(s.object?.['spec'], { containers: [{ name: 'c' }, { name: 'd', image: 'x' }, { name: 'side', image: 'y' }] });
  });

  it('does not remove what an updater owns too', () => {
    const s = new Subject();
    s.update('editor', thing({ replicas: 1 }));
    s.apply('one', thing({ replicas: 1, image: 'x' }));
    s.apply('one', thing({ image: 'x' }));
    assert.deepEqual(s.object?.['spec'], { replicas: 1, image: 'x' });
  });

  it('does not touch a field that was handed over', () => {
    const s = new Subject();
    s.apply('one', thing({ replicas: 1, image: 'x' }));
    s.update('autoscaler', { ...s.object, spec: { replicas: 7, image: 'x' } });
    assert.deepEqual(s.owners()['one Apply'], { 'f:spec': { 'f:image': {} } });
    s.apply('one', thing({ image: 'x' }));
    assert.deepEqual(s.object?.['spec'], { replicas: 7, image: 'x' });
  });

  it('takes along what nobody owns inside what it removes, and leaves it beside', () => {
    const s = new Subject();
    s.apply('one', thing({ image: 'x', containers: [{ name: 'c' }, { name: 'd', image: 'x' }] }));
    // As defaults would be: nobody's.
    s.object = thing({ image: 'x', containers: [{ name: 'c', image: 'default' }, { name: 'd', image: 'x' }], replicas: 1, selector: { a: 'b' } });
    s.apply('one', thing({ image: 'x', containers: [{ name: 'd' }] }));
    assert.deepEqual(s.object['spec'], { image: 'x', containers: [{ name: 'd' }], replicas: 1, selector: { a: 'b' } });
  });

  it('finds an owner for what was there before anything was noted', () => {
    const s = new Subject();
    s.object = thing({ replicas: 1 });
    assert.equal(s.conflict('one', thing({ replicas: 2 })), `Apply failed with 1 conflict: conflict with "${BEFORE_FIRST_APPLY}" using v1: .spec.replicas`);
    s.apply('one', thing({ replicas: 1 }));
    assert.deepEqual(s.owners(), { 'one Apply': { 'f:spec': { 'f:replicas': {} } }, [`${BEFORE_FIRST_APPLY} Update`]: { 'f:spec': { 'f:replicas': {} } } });
  });

  it('passes over what the write cannot change', () => {
    const s = new Subject();
    s.apply('one', { ...thing({ replicas: 1 }), status: { ready: 1 } });
    assert.deepEqual(s.owners(), { 'one Apply': { 'f:spec': { 'f:replicas': {} } } });
    assert.equal(s.object?.['status'], undefined);
  });
});

describe('updating', () => {
  it('notes what a create brings, without the server\'s own', () => {
    const s = new Subject();
    s.update('editor', thing({ replicas: 1 }, { a: '1' }));
    assert.deepEqual(s.owners(), { 'editor Update': { 'f:metadata': { 'f:labels': { '.': {}, 'f:a': {} } }, 'f:spec': { 'f:replicas': {} } } });
    assert.deepEqual(s.entries?.[0], {
      manager: 'editor', operation: 'Update', apiVersion: 'v1', time: '2026-01-01T00:00:01Z', fieldsType: 'FieldsV1',
      fieldsV1: { 'f:metadata': { 'f:labels': { '.': {}, 'f:a': {} } }, 'f:spec': { 'f:replicas': {} } },
    });
  });

  it('takes what it changes and only that', () => {
    const s = new Subject();
    s.update('one', thing({ replicas: 1, image: 'x' }, { a: '1' }));
    s.update('two', thing({ replicas: 2, image: 'x' }, { a: '1', b: '2' }));
    assert.deepEqual(s.owners(), {
      'one Update': { 'f:metadata': { 'f:labels': { '.': {}, 'f:a': {} } }, 'f:spec': { 'f:image': {} } },
      'two Update': { 'f:metadata': { 'f:labels': { 'f:b': {} } }, 'f:spec': { 'f:replicas': {} } },
    });
    const { entries } = s;
    s.update('three', structuredClone(s.object ?? {}));
    assert.deepEqual(s.entries, entries, 'a write that changes nothing is nobody\'s');
    s.update('two', thing({ image: 'x' }));
    assert.deepEqual(s.owners(), { 'one Update': { 'f:spec': { 'f:image': {} } } }, 'what is gone is owned by nobody');
  });

  it('keeps at most ten updaters of a version apart', () => {
    const s = new Subject();
    s.update('m0', thing({ image: 'x' }, { l0: '0' }));
    const labels: JsonObject = { l0: '0' };
    for (let index = 1; index < 15; index += 1) {
      labels[`l${index}`] = '1';
      s.update(`m${index}`, thing({ image: 'x' }, { ...labels }));
    }
    const managers = (s.entries ?? []).map(({ manager }) => manager);
    assert.equal(managers.length, MAX_UPDATE_MANAGERS);
    assert.equal(managers.filter((one) => one === ANCIENT_CHANGES).length, 1);
    assert.ok(managers.includes('m14') && !managers.includes('m0') && !managers.includes('m5'));
    const owned = (s.entries ?? []).flatMap(({ fieldsV1 }) => [...JSON.stringify(fieldsV1).matchAll(/f:l\d+/g)].map(([label]) => label));
    assert.equal(new Set(owned).size, 15, 'nothing is forgotten');
    assert.equal(owned.length, 15);
  });

  it('join what is already joined', () => {
    const at = (manager: string, time: string, field: string): ManagedFieldsEntry =>
      ({ manager, operation: 'Update', apiVersion: 'v1', time, fieldsType: 'FieldsV1', fieldsV1: { 'f:metadata': { 'f:labels': { [`f:${field}`]: {} } } } });
    // All of one second, so that names decide: two of them come before the entry that was joined earlier.
    const second = '2026-01-01T00:00:00Z';
    const entries = [at('A', second, 'a'), at('B', second, 'b'), at(ANCIENT_CHANGES, second, 'c'), ...Array.from({ length: 7 }, (_, index) => at(`m${index}`, second, `m${index}`))];
    const labels = Object.fromEntries(['a', 'b', 'c', ...Array.from({ length: 7 }, (_, index) => `m${index}`)].map((name) => [name, '1']));
    const after = afterUpdate({ live: thing({}, labels), next: thing({}, { ...labels, new: '1' }), shape: SHAPE, liveEntries: entries, sentEntries: undefined },
      { name: 'z', apiVersion: 'v1', subresource: '', time: second });
    const ancient = (after ?? []).filter(({ manager }) => manager === ANCIENT_CHANGES);
    assert.deepEqual(ancient.map(({ fieldsV1 }) => fieldsV1), [{ 'f:metadata': { 'f:labels': { 'f:c': {}, 'f:a': {}, 'f:b': {} } } }]);
  });

  it('begins anew where a client asks for it, and not where it knows no better', () => {
    const s = new Subject();
    s.update('one', thing({ replicas: 1 }));
    const { entries } = s;
    s.update('old-client', thing({ replicas: 1 }), []);
    assert.deepEqual(s.entries, entries, 'an empty list is a client that does not know the field');
    s.update('broken', thing({ replicas: 1 }), [{ manager: 'x', operation: 'Own', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1: {} }]);
    assert.deepEqual(s.entries, entries, 'what cannot be read is passed over');
    s.update('broken', thing({ replicas: 1 }), [{ manager: 'x', operation: 'Update', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1: { spec: {} } }]);
    assert.deepEqual(s.entries, entries);
    s.update('upgrade', thing({ replicas: 1 }), [{ manager: 'kubectl', operation: 'Apply', apiVersion: 'v1', time: '2026-01-01T00:00:00Z', fieldsType: 'FieldsV1', fieldsV1: { 'f:spec': { 'f:replicas': {} } } }]);
    assert.deepEqual(s.owners(), { 'kubectl Apply': { 'f:spec': { 'f:replicas': {} } } });
    s.update('reset', thing({ replicas: 1 }), [{}]);
    assert.equal(s.entries, undefined);
    s.update('later', thing({ replicas: 2 }));
    assert.equal(s.entries, undefined, 'half of it would mislead');
  });
});

describe('versions', () => {
  it('are compared each in its own, and those no longer served forgotten', () => {
    // In v2 the same field is called otherwise, and v0 is gone.
    const renamed = ownedShape(shapeOfMessage(new Map(parseTypes('core/v2', 'Thing kind\n  spec Spec 1\n\nSpec\n  picture string 1\n').map((message) => [message.name, message])), 'core/v2.Thing'), PARTS);
    const versions: Versions = (apiVersion) => (apiVersion !== 'v2' ? undefined : {
      shape: renamed, convert: (object) => ({ spec: { picture: (object as { spec: { image: string } }).spec.image } }),
    });
    const entry = (manager: string, apiVersion: string, fieldsV1: JsonObject): ManagedFieldsEntry => ({ manager, operation: 'Update', apiVersion, fieldsType: 'FieldsV1', fieldsV1 });
    const entries = [entry('two', 'v2', { 'f:spec': { 'f:picture': {} } }), entry('zero', 'v0', { 'f:spec': { 'f:image': {} } })];
    const after = afterUpdate({ live: thing({ image: 'x', replicas: 1 }), next: thing({ image: 'x', replicas: 2 }), shape: SHAPE, liveEntries: entries, sentEntries: undefined, versions },
      { name: 'one', apiVersion: 'v1', subresource: '', time: '2026-01-01T00:00:00Z' });
    assert.deepEqual(after?.map(({ manager }) => manager), ['two', 'one']);
    const taken = afterUpdate({ live: thing({ image: 'x' }), next: thing({ image: 'y' }), shape: SHAPE, liveEntries: entries, sentEntries: undefined, versions },
      { name: 'one', apiVersion: 'v1', subresource: '', time: '2026-01-01T00:00:00Z' });
    assert.deepEqual(taken?.map(({ manager }) => manager), ['one']);
  });
});

describe('entries', () => {
  it('are ordered, one for each manager, with an applier the same in every version', () => {
    const managers = readManagers([
      { manager: 'b', operation: 'Update', apiVersion: 'v1', time: '2026-01-01T00:00:02Z', fieldsType: 'FieldsV1', fieldsV1: { 'f:a': {} } },
      { manager: 'b', operation: 'Apply', apiVersion: 'v1', time: '2026-01-01T00:00:09Z', fieldsType: 'FieldsV1', fieldsV1: { 'f:a': {} } },
      { manager: 'a', operation: 'Update', apiVersion: 'v1', time: '2026-01-01T00:00:02Z', fieldsType: 'FieldsV1', fieldsV1: { 'f:b': {} }, subresource: 'status' },
      { manager: 'b', operation: 'Apply', apiVersion: 'v2', time: '2026-01-01T00:00:03Z', fieldsType: 'FieldsV1', fieldsV1: { 'f:c': {} } },
    ]) ?? [];
    assert.deepEqual(writeManagers(managers)?.map(({ manager, operation, apiVersion, subresource }) => [manager, operation, apiVersion, subresource]),
      [['b', 'Apply', 'v2', undefined], ['a', 'Update', 'v1', 'status'], ['b', 'Update', 'v1', undefined]]);
  });
});
