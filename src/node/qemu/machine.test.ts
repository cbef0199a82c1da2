import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { deepClone } from '../../apimachinery/values.ts';
import type { VirtualMachineInstance, VirtualMachineInstanceSpec } from '../../kinds/generated/kubevirt.ts';
import { LaunchError } from './errors.ts';
import { memoryOf, planLaunch, type LaunchFacts } from './machine.ts';
import { literal, optionValue } from './words.ts';

const NOW = new Date('2026-01-01T12:00:00Z');
const FACTS: LaunchFacts = { accelerator: 'tcg', network: { tap: 'tap0', mac: '02:00:00:00:00:01' } };

function vmi(spec: Partial<VirtualMachineInstanceSpec> = {}, domain: Partial<VirtualMachineInstanceSpec['domain']> = {}): VirtualMachineInstance {
  return {
    apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachineInstance', metadata: { name: 'box', namespace: 'ns', uid: 'c0ffee00-0000-4000-8000-000000000001' },
    spec: {
      ...spec,
      domain: { memory: { guest: '64Mi' }, devices: { interfaces: [{ name: 'default', masquerade: {} }] }, ...domain },
    },
  };
}

/** QEMU's arguments, as a shell would pass them; images stand at fixed places. */
function argumentsOf(object: VirtualMachineInstance, facts: LaunchFacts = FACTS): string[] {
  const { script } = planLaunch(object, facts, NOW);
  const command = script.slice(script.lastIndexOf('\nexec ') + 6).replace(/ 3>&1\n$/, '');
  const output = execFileSync('sh', ['-c', `P0=/p0 F0=qcow2 P1=/p1 F1=raw; printf '%s\\n' ${command}`]).toString();
  return output.trimEnd().split('\n');
}

/** The values that follow an option. */
const valuesOf = (args: string[], option: string): string[] => args.flatMap((arg, index) => (args[index - 1] === option ? [arg] : []));

test('a small guest, whole', () => {
  const object = vmi({
    networks: [{ name: 'default', pod: {} }],
    volumes: [{ name: 'root', containerDisk: { image: 'disk' } }, { name: 'seed', cloudInitNoCloud: { userData: 'x' } }, { name: 'scratch', emptyDisk: { capacity: '1Gi' } }],
  }, {
    devices: {
      disks: [{ name: 'root', disk: { bus: 'virtio' } }, { name: 'seed', cdrom: { bus: 'sata' } }, { name: 'scratch', disk: { bus: 'scsi' }, serial: 'S1' }],
      interfaces: [{ name: 'default', masquerade: {} }], rng: {},
    },
  });
  assert.deepEqual(argumentsOf(object), [
    'qemu-system-x86_64', '-name', 'guest=ns_box', '-uuid', 'c0ffee00-0000-4000-8000-000000000001',
    '-smbios', 'type=1,manufacturer=KubeVirt,product=None,family=KubeVirt', '-add-fd', 'fd=3,set=1',
    '-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny', '-nodefaults', '-no-user-config', '-display', 'none',
    '-machine', 'q35,usb=off,vmport=off,dump-guest-core=off', '-accel', 'tcg,tb-size=128', '-cpu', 'max', '-smp', '1,sockets=1,cores=1,threads=1', '-m', '64M',
    '-rtc', 'base=utc', '-boot', 'menu=off,strict=on', '-action', 'reboot=reset,shutdown=poweroff,panic=exit-failure',
    '-chardev', 'socket,id=mon,path=/run/vm/qmp.sock,server=on,wait=off', '-mon', 'chardev=mon,mode=control',
    '-chardev', 'socket,id=serial0,path=/run/vm/serial.sock,server=on,wait=off,logfile=/dev/fdset/1,logappend=on', '-device', 'isa-serial,chardev=serial0',
    '-device', 'VGA', '-vnc', 'unix:/run/vm/vnc.sock,share=force-shared',
    '-netdev', 'tap,id=net0,ifname=tap0,script=no,downscript=no', '-device', 'virtio-net-pci,netdev=net0,mac=02:00:00:00:00:01,romfile=',
    '-drive', 'file=/p0,format=qcow2,snapshot=on,if=none,id=drive-0', '-device', 'virtio-blk-pci,drive=drive-0,bootindex=1',
    '-drive', 'file=/var/lib/vm/seed.iso,format=raw,if=none,id=drive-1,readonly=on', '-device', 'ide-cd,drive=drive-1,bus=ide.0',
    '-device', 'virtio-scsi-pci,id=scsi0',
    '-drive', 'file=/var/lib/vm/scratch.raw,format=raw,discard=unmap,cache=unsafe,if=none,id=drive-2', '-device', 'scsi-hd,drive=drive-2,bus=scsi0.0,serial=S1',
    '-object', 'rng-random,id=rng0,filename=/dev/urandom', '-device', 'virtio-rng-pci,rng=rng0', '-device', 'virtio-balloon-pci', '-device', 'pvpanic',
  ]);
});

