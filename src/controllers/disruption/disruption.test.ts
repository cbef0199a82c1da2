import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { DEPLOYMENTS, PODDISRUPTIONBUDGETS, PODS } from '../../client/resources.ts';
import type { Pod } from '../../kinds/generated/core.ts';
import type { PodDisruptionBudget } from '../../kinds/generated/policy.ts';
import { harness, until } from '../testing/harness.ts';
import { budgetStatus } from './budget.ts';

const budget = (spec: Partial<PodDisruptionBudget['spec']>, status?: PodDisruptionBudget['status']): PodDisruptionBudget => ({
  apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'b', namespace: 'default', generation: 3 },
  spec: { selector: { matchLabels: { app: 'web' } }, ...spec }, ...(status === undefined ? {} : { status }),
});

const pod = (name: string, ready = true): Pod => ({
  apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default', labels: { app: 'web' } }, spec: { containers: [{ name: 'c' }] },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
});

const NOW = Date.parse('2026-01-01T00:00:00Z');
const four = [pod('a'), pod('b'), pod('c'), pod('d', false)];
/** expected, desired, healthy, allowed */
const numbers = (one: PodDisruptionBudget, pods: readonly Pod[], size: number): unknown => {
  const { status } = budgetStatus({ budget: one, pods, scale: { size }, now: NOW });
  return [status.expectedPods, status.desiredHealthy, status.currentHealthy, status.disruptionsAllowed];
};

describe('the numbers of a budget', () => {
  it('come from the pods there are, or from those there should be', () => {
    assert.deepEqual(numbers(budget({ minAvailable: 2 }), four, 10), [4, 2, 3, 1]);
    assert.deepEqual(numbers(budget({ minAvailable: '50%' }), four, 5), [5, 3, 3, 0], 'shares are rounded up');
    assert.deepEqual(numbers(budget({ maxUnavailable: 1 }), four, 3), [3, 2, 3, 1]);
    assert.deepEqual(numbers(budget({ maxUnavailable: '25%' }), four, 5), [5, 3, 3, 0]);
    assert.deepEqual(numbers(budget({ maxUnavailable: 9 }), four, 5), [5, 0, 3, 3]);
    assert.deepEqual(numbers(budget({}), four, 5), [4, 1, 3, 2], 'one must stay when nothing is said');
    assert.deepEqual(numbers(budget({ minAvailable: 0 }), [], 0), [0, 0, 0, 0]);
  });

  it('leave out what goes, and what was allowed to go a moment ago', () => {
    const since = new Date(NOW - 60_000).toISOString();
    const going = { ...pod('g'), metadata: { ...pod('g').metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } };
    const of = budgetStatus({
      budget: budget({ minAvailable: 1 }, { disruptedPods: { a: since, gone: since, b: '2025-12-31T23:00:00Z' } }), pods: [...four, going], scale: { size: 5 }, now: NOW,
    });
    assert.deepEqual([of.status.currentHealthy, of.status.disruptionsAllowed, of.status.disruptedPods, of.requeueAfterMs], [2, 1, { a: since }, 60_000]);
    assert.equal(of.status.observedGeneration, 3);
    assert.deepEqual(of.status.conditions?.map(({ type, status, reason }) => [type, status, reason]), [['DisruptionAllowed', 'True', 'SufficientPods']]);
  });

  it('allow nothing while they cannot be had', () => {
    const { status, problem } = budgetStatus({ budget: budget({ maxUnavailable: 1 }), pods: four, scale: { problem: 'found no controllers for pod "a"' }, now: NOW });
    assert.deepEqual([status.disruptionsAllowed, status.conditions?.[0]?.reason, problem], [0, 'SyncFailed', 'found no controllers for pod "a"']);
  });
});

test('a budget follows its pods and the size of their Deployment', async (t) => {
  const house = harness();
  await house.start('disruption,deployment,replicaset');
  t.after(() => house.stop());
  const { client } = house;
  const status = async (): Promise<PodDisruptionBudget['status']> => (await client.get(PODDISRUPTIONBUDGETS, 'b', 'default')).status;
  await client.create(DEPLOYMENTS, {
    apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace: 'default' },
    spec: { replicas: 3, selector: { matchLabels: { app: 'web' } }, template: { metadata: { name: '', labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'i' }] } } },
  });
  await client.create(PODDISRUPTIONBUDGETS, budget({ maxUnavailable: 1 }));
  await until(async () => (await status())?.expectedPods === 3);
  assert.equal((await status())?.disruptionsAllowed, 0, 'nothing is ready yet');
  await until(async () => (await house.pods()).length === 3);
  for (const made of await house.pods()) {
    await house.run(made);
  }
  await until(async () => (await status())?.disruptionsAllowed === 1);
  const [first] = await house.pods();
  await client.delete(PODS, first?.metadata.name ?? '', 'default');
  await until(async () => (await status())?.disruptionsAllowed === 0);
  await client.patch(DEPLOYMENTS, { name: 'web', namespace: 'default', type: 'merge', body: { spec: { replicas: 2 } } });
  await until(async () => (await status())?.expectedPods === 2 && (await status())?.disruptionsAllowed === 1);
});
