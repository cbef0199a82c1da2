/** The room as a whole: real Podman, real QEMU, a guest of 400 bytes. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { WebSocket } from 'ws';
import { findCondition } from '../../apimachinery/conditions.ts';
import type { VirtualMachineInstanceSpec } from '../../kinds/generated/kubevirt.ts';
import { guestDisk, LAST_WORDS, READY } from './testing/guestdisk.ts';
import { QemuHarness, until, type Running } from './testing/harness.ts';

const DISK = 'telar.local/test/disk';
const LIMIT = { timeout: 120_000 };

let harness: QemuHarness;
let server: Server;

before(async () => {
  harness = await QemuHarness.create();
  await harness.image(DISK, { 'disk/disk.img': guestDisk() });
  // The node's server, as far as guests are concerned.
  server = createServer((req, res) => { harness.extension.handler.request(req.url ?? '', req, res); });
  server.on('upgrade', (req, socket, head) => { harness.extension.handler.upgrade(req.url ?? '', req, socket, head); });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
}, LIMIT);

after(async () => {
  server.closeAllConnections();
  server.close();
  await harness.close();
}, LIMIT);

function spec(image = DISK, more: Partial<VirtualMachineInstanceSpec> = {}): VirtualMachineInstanceSpec {
  return {
    domain: {
      memory: { guest: '16Mi' },
      devices: { autoattachPodInterface: false, autoattachGraphicsDevice: false, disks: [{ name: 'root', disk: { bus: 'virtio' } }] },
    },
    volumes: [{ name: 'root', containerDisk: { image } }, { name: 'seed', cloudInitNoCloud: { userData: '#cloud-config' } }, { name: 'scratch', emptyDisk: { capacity: '1Gi' } }],
    ...more,
  };
}

const address = (): string => `127.0.0.1:${(server.address() as AddressInfo).port}`;
const path = (name: string, action: string): string => `/v1/namespaces/default/virtualmachineinstances/${name}/${action}`;
const put = async (name: string, action: string): Promise<number> => (await fetch(`http://${address()}${path(name, action)}`, { method: 'PUT' })).status;

interface Viewer { ws: WebSocket; text: () => string; closed: Promise<number> }

async function view(name: string, action = 'console', protocols: string[] = ['plain.kubevirt.io']): Promise<Viewer> {
  const ws = new WebSocket(`ws://${address()}${path(name, action)}`, protocols);
  let text = '';
  ws.on('message', (data: Buffer, isBinary) => {
    assert.ok(isBinary);
    text += data.toString('latin1');
  });
  const closed = new Promise<number>((resolve) => { ws.on('close', resolve); });
  await new Promise((resolve, reject) => {
    ws.once('open', resolve);
    ws.once('error', reject);
  });
  return { ws, text: () => text, closed };
}

const ready = async (running: Running): Promise<void> => {
  await until(async () => (await running.log()).includes(READY));
  await until(async () => (await harness.vmi(running.vmi.metadata.name)).status?.phase === 'Running');
};

test('a guest boots, says so in its log, and its instance runs', LIMIT, async () => {
  const running = await harness.launch('first', spec());
  await ready(running);
  const { status } = await harness.vmi('first');
  assert.equal(status?.nodeName, 'here');
  assert.equal(findCondition(status?.conditions, 'LiveMigratable')?.status, 'False');
  assert.deepEqual(status?.volumeStatus, [{ name: 'root', target: 'vda' }, { name: 'scratch', target: 'sdb' }, { name: 'seed', target: 'sda' }]);

  // Confinement, seen from the host.
  const proc = `/proc/${running.pid}`;
  const lines = readFileSync(`${proc}/status`, 'utf8');
  assert.match(lines, /^Uid:\t107\t107\t107\t107$/m);
  assert.match(lines, /^CapEff:\t0{16}$/m);
  assert.match(lines, /^CapBnd:\t0{16}$/m);
  assert.match(lines, /^NoNewPrivs:\t1$/m);
  assert.match(lines, /^Seccomp:\t2$/m);
  const root = `${proc}/root`;
  assert.throws(() => statSync(join(root, 'etc/shadow')));
  assert.throws(() => statSync(join(root, harness.dir)));
  assert.deepEqual(readdirSync(join(root, 'run')).sort(), ['.containerenv', 'images', 'vm']);
  assert.deepEqual(readdirSync(join(root, 'usr/local')), []);
  assert.deepEqual(readdirSync(join(root, 'dev')).filter((name) => ['kvm', 'mem', 'sda', 'vda', 'fuse'].includes(name)), harness.extension.find('default', 'first')?.emulated === true ? [] : ['kvm']);
  // Its sockets' folder is no longer its own.
  await until(async () => statSync(join(root, 'run/vm')).uid === 0);

  // Viewers share the console: the late one gets what was shown, both see what either types.
  const early = await view('first');
  const late = await view('first', 'console', []);
  assert.equal(early.ws.protocol, 'plain.kubevirt.io');
  assert.equal(late.ws.protocol, '');
  await until(async () => late.text().includes(READY) && early.text().includes(READY));
  early.ws.send('dropped text');
  early.ws.send(Buffer.from('hello'), { binary: true });
  await until(async () => early.text().includes('hello') && late.text().includes('hello'));
  assert.ok(!early.text().includes('dropped'));

  // Paused is said and nothing answers; after unpausing it does.
  assert.equal(await put('first', 'pause'), 200);
  await until(async () => findCondition((await harness.vmi('first')).status?.conditions, 'Paused')?.status === 'True');
  assert.equal(await put('first', 'unpause'), 200);
  await until(async () => findCondition((await harness.vmi('first')).status?.conditions, 'Paused') === undefined);
  early.ws.send(Buffer.from('again'), { binary: true });
  await until(async () => early.text().includes('again'));

  // A reset boots in place; a soft reboot powers off and boots in place.
  const boots = async (): Promise<number> => (await running.log()).split(READY).length - 1;
  assert.equal(await put('first', 'reset'), 200);
  await until(async () => await boots() === 2);
  assert.equal(await put('first', 'softreboot'), 200);
  await until(async () => await boots() === 3);
  assert.ok((await running.log()).includes(LAST_WORDS));

  // Telar ends and comes again: the same QEMU, its history on the console.
  await harness.restart([running]);
  await until(async () => harness.extension.find('default', 'first')?.state === 'running');
  const adopted = await view('first');
  await until(async () => adopted.text().includes(READY) && adopted.text().includes('hello'));
  adopted.ws.send(Buffer.from('still'), { binary: true });
  await until(async () => adopted.text().includes('still'));

  // Asked to stop it powers off by itself, and viewers are told cleanly.
  await harness.extension.stop(running.pod, 'compute', AbortSignal.timeout(30_000));
  assert.equal(await running.ended(), 0);
  assert.equal(await adopted.closed, 1000);
  assert.equal(await put('first', 'pause'), 400);
});

test('a panic ends QEMU with a failure and an event that says why', LIMIT, async () => {
  const running = await harness.launch('panics', spec());
  await ready(running);
  const viewer = await view('panics');
  viewer.ws.send(Buffer.from('p'), { binary: true });
  assert.equal(await running.ended(), 1);
  await until(async () => (await harness.events()).some((event) => event.startsWith("GuestPanicked: The guest's kernel panicked: asked to.")));
});

test('a guest that powers off ends QEMU well', LIMIT, async () => {
  const running = await harness.launch('leaves', spec());
  await ready(running);
  const viewer = await view('leaves');
  viewer.ws.send(Buffer.from('q'), { binary: true });
  assert.equal(await running.ended(), 0);
});

test('a start asked for as paused waits', LIMIT, async () => {
  const running = await harness.launch('waits', spec(DISK, { startStrategy: 'Paused' }));
  await until(async () => findCondition((await harness.vmi('waits')).status?.conditions, 'Paused')?.status === 'True');
  assert.ok(!(await running.log()).includes(READY));
  assert.equal(await put('waits', 'unpause'), 200);
  await until(async () => (await running.log()).includes(READY));
  await harness.extension.stop(running.pod, 'compute', AbortSignal.timeout(30_000));
  assert.equal(await running.ended(), 0);
});

test('a second pod of an instance waits for the first to end', LIMIT, async () => {
  const running = await harness.launch('twice', spec());
  await ready(running);
  const second = { ...running.pod, metadata: { ...running.pod.metadata, name: 'virt-launcher-twice-2', uid: 'second' } };
  let prepared = false;
  const podDir = join(harness.instance.dataDir, 'pods', 'second');
  const prepare = harness.extension.prepare(second, { sandbox: { uid: 'second', netns: '', ip: '127.0.0.1' }, podDir }).finally(() => { prepared = true; });
  assert.equal(prepared, false);
  await harness.extension.stop(running.pod, 'compute', AbortSignal.timeout(30_000));
  assert.equal(prepared, false);
  await running.ended();
  await prepare;
  await harness.extension.cleanup(second);
});

test('a display speaks RFB', LIMIT, async () => {
  const shown = spec();
  delete shown.domain.devices.autoattachGraphicsDevice;
  const running = await harness.launch('shows', shown);
  await ready(running);
  const viewer = await view('shows', 'vnc');
  await until(async () => viewer.text().startsWith('RFB 003.008'));
  await assert.rejects(view('shows', 'vnc?preserveSession=true'), /500/);
  viewer.ws.close();
});

const qcow2 = (fields: { backing?: bigint; features?: number; version?: number }): Buffer => {
  const header = Buffer.alloc(1 << 17);
  header.write('QFI\xfb', 0, 'latin1');
  header.writeUInt32BE(fields.version ?? 3, 4);
  header.writeBigUInt64BE(fields.backing ?? 0n, 8);
  header.writeUInt32BE(16, 20);
  header.writeBigUInt64BE(1n << 20n, 24);
  header.writeUInt32BE(fields.features ?? 0, 76);
  header.writeUInt32BE(4, 96);
  header.writeUInt32BE(104, 100);
  return header;
};

const REFUSED: [string, Record<string, Buffer>, RegExp][] = [
  ['a qcow2 disk with a backing file', { 'disk/a.qcow2': qcow2({ backing: 4096n }) }, /has a backing file: flatten it/],
  ['a qcow2 disk with a data file', { 'disk/a.qcow2': qcow2({ features: 4 }) }, /keeps its data in another file/],
  ['two disks', { 'disk/a.img': guestDisk(), 'disk/b.img': guestDisk() }, /\/disk must hold exactly one file/],
  ['no disk', { 'other/a.img': guestDisk() }, /has no folder \/disk/],
  ['a compressed disk', { 'disk/a.img.gz': Buffer.concat([Buffer.from('1f8b0800', 'hex'), Buffer.alloc(4096)]) }, /compressed with gzip/],
  ['a file too small', { 'disk/a.img': Buffer.from('hello') }, /too small to be a disk/],
  ['a program', { 'disk/a.img': Buffer.concat([Buffer.from('7f454c46', 'hex'), Buffer.alloc(4096)]) }, /a.img is no disk but a program/],
  ['an archive of text', { 'disk/a.img': Buffer.from('0707010000a4'.repeat(100)) }, /a.img is no disk but text or an archive/],
  ['a name that is none', { 'disk/a,b.img': guestDisk() }, /may only have letters/],
];

for (const [index, [what, files, message]] of REFUSED.entries()) {
  test(`refused with what to do: ${what}`, LIMIT, async () => {
    const image = `telar.local/test/refused${index}`;
    await harness.image(image, files);
    const running = await harness.launch(`refused${index}`, spec(image));
    assert.equal(await running.ended(), 64);
    assert.match(await running.log(), message);
  });
}
