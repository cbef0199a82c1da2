import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { at, pod, PODS, TestServer, type Reply } from '../testing/harness.ts';

const BUDGETS = '/apis/policy/v1/namespaces/default/poddisruptionbudgets';

describe('eviction', () => {
  let s: TestServer;
  before(async () => {
    s = await TestServer.start();
  });
  after(() => s.close());

  const evict = (name: string, query = '', extra: Record<string, unknown> = {}): Promise<Reply> =>
    s.post(`${PODS}/${name}/eviction${query}`, { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name }, ...extra });

  /** A pod that runs and is ready, or not. */
  async function running(name: string, app: string, ready = true): Promise<void> {
    await s.post(PODS, { ...pod(name), metadata: { name, labels: { app } } });
    const set = await s.patch(`${PODS}/${name}/status`, { status: { phase: 'Running', conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] } });
    assert.equal(set.code, 200, set.text);
  }

  async function budget(app: string, spec: Record<string, unknown>, status?: Record<string, unknown>): Promise<void> {
    await s.post(BUDGETS, { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: app }, spec: { selector: { matchLabels: { app } }, ...spec } });
    if (status !== undefined) {
      await s.patch(`${BUDGETS}/${app}/status`, { status: { observedGeneration: 1, ...status } });
    }
  }

  it('refuses what a budget does not allow, and counts what it does', async () => {
    await Promise.all(['web-1', 'web-2', 'web-3'].map((name) => running(name, 'web')));
    await budget('web', { minAvailable: 2 });
    const early = await evict('web-1');
    assert.equal(early.code, 429);
    assert.equal(early.headers['retry-after'], '10');
    assert.equal(at(early.json, 'details', 'causes', 0, 'message'), 'The disruption budget web is still being processed by the server.');
    await s.patch(`${BUDGETS}/web/status`, { status: { observedGeneration: 1, disruptionsAllowed: 1, currentHealthy: 3, desiredHealthy: 2, expectedPods: 3 } });
    assert.equal((await evict('web-1', '?dryRun=All')).code, 201);
    const [first, second] = await Promise.all([evict('web-1'), evict('web-2')]);
    const refused = first?.code === 429 ? first : second;
    assert.deepEqual([first?.code, second?.code].sort((a = 0, b = 0) => a - b), [201, 429], 'of two at once one is allowed');
    assert.equal(refused?.json['message'], 'Cannot evict pod as it would violate the pod\'s disruption budget.');
    assert.equal(refused?.json['reason'], 'TooManyRequests');
    assert.deepEqual(at(refused?.json, 'details', 'causes', 0), { reason: 'DisruptionBudget', message: 'The disruption budget web needs 2 healthy pods and has 3 currently' });
    const after = await s.get(`${BUDGETS}/web`);
    assert.equal(at(after.json, 'status', 'disruptionsAllowed'), 0);
    assert.equal(Object.keys(at(after.json, 'status', 'disruptedPods') ?? {}).length, 1);
    assert.equal(at(after.json, 'status', 'conditions', 0, 'reason'), 'InsufficientPods');
  });

  it('lets pods go that are not ready anyway, when the others are', async () => {
    await running('sick', 'clinic', false);
    await budget('clinic', { minAvailable: 1 }, { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 1, expectedPods: 1 });
    assert.equal((await evict('sick')).code, 429, 'too few are ready without it');
    await s.patch(`${BUDGETS}/clinic`, { spec: { unhealthyPodEvictionPolicy: 'AlwaysAllow' } });
    assert.equal((await evict('sick')).code, 201);
  });

  it('knows nothing of pods that no budget guards, and cannot choose between two', async () => {
    await running('free', 'free');
    assert.equal((await evict('free', '', { apiVersion: 'policy/v1beta1' })).code, 201, 'old kubectls post this');
    assert.equal((await s.get(`${PODS}/free`)).code, 404);
    await running('torn', 'torn');
    await budget('torn', { minAvailable: 0 });
    await s.post(BUDGETS, { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'torn-too' }, spec: { selector: {}, maxUnavailable: 1 } });
    const two = await evict('torn');
    assert.deepEqual([two.code, two.json['message']], [500, 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.']);
    assert.equal((await evict('torn', '', { metadata: { name: 'other' } })).json['message'], 'name in URL does not match name in Eviction object');
    assert.equal((await evict('nosuch')).code, 404);
  });

  it('tells a pod on a node why it goes', async () => {
    await s.post(PODS, { ...pod('bound', { nodeName: 'here' }), metadata: { name: 'bound' } });
    await s.delete(`${BUDGETS}/torn-too`);
    await s.patch(`${PODS}/bound/status`, { status: { phase: 'Running', conditions: [] } });
    assert.equal((await evict('bound', '', { deleteOptions: { gracePeriodSeconds: 7 } })).code, 201);
    const going = await s.get(`${PODS}/bound`);
    assert.equal(at(going.json, 'metadata', 'deletionGracePeriodSeconds'), 7);
    const [condition] = (at(going.json, 'status', 'conditions') as Record<string, unknown>[]).filter(({ type }) => type === 'DisruptionTarget');
    assert.deepEqual([condition?.['reason'], condition?.['message']], ['EvictionByEvictionAPI', 'Eviction API: evicting']);
  });

  it('binds pods with the labels of the place', async () => {
    await s.post('/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'east', labels: { 'topology.kubernetes.io/zone': 'z1' } } });
    await s.post(PODS, pod('placed'));
    const bound = await s.post(`${PODS}/placed/binding`, { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'placed' }, target: { kind: 'Node', name: 'east' } });
    assert.equal(bound.code, 201, bound.text);
    assert.deepEqual(at((await s.get(`${PODS}/placed`)).json, 'metadata', 'labels'), { 'topology.kubernetes.io/zone': 'z1' });
  });
});
