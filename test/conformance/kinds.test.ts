/**
 * The real kubectl with an object of every GA kind: created, shown as a table, described, edited in an editor, deleted; and the list of
 * everything that is served, as `kubectl api-resources` prints it of a real Kubernetes 1.36.
 */
import assert from 'node:assert/strict';
import { chmod } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { KUBECTL_RESOURCES } from './kinds.resources.ts';
import { manifest, SAMPLES } from './kinds.manifests.ts';
import { loadRegistry } from '../../src/kinds/registry.ts';
import { KubectlBench } from '../harness/kubectl.ts';

const HEADER_GAP = / {2,}/;
const ONCE_BETA = new Set(['ipaddresses', 'servicecidrs', 'volumeattributesclasses']);

/** The header of a table as one line of words. */
const headerOf = (output: string): string => (output.split('\n')[0] ?? '').trim().split(HEADER_GAP).join(' ');

describe('every GA kind through kubectl', () => {
  let bench: KubectlBench;
  let editor: string;

  before(async () => {
    bench = await KubectlBench.start();
    editor = await bench.file('editor', '#!/bin/sh\nexec sed -i \'s/edited: "no"/edited: "yes"/\' "$1"\n');
    await chmod(editor, 0o700);
  });
  after(() => bench.close());

  it('has a sample of every kind that is stored', () => {
    const sampled = new Set(SAMPLES.map(({ resource }) => resource.split('.')[0]));
    const missing = loadRegistry().list().filter(({ origin, unstored, verbs, plural }) =>
      origin === 'builtin' && unstored !== true && (verbs === undefined || verbs.includes('create')) && !sampled.has(plural));
    assert.deepEqual(missing.map(({ plural }) => plural), []);
  });

  for (const sample of SAMPLES) {
    const { resource, name, wide } = sample;
    it(resource, async () => {
      const path = await bench.file(`${resource}.yaml`, manifest(sample));
      assert.match(await bench.ok('create', '-f', path), / created$/m);
      const table = await bench.ok('get', resource, name, '-o', 'wide');
      assert.equal(headerOf(table), wide);
      assert.match(table, new RegExp(name.replaceAll('.', '\\.')));
      const described = await bench.run(['describe', resource, name]);
      if (described.code === 0) {
        assert.match(described.out, new RegExp(`Name: +${name.replaceAll('.', '\\.')}`, 'm'));
      } else {
        // Older kubectls describe these by their beta versions, which no current server has.
        assert.ok(ONCE_BETA.has(resource), described.err);
        assert.match(described.err, /the server could not find the requested resource/);
      }
      const edited = await bench.run(['edit', resource, name], { KUBE_EDITOR: editor });
      assert.equal(edited.code, 0, edited.err);
      assert.equal(await bench.ok('get', resource, name, '-o', 'jsonpath={.metadata.labels.edited}'), 'yes');
      assert.match(await bench.ok('apply', '--server-side', '--force-conflicts', '-f', path), /serverside-applied/);
      assert.match(await bench.ok('delete', resource, name, '--wait=false'), / deleted/);
    });
  }

  it('lists what a real server lists', async () => {
    const known = new Set(KUBECTL_RESOURCES.trim().split('\n'));
    const lines = (await bench.ok('api-resources', '--no-headers', '-o', 'wide')).trim().split('\n');
    // Beside what Kubernetes has by itself: machines, and what metrics-server would add.
    const ours = lines.filter((line) => !/(?:kubevirt|metrics\.k8s)\.io\//.test(line)).map((line) => {
      const [, names = '', apiVersion = '', namespaced = '', kind = '', verbs = '', categories = ''] =
        /^(\S+(?: +\S+)?) +(\S*v\d+) +(true|false) +(\S+) +(\S+) *(\S*)$/.exec(line) ?? [];
      return [names.trim().split(/ +/).join(' '), apiVersion, namespaced, kind, verbs, categories].join(' ').trim();
    });
    assert.deepEqual(ours.filter((line) => !known.has(line)).sort(), []);
    assert.deepEqual([...known].filter((line) => !ours.includes(line)).sort(), []);
  });

  it('explains fields in Kubernetes\' words', async () => {
    const pod = await bench.ok('explain', 'pod.spec.containers');
    assert.match(pod, /KIND: +Pod/);
    assert.match(pod, /A single application container that you want to run within a pod\./);
    for (const resource of ['pods', 'deployments', 'validatingadmissionpolicies', 'resourceclaims', 'flowschemas', 'csidrivers', 'networkpolicies', 'horizontalpodautoscalers']) {
      const all = await bench.ok('explain', resource, '--recursive');
      assert.match(all, /^FIELDS:$/m, resource);
      assert.match(all, /^DESCRIPTION:\n {4}\S/m, resource);
      assert.match(all, /^ {2}spec\s/m, resource);
    }
    assert.match(await bench.ok('explain', 'validatingadmissionpolicy.spec.validations.expression'), /CEL/);
  });
});

