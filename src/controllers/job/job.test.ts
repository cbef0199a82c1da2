import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { findCondition } from '../../apimachinery/conditions.ts';
import { formatTime } from '../../apimachinery/object.ts';
import { JOBS, PODS } from '../../client/resources.ts';
import type { Job, JobSpec } from '../../kinds/generated/batch.ts';
import type { Pod } from '../../kinds/generated/core.ts';
import { harness, settle, until } from '../testing/harness.ts';
import { formatIndexes, indexOfPod, parseIndexes } from './indexes.ts';
import { backoffMs } from './jobpods.ts';

const job = (spec: Partial<JobSpec> = {}): Job => ({
  apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'sum', namespace: 'default' },
  spec: {
    completions: 1, parallelism: 1, backoffLimit: 6, selector: { matchLabels: { job: 'sum' } },
    template: { metadata: { name: '', labels: { job: 'sum' } }, spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } },
    ...spec,
  },
});

const ended = (exitCode: number) => ({
  phase: exitCode === 0 ? 'Succeeded' : 'Failed',
  // Long ago, so that no back-off is waited for.
  containerStatuses: [{
    name: 'c', image: 'i', imageID: '', ready: false, restartCount: 0, state: { terminated: { exitCode, finishedAt: '2020-01-01T00:00:00Z' } },
  }],
});

async function start(t: TestContext) {
  const house = harness();
  await house.start('job');
  t.after(() => house.stop());
  const { client, server } = house;
  const get = (): Promise<Job> => client.get(JOBS, 'sum', 'default');
  const active = async (): Promise<Pod[]> => (await house.pods()).filter((pod) => pod.status?.phase === undefined && pod.metadata.deletionTimestamp === undefined);
  /** Ends one pod that still runs. */
  const endOne = async (exitCode: number): Promise<void> => {
    await until(async () => (await active()).length > 0);
    const [pod] = await active();
    assert.ok(pod !== undefined);
    await house.setPod(pod, ended(exitCode));
    await settle(server);
  };
  const condition = async (type: string) => findCondition((await get()).status?.conditions, type);
  return { ...house, get, active, endOne, condition };
}

test('runs to completion, every pod counted once', async (t) => {
  const { client, get, active, endOne, condition, pods, events } = await start(t);
  await client.create(JOBS, job({ completions: 3, parallelism: 2 }));
  await until(async () => (await active()).length === 2);
  await endOne(0);
  await endOne(0);
  assert.equal((await active()).length, 1);
  await endOne(0);
  const { status } = await get();
  assert.equal(status?.succeeded, 3);
  assert.deepEqual(status?.uncountedTerminatedPods, {});
  assert.equal((await condition('Complete'))?.status, 'True');
  assert.equal((await condition('SuccessCriteriaMet'))?.reason, 'CompletionsReached');
  assert.ok(status?.completionTime !== undefined);
  assert.ok((await pods()).every((pod) => (pod.metadata.finalizers ?? []).length === 0));
  assert.equal((await events('Job')).at(-1), 'Completed: Job completed');
});

test('a pod that vanishes between being noted and being counted is still counted, once', async (t) => {
  const { client, server, get, endOne, active } = await start(t);
  let failed = false;
  server.intercept = (request) => {
    if (!failed && request.method === 'PATCH' && request.path.includes('/pods/')) {
      failed = true;
      throw new Error('connection lost');
    }
  };
  await client.create(JOBS, job({ completions: 2 }));
  await endOne(0);
  await until(async () => (await active()).length === 1);
  await settle(server);
  assert.equal(failed, true);
  assert.equal((await get()).status?.succeeded, 1);
});

test('fails beyond the back-off limit and takes its pods along', async (t) => {
  const { client, get, endOne, condition, pods, events } = await start(t);
  await client.create(JOBS, job({ parallelism: 2, completions: 2, backoffLimit: 1 }));
  await endOne(1);
  assert.equal((await get()).status?.failed, 1);
  await endOne(1);
  await until(async () => (await condition('Failed'))?.status === 'True');
  assert.equal((await condition('Failed'))?.reason, 'BackoffLimitExceeded');
  assert.equal((await condition('FailureTarget'))?.reason, 'BackoffLimitExceeded');
  assert.equal((await get()).status?.active, undefined);
  assert.equal((await pods()).filter((pod) => pod.status?.phase === undefined).length, 0);
  assert.ok((await events('Job')).includes('BackoffLimitExceeded: Job has reached the specified backoff limit'));
});

test('waits after failures, longer every time', () => {
  const now = Date.parse('2026-01-01T00:10:00Z');
  const pod = (phase: string, secondsAgo: number): Pod => ({
    apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { containers: [] },
    status: {
      phase, containerStatuses: [{
        name: 'c', image: '', imageID: '', ready: false, restartCount: 0,
        state: { terminated: { exitCode: 1, finishedAt: formatTime(new Date(now - secondsAgo * 1000)) } },
      }],
    },
  });
  assert.equal(backoffMs([], now), 0);
  assert.equal(backoffMs([pod('Failed', 4)], now), 6000);
  assert.equal(backoffMs([pod('Failed', 4), pod('Failed', 30)], now), 16_000);
  assert.equal(backoffMs([pod('Failed', 4), pod('Failed', 30), pod('Succeeded', 20)], now), 6000);
  assert.equal(backoffMs([pod('Failed', 4), pod('Succeeded', 2)], now), 0);
});

