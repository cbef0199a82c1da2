/** Both controllers on an in-memory server, with a hand instead of the node. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { findCondition } from '../../apimachinery/conditions.ts';
import { formatTime } from '../../apimachinery/object.ts';
import { isStatusError } from '../../apimachinery/status.ts';
import { deepClone } from '../../apimachinery/values.ts';
import { CONTROLLERREVISIONS, PODS, VIRTUALMACHINEINSTANCES, VIRTUALMACHINES } from '../../client/resources.ts';
import type { Pod } from '../../kinds/generated/core.ts';
import type { VirtualMachine, VirtualMachineInstance, VirtualMachineStateChangeRequest } from '../../kinds/generated/kubevirt.ts';
import { enterPhase } from '../../kinds/kubevirt/phases.ts';
import { harness, settle, until, type Harness } from '../testing/harness.ts';

const LIMIT = { timeout: 10_000 };
let cluster: Harness;
/** Grace periods pods were asked to end within. */
let asked: number[] = [];

beforeEach(async () => {
  cluster = harness();
  asked = [];
  // The kubelet: what is asked to go ends and goes.
  cluster.context.informers.for(PODS).on({
    updated(pod) {
      if (pod.metadata.deletionTimestamp !== undefined) {
        asked.push(pod.metadata.deletionGracePeriodSeconds ?? 0);
        void reap(pod);
      }
    },
  });
  await cluster.start('virtualmachine');
});
afterEach(() => cluster.stop());

async function create(runStrategy: string, more: Partial<VirtualMachine['spec']['template']['spec']> = {}): Promise<void> {
  await cluster.client.create(VIRTUALMACHINES, {
    apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachine', metadata: { name: 'box', namespace: 'default' },
    spec: { runStrategy, template: { metadata: { name: '', labels: { app: 'box' } }, spec: { domain: { memory: { guest: '64Mi' }, devices: {} }, ...more } } },
  });
}

const vm = (): Promise<VirtualMachine> => cluster.client.get(VIRTUALMACHINES, 'box', 'default');

async function vmi(): Promise<VirtualMachineInstance | undefined> {
  try {
    return await cluster.client.get(VIRTUALMACHINEINSTANCES, 'box', 'default');
  } catch (error) {
    if (isStatusError(error, 'NotFound')) { return undefined; }
    throw error;
  }
}

const uid = async (): Promise<string> => (await vmi())?.metadata.uid ?? '';
const printed = async (): Promise<string> => (await vm()).status?.printableStatus ?? '';
const becomes = (status: string): Promise<void> => until(async () => await printed() === status);

async function launcher(): Promise<Pod> {
  let found: Pod | undefined;
  await until(async () => {
    const owner = await uid();
    found = (await cluster.pods()).find((pod) => pod.metadata.labels?.['kubevirt.io/created-by'] === owner);
    return found !== undefined;
  });
  assert.ok(found);
  // The scheduler.
  return found.spec.nodeName === undefined ? await cluster.client.update(PODS, { ...found, spec: { ...found.spec, nodeName: 'here' } }) : found;
}

/** What scheduler, kubelet and the node's guests do. */
async function boot(): Promise<Pod> {
  const pod = await launcher();
  await cluster.setPod(pod, {
    phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }],
    containerStatuses: [{ name: 'compute', image: '', imageID: '', ready: true, restartCount: 0, state: { running: { startedAt: formatTime() } } }],
  });
  await until(async () => (await vmi())?.status?.phase === 'Scheduled');
  await until(async () => {
    const instance = await vmi();
    if (instance === undefined) { return false; }
    const status = deepClone(instance.status ?? {});
    enterPhase(status, 'Running', new Date());
    try {
      await cluster.client.update(VIRTUALMACHINEINSTANCES, { ...instance, status });
      return true;
    } catch (error) {
      if (isStatusError(error, 'Conflict')) { return false; }
      throw error;
    }
  });
  return pod;
}

async function end(pod: Pod, phase: 'Succeeded' | 'Failed'): Promise<void> {
  await cluster.setPod(pod, {
    phase,
    containerStatuses: [{
      name: 'compute', image: '', imageID: '', ready: false, restartCount: 0,
      state: { terminated: { exitCode: phase === 'Failed' ? 1 : 0, message: 'Kernel panic' } },
    }],
  });
}

