import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { NodeHandler } from '../../apimachinery/nodehandler.ts';
import { at, pod, PODS, TestServer } from '../testing/harness.ts';
import { UsageSource } from './source.ts';

const BASE = '/apis/metrics.k8s.io/v1beta1';

/** `/stats/summary` of a node with one pod, after `seconds` of work at half a core for the pod and two for the node. */
const summary = (seconds: number): unknown => ({
  node: { nodeName: 'here', cpu: { usageCoreNanoSeconds: seconds * 2e9 }, memory: { workingSetBytes: 4_194_304_000 } },
  pods: [{ podRef: { name: 'busy', namespace: 'default', uid: 'u' }, containers: [
    { name: 'c', cpu: { usageCoreNanoSeconds: seconds * 5e8 }, memory: { workingSetBytes: 10_485_761 } },
    { name: 'starting', cpu: {}, memory: {} },
  ] }],
});

describe('usage', () => {
  it('is a rate between two counts, over a window that moves on', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 });
    let asked = 0;
    // Counters go with the clock.
    const source = new UsageSource(() => {
      asked += 1;
      if (asked === 2) {
        t.mock.timers.setTime(1_002_000);
      }
      return Promise.resolve(summary((Date.now() - 1_000_000) / 1000 + 100));
    });
    const [first, second] = await Promise.all([source.use('here'), source.use('here')]);
    assert.equal(first, second, 'who asks together is answered together');
    assert.equal(asked, 2);
    assert.equal(first.windowMs, 2000);
    assert.deepEqual(first.node, { nanoCores: 2e9, bytes: 4_194_304_000 });
    assert.deepEqual([...first.pods], [['default/busy', new Map([['c', { nanoCores: 5e8, bytes: 10_485_761 }]])]]);
    assert.equal((await source.use('here')), first, 'what was just measured is not measured again');
    for (const [now, window] of [[1_005_000, 5000], [1_016_000, 16_000], [1_020_000, 4000]] as const) {
      t.mock.timers.setTime(now);
      assert.equal((await source.use('here')).windowMs, window);
    }
  });
});

describe('metrics.k8s.io', () => {
  let s: TestServer;
  const started = Date.now();
  const node: NodeHandler = {
    request(target, _req, res) {
      res.statusCode = target === '/stats/summary' ? 200 : 404;
      res.end(JSON.stringify(summary((Date.now() - started) / 1000)));
    },
    upgrade: (_target, _req, socket) => socket.destroy(),
  };
  before(async () => {
    s = await TestServer.start({ nodes: { connect: (name) => (name === 'here' ? node : undefined) } });
    for (const [name, labels] of [['here', { zone: 'a' }], ['lost', {}]] as const) {
      await s.post('/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name, labels } });
    }
    await s.post(PODS, { ...pod('busy', { nodeName: 'here' }), metadata: { name: 'busy', labels: { app: 'x' } } });
    await s.post(PODS, pod('waiting'));
  });
  after(() => s.close());

  it('stands in discovery', async () => {
    const list = await s.get(BASE);
    assert.deepEqual(at(list.json, 'resources', 1), { name: 'pods', singularName: '', namespaced: true, kind: 'PodMetrics', verbs: ['get', 'list'] });
    assert.equal(at((await s.get('/apis/metrics.k8s.io')).json, 'preferredVersion', 'groupVersion'), 'metrics.k8s.io/v1beta1');
    const groups = (await s.get('/apis')).json['groups'] as { name: string }[];
    assert.ok(groups.some(({ name }) => name === 'metrics.k8s.io'));
  });

  it('tells what nodes and pods use, in metrics-server\'s shape', async () => {
    const nodes = await s.get(`${BASE}/nodes`);
    assert.equal(nodes.code, 200, nodes.text);
    const [item, ...others] = nodes.json['items'] as unknown[];
    assert.equal(others.length, 0, 'a node that does not answer is left out');
    assert.deepEqual([at(item, 'kind'), at(item, 'metadata', 'name'), at(item, 'metadata', 'labels')], ['NodeMetrics', 'here', { zone: 'a' }]);
    assert.match(String(at(item, 'usage', 'cpu')), /^\d+n$/);
    assert.equal(at(item, 'usage', 'memory'), '4096000Ki');
    assert.match(String(at(item, 'window')), /^[\d.]+s$/);
    const pods = await s.get(`${BASE}/namespaces/default/pods?labelSelector=app%3Dx`);
    assert.equal(at(pods.json, 'kind'), 'PodMetricsList');
    assert.deepEqual([at(pods.json, 'items', 0, 'metadata', 'namespace'), at(pods.json, 'items', 0, 'containers', 0, 'usage', 'memory')], ['default', '10241Ki']);
    assert.equal(at((await s.get(`${BASE}/pods?labelSelector=app%3Dy`)).json, 'items', 'length'), undefined);
    assert.equal(at((await s.get(`${BASE}/namespaces/default/pods/busy`)).json, 'kind'), 'PodMetrics');
  });

  it('makes room for a metrics-server, and comes back after it', async () => {
    const services = '/apis/apiregistration.k8s.io/v1/apiservices';
    assert.equal((await s.get(`${services}/v1beta1.metrics.k8s.io`)).code, 404, 'its name is free');
    const made = await s.post(services, { apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', metadata: { name: 'v1beta1.metrics.k8s.io' }, spec: {
      group: 'metrics.k8s.io', version: 'v1beta1', service: { namespace: 'kube-system', name: 'metrics-server' }, insecureSkipTLSVerify: true,
      groupPriorityMinimum: 100, versionPriority: 100 } });
    assert.equal(made.code, 201, made.text);
    assert.equal((await s.get(`${BASE}/nodes`)).code, 503, 'it is asked, though it is not there yet');
    await s.delete(`${services}/v1beta1.metrics.k8s.io`);
    assert.equal((await s.get(`${BASE}/nodes`)).code, 200);
  });

  it('answers for what it does not have', async () => {
    const waiting = await s.get(`${BASE}/namespaces/default/pods/waiting`);
    assert.deepEqual([waiting.code, waiting.json['message']], [404, 'podmetrics.metrics.k8s.io "default/waiting" not found']);
    assert.equal((await s.get(`${BASE}/nodes/lost`)).code, 404);
    assert.equal((await s.delete(`${BASE}/nodes/here`)).code, 405);
    assert.equal((await s.get(`${BASE}/volumes`)).code, 404);
    assert.equal((await s.ask({ path: `${BASE}/nodes`, token: null })).code, 401);
  });
});
