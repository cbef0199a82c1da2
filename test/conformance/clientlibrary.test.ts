/** Kubernetes' own JavaScript client, as programs use it: typed calls, patches, errors, a watch and an informer. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  ApiException, AppsV1Api, CoreV1Api, CustomObjectsApi, KubeConfig, KubernetesObjectApi, makeInformer, PatchStrategy, setHeaderOptions, VersionApi, Watch,
  type V1ConfigMap,
} from '@kubernetes/client-node';
import { adminKubeconfig } from '../../src/apiserver/pki/index.ts';
import { TestServer } from '../../src/apiserver/testing/harness.ts';

describe('client library', () => {
  let s: TestServer;
  let config: KubeConfig;
  let core: CoreV1Api;
  before(async () => {
    s = await TestServer.start();
    config = new KubeConfig();
    config.loadFromString(adminKubeconfig(s.pki, `https://127.0.0.1:${s.port}`));
    core = config.makeApiClient(CoreV1Api);
  });
  after(() => s.close());

  it('reads, writes and patches typed objects', async () => {
    assert.equal((await config.makeApiClient(VersionApi).getCode()).minor, '36');
    const made = await core.createNamespacedConfigMap({ namespace: 'default', body: { metadata: { name: 'lib' }, data: { a: '1' } } });
    assert.equal(made.data?.['a'], '1');
    assert.ok(made.metadata?.creationTimestamp instanceof Date);
    const patched = await core.patchNamespacedConfigMap({ namespace: 'default', name: 'lib', body: { data: { b: '2' } } }, setHeaderOptions('Content-Type', PatchStrategy.MergePatch));
    assert.deepEqual(patched.data, { a: '1', b: '2' });
    const list = await core.listNamespacedConfigMap({ namespace: 'default', labelSelector: '!nothing', limit: 1 });
    assert.equal(list.items.length, 1);
    await assert.rejects(core.readNamespacedConfigMap({ namespace: 'default', name: 'none' }), (error) => error instanceof ApiException && error.code === 404);
    await assert.rejects(core.createNamespacedConfigMap({ namespace: 'default', body: { metadata: { name: 'lib' } } }), (error) => error instanceof ApiException && error.code === 409);
    const gone = await core.deleteNamespacedConfigMap({ namespace: 'default', name: 'lib' });
    assert.equal(gone.status, 'Success');
  });

  it('scales deployments and speaks of custom objects', async () => {
    const apps = config.makeApiClient(AppsV1Api);
    await apps.createNamespacedDeployment({ namespace: 'default', body: {
      metadata: { name: 'web' },
      spec: { selector: { matchLabels: { app: 'web' } }, template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'x:1' }] } } },
    } });
    const scale = await apps.readNamespacedDeploymentScale({ namespace: 'default', name: 'web' });
    scale.spec = { replicas: 3 };
    assert.equal((await apps.replaceNamespacedDeploymentScale({ namespace: 'default', name: 'web', body: scale })).spec?.replicas, 3);
    const custom = config.makeApiClient(CustomObjectsApi);
    const machines: unknown = await custom.listNamespacedCustomObject({ group: 'kubevirt.io', version: 'v1', namespace: 'default', plural: 'virtualmachines' });
    assert.deepEqual(Reflect.get(Object(machines), 'items'), []);
  });

  it('finds its way by discovery', async () => {
    const objects = KubernetesObjectApi.makeApiClient(config);
    const made = await objects.create({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'found', namespace: 'default' } });
    assert.equal(made.metadata?.name, 'found');
  });

  it('watches', async () => {
    const seen: string[] = [];
    const done = Promise.withResolvers<void>();
    const controller = await new Watch(config).watch('/api/v1/namespaces/default/configmaps', { resourceVersion: String(s.store.currentRevision) }, (phase, object: V1ConfigMap) => {
      seen.push(`${phase} ${object.metadata?.name ?? ''}`);
      if (phase === 'DELETED') {
        done.resolve();
      }
    }, (error: unknown) => done.reject(error instanceof Error ? error : new Error(String(error))));
    await core.createNamespacedConfigMap({ namespace: 'default', body: { metadata: { name: 'seen' } } });
    await core.deleteNamespacedConfigMap({ namespace: 'default', name: 'seen' });
    await done.promise;
    controller.abort();
    assert.deepEqual(seen, ['ADDED seen', 'DELETED seen']);
  });

  it('keeps an informer in step', async () => {
    await core.createNamespacedConfigMap({ namespace: 'kube-public', body: { metadata: { name: 'early' } } });
    const informer = makeInformer<V1ConfigMap>(config, '/api/v1/namespaces/kube-public/configmaps', () => core.listNamespacedConfigMap({ namespace: 'kube-public' }));
    const late = Promise.withResolvers<void>();
    const names: string[] = [];
    informer.on('add', (object) => {
      names.push(object.metadata?.name ?? '');
      if (object.metadata?.name === 'late') {
        late.resolve();
      }
    });
    await informer.start();
    await core.createNamespacedConfigMap({ namespace: 'kube-public', body: { metadata: { name: 'late' } } });
    await late.promise;
    await informer.stop();
    assert.deepEqual(names, ['early', 'late']);
  });
});
