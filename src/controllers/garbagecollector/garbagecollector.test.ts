import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { controllerReference, type KubeObject, type OwnerReference } from '../../apimachinery/object.ts';
import { isStatusError } from '../../apimachinery/status.ts';
import { CONFIGMAPS, NAMESPACES, PODS, SECRETS } from '../../client/resources.ts';
import type { ConfigMap } from '../../kinds/generated/core.ts';
import { harness, settle, until } from '../testing/harness.ts';

async function start(t: TestContext, begin = true) {
  const house = harness();
  if (begin) {
    await house.start('garbagecollector,namespace');
  }
  t.after(() => house.stop());
  const { client } = house;
  const make = (name: string, ...owners: (KubeObject | OwnerReference)[]): Promise<ConfigMap> => client.create(CONFIGMAPS, {
    apiVersion: 'v1', kind: 'ConfigMap',
    metadata: { name, namespace: 'default', ownerReferences: owners.map((one) => ('uid' in one ? one : controllerReference(one))) },
  });
  const names = async (): Promise<string[]> => (await client.list(CONFIGMAPS, { namespace: 'default' })).items.map((one) => one.metadata.name);
  const remove = (name: string, propagationPolicy: 'Background' | 'Foreground' | 'Orphan') => client.delete(CONFIGMAPS, name, 'default', { propagationPolicy });
  return { ...house, make, names, remove };
}

const absent: OwnerReference = { apiVersion: 'v1', kind: 'ConfigMap', name: 'never', uid: 'no-such-uid' };

test('background: the family goes, generation by generation', async (t) => {
  const { make, names, remove, server } = await start(t);
  const a = await make('a');
  const b = await make('b', a);
  await make('c', b);
  await make('other');
  await settle(server);
  assert.equal((await names()).length, 4);
  await remove('a', 'Background');
  await until(async () => (await names()).length === 1);
});

test('one owner left is enough, and the reference to the lost one goes', async (t) => {
  const { client, make, names, remove, server } = await start(t);
  const a = await make('a');
  const b = await make('b');
  await make('c', a, { ...controllerReference(b), controller: false });
  await remove('a', 'Background');
  await until(async () => (await client.get(CONFIGMAPS, 'c', 'default')).metadata.ownerReferences?.length === 1);
  await settle(server);
  assert.deepEqual(await names(), ['b', 'c']);
});

test('foreground: the owner waits for those that block', async (t) => {
  const { client, make, names, remove, server } = await start(t);
  const a = await make('a');
  const b = await make('b', a);
  await make('c', b);
  await client.patch(CONFIGMAPS, { name: 'c', namespace: 'default', type: 'merge', body: { metadata: { finalizers: ['hold/it'] } } });
  await remove('a', 'Foreground');
  await settle(server);
  assert.deepEqual(await names(), ['a', 'b', 'c']);
  assert.ok((await client.get(CONFIGMAPS, 'c', 'default')).metadata.deletionTimestamp !== undefined);
  await client.patch(CONFIGMAPS, { name: 'c', namespace: 'default', type: 'merge', body: { metadata: { finalizers: [] } } });
  await until(async () => (await names()).length === 0);
});

test('orphan: the children stay and are nobody\'s', async (t) => {
  const { client, make, names, remove, server } = await start(t);
  const a = await make('a');
  await make('b', a);
  await settle(server);
  await remove('a', 'Orphan');
  await until(async () => (await names()).length === 1);
  await settle(server);
  assert.deepEqual((await client.get(CONFIGMAPS, 'b', 'default')).metadata.ownerReferences, []);
});

test('an owner that never was, or whose namesake has another uid, counts as gone; one merely not cached does not', async (t) => {
  const { client, context, make, names, server } = await start(t);
  await make('lost', absent);
  await until(async () => (await names()).length === 0);
  const real = await make('owner');
  await make('impostor', { ...absent, name: 'owner' });
  await until(async () => (await names()).length === 1);
  // The informer of the owner's kind never shows it, the server does.
  const secret = await client.create(SECRETS, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace: 'default' } });
  assert.ok(context.informers.for(SECRETS).synced && secret.metadata.uid !== undefined);
  await make('child', real, { apiVersion: 'v1', kind: 'Secret', name: 's', uid: secret.metadata.uid });
  await settle(server);
  assert.deepEqual(await names(), ['owner', 'child']);
});

test('a kind nobody serves is no reason to delete', async (t) => {
  const { make, names, server } = await start(t);
  await make('kept', { apiVersion: 'unknown.example/v1', kind: 'Thing', name: 'x', uid: 'y' });
  await settle(server);
  assert.deepEqual(await names(), ['kept']);
});

test('what happened while nobody looked is made up for at the start', async (t) => {
  const { make, names, remove, start: begin } = await start(t, false);
  const a = await make('a');
  await make('b', a);
  await make('c', absent);
  await remove('a', 'Foreground');
  await begin('garbagecollector');
  await until(async () => (await names()).length === 0);
});

test('a namespace goes when all in it is gone, and says what it waits for', async (t) => {
  const { client, server } = await start(t);
  await client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' }, spec: {} });
  await client.create(CONFIGMAPS, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x', namespace: 'shop' } });
  await client.create(PODS, {
    apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'shop', finalizers: ['hold/it'] }, spec: { containers: [] },
  });
  await client.delete(NAMESPACES, 'shop');
  const why = async (type: string) => (await client.get(NAMESPACES, 'shop')).status?.conditions?.find((one) => one.type === type);
  await until(async () => (await why('NamespaceContentRemaining'))?.status === 'True');
  assert.equal((await why('NamespaceContentRemaining'))?.message, 'Some resources are remaining: pods. has 1 resource instances');
  assert.equal((await why('NamespaceFinalizersRemaining'))?.message, 'Some content in the namespace has finalizers remaining: hold/it in 1 resource instances');
  await settle(server);
  assert.equal((await client.list(CONFIGMAPS, { namespace: 'shop' })).items.length, 1);
  await client.patch(PODS, { name: 'p', namespace: 'shop', type: 'merge', body: { metadata: { finalizers: [] } } });
  await until(async () => {
    try {
      await client.get(NAMESPACES, 'shop');
      return false;
    } catch (error) {
      return isStatusError(error, 'NotFound');
    }
  });
  assert.equal((await client.list(CONFIGMAPS, { namespace: 'shop' })).items.length, 0);
});
