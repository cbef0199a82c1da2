import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { at, pod, TestServer, type Reply } from '../testing/harness.ts';
import { Allocator } from './allocator.ts';
import { formatIpv4, parseCidr, parseIpv4 } from './ipv4.ts';

const SERVICES = '/api/v1/namespaces/default/services';

const service = (name: string, spec: Record<string, unknown> = {}): Record<string, unknown> =>
  ({ apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } });

describe('allocator', () => {
  it('gives a number to one at a time', () => {
    const numbers = new Allocator(1, 4, 3);
    assert.equal(numbers.hold(1), true);
    assert.equal(numbers.hold(1), false);
    const two = [numbers.holdAny(), numbers.holdAny()];
    assert.deepEqual(two.map(Number).sort((a, b) => a - b), [3, 4]);
    assert.equal(numbers.holdAny(), undefined, 'those below the dynamic range must be asked for');
    numbers.release(3);
    assert.equal(numbers.holdAny(), 3);
    numbers.own(3);
    numbers.release(3);
    assert.equal(numbers.isFree(3), false);
    numbers.disown(3);
    assert.equal(numbers.isFree(3), true);
  });

  it('reads addresses', () => {
    assert.equal(formatIpv4(parseIpv4('10.43.255.1') ?? 0), '10.43.255.1');
    assert.equal(parseIpv4('10.43.256.1'), undefined);
    assert.deepEqual(parseCidr('10.43.0.0/16'), { first: 0x0a2b0000, last: 0x0a2bffff });
    assert.throws(() => parseCidr('fd00::/64'));
  });
});

describe('services', () => {
  let s: TestServer;
  before(async () => {
    s = await TestServer.start();
  });
  after(() => s.close());

  it('stand at the beginning', async () => {
    const kubernetes = await s.get(`${SERVICES}/kubernetes`);
    assert.equal(at(kubernetes.json, 'spec', 'clusterIP'), '10.96.0.1');
    const slice = await s.get('/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes');
    assert.deepEqual(at(slice.json, 'endpoints', 0, 'addresses'), ['10.97.0.1']);
    assert.equal(at(slice.json, 'metadata', 'labels', 'kubernetes.io/service-name'), 'kubernetes');
  });

  it('get addresses and keep them', async () => {
    const made = await s.post(SERVICES, service('web'));
    assert.equal(made.code, 201, made.text);
    const ip = at(made.json, 'spec', 'clusterIP');
    assert.match(String(ip), /^10\.96\.0\.\d+$/);
    assert.deepEqual(at(made.json, 'spec', 'clusterIPs'), [ip]);
    assert.deepEqual(at(made.json, 'spec', 'ipFamilies'), ['IPv4']);
    const put = await s.put(`${SERVICES}/web`, service('web', { type: 'NodePort' }));
    assert.equal(put.code, 200, put.text);
    assert.equal(at(put.json, 'spec', 'clusterIP'), ip, 'an update that leaves it out does not give it up');
    const port = Number(at(put.json, 'spec', 'ports', 0, 'nodePort'));
    assert.ok(port >= 30_000 && port <= 32_767);
    const same = await s.put(`${SERVICES}/web`, service('web', { type: 'NodePort' }));
    assert.equal(at(same.json, 'spec', 'ports', 0, 'nodePort'), port);
    assert.equal((await s.post(SERVICES, service('thief', { clusterIP: ip }))).json['message'],
      `Service "thief" is invalid: spec.clusterIPs: Invalid value: ["${String(ip)}"]: failed to allocate IP ${String(ip)}: provided IP is already allocated`);
    const taken = await s.post(SERVICES, service('thief', { type: 'NodePort', ports: [{ port: 80, nodePort: port }] }));
    assert.equal(taken.code, 422);
    assert.match(String(taken.json['message']), /spec.ports\[0\].nodePort: Invalid value: \d+: provided port is already allocated/);
    await s.delete(`${SERVICES}/web`);
    assert.equal((await s.post(SERVICES, service('heir', { clusterIP: ip, type: 'NodePort', ports: [{ port: 80, nodePort: port }] }))).code, 201);
    await s.delete(`${SERVICES}/heir`);
  });

  it('stay within their ranges', async () => {
    assert.match(String((await s.post(SERVICES, service('far', { clusterIP: '192.0.2.1' }))).json['message']), /not in the valid range. The range of valid IPs is 10.96.0.0\/24/);
    assert.match(String((await s.post(SERVICES, service('low', { type: 'NodePort', ports: [{ port: 80, nodePort: 80 }] }))).json['message']), /The range of valid ports is 30000-32767/);
    assert.equal(at((await s.post(SERVICES, service('headless', { clusterIP: 'None' }))).json, 'spec', 'clusterIP'), 'None');
    const external = await s.post(SERVICES, { apiVersion: 'v1', kind: 'Service', metadata: { name: 'ext' }, spec: { type: 'ExternalName', externalName: 'example.com' } });
    assert.equal(external.code, 201, external.text);
    assert.equal(at(external.json, 'spec', 'clusterIP'), undefined);
  });

  it('leak nothing when writes fail or are only tried', async () => {
    // 238 dynamic addresses: more failures than that would use them up.
    for (let round = 0; round < 5; round += 1) {
      await Promise.all(Array.from({ length: 60 }, (_, index) => s.post(`${SERVICES}?dryRun=All`, service(`try-${index}`))));
      await Promise.all(Array.from({ length: 20 }, () => s.post(SERVICES, service('kubernetes'))));
    }
    const made = await Promise.all(Array.from({ length: 100 }, (_, index) => s.post(SERVICES, service(`full-${index}`, { type: 'NodePort' }))));
    assert.deepEqual([...new Set(made.map(({ code }) => code))], [201]);
    assert.equal(new Set(made.map(({ json }) => at(json, 'spec', 'clusterIP'))).size, 100);
    assert.equal(new Set(made.map(({ json }) => at(json, 'spec', 'ports', 0, 'nodePort'))).size, 100);
  });
});