test('a kernel from an image, with its arguments as they are', () => {
  const kernelArgs = `console=ttyS0 quote="it's" $(touch /tmp/x) ; a,b`;
  const object = vmi({}, { firmware: { uuid: '00000000-0000-5000-8000-000000000000', kernelBoot: { kernelArgs, container: { image: 'k', kernelPath: '/boot/vmlinuz', initrdPath: '/boot/initrd' } } } });
  const args = argumentsOf(object);
  assert.deepEqual(valuesOf(args, '-kernel'), ['/run/images/.kernel/boot/vmlinuz']);
  assert.deepEqual(valuesOf(args, '-initrd'), ['/run/images/.kernel/boot/initrd']);
  assert.deepEqual(valuesOf(args, '-append'), [kernelArgs]);
  const plan = planLaunch(object, FACTS, NOW);
  assert.equal(plan.kernelImage, 'k');
  assert.match(plan.script, /^needed kernelPath 'boot\/vmlinuz'$/m);
});

test('processors, memory and accelerator', () => {
  const object = vmi({}, {
    cpu: { sockets: 2, cores: 3, threads: 2, features: [{ name: 'vmx', policy: 'disable' }, { name: 'aes' }, { name: 'x', policy: 'optional' }] },
    memory: undefined as never, resources: { limits: { memory: '1Gi' } },
  });
  const emulated = argumentsOf(object);
  assert.deepEqual(valuesOf(emulated, '-smp'), ['12,sockets=2,cores=3,threads=2']);
  assert.deepEqual(valuesOf(emulated, '-m'), ['1024M']);
  assert.deepEqual(valuesOf(emulated, '-cpu'), ['max,vmx=off,aes=on']);
  const accelerated = argumentsOf(object, { accelerator: 'kvm' });
  assert.deepEqual(valuesOf(accelerated, '-accel'), ['kvm']);
  assert.deepEqual(valuesOf(accelerated, '-cpu'), ['host,vmx=off,aes=on']);
  assert.deepEqual(valuesOf(accelerated, '-netdev'), []);
});

test('boot order: what says something, and nothing else', () => {
  const spec = {
    volumes: [{ name: 'a', containerDisk: { image: 'a' } }, { name: 'b', containerDisk: { image: 'b' } }], networks: [{ name: 'default', pod: {} }],
  };
  const devices = { disks: [{ name: 'a', disk: { bus: 'virtio' } }, { name: 'b', disk: { bus: 'virtio' }, bootOrder: 1 }], interfaces: [{ name: 'default', masquerade: {}, bootOrder: 2 }] };
  const booted = valuesOf(argumentsOf(vmi(spec, { devices })), '-device').filter((device) => device.includes('bootindex'));
  assert.deepEqual(booted, ['virtio-net-pci,netdev=net0,mac=02:00:00:00:00:01,bootindex=2', 'virtio-blk-pci,drive=drive-1,bootindex=1']);
});

