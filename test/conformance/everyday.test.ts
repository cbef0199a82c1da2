/**
 * What people do with kubectl all day, with the oldest one that people still have, the machine's own and the newest, against a real API server
 * with all controllers: rollouts, waiting, watching, nodes, budgets, quotas, metrics, differences, kustomize.
 */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { newKubectl, oldKubectl } from '../../scripts/kubectl.ts';
import type { NodeHandler } from '../../src/apimachinery/nodehandler.ts';
import { realServer, type RealServer } from '../harness/controllers.ts';
import { eventually } from '../harness/instance.ts';

const LIMIT_MS = 60_000;

const DEPLOYMENT = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - {name: c, image: "example.com/web:1", resources: {requests: {cpu: 100m}}}
`;

const BUDGET = `apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {minAvailable: 2, selector: {matchLabels: {app: web}}}
`;

const LIMITED = `apiVersion: v1
kind: LimitRange
metadata: {name: sizes}
spec: {limits: [{type: Container, default: {cpu: 200m}, defaultRequest: {cpu: 100m}, max: {cpu: "1"}}]}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: share}
spec: {hard: {pods: "2", requests.cpu: "1"}}
`;

const CONFIGMAP = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: "1"}\n';

/** A node that measures half a core for itself and for each pod it is told of. */
function measuringNode(pods: readonly { name: string; namespace: string }[]): NodeHandler {
  const since = performance.now();
  return {
    request(target, _req, res) {
      assert.equal(target, '/stats/summary');
      const nanos = Math.round((performance.now() - since) * 5e5);
      const stats = { cpu: { usageCoreNanoSeconds: nanos }, memory: { workingSetBytes: 64 * 1024 * 1024 } };
      res.end(JSON.stringify({ node: { nodeName: 'here', ...stats }, pods: pods.map((podRef) => ({ podRef, containers: [{ name: 'c', ...stats }] })) }));
    },
    upgrade: (_target, _req, socket) => socket.destroy(),
  };
}

interface Output {
  code: number;
  out: string;
  err: string;
}

const programs: readonly [name: string, program: () => string | Promise<string>][] = [
  ['of Debian 12, 1.20', oldKubectl], ['of this machine', () => 'kubectl'], ['1.36', newKubectl],
];

for (const [name, find] of programs) {
  describe(`kubectl ${name}`, () => {
    let real: RealServer;
    let program: string;
    /** Of its version; commands that it does not have yet are not asked of it. */
    let minor: number;
    /** The pods that the node measures. */
    const measured: { name: string; namespace: string }[] = [];

    const run = (args: readonly string[], extra: NodeJS.ProcessEnv = {}): Promise<Output> => new Promise((resolve) => {
      const env = { ...process.env, KUBECONFIG: real.kubeconfig, HOME: real.directory, ...extra };
      execFile(program, args, { env, timeout: LIMIT_MS, cwd: real.directory }, (error, out, err) => {
        resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, out, err });
      });
    });
    const k = async (...args: string[]): Promise<string> => {
      const { code, out, err } = await run(args);
      assert.equal(code, 0, `kubectl ${args.join(' ')}: ${err}${out}`);
      return out;
    };
    const watches = async (resource: string): Promise<number> => {
      const line = (await k('get', '--raw', '/metrics')).split('\n').find((one) => /^apiserver_longrunning_requests\{.*verb="WATCH"/.test(one) && one.includes(`resource="${resource}"`));
      return Number(line?.split(' ').at(-1) ?? 0);
    };
    const file = async (path: string, text: string): Promise<string> => {
      await writeFile(join(real.directory, path), text);
      return path;
    };

    before(async () => {
      program = await find();
      const node = measuringNode(measured);
      real = await realServer({ nodes: { connect: (nodeName) => (nodeName === 'here' ? node : undefined) } });
      minor = Number(/"gitVersion":\s*"v1\.(\d+)/.exec((await run(['version', '--client', '-o', 'json'])).out)?.[1]);
      assert.ok(minor >= 20);
      await k('apply', '-f', await file('web.yaml', DEPLOYMENT));
    });
    after(() => real.stop());

    it('rolls out, back and anew, pauses and goes on', async () => {
      const settled = /deployment "web" successfully rolled out/;
      assert.match(await k('rollout', 'status', 'deploy/web', '--timeout=30s'), settled);
      await k('set', 'image', 'deploy/web', 'c=example.com/web:2');
      assert.match(await k('rollout', 'status', 'deploy/web', '--timeout=30s'), settled);
      assert.match(await k('rollout', 'history', 'deploy/web'), /REVISION +CHANGE-CAUSE\n1 +<none>\n2 +<none>/);
      assert.match(await k('rollout', 'history', 'deploy/web', '--revision=1'), /Image:\s+example.com\/web:1/);
      assert.match(await k('rollout', 'undo', 'deploy/web'), /rolled back/);
      await k('rollout', 'status', 'deploy/web', '--timeout=30s');
      assert.equal(await k('get', 'deploy', 'web', '-o', 'jsonpath={.spec.template.spec.containers[0].image}'), 'example.com/web:1');
      const before = await k('get', 'rs', '-o', 'name');
      assert.match(await k('rollout', 'restart', 'deploy/web'), /restarted/);
      assert.match(await k('rollout', 'status', 'deploy/web', '--timeout=30s'), settled);
      assert.notEqual(await k('get', 'rs', '-o', 'name'), before);
      assert.match(await k('rollout', 'pause', 'deploy/web'), /paused/);
      assert.notEqual((await run(['rollout', 'restart', 'deploy/web'])).code, 0, 'what is paused is not restarted');
      assert.match(await k('rollout', 'resume', 'deploy/web'), /resumed/);
    });

    it('scales, and asks for scaling', async () => {
      assert.match(await k('scale', 'deploy/web', '--current-replicas=3', '--replicas=2'), /scaled/);
      const wrong = await run(['scale', 'deploy/web', '--current-replicas=3', '--replicas=1']);
      assert.match(wrong.err, /Expected replicas to be 3, was 2/);
      await k('scale', 'deploy/web', '--replicas=3');
      assert.match(await k('autoscale', 'deploy', 'web', '--min=1', '--max=5', '--cpu-percent=80'), /autoscaled/);
      assert.match(await k('get', 'hpa', 'web'), /web +Deployment\/web +\S*.*80% +1 +5/);
    });

    it('waits for conditions, values, beginnings and ends', async () => {
      assert.match(await k('wait', '--for=condition=Available', 'deploy/web', '--timeout=30s'), /condition met/);
      assert.match(await k('wait', '--for=condition=Ready', 'pod', '-l', 'app=web', '--timeout=30s'), /condition met/);
      const late = await run(['wait', '--for=condition=Never', 'deploy/web', '--timeout=1s']);
      assert.match(late.err, /timed out waiting for the condition on deployments\/web/);
      await k('create', 'cm', 'brief', '--from-literal=a=b');
      const before = await watches('configmaps');
      const waiting = k('wait', '--for=delete', 'cm/brief', '--timeout=30s');
      // What is gone before it is looked at is an error to kubectl.
      await eventually('kubectl watches', async () => await watches('configmaps') > before);
      const [gone] = await Promise.all([waiting, k('delete', 'cm', 'brief')]);
      assert.match(gone, /condition met|^$/);
      if (minor >= 23) {
        assert.match(await k('wait', '--for=jsonpath={.status.readyReplicas}=3', 'deploy/web', '--timeout=30s'), /condition met/);
      }
      if (minor >= 31) {
        const [made] = await Promise.all([k('wait', '--for=create', 'cm/soon', '--timeout=30s'), k('create', 'cm', 'soon', '--from-literal=a=b')]);
        assert.match(made, /condition met/);
        await k('delete', 'cm', 'soon');
      }
    });

    it('watches', async () => {
      const watching = spawn(program, ['get', 'cm', '-w', '--no-headers', '--output-watch-events', '-l', 'watched=yes'],
        { env: { ...process.env, KUBECONFIG: real.kubeconfig, HOME: real.directory }, stdio: ['ignore', 'pipe', 'inherit'] });
      const lines = createInterface({ input: watching.stdout })[Symbol.asyncIterator]();
      const next = async (): Promise<string> => String((await lines.next()).value);
      try {
        await k('create', '-f', await file('watched.yaml', CONFIGMAP.replace('{name: c}', '{name: first, labels: {watched: "yes"}}')));
        assert.match(await next(), /^ADDED +first +1 +\d+s *$/);
        await k('annotate', 'cm', 'first', 'a=b');
        assert.match(await next(), /^MODIFIED +first +1 +\d+s *$/);
        await k('delete', 'cm', 'first');
        assert.match(await next(), /^DELETED +first +1 +\d+s *$/);
      } finally {
        watching.kill();
      }
    });

    it('lists in pieces, sorted, selected, and without the server\'s columns', async () => {
      const all = await k('get', 'pods', '-o', 'name');
      assert.equal(all.trim().split('\n').length, 3);
      assert.equal(await k('get', 'pods', '-o', 'name', '--chunk-size=1'), all);
      assert.match(await k('get', 'pods', '--server-print=false'), /^NAME +AGE\n/);
      assert.match(await k('get', 'pods', '-o', 'wide', '--show-labels', '--sort-by=.metadata.name'), /NAME +READY +STATUS +RESTARTS +AGE +IP +NODE .*LABELS\n/);
      assert.match(await k('get', 'pods', '-A', '-L', 'app', '--field-selector=spec.nodeName=here'), /NAMESPACE +NAME .* APP\n(?:default +web-\S+ .* web\n){3}/);
      assert.equal((await k('get', 'pods', '-o', 'custom-columns=N:.metadata.namespace', '--no-headers')).trim(), 'default\ndefault\ndefault');
      assert.match((await run(['get', 'pods', '-l', 'app=none'])).err, /No resources found in default namespace/);
      if (minor >= 24) {
        assert.match(await k('get', 'deploy', 'web', '--subresource=scale'), /NAME +DESIRED +AVAILABLE +AGE\nweb +3 +3 /);
        assert.equal(await k('get', 'deploy', 'web', '--subresource=status', '-o', 'jsonpath={.status.replicas}'), '3');
        assert.match(await k('patch', 'deploy', 'web', '--subresource=scale', '--type=merge', '-p', '{"spec":{"replicas":3}}'), /patched/);
      }
    });

    it('tells what has happened', async () => {
      assert.match(await k('get', 'events'), /ScalingReplicaSet +deployment\/web +Scaled up replica set web-\S+ (?:from 0 )?to 3/);
      assert.match(await k('get', 'events', '--field-selector=involvedObject.kind=Pod', '--sort-by=.lastTimestamp'), /Scheduled +pod\/web-/);
      assert.match(await k('describe', 'deploy', 'web'), /Events:[\s\S]*ScalingReplicaSet/);
      if (minor >= 26) {
        assert.match(await k('events', '--for', 'deploy/web'), /ScalingReplicaSet +Deployment\/web/);
        assert.match(await k('events', '--types=Normal'), /SuccessfulCreate/);
      }
    });

    it('shows what is used', async () => {
      const [pod = ''] = (await k('get', 'pods', '-o', 'name')).replaceAll('pod/', '').split('\n');
      measured.push({ name: pod, namespace: 'default' });
      const [, cores = '', percent = ''] = /^NAME .*\nhere +(\d+)m +(\d+)% +64Mi +0%/.exec(await k('top', 'node')) ?? [];
      // Half a core of eight, as nearly as the clock allows.
      assert.ok(Number(cores) > 100 && Number(cores) < 2500 && Number(percent) <= 31, cores);
      assert.match(await k('top', 'pod'), new RegExp(`^NAME .*\n${pod} +\\d+m +64Mi`));
      assert.match(await k('top', 'pod', '-A', '--containers', '-l', 'app=web'), new RegExp(`default +${pod} +c +\\d+m +64Mi`));
    });

    it('shows differences and takes edits', async () => {
      const same = await run(['diff', '-f', await file('c.yaml', CONFIGMAP)]);
      assert.equal(same.code, 1, 'what is not there yet differs');
      await k('apply', '-f', 'c.yaml');
      assert.equal((await run(['diff', '-f', 'c.yaml'])).code, 0);
      const differs = await run(['diff', '-f', await file('c2.yaml', CONFIGMAP.replace('"1"', '"2"'))]);
      assert.equal(differs.code, 1);
      assert.match(differs.out, /^-  a: "1"\n\+  a: "2"$/m);
      const editor = join(real.directory, 'editor');
      await writeFile(editor, '#!/bin/sh\nexec sed -i "s/a: \\"1\\"/a: \\"3\\"/" "$1"\n');
      await chmod(editor, 0o755);
      const edited = await run(['edit', 'cm', 'c'], { EDITOR: editor, KUBE_EDITOR: editor });
      assert.equal(edited.code, 0, edited.err);
      assert.equal(await k('get', 'cm', 'c', '-o', 'jsonpath={.data.a}'), '3');
      assert.match(await k('replace', '--force', '-f', 'c.yaml'), /replaced/);
      assert.equal(await k('get', 'cm', 'c', '-o', 'jsonpath={.data.a}'), '1');
    });

    it('builds with kustomize', async () => {
      await file('kustomization.yaml', 'namePrefix: kz-\nresources: [c.yaml]\nconfigMapGenerator:\n- {name: gen, literals: [a=b]}\n');
      const names = /kz-c\b[\s\S]*kz-gen-[a-z0-9]{10}/;
      assert.match(await k('apply', '-k', '.'), names);
      assert.match(await k('get', 'cm'), names);
      await k('delete', '-k', '.');
      assert.doesNotMatch(await k('get', 'cm'), /kz-/);
    });

    it('keeps namespaces within their limits', async () => {
      await k('create', 'namespace', 'small');
      await k('apply', '-n', 'small', '-f', await file('limited.yaml', LIMITED));
      await k('run', 'one', '-n', 'small', '--image=example.com/x:1');
      assert.equal(await k('get', 'pod', 'one', '-n', 'small', '-o', 'jsonpath={.spec.containers[0].resources.limits.cpu}'), '200m');
      await k('run', 'two', '-n', 'small', '--image=example.com/x:1');
      const third = await run(['run', 'three', '-n', 'small', '--image=example.com/x:1']);
      assert.match(third.err, /pods "three" is forbidden: exceeded quota: share, requested: pods=1, used: pods=2, limited: pods=2/);
      let shown = '';
      while (!/pods +2 +2/.test(shown)) {
        // Until the controller has counted.
        shown = await k('describe', 'quota', 'share', '-n', 'small');
      }
      assert.match(shown, /requests.cpu +200m +1/);
      assert.match(await k('describe', 'limits', 'sizes', '-n', 'small'), /Container +cpu +- +1 +100m +200m/);
      assert.match(await k('describe', 'ns', 'small'), /Resource Quotas[\s\S]*share[\s\S]*Resource Limits/);
      await k('label', 'ns', 'small', 'pod-security.kubernetes.io/warn=restricted');
      const warned = await run(['run', 'four', '-n', 'small', '--image=example.com/x:1', '--dry-run=server']);
      assert.match(warned.err, /exceeded quota/);
      await k('delete', 'pod', 'two', '-n', 'small', '--grace-period=0', '--force');
      assert.match((await run(['run', 'five', '-n', 'small', '--image=example.com/x:1'])).err, /Warning: would violate PodSecurity "restricted:latest": allowPrivilegeEscalation/);
    });

    it('taints, cordons and empties nodes as far as budgets let it', async () => {
      assert.match(await k('taint', 'node', 'here', 'k=v:PreferNoSchedule'), /tainted/);
      assert.equal(await k('get', 'node', 'here', '-o', 'jsonpath={.spec.taints[0].key}'), 'k');
      assert.match(await k('taint', 'node', 'here', 'k-'), /untainted/);
      assert.match(await k('cordon', 'here'), /cordoned/);
      assert.match(await k('get', 'nodes'), /here +Ready,SchedulingDisabled/);
      await k('uncordon', 'here');
      await k('apply', '-f', await file('budget.yaml', BUDGET));
      let allowed = '';
      while (allowed !== '1') {
        allowed = await k('get', 'pdb', 'web', '-o', 'jsonpath={.status.disruptionsAllowed}');
      }
      const deletesData = minor >= 20 ? '--delete-emptydir-data' : '--delete-local-data';
      const refused = await run(['drain', 'here', '--ignore-daemonsets', '--force', deletesData, '--pod-selector=app=web', '--timeout=3s']);
      assert.notEqual(refused.code, 0, refused.out);
      assert.match(refused.err, /Cannot evict pod as it would violate the pod's disruption budget\./);
      assert.match(refused.out, /evicted/, 'one was allowed to go');
      await k('delete', 'pdb', 'web');
      const drained = await run(['drain', 'here', '--ignore-daemonsets', '--force', deletesData, '--pod-selector=app=web', '--timeout=60s']);
      assert.equal(drained.code, 0, drained.err);
      assert.equal(await k('get', 'pods', '-l', 'app=web', '--field-selector=spec.nodeName=here', '-o', 'name'), '');
      await k('uncordon', 'here');
      await k('wait', '--for=condition=Available', 'deploy/web', '--timeout=30s');
    });
  });
}
