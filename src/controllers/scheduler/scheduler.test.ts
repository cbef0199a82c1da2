import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { findCondition } from '../../apimachinery/conditions.ts';
import { NODES, PODS } from '../../client/resources.ts';
import type { Node, Pod, PodSpec } from '../../kinds/generated/core.ts';
import { harness, settle, until } from '../testing/harness.ts';
import { SchedulingQueue } from './queue.ts';

const node = (name: string, cpu = '2'): Node => ({
  apiVersion: 'v1', kind: 'Node', metadata: { name }, spec: {}, status: { allocatable: { cpu, memory: '4Gi', pods: '250' } },
});
const pod = (name: string, cpu = '1', spec: Partial<PodSpec> = {}): Pod => ({
  apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default' },
  spec: { schedulerName: 'default-scheduler', containers: [{ name: 'c', image: 'i', resources: { requests: { cpu } } }], ...spec },
});

async function start(t: TestContext) {
  const house = harness();
  await house.start('scheduler');
  t.after(() => house.stop());
  const get = (name: string): Promise<Pod> => house.client.get(PODS, name, 'default');
  return { ...house, get };
}

test('binds, within what the node has, and says why the rest waits', async (t) => {
  const { client, server, get, events } = await start(t);
  await client.create(NODES, node('n'));
  await Promise.all(['a', 'b', 'c'].map((name) => client.create(PODS, pod(name))));
  await settle(server);
  assert.deepEqual(await Promise.all(['a', 'b', 'c'].map(async (name) => (await get(name)).spec.nodeName)), ['n', 'n', undefined]);
  const condition = findCondition((await get('c')).status?.conditions, 'PodScheduled');
  assert.equal(condition?.reason, 'Unschedulable');
  assert.equal(condition?.message, '0/1 nodes are available: 1 Insufficient cpu.');
  const texts = await events('Pod');
  assert.ok(texts.includes('Scheduled: Successfully assigned default/a to n'));
  assert.ok(texts.includes('FailedScheduling: 0/1 nodes are available: 1 Insufficient cpu.'));
});

test('tries again when the world changes', async (t) => {
  const { client, server, get } = await start(t);
  await client.create(PODS, pod('a'));
  await settle(server);
  assert.equal(findCondition((await get('a')).status?.conditions, 'PodScheduled')?.message, 'no nodes available to schedule pods');
  const requests = server.requests.length;
  await settle(server);
  assert.equal(server.requests.length, requests);
  await client.create(NODES, node('n'));
  await until(async () => (await get('a')).spec.nodeName === 'n');
});

test('leaves alone what is not its own: other schedulers, gates, pods being deleted', async (t) => {
  const { client, server, get } = await start(t);
  await client.create(NODES, node('n'));
  await client.create(PODS, pod('other', '1', { schedulerName: 'mine' }));
  await client.create(PODS, pod('gated', '1', { schedulingGates: [{ name: 'wait' }] }));
  await settle(server);
  assert.equal((await get('other')).spec.nodeName, undefined);
  assert.equal((await get('gated')).spec.nodeName, undefined);
  await client.patch(PODS, { name: 'gated', namespace: 'default', type: 'merge', body: { spec: { schedulingGates: [] } } });
  await until(async () => (await get('gated')).spec.nodeName === 'n');
});

test('a binding that fails frees its place and is tried again', async (t) => {
  const { client, server, get } = await start(t);
  let failures = 0;
  server.intercept = (request) => {
    if (request.path.endsWith('/binding') && failures === 0) {
      failures += 1;
      throw new Error('no');
    }
  };
  await client.create(NODES, node('n', '1'));
  await client.create(PODS, pod('a'));
  await until(() => failures === 1);
  await client.create(PODS, pod('b'));
  await until(async () => (await get('b')).spec.nodeName === 'n');
  await client.delete(PODS, 'b', 'default', { gracePeriodSeconds: 0 });
  await until(async () => (await get('a')).spec.nodeName === 'n');
});

test('many at once cost one request each', async (t) => {
  const { client, server, pods } = await start(t);
  await client.create(NODES, node('n', '100'));
  await Promise.all(Array.from({ length: 200 }, (_, at) => client.create(PODS, pod(`p${at}`, '100m'))));
  await until(async () => (await pods()).every((one) => one.spec.nodeName === 'n'));
  assert.equal(server.requests.filter((one) => one.endsWith('/binding')).length, 200);
});

test('the queue: priority, then arrival; parked until woken, after a back-off', () => {
  const queue = new SchedulingQueue(() => {});
  queue.add(pod('low'), false);
  queue.add(pod('high', '1', { priority: 10 }), false);
  queue.add(pod('late'), false);
  const take = (now: number): string | undefined => queue.take(now)?.metadata.name;
  assert.deepEqual([take(0), take(0), take(0), take(0)], ['high', 'low', 'late', undefined]);
  queue.park('default/high', 0);
  queue.wake(10);
  assert.equal(take(10), undefined);
  queue.park('default/low', 0);
  queue.wake(100);
  assert.equal(take(100), 'low');
  queue.park('default/late', 0);
  queue.add(pod('late'), true);
  assert.equal(take(1), 'late');
  queue.close();
});
