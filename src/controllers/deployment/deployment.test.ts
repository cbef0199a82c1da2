import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { findCondition } from '../../apimachinery/conditions.ts';
import { DEPLOYMENTS, PODS, REPLICASETS } from '../../client/resources.ts';
import type { Deployment, DeploymentSpec, ReplicaSet } from '../../kinds/generated/apps.ts';
import { harness, settle, until } from '../testing/harness.ts';
import { fenceposts, proportionalSizes } from './rolling.ts';

const deployment = (spec: Partial<DeploymentSpec> = {}, image = 'v1'): Deployment => ({
  apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace: 'default', annotations: { 'kubernetes.io/change-cause': 'first' } },
  spec: {
    replicas: 4, selector: { matchLabels: { app: 'web' } }, progressDeadlineSeconds: 600,
    template: { metadata: { name: '', labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image }] } },
    ...spec,
  },
});

const annotation = (object: Deployment | ReplicaSet | undefined, name: string): string | undefined => object?.metadata.annotations?.[name];

async function start(t: TestContext) {
  const house = harness();
  await house.start('deployment,replicaset');
  t.after(() => house.stop());
  const { client } = house;
  const get = (): Promise<Deployment> => client.get(DEPLOYMENTS, 'web', 'default');
  const sets = async (): Promise<ReplicaSet[]> => (await client.list(REPLICASETS, { namespace: 'default' })).items;
  const images = async (): Promise<string[]> => (await house.pods()).map((pod) => pod.spec.containers[0]?.image ?? '');
  const setImage = (image: string) => client.patch(DEPLOYMENTS, {
    name: 'web', namespace: 'default', type: 'merge', body: { spec: { template: { spec: { containers: [{ name: 'c', image }] } } } },
  });
  /** Plays the kubelet until the rollout rests, and reports the fewest available and the most pods seen. */
  const roll = async (): Promise<{ fewest: number; most: number }> => {
    const seen = { fewest: Infinity, most: 0 };
    for (;;) {
      await settle(house.server);
      const all = await house.pods();
      const waiting = all.filter((pod) => pod.status?.phase !== 'Running');
      seen.most = Math.max(seen.most, all.length);
      seen.fewest = Math.min(seen.fewest, all.length - waiting.length);
      const [next] = waiting;
      if (next === undefined) {
        return seen;
      }
      await house.run(next);
    }
  };
  return { ...house, get, sets, images, setImage, roll };
}

test('rolls forward within maxSurge and maxUnavailable, and back', async (t) => {
  const { client, get, sets, images, setImage, roll, events } = await start(t);
  await client.create(DEPLOYMENTS, deployment());
  await roll();
  const first = await get();
  assert.deepEqual(first.status?.conditions?.map((one) => `${one.type} ${one.status} ${one.reason ?? ''}`).sort(),
    ['Available True MinimumReplicasAvailable', 'Progressing True NewReplicaSetAvailable']);
  assert.equal(annotation(first, 'deployment.kubernetes.io/revision'), '1');
  const [one] = await sets();
  assert.equal(one?.metadata.labels?.['pod-template-hash'], one?.metadata.name.slice('web-'.length));
  assert.equal(annotation(one, 'kubernetes.io/change-cause'), 'first');

  await setImage('v2');
  assert.deepEqual(await roll(), { fewest: 3, most: 5 });
  assert.deepEqual(await images(), ['v2', 'v2', 'v2', 'v2']);
  assert.deepEqual((await sets()).map((set) => set.spec.replicas), [0, 4]);
  assert.equal(annotation(await get(), 'deployment.kubernetes.io/revision'), '2');

  await setImage('v1');
  await roll();
  assert.deepEqual(await images(), ['v1', 'v1', 'v1', 'v1']);
  const [back] = await sets();
  assert.equal(annotation(back, 'deployment.kubernetes.io/revision'), '3');
  assert.equal(annotation(back, 'deployment.kubernetes.io/revision-history'), '1');
  assert.equal((await sets()).length, 2);
  assert.match((await events('Deployment'))[0] ?? '', /^ScalingReplicaSet: Scaled up replica set web-\w+ from 0 to 4$/);
});

test('a rollout that cannot go on leaves enough pods and says so', async (t) => {
  const { client, server, get, images, setImage, roll } = await start(t);
  await client.create(DEPLOYMENTS, deployment());
  await roll();
  await setImage('broken');
  await settle(server);
  assert.deepEqual((await images()).sort(), ['broken', 'broken', 'v1', 'v1', 'v1']);
  assert.equal((await get()).status?.unavailableReplicas, 2);
  assert.equal(findCondition((await get()).status?.conditions, 'Progressing')?.reason, 'ReplicaSetUpdated');
  const stuck = await get();
  const conditions = stuck.status?.conditions?.map((one) => ({ ...one, lastUpdateTime: '2020-01-01T00:00:00Z' }));
  await client.updateStatus(DEPLOYMENTS, { ...stuck, status: { ...stuck.status, ...(conditions === undefined ? {} : { conditions }) } });
  await until(async () => findCondition((await get()).status?.conditions, 'Progressing')?.reason === 'ProgressDeadlineExceeded');
  assert.equal(findCondition((await get()).status?.conditions, 'Progressing')?.status, 'False');
  await setImage('v1');
  await roll();
  assert.deepEqual(await images(), ['v1', 'v1', 'v1', 'v1']);
});

