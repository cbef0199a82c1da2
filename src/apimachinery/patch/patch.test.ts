import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Json, JsonObject } from '../object.ts';
import { StatusError } from '../status.ts';
import { parseTypes } from '../typetable.ts';
import { applyJsonPatch, MAX_COPIED_CHARACTERS } from './json.ts';
import { applyMergePatch } from './merge.ts';
import { applyStrategicPatch } from './strategic.ts';

const failsWith = (code: number) => (error: unknown): boolean => error instanceof StatusError && error.code === code;

describe('JSON patch', () => {
  const cases: [Json, Json, Json][] = [
    [{ a: 1 }, [{ op: 'add', path: '/b', value: [1] }], { a: 1, b: [1] }],
    [{ a: [1, 2] }, [{ op: 'add', path: '/a/1', value: 9 }], { a: [1, 9, 2] }],
    [{ a: [1, 2] }, [{ op: 'add', path: '/a/-', value: 9 }, { op: 'add', path: '/a/2', value: 8 }], { a: [1, 2, 8, 9] }],
    [{ a: [1, 2] }, [{ op: 'remove', path: '/a/0' }, { op: 'remove', path: '/a/-1' }], { a: [] }],
    [{ 'x/y': { '~': 1 } }, [{ op: 'replace', path: '/x~1y/~0', value: 2 }], { 'x/y': { '~': 2 } }],
    [{ a: { b: 1 } }, [{ op: 'move', from: '/a/b', path: '/c' }], { a: {}, c: 1 }],
    [{ a: { b: 1 } }, [{ op: 'copy', from: '/a', path: '/a/c' }], { a: { b: 1, c: { b: 1 } } }],
    [{ a: 1 }, [{ op: 'test', path: '/a', value: 1 }, { op: 'test', path: '/none', value: null }, { op: 'test', path: '', value: { a: 1 } }], { a: 1 }],
    [{ a: {} }, [{ op: 'replace', path: '/a/new', value: 1 }, { op: 'copy', from: '/none', path: '/b' }], { a: { new: 1 }, b: null }],
    [{ '': 1 }, [{ op: 'replace', path: '/', value: 2 }], { '': 2 }],
  ];
  for (const [document, patch, expected] of cases) {
    test(JSON.stringify(patch), () => {
      const before = JSON.stringify([document, patch]);
      assert.deepEqual(applyJsonPatch(document, patch), expected);
      assert.equal(JSON.stringify([document, patch]), before, 'nothing given is changed');
    });
  }

  test('what does not apply is 422, what is no patch 400', () => {
    const document = { a: [1], o: { k: 'v' } };
    const bad: Json[] = [
      [{ op: 'test', path: '/o/k', value: 'w' }], [{ op: 'remove', path: '/x' }], [{ op: 'replace', path: '/a/1', value: 1 }], [{ op: 'test', path: '/a/1', value: null }], [{ op: 'test', path: '/a/-', value: null }], [{ op: 'move', from: '/x', path: '/y' }], [{ op: 'add', path: '/x/y', value: 1 }],
      [{ op: 'add', path: '/a/5', value: 1 }], [{ op: 'add', path: '/a/x', value: 1 }], [{ op: 'add', path: '', value: 1 }], [{ op: 'add', path: 'a', value: 1 }], [{ op: 'remove', path: '/a/1' }],
      [{ op: 'move', from: '/o', path: '/o/x' }], [{ op: 'copy', path: '/x' }], [{ op: 'nonsense', path: '/a' }], [{ path: '/a' }], [{ op: 'add' }], [{ op: 'add', path: '/z' }],
      [{ op: 'remove', path: '/constructor' }], [{ op: 'add', path: '/__proto__/x', value: 1 }], [{ op: 'add', path: '/a/4294967296', value: 1 }],
    ];
    for (const patch of bad) {
      assert.throws(() => applyJsonPatch(document, patch), failsWith(422), JSON.stringify(patch));
    }
    for (const patch of [{}, null, 'x', [1], [[]]]) {
      assert.throws(() => applyJsonPatch(document, patch), failsWith(400), JSON.stringify(patch));
    }
    assert.throws(() => applyJsonPatch({ a: 1 }, [{ op: 'test', path: '/a', value: 2 }]), {
      message: 'the server rejected our request due to an error in our request',
      status: {
        kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: 'the server rejected our request due to an error in our request', reason: 'Invalid',
        details: { causes: [{ reason: 'UnexpectedServerResponse', message: 'testing value /a failed: test failed' }] }, code: 422,
      },
    });
  });

  test('copies cannot blow a document up', () => {
    const doubling = Array.from({ length: 64 }, (_, index) => ({ op: 'copy', from: '', path: `/x${index}` }));
    assert.throws(() => applyJsonPatch({ a: 'x'.repeat(1000) }, doubling), failsWith(422));
    const nested = Array.from({ length: 64 }, (_, index) => ({ op: 'copy', from: '/a', path: `/a/x${index}` }));
    assert.throws(() => applyJsonPatch({ a: { text: 'x'.repeat(1000) } }, nested), failsWith(422));
    assert.ok(MAX_COPIED_CHARACTERS < 4 * 1024 * 1024);
  });
});

