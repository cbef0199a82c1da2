import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONFIGMAPS, PODS, RESOURCEQUOTAS } from '../../client/resources.ts';
import type { ResourceQuota } from '../../kinds/generated/core.ts';
import { harness, until } from '../testing/harness.ts';

test('a quota tells what is used, and what no longer is', async (t) => {
  const house = harness();
  await house.start('resourcequota');
  t.after(() => house.stop());
  const { client } = house;
  const used = async (): Promise<Record<string, string>> => (await client.get(RESOURCEQUOTAS, 'q', 'default')).status?.used ?? {};
  const quota: ResourceQuota = {
    apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'q', namespace: 'default' }, spec: { hard: { 'requests.cpu': '2', pods: '5', 'count/configmaps': '3', 'count/nosuch.example.com': '1' } },
  };
  await client.create(RESOURCEQUOTAS, quota);
  await until(async () => (await used())['pods'] === '0');
  const { status } = await client.get(RESOURCEQUOTAS, 'q', 'default');
  assert.deepEqual(status, {
    hard: { 'count/configmaps': '3', 'count/nosuch.example.com': '1', pods: '5', 'requests.cpu': '2' },
    used: { 'count/configmaps': '0', 'count/nosuch.example.com': '0', pods: '0', 'requests.cpu': '0' },
  });
  await client.create(PODS, {
    apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'default' }, spec: { containers: [{ name: 'c', resources: { requests: { cpu: '750m' } } }, { name: 'd', resources: { requests: { cpu: '750m' } } }] },
  });
  await client.create(CONFIGMAPS, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace: 'default' } });
  await client.create(CONFIGMAPS, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace: 'other' } });
  await until(async () => (await used())['pods'] === '1' && (await used())['count/configmaps'] === '1');
  assert.equal((await used())['requests.cpu'], '1500m');
  const [pod] = await house.pods();
  assert.ok(pod !== undefined);
  await house.setPod(pod, { phase: 'Succeeded' });
  await until(async () => (await used())['pods'] === '0');
  assert.equal((await used())['requests.cpu'], '0');
});
