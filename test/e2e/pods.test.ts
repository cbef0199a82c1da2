/** Containers as a user of kubectl expects them, on real Podman. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { eventually, TestInstance } from '../harness/instance.ts';
import { pod, SHELL } from '../harness/manifests.ts';

describe('pods', () => {
  let telar: TestInstance;
  before(async () => {
    telar = await TestInstance.create();
    await telar.up();
    assert.equal((await telar.telar(['images', 'build', 'shell'])).code, 0);
  });
  after(() => telar.remove());

  const ready = (name: string): Promise<string> => telar.k('wait', '--for=condition=Ready', `pod/${name}`, '--timeout=120s');
  const events = (name: string): Promise<string> => telar.k('get', 'events', '--field-selector', `involvedObject.name=${name}`, '-o', 'jsonpath={range .items[*]}{.reason}: {.message}{"\\n"}{end}');

  it('runs init containers first, then several containers that share a network', async () => {
    await telar.apply(pod('several', {}, {
      initContainers: [{ name: 'init', image: SHELL, command: ['sh', '-c', 'echo made by init > /shared/index.html'], volumeMounts: [{ name: 'shared', mountPath: '/shared' }] }],
      containers: [
        { name: 'web', image: SHELL, command: ['httpd', '-f', '-p', '8080', '-h', '/shared'], volumeMounts: [{ name: 'shared', mountPath: '/shared' }] },
        { name: 'side', image: SHELL, command: ['sleep', '100000'] },
      ],
      volumes: [{ name: 'shared', emptyDir: {} }],
    }));
    await ready('several');
    assert.equal(await telar.k('exec', 'several', '-c', 'side', '--', 'wget', '-qO-', 'http://127.0.0.1:8080/'), 'made by init');
    assert.match(await telar.k('get', 'pod', 'several'), /2\/2\s+Running\s+0/);
    assert.equal(await telar.k('exec', 'several', '-c', 'side', '--', 'hostname'), 'several');
  });

  it('hands over the environment and files of configMaps, secrets and the pod itself', async () => {
    await telar.k('create', 'configmap', 'settings', '--from-literal=colour=green', '--from-literal=page=hello');
    await telar.k('create', 'secret', 'generic', 'keys', '--from-literal=token=s3cret');
    await telar.apply(pod('configured', {
      env: [
        { name: 'COLOUR', valueFrom: { configMapKeyRef: { name: 'settings', key: 'colour' } } },
        { name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'keys', key: 'token' } } },
        { name: 'ME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
        { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
        { name: 'BOTH', value: '$(ME) is $(COLOUR)' },
      ],
      volumeMounts: [{ name: 'files', mountPath: '/etc/files' }, { name: 'secret', mountPath: '/etc/secret', readOnly: true }],
    }, {
      volumes: [
        { name: 'files', projected: { sources: [{ configMap: { name: 'settings' } }, { downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } }] } },
        { name: 'secret', secret: { secretName: 'keys', defaultMode: 0o400 } },
      ],
    }, { labels: { tier: 'front' } }));
    await ready('configured');
    const ip = await telar.jsonpath('pod configured', '{.status.podIP}');
    assert.equal(await telar.k('exec', 'configured', '--', 'sh', '-c', 'echo "$COLOUR $TOKEN $BOTH $IP"'), `green s3cret configured is green ${ip}`);
    assert.equal(await telar.k('exec', 'configured', '--', 'sh', '-c', 'cat /etc/files/page /etc/secret/token; echo; cat /etc/files/labels'), 'hellos3cret\ntier="front"');
    await telar.k('patch', 'configmap', 'settings', '--type=merge', '-p', '{"data":{"page":"changed"}}');
    await eventually('the mounted file follows its ConfigMap', async () => (await telar.k('exec', 'configured', '--', 'cat', '/etc/files/page')) === 'changed');
  });

  it('holds containers to their limits', async () => {
    await telar.apply(pod('greedy', {
      command: ['sh', '-c', 'tail /dev/zero'], resources: { limits: { memory: '32Mi', cpu: '100m' } },
    }, { restartPolicy: 'Never' }));
    await eventually('the container is killed for memory', async () =>
      (await telar.jsonpath('pod greedy', '{.status.containerStatuses[0].state.terminated.reason}')) === 'OOMKilled');
    assert.equal(await telar.jsonpath('pod greedy', '{.status.phase}'), 'Failed');
    await telar.apply(pod('slow', { command: ['sh', '-c', 'while :; do :; done'], resources: { limits: { cpu: '100m', memory: '32Mi' } } }));
    await ready('slow');
    const shown = Number(/^slow +main +(\d+)m /m.exec(await telar.k('top', 'pod', '--containers'))?.[1]);
    assert.ok(shown > 0 && shown <= 130, `kubectl top shows ${shown}m of 100m`);
    const used = async (): Promise<number> => Number((await telar.k('exec', 'slow', '--', 'awk', '{print $14+$15}', '/proc/1/stat')));
    const clock = async (): Promise<number> => Number((await telar.k('exec', 'slow', '--', 'awk', '{print $1*100}', '/proc/uptime')));
    const [cpu0, wall0] = [await used(), await clock()];
    await new Promise((resolve) => { setTimeout(resolve, 4000); });
    const [cpu1, wall1] = [await used(), await clock()];
    const share = (cpu1 - cpu0) / (wall1 - wall0);
    assert.ok(share > 0.02 && share < 0.2, `a tenth of a core was allowed, ${share.toFixed(3)} used`);
    await telar.k('delete', 'pod', 'slow', '--now');
  });

  it('restarts what exits, with back-off, and keeps the previous log', async () => {
    await telar.apply(pod('failing', { command: ['sh', '-c', 'echo run 1; exit 3'] }));
    await eventually('it is in back-off', async () => (await telar.k('get', 'pod', 'failing')).includes('CrashLoopBackOff'));
    assert.equal(await telar.jsonpath('pod failing', '{.status.containerStatuses[0].lastState.terminated.exitCode}'), '3');
    assert.match(await telar.k('logs', 'failing', '--previous'), /^run \d+$/);
    assert.match(await events('failing'), /BackOff: /);
    await telar.k('delete', 'pod', 'failing', '--now');
  });

  it('says what is wrong with an image and what to do', async () => {
    await telar.apply(pod('nowhere', { image: 'telar.local/no/such:image' }));
    await eventually('the image is refused', async () => /ErrImagePull|ImagePullBackOff|ErrImageNeverPull/.test(await telar.k('get', 'pod', 'nowhere')));
    await eventually('an event says so', async () => /telar images|no\/such:image/.test(await events('nowhere')));
    await telar.apply(pod('misnamed', { image: 'Not A Name' }));
    await eventually('the name is refused', async () => (await telar.k('get', 'pod', 'misnamed')).includes('InvalidImageName'));
    await telar.k('delete', 'pod', 'nowhere', 'misnamed', '--now');
  });

  it('follows, tails and filters logs', async () => {
    await telar.apply(pod('talker', { command: ['sh', '-c', 'i=0; while :; do i=$((i+1)); echo line $i; sleep 0.2; done'] }));
    await ready('talker');
    const follower = spawn('kubectl', ['--kubeconfig', telar.kubeconfig, 'logs', '-f', '--tail=1', 'talker']);
    let text = '';
    follower.stdout.on('data', (chunk: Buffer) => { text += chunk.toString(); });
    await eventually('new lines arrive', () => Promise.resolve(text.split('\n').length > 5));
    follower.kill();
    assert.equal((await telar.k('logs', '--tail=2', 'talker')).split('\n').length, 2);
    assert.match(await telar.k('logs', '--tail=1', '--timestamps', 'talker'), /^\d{4}-\d\d-\d\dT[\d:.]+Z line \d+$/);
    await telar.k('delete', 'pod', 'talker', '--now');
  });

  it('passes input, output and exit codes through exec', async () => {
    await telar.apply(pod('worker'));
    await ready('worker');
    const cat = await telar.kubectl(['exec', '-i', 'worker', '--', 'sh', '-c', 'cat; echo to stderr >&2; exit 7'], { input: 'through stdin' });
    assert.deepEqual([cat.code, cat.stdout, cat.stderr.includes('to stderr')], [7, 'through stdin', true]);
    const big = 'x'.repeat(3_000_000);
    const echoed = await telar.kubectl(['exec', '-i', 'worker', '--', 'wc', '-c'], { input: big });
    assert.equal(echoed.stdout.trim(), String(big.length));
    const missing = await telar.kubectl(['exec', 'worker', '--', 'no-such-program']);
    assert.notEqual(missing.code, 0);
  });

  it('sends traffic only to what is ready and restarts what is not alive', async () => {
    await telar.apply([
      pod('probed', {
        command: ['sh', '-c', 'touch /tmp/ready /tmp/alive; sleep 100000'],
        readinessProbe: { exec: { command: ['test', '-f', '/tmp/ready'] }, periodSeconds: 1, failureThreshold: 1 },
        livenessProbe: { exec: { command: ['test', '-f', '/tmp/alive'] }, periodSeconds: 1, failureThreshold: 1 },
      }, {}, { labels: { app: 'probed' } }),
      { apiVersion: 'v1', kind: 'Service', metadata: { name: 'probed' }, spec: { selector: { app: 'probed' }, ports: [{ port: 80 }] } },
    ]);
    await ready('probed');
    const endpoint = (): Promise<string> => telar.k('get', 'endpointslices', '-l', 'kubernetes.io/service-name=probed', '-o', 'jsonpath={.items[*].endpoints[*].conditions.ready}');
    await eventually('the endpoint is ready', async () => (await endpoint()) === 'true');
    await telar.k('exec', 'probed', '--', 'rm', '/tmp/ready');
    await eventually('the endpoint is not ready', async () => (await endpoint()) === 'false');
    await telar.k('exec', 'probed', '--', 'rm', '/tmp/alive');
    await eventually('the container restarts', async () => (await telar.jsonpath('pod probed', '{.status.containerStatuses[0].restartCount}')) === '1');
    await eventually('an event says why', async () => /Unhealthy: Liveness probe failed/.test(await events('probed')));
    await telar.k('delete', 'pod', 'probed', '--now');
  });

  it('gives a container its grace period and then ends it', async () => {
    await telar.apply(pod('polite', { command: ['sh', '-c', 'trap "echo goodbye; exit 0" TERM; while :; do sleep 0.1; done'] }, { terminationGracePeriodSeconds: 20 }));
    await ready('polite');
    const follower = spawn('kubectl', ['--kubeconfig', telar.kubeconfig, 'logs', '-f', 'polite']);
    let text = '';
    follower.stdout.on('data', (chunk: Buffer) => { text += chunk.toString(); });
    await telar.k('delete', 'pod', 'polite', '--timeout=60s');
    await eventually('it said goodbye', () => Promise.resolve(text.includes('goodbye')), 10_000);
    follower.kill();
  });

  it('runs a Job to its end and rolls a Deployment', async () => {
    await telar.k('create', 'job', 'sum', `--image=${SHELL}`, '--', 'sh', '-c', 'echo $((6*7))');
    await telar.k('wait', '--for=condition=complete', 'job/sum', '--timeout=120s');
    assert.equal(await telar.k('logs', 'job/sum'), '42');
    await telar.k('create', 'deployment', 'rolling', `--image=${SHELL}`, '--replicas=2', '--', 'sleep', '100000');
    await telar.k('rollout', 'status', 'deployment/rolling', '--timeout=120s');
    await telar.k('set', 'env', 'deployment/rolling', 'VERSION=2');
    await telar.k('rollout', 'status', 'deployment/rolling', '--timeout=120s');
    assert.equal(await telar.k('exec', 'deployment/rolling', '--', 'sh', '-c', 'echo $VERSION'), '2');
    await telar.k('rollout', 'undo', 'deployment/rolling');
    await telar.k('rollout', 'status', 'deployment/rolling', '--timeout=120s');
    assert.equal(await telar.k('exec', 'deployment/rolling', '--', 'sh', '-c', 'echo [$VERSION]'), '[]');
    await telar.k('scale', 'deployment/rolling', '--replicas=0');
    await eventually('its pods are gone', async () => (await telar.k('get', 'pods', '-l', 'app=rolling', '-o', 'name')) === '');
  });
});
