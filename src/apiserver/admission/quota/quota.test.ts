import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { at, configMap, pod, TestServer, type Reply } from '../../testing/harness.ts';

const inNamespace = (name: string, plural: string): string => `/api/v1/namespaces/${name}/${plural}`;

const quota = (name: string, spec: Record<string, unknown>): Record<string, unknown> => ({ apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name }, spec });

const sized = (name: string, requests: Record<string, string>, limits: Record<string, string> = {}, extra: Record<string, unknown> = {}): Record<string, unknown> =>
  pod(name, { containers: [{ name: 'c', image: 'example.com/x:1', resources: { requests, limits } }], ...extra });

const message = ({ json }: Reply): string => String(json['message']);

describe('ResourceQuota', () => {
  let s: TestServer;
  before(async () => {
    s = await TestServer.start();
  });
  after(() => s.close());

  /** A namespace of its own with quotas of these specs, named q0, q1… */
  async function room(name: string, ...specs: Record<string, unknown>[]): Promise<(plural: string) => string> {
    assert.equal((await s.post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })).code, 201);
    for (const [index, spec] of specs.entries()) {
      const made = await s.post(inNamespace(name, 'resourcequotas'), quota(`q${index}`, spec));
      assert.equal(made.code, 201, made.text);
    }
    return (plural) => inNamespace(name, plural);
  }

  it('refuses what is too much, in Kubernetes\' words', async () => {
    const path = await room('words', { hard: { 'requests.cpu': '1', 'requests.memory': '1Gi', pods: '4' } });
    assert.equal((await s.post(path('pods'), sized('one', { cpu: '600m', memory: '256Mi' }))).code, 201);
    const second = await s.post(path('pods'), sized('two', { cpu: '600m', memory: '1Gi' }));
    assert.equal(second.code, 403);
    assert.equal(message(second), 'pods "two" is forbidden: exceeded quota: q0, requested: requests.cpu=600m,requests.memory=1Gi, '
      + 'used: requests.cpu=600m,requests.memory=256Mi, limited: requests.cpu=1,requests.memory=1Gi');
    assert.equal(message(await s.post(path('pods'), pod('three'))),
      'pods "three" is forbidden: failed quota: q0: must specify requests.cpu for: c; requests.memory for: c');
    const gone = await s.delete(`${path('pods')}/one`, { gracePeriodSeconds: 0 });
    assert.equal(gone.code, 200, gone.text);
    assert.equal((await s.post(path('pods'), sized('two', { cpu: '600m', memory: '1Gi' }))).code, 201, 'what was given back can be used again');
  });

  it('is never overspent by parallel writes, and gives no less than it has', async () => {
    const path = await room('race', { hard: { 'count/configmaps': '40', secrets: '7' } });
    const replies = await Promise.all(Array.from({ length: 64 }, (_, index) => s.post(path('configmaps'), configMap(`c${index}`))));
    const codes = Map.groupBy(replies, ({ code }) => code);
    assert.equal(codes.get(201)?.length, 40);
    assert.equal(codes.get(403)?.length, 24);
    assert.equal(at((await s.get(path('configmaps'))).json, 'items', 39, 'kind') ?? 'ConfigMap', 'ConfigMap');
    // Failed writes and dry runs use nothing.
    const [taken] = replies.filter(({ code }) => code === 201);
    const name = String(at(taken?.json, 'metadata', 'name'));
    await s.delete(`${path('configmaps')}/${name}`);
    for (let round = 0; round < 5; round += 1) {
      assert.equal((await s.post(`${path('configmaps')}?dryRun=All`, configMap('tried'))).code, 201);
    }
    const again = await Promise.all(Array.from({ length: 8 }, () => s.post(path('configmaps'), configMap('same'))));
    assert.deepEqual(again.map(({ code }) => code).filter((code) => code === 201).length, 1);
    assert.equal((await s.post(path('configmaps'), configMap('more'))).code, 403);
  });

  it('is counted anew when it changes, and from what was there before it', async () => {
    const path = await room('late');
    await Promise.all(['a', 'b'].map((name) => s.post(path('configmaps'), configMap(name))));
    await s.post(path('resourcequotas'), quota('q', { hard: { configmaps: '2' } }));
    assert.equal(message(await s.post(path('configmaps'), configMap('c'))),
      'configmaps "c" is forbidden: exceeded quota: q, requested: configmaps=1, used: configmaps=2, limited: configmaps=2');
    await s.patch(`${path('resourcequotas')}/q`, { spec: { hard: { configmaps: '3' } } });
    assert.equal((await s.post(path('configmaps'), configMap('c'))).code, 201);
    assert.equal((await s.post(path('configmaps'), configMap('d'))).code, 403);
    await s.delete(`${path('resourcequotas')}/q`);
    assert.equal((await s.post(path('configmaps'), configMap('d'))).code, 201);
  });

  it('counts only what is in its scope', async () => {
    const path = await room('scopes', { hard: { pods: '1' }, scopes: ['BestEffort'] }, { hard: { pods: '1' }, scopes: ['Terminating'] },
      { hard: { pods: '0' }, scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['system-node-critical'] }] } });
    assert.equal((await s.post(path('pods'), pod('idle'))).code, 201);
    assert.match(message(await s.post(path('pods'), pod('idle2'))), /exceeded quota: q0, requested: pods=1, used: pods=1, limited: pods=1/);
    assert.equal((await s.post(path('pods'), sized('busy', { cpu: '1' }))).code, 201);
    assert.equal((await s.post(path('pods'), sized('busy2', { cpu: '1' }))).code, 201);
    assert.equal((await s.post(path('pods'), sized('short', { cpu: '1' }, {}, { activeDeadlineSeconds: 60 }))).code, 201);
    assert.match(message(await s.post(path('pods'), sized('short2', { cpu: '1' }, {}, { activeDeadlineSeconds: 60 }))), /exceeded quota: q1/);
    assert.match(message(await s.post(path('pods'), sized('high', { cpu: '1' }, {}, { priorityClassName: 'system-node-critical' }))), /exceeded quota: q2/);
  });

  it('charges updates of services and claims for what they add', async () => {
    const path = await room('grow', { hard: { 'services.nodeports': '1', 'requests.storage': '10Gi', 'gold.storageclass.storage.k8s.io/requests.storage': '5Gi' } });
    const service = (name: string, type: string, ports: number[]): Record<string, unknown> =>
      ({ apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { type, ports: ports.map((port) => ({ name: `p${port}`, port })) } });
    assert.equal((await s.post(path('services'), service('web', 'ClusterIP', [80, 81]))).code, 201);
    assert.match(message(await s.patch(`${path('services')}/web`, { spec: { type: 'NodePort' } })),
      /services "web" is forbidden: exceeded quota: q0, requested: services.nodeports=2, used: services.nodeports=0, limited: services.nodeports=1/);
    assert.equal((await s.post(path('services'), service('one', 'NodePort', [80]))).code, 201);
    const claim = (name: string, storage: string): Record<string, unknown> => ({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name },
      spec: { storageClassName: 'gold', accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } } });
    assert.equal((await s.post(path('persistentvolumeclaims'), claim('data', '4Gi'))).code, 201);
    assert.match(message(await s.post(path('persistentvolumeclaims'), claim('more', '2Gi'))),
      /requested: gold.storageclass.storage.k8s.io\/requests.storage=2Gi, used: gold.storageclass.storage.k8s.io\/requests.storage=4Gi, limited/);
  });

  it('lets an ended pod\'s share go', async () => {
    const path = await room('ended', { hard: { pods: '1', 'count/pods': '2' } });
    await s.post(path('pods'), pod('job'));
    assert.equal((await s.post(path('pods'), pod('next'))).code, 403);
    const done = await s.patch(`${path('pods')}/job/status`, { status: { phase: 'Succeeded' } });
    assert.equal(done.code, 200, done.text);
    assert.equal((await s.post(path('pods'), pod('next'))).code, 201);
    await s.delete(`${path('pods')}/next`, { gracePeriodSeconds: 0 });
    assert.equal((await s.post(path('pods'), pod('another'))).code, 201);
    assert.match(message(await s.post(path('pods'), pod('third'))), /requested: count\/pods=1,pods=1, used: count\/pods=2,pods=1/, 'which still counts as an object');
  });
});
