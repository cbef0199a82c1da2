import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { findCondition } from '../../apimachinery/conditions.ts';
import { DEVICECLASSES, NODES, PODS, RESOURCECLAIMS, RESOURCECLAIMTEMPLATES, RESOURCESLICES } from '../../client/resources.ts';
import type { Pod } from '../../kinds/generated/core.ts';
import type { DeviceClaim, DeviceRequestAllocationResult, ResourceClaim, ResourceSlice } from '../../kinds/generated/resource.ts';
import { harness, settle, until } from '../testing/harness.ts';
import { CLAIM_FINALIZER } from './claims.ts';
import { gpu, gpuClass, gpuNode, gpuPod, slice } from './testing.ts';

async function start(t: TestContext, slices: ResourceSlice[] = [slice('n', [gpu('gpu-0'), gpu('gpu-1')])]) {
  const house = harness();
  const { client, server } = house;
  for (const one of slices) {
    await client.create(NODES, gpuNode(one.spec.nodeName ?? ''));
    await client.create(RESOURCESLICES, one);
  }
  await client.create(DEVICECLASSES, gpuClass());
  await house.start('scheduler,resourceclaim,garbagecollector');
  t.after(() => house.stop());
  const get = (name: string): Promise<Pod> => client.get(PODS, name, 'default');
  const claims = async (): Promise<ResourceClaim[]> => (await client.list(RESOURCECLAIMS)).items;
  const results = async (pod: string): Promise<DeviceRequestAllocationResult[]> => {
    const name = (await get(pod)).status?.extendedResourceClaimStatus?.resourceClaimName;
    return (await claims()).find(({ metadata }) => metadata.name === name)?.status?.allocation?.devices?.results ?? [];
  };
  const why = async (pod: string): Promise<string | undefined> => {
    await settle(server);
    return findCondition((await get(pod)).status?.conditions, 'PodScheduled')?.message;
  };
  const bound = (name: string): Promise<void> => until(async () => (await get(name)).spec.nodeName !== undefined);
  const end = async (name: string): Promise<void> => {
    await house.setPod(await get(name), { phase: 'Succeeded' });
  };
  return { ...house, get, claims, results, why, bound, end };
}

const claim = (name: string, devices: DeviceClaim): ResourceClaim => ({ apiVersion: 'resource.k8s.io/v1', kind: 'ResourceClaim', metadata: { name, namespace: 'default' }, spec: { devices } });

test('whole devices: allocated and reserved before the binding, freed at the end', async (t) => {
  const { client, bound, results, claims, why, get, end } = await start(t);
  await client.create(PODS, gpuPod('a', { 'nvidia.com/gpu': '2' }));
  await bound('a');
  assert.deepEqual((await results('a')).map(({ device, consumedCapacity }) => [device, consumedCapacity]), [
    ['gpu-0', { memory: '80Gi', cores: '100' }], ['gpu-1', { memory: '80Gi', cores: '100' }]]);
  const [made] = await claims();
  assert.deepEqual(made?.status?.reservedFor?.map(({ name }) => name), ['a']);
  assert.deepEqual(made?.metadata.finalizers, [CLAIM_FINALIZER]);
  assert.deepEqual((await get('a')).status?.extendedResourceClaimStatus?.requestMappings, [{ containerName: 'c', resourceName: 'nvidia.com/gpu', requestName: 'request-0' }]);
  await client.create(PODS, gpuPod('b', { 'nvidia.com/gpu': '1' }));
  assert.equal(await why('b'), '0/1 nodes are available: 1 no free device of class gpu.nvidia.com.');
  await end('a');
  await bound('b');
  await until(async () => (await claims()).length === 1);
});

test('parts of devices share one, whole ones do not; fractions and memory alike', async (t) => {
  const { client, bound, results, why } = await start(t);
  await client.create(PODS, gpuPod('half', {}, { annotations: { 'gpu-fraction': '0.5' } }));
  await bound('half');
  await client.create(PODS, gpuPod('memory', { 'nvidia.com/gpumem': '20480', 'nvidia.com/gpucores': '30' }));
  await bound('memory');
  const [half, memory] = [await results('half'), await results('memory')];
  assert.deepEqual([half[0]?.consumedCapacity, memory[0]?.consumedCapacity], [{ memory: '40Gi', cores: '50' }, { memory: '20Gi', cores: '30' }]);
  assert.equal(half[0]?.device, memory[0]?.device);
  await client.create(PODS, gpuPod('whole', { 'nvidia.com/gpu': '1' }));
  await bound('whole');
  assert.notEqual((await results('whole'))[0]?.device, half[0]?.device);
  await client.create(PODS, gpuPod('more', {}, { annotations: { 'gpu-fraction': '0.3' } }));
  assert.match(await why('more') ?? '', /no free device of class gpu\.nvidia\.com/);
  await client.create(PODS, gpuPod('rest', {}, { annotations: { 'gpu-fraction': '0.2' } }));
  await bound('rest');
});

