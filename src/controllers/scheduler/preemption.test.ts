import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { findCondition } from '../../apimachinery/conditions.ts';
import { DEVICECLASSES, NODES, PODDISRUPTIONBUDGETS, PODS, RESOURCECLAIMS, RESOURCESLICES } from '../../client/resources.ts';
import type { Pod, PodSpec } from '../../kinds/generated/core.ts';
import { harness, settle, until } from '../testing/harness.ts';
import { gpu, gpuClass, gpuNode, gpuPod, slice } from './testing.ts';

async function start(t: TestContext, nodes: string[] = ['n'], cpu = '2') {
  const house = harness();
  const { client } = house;
  for (const name of nodes) {
    await client.create(NODES, gpuNode(name, { cpu }));
  }
  await house.start('scheduler,resourceclaim,garbagecollector');
  t.after(() => house.stop());
  const get = (name: string): Promise<Pod> => client.get(PODS, name, 'default');
  const bound = async (pod: Pod): Promise<Pod> => {
    await client.create(PODS, pod);
    await until(async () => (await get(pod.metadata.name)).spec.nodeName !== undefined);
    return get(pod.metadata.name);
  };
  /** The kubelet's part: what is being deleted ends. */
  const kill = (name: string): Promise<unknown> => client.delete(PODS, name, 'default', { gracePeriodSeconds: 0 });
  const leaving = async (): Promise<string[]> => (await house.pods()).filter(({ metadata }) => metadata.deletionTimestamp !== undefined).map(({ metadata }) => metadata.name);
  return { ...house, get, bound, kill, leaving };
}

const cpuPod = (name: string, cpu: string, priority: number, { labels, ...spec }: Partial<PodSpec> & { labels?: Record<string, string> } = {}): Pod => ({
  apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default', ...(labels === undefined ? {} : { labels }) },
  spec: { schedulerName: 'default-scheduler', priority, containers: [{ name: 'c', image: 'i', resources: { requests: { cpu } } }], ...spec },
});

test('the least important goes, the place is promised, and nobody less important takes it', async (t) => {
  const { client, server, bound, get, leaving, kill, events } = await start(t);
  await bound(cpuPod('low', '1', 1));
  await bound(cpuPod('middle', '1', 5));
  await client.create(PODS, cpuPod('high', '1', 10));
  await until(async () => (await leaving()).length > 0);
  assert.deepEqual(await leaving(), ['low']);
  assert.equal((await get('high')).status?.nominatedNodeName, 'n');
  assert.equal(findCondition((await get('low')).status?.conditions, 'DisruptionTarget')?.reason, 'PreemptionByScheduler');
  assert.ok((await events('Pod')).some((text) => text.startsWith('Preempted: Preempted by pod')));
  // Nothing more goes while the node is being cleared.
  await settle(server);
  assert.deepEqual(await leaving(), ['low']);
  await client.create(PODS, cpuPod('thief', '1', 2));
  await settle(server);
  await kill('low');
  await until(async () => (await get('high')).spec.nodeName === 'n');
  await settle(server);
  assert.equal((await get('thief')).spec.nodeName, undefined);
});

test('Never, equals, and what would not help', async (t) => {
  const { client, server, bound, leaving } = await start(t);
  await bound(cpuPod('a', '2', 5));
  await client.create(PODS, cpuPod('polite', '1', 10, { preemptionPolicy: 'Never' }));
  await client.create(PODS, cpuPod('equal', '1', 5));
  await client.create(PODS, cpuPod('huge', '3', 10));
  await client.create(PODS, cpuPod('elsewhere', '1', 10, { nodeSelector: { none: 'such' } }));
  await settle(server);
  assert.deepEqual(await leaving(), []);
});

test('disruption budgets are respected where there is a choice', async (t) => {
  const { client, bound, leaving } = await start(t, ['a', 'b']);
  await bound(cpuPod('guarded', '2', 1, { labels: { app: 'x' }, nodeSelector: {}, affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['a'] }] }] } } } }));
  await bound(cpuPod('free', '2', 2, { labels: { app: 'y' } }));
  const budget = await client.create(PODDISRUPTIONBUDGETS, { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'x', namespace: 'default' }, spec: { selector: { matchLabels: { app: 'x' } }, minAvailable: 1 } });
  await client.updateStatus(PODDISRUPTIONBUDGETS, { ...budget, status: { currentHealthy: 1, desiredHealthy: 1, disruptionsAllowed: 0, expectedPods: 1 } });
  await client.create(PODS, cpuPod('high', '2', 10));
  await until(async () => (await leaving()).length > 0);
  assert.deepEqual(await leaving(), ['free']);
});

test('devices are freed by those who go', async (t) => {
  const house = await start(t, ['n'], '16');
  const { client, bound, get, leaving, kill } = house;
  await client.create(RESOURCESLICES, slice('n', [gpu('gpu-0'), gpu('gpu-1')]));
  await client.create(DEVICECLASSES, gpuClass());
  const of = (name: string, priority: number, count: string): Pod => gpuPod(name, { 'nvidia.com/gpu': count }, { priority });
  await bound(of('low', 1, '1'));
  await bound(of('lower', 0, '1'));
  await client.create(PODS, of('high', 10, '1'));
  await until(async () => (await leaving()).length > 0);
  assert.deepEqual(await leaving(), ['lower']);
  await kill('lower');
  await until(async () => (await get('high')).spec.nodeName === 'n');
  const { items } = await client.list(RESOURCECLAIMS);
  const held = items.filter(({ status }) => status?.allocation !== undefined).map(({ status }) => [status?.reservedFor?.[0]?.name, status?.allocation?.devices?.results?.[0]?.device]);
  assert.deepEqual(new Map(held.map(([name, device]) => [device, name])).size, 2);
  assert.deepEqual(new Set(held.map(([name]) => name)), new Set(['low', 'high']));
});

test('a promise outlives the process that gave it', async (t) => {
  const { client, server, bound, get, leaving, kill, stop } = await start(t);
  await bound(cpuPod('low', '2', 1));
  await client.create(PODS, cpuPod('high', '2', 10));
  await until(async () => (await leaving()).length > 0);
  await stop();
  const again = harness(server);
  t.after(() => again.stop());
  await client.create(PODS, cpuPod('thief', '2', 2));
  await again.start('scheduler');
  await settle(server);
  await kill('low');
  await until(async () => (await get('high')).spec.nodeName === 'n');
  assert.equal((await get('thief')).spec.nodeName, undefined);
});
