/** Custom resources as owners, as what is owned, and in namespaces that go: the controllers with the real server and kubectl. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { CONFIGMAPS } from '../../src/client/resources.ts';
import type { Resource } from '../../src/client/resource.ts';
import { realServer, type RealServer } from '../harness/controllers.ts';

const definition = (plural: string, kind: string, version: string): object => ({
  apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: `${plural}.harbour.example` },
  spec: {
    group: 'harbour.example', scope: 'Namespaced', names: { plural, kind },
    versions: [{ name: version, served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } } }],
  },
});
const DEFINITIONS: Resource = { group: 'apiextensions.k8s.io', version: 'v1', plural: 'customresourcedefinitions', kind: 'CustomResourceDefinition', namespaced: false };
const BOATS: Resource = { group: 'harbour.example', version: 'v1', plural: 'boats', kind: 'Boat', namespaced: true };
/** Only served in a version that its group does not prefer. */
const RAFTS: Resource = { group: 'harbour.example', version: 'v1alpha1', plural: 'rafts', kind: 'Raft', namespaced: true };

describe('custom resources and what they own', () => {
  let real: RealServer;
  const create = async (resource: Resource, name: string, namespace?: string, owner?: { apiVersion: string; kind: string; name: string; uid: string }): Promise<string> => {
    const made = await real.client.create(resource, {
      apiVersion: resource.group === '' ? 'v1' : `${resource.group}/${resource.version}`, kind: resource.kind,
      metadata: { name, ...(namespace === undefined ? {} : { namespace }), ...(owner === undefined ? {} : { ownerReferences: [{ ...owner, blockOwnerDeletion: true }] }) },
    });
    return made.metadata.uid ?? '';
  };
  const left = async (resource: Resource, namespace: string): Promise<string[]> =>
    (await real.client.list(resource, { namespace })).items.map(({ metadata }) => metadata.name).filter((name) => name !== 'kube-root-ca.crt');
  /** The runner's limit is the limit. */
  const empty = async (resource: Resource, namespace: string): Promise<void> => {
    while ((await left(resource, namespace)).length > 0) {
      await new Promise((resolve) => { setTimeout(resolve, 20); });
    }
  };
  before(async () => {
    real = await realServer({ selection: 'garbagecollector,namespace' });
    for (const one of [definition('boats', 'Boat', 'v1'), definition('rafts', 'Raft', 'v1alpha1')]) {
      await real.client.raw({ method: 'POST', path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', body: one });
    }
  });
  after(() => real.stop());

  it('go with their owners, and what they own goes with them', async () => {
    const harbour = await create(CONFIGMAPS, 'harbour', 'default');
    const boat = await create(BOATS, 'ann', 'default', { apiVersion: 'v1', kind: 'ConfigMap', name: 'harbour', uid: harbour });
    const raft = await create(RAFTS, 'ann-s', 'default', { apiVersion: 'harbour.example/v1', kind: 'Boat', name: 'ann', uid: boat });
    await create(CONFIGMAPS, 'cargo', 'default', { apiVersion: 'harbour.example/v1alpha1', kind: 'Raft', name: 'ann-s', uid: raft });
    await real.client.delete(CONFIGMAPS, 'harbour', 'default', { propagationPolicy: 'Background' });
    await empty(BOATS, 'default');
    await empty(RAFTS, 'default');
    await empty(CONFIGMAPS, 'default');
  });

  it('wait for what they own, or leave it, as kubectl is asked', async () => {
    const boat = await create(BOATS, 'bea', 'default');
    await create(CONFIGMAPS, 'bea-cargo', 'default', { apiVersion: 'harbour.example/v1', kind: 'Boat', name: 'bea', uid: boat });
    await real.kubectl('delete', 'boat', 'bea', '--cascade=foreground', '--timeout=30s');
    assert.deepEqual([await left(BOATS, 'default'), await left(CONFIGMAPS, 'default')], [[], []]);
    const other = await create(BOATS, 'cleo', 'default');
    await create(CONFIGMAPS, 'cleo-cargo', 'default', { apiVersion: 'harbour.example/v1', kind: 'Boat', name: 'cleo', uid: other });
    await real.kubectl('delete', 'boat', 'cleo', '--cascade=orphan', '--timeout=30s');
    assert.deepEqual([await left(BOATS, 'default'), await left(CONFIGMAPS, 'default')], [[], ['cleo-cargo']]);
  });

  it('go with their namespace, whatever version they are served in', async () => {
    await real.kubectl('create', 'namespace', 'dock');
    await create(BOATS, 'dee', 'dock');
    await create(RAFTS, 'dee-s', 'dock');
    await real.kubectl('delete', 'namespace', 'dock', '--timeout=30s');
    assert.deepEqual([await left(BOATS, 'dock'), await left(RAFTS, 'dock')], [[], []]);
  });

  it('are owners still when they are served in another version only', async () => {
    const boat = await create(BOATS, 'flo', 'default');
    await create(CONFIGMAPS, 'flo-cargo', 'default', { apiVersion: 'harbour.example/v1', kind: 'Boat', name: 'flo', uid: boat });
    const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
    await real.client.raw({
      method: 'PATCH', path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/boats.harbour.example', contentType: 'application/merge-patch+json',
      body: { spec: { versions: [{ name: 'v2', served: true, storage: true, schema }, { name: 'v1', served: false, storage: false, schema }] } },
    });
    await create(CONFIGMAPS, 'flo-chart', 'default', { apiVersion: 'harbour.example/v2', kind: 'Boat', name: 'flo', uid: boat });
    assert.deepEqual((await left(CONFIGMAPS, 'default')).sort(), ['cleo-cargo', 'flo-cargo', 'flo-chart']);
    await real.kubectl('delete', 'boats.v2.harbour.example', 'flo', '--cascade=foreground', '--timeout=30s');
    assert.deepEqual(await left(CONFIGMAPS, 'default'), ['cleo-cargo'], 'nothing goes but what the boat owned');
  });

  it('go with their definition, and so does their resource', async () => {
    await create(RAFTS, 'eve-s', 'default');
    await real.client.delete(DEFINITIONS, 'rafts.harbour.example');
    await assert.rejects(async () => {
      for (;;) {
        await left(RAFTS, 'default');
        await new Promise((resolve) => { setTimeout(resolve, 20); });
      }
    }, /could not find the requested resource|not found/);
  });
});
