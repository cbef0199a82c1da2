/** What a node may see and write: its own, and nothing of its neighbour's. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { isStatusError, StatusError } from '../../../apimachinery/status.ts';
import type { InProcessTransport } from '../../inprocess.ts';
import { at, TestServer } from '../../testing/harness.ts';

const CORE = '/api/v1/namespaces/default';
const secretNames = ['env', 'from', 'volume', 'projected', 'pull', 'ephemeral'];

const podWith = (name: string, nodeName: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  apiVersion: 'v1', kind: 'Pod', metadata: { name },
  spec: {
    nodeName, serviceAccountName: 'robot',
    containers: [{
      name: 'c', image: 'example.com/x:1', env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'env', key: 'a' } } }],
      envFrom: [{ secretRef: { name: 'from' } }, { configMapRef: { name: 'settings' } }],
    }],
    imagePullSecrets: [{ name: 'pull' }],
    volumes: [
      { name: 'v', secret: { secretName: 'volume' } }, { name: 'p', projected: { sources: [{ secret: { name: 'projected' } }, { serviceAccountToken: { path: 't' } }, { serviceAccountToken: { path: 'v', audience: 'vault' } }] } },
      { name: 'd', persistentVolumeClaim: { claimName: 'disk' } },
    ],
    ...more,
  },
});

describe('nodes', () => {
  let s: TestServer;
  let here: InProcessTransport;
  let there: InProcessTransport;
  before(async () => {
    s = await TestServer.start({ serviceAccounts: false });
    const node = (name: string): InProcessTransport => s.server.transport({ name: `system:node:${name}`, groups: ['system:nodes', 'system:authenticated'] });
    [here, there] = [node('here'), node('there')];
    for (const name of [...secretNames, 'other']) {
      assert.equal((await s.post(`${CORE}/secrets`, { metadata: { name }, stringData: { a: '1' } })).code, 201);
    }
    await s.post(`${CORE}/configmaps`, { metadata: { name: 'settings' } });
    await s.post(`${CORE}/serviceaccounts`, { metadata: { name: 'robot' } });
    for (const name of ['here', 'there']) {
      assert.equal((await s.post('/api/v1/nodes', { metadata: { name } })).code, 201);
    }
    assert.equal((await s.post(`${CORE}/pods`, podWith('mine', 'here'))).code, 201);
    assert.equal((await s.post(`${CORE}/pods`, podWith('theirs', 'there', { volumes: [], imagePullSecrets: [], containers: [{ name: 'c', image: 'example.com/x:1' }] }))).code, 201);
  });
  after(() => s.close());

  /** The message of the refusal, its object left out. */
  const refusal = async (as: InProcessTransport, method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH', path: string, more: Record<string, unknown> = {}): Promise<string> => {
    try {
      await as.request({ method, path, ...more });
    } catch (error) {
      assert.ok(isStatusError(error, 'Forbidden'), error instanceof StatusError ? error.message : String(error));
      return error.message;
    }
    return 'allowed';
  };
  const get = (as: InProcessTransport, path: string, query: Record<string, string> = {}): Promise<string> => refusal(as, 'GET', path, { query });

  it('read what their pods refer to, one by one, and nothing else', async () => {
    for (const name of secretNames.filter((one) => one !== 'ephemeral')) {
      assert.equal(await get(here, `${CORE}/secrets/${name}`), 'allowed', name);
      assert.match(await get(there, `${CORE}/secrets/${name}`), /: no relationship found between node 'there' and this object$/, name);
    }
    assert.equal(await get(here, `${CORE}/configmaps/settings`), 'allowed');
    assert.match(await get(here, `${CORE}/secrets/other`), /User "system:node:here" cannot get resource "secrets" .*: no relationship found/);
    assert.equal(await get(here, `${CORE}/secrets`, { fieldSelector: 'metadata.name=env' }), 'allowed');
    assert.match(await get(here, `${CORE}/secrets`), /No Object name found/);
    assert.match(await get(here, '/api/v1/secrets'), /can only read namespaced object of this type/);
    assert.match(await refusal(here, 'DELETE', `${CORE}/secrets/env`), /can only read resources of this type/);
  });

  it('see their own pods and Node only', async () => {
    assert.equal(await get(here, '/api/v1/pods', { fieldSelector: 'spec.nodeName=here' }), 'allowed');
    assert.match(await get(here, '/api/v1/pods', { fieldSelector: 'spec.nodeName=there' }), /can only list\/watch pods with spec.nodeName field selector/);
    assert.match(await get(here, '/api/v1/pods'), /can only list\/watch pods with spec.nodeName field selector/);
    assert.equal(await get(here, `${CORE}/pods/mine`), 'allowed');
    assert.match(await get(here, `${CORE}/pods/theirs`), /no relationship found/);
    assert.equal(await get(here, '/api/v1/nodes/here'), 'allowed');
    assert.match(await get(here, '/api/v1/nodes/there'), /node 'here' cannot read 'there', only its own Node object/);
    assert.match(await get(here, '/api/v1/nodes'), /node 'here' cannot read all nodes, only its own Node object/);
    assert.match(await get(s.server.transport({ name: 'system:node:', groups: ['system:nodes'] }), '/api/v1/nodes'), /unknown node for user "system:node:"/);
  });

  it('follow what pods come to refer to, and forget it with them', async () => {
    assert.equal((await s.post(`${CORE}/pods`, podWith('brief', 'there'))).code, 201);
    assert.equal(await get(there, `${CORE}/secrets/env`), 'allowed');
    const debug = { spec: { ephemeralContainers: [{ name: 'd', image: 'x', env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'ephemeral', key: 'a' } } }] }] } };
    assert.match(await get(here, `${CORE}/secrets/ephemeral`), /no relationship/);
    const patched = await s.ask({ method: 'PATCH', path: `${CORE}/pods/mine/ephemeralcontainers`, body: debug, headers: { 'content-type': 'application/strategic-merge-patch+json' } });
    assert.equal(patched.code, 200, patched.text);
    assert.equal(await get(here, `${CORE}/secrets/ephemeral`), 'allowed');
    await s.delete(`${CORE}/pods/brief`, { gracePeriodSeconds: 0 });
    assert.match(await get(there, `${CORE}/secrets/env`), /no relationship/);
  });

  it('run machines, whose disks may be Secrets, also while one pod follows another', async () => {
    const machines = '/apis/kubevirt.io/v1/namespaces/default/virtualmachineinstances';
    const made = await s.post(machines, {
      apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachineInstance', metadata: { name: 'vm' },
      spec: {
        domain: { devices: { disks: [{ name: 'd', disk: {} }] }, memory: { guest: '64Mi' } },
        volumes: [{ name: 'd', cloudInitNoCloud: { secretRef: { name: 'other' } } }],
      },
    });
    assert.equal(made.code, 201, made.text);
    const owner = { apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachineInstance', name: 'vm', uid: at(made.json, 'metadata', 'uid'), controller: true };
    const launcher = (name: string): Record<string, unknown> => {
      const pod = podWith(name, 'here', { volumes: [], imagePullSecrets: [] });
      return { ...pod, metadata: { name, ownerReferences: [owner] } };
    };
    const touch = async (as: InProcessTransport): Promise<string> => refusal(as, 'PUT', `${machines}/vm`, { body: (await s.get(`${machines}/vm`)).json });
    assert.match(await touch(here), /node "here" can only change virtual machine instances that run on it/);
    for (const name of ['launcher-1', 'launcher-2']) {
      assert.equal((await s.post(`${CORE}/pods`, launcher(name))).code, 201);
    }
    assert.equal(await get(here, `${CORE}/secrets/other`), 'allowed');
    assert.match(await get(there, `${CORE}/secrets/other`), /no relationship/);
    await s.delete(`${CORE}/pods/launcher-1`, { gracePeriodSeconds: 0 });
    assert.equal(await touch(here), 'allowed');
    await s.delete(`${CORE}/pods/launcher-2`, { gracePeriodSeconds: 0 });
    assert.match(await touch(here), /can only change/);
    assert.match(await get(here, `${CORE}/secrets/other`), /no relationship/);
  });

  it('write their own status, and no pod\'s labels', async () => {
    const status = { method: 'PUT' as const, contentType: 'application/json' };
    const { json } = await s.get(`${CORE}/pods/mine`);
    assert.equal(await refusal(here, 'PUT', `${CORE}/pods/mine/status`, { ...status, body: { ...json, status: { phase: 'Running' } } }), 'allowed');
    assert.match(await refusal(there, 'PUT', `${CORE}/pods/mine/status`, { ...status, body: { ...json, metadata: { ...(json['metadata'] as object), resourceVersion: '' } } }),
      /node "there" can only update pod status for pods with spec.nodeName set to itself/);
    const labelled = { ...json, metadata: { name: 'mine', namespace: 'default', labels: { a: 'b' } } };
    assert.match(await refusal(here, 'PUT', `${CORE}/pods/mine/status`, { ...status, body: labelled }), /node "here" cannot update labels through pod status/);
    assert.match(await refusal(there, 'DELETE', `${CORE}/pods/mine`), /node "there" can only delete pods with spec.nodeName set to itself/);
    assert.match(await refusal(here, 'POST', `${CORE}/pods`, { body: podWith('sneaky', 'here') }), /pod does not have "kubernetes.io\/config.mirror" annotation, node "here" can only create mirror pods/);
  });

  it('change no other Node, no taints and no labels that others sort by', async () => {
    const { json } = await s.get('/api/v1/nodes/here');
    const metadata = { name: 'here', labels: { 'kubernetes.io/hostname': 'h', 'example.com/rack': '1' } };
    assert.equal(await refusal(here, 'PUT', '/api/v1/nodes/here', { body: { ...json, metadata } }), 'allowed');
    assert.match(await refusal(here, 'PUT', '/api/v1/nodes/there', { body: { ...json, metadata: { name: 'there' } } }), /node "here" is not allowed to modify node "there"/);
    for (const label of ['node-role.kubernetes.io/control-plane', 'node-restriction.kubernetes.io/team', 'x.k8s.io/y']) {
      assert.match(await refusal(here, 'PUT', '/api/v1/nodes/here', { body: { ...json, metadata: { name: 'here', labels: { ...metadata.labels, [label]: '' } } } }),
        new RegExp(`node "here" is not allowed to modify labels: ${label}`));
    }
    assert.match(await refusal(here, 'PUT', '/api/v1/nodes/here', { body: { ...json, metadata, spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } } }),
      /node "here" is not allowed to modify taints/);
    assert.match(await refusal(here, 'POST', '/api/v1/nodes', { body: { apiVersion: 'v1', kind: 'Node', metadata: { name: 'third' } } }), /not allowed to modify node "third"/);
  });

  it('hold their own Lease only', async () => {
    const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
    const lease = (name: string): Record<string, unknown> => ({ body: { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name }, spec: {} } });
    assert.equal(await refusal(here, 'POST', leases, lease('here')), 'allowed');
    assert.match(await refusal(here, 'POST', leases, lease('there')), /can only access node lease with the same name as the requesting node/);
    assert.match(await get(here, `${leases}/there`), /can only access node lease with the same name as the requesting node/);
    assert.match(await get(here, leases), /can only get, create, update, patch, or delete a node lease/);
    assert.match(await get(here, '/apis/coordination.k8s.io/v1/namespaces/default/leases/here'), /can only access leases in the "kube-node-lease" system namespace/);
  });

  it('ask for tokens on behalf of their pods only', async () => {
    const path = `${CORE}/serviceaccounts/robot/token`;
    const uid = at((await s.get(`${CORE}/pods/mine`)).json, 'metadata', 'uid');
    const ask = (reference: unknown, ...audiences: string[]): Record<string, unknown> =>
      ({ body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences, boundObjectRef: reference } } });
    assert.equal(await refusal(here, 'POST', path, ask({ kind: 'Pod', name: 'mine', uid })), 'allowed');
    assert.equal(await refusal(here, 'POST', path, ask({ kind: 'Pod', name: 'mine', uid }, 'vault')), 'allowed');
    assert.match(await refusal(here, 'POST', path, ask({ kind: 'Pod', name: 'mine', uid }, 'db')), /audience "db" not found in pod spec volume/);
    assert.match(await refusal(here, 'POST', path, ask({ kind: 'Pod', name: 'mine', uid }, 'vault', 'db')), /node may only request 0 or 1 audiences/);
    assert.match(await refusal(here, 'POST', path, ask(undefined)), /node requested token not bound to a pod/);
    assert.match(await refusal(here, 'POST', path, ask({ kind: 'Pod', name: 'mine' })), /node requested token with a pod binding without a uid/);
    const theirs = at((await s.get(`${CORE}/pods/theirs`)).json, 'metadata', 'uid');
    assert.match(await refusal(here, 'POST', path, ask({ kind: 'Pod', name: 'theirs', uid: theirs })), /bound to a pod scheduled on a different node/);
    assert.match(await refusal(here, 'POST', `${CORE}/serviceaccounts/default/token`, ask({ kind: 'Pod', name: 'mine', uid })), /no relationship|not found/);
  });
});
