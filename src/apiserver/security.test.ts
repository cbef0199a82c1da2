/** Attacks that once worked, or that must never. Each is a request against a real server. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { AuditPolicy } from './audit/policy.ts';
import { issueRequested } from './pki/issue.ts';
import { parseCertificateRequest } from './certificates/request.ts';
import { at, TestServer, type Reply } from './testing/harness.ts';

const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const API = 'rbac.authorization.k8s.io';

describe('attacks', () => {
  let s: TestServer;
  const told: string[] = [];
  before(async () => {
    s = await TestServer.start({
      tokenFile: 'mallory-token,mallory,,"dev"\n', audit: { policy: AuditPolicy.parse('{apiVersion: audit.k8s.io/v1, kind: Policy, rules: [{level: RequestResponse}]}'), log: { write: (line) => { told.push(line); } } },
    });
  });
  after(() => s.close());

  const asMallory = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Reply> =>
    s.ask({ method, path, token: 'mallory-token', ...(body === undefined ? {} : { body }), headers });
  const give = async (name: string, rules: unknown): Promise<void> => {
    assert.equal((await s.post(`${RBAC}/clusterroles`, { metadata: { name }, rules })).code, 201);
    const made = await s.post(`${RBAC}/clusterrolebindings`, {
      metadata: { name }, roleRef: { apiGroup: API, kind: 'ClusterRole', name }, subjects: [{ kind: 'User', apiGroup: API, name: 'mallory' }],
    });
    assert.equal(made.code, 201, made.text);
  };

  it('a label does not aggregate what its author does not hold', async () => {
    await give('labels', [{ apiGroups: [API], resources: ['clusterroles'], verbs: ['get', 'update', 'patch'] }]);
    await s.post(`${RBAC}/clusterroles`, { metadata: { name: 'mighty' }, rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['*'] }] });
    const patch = { metadata: { labels: { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' } } };
    const refused = await asMallory('PATCH', `${RBAC}/clusterroles/mighty`, patch, { 'content-type': 'application/merge-patch+json' });
    assert.equal(refused.code, 403, refused.text);
    assert.match(refused.text, /attempting to grant RBAC permissions not currently held/);
    const applied = await asMallory('PATCH', `${RBAC}/clusterroles/mighty?fieldManager=m`, { apiVersion: `${API}/v1`, kind: 'ClusterRole', ...patch, metadata: { name: 'mighty', ...patch.metadata } },
      { 'content-type': 'application/apply-patch+yaml' });
    assert.equal(applied.code, 403, applied.text);
    const aggregated = { metadata: { name: 'gathers' }, aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] }, rules: [] };
    assert.equal((await s.post(`${RBAC}/clusterroles`, aggregated)).code, 201);
    const { json } = await s.get(`${RBAC}/clusterroles/gathers`);
    const frozen = await asMallory('PUT', `${RBAC}/clusterroles/gathers`, { ...json, aggregationRule: undefined });
    assert.equal(frozen.code, 403, frozen.text);
    const held = await asMallory('PATCH', `${RBAC}/clusterroles/mighty`, { metadata: { finalizers: ['example.com/x'] } }, { 'content-type': 'application/merge-patch+json' });
    assert.equal(held.code, 200, 'what garbage collection writes needs no rights');
  });

  it('a certificate with several common names speaks for the one that was checked', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'telar-names-'));
    try {
      const [key, csr] = [join(dir, 'key.pem'), join(dir, 'csr.pem')];
      execFileSync('openssl', ['req', '-new', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-subj', '/O=system:nodes/CN=system:kube-controller-manager/CN=system:node:a',
        '-keyout', key, '-out', csr], { stdio: ['ignore', 'ignore', 'pipe'] });
      const request = parseCertificateRequest(readFileSync(csr).toString('base64'));
      const cert = issueRequested(s.pki.ca, { ...request, usages: ['client auth', 'digital signature'], lifetime: 600 });
      const who = await s.ask({ method: 'POST', path: '/apis/authentication.k8s.io/v1/selfsubjectreviews', body: {}, certificate: { cert, key: readFileSync(key, 'utf8') } });
      assert.equal(at(who.json, 'status', 'userInfo', 'username'), request.commonName, who.text);
      const server = issueRequested(s.pki.ca, { ...request, usages: ['server auth', 'digital signature'], lifetime: 600 });
      const refused = await s.ask({ method: 'POST', path: '/apis/authentication.k8s.io/v1/selfsubjectreviews', body: {}, certificate: { cert: server, key: readFileSync(key, 'utf8') } });
      assert.equal(refused.code, 401, 'a certificate for servers is none for clients');
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it('a scale path does not reach the prototype of every object', async () => {
    const names = { plural: 'evils', singular: 'evil', kind: 'Evil', listKind: 'EvilList' };
    const created = await s.post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
      metadata: { name: 'evils.example.com' }, spec: { group: 'example.com', scope: 'Namespaced', names, versions: [{
        name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } } } },
        subresources: { scale: { specReplicasPath: '.spec.__proto__.polluted', statusReplicasPath: '.status.constructor.prototype.x' } },
      }] },
    });
    assert.equal(created.code, 201, created.text);
    const evils = '/apis/example.com/v1/namespaces/default/evils';
    const body = { apiVersion: 'example.com/v1', kind: 'Evil', metadata: { name: 'x' }, spec: {} };
    while ((await s.post(evils, body)).code === 404) {
      await sleep(5);
    }
    const scaled = await s.put(`${evils}/x/scale`, { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'x', namespace: 'default' }, spec: { replicas: 7 } });
    assert.equal(scaled.code, 200, scaled.text);
    const polluted = Reflect.get({}, 'polluted');
    Reflect.deleteProperty(Object.prototype, 'polluted');
    assert.equal(polluted, undefined);
  });

  it('no address of this machine hides behind a pod, however it is written', async () => {
    await s.post('/api/v1/namespaces/default/pods', { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'x' }] } });
    for (const ip of ['127.0.0.1', '169.254.169.254', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:169.254.169.254', 'febf::1', '::', '0.0.0.0', 'ff02::1']) {
      const set = await s.ask({ method: 'PATCH', path: '/api/v1/namespaces/default/pods/p/status', body: { status: { podIP: ip, podIPs: [{ ip }] } }, headers: { 'content-type': 'application/merge-patch+json' } });
      if (set.code === 422) {
        // Such an address is none that Kubernetes takes.
        continue;
      }
      const { code, text } = await s.get('/api/v1/namespaces/default/pods/p:1/proxy/');
      assert.equal(code, 400, `${ip}: ${text}`);
    }
  });

  it('no refusal tells the audit log what stands in a Secret', async () => {
    const secrets = '/api/v1/namespaces/default/secrets';
    const made = await s.post(secrets, { metadata: { name: 'hidden' }, stringData: { a: 'PLANTED-1' } });
    assert.equal(made.code, 201);
    const patch = (body: unknown, type: 'json' | 'merge'): Promise<Reply> => s.patch(`${secrets}/hidden`, body, type);
    const refused = [
      await s.post(secrets, '{"kind":"Secret","data":{"a":PLANTED-2}}'),
      await s.post(secrets, { metadata: { name: 'd' }, type: 'kubernetes.io/dockerconfigjson', stringData: { '.dockerconfigjson': 'PLANTED-3' } }),
      await patch({ stringData: { a: ['PLANTED-4'] } }, 'merge'), await patch([{ op: 'replace', path: '/data/a', value: 'PLANTED-5!' }], 'json'),
    ];
    assert.deepEqual(refused.map(({ code }) => code), [400, 422, 422, 422]);
    const ofSecrets = told.filter((line) => line.includes('"resource":"secrets"')).join('');
    assert.match(ofSecrets, /"code":422/);
    assert.doesNotMatch(ofSecrets, /PLANTED/);
    assert.ok(!ofSecrets.includes(Buffer.from('PLANTED-1').toString('base64')));
  });

  it('no token names a pod of another account, nor an object of another API', async () => {
    const core = '/api/v1/namespaces/default';
    await s.post(`${core}/serviceaccounts`, { metadata: { name: 'mine' } });
    for (const [name, serviceAccountName] of [['own', 'mine'], ['foreign', 'theirs']]) {
      assert.equal((await s.post(`${core}/pods`, { metadata: { name }, spec: { serviceAccountName, containers: [{ name: 'c', image: 'x' }] } })).code, 201);
    }
    const ask = (boundObjectRef: unknown): Promise<Reply> => s.post(`${core}/serviceaccounts/mine/token`, { spec: { boundObjectRef } });
    assert.equal((await ask({ apiVersion: 'v1', kind: 'Pod', name: 'own' })).code, 201);
    const foreign = await ask({ apiVersion: 'v1', kind: 'Pod', name: 'foreign' });
    assert.equal(foreign.code, 400);
    assert.equal(foreign.json['message'], 'cannot bind token for serviceaccount "mine" to pod running with different serviceaccount name.');
    assert.equal((await ask({ apiVersion: 'apps/v1', kind: 'Pod', name: 'own' })).code, 422);
  });

  it('no node makes itself a pod through which it reads what others keep', async () => {
    const core = '/api/v1/namespaces/default';
    await s.post('/api/v1/nodes', { metadata: { name: 'evil' } });
    await s.post(`${core}/secrets`, { metadata: { name: 'of-machine' }, stringData: { userdata: 'x' } });
    await s.post(`${core}/secrets`, { metadata: { name: 'of-nobody' }, stringData: { a: 'x' } });
    const machine = await s.post('/apis/kubevirt.io/v1/namespaces/default/virtualmachineinstances', {
      apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachineInstance', metadata: { name: 'vm' }, spec: {
        domain: { devices: { disks: [{ name: 'init', disk: {} }] }, resources: { requests: { memory: '64Mi' } } },
        volumes: [{ name: 'init', cloudInitNoCloud: { secretRef: { name: 'of-machine' } } }],
      },
    });
    assert.equal(machine.code, 201, machine.text);
    const evil = s.server.transport({ name: 'system:node:evil', groups: ['system:nodes', 'system:authenticated'] });
    const outcome = (method: 'GET' | 'POST' | 'PATCH', path: string, more: Record<string, unknown> = {}): Promise<string> =>
      evil.request({ method, path, ...more }).then(() => 'allowed', (error: unknown) => (error instanceof Error ? error.message : String(error)));
    const mirror = (name: string, meta: Record<string, unknown>, container: Record<string, unknown> = {}): Promise<string> => outcome('POST', `${core}/pods`, {
      body: { metadata: { name, annotations: { 'kubernetes.io/config.mirror': 'x' }, ...meta }, spec: { nodeName: 'evil', containers: [{ name: 'c', image: 'x', ...container }] } },
    });
    const owner = { apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachineInstance', name: 'vm', uid: String(at(machine.json, 'metadata', 'uid')), controller: true };
    assert.match(await mirror('m1', { ownerReferences: [owner] }), /node "evil" can only create pods with an owner reference set to itself/);
    assert.match(await mirror('m2', {}, { env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'of-nobody', key: 'a' } } }] }), /can not create pods that reference secrets/);
    assert.equal(await mirror('m3', {}), 'allowed');
    const patched = (metadata: Record<string, unknown>): Promise<string> =>
      outcome('PATCH', `${core}/pods/m3/status`, { contentType: 'application/merge-patch+json', body: { metadata } });
    assert.match(await patched({ annotations: { 'kubernetes.io/config.mirror': null } }), /may not remove or update mirror pod annotation/);
    await patched({ ownerReferences: [owner] });
    assert.equal(at((await s.get(`${core}/pods/m3`)).json, 'metadata', 'ownerReferences'), undefined);
    for (const name of ['of-machine', 'of-nobody']) {
      assert.match(await outcome('GET', `${core}/secrets/${name}`), /no relationship found between node 'evil' and this object/);
    }
  });
});
