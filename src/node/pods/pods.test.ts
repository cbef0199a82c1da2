/** Pods on a real Podman: what they are given, how they end, and what survives. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CONFIGMAPS, PODS, SECRETS } from '../../client/resources.ts';
import type { ContainerStatus, Pod, PodSpec } from '../../kinds/generated/core.ts';
import { isUnified } from '../podman/cgroups.ts';
import { Bed, missing, script } from '../testing/bed.ts';

const skip = missing() ?? false;
const FOREVER = "trap 'exit 0' TERM; while true; do sleep 0.1; done";
let bed: Bed;

const first = (pod: Pod | undefined): ContainerStatus | undefined => pod?.status?.containerStatuses?.[0];
const uidOf = (pod: Pod | undefined): string => pod?.metadata.uid ?? '';
const idOf = (pod: Pod | undefined): string => first(pod)?.containerID?.slice('podman://'.length) ?? '';

before(async () => {
  if (skip === false) {
    bed = await Bed.create();
    await bed.pods.start();
  }
});
after(async () => {
  if (skip === false) {
    await bed.close();
  }
});

test('a pod runs, is told its environment, and goes gracefully', { skip }, async () => {
  await bed.client.create(CONFIGMAPS, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace: 'default' }, data: { colour: 'red' } });
  await bed.create('plain', {
    hostAliases: [{ ip: '203.0.113.7', hostnames: ['far.example'] }],
    containers: [{
      ...script('main', `echo $COLOUR $BOTH $ADDRESS; hostname; cat /etc/hosts /etc/resolv.conf; ${FOREVER}`),
      env: [
        { name: 'COLOUR', valueFrom: { configMapKeyRef: { name: 'settings', key: 'colour' } } }, { name: 'BOTH', value: '$(COLOUR)-$$(COLOUR)' },
        { name: 'ADDRESS', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
      ],
    }],
  });
  const pod = await bed.running('plain');
  assert.equal(pod.status?.conditions?.find(({ type }) => type === 'Ready')?.status, 'True');
  assert.match(first(pod)?.imageID ?? '', /^telar\.local\/test\/busybox@sha256:/);
  await bed.client.delete(PODS, 'plain', 'default');
  await bed.until('plain', (one) => first(one)?.state?.terminated !== undefined || one === undefined);
  await bed.until('plain', (one) => one === undefined);
  assert.equal(existsSync(join(bed.instance.dataDir, 'pods', uidOf(pod))), false);
  assert.deepEqual((await bed.network.list()).filter(({ uid }) => uid === uidOf(pod)), []);
});

test('logs show what a container wrote', { skip }, async () => {
  await bed.create('talker', { restartPolicy: 'Never', containers: [script('main', 'echo one; echo two >&2; hostname')] });
  const pod = await bed.until('talker', (one) => one?.status?.phase === 'Succeeded');
  assert.ok(pod);
  assert.deepEqual((await bed.log(pod, 'main')).split('\n').sort(), ['', 'one', 'talker', 'two']);
  assert.equal(first(pod)?.state?.terminated?.reason, 'Completed');
  // Containers and network of a pod that ended go; its log stays.
  assert.ok(existsSync(join(bed.instance.dataDir, 'pods', uidOf(pod), 'logs', 'main', '0.log')));
});

test('init containers run in order, a sidecar stays, volumes are shared', { skip }, async () => {
  const volumeMounts = [{ name: 'shared', mountPath: '/shared' }];
  await bed.create('stages', {
    restartPolicy: 'Never',
    initContainers: [
      { ...script('first', 'echo first > /shared/order'), volumeMounts },
      { ...script('beside', FOREVER), restartPolicy: 'Always', volumeMounts },
      { ...script('second', 'echo second >> /shared/order'), volumeMounts },
    ],
    containers: [{ ...script('main', 'cat /shared/order'), volumeMounts }],
    volumes: [{ name: 'shared', emptyDir: {} }],
  });
  const pod = await bed.until('stages', (one) => one?.status?.phase === 'Succeeded');
  assert.ok(pod);
  assert.equal(await bed.log(pod, 'main'), 'first\nsecond\n');
});

test('a container that fails is restarted with back-off and its last words kept', { skip }, async () => {
  await bed.create('failing', { containers: [script('main', 'echo because > /dev/termination-log; exit 3')] });
  const pod = await bed.until('failing', (one) => first(one)?.state?.waiting?.reason === 'CrashLoopBackOff');
  const status = first(pod);
  assert.equal(status?.restartCount, 1);
  assert.partialDeepStrictEqual(status.lastState?.terminated, { exitCode: 3, message: 'because\n', reason: 'Error' });
  assert.match(status?.state?.waiting?.message ?? '', /^back-off 10s restarting failed container=main/);
});

test('a program that is not there is a start error that says so', { skip }, async () => {
  await bed.create('nosuch', { restartPolicy: 'Never', containers: [{ ...script('main', ''), command: ['/no/such/program'] }] });
  const pod = await bed.until('nosuch', (one) => one?.status?.phase === 'Failed');
  const end = first(pod)?.state?.terminated;
  assert.deepEqual([end?.reason, end?.exitCode], ['StartError', 128]);
  assert.match(end?.message ?? '', /no such file or directory/);
});

test('a missing ConfigMap holds the container back until it appears', { skip }, async () => {
  await bed.create('waiting', { containers: [{ ...script('main', FOREVER), envFrom: [{ secretRef: { name: 'later' } }] }] });
  await bed.until('waiting', (one) => first(one)?.state?.waiting?.reason === 'CreateContainerConfigError');
  await bed.client.create(SECRETS, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'later', namespace: 'default' }, data: { KEY: 'dmFsdWU=' } });
  await bed.running('waiting');
});

test('limits reach the cgroup, and running out of memory is said', { skip }, async () => {
  await bed.create('limited', { containers: [{ ...script('main', FOREVER), resources: { limits: { cpu: '250m', memory: '32Mi' } } }] });
  const pod = await bed.running('limited');
  const id = idOf(pod);
  const group = `telar-${bed.instance.id}/pod${uidOf(pod)}`;
  const read = (controller: string, name: string): string =>
    readFileSync(join('/sys/fs/cgroup', isUnified() ? '' : controller, group, `libpod-${id}`, name), 'utf8').trim();
  if (isUnified()) {
    assert.deepEqual([read('', 'cpu.max'), read('', 'memory.max')], ['25000 100000', String(32 * 2 ** 20)]);
  } else {
    assert.deepEqual([read('cpu', 'cpu.cfs_quota_us'), read('cpu', 'cpu.shares'), read('memory', 'memory.limit_in_bytes')], ['25000', '256', String(32 * 2 ** 20)]);
  }
  assert.equal(pod.status?.qosClass, 'Guaranteed');
  await bed.create('greedy', {
    restartPolicy: 'Never', containers: [{ ...script('main', 'x=a; while true; do x=$x$x; done'), resources: { limits: { memory: '16Mi' } } }],
  });
  const greedy = await bed.until('greedy', (one) => one?.status?.phase === 'Failed');
  assert.equal(first(greedy)?.state?.terminated?.reason, 'OOMKilled');
});

test('probes: ready when it passes, restarted when it fails', { skip }, async () => {
  await bed.create('probed', {
    containers: [{
      ...script('main', `touch /tmp/alive; sleep 0.3; touch /tmp/ready; ${FOREVER}`),
      readinessProbe: { exec: { command: ['test', '-e', '/tmp/ready'] }, periodSeconds: 1 },
      livenessProbe: { exec: { command: ['test', '-e', '/tmp/alive'] }, periodSeconds: 1, failureThreshold: 1 },
    }],
  });
  const pod = await bed.until('probed', (one) => first(one)?.ready === true);
  const id = idOf(pod);
  const exec = await bed.service.client.createExec(id, { command: ['sh', '-c', 'echo > /dev/null; busybox rm /tmp/alive'], stdin: false, stdout: true, stderr: true, tty: false });
  const { socket } = await bed.service.client.startExec(exec, { tty: false });
  socket.resume();
  const again = await bed.until('probed', (one) => first(one)?.restartCount === 1);
  assert.ok(again);
  assert.ok((await bed.events('probed')).some((event) => event.startsWith('Killing: Container main failed liveness probe')));
});

test('an ephemeral container runs beside the processes of its target, once, and counts for nothing', { skip }, async () => {
  await bed.create('looked-at', { containers: [script('main', `: target; ${FOREVER}`)] });
  const pod = await bed.running('looked-at');
  const look = { ...script('look', 'cat /proc/1/cmdline; exit 5'), targetContainerName: 'main' };
  await bed.client.patch(PODS, { name: 'looked-at', namespace: 'default', type: 'merge', body: { spec: { ephemeralContainers: [look] } } });
  const after = await bed.until('looked-at', (one) => one?.status?.ephemeralContainerStatuses?.[0]?.state?.terminated !== undefined);
  assert.ok(after);
  const status = after.status?.ephemeralContainerStatuses?.[0];
  assert.deepEqual([status?.state?.terminated?.exitCode, status?.ready, status?.restartCount], [5, false, 0]);
  assert.match(await bed.log(after, 'look'), /: target;/);
  assert.deepEqual([after.status?.phase, first(after)?.restartCount, idOf(after)], ['Running', 0, idOf(pod)]);
  await bed.restart();
  await bed.client.patch(PODS, { name: 'looked-at', namespace: 'default', type: 'merge', body: { metadata: { labels: { seen: 'again' } } } });
  const again = await bed.running('looked-at');
  assert.deepEqual(again.status?.ephemeralContainerStatuses?.[0]?.state?.terminated?.exitCode, 5);
  await bed.client.delete(PODS, 'looked-at', 'default', { gracePeriodSeconds: 0 });
});

test('containers that share processes see each other, and their namespace goes with the pod', { skip }, async () => {
  await bed.create('shared', {
    shareProcessNamespace: true,
    containers: [script('one', `: first; ${FOREVER}`), script('two', `n=0; until grep -q ': first' /proc/*/cmdline || [ $n = 100 ]; do n=$((n+1)); sleep 0.1; done; grep -c ': first' /proc/*/cmdline | grep -v ':0'; ${FOREVER}`)],
  });
  const pod = await bed.running('shared');
  let log = '';
  while (log === '') {
    log = await bed.log(pod, 'two');
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
  assert.match(log, /^\/proc\/\d+\/cmdline:1$/m);
  const [holder = ''] = readFileSync(join(bed.instance.dataDir, 'pods', uidOf(pod), 'pidns'), 'utf8').split(' ');
  assert.ok(existsSync(`/proc/${holder}`));
  await bed.client.delete(PODS, 'shared', 'default', { gracePeriodSeconds: 0 });
  await bed.until('shared', (one) => one === undefined);
  while (existsSync(`/proc/${holder}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${holder}/status`, 'utf8'))) {
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
});

test('a resize reaches the cgroup of a container that runs; what the machine does not have is infeasible', { skip }, async () => {
  const sized = (cpu: string, memory: string): PodSpec['containers'][number] => ({ ...script('main', FOREVER), resources: { limits: { cpu, memory }, requests: { cpu, memory } } });
  await bed.create('sized', { containers: [sized('500m', '64Mi')] });
  const pod = await bed.running('sized');
  const folder = (controller: string): string => join('/sys/fs/cgroup', isUnified() ? '' : controller, `telar-${bed.instance.id}`, `pod${uidOf(pod)}`, `libpod-${idOf(pod)}`);
  const memory = (): string => readFileSync(join(folder('memory'), isUnified() ? 'memory.max' : 'memory.limit_in_bytes'), 'utf8').trim();
  const quota = (): string => readFileSync(join(folder('cpu'), isUnified() ? 'cpu.max' : 'cpu.cfs_quota_us'), 'utf8').split(' ')[0]?.trim() ?? '';
  const resize = async (cpu: string, amount: string): Promise<void> => {
    await bed.client.patch(PODS, { name: 'sized', namespace: 'default', type: 'merge', body: { spec: { containers: [sized(cpu, amount)] } } });
  };
  for (const [cpu, amount, expectedQuota, expectedMemory] of [['1', '128Mi', '100000', '134217728'], ['250m', '32Mi', '25000', '33554432']] as const) {
    await resize(cpu, amount);
    const after = await bed.until('sized', (one) => first(one)?.resources?.limits?.['memory'] === amount);
    assert.deepEqual([quota(), memory(), first(after)?.allocatedResources?.['cpu']], [expectedQuota, expectedMemory, cpu]);
    assert.deepEqual([first(after)?.restartCount, idOf(after)], [0, idOf(pod)]);
  }
  await resize('64', '32Mi');
  const pending = await bed.until('sized', (one) => one?.status?.conditions?.some(({ type }) => type === 'PodResizePending') === true);
  const condition = pending?.status?.conditions?.find(({ type }) => type === 'PodResizePending');
  assert.deepEqual([condition?.reason, condition?.message], ['Infeasible', "Node didn't have enough capacity: cpu, requested: 64000, capacity: 2000"]);
  assert.equal(quota(), '25000');
  await resize('250m', '32Mi');
  await bed.until('sized', (one) => one?.status?.conditions?.every(({ type }) => type !== 'PodResizePending') === true);
  await bed.client.delete(PODS, 'sized', 'default', { gracePeriodSeconds: 0 });
});

test('what runs is adopted, what ended meanwhile is noticed, what has no pod is removed', { skip }, async () => {
  await bed.create('kept', { containers: [script('main', FOREVER)] });
  const kept = await bed.running('kept');
  await bed.create('ending', { restartPolicy: 'Never', containers: [script('main', 'while ! test -e /stop/now; do sleep 0.1; done; exit 4')].map((one) => ({ ...one, volumeMounts: [{ name: 'stop', mountPath: '/stop' }] })), volumes: [{ name: 'stop', emptyDir: {} }] });
  const ending = await bed.running('ending');
  await bed.create('orphan', { containers: [script('main', FOREVER)] });
  const orphan = await bed.running('orphan');
  await bed.pods.close();
  const { writeFile } = await import('node:fs/promises');
  await writeFile(join(bed.instance.dataDir, 'pods', uidOf(ending), 'volumes/emptyDir/stop/now'), '');
  await bed.client.delete(PODS, 'orphan', 'default', { gracePeriodSeconds: 0 });
  await bed.until('orphan', (one) => one === undefined);
  await bed.restart();
  const ended = await bed.until('ending', (one) => one?.status?.phase === 'Failed');
  assert.equal(first(ended)?.state?.terminated?.exitCode, 4);
  const still = await bed.running('kept');
  assert.equal(idOf(still), idOf(kept));
  assert.equal(first(still)?.restartCount, 0);
  const left = async (): Promise<boolean> => (await bed.service.client.listContainers()).some(({ name }) => name.startsWith('orphan_'))
    || existsSync(join(bed.instance.dataDir, 'pods', uidOf(orphan)));
  while (await left()) {
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
});

test("Podman's service is killed: it comes back, nothing restarts", { skip }, async () => {
  const before = await bed.running('kept');
  process.kill(bed.service.pid() ?? 0, 'SIGKILL');
  await bed.create('after', { containers: [script('main', FOREVER)] });
  await bed.running('after');
  const still = await bed.running('kept');
  assert.equal(idOf(still), idOf(before));
});

test('what the node cannot honour is refused, not run differently', { skip }, async () => {
  await bed.create('refused', { containers: [script('main', FOREVER)], volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'x' } }] });
  const pod = await bed.until('refused', (one) => one?.status?.phase === 'Failed');
  assert.equal(pod?.status?.reason, 'UnsupportedPodSpec');
  assert.match(pod?.status?.message ?? '', /persistentVolumeClaim/);
});
