import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { at, CMS, configMap, pod, PODS, TestServer } from '../testing/harness.ts';

const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';
const VMS = '/apis/kubevirt.io/v1/namespaces/default/virtualmachines';

const deployment = (name: string): Record<string, unknown> => ({
  apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name },
  spec: { replicas: 2, selector: { matchLabels: { app: name } }, template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'c', image: 'x:1' }] } } },
});

describe('verbs', () => {
  let s: TestServer;
  before(async () => {
    s = await TestServer.start();
  });
  after(() => s.close());

  it('creates, reads, replaces and deletes', async () => {
    const made = await s.post(CMS, configMap('one'));
    assert.equal(made.code, 201);
    assert.match(String(at(made.json, 'metadata', 'uid')), /^[0-9a-f-]{36}$/);
    assert.equal(at(made.json, 'metadata', 'generation'), undefined);
    const got = await s.get(`${CMS}/one`);
    assert.equal(got.code, 200);
    assert.deepEqual(got.json, made.json);
    const put = await s.put(`${CMS}/one`, { ...made.json, data: { a: '2' } });
    assert.equal(put.code, 200);
    assert.notEqual(at(put.json, 'metadata', 'resourceVersion'), at(made.json, 'metadata', 'resourceVersion'));
    const gone = await s.delete(`${CMS}/one`);
    assert.equal(gone.code, 200);
    assert.deepEqual(gone.json, {
      kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details: { name: 'one', kind: 'configmaps', uid: at(made.json, 'metadata', 'uid') },
    });
    const missing = await s.get(`${CMS}/one`);
    assert.equal(missing.code, 404);
    assert.equal(missing.json['message'], 'configmaps "one" not found');
    assert.equal(missing.json['reason'], 'NotFound');
  });

  it('refuses what exists, and what changed meanwhile', async () => {
    const made = await s.post(CMS, configMap('two'));
    const again = await s.post(CMS, configMap('two'));
    assert.equal(again.code, 409);
    assert.equal(again.json['message'], 'configmaps "two" already exists');
    assert.equal((await s.put(`${CMS}/two`, { ...made.json, data: { a: '2' } })).code, 200);
    const stale = await s.put(`${CMS}/two`, { ...made.json, data: { a: '3' } });
    assert.equal(stale.code, 409);
    assert.equal(stale.json['message'],
      'Operation cannot be fulfilled on configmaps "two": the object has been modified; please apply your changes to the latest version and try again');
    assert.equal((await s.put(`${CMS}/two`, configMap('two', { a: '4' }))).code, 200, 'without a resourceVersion an update is unconditional');
    assert.equal((await s.put(`${CMS}/never`, configMap('never'))).code, 404);
    const other = await s.put(`${CMS}/two`, configMap('three'));
    assert.equal(other.json['message'], 'the name of the object (three) does not match the name on the URL (two)');
  });

  it('writes nothing when nothing changes', async () => {
    const made = await s.post(CMS, configMap('same'));
    const put = await s.put(`${CMS}/same`, configMap('same'));
    assert.equal(at(put.json, 'metadata', 'resourceVersion'), at(made.json, 'metadata', 'resourceVersion'));
  });

  it('makes names from generateName', async () => {
    const made = await s.post(CMS, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'gen-' } });
    assert.match(String(at(made.json, 'metadata', 'name')), /^gen-[a-z0-9]{5}$/);
    assert.equal(at(made.json, 'metadata', 'generateName'), 'gen-');
  });

  it('deletes nothing when body or query asks for a dry run', async () => {
    const kept = '/api/v1/namespaces/default/configmaps';
    await s.post(kept, configMap('kept'));
    const options = { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: 'Background' };
    assert.equal((await s.ask({ method: 'DELETE', path: `${kept}?dryRun=All`, body: options })).code, 200);
    assert.equal((await s.ask({ method: 'DELETE', path: `${kept}/kept?dryRun=All`, body: options })).code, 200);
    assert.equal((await s.ask({ method: 'DELETE', path: kept, body: { ...options, dryRun: ['All'] } })).code, 200);
    assert.equal((await s.ask({ method: 'DELETE', path: `${kept}?dryRun=Some`, body: options })).code, 422);
    assert.equal((await s.get(`${kept}/kept`)).code, 200);
    assert.equal((await s.ask({ method: 'DELETE', path: `${kept}/kept`, body: options })).code, 200);
    assert.equal((await s.get(`${kept}/kept`)).code, 404);
  });

  it('changes nothing in a dry run', async () => {
    const before = s.store.currentRevision;
    const made = await s.post(`${CMS}?dryRun=All`, configMap('dry'));
    assert.equal(made.code, 201);
    assert.equal((await s.get(`${CMS}/dry`)).code, 404);
    assert.equal(s.store.currentRevision, before);
    assert.equal((await s.post(`${CMS}?dryRun=Some`, configMap('dry'))).code, 422);
  });

  it('patches in three ways', async () => {
    await s.post(DEPLOYMENTS, deployment('web'));
    const merged = await s.patch(`${DEPLOYMENTS}/web`, { metadata: { labels: { z: '1' } } });
    assert.equal(at(merged.json, 'metadata', 'labels', 'z'), '1');
    assert.equal(at(merged.json, 'metadata', 'generation'), 1, 'labels are not desired state');
    const strategic = await s.patch(`${DEPLOYMENTS}/web`, { spec: { template: { spec: { containers: [{ name: 'side', image: 'y:1' }] } } } }, 'strategic');
    assert.deepEqual((at(strategic.json, 'spec', 'template', 'spec', 'containers') as { name: string }[]).map(({ name }) => name), ['side', 'c']);
    assert.equal(at(strategic.json, 'metadata', 'generation'), 2);
    const json = await s.patch(`${DEPLOYMENTS}/web`, [{ op: 'replace', path: '/spec/replicas', value: 5 }], 'json');
    assert.equal(at(json.json, 'spec', 'replicas'), 5);
    const failed = await s.patch(`${DEPLOYMENTS}/web`, [{ op: 'test', path: '/spec/replicas', value: 6 }], 'json');
    assert.equal(failed.code, 422);
    const unknown = await s.ask({ method: 'PATCH', path: `${DEPLOYMENTS}/web`, body: {}, headers: { 'content-type': 'text/css' } });
    assert.equal(unknown.code, 415);
    assert.match(String(unknown.json['message']), /application\/json-patch\+json, application\/merge-patch\+json, application\/strategic-merge-patch\+json/);
    const binary = await s.ask({ method: 'PATCH', path: `${DEPLOYMENTS}/web`, body: {}, headers: { 'content-type': 'application/apply-patch+cbor' } });
    assert.equal(binary.code, 415);
    assert.equal((await s.patch(`${DEPLOYMENTS}/nope`, {})).code, 404);
    const locked = await s.patch(`${DEPLOYMENTS}/web`, { metadata: { resourceVersion: '1' }, spec: { replicas: 1 } });
    assert.equal(locked.code, 409);
  });

  it('takes no strategic patch of custom kinds, and wants their resourceVersion', async () => {
    const vm = { apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachine', metadata: { name: 'vm' }, spec: { runStrategy: 'Halted', template: { spec: { domain: { devices: {}, memory: { guest: '64Mi' } } } } } };
    const made = await s.post(VMS, vm);
    assert.equal(made.code, 201, made.text);
    const patched = await s.patch(`${VMS}/vm`, { metadata: { labels: { a: 'b' } } }, 'strategic');
    assert.equal(patched.code, 415);
    assert.match(String(patched.json['message']), /application\/json-patch\+json, application\/merge-patch\+json, application\/apply-patch\+yaml$/);
    assert.equal((await s.patch(`${VMS}/vm`, { metadata: { labels: { a: 'b' } } })).code, 200);
    const put = await s.put(`${VMS}/vm`, vm);
    assert.equal(put.code, 422);
    assert.match(String(put.json['message']), /metadata.resourceVersion: Invalid value: 0: must be specified for an update/);
  });

  it('keeps status and spec apart', async () => {
    await s.post(DEPLOYMENTS, { ...deployment('parts'), status: { replicas: 9 } });
    const made = await s.get(`${DEPLOYMENTS}/parts`);
    assert.equal(at(made.json, 'status', 'replicas'), undefined);
    const status = await s.put(`${DEPLOYMENTS}/parts/status`, { ...made.json, spec: {}, status: { replicas: 2 } });
    assert.equal(status.code, 200);
    assert.equal(at(status.json, 'status', 'replicas'), 2);
    assert.equal(at(status.json, 'spec', 'replicas'), 2);
    const spec = await s.patch(`${DEPLOYMENTS}/parts`, { spec: { replicas: 7 }, status: { replicas: 99 } });
    assert.equal(at(spec.json, 'status', 'replicas'), 2);
    assert.equal(at(spec.json, 'spec', 'replicas'), 7);
    assert.equal((await s.patch(`${DEPLOYMENTS}/parts/status`, { status: { readyReplicas: 1 } })).code, 200);
  });

  it('scales', async () => {
    await s.post(DEPLOYMENTS, deployment('scaled'));
    const scale = await s.get(`${DEPLOYMENTS}/scaled/scale`);
    assert.equal(scale.json['kind'], 'Scale');
    assert.equal(at(scale.json, 'spec', 'replicas'), 2);
    assert.equal(at(scale.json, 'status', 'selector'), 'app=scaled');
    const patched = await s.patch(`${DEPLOYMENTS}/scaled/scale`, { spec: { replicas: 4 } });
    assert.equal(at(patched.json, 'spec', 'replicas'), 4);
    // No Content-Type, as kubectl scale --current-replicas sends it.
    const body = JSON.stringify({ ...patched.json, spec: { replicas: 0 } });
    const put = await s.ask({ method: 'PUT', path: `${DEPLOYMENTS}/scaled/scale`, body: Buffer.from(body), headers: { 'content-type': '' } });
    assert.equal(put.code, 200);
    assert.deepEqual(at(put.json, 'spec'), {});
    assert.equal(at((await s.get(`${DEPLOYMENTS}/scaled`)).json, 'spec', 'replicas'), 0);
    assert.equal((await s.put(`${DEPLOYMENTS}/scaled/scale`, scale.json)).code, 409, 'an old resourceVersion');
    assert.equal((await s.patch(`${DEPLOYMENTS}/scaled/scale`, { spec: { replicas: -1 } })).code, 422);
  });

  it('checks fields as asked', async () => {
    const odd = { ...configMap('odd'), spce: 1 };
    const strict = await s.post(`${CMS}?fieldValidation=Strict`, odd);
    assert.equal(strict.code, 400);
    assert.equal(strict.json['message'], 'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "spce"');
    const warned = await s.post(CMS, odd);
    assert.equal(warned.code, 201);
    assert.equal(warned.headers['warning'], '299 - "unknown field \\"spce\\""');
    assert.equal(warned.json['spce'], undefined);
    const ignored = await s.post(`${CMS}?fieldValidation=Ignore`, { ...odd, metadata: { name: 'odd2' } });
    assert.equal(ignored.headers['warning'], undefined);
    assert.equal((await s.post(`${CMS}?fieldValidation=Maybe`, odd)).code, 422);
  });

  it('names what is given twice and what metadata does not have', async () => {
    const prefix = 'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: ';
    const json = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"twice","name":"twice","labls":{}},"data":{"a":"1","a":"2"}}';
    const strict = await s.post(`${CMS}?fieldValidation=Strict`, json);
    assert.equal(strict.json['message'], `${prefix}duplicate field "metadata.name", duplicate field "data.a", unknown field "metadata.labls"`);
    const warned = await s.post(CMS, json);
    assert.equal(warned.headers['warning'], '299 - "duplicate field \\"metadata.name\\"", 299 - "duplicate field \\"data.a\\"", 299 - "unknown field \\"metadata.labls\\""');
    assert.equal(at(warned.json, 'data', 'a'), '2', 'the last one counts');
    const yaml = await s.post(`${CMS}?fieldValidation=Strict`, 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: yam}\ndata:\n  a: "1"\n  a: "2"\n', { 'content-type': 'application/yaml' });
    assert.equal(yaml.json['message'], `${prefix}yaml: unmarshal errors:\n  line 6: key "a" already set in map`);
  });

  it('drops owners given twice, and says so', async () => {
    const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'o', uid: '1-2-3' };
    const made = await s.post(CMS, { ...configMap('owned'), metadata: { name: 'owned', ownerReferences: [owner, { ...owner, uid: '4' }, owner] } });
    assert.deepEqual(at(made.json, 'metadata', 'ownerReferences'), [owner, { ...owner, uid: '4' }]);
    assert.match(String(made.headers['warning']), /ownerReferences contains duplicate entries; .* duplicate UID\(s\) observed: 1-2-3"$/);
  });

  it('refuses what a patch makes of an object as Invalid', async () => {
    await s.post(CMS, configMap('patched'));
    const patch = (body: unknown, type: string, query = ''): ReturnType<TestServer['ask']> =>
      s.ask({ method: 'PATCH', path: `${CMS}/patched${query}`, body, headers: { 'content-type': `application/${type}+json` } });
    const merged = await patch({ data: 'x' }, 'merge-patch');
    assert.equal(merged.code, 422);
    assert.match(String(merged.json['message']), /^ "" is invalid: patch: Invalid value: "\{\\"apiVersion.*": json: cannot unmarshal string into Go struct field ConfigMap.data of type map\[string\]string$/s);
    const strategic = await patch({ data: 'x' }, 'strategic-merge-patch');
    assert.equal(strategic.json['message'], ' "" is invalid: patch: Invalid value: "map[data:x]": cannot restore map from string');
    assert.equal((await patch({ data: { a: 1 } }, 'strategic-merge-patch')).json['message'], ' "" is invalid: patch: Invalid value: "map[data:map[a:1]]": cannot convert int64 to string');
    const strict = await patch({ dta: { x: '1' } }, 'strategic-merge-patch', '?fieldValidation=Strict');
    assert.equal(strict.json['message'], ' "" is invalid: patch: Invalid value: "map[dta:map[x:1]]": strict decoding error: unknown field "dta"');
    const json = await patch([{ op: 'add', path: '/data/b', value: '1', note: 'x' }], 'json-patch');
    assert.equal(json.headers['warning'], '299 - "json patch unknown field \\"[0].note\\""');
    assert.equal((await patch([{ op: 'replace', path: '/data', value: [] }], 'json-patch')).code, 422);
  });

  it('holds what has finalizers until they are gone', async () => {
    await s.post(CMS, { ...configMap('held'), metadata: { name: 'held', finalizers: ['example.com/hold'] } });
    const marked = await s.delete(`${CMS}/held`);
    assert.equal(marked.code, 200);
    assert.equal(marked.json['kind'], 'ConfigMap');
    assert.match(String(at(marked.json, 'metadata', 'deletionTimestamp')), /Z$/);
    const more = await s.patch(`${CMS}/held`, { metadata: { finalizers: ['example.com/hold', 'example.com/more'] } });
    assert.equal(more.code, 422);
    const busy = await s.post(CMS, configMap('held'));
    assert.match(String(busy.json['message']), /^object is being deleted: /);
    assert.equal((await s.patch(`${CMS}/held`, { metadata: { finalizers: null } })).code, 200);
    assert.equal((await s.get(`${CMS}/held`)).code, 404);
  });

  it('tells the garbage collector what to do with dependents', async () => {
    for (const [policy, finalizers] of [['Foreground', ['foregroundDeletion']], ['Orphan', ['orphan']]] as const) {
      const name = `policy-${policy.toLowerCase()}`;
      await s.post(DEPLOYMENTS, deployment(name));
      const marked = await s.delete(`${DEPLOYMENTS}/${name}`, { propagationPolicy: policy });
      assert.deepEqual(at(marked.json, 'metadata', 'finalizers'), finalizers);
    }
    await s.post(DEPLOYMENTS, deployment('policy-background'));
    assert.equal((await s.delete(`${DEPLOYMENTS}/policy-background`, { propagationPolicy: 'Background' })).json['status'], 'Success');
    assert.equal((await s.delete(`${DEPLOYMENTS}/x`, { propagationPolicy: 'Sideways' })).code, 422);
    assert.equal((await s.delete(`${DEPLOYMENTS}/x`, { propagationPolicy: 'Orphan', orphanDependents: true })).code, 422);
  });

  it('honours preconditions of a delete', async () => {
    const made = await s.post(CMS, configMap('pre'));
    const uid = await s.delete(`${CMS}/pre`, { preconditions: { uid: 'other' } });
    assert.equal(uid.code, 409);
    assert.match(String(uid.json['message']), /the UID in the precondition \(other\) does not match the UID in record/);
    assert.equal((await s.delete(`${CMS}/pre`, { preconditions: { resourceVersion: '1' } })).code, 409);
    assert.equal((await s.delete(`${CMS}/pre`, { preconditions: { uid: at(made.json, 'metadata', 'uid') } })).code, 200);
  });

  it('gives pods their grace period, and none to those nobody runs', async () => {
    await s.post(PODS, pod('waiting'));
    const gone = await s.delete(`${PODS}/waiting`);
    assert.equal(gone.json['kind'], 'Pod');
    assert.equal((await s.get(`${PODS}/waiting`)).code, 404);

    await s.post(PODS, pod('running'));
    assert.equal((await s.post(`${PODS}/running/binding`, { target: { kind: 'Node', name: 'n1' } })).code, 201);
    const bound = await s.get(`${PODS}/running`);
    assert.equal(at(bound.json, 'spec', 'nodeName'), 'n1');
    assert.equal(at(bound.json, 'status', 'conditions', 0, 'type'), 'PodScheduled');
    assert.equal((await s.post(`${PODS}/running/binding`, { target: { kind: 'Node', name: 'n2' } })).code, 409);

    const marked = await s.delete(`${PODS}/running`);
    assert.equal(at(marked.json, 'metadata', 'deletionGracePeriodSeconds'), 30);
    const sooner = await s.delete(`${PODS}/running`, { gracePeriodSeconds: 5 });
    assert.equal(at(sooner.json, 'metadata', 'deletionGracePeriodSeconds'), 5);
    const later = await s.delete(`${PODS}/running`, { gracePeriodSeconds: 60 });
    assert.equal(at(later.json, 'metadata', 'deletionGracePeriodSeconds'), 5);
    assert.equal((await s.delete(`${PODS}/running`, { gracePeriodSeconds: 0 })).json['kind'], 'Pod');
    assert.equal((await s.get(`${PODS}/running`)).code, 404);
  });

  it('keeps a forced pod while a finalizer holds it', async () => {
    await s.post(PODS, { ...pod('tracked'), metadata: { name: 'tracked', finalizers: ['batch.kubernetes.io/job-tracking'] } });
    assert.equal((await s.delete(`${PODS}/tracked`, { gracePeriodSeconds: 0 })).code, 200);
    assert.equal((await s.get(`${PODS}/tracked`)).code, 200);
    await s.patch(`${PODS}/tracked`, { metadata: { finalizers: null } });
    assert.equal((await s.get(`${PODS}/tracked`)).code, 404);
  });

  it('evicts', async () => {
    await s.post(PODS, pod('evicted'));
    const evicted = await s.post(`${PODS}/evicted/eviction`, { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'evicted' } });
    assert.equal(evicted.code, 201);
    assert.equal(evicted.json['status'], 'Success');
    assert.equal((await s.get(`${PODS}/evicted`)).code, 404);
  });

  it('deletes collections by selector', async () => {
    await Promise.all(['a', 'b', 'c'].map((name) => s.post(CMS, configMap(`bulk-${name}`, {}, { bulk: name === 'c' ? 'no' : 'yes' }))));
    const gone = await s.delete(`${CMS}?labelSelector=bulk%3Dyes`);
    assert.equal(gone.json['kind'], 'ConfigMapList');
    assert.equal((gone.json['items'] as unknown[]).length, 2);
    assert.equal((await s.get(`${CMS}/bulk-c`)).code, 200);
  });

  it('ends a namespace only when it is empty', async () => {
    await s.post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'room' } });
    const marked = await s.delete('/api/v1/namespaces/room');
    assert.equal(at(marked.json, 'status', 'phase'), 'Terminating');
    const late = await s.post('/api/v1/namespaces/room/configmaps', configMap('late'));
    assert.equal(late.code, 403);
    assert.equal(at(late.json, 'details', 'causes', 0, 'reason'), 'NamespaceTerminating');
    const ended = await s.put('/api/v1/namespaces/room/finalize', { ...marked.json, spec: { finalizers: [] } });
    assert.equal(ended.code, 200);
    assert.equal((await s.get('/api/v1/namespaces/room')).code, 404);
    const nowhere = await s.post('/api/v1/namespaces/room/configmaps', configMap('x'));
    assert.equal(nowhere.code, 404);
    assert.equal(nowhere.json['message'], 'namespaces "room" not found');
    for (const name of ['default', 'kube-system', 'kube-public', 'kube-node-lease']) {
      assert.equal((await s.delete(`/api/v1/namespaces/${name}`)).code, 403);
    }
  });

  it('loses no write among many writers of one object', async () => {
    await s.post(CMS, configMap('counter', {}));
    const writers = Array.from({ length: 40 }, (_, index) => s.patch(`${CMS}/counter`, { data: { [`k${index}`]: 'x' } }));
    const codes = new Set((await Promise.all(writers)).map(({ code }) => code));
    const stored = await s.get(`${CMS}/counter`);
    const kept = Object.keys(stored.json['data'] as object).length;
    assert.ok(codes.has(200));
    assert.equal(kept, (await Promise.all(writers)).filter(({ code }) => code === 200).length);
  });
});
