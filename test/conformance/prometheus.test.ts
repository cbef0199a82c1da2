/**
 * The real Prometheus (Debian's) scrapes `/metrics` with a service account's token and rights. Debian builds it without Kubernetes service
 * discovery, so what that asks for (client-go's lists and watches, in Prometheus' roles) is asked with kubectl and the same token.
 */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { debianTool } from '../../scripts/debian.ts';
import { isObject } from '../../src/apimachinery/values.ts';
import { eventually, freePort, TestInstance } from '../harness/instance.ts';

/** What each role of `kubernetes_sd_configs` lists and watches. */
const ROLES = {
  node: '/api/v1/nodes', pod: '/api/v1/pods', service: '/api/v1/services', endpoints: '/api/v1/endpoints',
  endpointslice: '/apis/discovery.k8s.io/v1/endpointslices', ingress: '/apis/networking.k8s.io/v1/ingresses',
} as const;

const OBJECTS = [
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'prometheus' } },
  { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'prometheus' }, rules: [
    { apiGroups: [''], resources: ['nodes', 'services', 'endpoints', 'pods'], verbs: ['get', 'list', 'watch'] },
    { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['get', 'list', 'watch'] },
    { apiGroups: ['networking.k8s.io'], resources: ['ingresses'], verbs: ['get', 'list', 'watch'] },
    { nonResourceURLs: ['/metrics'], verbs: ['get'] },
  ] },
  { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding', metadata: { name: 'prometheus' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'prometheus' }, subjects: [{ kind: 'ServiceAccount', name: 'prometheus', namespace: 'default' }] },
  { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1', labels: { zone: 'a' } } },
  { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', labels: { app: 'web' } }, spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] } },
  { apiVersion: 'v1', kind: 'Endpoints', metadata: { name: 'web' }, subsets: [{ addresses: [{ ip: '10.9.0.7' }], ports: [{ name: 'http', port: 8080 }] }] },
  { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } }, addressType: 'IPv4',
    endpoints: [{ addresses: ['10.9.0.7'], conditions: { ready: true }, targetRef: { kind: 'Pod', name: 'web-0', namespace: 'default' } }], ports: [{ name: 'http', port: 8080, protocol: 'TCP' }] },
  { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name: 'web' }, spec: { rules: [{ host: 'web.example', http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } } }] } }] } },
  { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web-0', labels: { app: 'web' } }, spec: { serviceAccountName: 'prometheus', nodeName: 'n1', containers: [{ name: 'c', image: 'x', ports: [{ name: 'http', containerPort: 8080 }] }] } },
];

