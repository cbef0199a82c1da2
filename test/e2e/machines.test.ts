/** Virtual machines in pods, on real QEMU. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually, execute, TestInstance } from '../harness/instance.ts';
import { GUEST, virtualMachine } from '../harness/manifests.ts';

describe('virtual machines', () => {
  let telar: TestInstance;
  before(async () => {
    telar = await TestInstance.create();
    await telar.up();
    assert.equal((await telar.telar(['images', 'build', 'vm'])).code, 0);
  });
  after(() => telar.remove());

  const status = (name: string): Promise<string> => telar.jsonpath(`vm ${name}`, '{.status.printableStatus}');
  const becomes = (name: string, wanted: string): Promise<boolean> => eventually(`${name} is ${wanted}`, async () => (await status(name)) === wanted && true, 180_000);
  const launcher = (name: string): Promise<string> => telar.k('get', 'pods', '-l', `vm.kubevirt.io/name=${name}`, '-o', 'jsonpath={.items[0].metadata.name}');
  const subresource = (kind: string, name: string, verb: string, body = '{}'): Promise<{ code: number; stderr: string }> =>
    telar.kubectl(['replace', '--raw', `/apis/subresources.kubevirt.io/v1/namespaces/default/${kind}/${name}/${verb}`, '-f', '-'], { input: body });
  const pageOf = async (name: string): Promise<string> => {
    const ip = await telar.jsonpath(`vmi ${name}`, '{.status.interfaces[0].ipAddress}');
    return (await execute('curl', ['-sS', '--max-time', '3', `http://${ip}/`])).stdout.trim();
  };

  it('boots from a kernel in an image, has an address, serves, logs its console', async () => {
    await telar.apply(virtualMachine('kernel'));
    await becomes('kernel', 'Running');
    await eventually('its page', async () => (await pageOf('kernel')) === 'served by kernel');
    await eventually('its console in the log', async () => (await telar.k('logs', await launcher('kernel'))).includes('Telar'));
    assert.match(await telar.k('get', 'all'), /virtualmachine\.kubevirt\.io\/kernel/);
    assert.match(await telar.k('get', 'workloads'), /virtualmachine\.kubevirt\.io\/kernel/);
    assert.match(await telar.k('get', 'vmi', 'kernel'), /Running/);
  });

  it('confines QEMU: no privileges, nothing of the machine to find', async () => {
    const pids = (await execute('pgrep', ['-f', 'qemu-system.*kernel'])).stdout.trim().split('\n');
    const qemu = pids[pids.length - 1] ?? '';
    const state = (await execute('cat', [`/proc/${qemu}/status`])).stdout;
    assert.match(state, /CapEff:\s+0000000000000000/);
    assert.match(state, /NoNewPrivs:\s+1/);
    assert.match(state, /Seccomp:\s+2/);
    assert.doesNotMatch(state, /Uid:\s+0\s/);
    const shadow = await execute('nsenter', ['-t', qemu, '-m', 'ls', '/etc/shadow', telar.dataDir]);
    assert.notEqual(shadow.code, 0);
    assert.equal(shadow.stdout, '');
  });

  it('boots from a disk in an image', async () => {
    await telar.apply(virtualMachine('disk', { disk: true }));
    await becomes('disk', 'Running');
    await eventually('its page', async () => (await pageOf('disk')) === 'served by disk', 240_000);
    await telar.k('delete', 'vm', 'disk', '--timeout=120s');
  });

  it('pauses and goes on', async () => {
    assert.equal((await subresource('virtualmachineinstances', 'kernel', 'pause')).code, 0);
    await becomes('kernel', 'Paused');
    assert.notEqual((await subresource('virtualmachineinstances', 'kernel', 'pause')).code, 0);
    assert.equal((await subresource('virtualmachineinstances', 'kernel', 'unpause')).code, 0);
    await becomes('kernel', 'Running');
    await eventually('its page', async () => (await pageOf('kernel')) === 'served by kernel');
  });

  it('restarts: another instance, the same machine', async () => {
    const before = await telar.jsonpath('vmi kernel', '{.metadata.uid} {.spec.domain.firmware.uuid}');
    assert.equal((await subresource('virtualmachines', 'kernel', 'restart')).code, 0);
    const later = await eventually('a new instance', async () => {
      const now = await telar.jsonpath('vmi kernel', '{.metadata.uid} {.spec.domain.firmware.uuid}');
      return now.split(' ')[0] !== before.split(' ')[0] && now;
    }, 180_000);
    assert.equal(later.split(' ')[1], before.split(' ')[1]);
    await becomes('kernel', 'Running');
  });

  it('stops by asking the guest, and starts again', async () => {
    await eventually('its page', async () => (await pageOf('kernel')) === 'served by kernel');
    assert.equal((await subresource('virtualmachines', 'kernel', 'stop')).code, 0);
    await becomes('kernel', 'Stopped');
    assert.equal(await telar.jsonpath('vm kernel', '{.spec.runStrategy}'), 'Halted');
    assert.equal(await telar.k('get', 'vmi', '-o', 'name'), '');
    assert.notEqual((await subresource('virtualmachines', 'kernel', 'stop')).code, 0);
    assert.equal((await subresource('virtualmachines', 'kernel', 'start')).code, 0);
    await becomes('kernel', 'Running');
  });

  it('starts again after QEMU is killed, as its run strategy says', async () => {
    const before = await telar.jsonpath('vmi kernel', '{.metadata.uid}');
    await execute('pkill', ['-KILL', '-f', 'qemu-system.*kernel']);
    await eventually('a new instance', async () => (await telar.jsonpath('vmi kernel', '{.metadata.uid}')) !== before, 180_000);
    await becomes('kernel', 'Running');
  });

  it('says what is wrong with a disk that is none and a kernel that panics', async () => {
    await telar.apply(virtualMachine('nodisk', { disk: true, spec: { volumes: [{ name: 'root', containerDisk: { image: GUEST, path: '/boot/none.img' } }, { name: 'seed', cloudInitNoCloud: { userData: '#cloud-config\n' } }] } }));
    await telar.apply(virtualMachine('panics', { kernelArgs: 'console=ttyS0 rdinit=/nothing init=/nothing root=none' }));
    const told = (name: string): Promise<string> => telar.k('get', 'events', '-o', 'jsonpath={range .items[?(@.type=="Warning")]}{.involvedObject.name}: {.message}{"\\n"}{end}')
      .then((text) => text.split('\n').filter((line) => line.startsWith(name) || line.startsWith(`virt-launcher-${name}`)).join('\n'));
    await eventually('an event about the disk', async () => /the image has no file/.test(await told('nodisk')));
    await eventually('an event about the kernel', async () => /panic/i.test(await told('panics')), 180_000);
    await telar.k('delete', 'vm', 'nodisk', 'panics', '--timeout=120s');
  });
});
