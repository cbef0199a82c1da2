import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStatusError } from '../../apimachinery/status.ts';
import { CONFIGMAPS, NAMESPACES, SERVICEACCOUNTS } from '../../client/resources.ts';
import { harness, until } from '../testing/harness.ts';

test('every namespace gets its account and its root certificate, and gets them back', async (t) => {
  const { client, start, stop } = harness();
  await start('serviceaccount');
  t.after(() => stop());
  await client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' }, spec: {} });
  const there = async (): Promise<boolean> => {
    try {
      await client.get(SERVICEACCOUNTS, 'default', 'shop');
      return (await client.get(CONFIGMAPS, 'kube-root-ca.crt', 'shop')).data?.['ca.crt'] === 'PEM';
    } catch (error) {
      assert.ok(isStatusError(error, 'NotFound'));
      return false;
    }
  };
  await until(there);
  await client.delete(SERVICEACCOUNTS, 'default', 'shop');
  await until(there);
  await client.patch(CONFIGMAPS, { name: 'kube-root-ca.crt', namespace: 'shop', type: 'merge', body: { data: { 'ca.crt': 'forged' } } });
  await until(there);
});