test('Recreate waits until the last old pod is gone', async (t) => {
  const { client, server, pods, images, setImage, roll } = await start(t);
  await client.create(DEPLOYMENTS, deployment({ replicas: 1, strategy: { type: 'Recreate' } }));
  await roll();
  const [old] = await pods();
  assert.ok(old !== undefined);
  await client.patch(PODS, { name: old.metadata.name, namespace: 'default', type: 'merge', body: { metadata: { finalizers: ['hold/it'] } } });
  await setImage('v2');
  await settle(server);
  assert.deepEqual(await images(), ['v1']);
  await client.patch(PODS, { name: old.metadata.name, namespace: 'default', type: 'merge', body: { metadata: { finalizers: [] } } });
  await until(async () => (await images()).includes('v2'));
  await roll();
  assert.deepEqual(await images(), ['v2']);
});

test('paused: scales, does not roll; resumed: rolls', async (t) => {
  const { client, server, get, images, setImage, roll } = await start(t);
  await client.create(DEPLOYMENTS, deployment({ replicas: 2 }));
  await roll();
  const patch = (spec: object) => client.patch(DEPLOYMENTS, { name: 'web', namespace: 'default', type: 'merge', body: { spec } });
  await patch({ paused: true });
  await setImage('v2');
  await patch({ replicas: 3 });
  await settle(server);
  assert.deepEqual(await images(), ['v1', 'v1', 'v1']);
  assert.equal(findCondition((await get()).status?.conditions, 'Progressing')?.reason, 'DeploymentPaused');
  await patch({ paused: false });
  await roll();
  assert.deepEqual(await images(), ['v2', 'v2', 'v2']);
  assert.equal((await get()).status?.updatedReplicas, 3);
});

test('old sets beyond the history limit are deleted', async (t) => {
  const { client, sets, setImage, roll } = await start(t);
  await client.create(DEPLOYMENTS, deployment({ replicas: 1, revisionHistoryLimit: 1 }));
  for (const image of ['v1', 'v2', 'v3', 'v4']) {
    await setImage(image);
    await roll();
  }
  assert.deepEqual((await sets()).map((set) => set.spec.template?.spec?.containers[0]?.image), ['v3', 'v4']);
});

test('a foreign set under the name we want is not taken: another name is', async (t) => {
  const { client, server, get, sets, roll } = await start(t);
  await client.create(DEPLOYMENTS, deployment());
  await roll();
  const [mine] = await sets();
  assert.ok(mine !== undefined);
  await client.delete(DEPLOYMENTS, 'web', 'default');
  await settle(server);
  await client.patch(REPLICASETS, {
    name: mine.metadata.name, namespace: 'default', type: 'merge',
    body: { metadata: { ownerReferences: [{ apiVersion: 'x/v1', kind: 'Other', name: 'o', uid: 'u', controller: true }] } },
  });
  await client.create(DEPLOYMENTS, deployment());
  await until(async () => (await sets()).length === 2);
  assert.equal((await get()).status?.collisionCount, 1);
});

test('fence posts are rounded so that a rollout can always move', () => {
  const of = (replicas: number, maxSurge: string | number, maxUnavailable: string | number) =>
    fenceposts(deployment({ replicas, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } } }));
  assert.deepEqual(of(10, '25%', '25%'), { maxSurge: 3, maxUnavailable: 2 });
  assert.deepEqual(of(1, '25%', '25%'), { maxSurge: 1, maxUnavailable: 0 });
  assert.deepEqual(of(3, 0, '10%'), { maxSurge: 0, maxUnavailable: 1 });
  assert.deepEqual(of(2, 0, 5), { maxSurge: 0, maxUnavailable: 2 });
});

test('a resize amid a rollout is shared in proportion', () => {
  const set = (name: string, replicas: number): ReplicaSet => ({
    apiVersion: 'apps/v1', kind: 'ReplicaSet',
    metadata: { name, creationTimestamp: `2026-01-0${name}T00:00:00Z`, annotations: { 'deployment.kubernetes.io/max-replicas': '13' } },
    spec: { replicas, selector: {} },
  });
  const sizes = (replicas: number) => proportionalSizes(
    { ...deployment({ replicas, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } } }), status: { replicas: 13 } },
    [set('1', 8), set('2', 5)],
  ).map((one) => [one.set.metadata.name, one.replicas]);
  assert.deepEqual(sizes(15), [['1', 11], ['2', 7]]);
  assert.deepEqual(sizes(5), [['1', 5], ['2', 3]]);
});
