import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { at, pod, TestServer, type Reply } from '../testing/harness.ts';

const message = ({ json }: Reply): string => String(json['message']);

describe('LimitRange', () => {
  let s: TestServer;
  before(async () => {
    s = await TestServer.start();
  });
  after(() => s.close());

  async function room(name: string, ...limits: Record<string, unknown>[]): Promise<(plural: string) => string> {
    await s.post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    const made = await s.post(`/api/v1/namespaces/${name}/limitranges`, { apiVersion: 'v1', kind: 'LimitRange', metadata: { name: 'r' }, spec: { limits } });
    assert.equal(made.code, 201, made.text);
    return (plural) => `/api/v1/namespaces/${name}/${plural}`;
  }

  const container = (name: string, resources: Record<string, unknown> = {}): Record<string, unknown> => ({ name, image: 'example.com/x:1', resources });

  it('fills in what containers do not say, and tells of it', async () => {
    const path = await room('defaults', { type: 'Container', default: { cpu: '500m', memory: '256Mi' }, defaultRequest: { cpu: '100m', memory: '128Mi' } });
    const made = await s.post(path('pods'), pod('p', { containers: [container('a'), container('b', { requests: { cpu: '200m' }, limits: { memory: '1Gi' } })],
      initContainers: [container('i', { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '1' } })] }));
    assert.equal(made.code, 201, made.text);
    assert.deepEqual(at(made.json, 'spec', 'containers', 0, 'resources'), { limits: { cpu: '500m', memory: '256Mi' }, requests: { cpu: '100m', memory: '128Mi' } });
    assert.deepEqual(at(made.json, 'spec', 'containers', 1, 'resources'), { limits: { cpu: '500m', memory: '1Gi' }, requests: { cpu: '200m', memory: '1Gi' } });
    assert.equal(at(made.json, 'metadata', 'annotations', 'kubernetes.io/limit-ranger'),
      'LimitRanger plugin set: cpu, memory request for container a; cpu, memory limit for container a; cpu limit for container b');
  });

  it('refuses what is below, above and out of proportion', async () => {
    const path = await room('bounds', { type: 'Container', min: { cpu: '100m' }, max: { cpu: '1' }, maxLimitRequestRatio: { cpu: '2' }, default: { cpu: '200m' } });
    const of = async (resources: Record<string, unknown>): Promise<string> => message(await s.post(path('pods'), pod('p', { containers: [container('c', resources)] })));
    assert.equal(await of({ requests: { cpu: '50m' }, limits: { cpu: '100m' } }), 'pods "p" is forbidden: minimum cpu usage per Container is 100m, but request is 50m');
    assert.equal(await of({ requests: { cpu: '1' }, limits: { cpu: '2' } }), 'pods "p" is forbidden: maximum cpu usage per Container is 1, but limit is 2');
    assert.equal(await of({ requests: { cpu: '200m' }, limits: { cpu: '1' } }),
      'pods "p" is forbidden: cpu max limit to request ratio per Container is 2, but provided ratio is 5.000000');
    assert.equal(await of({ requests: { cpu: '10m' }, limits: { cpu: '2' } }), 'pods "p" is forbidden: [minimum cpu usage per Container is 100m, but request is 10m, '
      + 'maximum cpu usage per Container is 1, but limit is 2, cpu max limit to request ratio per Container is 2, but provided ratio is 200.000000]');
    assert.equal((await s.post(path('pods'), pod('p', { containers: [container('c', { requests: { cpu: '500m' }, limits: { cpu: '1' } })] }))).code, 201);
  });

  it('bounds pods as a whole, and claims', async () => {
    const path = await room('whole', { type: 'Pod', max: { memory: '1Gi' } }, { type: 'PersistentVolumeClaim', min: { storage: '1Gi' }, max: { storage: '2Gi' } });
    const half = { requests: { memory: '600Mi' }, limits: { memory: '600Mi' } };
    assert.equal(message(await s.post(path('pods'), pod('p', { containers: [container('a', half), container('b', half)] }))),
      'pods "p" is forbidden: maximum memory usage per Pod is 1Gi, but limit is 1200Mi');
    assert.equal(message(await s.post(path('pods'), pod('q'))), 'pods "q" is forbidden: maximum memory usage per Pod is 1Gi.  No limit is specified');
    const claim = (storage: string): Record<string, unknown> => ({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'd' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } } });
    const claims = path('persistentvolumeclaims');
    assert.equal(message(await s.post(claims, claim('5Gi'))),
      'persistentvolumeclaims "d" is forbidden: maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 5Gi');
    assert.equal(message(await s.post(claims, claim('1Mi'))),
      'persistentvolumeclaims "d" is forbidden: minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 1Mi');
    assert.equal((await s.post(claims, claim('2Gi'))).code, 201);
  });
});