describe('merge patch', () => {
  test('the examples of RFC 7386', () => {
    const cases: [Json, Json, Json][] = [
      [{ a: 'b' }, { a: 'c' }, { a: 'c' }], [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }], [{ a: 'b' }, { a: null }, {}], [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
      [{ a: ['b'] }, { a: 'c' }, { a: 'c' }], [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }], [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
      [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }], [['a', 'b'], ['c', 'd'], ['c', 'd']], [{ a: 'b' }, ['c'], ['c']], [{ a: 'foo' }, null, null], [{ a: 'foo' }, 'bar', 'bar'],
      [{ e: null }, { a: 1 }, { e: null, a: 1 }], [[1, 2], { a: 'b', c: null }, { a: 'b' }], [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
    ];
    for (const [document, patch, expected] of cases) {
      const before = JSON.stringify([document, patch]);
      assert.deepEqual(applyMergePatch(document, patch), expected);
      assert.equal(JSON.stringify([document, patch]), before);
    }
  });

  test('odd names are ordinary members', () => {
    const patch: Json = JSON.parse('{"__proto__":{"x":1},"constructor":{"y":2}}');
    assert.equal(JSON.stringify(applyMergePatch({}, patch)), '{"__proto__":{"x":1},"constructor":{"y":2}}');
    assert.equal(JSON.stringify(applyMergePatch(patch, { constructor: null })), '{"__proto__":{"x":1}}');
  });
});