describe('service accounts', () => {
  let s: TestServer;
  const PODS = '/api/v1/namespaces/kube-public/pods';
  before(async () => {
    s = await TestServer.start({ serviceAccounts: true });
  });
  after(() => s.close());

  const account = (name: string, extra: Record<string, unknown> = {}): Promise<Reply> =>
    s.post('/api/v1/namespaces/kube-public/serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name }, ...extra });

  it('must exist before a pod acts as them', async () => {
    const refused = await s.post(PODS, pod('early', { serviceAccountName: 'nobody' }));
    assert.equal(refused.code, 403);
    assert.equal(refused.json['message'], 'pods "early" is forbidden: error looking up service account kube-public/nobody: serviceaccount "nobody" not found');
    // The account of a new namespace is about to be made by its controller.
    const [made] = await Promise.all([s.post(PODS, pod('patient')), account('default')]);
    assert.equal(made.code, 201, made.text);
  });

  it('mount their token in every container', async () => {
    await account('puller', { imagePullSecrets: [{ name: 'reg' }] });
    const made = await s.post(PODS, pod('with', { serviceAccountName: 'puller', initContainers: [{ name: 'i', image: 'x:1' }] }));
    assert.equal(at(made.json, 'spec', 'serviceAccountName'), 'puller');
    const volume = at(made.json, 'spec', 'volumes', 0, 'name');
    assert.match(String(volume), /^kube-api-access-/);
    for (const list of ['containers', 'initContainers']) {
      assert.deepEqual(at(made.json, 'spec', list, 0, 'volumeMounts'), [{ name: volume, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true }]);
    }
    assert.deepEqual(at(made.json, 'spec', 'imagePullSecrets'), [{ name: 'reg' }]);
    const without = await s.post(PODS, pod('without', { automountServiceAccountToken: false, serviceAccountName: 'puller' }));
    assert.equal(at(without.json, 'spec', 'volumes'), undefined);
  });

  it('say which secrets their pods may use, where they are asked to', async () => {
    await s.post('/api/v1/namespaces/kube-public/serviceaccounts', {
      metadata: { name: 'strict', annotations: { 'kubernetes.io/enforce-mountable-secrets': 'true' } }, secrets: [{ name: 'mine' }], imagePullSecrets: [{ name: 'reg' }],
    });
    const of = async (spec: Record<string, unknown>): Promise<unknown> =>
      (await s.post(`${PODS}?dryRun=All`, pod('p', { serviceAccountName: 'strict', automountServiceAccountToken: false, ...spec }))).json['message'];
    const forbidden = (why: string): string => `pods "p" is forbidden: ${why}`;
    const because = 'is not allowed because service account strict does not reference that secret';
    const container = (env: Record<string, unknown>): Record<string, unknown> => ({ containers: [{ name: 'c', image: 'x:1', ...env }] });
    assert.equal(await of({ volumes: [{ name: 'v', secret: { secretName: 'other' } }] }), forbidden(`volume with secret.secretName="other" ${because}`));
    assert.equal(await of(container({ env: [{ name: 'E', valueFrom: { secretKeyRef: { name: 'other', key: 'k' } } }] })),
      forbidden(`container c with envVar E referencing secret.secretName="other" ${because}`));
    assert.equal(await of(container({ envFrom: [{ secretRef: { name: 'other' } }] })), forbidden(`container c with envFrom referencing secret.secretName="other" ${because}`));
    assert.equal(await of({ imagePullSecrets: [{ name: 'hub' }] }),
      forbidden('imagePullSecrets[0].name="hub" is not allowed because service account strict does not reference that imagePullSecret'));
    assert.equal(await of({ ...container({ envFrom: [{ secretRef: { name: 'mine' } }] }), imagePullSecrets: [{ name: 'reg' }] }), undefined);
  });

  it('are not for pods that a node only shows', async () => {
    const mirror = (spec: Record<string, unknown>): Record<string, unknown> => {
      const made = pod('shown', spec);
      return { ...made, metadata: { name: 'shown', annotations: { 'kubernetes.io/config.mirror': 'x' } } };
    };
    const refused = await s.post(PODS, mirror({ serviceAccountName: 'strict' }));
    assert.equal(refused.json['message'], 'pods "shown" is forbidden: a mirror pod may not reference service accounts');
    const secret = await s.post(PODS, mirror({ volumes: [{ name: 'v', secret: { secretName: 'mine' } }] }));
    assert.equal(secret.json['message'], 'pods "shown" is forbidden: a mirror pod may not reference secrets');
    const made = await s.post(PODS, mirror({}));
    assert.deepEqual([made.code, at(made.json, 'spec', 'serviceAccountName')], [201, undefined]);
  });
});

describe('priorities', () => {
  let s: TestServer;
  const PODS = '/api/v1/namespaces/default/pods';
  before(async () => {
    s = await TestServer.start();
  });
  after(() => s.close());

  it('come from the class a pod names, or the default one', async () => {
    const critical = await s.post(PODS, pod('critical', { priorityClassName: 'system-cluster-critical' }));
    assert.equal(at(critical.json, 'spec', 'priority'), 2_000_000_000, critical.text);
    const plain = await s.post(PODS, pod('plain'));
    assert.deepEqual([at(plain.json, 'spec', 'priority'), at(plain.json, 'spec', 'preemptionPolicy')], [0, 'PreemptLowerPriority']);
    assert.equal((await s.post(PODS, pod('numbered', { priority: 7 }))).json['message'], 'pods "numbered" is forbidden: the integer value of priority (7) '
      + 'must not be provided in pod spec; priority admission controller computed 0 from the given PriorityClass name');
    const refused = await s.post(PODS, pod('odd', { priorityClassName: 'nosuch' }));
    assert.equal(refused.json['message'], 'pods "odd" is forbidden: no PriorityClass with name nosuch was found');
    await s.post('/apis/scheduling.k8s.io/v1/priorityclasses', { metadata: { name: 'usual' }, value: 5, globalDefault: true });
    const usual = await s.post(PODS, pod('usual'));
    assert.deepEqual([at(usual.json, 'spec', 'priority'), at(usual.json, 'spec', 'priorityClassName')], [5, 'usual']);
    const second = await s.post('/apis/scheduling.k8s.io/v1/priorityclasses', { metadata: { name: 'other' }, value: 6, globalDefault: true });
    assert.equal(second.json['message'],
      'priorityclasses.scheduling.k8s.io "other" is forbidden: PriorityClass usual is already marked as default. Only one default can exist');
  });

  it('stand beside runtime classes, which a node must really have', async () => {
    const classes = '/apis/node.k8s.io/v1/runtimeclasses';
    const missing = await s.post(PODS, pod('nowhere', { runtimeClassName: 'gvisor' }));
    assert.equal(missing.code, 403);
    assert.equal(missing.json['message'], 'pods "nowhere" is forbidden: pod rejected: RuntimeClass "gvisor" not found');
    await s.post(classes, { metadata: { name: 'gvisor' }, handler: 'runsc' });
    const sandboxed = await s.post(PODS, pod('sandboxed', { runtimeClassName: 'gvisor' }));
    assert.match(String(sandboxed.json['message']), /RuntimeClass "gvisor" asks for the handler "runsc", the nodes here have only runc or crun$/);
    const toleration = { key: 'a', operator: 'Exists' };
    await s.post(classes, { metadata: { name: 'plain' }, handler: 'runc', overhead: { podFixed: { cpu: '10m' } }, scheduling: { nodeSelector: { a: 'b' }, tolerations: [toleration] } });
    const plain = await s.post(PODS, pod('classed', { runtimeClassName: 'plain', nodeSelector: { c: 'd' } }));
    assert.deepEqual([at(plain.json, 'spec', 'overhead'), at(plain.json, 'spec', 'nodeSelector')], [{ cpu: '10m' }, { a: 'b', c: 'd' }], plain.text);
    assert.deepEqual(at(plain.json, 'spec', 'tolerations', 2), toleration);
    const conflict = await s.post(PODS, pod('torn', { runtimeClassName: 'plain', nodeSelector: { a: 'x' } }));
    assert.match(String(conflict.json['message']), /conflict: runtimeClass.scheduling.nodeSelector\[a\] = b; pod.spec.nodeSelector\[a\] = x$/);
  });

  it('begin with definitions of the custom kinds', async () => {
    const list = await s.get('/apis/apiextensions.k8s.io/v1/customresourcedefinitions');
    const names = (list.json['items'] as unknown[]).map((item) => at(item, 'metadata', 'name'));
    assert.ok(names.includes('virtualmachines.kubevirt.io'));
  });
});
