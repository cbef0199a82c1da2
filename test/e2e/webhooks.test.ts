/** A webhook behind a ClusterIP, as the API server of a whole Telar reaches it: through the machine's own service rules. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { patchResponse, WebhookServer } from '../../src/apiserver/testing/webhookserver.ts';
import { eventually, TestInstance } from '../harness/instance.ts';

describe('a webhook behind a service', () => {
  let telar: TestInstance;
  let hook: WebhookServer;
  let nodeAddress: string;

  before(async () => {
    telar = await TestInstance.create();
    await telar.up();
    nodeAddress = telar.podCidr.replace('.0.0/16', '.0.1');
    hook = await WebhookServer.start(['hooks.default.svc'], nodeAddress);
  });
  after(async () => {
    await hook.close();
    await telar.remove();
  });

  it('is asked at the cluster IP, by the name of the service', async () => {
    await telar.apply([
      { apiVersion: 'v1', kind: 'Service', metadata: { name: 'hooks' }, spec: { ports: [{ name: 'https', port: 443, targetPort: hook.port }] } },
      {
        apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { name: 'hooks-1', labels: { 'kubernetes.io/service-name': 'hooks' } }, addressType: 'IPv4',
        ports: [{ name: 'https', port: hook.port }], endpoints: [{ addresses: [nodeAddress], conditions: { ready: true } }],
      },
      {
        apiVersion: 'admissionregistration.k8s.io/v1', kind: 'MutatingWebhookConfiguration', metadata: { name: 'hooks' },
        webhooks: [{
          name: 'hooks.example.com', sideEffects: 'None', admissionReviewVersions: ['v1'], timeoutSeconds: 5, clientConfig: { service: { namespace: 'default', name: 'hooks', path: '/mutate' }, caBundle: hook.caBundle },
          rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }], namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'default' } },
        }],
      },
    ]);
    hook.react = () => patchResponse([{ op: 'add', path: '/data', value: { seen: 'yes' } }]);
    await eventually('the service leads to the webhook', async () => (await telar.kubectl(['create', 'configmap', 'seen'])).code === 0);
    assert.equal(await telar.jsonpath('configmap seen', '{.data.seen}'), 'yes');
    const [first] = hook.asked;
    assert.deepEqual([first?.servername, first?.path], ['hooks.default.svc', '/mutate?timeout=5s']);
  });

  it('ends requests in words that say what is wrong when nothing is behind the service', async () => {
    await telar.k('delete', 'endpointslice', 'hooks-1');
    await eventually('the service leads nowhere', async () => {
      // A connection that is kept goes on whatever becomes of the service.
      hook.disconnect();
      const { stderr } = await telar.kubectl(['create', 'configmap', 'unseen', '--dry-run=server']);
      return /failed calling webhook "hooks.example.com": failed to call webhook: Post "https:\/\/hooks.default.svc:443\/mutate\?timeout=5s": /.test(stderr);
    });
    await telar.k('delete', 'mutatingwebhookconfiguration', 'hooks');
    await telar.k('create', 'configmap', 'unseen');
  });
});
