/**
 * The real kubectl against a real API server without nodes or controllers: what people and scripts type, and what they
 * read back. Skipped where there is no kubectl.
 */
import assert from 'node:assert/strict';
import { execFile, spawn, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { adminKubeconfig } from '../../src/apiserver/pki/index.ts';
import { at, CMS, lines, pod, PODS, TestServer } from '../../src/apiserver/testing/harness.ts';

const KUBECTL = process.env['KUBECTL'] ?? 'kubectl';
const MISSING = spawnSync(KUBECTL, ['version', '--client']).status !== 0;

interface Output {
  code: number;
  out: string;
  err: string;
}

const CM = `apiVersion: v1
kind: ConfigMap
metadata: {name: capcm, labels: {app: cap}}
data: {a: "1"}
`;

const DEPLOYMENT = `apiVersion: apps/v1
kind: Deployment
metadata: {name: capdep, labels: {app: capdep}}
spec:
  replicas: 1
  selector: {matchLabels: {app: capdep}}
  template:
    metadata: {labels: {app: capdep}}
    spec:
      containers:
      - {name: c, image: "busybox:1.35", ports: [{containerPort: 8080}]}
`;

const VM = `apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata: {name: capvm}
spec:
  runStrategy: Halted
  template:
    spec:
      domain: {devices: {}, memory: {guest: 64Mi}}
`;

describe('kubectl', { skip: MISSING ? 'no kubectl here' : false }, () => {
  let s: TestServer;
  let dir: string;
  let environment: NodeJS.ProcessEnv;

  before(async () => {
    s = await TestServer.start();
    dir = await mkdtemp(join(tmpdir(), 'telar-kubectl-'));
    await writeFile(join(dir, 'kubeconfig'), adminKubeconfig(s.pki, `https://127.0.0.1:${s.port}`), { mode: 0o600 });
    environment = { ...process.env, KUBECONFIG: join(dir, 'kubeconfig'), HOME: dir };
  });
  after(async () => {
    await s.close();
    await rm(dir, { recursive: true, force: true });
  });

  const file = async (name: string, text: string): Promise<string> => {
    await writeFile(join(dir, name), text);
    return join(dir, name);
  };

  const run = (args: readonly string[], extra: NodeJS.ProcessEnv = {}): Promise<Output> => new Promise((resolve) => {
    execFile(KUBECTL, ['--cache-dir', join(dir, 'cache'), ...args], { env: { ...environment, ...extra }, timeout: 60_000, cwd: dir }, (error, out, err) => {
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : 1, out, err });
    });
  });

  /** Runs to success; the standard output. */
  const k = async (...args: string[]): Promise<string> => {
    const { code, out, err } = await run(args);
    assert.equal(code, 0, `kubectl ${args.join(' ')}: ${err}${out}`);
    return out;
  };

  /** Runs to failure; what it complains about. */
  const fails = async (...args: string[]): Promise<string> => {
    const { code, out, err } = await run(args);
    assert.notEqual(code, 0, `kubectl ${args.join(' ')} succeeded: ${out}`);
    return err;
  };

  it('knows the server and what it serves', async () => {
    assert.match(await k('version'), /Server Version: v1\.36/);
    assert.match(await k('cluster-info'), /is running at/);
    const resources = await k('api-resources');
    assert.match(resources, /^pods +po +v1 +true +Pod$/m);
    assert.match(resources, /^virtualmachines +vm,vms +kubevirt.io\/v1 +true +VirtualMachine$/m);
    assert.match(await k('api-versions'), /^apps\/v1$/m);
    assert.match(await k('get', '--raw', '/readyz?verbose'), /readyz check passed/);
    assert.match(await k('get', 'ns'), /^default +Active/m);
    assert.match(await fails('get', 'nosuchthing'), /the server doesn't have a resource type "nosuchthing"/);
  });

  it('applies, shows differences and applies again', async () => {
    const one = await file('cm.yaml', CM);
    const two = await file('cm2.yaml', CM.replace('"1"', '"2"'));
    assert.match(await k('apply', '-f', one), /configmap\/capcm created/);
    assert.match(await k('apply', '-f', one), /configmap\/capcm unchanged/);
    assert.match((await run(['diff', '-f', two])).out, /^\+ {2}a: "2"$/m);
    assert.match(await k('apply', '--dry-run=server', '-f', two), /configured \(server dry run\)/);
    assert.match(await k('apply', '-f', two), /configmap\/capcm configured/);
    assert.match(await k('apply', '--validate=false', '-f', one), /configured/);
    assert.equal(await k('get', 'cm', 'capcm', '-o', 'jsonpath={.data.a}'), '1');
    await file('kustomization.yaml', 'resources: [cm.yaml]\nnamePrefix: kz-\n');
    assert.match(await k('apply', '-k', dir), /configmap\/kz-capcm created/);
    assert.match(await k('apply', '--prune', '-l', 'app=cap', '--prune-allowlist=core/v1/ConfigMap', '-f', one), /configmap\/kz-capcm pruned/);
    assert.match(await fails('apply', '-f', await file('bad.yaml', `${CM}spce: 1\n`)), /unknown field "spce"|strict decoding error/);
    assert.match(await k('apply', '--server-side', '-f', one), /serverside-applied/);
  });

  it('creates with protobuf bodies what it makes itself', async () => {
    assert.match(await k('create', 'ns', 'capns'), /namespace\/capns created/);
    assert.match(await k('create', 'cm', 'capfl', '--from-literal=a=b'), /configmap\/capfl created/);
    assert.match(await k('create', 'deployment', '-n', 'capns', 'd1', '--image=busybox:1.35', '--port=80'), /deployment.apps\/d1 created/);
    assert.match(await k('create', 'job', '-n', 'capns', 'j1', '--image=busybox:1.35', '--', 'true'), /job.batch\/j1 created/);
    assert.match(await k('create', 'secret', 'generic', '-n', 'capns', 's1', '--from-literal=a=b'), /secret\/s1 created/);
    assert.match(await k('create', 'sa', '-n', 'capns', 'sa1'), /serviceaccount\/sa1 created/);
    assert.match(await k('create', 'token', '-n', 'capns', 'sa1', '--duration=1h'), /^ey[\w-]+\.ey[\w-]+\.[\w-]+$/m);
    assert.match(await k('create', 'service', 'clusterip', '-n', 'capns', 'svc1', '--tcp=80:8080'), /service\/svc1 created/);
    const job = await s.get('/apis/batch/v1/namespaces/capns/jobs/j1');
    assert.deepEqual(at(job.json, 'spec', 'template', 'spec', 'containers', 0, 'command'), ['true']);
    assert.equal(at((await s.get('/api/v1/namespaces/capns/secrets/s1')).json, 'data', 'a'), 'Yg==');
    assert.match(await fails('create', 'ns', 'capns'), /namespaces "capns" already exists/);
    assert.match(await fails('create', 'cm', 'x', '-n', 'nowhere'), /namespaces "nowhere" not found/);
  });

  it('runs pods and shows them', async () => {
    assert.match(await k('run', 'runpod', '--image=busybox:1.35', '--', 'sleep', '100'), /pod\/runpod created/);
    assert.match(await k('get', 'pods', '-o', 'wide'), /^runpod +0\/1 +Pending +0 /m);
    assert.match(await k('get', 'pods', '-A'), /^default +runpod/m);
    assert.equal((await k('get', 'pods', '-o', 'name')).trim(), 'pod/runpod');
    assert.match(await k('get', 'pods', '-o', 'custom-columns=N:.metadata.name'), /^N\s+runpod\s*$/);
    assert.match(await k('get', 'pods', '--sort-by=.metadata.name'), /runpod/);
    assert.match(await k('get', 'pods', '-l', 'run=runpod'), /runpod/);
    assert.match((await run(['get', 'pods', '--field-selector=status.phase=Running'])).err, /No resources found/);
    assert.match(await k('describe', 'pod', 'runpod'), /^Status: +Pending$/m);
    assert.match(await k('describe', 'pods', 'run'), /Name: +runpod/);
    assert.match(await k('wait', '--for=jsonpath={.status.phase}=Pending', 'pod/runpod', '--timeout=10s'), /condition met/);
    assert.equal(await k('logs', 'runpod'), '');
    assert.match(await k('label', 'pod', 'runpod', 'l1=v1'), /labeled/);
    assert.match(await k('annotate', 'pod', 'runpod', 'a1=v1'), /annotated/);
    assert.match(await k('get', 'pods', '--show-labels'), /l1=v1,run=runpod/);
    assert.match(await k('delete', 'pod', 'runpod'), /pod "runpod" deleted/);
    assert.match(await fails('get', 'pod', 'runpod'), /pods "runpod" not found/);
  });

  it('pages long lists', async () => {
    await Promise.all([0, 1, 2, 3, 4].map((index) => k('create', 'cm', `page-${index}`)));
    const pages = await k('get', 'cm', '--chunk-size=2');
    assert.deepEqual([...pages.matchAll(/^page-\d/gm)].length, 5);
    assert.match(await k('get', 'pods,deploy,cm', '-A'), /configmap\/page-0/);
  });

  it('patches, edits, scales and rolls', async () => {
    const one = await file('dep.yaml', DEPLOYMENT);
    assert.match(await k('create', '-f', one), /deployment.apps\/capdep created/);
    assert.match(await fails('create', '-f', one), /AlreadyExists/);
    assert.match(await k('apply', '-f', one), /configured|unchanged/);
    assert.match(await k('scale', 'deploy/capdep', '--replicas=2'), /scaled/);
    assert.match(await k('scale', 'deploy/capdep', '--current-replicas=2', '--replicas=1'), /scaled/);
    assert.match(await fails('scale', 'deploy/capdep', '--current-replicas=7', '--replicas=1'), /Expected replicas to be 7/);
    assert.match(await k('get', 'deploy', 'capdep', '--subresource=scale'), /capdep/);
    assert.match(await k('set', 'image', 'deploy/capdep', 'c=busybox:1.36'), /image updated/);
    assert.match(await k('set', 'env', 'deploy/capdep', 'A=b'), /env updated/);
    assert.equal(await k('get', 'deploy', 'capdep', '-o', 'jsonpath={.spec.template.spec.containers[0].image} {.spec.template.spec.containers[0].env[0].value}'), 'busybox:1.36 b');
    assert.match(await k('patch', 'deploy', 'capdep', '-p', '{"metadata":{"labels":{"z":"1"}}}'), /patched/);
    assert.match(await k('patch', 'cm', 'capcm', '--type=merge', '-p', '{"data":{"b":"2"}}'), /patched/);
    assert.match(await k('patch', 'cm', 'capcm', '--type=json', '-p', '[{"op":"add","path":"/data/c","value":"3"}]'), /patched/);
    assert.match(await k('patch', 'deploy', 'capdep', '--subresource=status', '--type=merge', '-p', '{"status":{"collisionCount":1}}'), /patched/);
    assert.match(await k('rollout', 'pause', 'deploy/capdep'), /paused/);
    assert.match(await k('rollout', 'resume', 'deploy/capdep'), /resumed/);
    assert.match(await k('rollout', 'restart', 'deploy/capdep'), /restarted/);
    assert.match(await k('rollout', 'history', 'deploy/capdep'), /No rollout history found/);
    const editor = await file('editor.sh', '#!/bin/sh\nsed -i "s/c: \\"3\\"/c: \\"4\\"/" "$1"\n');
    const edited = await run(['edit', 'cm', 'capcm'], { KUBE_EDITOR: `sh ${editor}` });
    assert.equal(edited.code, 0, edited.err);
    assert.equal(await k('get', 'cm', 'capcm', '-o', 'jsonpath={.data.c}'), '4');
    assert.match(await k('expose', 'deploy', 'capdep', '--port=80', '--target-port=8080'), /service\/capdep exposed/);
    assert.match(await k('describe', 'svc', 'capdep'), /TargetPort: +8080\/TCP/);
    assert.match(await k('describe', 'deploy', 'capdep'), /Pod Template:/);
    assert.match(await k('replace', '-f', one), /replaced/);
    assert.match(await k('replace', '--force', '-f', await file('cm.yaml', CM)), /replaced/);
  });

  it('treats virtual machines as custom resources', async () => {
    const one = await file('vm.yaml', VM);
    assert.match(await k('apply', '-f', one), /virtualmachine.kubevirt.io\/capvm created/);
    assert.match(await k('get', 'vm'), /^capvm /m);
    assert.match(await k('apply', '-f', await file('vm2.yaml', VM.replace('64Mi', '96Mi'))), /configured/);
    assert.match(await k('patch', 'vm', 'capvm', '--type=merge', '-p', '{"metadata":{"labels":{"z":"1"}}}'), /patched/);
    assert.match(await k('get', 'all'), /virtualmachine.kubevirt.io\/capvm/);
    assert.match(await k('explain', 'vm.spec'), /runStrategy/);
    assert.match(await k('describe', 'vm', 'capvm'), /Run Strategy: +Halted/);
    assert.match(await k('delete', 'vm', 'capvm'), /deleted/);
  });

  it('explains fields', async () => {
    assert.match(await k('explain', 'pods'), /KIND: +Pod/);
    assert.match(await k('explain', 'pods.spec.containers', '--recursive'), /livenessProbe/);
    assert.match(await k('explain', 'deployments.spec.strategy'), /rollingUpdate/);
  });

  it('says who may do what', async () => {
    assert.equal((await k('auth', 'can-i', 'create', 'pods')).trim(), 'yes');
    assert.match(await k('auth', 'can-i', '--list'), /\*\.\*/);
    assert.match(await k('auth', 'whoami'), /kubernetes-admin/);
    assert.match((await run(['auth', 'can-i', 'list', 'secrets', '--as=system:serviceaccount:capns:sa1'])).out, /^no/);
    assert.match(await fails('get', 'secrets', '--as=jane'), /User "jane" cannot list resource "secrets" in API group "" in the namespace "default"/);
  });

  it('follows changes as they happen', async () => {
    await k('create', 'cm', 'before');
    const watching = spawn(KUBECTL, ['--cache-dir', join(dir, 'cache'), 'get', 'cm', '-w', '--output-watch-events'], { env: environment, stdio: ['ignore', 'pipe', 'inherit'] });
    let seen = '';
    /** Resolves when the watcher has printed it, or ended without. */
    const printed = (what: RegExp): Promise<void> => new Promise((resolve) => {
      const look = (): void => {
        if (what.test(seen) || watching.exitCode !== null) {
          watching.stdout.off('data', look);
          resolve();
        }
      };
      watching.stdout.on('data', look);
      watching.once('exit', look);
      look();
    });
    watching.stdout.setEncoding('utf8');
    watching.stdout.on('data', (chunk: string) => {
      seen += chunk;
    });
    try {
      await printed(/ADDED +before/);
      await k('create', 'cm', 'seen');
      await k('label', 'cm', 'seen', 'x=y');
      await k('delete', 'cm', 'seen');
      await printed(/DELETED +seen/);
    } finally {
      watching.kill('SIGKILL');
    }
    assert.match(seen, /ADDED +seen[^]*MODIFIED +seen[^]*DELETED +seen/);
    const awaited = (await run(['wait', '--help'])).out.includes('--for=create') ? k('wait', '--for=create', 'cm/awaited', '--timeout=20s') : undefined;
    await k('create', 'cm', 'awaited');
    assert.match(await awaited ?? 'condition met', /condition met/);
    const going = k('wait', '--for=delete', 'cm/awaited', '--timeout=20s');
    await k('delete', 'cm', 'awaited');
    await going;
  });

  it('deletes in every way', async () => {
    await k('create', 'cm', 'gone');
    assert.match(await k('delete', 'cm', 'gone'), /configmap "gone" deleted/);
    assert.equal(await k('delete', 'cm', 'nosuch', '--ignore-not-found'), '');
    assert.match(await fails('delete', 'cm', 'nosuch'), /configmaps "nosuch" not found/);
    assert.match(await k('delete', 'cm', '-l', 'app=cap'), /capcm/);
    assert.match(await k('delete', 'secret', '--all', '-n', 'capns'), /s1/);
    assert.match(await k('delete', 'deploy', 'd1', '-n', 'capns', '--cascade=foreground', '--wait=false'), /deleted/);
    assert.deepEqual(at((await s.get('/apis/apps/v1/namespaces/capns/deployments/d1')).json, 'metadata', 'finalizers'), ['foregroundDeletion']);
    assert.match(await k('delete', 'deploy', 'capdep', '--cascade=orphan', '--wait=false'), /deleted/);
    assert.match(await k('delete', 'svc', 'capdep', '--wait=false'), /deleted/);
    assert.match(await k('delete', 'ns', 'capns', '--wait=false'), /deleted/);
    assert.match(await k('get', 'ns', 'capns'), /Terminating/);
    assert.match(await fails('delete', 'ns', 'default'), /this namespace may not be deleted/);
    assert.equal((await s.get(`${CMS}/capcm`)).code, 404);
  });

  it('looks after nodes', async () => {
    await s.post('/api/v1/nodes', { metadata: { name: 'n1' }, status: { conditions: [{ type: 'Ready', status: 'True' }] } });
    assert.match(await k('get', 'nodes'), /^n1 +Ready/m);
    assert.match(await k('cordon', 'n1'), /cordoned/);
    assert.match(await k('get', 'nodes'), /SchedulingDisabled/);
    assert.match(await k('taint', 'node', 'n1', 'k=v:PreferNoSchedule'), /tainted/);
    assert.match(await k('describe', 'node', 'n1'), /Taints: [^:]*:NoSchedule\n +k=v:PreferNoSchedule/);
    await s.post(PODS, { ...pod('drained', { nodeName: 'n1', terminationGracePeriodSeconds: 30 }), metadata: { name: 'drained', labels: { app: 'drained' } } });
    const draining = k('drain', 'n1', '--ignore-daemonsets', '--force', '--delete-emptydir-data', '--pod-selector=app=drained', '--timeout=30s');
    // What the node does once the pod's containers have ended.
    const watch = await s.open({ path: `${PODS}?watch=true&resourceVersion=0&fieldSelector=metadata.name%3Ddrained` });
    for await (const event of lines(watch)) {
      if (at(event, 'object', 'metadata', 'deletionTimestamp') !== undefined) {
        break;
      }
    }
    watch.destroy();
    await s.delete(`${PODS}/drained`, { gracePeriodSeconds: 0 });
    assert.match(await draining, /pod\/drained evicted/);
    assert.match(await k('uncordon', 'n1'), /uncordoned/);
    assert.match(await k('delete', 'node', 'n1'), /deleted/);
  });

  it('makes roles, limits and autoscalers', async () => {
    assert.match(await k('create', 'rolebinding', 'rb1', '--clusterrole=view', '--serviceaccount=default:sa1'), /created/);
    assert.match(await k('create', 'role', 'r1', '--verb=get', '--resource=pods'), /created/);
    assert.match(await k('create', 'quota', 'q1', '--hard=pods=2'), /created/);
    assert.match(await k('create', 'deployment', 'scaled', '--image=x:1'), /created/);
    assert.match(await k('autoscale', 'deploy', 'scaled', '--min=1', '--max=2'), /autoscaled/);
    assert.match(await k('get', 'hpa'), /scaled +Deployment\/scaled/);
    assert.match(await k('create', 'ingress', 'i1', '--rule=example.com/=svc:80'), /created/);
    assert.match(await k('create', 'cronjob', 'c1', '--image=x:1', '--schedule=*/5 * * * *'), /created/);
    assert.match(await k('create', 'job', 'from-cron', '--from=cronjob/c1'), /created/);
    assert.match(await k('create', 'priorityclass', 'p1', '--value=5'), /created/);
    assert.match(await k('create', 'pdb', 'b1', '--selector=app=x', '--min-available=1'), /created/);
    assert.match(await k('get', 'role,rolebinding,quota,ing,cj,pc,pdb'), /priorityclass.scheduling.k8s.io\/p1/);
  });

  it('shows events', async () => {
    await s.post('/api/v1/namespaces/default/events', {
      metadata: { name: 'ev1' }, involvedObject: { kind: 'Pod', name: 'p1', namespace: 'default', apiVersion: 'v1' }, reason: 'Pulled', message: 'it is here',
      type: 'Normal', count: 1, firstTimestamp: '2026-01-01T00:00:00Z', lastTimestamp: '2026-01-01T00:00:00Z',
    });
    assert.match(await k('get', 'events'), /Pulled +pod\/p1 +it is here/);
    assert.match(await k('events'), /it is here/);
    assert.match(await k('events', '--for', 'pod/p1'), /it is here/);
  });

  it('leaves no trace of its credentials in what it prints', async () => {
    const config = await readFile(join(dir, 'kubeconfig'), 'utf8');
    assert.ok(config.includes('client-key-data'));
    assert.ok(!(await k('config', 'view')).includes('BEGIN'));
  });
});