describe('kubectl\'s generators', () => {
  let bench: KubectlBench;
  before(async () => { bench = await KubectlBench.start(); });
  after(() => bench.close());

  const CREATED: readonly (readonly [kind: string, ...args: string[]])[] = [
    ['namespace', 'made'],
    ['configmap', 'made', '--from-literal=a=1', '--from-literal=b=2'],
    ['secret', 'generic', 'made', '--from-literal=a=1'],
    ['secret', 'docker-registry', 'made-registry', '--docker-server=registry.example.com', '--docker-username=u', '--docker-password=p'],
    ['serviceaccount', 'made'],
    ['deployment', 'made', '--image=example.com/x:1', '--replicas=0', '--port=80'],
    ['job', 'made', '--image=example.com/x:1', '--', 'true'],
    ['cronjob', 'made', '--image=example.com/x:1', '--schedule=*/5 * * * *', '--', 'true'],
    ['job', 'made-from', '--from=cronjob/made'],
    ['service', 'clusterip', 'made', '--tcp=80:8080'],
    ['service', 'nodeport', 'made-nodeport', '--tcp=80:8080'],
    ['service', 'loadbalancer', 'made-balancer', '--tcp=80:8080'],
    ['service', 'externalname', 'made-name', '--external-name=example.com'],
    ['ingress', 'made', '--rule=a.example.com/x*=made:80,tls=made'],
    ['role', 'made', '--verb=get,list', '--resource=pods'],
    ['clusterrole', 'made', '--verb=get', '--resource=pods', '--resource-name=a'],
    ['clusterrole', 'made-urls', '--verb=get', '--non-resource-url=/logs/*'],
    ['clusterrole', 'made-aggregate', '--aggregation-rule=team=a'],
    ['rolebinding', 'made', '--role=made', '--user=jane', '--serviceaccount=default:made'],
    ['clusterrolebinding', 'made', '--clusterrole=made', '--group=devs'],
    ['quota', 'made', '--hard=pods=100'],
    ['poddisruptionbudget', 'made', '--selector=app=made', '--min-available=1'],
    ['priorityclass', 'made', '--value=10', '--description=made'],
  ];

  it('send objects that are taken', async () => {
    for (const [kind, ...args] of CREATED) {
      assert.match(await bench.ok('create', kind, ...args), / created$/m, args.join(' '));
    }
    assert.equal(await bench.ok('get', 'deployment', 'made', '-o', 'jsonpath={.spec.replicas} {.spec.template.spec.containers[0].ports[0].containerPort}'), '0 80');
    assert.equal(await bench.ok('get', 'clusterrole', 'made-aggregate', '-o', 'jsonpath={.aggregationRule.clusterRoleSelectors[0].matchLabels.team}'), 'a');
    assert.match(await bench.ok('create', 'token', 'made'), /^[\w-]+\.[\w-]+\.[\w-]+$/m);
  });

  it('scale, expose, autoscale and read subresources', async () => {
    assert.match(await bench.ok('autoscale', 'deployment', 'made', '--min=1', '--max=3', '--cpu-percent=80'), /autoscaled/);
    const autoscaler = await bench.ok('get', 'hpa', 'made', '-o', 'jsonpath={.spec.minReplicas} {.spec.maxReplicas} {.spec.metrics[0].resource.target.averageUtilization}');
    assert.equal(autoscaler, '1 3 80');
    assert.match(await bench.ok('scale', 'deployment', 'made', '--replicas=2'), /scaled/);
    assert.match(await bench.ok('get', 'deployment', 'made', '--subresource=scale'), /^made +2 +0/m);
    assert.match(await bench.ok('get', 'deployment', 'made', '--subresource=status', '-o', 'jsonpath={.kind}'), /^Deployment$/);
    assert.match(await bench.ok('expose', 'deployment', 'made', '--name=made-exposed', '--port=81'), /exposed/);
    assert.match(await bench.ok('run', 'made-pod', '--image=example.com/x:1', '--restart=Never'), /created/);
    assert.match(await bench.ok('set', 'image', 'deployment/made', '*=example.com/x:2'), /image updated/);
    assert.match(await bench.ok('patch', 'deployment', 'made', '--subresource=status', '--type=merge', '-p', '{"status":{"replicas":2}}'), /patched/);
  });

  it('fill in and check statuses', async () => {
    const patch = (resource: string, name: string, status: unknown): string[] =>
      ['patch', resource, name, '--subresource=status', '--type=merge', '-p', JSON.stringify({ status })];
    await bench.ok('create', 'service', 'loadbalancer', 'balanced', '--tcp=80');
    await bench.ok(...patch('service', 'balanced', { loadBalancer: { ingress: [{ ip: '192.0.2.7' }] } }));
    assert.equal(await bench.ok('get', 'service', 'balanced', '-o', 'jsonpath={.status.loadBalancer.ingress[0].ipMode}'), 'VIP');
    await bench.ok('create', '-f', await bench.file('node.yaml', 'apiVersion: v1\nkind: Node\nmetadata: {name: status-node}\n'));
    await bench.ok(...patch('node', 'status-node', { capacity: { cpu: '4' } }));
    assert.equal(await bench.ok('get', 'node', 'status-node', '-o', 'jsonpath={.status.allocatable.cpu}'), '4');
    await bench.ok('delete', 'service/balanced', 'node/status-node');
  });

  it('decide certificate requests', async () => {
    const sample = SAMPLES.find(({ resource }) => resource === 'certificatesigningrequests');
    assert.ok(sample !== undefined);
    await bench.ok('create', '-f', await bench.file('csr.yaml', manifest(sample)));
    assert.match(await bench.ok('certificate', 'approve', 'sample'), /approved/);
    assert.match(await bench.ok('get', 'csr', 'sample'), /Approved$/m);
    const both = '[{"op": "add", "path": "/status/conditions/-", "value": {"type": "Denied", "status": "True"}}]';
    const { json } = await bench.server.ask({
      method: 'PATCH', path: '/apis/certificates.k8s.io/v1/certificatesigningrequests/sample/approval', body: both, headers: { 'content-type': 'application/json-patch+json' },
    });
    assert.match(String(json['message']), /Approved and Denied conditions are mutually exclusive/);
  });
});
