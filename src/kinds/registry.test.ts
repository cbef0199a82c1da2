import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TypeRef } from '../apimachinery/typetable.ts';
import { loadDescriptions } from './descriptions.ts';
import { KINDS, loadRegistry } from './registry.ts';

const registry = loadRegistry();

test('kinds are found by resource and by kind', () => {
  assert.equal(registry.byResource('', 'v1', 'pods')?.kind, 'Pod');
  assert.equal(registry.byKind('apps', 'v1', 'Deployment')?.plural, 'deployments');
  assert.equal(registry.byResource('apps', 'v1', 'nothing'), undefined);
  assert.equal(registry.byResource('apps', 'v2', 'deployments'), undefined);
});

test('keys name group, resource, namespace and name', () => {
  const [pod, node, event] = [registry.byResource('', 'v1', 'pods'), registry.byResource('', 'v1', 'nodes'), registry.byResource('events.k8s.io', 'v1', 'events')];
  assert.ok(pod !== undefined && node !== undefined && event !== undefined);
  assert.equal(registry.storageKey(pod, 'default', 'web'), '/core/pods/default/web');
  assert.equal(registry.storageKey(node, '', 'one'), '/core/nodes/one');
  assert.equal(registry.storagePrefix(pod), '/core/pods/');
  assert.equal(registry.storagePrefix(pod, 'default'), '/core/pods/default/');
  assert.equal(registry.storageKey(event, 'default', 'e'), '/core/events/default/e');
  assert.equal(registry.storageKind(event).group, '');
});

test('every kind has a message, and every message that is named exists', () => {
  for (const kind of KINDS) {
    assert.ok(registry.types.get(kind.type)?.isKind, kind.type);
  }
  const inner = (ref: TypeRef): TypeRef => (ref.t === 'list' || ref.t === 'map' ? inner(ref.of) : ref);
  for (const { name, fields } of registry.types.values()) {
    for (const field of fields.values()) {
      const ref = inner(field.type);
      assert.ok(ref.t !== 'message' || registry.types.has(ref.name), `${name}.${field.name}`);
    }
  }
});

test('built-in kinds have protobuf numbers, custom ones none', () => {
  for (const kind of KINDS) {
    for (const field of registry.types.get(kind.type)?.fields.values() ?? []) {
      assert.equal(field.number.length > 0, kind.origin === 'builtin', `${kind.type}.${field.name}`);
    }
  }
});

test('no two kinds share a resource, a kind name or a storage prefix', () => {
  const of = (word: (kind: (typeof KINDS)[number]) => string): number => new Set(KINDS.map(word)).size;
  assert.equal(of(({ group, version, plural }) => `${group}/${version}/${plural}`), KINDS.length);
  assert.equal(of(({ group, version, kind }) => `${group}/${version}/${kind}`), KINDS.length);
  const stored = KINDS.filter(({ storedAs }) => storedAs === undefined);
  assert.equal(new Set(stored.map((kind) => registry.storagePrefix(kind))).size, stored.length);
});

test('`all` and `workloads` hold what people mean by them', () => {
  const members = (category: string): string[] => KINDS.filter(({ categories, storedAs }) => storedAs === undefined && categories?.includes(category)).map(({ plural }) => plural).sort();
  assert.deepEqual(members('all'), ['cronjobs', 'daemonsets', 'deployments', 'horizontalpodautoscalers', 'jobs', 'pods', 'replicasets', 'replicationcontrollers',
    'services', 'statefulsets', 'virtualmachineinstances', 'virtualmachines']);
  assert.deepEqual(members('workloads'), ['cronjobs', 'daemonsets', 'deployments', 'jobs', 'statefulsets', 'virtualmachines']);
});

test('descriptions are of messages and fields that exist', () => {
  for (const [message, texts] of Object.entries(loadDescriptions())) {
    const type = registry.types.get(message);
    assert.ok(type !== undefined, message);
    const unknown = Object.keys(texts).filter((field) => field !== '' && field !== 'apiVersion' && field !== 'kind' && !type.fields.has(field));
    assert.deepEqual(unknown, [], message);
  }
});
