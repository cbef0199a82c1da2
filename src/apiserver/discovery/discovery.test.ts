import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isObject } from '../../apimachinery/values.ts';
import { loadRegistry } from '../../kinds/registry.ts';
import { compareVersions } from './resources.ts';
import { apiGroup, apiGroupDiscoveryList, apiGroupList, apiResourceList, apiVersions } from './index.ts';

const registry = loadRegistry();
const list = (value: unknown, member: string): Record<string, unknown>[] => {
  const found = isObject(value) ? value[member] : undefined;
  return Array.isArray(found) ? found.filter(isObject) : [];
};
const named = (entries: Record<string, unknown>[], member: string, name: string): Record<string, unknown> | undefined => entries.find((one) => one[member] === name);

test('the plain list of pods and their subresources is a real server\'s', () => {
  const resources = list(apiResourceList(registry, '', 'v1'), 'resources').filter(({ name }) => String(name).startsWith('pods'));
  assert.deepEqual(named(resources, 'name', 'pods'), {
    name: 'pods', singularName: 'pod', namespaced: true, kind: 'Pod', storageVersionHash: 'xPOwRZ+Yhw8=', shortNames: ['po'], categories: ['all'],
    verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
  });
  assert.deepEqual(named(resources, 'name', 'pods/eviction'), { name: 'pods/eviction', singularName: '', namespaced: true, group: 'policy', version: 'v1', kind: 'Eviction', verbs: ['create'] });
  assert.deepEqual(named(resources, 'name', 'pods/status')?.['verbs'], ['get', 'patch', 'update']);
});

test('scale is autoscaling\'s, namespaces are not deleted by the collection', () => {
  const scale = named(list(apiResourceList(registry, 'apps', 'v1'), 'resources'), 'name', 'deployments/scale');
  assert.deepEqual([scale?.['group'], scale?.['version'], scale?.['kind']], ['autoscaling', 'v1', 'Scale']);
  const namespaces = named(list(apiResourceList(registry, '', 'v1'), 'resources'), 'name', 'namespaces');
  assert.deepEqual(namespaces?.['verbs'], ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch']);
});

test('groups come in kube-apiserver\'s order, versions with the preferred first', () => {
  const groups = list(apiGroupList(registry), 'groups').map(({ name }) => name);
  assert.deepEqual(groups.slice(0, 6), ['apiregistration.k8s.io', 'apps', 'events.k8s.io', 'authentication.k8s.io', 'authorization.k8s.io', 'autoscaling']);
  assert.ok(groups.indexOf('kubevirt.io') > groups.indexOf('discovery.k8s.io'));
  assert.deepEqual(list(apiGroup(registry, 'autoscaling'), 'versions').map(({ version }) => version), ['v2', 'v1']);
  assert.equal(apiGroup(registry, 'nothing.example'), undefined);
  assert.equal(apiResourceList(registry, 'apps', 'v1beta1'), undefined);
});

test('virtctl finds the group of the machines\' subresources', () => {
  assert.deepEqual(apiGroup(registry, 'subresources.kubevirt.io')?.['preferredVersion'], { groupVersion: 'subresources.kubevirt.io/v1', version: 'v1' });
  const resources = list(apiResourceList(registry, 'subresources.kubevirt.io', 'v1'), 'resources');
  assert.deepEqual(named(resources, 'name', 'virtualmachines/start')?.['verbs'], ['update']);
  assert.deepEqual(named(resources, 'name', 'virtualmachineinstances/console')?.['verbs'], ['get']);
});

test('aggregated discovery nests subresources, and names parents that are not served', () => {
  const core = list(apiGroupDiscoveryList(registry, 'api'), 'items');
  assert.equal(core.length, 1);
  const pods = named(list(list(core[0], 'versions')[0], 'resources'), 'resource', 'pods');
  assert.deepEqual([pods?.['scope'], pods?.['responseKind']], ['Namespaced', { group: '', version: 'v1', kind: 'Pod' }]);
  assert.deepEqual(list(pods, 'subresources').map(({ subresource }) => subresource), ['attach', 'binding', 'ephemeralcontainers', 'eviction', 'exec', 'log', 'portforward', 'proxy', 'resize', 'status']);
  const others = list(apiGroupDiscoveryList(registry, 'apis', 'v2beta1'), 'items');
  const group = others.find(({ metadata }) => isObject(metadata) && metadata['name'] === 'subresources.kubevirt.io');
  const machines = named(list(list(group, 'versions')[0], 'resources'), 'resource', 'virtualmachines');
  assert.deepEqual([machines?.['verbs'], machines?.['responseKind']], [[], { group: '', version: '', kind: '' }]);
});

test('/api', () => {
  assert.deepEqual(apiVersions('10.0.0.1:6443'), { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: '10.0.0.1:6443' }] });
});

test('versions of custom resources are ordered by how stable they are', () => {
  const versions = ['foo1', 'v1alpha1', 'v11beta2', 'v2', 'v10', 'v1', 'v3beta1', 'foo10', 'v12alpha1', 'v11alpha2'];
  assert.deepEqual(versions.sort(compareVersions), ['v10', 'v2', 'v1', 'v11beta2', 'v3beta1', 'v12alpha1', 'v11alpha2', 'v1alpha1', 'foo1', 'foo10']);
});
