/** Guests saved to disk and resumed, with real Podman and QEMU. */
import assert from 'node:assert/strict';
import { mkdir, readdir, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { findCondition } from '../../apimachinery/conditions.ts';
import { CONTROLLERREVISIONS, VIRTUALMACHINEINSTANCES } from '../../client/resources.ts';
import type { ObjectMeta } from '../../apimachinery/object.ts';
import type { VirtualMachineInstance, VirtualMachineInstanceSpec } from '../../kinds/generated/kubevirt.ts';
import { ANNOTATION_RESUME_FROM, ANNOTATION_RESUME_REQUIRED, ANNOTATION_SUSPEND, savedRevisionName } from '../../kinds/kubevirt/wellknown.ts';
import { silentLog } from '../../apimachinery/log.ts';
import { EventRecorder } from '../../client/events.ts';
import { Suspensions } from './suspensions.ts';
import { guestDisk, LAST_WORDS, READY } from './testing/guestdisk.ts';
import { QemuHarness, until, type Running } from './testing/harness.ts';

const DISK = 'telar.local/test/disk:latest';
const LIMIT = { timeout: 120_000 };
const VM = { apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachine', name: 'vm', uid: '0d0f5ad4-1111-4222-8333-123456789abc', controller: true };

let harness: QemuHarness;

before(async () => {
  harness = await QemuHarness.create();
  await harness.image(DISK, { 'disk/disk.img': guestDisk() });
}, LIMIT);
after(() => harness.close(), LIMIT);

const spec = (): VirtualMachineInstanceSpec => ({
  domain: {
    memory: { guest: '16Mi' },
    devices: { autoattachPodInterface: false, autoattachGraphicsDevice: false, disks: [{ name: 'root', disk: { bus: 'virtio' } }] },
  },
  volumes: [{ name: 'root', containerDisk: { image: DISK } }, { name: 'seed', cloudInitNoCloud: { userData: '#cloud-config' } }, { name: 'scratch', emptyDisk: { capacity: '1Gi' } }],
});

const owned = (metadata: Partial<ObjectMeta> = {}): Partial<ObjectMeta> => ({ ...metadata, ownerReferences: [VM] });
const saved = (): Promise<string[]> => readdir(join(harness.instance.dataDir, 'suspended')).catch(() => []);
const condition = async (name: string) => findCondition((await harness.vmi(name)).status?.conditions, 'Suspended');
const paused = async (name: string) => findCondition((await harness.vmi(name)).status?.conditions, 'Paused')?.status;
const pins = async (): Promise<string[]> => (await harness.podman.client.listImages()).flatMap(({ names }) => names).filter((name) => name.includes('/suspended/'));

async function ask(name: string, want: boolean): Promise<VirtualMachineInstance> {
  return await harness.client.patch(VIRTUALMACHINEINSTANCES, {
    name, namespace: 'default', type: 'merge', body: { metadata: { annotations: { [ANNOTATION_SUSPEND]: want ? 'true' : null } } },
  });
}

async function type(running: Running, text: string): Promise<void> {
  const guest = await until(async () => harness.extension.find('default', running.vmi.metadata.name));
  const console = await until(async () => guest.console);
  await until(async () => {
    console.input(Buffer.from(text));
    return (await running.log()).includes(text);
  });
}

const up = async (running: Running): Promise<void> => {
  await until(async () => (await running.log()).includes(READY));
  await until(async () => (await harness.vmi(running.vmi.metadata.name)).status?.phase === 'Running');
};

/** The instance is gone; another of its name goes on from it. */
async function resume(first: Running, required = true): Promise<Running> {
  const { name, uid = '' } = first.vmi.metadata;
  await harness.client.delete(VIRTUALMACHINEINSTANCES, name, 'default');
  await until(async () => harness.extension.find('default', name) === undefined);
  return await harness.launch(name, spec(), owned({ annotations: { [ANNOTATION_RESUME_FROM]: uid, ...(required ? { [ANNOTATION_RESUME_REQUIRED]: 'true' } : {}) } }));
}

test('a guest that is saved ends, and goes on where it was: twice', LIMIT, async () => {
  const first = await harness.launch('twice', spec(), owned());
  await up(first);
  await ask('twice', true);
  assert.equal(await first.ended(), 0);
  assert.equal((await condition('twice'))?.status, 'True');
  assert.equal((await first.log()).includes(LAST_WORDS), false, 'it was not shut down');
  assert.deepEqual(await saved(), [first.vmi.metadata.uid]);
  assert.equal((await pins()).length, 1);

  const second = await resume(first);
  await until(async () => (await harness.vmi('twice')).status?.phase === 'Running');
  assert.deepEqual(await saved(), [], 'what runs on is saved no more');
  await type(second, 'still on');
  assert.equal((await second.log()).includes(READY), false, 'it did not boot');

  await ask('twice', true);
  assert.equal(await second.ended(), 0);
  const third = await resume(second);
  await type(third, 'and now');
  assert.equal((await third.log()).includes(READY), false);
});

test('a paused guest stays paused; what is not asked for any more goes on', LIMIT, async () => {
  const first = await harness.launch('paused', spec(), owned());
  await up(first);
  const guest = await until(async () => harness.extension.find('default', 'paused'));
  await guest.pause();
  await until(async () => (await paused('paused')) === 'True');
  await ask('paused', true);
  await first.ended();
  const second = await resume(first);
  await until(async () => (await harness.vmi('paused')).status?.phase === 'Running');
  assert.equal(await paused('paused'), 'True');
  const again = await until(async () => harness.extension.find('default', 'paused'));
  await again.unpause();
  await type(second, 'going on');
});

test('a save that fails leaves the guest running and says why', LIMIT, async () => {
  const running = await harness.launch('fails', spec(), owned());
  await up(running);
  // The copy of the disk cannot be made: a folder stands in its way.
  const root = join(harness.instance.dataDir, 'pods', running.pod.metadata.uid ?? '', 'vm', 'data', 'root.overlay');
  await mkdir(root);
  try {
    await ask('fails', true);
    const told = await until(() => condition('fails'));
    assert.equal(told.status, 'False');
    assert.match(told.message ?? '', /could not be saved to disk and goes on: volume root: /);
    await type(running, 'on and on');
    assert.equal(await paused('fails'), undefined);
  } finally {
    await rmdir(root);
  }
  // Tried again by itself.
  assert.equal(await running.ended(), 0);
  assert.equal((await condition('fails'))?.status, 'True');
  await harness.client.delete(VIRTUALMACHINEINSTANCES, 'fails', 'default');
});

test('Telar dies amid a save: the next one saves, or lets go on', LIMIT, async () => {
  const first = await harness.launch('killed', spec(), owned());
  await up(first);
  const { uid = '' } = first.vmi.metadata;
  const leaveHalf = async (): Promise<void> => {
    const guest = await until(async () => harness.extension.find('default', 'killed'));
    guest.hold();
    await guest.monitor.execute('stop');
    const half = join(harness.instance.dataDir, 'suspended', `${uid}.partial`);
    await mkdir(half, { recursive: true });
    await writeFile(join(half, 'intent.json'), '{"paused":false}');
  };
  await leaveHalf();
  await harness.restart([first]);
  await type(first, 'alive');
  assert.deepEqual((await saved()).filter((name) => name.startsWith(uid)), []);
  assert.equal(await paused('killed'), undefined);

  await leaveHalf();
  await harness.restart([]);
  await ask('killed', true);
  harness.extension.started(first.pod, { container: 'compute', id: first.id, pid: first.pid });
  assert.equal(await first.ended(), 0);
  const second = await resume(first);
  await type(second, 'alive');
  assert.equal((await second.log()).includes(READY), false);
});

test('Telar dies when the state counts but nobody knows yet: it is told, and QEMU ends', LIMIT, async () => {
  const first = await harness.launch('told', spec(), owned());
  await up(first);
  const { uid = '' } = first.vmi.metadata;
  harness.client.update = () => Promise.reject(new Error('the server is away'));
  await ask('told', true);
  await until(async () => (await saved()).includes(uid));
  Reflect.deleteProperty(harness.client, 'update');
  await harness.restart([first]);
  assert.equal(await first.ended(), 0);
  assert.equal((await condition('told'))?.status, 'True');
  const second = await resume(first);
  await type(second, 'alive');
});

test('no start loses what was saved, and nobody gets what is not theirs', LIMIT, async () => {
  const OTHER = { ...VM, uid: '77777777-1111-4222-8333-123456789abc' };
  const first = await harness.launch('kept', spec(), { ownerReferences: [OTHER] });
  await up(first);
  const { uid = '' } = first.vmi.metadata;
  await ask('kept', true);
  await first.ended();
  const from = (more: Record<string, string> = {}): Partial<ObjectMeta> => ({ annotations: { [ANNOTATION_RESUME_FROM]: uid, ...more } });
  await assert.rejects(harness.launch('thief', spec(), { ...from(), ownerReferences: [VM] }), /belongs to another virtual machine/);
  await assert.rejects(harness.launch('gone', spec(), owned({ annotations: { [ANNOTATION_RESUME_FROM]: 'no-such', [ANNOTATION_RESUME_REQUIRED]: 'true' } })), /not on this node/);
  await assert.rejects(harness.launch('path', spec(), owned({ annotations: { [ANNOTATION_RESUME_FROM]: '../../x' } })), /is no uid/);
  const fresh = await harness.launch('fresh', spec(), owned({ annotations: { [ANNOTATION_RESUME_FROM]: 'no-such' } }));
  await up(fresh);

  await harness.client.create(CONTROLLERREVISIONS, { apiVersion: 'apps/v1', kind: 'ControllerRevision', metadata: { name: savedRevisionName(OTHER.uid), namespace: 'default' }, revision: 1 });
  const suspensions = new Suspensions({ client: harness.client, podman: harness.podman.client, recorder: new EventRecorder(harness.client, 'test'), dataDir: harness.instance.dataDir, log: silentLog });
  await suspensions.sweep();
  assert.ok((await saved()).includes(uid));
  assert.equal((await pins()).filter((name) => name.includes(OTHER.uid)).length, 1);
  await harness.client.delete(CONTROLLERREVISIONS, savedRevisionName(OTHER.uid), 'default');
  await suspensions.sweep();
  assert.deepEqual(await saved(), []);
  assert.deepEqual((await pins()).filter((name) => name.includes(OTHER.uid)), []);
});