test('an Indexed job gives every index its pod, its variable and its hostname', async (t) => {
  const { client, get, active, endOne, condition } = await start(t);
  await client.create(JOBS, job({ completionMode: 'Indexed', completions: 3, parallelism: 2 }));
  await until(async () => (await active()).length === 2);
  const [first] = await active();
  assert.ok(first !== undefined);
  assert.equal(indexOfPod(first), 0);
  assert.equal(first.spec.hostname, 'sum-0');
  assert.match(first.metadata.name, /^sum-0-/);
  assert.equal(first.spec.containers[0]?.env?.[0]?.name, 'JOB_COMPLETION_INDEX');
  await endOne(1);
  assert.deepEqual(new Set((await active()).map(indexOfPod)), new Set([0, 1]));
  await endOne(0);
  await endOne(0);
  await endOne(0);
  assert.equal((await get()).status?.completedIndexes, '0-2');
  assert.equal((await get()).status?.succeeded, 3);
  assert.equal((await get()).status?.failed, 1);
  assert.equal((await condition('Complete'))?.status, 'True');
});

test('suspended: no pods, no failures; resumed: as before', async (t) => {
  const { client, server, get, active, condition, endOne } = await start(t);
  await client.create(JOBS, job({ completions: 2, parallelism: 2, backoffLimit: 0 }));
  await until(async () => (await active()).length === 2);
  const patch = (suspend: boolean) => client.patch(JOBS, { name: 'sum', namespace: 'default', type: 'merge', body: { spec: { suspend } } });
  await patch(true);
  await until(async () => (await condition('Suspended'))?.status === 'True' && (await active()).length === 0);
  await settle(server);
  assert.equal((await get()).status?.startTime, undefined);
  assert.equal((await get()).status?.failed, undefined);
  await patch(false);
  await until(async () => (await active()).length === 2);
  await endOne(0);
  await endOne(0);
  assert.equal((await condition('Complete'))?.status, 'True');
  assert.equal((await condition('Suspended'))?.reason, 'JobResumed');
});

test('a deadline ends it, and its time to live deletes it', async (t) => {
  const { client, active, condition, get } = await start(t);
  await client.create(JOBS, job({ activeDeadlineSeconds: 1000 }));
  await until(async () => (await active()).length === 1);
  const running = await get();
  await client.updateStatus(JOBS, { ...running, status: { ...running.status, startTime: '2020-01-01T00:00:00Z' } });
  await until(async () => (await condition('Failed'))?.reason === 'DeadlineExceeded');
  await client.patch(JOBS, { name: 'sum', namespace: 'default', type: 'merge', body: { spec: { ttlSecondsAfterFinished: 0 } } });
  await until(async () => (await get()).metadata.deletionTimestamp !== undefined);
  assert.deepEqual((await get()).metadata.finalizers, ['foregroundDeletion']);
});

test('pods whose job is gone are let go', async (t) => {
  const { client, active, pods } = await start(t);
  await client.create(JOBS, job());
  await until(async () => (await active()).length === 1);
  await client.delete(JOBS, 'sum', 'default');
  await until(async () => (await pods())[0]?.metadata.finalizers?.length === 0);
});

test('a failure policy ignores, counts and ends', async (t) => {
  const { client, get, endOne, condition } = await start(t);
  await client.create(JOBS, job({
    completions: 2, podReplacementPolicy: 'Failed',
    podFailurePolicy: { rules: [
      { action: 'FailJob', onExitCodes: { operator: 'In', values: [42] } }, { action: 'Ignore', onExitCodes: { containerName: 'c', operator: 'In', values: [7] } },
    ] },
  }));
  await endOne(7);
  assert.equal((await get()).status?.failed, undefined);
  await endOne(42);
  await until(async () => (await condition('Failed'))?.status === 'True');
  assert.equal((await condition('Failed'))?.reason, 'PodFailurePolicy');
  assert.match((await condition('Failed'))?.message ?? '', /^Container c for pod default\/sum-\w+ failed with exit code 42 matching FailJob rule at index 0$/);
});

test('limits per index: one index fails, the others go on', async (t) => {
  const { client, server, pods, setPod, get, condition } = await start(t);
  await client.create(JOBS, job({ completionMode: 'Indexed', completions: 2, parallelism: 2, backoffLimit: 2 ** 31 - 1, backoffLimitPerIndex: 1 }));
  for (let round = 0; round < 3; round += 1) {
    await settle(server);
    for (const pod of (await pods()).filter((one) => one.status?.phase === undefined)) {
      await setPod(pod, ended(indexOfPod(pod) === 0 ? 1 : 0));
    }
  }
  await until(async () => (await condition('Failed'))?.status === 'True');
  assert.equal((await condition('Failed'))?.reason, 'FailedIndexes');
  assert.equal((await get()).status?.failedIndexes, '0');
  assert.equal((await get()).status?.completedIndexes, '1');
  assert.equal((await pods()).filter((pod) => indexOfPod(pod) === 0).length, 2);
  assert.equal((await client.list(PODS)).items.length, 3);
});

test('a success policy is enough', async (t) => {
  const { client, get, endOne, condition } = await start(t);
  await client.create(JOBS, job({
    completionMode: 'Indexed', completions: 3, parallelism: 3, successPolicy: { rules: [{ succeededIndexes: '0,2', succeededCount: 1 }] },
  }));
  await endOne(0);
  await until(async () => (await condition('Complete'))?.status === 'True');
  assert.equal((await condition('Complete'))?.reason, 'SuccessPolicy');
  assert.equal((await get()).status?.completedIndexes, '0');
});

test('indexes are written as Kubernetes writes them', () => {
  assert.equal(formatIndexes([5, 0, 1, 3, 4, 7, 8]), '0,1,3-5,7,8');
  assert.deepEqual([...parseIndexes('0,1,3-5,x,90-99', 8)], [0, 1, 3, 4, 5]);
});
