import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { at, pod, PODS, TestServer } from '../testing/harness.ts';

const STORAGE_CLASSES = '/apis/storage.k8s.io/v1/storageclasses';
const CLAIMS = '/api/v1/namespaces/default/persistentvolumeclaims';
const INGRESS_CLASSES = '/apis/networking.k8s.io/v1/ingressclasses';
const INGRESSES = '/apis/networking.k8s.io/v1/namespaces/default/ingresses';

const claim = (name: string, spec: Record<string, unknown> = {}): Record<string, unknown> => ({
  apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec },
});

describe('what the server adds to objects', () => {
  let s: TestServer;
  before(async () => {
    s = await TestServer.start();
  });
  after(() => s.close());

  it('lets pods stay five minutes on nodes that fail', async () => {
    const made = await s.post(PODS, pod('stays', { tolerations: [{ key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 5 }] }));
    assert.deepEqual(at(made.json, 'spec', 'tolerations'), [
      { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 5 },
      { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
    ]);
    const all = await s.post(PODS, pod('everywhere', { tolerations: [{ operator: 'Exists' }] }));
    assert.deepEqual(at(all.json, 'spec', 'tolerations'), [{ operator: 'Exists' }]);
  });

  it('keeps pods off a node that has not said that it is ready', async () => {
    const made = await s.post('/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'new' } });
    assert.deepEqual(at(made.json, 'spec', 'taints'), [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }]);
  });

  it('gives claims the default class, protects them, and lets them grow only where that works', async () => {
    assert.equal(at((await s.post(CLAIMS, claim('early'))).json, 'spec', 'storageClassName'), undefined);
    const annotations = { 'storageclass.kubernetes.io/is-default-class': 'true' };
    await s.post(STORAGE_CLASSES, { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name: 'usual', annotations }, provisioner: 'example.com/p', allowVolumeExpansion: true });
    const made = await s.post(CLAIMS, claim('data'));
    assert.equal(at(made.json, 'spec', 'storageClassName'), 'usual', made.text);
    assert.deepEqual(at(made.json, 'metadata', 'finalizers'), ['kubernetes.io/pvc-protection']);
    assert.equal(at((await s.post(CLAIMS, claim('none', { storageClassName: '' }))).json, 'spec', 'storageClassName'), '', 'an empty name is a choice');
    const bigger = { spec: { resources: { requests: { storage: '2Gi' } } } };
    assert.equal((await s.patch(`${CLAIMS}/data`, bigger)).code, 422, 'a claim without a volume cannot grow');
    await s.patch(`${CLAIMS}/data/status`, { status: { phase: 'Bound' } });
    const grown = await s.patch(`${CLAIMS}/data`, bigger);
    assert.equal(grown.code, 200, grown.text);
    await s.patch(`${CLAIMS}/none/status`, { status: { phase: 'Bound' } });
    assert.equal((await s.patch(`${CLAIMS}/none`, bigger)).json['message'], 'persistentvolumeclaims "none" is forbidden: '
      + 'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize');
    const volume = await s.post('/api/v1/persistentvolumes', { apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: 'v' },
      spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/srv/v' } } });
    assert.deepEqual(at(volume.json, 'metadata', 'finalizers'), ['kubernetes.io/pv-protection'], volume.text);
  });

  it('gives ingresses the default class', async () => {
    const ingress = (name: string): Record<string, unknown> =>
      ({ apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name }, spec: { defaultBackend: { service: { name: 'web', port: { number: 80 } } } } });
    assert.equal(at((await s.post(INGRESSES, ingress('early'))).json, 'spec', 'ingressClassName'), undefined);
    await s.post(INGRESS_CLASSES, { apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass',
      metadata: { name: 'front', annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } }, spec: { controller: 'example.com/i' } });
    const made = await s.post(INGRESSES, ingress('late'));
    assert.equal(at(made.json, 'spec', 'ingressClassName'), 'front', made.text);
  });
});