/** Ends what runs in a pod that is to go, and lets it go. */
async function reap(pod: Pod): Promise<void> {
  try {
    const { phase } = (await cluster.client.get(PODS, pod.metadata.name, 'default')).status ?? {};
    if (phase === 'Running') { await end(pod, 'Succeeded'); }
    await cluster.client.delete(PODS, pod.metadata.name, 'default', { gracePeriodSeconds: 0 });
  } catch (error) {
    if (!isStatusError(error, 'NotFound')) { throw error; }
  }
}

/** Changes the stored machine whatever else changes it meanwhile. */
async function change(update: (object: VirtualMachine) => Promise<unknown>): Promise<void> {
  await until(async () => {
    try {
      await update(deepClone(await vm()));
      return true;
    } catch (error) {
      if (isStatusError(error, 'Conflict')) { return false; }
      throw error;
    }
  });
}

const ask = (...requests: VirtualMachineStateChangeRequest[]): Promise<void> => change((object) =>
  cluster.client.updateStatus(VIRTUALMACHINES, { ...object, status: { ...object.status, stateChangeRequests: requests } }));

const setStrategy = (runStrategy: string): Promise<void> => change((object) =>
  cluster.client.update(VIRTUALMACHINES, { ...object, spec: { ...object.spec, runStrategy } }));

test('from machine to instance to pod to running', LIMIT, async () => {
  await create('Always');
  await becomes('Starting');
  const pod = await launcher();
  const instance = await vmi();
  assert.equal(pod.metadata.labels?.['vm.kubevirt.io/name'], 'box');
  assert.equal(pod.metadata.labels?.['vmi.kubevirt.io/id'], 'box');
  assert.equal(pod.metadata.labels?.['app'], 'box');
  assert.match(pod.metadata.name, /^virt-launcher-box-[a-z0-9]{5}$/);
  assert.equal(instance?.metadata.finalizers?.includes('kubevirt.io/virtualMachineControllerFinalize'), true);
  assert.match(instance?.spec.domain.firmware?.uuid ?? '', /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab]/);
  await boot();
  await becomes('Running');
  await until(async () => (await vm()).status?.ready === true);
  const { status } = await vm();
  assert.equal(status?.created, true);
  assert.equal(findCondition(status?.conditions, 'Ready')?.status, 'True');
  assert.deepEqual((await vmi())?.status?.phaseTransitionTimestamps?.map(({ phase }) => phase), ['Pending', 'Scheduling', 'Scheduled', 'Running']);
  assert.deepEqual(await cluster.events('VirtualMachine'), ['SuccessfulCreate: Started the virtual machine by creating the new virtual machine instance box']);
});

test('Always: a guest that ended is run again, with the same firmware', LIMIT, async () => {
  await create('Always');
  const pod = await boot();
  const [before, firmware] = [await uid(), (await vmi())?.spec.domain.firmware?.uuid];
  await end(pod, 'Failed');
  await until(async () => await uid() !== before && await uid() !== '');
  assert.equal((await vmi())?.spec.domain.firmware?.uuid, firmware);
  const events = await cluster.events('VirtualMachine');
  assert.ok(events.some((event) => event.startsWith('Stopped: The VirtualMachineInstance crashed: QEMU ended with exit code 1: Kernel panic')), events.join('\n'));
});

test('Always: a start that fails waits before the next', LIMIT, async () => {
  await create('Always');
  await end(await launcher(), 'Failed');
  await becomes('CrashLoopBackOff');
  const { status } = await vm();
  assert.equal(status?.startFailure?.consecutiveFailCount, 1);
  await settle(cluster.server);
  assert.equal(await vmi(), undefined);
});

test('Halted stops, by asking the pod with the instance’s grace period', LIMIT, async () => {
  await create('Always', { terminationGracePeriodSeconds: 77 });
  await boot();
  await setStrategy('Halted');
  await becomes('Stopped');
  assert.equal(asked[0], 77);
  assert.equal(await vmi(), undefined);
  const ready = findCondition((await vm()).status?.conditions, 'Ready');
  assert.deepEqual([ready?.status, ready?.reason], ['False', 'VMINotExists']);
});