describe('Prometheus', { timeout: 240_000 }, () => {
  let telar: TestInstance;
  let child: ChildProcess | undefined;
  let ended: number | null | undefined;
  let port: number;
  /** Kubeconfig of the service account. */
  let access: string;

  before(async () => {
    const { file, env } = debianTool('prometheus', ['prometheus']);
    telar = await TestInstance.create();
    const [, ...flags] = telar.upArgs;
    const started = await telar.telar(['server', ...flags, '--detach']);
    assert.equal(started.code, 0, started.stderr);
    for (const object of OBJECTS) {
      await telar.apply(object);
    }
    await telar.k('patch', 'node', 'n1', '--subresource=status', '--type=merge', '-p', JSON.stringify({ status: { addresses: [{ type: 'InternalIP', address: '10.9.0.1' }], daemonEndpoints: { kubeletEndpoint: { Port: 10250 } } } }));
    await telar.k('patch', 'pod', 'web-0', '--subresource=status', '--type=merge', '-p', JSON.stringify({ status: { phase: 'Running', podIP: '10.9.0.7', podIPs: [{ ip: '10.9.0.7' }], hostIP: '10.9.0.1' } }));
    const token = telar.writeFile('prometheus.token', await telar.k('create', 'token', 'prometheus'));
    const ca = telar.writeFile('prometheus.ca', Buffer.from(/certificate-authority-data: (\S+)/.exec(readFileSync(telar.kubeconfig, 'utf8'))?.[1] ?? '', 'base64').toString());
    access = telar.writeFile('prometheus.kubeconfig', JSON.stringify({
      apiVersion: 'v1', kind: 'Config', 'current-context': 'x', contexts: [{ name: 'x', context: { cluster: 'x', user: 'x' } }],
      clusters: [{ name: 'x', cluster: { server: `https://127.0.0.1:${telar.port}`, 'certificate-authority': ca } }], users: [{ name: 'x', user: { tokenFile: token } }],
    }));
    const config = telar.writeFile('prometheus.yml', JSON.stringify({
      global: { scrape_interval: '1s', scrape_timeout: '1s' },
      scrape_configs: [
        { job_name: 'apiserver', scheme: 'https', authorization: { credentials_file: token }, tls_config: { ca_file: ca }, static_configs: [{ targets: [`127.0.0.1:${telar.port}`] }] },
      ],
    }));
    const data = join(telar.dataDir, 'prometheus');
    mkdirSync(data);
    port = await freePort();
    child = spawn(file, [`--config.file=${config}`, `--storage.tsdb.path=${data}`, `--web.listen-address=127.0.0.1:${port}`, '--log.level=warn'], { env, stdio: 'ignore' });
    child.once('exit', (code) => { ended = code; });
  });
  after(async () => {
    if (child !== undefined && ended === undefined) {
      const gone = new Promise((resolve) => child?.once('exit', resolve));
      child.kill('SIGKILL');
      await gone;
    }
    await telar.down();
    rmSync(telar.dataDir, { recursive: true, force: true });
  });

  const ask = async (path: string): Promise<Record<string, unknown>> => {
    const value: unknown = await (await fetch(`http://127.0.0.1:${port}${path}`)).json();
    return isObject(value) && isObject(value['data']) ? value['data'] : {};
  };
  const list = (value: unknown): Record<string, unknown>[] => (Array.isArray(value) ? value.filter(isObject) : []);

  it('scrapes the API server and understands what it says', async () => {
    const target = await eventually('the API server is up', async () => {
      assert.equal(ended, undefined, 'Prometheus has ended');
      const [found] = list((await ask('/api/v1/targets?state=active'))['activeTargets']);
      return found?.['health'] === 'up' && found;
    });
    assert.equal(target['lastError'], '');
    for (const [query, least] of [
      ['sum(apiserver_request_total{verb="POST",code="201"})', 5], ['histogram_quantile(0.99, sum by (le) (apiserver_request_duration_seconds_bucket))', 0],
      ['apiserver_storage_objects{resource="pods"}', 1], ['process_resident_memory_bytes', 1_000_000], ['kubernetes_build_info', 1],
    ] as const) {
      const value = await eventually(query, async () => {
        const [sample] = list((await ask(`/api/v1/query?query=${encodeURIComponent(query)}`))['result']);
        const text = Array.isArray(sample?.['value']) ? Number(sample['value'][1]) : Number.NaN;
        return text >= least ? { text } : false;
      });
      assert.ok(value.text >= least, query);
    }
  });

  const asAccount = async (path: string): Promise<string> => {
    const { code, stdout, stderr } = await telar.kubectl(['--kubeconfig', access, 'get', '--raw', path]);
    assert.equal(code, 0, stderr);
    return stdout;
  };

  for (const [role, path] of Object.entries(ROLES)) {
    it(`may find and follow what has the role ${role}`, async () => {
      const found: unknown = JSON.parse(await asAccount(`${path}?limit=500&resourceVersion=0`));
      assert.ok(isObject(found) && list(found['items']).length >= 1);
      const from = isObject(found['metadata']) ? String(found['metadata']['resourceVersion']) : '';
      assert.equal(await asAccount(`${path}?allowWatchBookmarks=true&resourceVersion=${from}&timeoutSeconds=1&watch=true`), '');
      const [event = ''] = (await asAccount(`${path}?resourceVersion=0&timeoutSeconds=1&watch=true`)).split('\n');
      assert.match(event, /^\{"type":"ADDED","object":\{/);
    });
  }

  it('may see nothing else', async () => {
    const { code, stderr } = await telar.kubectl(['--kubeconfig', access, 'get', 'secrets', '-A']);
    assert.equal(code, 1);
    assert.match(stderr, /forbidden/);
  });
});
