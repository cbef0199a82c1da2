import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { failure } from '../../apimachinery/status.ts';
import { Informers } from '../../client/informers.ts';
import { PODS, REPLICASETS } from '../../client/resources.ts';
import type { ReplicaSet } from '../../kinds/generated/apps.ts';
import type { Pod } from '../../kinds/generated/core.ts';
import { startControllers } from '../index.ts';
import { rankForDeletion } from '../shared/pods.ts';
import { harness, settle, until } from '../testing/harness.ts';

const replicaSet = (replicas: number): ReplicaSet => ({
  apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas, selector: { matchLabels: { app: 'web' } },
    template: { metadata: { name: '', labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
  },
});

async function start(t: TestContext) {
  const house = harness();
  await house.start('replicaset');
  t.after(() => house.stop());
  const set = (): Promise<ReplicaSet> => house.client.get(REPLICASETS, 'web', 'default');
  return { ...house, set };
}

test('makes as many pods as asked, no more when its status changes, and replaces those that go', async (t) => {
  const { client, server, pods, set, run, events } = await start(t);
  await client.create(REPLICASETS, replicaSet(5));
  await until(async () => (await set()).status?.replicas === 5);
  const made = await pods();
  assert.equal(made.length, 5);
  assert.ok(made.every((pod) => pod.metadata.name.startsWith('web-') && pod.metadata.ownerReferences?.[0]?.controller === true));
  for (const pod of made) {
    await run(pod);
  }
  await until(async () => (await set()).status?.availableReplicas === 5);
  assert.equal((await set()).status?.observedGeneration, 1);
  await client.delete(PODS, made[0]?.metadata.name ?? '', 'default');
  await until(async () => (await pods()).filter((pod) => pod.metadata.name !== made[0]?.metadata.name).length === 5);
  await settle(server);
  assert.equal((await pods()).length, 5);
  const texts = await events('ReplicaSet');
  assert.equal(texts.filter((text) => text.startsWith('SuccessfulCreate: Created pod: web-')).length, 6);
});

test('scales down what is least missed', async (t) => {
  const { client, server, pods, set, run } = await start(t);
  await client.create(REPLICASETS, replicaSet(3));
  await until(async () => (await set()).status?.replicas === 3);
  const [first, ...rest] = await pods();
  assert.ok(first !== undefined);
  await run(first);
  await client.patch(REPLICASETS, { name: 'web', namespace: 'default', type: 'merge', body: { spec: { replicas: 1 } } });
  await until(async () => (await pods()).length === 1);
  await settle(server);
  assert.equal((await pods())[0]?.metadata.name, first.metadata.name);
  assert.equal(rest.length, 2);
});

test('adopts orphans that match and lets go of pods that do not', async (t) => {
  const { client, server, pods, set } = await start(t);
  const orphan: Pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'stray', namespace: 'default', labels: { app: 'web' } }, spec: { containers: [] } };
  await client.create(PODS, orphan);
  await client.create(REPLICASETS, replicaSet(2));
  await until(async () => (await set()).status?.replicas === 2);
  await settle(server);
  assert.equal((await pods()).length, 2);
  const stray = await client.get(PODS, 'stray', 'default');
  assert.equal(stray.metadata.ownerReferences?.[0]?.name, 'web');
  await client.patch(PODS, { name: 'stray', namespace: 'default', type: 'merge', body: { metadata: { labels: { app: 'other' } } } });
  await until(async () => (await pods()).length === 3);
  await settle(server);
  assert.deepEqual((await client.get(PODS, 'stray', 'default')).metadata.ownerReferences, []);
});

test('a server that refuses pods is asked once, and the set says why', async (t) => {
  const { client, server, set, events } = await start(t);
  server.intercept = (request) => {
    if (request.method === 'POST' && request.path.endsWith('/pods')) {
      throw failure('Forbidden', 'pods are forbidden: quota');
    }
  };
  await client.create(REPLICASETS, replicaSet(100));
  await until(async () => (await set()).status?.conditions?.[0]?.reason === 'FailedCreate');
  assert.equal((await set()).status?.conditions?.[0]?.type, 'ReplicaFailure');
  server.intercept = undefined;
  await until(async () => (await set()).status?.replicas === 100);
  assert.equal((await set()).status?.conditions, undefined);
  assert.ok((await events('ReplicaSet')).includes('FailedCreate: Error creating: pods are forbidden: quota'));
});