describe('strategic merge patch', () => {
  const table = new Map(parseTypes('t/v1', `
Thing kind
  metadata Meta 1
  spec Spec 2

Meta
  labels map:string 1
  finalizers []string 2 set patch=merge

Spec
  containers []Container 1 map=name patch=merge:name
  args []string 2 atomic
  volumes []Volume 3 patch=merge,retainKeys:name
  strategy Strategy 4 patch=retainKeys
  hosts []Host 5
  affinity Strategy 6 patch=replace

Container
  name string 1
  image string 2
  env []Env 3 patch=merge:name
  ports []Port 4 patch=merge:containerPort

Env
  name string 1
  value string 2

Port
  containerPort int32 1
  name string 2

Volume
  name string 1
  emptyDir Empty 2
  hostPath Empty 3

Empty
  path string 1

Strategy
  type string 1
  rolling Empty 2

Host
  name string 1
`).map((message) => [message.name, message]));

  const cases: [string, JsonObject, JsonObject, JsonObject][] = [
    ['maps merge, null removes', { metadata: { labels: { a: '1', b: '2' } } }, { metadata: { labels: { b: null, c: '3', d: null } } }, { metadata: { labels: { a: '1', c: '3' } } }],
    ['keyed lists merge by key', { spec: { containers: [{ name: 'a', image: '1' }, { name: 'b', image: '1' }] } }, { spec: { containers: [{ name: 'b', image: '2' }] } },
      { spec: { containers: [{ name: 'a', image: '1' }, { name: 'b', image: '2' }] } }],
    ['a new element comes first, as from the real server', { spec: { containers: [{ name: 'a' }, { name: 'b' }] } }, { spec: { containers: [{ name: 'c', image: null }] } },
      { spec: { containers: [{ name: 'c' }, { name: 'a' }, { name: 'b' }] } }],
    ['$patch: delete of an element', { spec: { containers: [{ name: 'a' }, { name: 'b' }] } }, { spec: { containers: [{ name: 'a', $patch: 'delete' }] } }, { spec: { containers: [{ name: 'b' }] } }],
    ['$patch: replace of a list', { spec: { containers: [{ name: 'a' }, { name: 'b' }] } }, { spec: { containers: [{ $patch: 'replace' }, { name: 'z' }] } }, { spec: { containers: [{ name: 'z' }] } }],
    ['$patch: replace of a map', { metadata: { labels: { a: '1' } } }, { metadata: { labels: { $patch: 'replace', b: '2' } } }, { metadata: { labels: { b: '2' } } }],
    ['$patch: delete of a map', { metadata: { labels: { a: '1' } } }, { metadata: { labels: { $patch: 'delete' } } }, { metadata: { labels: {} } }],
    ['$patch: delete of what is not there', { metadata: {} }, { metadata: { labels: { $patch: 'delete' } } }, { metadata: {} }],
    ['atomic lists are replaced', { spec: { args: ['a', 'b'] } }, { spec: { args: ['c'] } }, { spec: { args: ['c'] } }],
    ['sets are united', { metadata: { finalizers: ['a', 'b'] } }, { metadata: { finalizers: ['b', 'c'] } }, { metadata: { finalizers: ['a', 'b', 'c'] } }],
    ['$deleteFromPrimitiveList', { metadata: { finalizers: ['a', 'b', 'c'] } }, { metadata: { '$deleteFromPrimitiveList/finalizers': ['b', 'x'] } }, { metadata: { finalizers: ['a', 'c'] } }],
    ['$retainKeys', { spec: { strategy: { type: 'Rolling', rolling: { path: 'x' } } } }, { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } }, { spec: { strategy: { type: 'Recreate' } } }],
    ['$retainKeys in an element', { spec: { volumes: [{ name: 'v', emptyDir: {} }] } }, { spec: { volumes: [{ $retainKeys: ['name', 'hostPath'], name: 'v', hostPath: { path: '/x' } }] } },
      { spec: { volumes: [{ name: 'v', hostPath: { path: '/x' } }] } }],
    ['$setElementOrder of maps', { spec: { containers: [{ name: 'a' }, { name: 'b' }, { name: 's' }] } },
      { spec: { '$setElementOrder/containers': [{ name: 'b' }, { name: 'c' }, { name: 'a' }], containers: [{ name: 'c', image: 'x' }] } },
      { spec: { containers: [{ name: 'b' }, { name: 'c', image: 'x' }, { name: 'a' }, { name: 's' }] } }],
    ['$setElementOrder alone', { metadata: { finalizers: ['a', 'b'] } }, { metadata: { '$setElementOrder/finalizers': ['b', 'a'] } }, { metadata: { finalizers: ['b', 'a'] } }],
    ['as kubectl apply sends it', { spec: { containers: [{ name: 'a', image: '1', env: [{ name: 'X', value: '1' }, { name: 'Y', value: '2' }] }] } },
      { spec: { '$setElementOrder/containers': [{ name: 'a' }], containers: [{ name: 'a', '$setElementOrder/env': [{ name: 'Y' }], env: [{ name: 'X', $patch: 'delete' }] }] } },
      { spec: { containers: [{ name: 'a', image: '1', env: [{ name: 'Y', value: '2' }] }] } }],
    ['lists without a strategy are replaced', { spec: { hosts: [{ name: 'a' }] } }, { spec: { hosts: [{ name: 'b' }] } }, { spec: { hosts: [{ name: 'b' }] } }],
    ['a map with strategy replace', { spec: { affinity: { type: 'x' } } }, { spec: { affinity: { rolling: { path: 'p' } } } }, { spec: { affinity: { rolling: { path: 'p' } } } }],
    ['numbers are keys too', { spec: { containers: [{ name: 'a', ports: [{ containerPort: 80, name: 'http' }] }] } }, { spec: { containers: [{ name: 'a', ports: [{ containerPort: 80, name: 'web' }] }] } },
      { spec: { containers: [{ name: 'a', ports: [{ containerPort: 80, name: 'web' }] }] } }],
    ['nulls and directives in what is new are dropped', {}, { spec: { '$setElementOrder/containers': [{ name: 'a' }], containers: [{ name: 'a', image: null }], strategy: { $retainKeys: ['type'], type: 'x' } } },
      { spec: { containers: [{ name: 'a' }], strategy: { type: 'x' } } }],
    ['what the type does not know is merged as it comes', { spec: { foo: { a: 1 } } }, { spec: { foo: { b: 2 } } }, { spec: { foo: { a: 1, b: 2 } } }],
  ];
  for (const [name, document, patch, expected] of cases) {
    test(name, () => {
      const before = JSON.stringify([document, patch]);
      assert.deepEqual(applyStrategicPatch(document, patch, table, 't/v1.Thing'), expected);
      assert.equal(JSON.stringify([document, patch]), before, 'nothing given is changed');
    });
  }

  test('what the real library does, found by comparing with it', () => {
    const apply = (document: JsonObject, patch: JsonObject): JsonObject => applyStrategicPatch(document, patch, table, 't/v1.Thing');
    assert.deepEqual(apply({ metadata: { finalizers: ['a'] } }, { metadata: { finalizers: ['b'], '$deleteFromPrimitiveList/finalizers': ['a', 'b'] } }), { metadata: { finalizers: ['b'] } }, 'deletions first');
    assert.deepEqual(apply({ spec: { containers: [{ name: 'a' }] } }, { spec: { containers: [{ name: 'a', env: [{ name: 'x' }, { $patch: 'replace' }] }] } }),
      { spec: { containers: [{ name: 'a', env: [{ name: 'x' }] }] } }, 'an element that is a directive goes');
    assert.deepEqual(apply({ metadata: { finalizers: ['a'] } }, { metadata: { finalizers: ['b'], '$setElementOrder/finalizers': [] } }), { metadata: { finalizers: ['b', 'a'] } }, 'an empty order orders nothing');
    assert.throws(() => apply({ spec: { containers: [{ name: 'a' }] } }, { spec: { containers: null, '$setElementOrder/containers': [{ name: 'a' }] } }), failsWith(400));
  });

  test('malformed patches are refused', () => {
    const document = { metadata: { labels: { a: '1' }, finalizers: ['a'] }, spec: { containers: [{ name: 'a' }], strategy: { type: 'x' } } };
    const bad: [number, JsonObject][] = [
      [422, { metadata: { labels: { $patch: 'nonsense' } } }], [422, { spec: { containers: [{ name: 'a', $patch: 'merge' }] } }], [422, { spec: { containers: [{ image: 'no key' }] } }],
      [422, { spec: { containers: [{ $patch: 'delete' }] } }], [422, { spec: { containers: ['scalar'] } }], [422, { metadata: { finalizers: [['list']] } }],
      [400, { spec: { strategy: { $retainKeys: 'x' } } }], [400, { spec: { strategy: { $retainKeys: ['type'], rolling: {} } } }],
      [400, { metadata: { '$deleteFromPrimitiveList/finalizers': 'a' } }], [400, { metadata: { '$setElementOrder/finalizers': 'a' } }],
      [400, { spec: { '$setElementOrder/containers': [{ name: 'b' }], containers: [{ name: 'a', image: 'x' }] } }],
    ];
    for (const [code, patch] of bad) {
      assert.throws(() => applyStrategicPatch(document, patch, table, 't/v1.Thing'), failsWith(code), JSON.stringify(patch));
    }
  });

  test('long lists are merged in linear time', () => {
    const names = (count: number): { name: string }[] => Array.from({ length: count }, (_, index) => ({ name: `n${index}` }));
    const result = applyStrategicPatch({ spec: { containers: names(20_000) } }, { spec: { containers: names(20_000).reverse() } }, table, 't/v1.Thing');
    assert.deepEqual(result, { spec: { containers: names(20_000).reverse() } });
  });
});
