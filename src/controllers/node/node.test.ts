import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { findCondition } from '../../apimachinery/conditions.ts';
import { NODES, PODS } from '../../client/resources.ts';
import type { Node, Pod, Taint, Toleration } from '../../kinds/generated/core.ts';
import { harness, settle, until } from '../testing/harness.ts';
import { freeRange } from './cidr.ts';
import { GRACE_MS, Heartbeats, TICK_MS } from './heartbeats.ts';
import { mayStaySeconds, taintsOf } from './taints.ts';

const node = (name: string, ready: string, more: Partial<Node['spec']> = {}): Node => ({
  apiVersion: 'v1', kind: 'Node', metadata: { name }, spec: { ...more }, status: { conditions: [{ type: 'Ready', status: ready }] },
});
const pod = (name: string, nodeName: string, tolerations: Toleration[] = []): Pod => ({
  apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default' }, spec: { containers: [], nodeName, tolerations },
});
const brief = (taints: readonly Taint[] | undefined): string[] => (taints ?? []).map((taint) => `${taint.key.replace('node.kubernetes.io/', '')}:${taint.effect}`);

async function start(t: TestContext) {
  const house = harness();
  await house.start('node');
  t.after(() => house.stop());
  const get = (name: string): Promise<Node> => house.client.get(NODES, name);
  const setReady = async (name: string, status: string): Promise<void> => {
    const one = await get(name);
    await house.client.updateStatus(NODES, { ...one, status: { ...one.status, conditions: [{ type: 'Ready', status }] } });
  };
  return { ...house, get, setReady };
}

test('the taints a state calls for', () => {
  assert.deepEqual(brief(taintsOf(node('a', 'False'), true)), ['not-ready:NoSchedule', 'not-ready:NoExecute']);
  assert.deepEqual(brief(taintsOf(node('a', 'Unknown'), false)), ['unreachable:NoSchedule']);
  assert.equal(taintsOf({ ...node('a', ''), status: {} }, true), undefined);
  const cordoned = node('a', 'True', { unschedulable: true, taints: [{ key: 'mine', effect: 'NoExecute' }] });
  const next = taintsOf(cordoned, true);
  assert.deepEqual(brief(next), ['mine:NoExecute', 'unschedulable:NoSchedule']);
  assert.equal(taintsOf({ ...cordoned, spec: { unschedulable: true, ...(next === undefined ? {} : { taints: next }) } }, true), undefined);
});

test('how long a pod may stay', () => {
  const taint: Taint = { key: 'k', effect: 'NoExecute' };
  assert.equal(mayStaySeconds(pod('a', 'n'), [taint]), 0);
  assert.equal(mayStaySeconds(pod('a', 'n', [{ key: 'k', operator: 'Exists', tolerationSeconds: 300 }, { operator: 'Exists', tolerationSeconds: 20 }]), [taint]), 20);
  assert.equal(mayStaySeconds(pod('a', 'n', [{ operator: 'Exists' }]), [taint]), Infinity);
  assert.equal(mayStaySeconds(pod('a', 'n'), [{ key: 'k', effect: 'NoSchedule' }]), Infinity);
});

test('silence is a heartbeat not seen, and a sleeper forgives', () => {
  const beats = new Heartbeats(0);
  beats.seen('a', '1', 0);
  beats.seen('b', '1', 0);
  let now = 0;
  for (; now <= GRACE_MS; now += TICK_MS) {
    beats.seen('b', String(now), now);
    assert.deepEqual(beats.tick(now), []);
  }
  assert.deepEqual(beats.tick(now), ['a']);
  beats.seen('a', '2', now);
  assert.deepEqual(beats.tick(now), []);
  assert.deepEqual(beats.tick(now + 10 * GRACE_MS), []);
  assert.equal(beats.isSilent('a', now + 10 * GRACE_MS + TICK_MS), false);
});

test('pod ranges do not overlap', () => {
  assert.equal(freeRange('10.42.0.0/16', []), '10.42.0.0/24');
  assert.equal(freeRange('10.42.0.0/16', ['10.42.0.0/24', '10.42.1.128/25']), '10.42.2.0/24');
  assert.equal(freeRange('10.42.0.0/16', ['10.42.0.0/16']), undefined);
  assert.equal(freeRange('10.42.0.0/28', []), '10.42.0.0/28');
});

test('of two nodes one fails: its pods move; when the last one fails nothing does', async (t) => {
  const { client, server, get, setReady, setPod } = await start(t);
  await client.create(NODES, node('a', 'True', { podCIDR: '10.42.7.0/24' }));
  await client.create(NODES, node('b', 'True'));
  await until(async () => (await get('b')).spec.podCIDR === '10.42.0.0/24');
  await client.create(PODS, pod('stays', 'a', [{ operator: 'Exists' }]));
  await client.create(PODS, pod('goes', 'a'));
  await setPod(pod('stays', 'a'), { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] });
  await settle(server);
  await setReady('a', 'Unknown');
  await until(async () => (await client.get(PODS, 'goes', 'default')).metadata.deletionTimestamp !== undefined);
  assert.deepEqual(brief((await get('a')).spec.taints), ['unreachable:NoSchedule', 'unreachable:NoExecute']);
  await settle(server);
  const stays = await client.get(PODS, 'stays', 'default');
  assert.equal(stays.metadata.deletionTimestamp, undefined);
  assert.equal(findCondition(stays.status?.conditions, 'Ready')?.status, 'False');
  assert.equal(findCondition((await client.get(PODS, 'goes', 'default')).status?.conditions, 'DisruptionTarget')?.reason, 'DeletionByTaintManager');

  await client.create(PODS, pod('last', 'b'));
  await setReady('b', 'False');
  await until(async () => brief((await get('b')).spec.taints).includes('not-ready:NoSchedule'));
  await settle(server);
  assert.deepEqual(brief((await get('b')).spec.taints), ['not-ready:NoSchedule']);
  assert.equal((await client.get(PODS, 'last', 'default')).metadata.deletionTimestamp, undefined);
  await setReady('b', 'True');
  await until(async () => ((await get('b')).spec.taints ?? []).length === 0);
});

test('a cordoned node is tainted', async (t) => {
  const { client, get } = await start(t);
  await client.create(NODES, node('a', 'True'));
  await client.patch(NODES, { name: 'a', type: 'merge', body: { spec: { unschedulable: true } } });
  await until(async () => brief((await get('a')).spec.taints).includes('unschedulable:NoSchedule'));
});
