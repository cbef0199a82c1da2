/** The real kubectl drives rollouts, jobs and namespaces; all controllers run against a real API server in this process. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { ENDPOINTSLICES, JOBS, PODS } from '../../src/client/resources.ts';
import { realServer } from '../harness/controllers.ts';

function missingKubectl(): string | false {
  try {
    execFileSync('kubectl', ['version', '--client'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'kubectl is not installed here';
  }
}
const skip = missingKubectl();

async function start(t: TestContext, https = false) {
  const server = await realServer({ https });
  t.after(() => server.stop());
  return server;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!await condition()) {
    await delay(10);
  }
}

test('kubectl rollout: status, history, undo, pause, resume, restart', { skip }, async (t) => {
  const { kubectl, client } = await start(t);
  const images = async (): Promise<string[]> =>
    (await client.list(PODS, { namespace: 'default' })).items.filter((pod) => pod.metadata.deletionTimestamp === undefined).map((pod) => pod.spec.containers[0]?.image ?? '');
  const rolledOut = async (): Promise<void> => {
    assert.match(await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s'), /successfully rolled out/);
  };
  await kubectl('create', 'deployment', 'web', '--image=example/web:1', '--replicas=3');
  await rolledOut();
  await kubectl('annotate', 'deployment/web', 'kubernetes.io/change-cause=the first');
  await kubectl('set', 'image', 'deployment/web', 'web=example/web:2');
  await rolledOut();
  await until(async () => (await images()).length === 3);
  assert.deepEqual(await images(), ['example/web:2', 'example/web:2', 'example/web:2']);
  assert.match(await kubectl('rollout', 'history', 'deployment/web'), /1 +the first\n2 +the first/);
  await kubectl('rollout', 'undo', 'deployment/web');
  await rolledOut();
  assert.match(await kubectl('rollout', 'history', 'deployment/web'), /2 +the first\n3 +the first/);
  assert.match(await kubectl('rollout', 'history', 'deployment/web', '--revision=3'), /example\/web:1/);
  await kubectl('rollout', 'pause', 'deployment/web');
  await kubectl('set', 'image', 'deployment/web', 'web=example/web:3');
  await kubectl('scale', 'deployment/web', '--replicas=4');
  await until(async () => (await images()).length === 4);
  assert.ok(!(await images()).includes('example/web:3'));
  await kubectl('rollout', 'resume', 'deployment/web');
  await rolledOut();
  await until(async () => (await images()).every((image) => image === 'example/web:3'));
  await kubectl('rollout', 'restart', 'deployment/web');
  await rolledOut();
  assert.match(await kubectl('get', 'deployment', 'web'), /web +4\/4 +4 +4/);
  await kubectl('delete', 'deployment', 'web', '--timeout=60s');
  await until(async () => (await images()).length === 0);
});

test('a Service follows its pods, and goes with its slices', { skip }, async (t) => {
  const { kubectl, client } = await start(t);
  await kubectl('create', 'deployment', 'web', '--image=example/web:1', '--replicas=2');
  await kubectl('expose', 'deployment', 'web', '--port=80', '--target-port=8080');
  const ready = async (): Promise<number> => (await client.list(ENDPOINTSLICES, { namespace: 'default', labelSelector: 'kubernetes.io/service-name=web' }))
    .items.flatMap((slice) => slice.endpoints ?? []).filter((endpoint) => endpoint.conditions?.ready === true).length;
  await until(async () => await ready() === 2);
  await kubectl('scale', 'deployment/web', '--replicas=5');
  await until(async () => await ready() === 5);
  await kubectl('delete', 'service', 'web');
  await until(async () => await ready() === 0);
});

test('a Job is waited for, and its failure told', { skip }, async (t) => {
  const { kubectl, client, onPod } = await start(t);
  onPod((pod) => ({ phase: pod.metadata.name.startsWith('good') ? 'Succeeded' : 'Failed' }));
  await kubectl('create', 'job', 'good', '--image=example/calc:1');
  await kubectl('wait', '--for=condition=complete', 'job/good', '--timeout=60s');
  assert.match(await kubectl('get', 'job', 'good'), /good +Complete +1\/1/);
  await client.create(JOBS, {
    apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'bad', namespace: 'default' },
    spec: { backoffLimit: 0, template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'x' }] } } },
  });
  await kubectl('wait', '--for=condition=failed', 'job/bad', '--timeout=60s');
  assert.match(await kubectl('describe', 'job', 'bad'), /BackoffLimitExceeded .* job-controller +Job has reached the specified backoff limit/);
});

test('a namespace is deleted with all that is in it', { skip }, async (t) => {
  const { kubectl, client } = await start(t);
  await kubectl('create', 'namespace', 'shop');
  await kubectl('-n', 'shop', 'create', 'deployment', 'web', '--image=example/web:1', '--replicas=3');
  await kubectl('-n', 'shop', 'rollout', 'status', 'deployment/web', '--timeout=60s');
  await kubectl('delete', 'namespace', 'shop', '--timeout=60s');
  assert.equal((await client.list(PODS, { namespace: 'shop' })).items.length, 0);
  await assert.rejects(kubectl('get', 'namespace', 'shop'), /NotFound/);
});

test('the same controllers over HTTPS, as against a cluster', { skip }, async (t) => {
  const { kubectl, client } = await start(t, true);
  await kubectl('create', 'deployment', 'web', '--image=example/web:1', '--replicas=10');
  await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s');
  await kubectl('set', 'image', 'deployment/web', 'web=example/web:2');
  await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s');
  await kubectl('delete', 'deployment', 'web', '--cascade=foreground', '--timeout=60s');
  assert.equal((await client.list(PODS, { namespace: 'default' })).items.length, 0);
});

test('a pod that fits nowhere says so', { skip }, async (t) => {
  const { kubectl } = await start(t);
  await kubectl('run', 'big', '--image=example/big:1', '--overrides={"spec":{"containers":[{"name":"big","image":"x","resources":{"requests":{"cpu":"100"}}}]}}');
  await kubectl('wait', '--for=jsonpath={.status.conditions[?(@.type=="PodScheduled")].reason}=Unschedulable', 'pod/big', '--timeout=60s');
  assert.match(await kubectl('describe', 'pod', 'big'), /FailedScheduling.*0\/1 nodes are available: 1 Insufficient cpu\./);
});
