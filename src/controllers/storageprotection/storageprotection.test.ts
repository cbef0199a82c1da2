import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStatusError } from '../../apimachinery/status.ts';
import { PERSISTENTVOLUMECLAIMS, PERSISTENTVOLUMES, PODS } from '../../client/resources.ts';
import { harness, settle, until } from '../testing/harness.ts';

test('claims and volumes go when nothing holds them any longer', async (t) => {
  const house = harness();
  await house.start('pvcprotection,pvprotection');
  t.after(() => house.stop());
  const { client, server } = house;
  const gone = async (look: Promise<unknown>): Promise<boolean> => {
    try {
      await look;
      return false;
    } catch (error) {
      if (isStatusError(error, 'NotFound')) {
        return true;
      }
      throw error;
    }
  };
  await client.create(PERSISTENTVOLUMECLAIMS, {
    apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data', namespace: 'default', finalizers: ['kubernetes.io/pvc-protection'] }, spec: {},
  });
  await client.create(PODS, {
    apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'default' },
    spec: { nodeName: 'n', containers: [{ name: 'c' }], volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }] },
  });
  await client.create(PERSISTENTVOLUMES, { apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: 'v', finalizers: ['kubernetes.io/pv-protection'] }, spec: {}, status: { phase: 'Bound' } });
  await client.delete(PERSISTENTVOLUMECLAIMS, 'data', 'default');
  await client.delete(PERSISTENTVOLUMES, 'v');
  await settle(server);
  assert.equal(await gone(client.get(PERSISTENTVOLUMECLAIMS, 'data', 'default')), false, 'a pod uses the claim');
  assert.equal(await gone(client.get(PERSISTENTVOLUMES, 'v')), false, 'a claim holds the volume');
  const [pod] = await house.pods();
  assert.ok(pod !== undefined);
  await house.setPod(pod, { phase: 'Succeeded' });
  await until(() => gone(client.get(PERSISTENTVOLUMECLAIMS, 'data', 'default')));
  await client.updateStatus(PERSISTENTVOLUMES, { ...await client.get(PERSISTENTVOLUMES, 'v'), status: { phase: 'Released' } });
  await until(() => gone(client.get(PERSISTENTVOLUMES, 'v')));
});