test('several parts are of different devices', async (t) => {
  const { client, bound, results, why } = await start(t);
  await client.create(PODS, gpuPod('two', {}, { annotations: { 'gpu-fraction': '0.5', 'gpu-fraction-num-devices': '2' } }));
  await bound('two');
  assert.deepEqual((await results('two')).map(({ device }) => device).sort(), ['gpu-0', 'gpu-1']);
  await client.create(PODS, gpuPod('three', {}, { annotations: { 'gpu-fraction': '0.1', 'gpu-fraction-num-devices': '3' } }));
  assert.equal(await why('three'), '0/1 nodes are available: 1 not enough different devices of class gpu.nvidia.com are free.');
});

test('claims from templates: made, allocated, freed and gone with their pod', async (t) => {
  const { client, bound, claims, end, get } = await start(t);
  await client.create(PODS, gpuPod('a', {}, { resourceClaims: [{ name: 'g', resourceClaimTemplateName: 'one' }] }));
  await client.create(RESOURCECLAIMTEMPLATES, {
    apiVersion: 'resource.k8s.io/v1', kind: 'ResourceClaimTemplate', metadata: { name: 'one', namespace: 'default' },
    spec: { metadata: { name: '', labels: { x: 'y' } }, spec: { devices: { requests: [{ name: 'gpu', exactly: { deviceClassName: 'gpu.nvidia.com', allocationMode: 'ExactCount', count: 1 } }] } } },
  });
  await bound('a');
  const [made] = await claims();
  assert.match(made?.metadata.name ?? '', /^a-g-/);
  assert.deepEqual(made?.metadata.labels, { x: 'y' });
  assert.equal((await get('a')).status?.resourceClaimStatuses?.[0]?.resourceClaimName, made?.metadata.name);
  assert.equal(made?.status?.allocation?.nodeSelector?.nodeSelectorTerms[0]?.matchFields?.[0]?.values?.[0], 'n');
  await end('a');
  await until(async () => (await claims()).length === 0);
});

test('a claim of several pods: allocated once, freed when the last has gone', async (t) => {
  const { client, bound, claims, end } = await start(t, [slice('n', [gpu('gpu-0')]), slice('m', [gpu('gpu-0')])]);
  await client.create(RESOURCECLAIMS, claim('shared', { requests: [{ name: 'gpu', exactly: { deviceClassName: 'gpu.nvidia.com', allocationMode: 'ExactCount', count: 1 } }] }));
  await Promise.all(['a', 'b'].map((name) => client.create(PODS, gpuPod(name, {}, { resourceClaims: [{ name: 'g', resourceClaimName: 'shared' }] }))));
  await bound('a');
  await bound('b');
  assert.deepEqual((await claims())[0]?.status?.reservedFor?.map(({ name }) => name).sort(), ['a', 'b']);
  await end('a');
  await until(async () => (await claims())[0]?.status?.reservedFor?.length === 1);
  await end('b');
  await until(async () => (await claims())[0]?.status?.allocation === undefined);
  assert.equal((await claims())[0]?.metadata.name, 'shared');
});

test('says why a claim cannot be served', async (t) => {
  const { client, why } = await start(t);
  const cases: [string, DeviceClaim, RegExp][] = [
    ['class', { requests: [{ name: 'r', exactly: { deviceClassName: 'none' } }] }, /device class none does not exist/],
    ['cel', { requests: [{ name: 'r', exactly: { deviceClassName: 'gpu.nvidia.com', selectors: [{ cel: { expression: "device.attributes['gpu.nvidia.com'].nothing == 1" } }] } }] }, /selector .* failed on device gpu-0/],
    ['none', { requests: [{ name: 'r', exactly: { deviceClassName: 'gpu.nvidia.com', selectors: [{ cel: { expression: "device.attributes['gpu.nvidia.com'].productName == 'A100'" } }] } }] }, /no device of class gpu\.nvidia\.com that matches/],
    ['admin', { requests: [{ name: 'r', exactly: { deviceClassName: 'gpu.nvidia.com', adminAccess: true } }] }, /adminAccess, which needs the label/],
  ];
  for (const [name, devices, expected] of cases) {
    await client.create(RESOURCECLAIMS, claim(name, devices));
    await client.create(PODS, gpuPod(name, {}, { resourceClaims: [{ name: 'g', resourceClaimName: name }] }));
    assert.match(await why(name) ?? '', expected);
  }
  await client.create(PODS, gpuPod('lost', {}, { resourceClaims: [{ name: 'g', resourceClaimName: 'nowhere' }] }));
  assert.equal(await why('lost'), 'resourceclaim "nowhere" not found');
});