test('clocks apart from UTC', () => {
  const at = (clock: NonNullable<VirtualMachineInstanceSpec['domain']['clock']>): string[] => valuesOf(argumentsOf(vmi({}, { clock })), '-rtc');
  assert.deepEqual(at({ utc: {} }), ['base=utc']);
  assert.deepEqual(at({ utc: { offsetSeconds: 3600 } }), ['base=2026-01-01T13:00:00']);
  assert.deepEqual(at({ timezone: 'America/Bogota' }), ['base=2026-01-01T07:00:00']);
});

test('switches: no console, no display, paused, no reboot', () => {
  const args = argumentsOf(vmi({ startStrategy: 'Paused' }, {
    rebootPolicy: 'Terminate', devices: { autoattachSerialConsole: false, autoattachGraphicsDevice: false, autoattachMemBalloon: false }, features: { acpi: { enabled: false } },
  }));
  assert.ok(args.includes('-S'));
  assert.ok(!args.includes('-vnc'));
  assert.ok(!args.some((arg) => arg.includes('serial')));
  assert.deepEqual(valuesOf(args, '-action'), ['reboot=shutdown,shutdown=poweroff,panic=exit-failure']);
  assert.match(valuesOf(args, '-machine')[0] ?? '', /,acpi=off/);
});

const REFUSED: [string, VirtualMachineInstance, RegExp][] = [
  ['a device that is not there', vmi({}, { devices: { gpus: [{ name: 'g', deviceName: 'x' }] } }), /spec\.domain\.devices\.gpus/],
  ['a volume that is not served', vmi({ volumes: [{ name: 'd', persistentVolumeClaim: { claimName: 'c' } }] }), /spec\.volumes\[d\]\.persistentVolumeClaim/],
  ['EFI', vmi({}, { firmware: { bootloader: { efi: {} } } }), /bootloader\.efi/],
  ['huge pages', vmi({}, { memory: { guest: '64Mi', hugepages: { pageSize: '2Mi' } } }), /hugepages/],
  ['another machine', vmi({}, { machine: { type: 'virt' } }), /domain\.machine\.type "virt"/],
  ['an option in a model', vmi({}, { cpu: { model: 'host,+evil' } }), /domain\.cpu\.model/],
  ['an option in a UUID', vmi({}, { firmware: { uuid: '0,evil' } }), /domain\.firmware\.uuid/],
  ['a disk without volume', vmi({}, { devices: { disks: [{ name: 'none', disk: {} }] } }), /disk none has no volume/],
  ['a path out of the image', vmi({ volumes: [{ name: 'd', containerDisk: { image: 'i', path: '/disk/a,readonly=off' } }] }), /volume d: path/],
  ['no memory', vmi({}, { memory: {} }), /has no memory/],
  ['seven SATA disks', vmi({ volumes: Array.from({ length: 7 }, (_, index) => ({ name: `e${index}`, emptyDisk: { capacity: '1Mi' } })) }), /more than 6 disks on bus sata/],
];

for (const [what, object, why] of REFUSED) {
  test(`refused by name: ${what}`, () => {
    assert.throws(() => planLaunch(object, FACTS, NOW), (error) => error instanceof LaunchError && why.test(error.message));
  });
}

test('nothing a user writes gets out of its word', () => {
  for (const text of ["'; rm -rf /; '", '$(id)', '`id`', 'a b\nc', '"', '\\', "''"]) {
    assert.equal(execFileSync('sh', ['-c', `printf %s ${literal(text).shell}`]).toString(), text);
  }
  assert.equal(optionValue('a,b,,c'), 'a,,b,,,,c');
  assert.throws(() => literal('a\0b'), LaunchError);
});

test('plans do not change what they are made from', () => {
  const object = vmi({ volumes: [{ name: 'e', emptyDisk: { capacity: '1Mi' } }] });
  const before = deepClone(object);
  planLaunch(object, FACTS, NOW);
  assert.deepEqual(object, before);
  assert.equal(memoryOf(object.spec), 64 << 20);
});