test('Manual: nothing by itself; start, restart and stop on request', LIMIT, async () => {
  await create('Manual');
  await becomes('Stopped');
  await settle(cluster.server);
  assert.equal(await vmi(), undefined);
  await ask({ action: 'Start' });
  await boot();
  await becomes('Running');
  assert.equal((await vm()).status?.stateChangeRequests, undefined);
  const first = await uid();
  await ask({ action: 'Stop', uid: first }, { action: 'Start' });
  await until(async () => await uid() !== '' && await uid() !== first);
  await boot();
  await ask({ action: 'Stop', uid: await uid() });
  await becomes('Stopped');
  await settle(cluster.server);
  assert.equal(await vmi(), undefined);
  assert.equal((await vm()).status?.stateChangeRequests, undefined);
});

test('RerunOnFailure: again after a failure, not after a shutdown', LIMIT, async () => {
  await create('RerunOnFailure');
  const pod = await boot();
  const first = await uid();
  await end(pod, 'Failed');
  await until(async () => await uid() !== '' && await uid() !== first);
  await end(await boot(), 'Succeeded');
  await becomes('Stopped');
  await settle(cluster.server);
  assert.equal(await vmi(), undefined);
});

test('Once keeps what it ran', LIMIT, async () => {
  await create('Once');
  await end(await boot(), 'Succeeded');
  await becomes('Stopped');
  await settle(cluster.server);
  assert.equal((await vmi())?.status?.phase, 'Succeeded');
});

test('a paused start on a halted machine', LIMIT, async () => {
  await create('Halted');
  await becomes('Stopped');
  await ask({ action: 'Start', data: { paused: 'true' } });
  await until(async () => (await vmi())?.spec.startStrategy === 'Paused');
  assert.equal((await vm()).spec.runStrategy, 'Always');
});

test('deleting the machine ends the guest first', LIMIT, async () => {
  await create('Always');
  await boot();
  await cluster.client.delete(VIRTUALMACHINES, 'box', 'default');
  await until(async () => (await cluster.client.list(VIRTUALMACHINES)).items.length === 0);
  assert.equal(await vmi(), undefined);
});

test('what keeps the pod from starting is said of instance and machine', LIMIT, async () => {
  await create('Always');
  const pod = await launcher();
  await cluster.setPod(pod, {
    phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: 'no room' }],
  });
  await becomes('ErrorUnschedulable');
  await cluster.setPod(pod, {
    phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'True' }],
    containerStatuses: [{ name: 'compute', image: '', imageID: '', ready: false, restartCount: 0, state: { waiting: { reason: 'ErrImagePull', message: 'no such image' } } }],
  });
  await becomes('ErrImagePull');
  const condition = findCondition((await vm()).status?.conditions, 'Synchronized');
  assert.deepEqual([condition?.status, condition?.reason, condition?.message], ['False', 'ErrImagePull', 'no such image']);
});

test('a changed template asks for a restart', LIMIT, async () => {
  await create('Always');
  await boot();
  await becomes('Running');
  await change(async (object) => {
    object.spec.template.spec = { ...object.spec.template.spec, domain: { memory: { guest: '128Mi' }, devices: {} } };
    await cluster.client.update(VIRTUALMACHINES, object);
  });
  await until(async () => findCondition((await vm()).status?.conditions, 'RestartRequired')?.status === 'True');
});

test('a pod that vanished ends its instance, and the machine runs again', LIMIT, async () => {
  await create('Always');
  const pod = await boot();
  const first = await uid();
  await cluster.client.delete(PODS, pod.metadata.name, 'default', { gracePeriodSeconds: 0 });
  await until(async () => await uid() !== '' && await uid() !== first);
});

test('an instance of the same name that is somebody else’s is left alone', LIMIT, async () => {
  await cluster.client.create(VIRTUALMACHINEINSTANCES, {
    apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachineInstance', metadata: { name: 'box', namespace: 'default' },
    spec: { domain: { memory: { guest: '64Mi' }, devices: {} } },
  });
  const before = await uid();
  await create('Always');
  await until(async () => findCondition((await vm()).status?.conditions, 'Failure')?.reason === 'FailedCreate');
  assert.equal(await uid(), before);
});