test('nodes that count devices by themselves are counted; parts of nothing are refused by name', async (t) => {
  const house = harness();
  t.after(() => house.stop());
  await house.client.create(NODES, gpuNode('plugin', { 'nvidia.com/gpu': '1' }));
  await house.start('scheduler');
  await house.client.create(PODS, gpuPod('a', { 'nvidia.com/gpu': '1' }));
  await until(async () => (await house.client.get(PODS, 'a', 'default')).spec.nodeName === 'plugin');
  await house.client.create(PODS, gpuPod('b', { 'nvidia.com/gpu': '1' }));
  await house.client.create(PODS, gpuPod('c', {}, { annotations: { 'gpu-fraction': '0.5' } }));
  await settle(house.server);
  const messages = await Promise.all(['b', 'c'].map(async (name) => findCondition((await house.client.get(PODS, name, 'default')).status?.conditions, 'PodScheduled')?.message ?? ''));
  assert.equal(messages[0], '0/1 nodes are available: 1 Insufficient nvidia.com/gpu.');
  assert.match(messages[1] ?? '', /gpu-fraction.*no device class serves nvidia\.com\/gpu/);
});

test('whatever write fails or is the last before the end, nothing is leaked or given twice', async (t) => {
  const kinds = ['POST claims', 'PATCH claims status', 'PATCH pods status', 'POST binding', 'PATCH claims'];
  const kindOf = (method: string, path: string): string => `${method} ${path.endsWith('/binding') ? 'binding' : path.includes('/resourceclaims') ? 'claims' : 'pods'}${path.endsWith('/status') ? ' status' : ''}`;
  for (const mode of ['refused', 'unanswered', 'killed'] as const) {
    for (const kind of kinds) {
      await t.test(`${kind} ${mode}`, async (inner) => {
        const { client, server, bound, claims, end, get, stop, results } = await start(inner, [slice('n', [gpu('gpu-0')])]);
        await client.create(RESOURCECLAIMS, claim('named', { requests: [{ name: 'r', exactly: { deviceClassName: 'gpu.nvidia.com', allocationMode: 'ExactCount', count: 1, capacity: { requests: { memory: '8Gi', cores: '10' } } } }] }));
        let failed = 0;
        server.intercept = (request) => {
          if (failed === 0 && kindOf(request.method, request.path) === kind) {
            failed += 1;
            if (mode === 'unanswered') {
              // The server acts and the answer is lost.
              server.intercept = undefined;
              return server.request(request).then(() => {
                throw new Error('the connection broke');
              });
            }
            throw new Error('the connection broke');
          }
          if (failed > 0 && mode === 'killed' && request.method !== 'GET') {
            throw new Error('this process has ended');
          }
          return undefined;
        };
        const pods = [gpuPod('a', {}, { annotations: { 'gpu-fraction': '0.8' } }), gpuPod('b', {}, { resourceClaims: [{ name: 'g', resourceClaimName: 'named' }] })];
        for (const pod of pods) {
          await client.create(PODS, pod);
        }
        await until(() => failed === 1);
        if (mode === 'killed') {
          await stop();
          server.intercept = undefined;
          const again = harness(server);
          inner.after(() => again.stop());
          await again.start('scheduler,resourceclaim,garbagecollector');
        }
        await bound('a');
        await bound('b');
        await settle(server);
        assert.equal((await results('a')).length, 1);
        const all = (await claims()).flatMap(({ status }) => status?.allocation?.devices?.results ?? []);
        assert.equal(all.length, 2);
        assert.deepEqual(new Set(all.map(({ consumedCapacity }) => consumedCapacity?.['cores'])), new Set(['10', '80']));
        assert.ok((await claims()).every(({ status }) => status?.reservedFor?.length === 1));
        await end('a');
        await end('b');
        await until(async () => (await claims()).every(({ status }) => status?.allocation === undefined) && (await claims()).length === 1);
        assert.equal((await get('a')).spec.nodeName, 'n');
      });
    }
  }
});

test('pods that want no devices leave nodes alone that have some', async (t) => {
  const { client, bound, get } = await start(t);
  await client.create(NODES, gpuNode('plain', { cpu: '4' }));
  for (const name of ['a', 'b', 'c']) {
    await client.create(PODS, gpuPod(name, {}));
    await bound(name);
    assert.equal((await get(name)).spec.nodeName, 'plain');
  }
});

test('devices are packed: parts join parts, whole devices stay whole', async (t) => {
  const { client, bound, get } = await start(t, ['a', 'b', 'c'].map((name) => slice(name, [gpu('gpu-0'), gpu('gpu-1')])));
  const nodes = new Set<string | undefined>();
  for (const index of [0, 1, 2, 3]) {
    await client.create(PODS, gpuPod(`p${index}`, {}, { annotations: { 'gpu-fraction': '0.5' } }));
    await bound(`p${index}`);
    nodes.add((await get(`p${index}`)).spec.nodeName);
  }
  assert.equal(nodes.size, 1);
  await client.create(PODS, gpuPod('whole', { 'nvidia.com/gpu': '2' }));
  await bound('whole');
});