test('a cache that is behind doubles nothing', async (t) => {
  const { client, server, pods, set } = await start(t);
  await client.create(REPLICASETS, replicaSet(3));
  await until(async () => (await set()).status?.replicas === 3);
  const scale = (replicas: number) => client.patch(REPLICASETS, { name: 'web', namespace: 'default', type: 'merge', body: { spec: { replicas } } });
  server.hold('pods');
  await scale(5);
  await settle(server);
  await client.patch(REPLICASETS, { name: 'web', namespace: 'default', type: 'merge', body: { metadata: { labels: { touched: 'yes' } } } });
  await settle(server);
  assert.equal((await pods()).length, 5);
  server.release('pods');
  await until(async () => (await set()).status?.replicas === 5);
  server.hold('pods');
  await scale(4);
  await settle(server);
  await client.patch(REPLICASETS, { name: 'web', namespace: 'default', type: 'merge', body: { metadata: { labels: { touched: 'again' } } } });
  await settle(server);
  assert.equal((await pods()).length, 4);
  server.release('pods');
  await until(async () => (await set()).status?.replicas === 4);
});

test('stopped half-way and started anew, there are as many as asked', async (t) => {
  const house = harness();
  const first = new AbortController();
  const running = await startControllers(house.context, 'replicaset', first.signal);
  house.server.intercept = (request) => {
    if (request.method === 'POST' && request.path.endsWith('/pods') && house.server.requests.filter((one) => one.endsWith('/pods')).length > 20) {
      first.abort();
      throw new Error('killed');
    }
  };
  await house.client.create(REPLICASETS, replicaSet(60));
  await running.stopped;
  assert.ok((await house.pods()).length < 60);
  house.server.intercept = undefined;
  const second = new AbortController();
  const { client } = house;
  const again = await startControllers({ ...house.context, informers: new Informers(client) }, 'replicaset', second.signal);
  t.after(async () => {
    second.abort();
    await again.stopped;
  });
  await until(async () => (await client.get(REPLICASETS, 'web', 'default')).status?.replicas === 60);
  await settle(house.server);
  assert.equal((await house.pods()).length, 60);
});

test('a set that is being deleted makes nothing', async (t) => {
  const { client, server, pods } = await start(t);
  const one = replicaSet(2);
  await client.create(REPLICASETS, { ...one, metadata: { ...one.metadata, finalizers: ['hold/it'] }, spec: { ...one.spec, replicas: 0 } });
  await client.delete(REPLICASETS, 'web', 'default');
  await client.patch(REPLICASETS, { name: 'web', namespace: 'default', type: 'merge', body: { spec: { replicas: 2 } } });
  await settle(server);
  assert.equal((await pods()).length, 0);
});

test('the order of deletion', () => {
  const now = Date.parse('2026-01-01T12:00:00Z');
  const make = (name: string, more: { node?: string; phase?: string; ready?: string; cost?: string; restarts?: number } = {}): Pod => ({
    apiVersion: 'v1', kind: 'Pod',
    metadata: {
      name, creationTimestamp: '2026-01-01T00:00:00Z',
      ...(more.cost === undefined ? {} : { annotations: { 'controller.kubernetes.io/pod-deletion-cost': more.cost } }),
    },
    spec: { containers: [], ...(more.node === undefined ? {} : { nodeName: more.node }) },
    status: {
      phase: more.phase ?? 'Running',
      ...(more.ready === undefined ? {} : { conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: more.ready }] }),
      containerStatuses: [{ name: 'c', image: '', imageID: '', ready: true, restartCount: more.restarts ?? 0 }],
    },
  });
  const old = '2026-01-01T00:00:00Z';
  const pods = [
    make('steady', { node: 'b', ready: old }), make('restarted', { node: 'c', ready: old, restarts: 3 }),
    make('young', { node: 'd', ready: '2026-01-01T11:59:00Z' }), make('crowded', { node: 'a', ready: old }), make('crowd', { node: 'a' }),
    make('cheap', { node: 'e', ready: old, cost: '-1' }), make('pending', { node: 'f', phase: 'Pending' }), make('unplaced', { phase: 'Pending' }),
  ];
  assert.deepEqual(rankForDeletion(pods, now).map((pod) => pod.metadata.name),
    ['unplaced', 'pending', 'crowd', 'cheap', 'crowded', 'young', 'restarted', 'steady']);
});