const annotate = (annotations: Record<string, string | null>): Promise<unknown> =>
  cluster.client.patch(VIRTUALMACHINES, { name: 'box', namespace: 'default', type: 'merge', body: { metadata: { annotations } } });
const records = async (): Promise<string[]> => (await cluster.client.list(CONTROLLERREVISIONS)).items.map(({ metadata }) => metadata.name);

/** What the node does when it is asked to save a guest, and has. */
async function save(pod: Pod): Promise<void> {
  await until(async () => (await vmi())?.metadata.annotations?.['telar.dev/suspend'] === 'true');
  await until(async () => {
    const instance = await vmi();
    if (instance === undefined) { return false; }
    const conditions = [...instance.status?.conditions ?? [], { type: 'Suspended', status: 'True' }];
    try {
      await cluster.client.update(VIRTUALMACHINEINSTANCES, { ...instance, status: { ...instance.status, conditions } });
      return true;
    } catch (error) {
      if (isStatusError(error, 'Conflict')) { return false; }
      throw error;
    }
  });
  await end(pod, 'Succeeded');
}

test('suspended to disk and resumed: on its node, with the spec it had, whatever the template says now', LIMIT, async () => {
  await create('RerunOnFailure', { terminationGracePeriodSeconds: 7 });
  const pod = await boot();
  await becomes('Running');
  const before = await uid();
  await annotate({ 'telar.dev/suspend': 'true' });
  await save(pod);
  await becomes('Suspended');
  await until(async () => await vmi() === undefined);
  const machine = await vm();
  assert.deepEqual(await records(), [`suspended-${machine.metadata.uid ?? ''}`]);
  await change((object) => {
    object.spec.template.spec = { ...object.spec.template.spec, domain: object.spec.template.spec?.domain ?? { devices: {} }, terminationGracePeriodSeconds: 9 };
    return cluster.client.update(VIRTUALMACHINES, object);
  });
  await annotate({ 'telar.dev/suspend': null });
  await until(async () => await vmi() !== undefined);
  const resumed = await vmi();
  assert.equal(resumed?.spec.terminationGracePeriodSeconds, 7);
  assert.equal(resumed.metadata.annotations?.['telar.dev/resume-from'], before);
  assert.equal(resumed.metadata.annotations['telar.dev/resume-required'], 'true');
  assert.equal(resumed.metadata.annotations['telar.dev/suspend'], undefined);
  assert.deepEqual(resumed.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms,
    [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['here'] }] }]);
  await boot();
  await becomes('Running');
  await until(async () => (await records()).length === 0);
  assert.equal(findCondition((await vm()).status?.conditions, 'RestartRequired')?.status, 'True');
});

test('a wish taken back before the guest is saved leaves it running, with nothing remembered', LIMIT, async () => {
  await create('Always');
  await boot();
  await annotate({ 'telar.dev/suspend': 'true' });
  await becomes('Suspending');
  assert.equal((await records()).length, 1);
  await annotate({ 'telar.dev/suspend': null });
  await becomes('Running');
  await until(async () => (await records()).length === 0);
  assert.equal((await vmi())?.metadata.annotations?.['telar.dev/suspend'], undefined);
});

test('a machine in a queue waits for its quota, and its guest ends when it is taken back', LIMIT, async () => {
  await cluster.client.create(VIRTUALMACHINES, {
    apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachine', metadata: { name: 'box', namespace: 'default', labels: { 'kueue.x-k8s.io/queue-name': 'team' } },
    spec: { runStrategy: 'Always', template: { spec: { domain: { memory: { guest: '64Mi' }, devices: {} } } } },
  });
  await becomes('WaitingForQuota');
  await annotate({ 'telar.dev/queue-state': 'admitted' });
  await boot();
  await becomes('Running');
  await annotate({ 'telar.dev/queue-state': 'stopped' });
  await becomes('WaitingForQuota');
  await until(async () => await vmi() === undefined);
});
