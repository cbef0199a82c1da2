import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { ENDPOINTS, ENDPOINTSLICES, PODS, SERVICES } from '../../client/resources.ts';
import type { Pod, PodSpec, Service, ServiceSpec } from '../../kinds/generated/core.ts';
import type { EndpointSlice } from '../../kinds/generated/discovery.ts';
import { harness, settle, until } from '../testing/harness.ts';

const service = (spec: Partial<ServiceSpec> = {}): Service => ({
  apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', namespace: 'default', labels: { team: 'a' } },
  spec: { clusterIP: '10.43.0.5', selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 'web' }], ...spec },
});
const pod = (name: string, port = 8080, spec: Partial<PodSpec> = {}): Pod => ({
  apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default', labels: { app: 'web' } },
  spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i', ports: [{ name: 'web', containerPort: port }] }], ...spec },
});

async function start(t: TestContext) {
  const house = harness();
  await house.start('endpointslice');
  t.after(() => house.stop());
  const { client } = house;
  const slices = async (): Promise<EndpointSlice[]> => (await client.list(ENDPOINTSLICES, { namespace: 'default' })).items;
  const add = async (one: Pod, podIP: string, ready = true): Promise<Pod> => {
    const created = await client.create(PODS, one);
    await house.setPod(created, { podIP, phase: 'Running', conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] });
    return created;
  };
  const addresses = async (condition: 'ready' | 'serving' = 'ready'): Promise<string[]> =>
    (await slices()).flatMap((slice) => slice.endpoints ?? []).filter((one) => one.conditions?.[condition] === true).flatMap((one) => one.addresses).sort();
  return { ...house, slices, add, addresses };
}

test('ready pods by named port; the rest is there but not ready', async (t) => {
  const { client, server, slices, add, addresses } = await start(t);
  await client.create(SERVICES, service());
  await until(async () => (await slices()).length === 1);
  const a = await add(pod('a'), '10.42.0.2');
  await add(pod('b', 9090), '10.42.0.3');
  await add(pod('c'), '10.42.0.4', false);
  await until(async () => (await addresses()).length === 2);
  await settle(server);
  const all = await slices();
  assert.deepEqual(new Map(all.map((slice) => [slice.ports?.[0]?.port, slice.endpoints?.length])), new Map([[8080, 2], [9090, 1]]));
  const [{ metadata, endpoints: [endpoint] = [] }] = [all[0] ?? assert.fail('no slice')];
  assert.deepEqual(metadata.labels, {
    'kubernetes.io/service-name': 'web', 'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io', team: 'a',
  });
  assert.equal(metadata.ownerReferences?.[0]?.kind, 'Service');
  assert.deepEqual([endpoint?.nodeName, endpoint?.targetRef?.kind], ['n', 'Pod']);
  const legacy = async () => (await client.get(ENDPOINTS, 'web', 'default')).subsets ?? [];
  assert.deepEqual((await legacy()).map((one) => [one.ports?.[0]?.port, one.addresses?.length, one.notReadyAddresses?.length]), [[8080, 1, 1], [9090, 1, undefined]]);
  await client.delete(PODS, 'a', 'default');
  await until(async () => !(await addresses()).includes('10.42.0.2'));
  assert.deepEqual(await addresses('serving'), ['10.42.0.2', '10.42.0.3']);
  await client.delete(PODS, a.metadata.name, 'default', { gracePeriodSeconds: 0 });
  await until(async () => (await addresses('serving')).length === 1);
});

test('headless services, host names and addresses published before they are ready', async (t) => {
  const { client, slices, add, addresses } = await start(t);
  await client.create(SERVICES, service({ clusterIP: 'None', publishNotReadyAddresses: true, ports: [] }));
  await add(pod('a', 80, { hostname: 'first', subdomain: 'web' }), '10.42.0.2', false);
  await until(async () => (await addresses()).length === 1);
  const [slice] = await slices();
  assert.equal(slice?.metadata.labels?.['service.kubernetes.io/headless'], '');
  assert.equal(slice?.endpoints?.[0]?.hostname, 'first');
  assert.deepEqual(slice?.ports, []);
});

test('at most a hundred endpoints a slice, and no slice is written twice for nothing', async (t) => {
  const { client, server, slices, add, addresses } = await start(t);
  await client.create(SERVICES, service());
  for (let at = 1; at <= 120; at += 1) {
    await add(pod(`p${at}`), `10.42.1.${at}`);
  }
  await until(async () => (await addresses()).length === 120);
  await settle(server);
  assert.deepEqual((await slices()).map((slice) => slice.endpoints?.length), [100, 20]);
  const writes = server.requests.filter((one) => one.startsWith('PUT') && one.includes('endpointslices')).length;
  await client.patch(PODS, { name: 'p1', namespace: 'default', type: 'merge', body: { metadata: { annotations: { a: 'b' } } } });
  await settle(server);
  assert.equal(server.requests.filter((one) => one.startsWith('PUT') && one.includes('endpointslices')).length, writes);
});

test('a service that goes takes its slices along; one without selector is left to its owner', async (t) => {
  const { client, server, slices } = await start(t);
  await client.create(SERVICES, service());
  await until(async () => (await slices()).length === 1);
  await client.delete(SERVICES, 'web', 'default');
  await until(async () => (await slices()).length === 0 && (await client.list(ENDPOINTS)).items.length === 0);
  const { selector: _selector, ...bare } = service().spec;
  await client.create(SERVICES, { ...service(), spec: bare });
  await settle(server);
  assert.equal((await slices()).length, 0);
});

test('a service that becomes a name elsewhere has no endpoints left, in either form', async (t) => {
  const { client, slices } = await start(t);
  const made = await client.create(SERVICES, service());
  await until(async () => (await slices()).length === 1 && (await client.list(ENDPOINTS)).items.length === 1);
  await client.update(SERVICES, { ...made, spec: { ...made.spec, type: 'ExternalName', externalName: 'example.com' } });
  await until(async () => (await slices()).length === 0 && (await client.list(ENDPOINTS)).items.length === 0);
});
