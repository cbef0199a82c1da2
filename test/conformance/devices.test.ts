/** Devices with the real server: its validation and its roles, kubectl, and the controllers with the rights they have and no more. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { DEVICECLASSES, PODS, RESOURCECLAIMS, RESOURCESLICES } from '../../src/client/resources.ts';
import type { Pod } from '../../src/kinds/generated/core.ts';
import { gpu, gpuClass, gpuPod, slice } from '../../src/controllers/scheduler/testing.ts';
import { realServer, type RealServer } from '../harness/controllers.ts';

describe('devices', () => {
  let real: RealServer;
  const until = async (condition: () => Promise<boolean>): Promise<void> => {
    while (!await condition()) {
      await new Promise((resolve) => { setTimeout(resolve, 20); });
    }
  };
  const get = (name: string): Promise<Pod> => real.client.get(PODS, name, 'default');
  const state = async (): Promise<string[]> => (await real.kubectl('get', 'resourceclaims', '--no-headers')).trim().split('\n').map((line) => line.split(/\s+/)[1] ?? '');
  before(async () => {
    real = await realServer({ selection: 'scheduler,resourceclaim,garbagecollector,serviceaccount,node' });
    await real.client.create(RESOURCESLICES, slice('here', [gpu('gpu-0'), gpu('gpu-1')]));
    await real.client.create(DEVICECLASSES, gpuClass());
  });
  after(() => real.stop());

  it('go to pods by every convention, recorded as claims, and come back', async () => {
    await until(async () => (await real.kubectl('get', 'serviceaccounts', '-o', 'name')).includes('default'));
    const pods = [gpuPod('whole', { 'nvidia.com/gpu': '1' }), gpuPod('half', {}, { annotations: { 'gpu-fraction': '0.5' } }), gpuPod('part', { 'nvidia.com/gpumem': '8192', 'nvidia.com/gpucores': '20' })];
    for (const pod of pods) {
      await real.client.create(PODS, pod);
      await until(async () => (await get(pod.metadata.name)).spec.nodeName === 'here');
    }
    assert.deepEqual(await state(), ['allocated,reserved', 'allocated,reserved', 'allocated,reserved']);
    const { items } = await real.client.list(RESOURCECLAIMS);
    const used = items.map(({ status }) => status?.allocation?.devices?.results?.[0]).map((one) => [one?.consumedCapacity?.['memory'], one?.consumedCapacity?.['cores']]);
    assert.deepEqual(new Set(used.map(String)), new Set(['80Gi,100', '40Gi,50', '8Gi,20']));
    await real.kubectl('delete', 'pods', '--all', '--wait=true');
    await until(async () => (await real.client.list(RESOURCECLAIMS)).items.length === 0);
  });

  it('come with claims from templates that kubectl applies', async () => {
    const file = join(real.directory, 'claim.yaml');
    await writeFile(file, `
apiVersion: resource.k8s.io/v1
kind: ResourceClaimTemplate
metadata: {name: one}
spec:
  spec:
    devices:
      requests:
      - {name: gpu, exactly: {deviceClassName: gpu.nvidia.com, selectors: [{cel: {expression: "device.attributes['gpu.nvidia.com'].productName == 'H100'"}}]}}
---
apiVersion: v1
kind: Pod
metadata: {name: claimed}
spec:
  containers: [{name: c, image: i, resources: {claims: [{name: g}]}}]
  resourceClaims: [{name: g, resourceClaimTemplateName: one}]
`);
    await real.kubectl('apply', '-f', file);
    await until(async () => (await get('claimed')).spec.nodeName === 'here');
    assert.deepEqual(await state(), ['allocated,reserved']);
    await real.kubectl('delete', 'pod', 'claimed');
    await until(async () => (await real.client.list(RESOURCECLAIMS)).items.length === 0);
  });

  it('are refused to pods that mix conventions, by name of the fields', async () => {
    await assert.rejects(real.client.create(PODS, gpuPod('mixed', { 'nvidia.com/gpu': '1' }, { annotations: { 'gpu-fraction': '0.5' } })),
      /Pod "mixed" is invalid: metadata\.annotations\[gpu-fraction\]: Forbidden: a pod asks for accelerators in one way/);
  });
});
