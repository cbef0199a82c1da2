import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../apimachinery/object.ts';
import { at, create, set, update } from '../testing.ts';
import { virtualMachine } from './virtualmachine.ts';
import { virtualMachineInstance } from './virtualmachineinstance.ts';

const guest = (spec: JsonObject = {}): JsonObject => ({
  domain: { devices: {}, memory: { guest: '128Mi' } },
  volumes: [{ name: 'root', containerDisk: { image: 'telar.local/starter/vm' } }, { name: 'init', cloudInitNoCloud: { userData: '#!/bin/sh\n' } }],
  ...spec,
});
const machine = (spec: JsonObject = {}, template: JsonObject = guest()): JsonObject => ({ spec: { runStrategy: 'Always', template: { spec: template }, ...spec } });

test('an instance gets KubeVirt\'s defaults, and the pod network by masquerade', () => {
  const { object, errors } = create(virtualMachineInstance, { spec: guest() });
  assert.deepEqual(errors, []);
  assert.deepEqual(at(object, 'spec.domain'), {
    devices: {
      disks: [{ name: 'root', disk: { bus: 'sata' } }, { name: 'init', disk: { bus: 'sata' } }],
      interfaces: [{ name: 'default', masquerade: {} }],
    },
    memory: { guest: '128Mi' }, machine: { type: 'q35' }, cpu: { cores: 1, threads: 1, sockets: 1 },
    firmware: { uuid: at(object, 'spec.domain.firmware.uuid') },
  });
  assert.match(String(at(object, 'spec.domain.firmware.uuid')), /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.deepEqual([at(object, 'spec.networks'), at(object, 'spec.architecture')], [[{ name: 'default', pod: {} }], 'amd64']);
  assert.equal(at(object, 'spec.volumes.0.containerDisk.imagePullPolicy'), 'Always');
  assert.equal(at(object, 'status.phase'), 'Pending');
});

test('sockets and memory follow what is asked for', () => {
  const domain = { devices: { autoattachPodInterface: false }, resources: { requests: { memory: '1Gi', cpu: '1500m' } } };
  const { object, errors } = create(virtualMachineInstance, { spec: { domain } });
  assert.deepEqual(errors, []);
  assert.deepEqual([at(object, 'spec.domain.cpu.sockets'), at(object, 'spec.domain.memory.guest'), at(object, 'spec.networks')], [2, '1Gi', undefined]);
});

test('a machine needs a template and one way to say when it runs', () => {
  const only = (content: JsonObject): string[] => create(virtualMachine, content).errors;
  assert.deepEqual(only({ spec: { runStrategy: 'Always' } }), ['spec.template: missing virtual machine template.']);
  assert.deepEqual(only(machine({ running: true })),
    ['spec.running: Running and RunStrategy are mutually exclusive. Note that Running is deprecated, please use RunStrategy instead']);
  assert.deepEqual(only({ spec: { template: { spec: guest() } } }), ['spec.runStrategy: RunStrategy must be specified']);
  assert.deepEqual(only(machine({ runStrategy: 'Sometimes' })), ['spec.runStrategy: Invalid RunStrategy (Sometimes)']);
  assert.deepEqual(only(machine({ instancetype: { name: 'u1.small' } })), ['spec.instancetype: Forbidden: not supported by the embedded virtual machine engine']);
  const { object, errors } = create(virtualMachine, machine());
  assert.deepEqual(errors, []);
  assert.deepEqual([at(object, 'spec.template.spec.domain.machine.type'), at(object, 'spec.template.spec.architecture'), at(object, 'status')], ['q35', 'amd64', undefined]);
});

test('what the engine cannot honour is refused by name', () => {
  const cases: [string, JsonObject][] = [
    ['spec.networks[0].multus', { networks: [{ name: 'n', multus: { networkName: 'x' } }], domain: { devices: { interfaces: [{ name: 'n', masquerade: {} }] }, memory: { guest: '1Gi' } } }],
    ['spec.domain.devices.gpus[0]', { domain: { devices: { gpus: [{ name: 'g', deviceName: 'd' }] }, memory: { guest: '1Gi' } } }],
    ['spec.domain.devices.tpm', { domain: { devices: { tpm: {} }, memory: { guest: '1Gi' } } }],
    ['spec.domain.memory.hugepages', { domain: { devices: {}, memory: { guest: '1Gi', hugepages: { pageSize: '2Mi' } } } }],
    ['spec.domain.cpu.dedicatedCpuPlacement', { domain: { devices: {}, memory: { guest: '1Gi' }, cpu: { dedicatedCpuPlacement: true } } }],
    ['spec.volumes[0].hostDisk', { volumes: [{ name: 'h', hostDisk: { path: '/x', type: 'Disk' } }] }],
  ];
  for (const [field, spec] of cases) {
    const { errors } = create(virtualMachineInstance, { spec: guest(spec) });
    assert.ok(errors.some((error) => error.startsWith(field) && error.endsWith('not supported by the embedded virtual machine engine')), `${field}: ${errors.join('\n')}`);
  }
  assert.deepEqual(create(virtualMachineInstance, { spec: guest({ domain: { devices: {}, memory: { guest: '1Gi' }, cpu: { dedicatedCpuPlacement: false } } }) }).errors, []);
});

test('what has no effect is warned about', () => {
  const { object } = create(virtualMachine, machine({}, guest({ evictionStrategy: 'LiveMigrate' })));
  assert.deepEqual(virtualMachine.rules.warnings?.(object), ['spec.template.spec.evictionStrategy has no effect with the embedded virtual machine engine']);
});

test('guests are checked in KubeVirt\'s words', () => {
  const domain = (devices: JsonObject, rest: JsonObject = {}): JsonObject => ({ domain: { devices, memory: { guest: '1Gi' }, ...rest } });
  const cases: [JsonObject, string][] = [
    [{ domain: { devices: {} } }, 'no memory requested'],
    [domain({ disks: [{ name: 'none' }] }), "spec.domain.devices.disks[0].Name 'none' not found."],
    [domain({ disks: [{ name: 'root', disk: { bus: 'ide' } }] }), 'spec.domain.devices.disks[0].disk.bus is set with an unrecognized bus ide, must be one of: [virtio sata scsi usb]'],
    [domain({ disks: [{ name: 'root', bootOrder: 1 }, { name: 'init', bootOrder: 1 }] }), 'Boot order for spec.domain.devices.disks[1].bootOrder already set for a different device.'],
    [domain({ interfaces: [{ name: 'net' }] }), "spec.domain.devices.interfaces[0].name 'net' not found."],
    [{ ...domain({ interfaces: [{ name: 'a' }, { name: 'b' }] }), networks: [{ name: 'a', pod: {} }, { name: 'b', pod: {} }] }, 'more than one interface is connected to a pod network'],
    [{ volumes: [{ name: 'v' }] }, 'spec.volumes[0] must have exactly one source type set'],
    [{ volumes: [{ name: 'v', emptyDisk: { capacity: '1Gi' } }, { name: 'v', emptyDisk: { capacity: '1Gi' } }] }, 'spec.volumes[0].name and spec.volumes[1].name must not have the same Name.'],
    [{ volumes: [{ name: 'v', cloudInitNoCloud: {} }] }, 'spec.volumes[0].cloudInitNoCloud must have at least one userdatasource or one networkdatasource set.'],
    [{ volumes: [{ name: 'v', cloudInitNoCloud: { userDataBase64: '%%' } }] }, 'spec.volumes[0].cloudInitNoCloud.userDataBase64 is not a valid base64 value.'],
    [{ volumes: [{ name: 'v', cloudInitNoCloud: { userData: 'x'.repeat(2049) } }] }, 'exceeds 2048 byte limit'],
    [domain({}, { firmware: { kernelBoot: { kernelArgs: 'x' } } }), 'kernel arguments cannot be provided without an external kernel'],
    [domain({}, { firmware: { kernelBoot: { container: { image: 'i' } } } }), 'at least one of the following: kernelPath, initrdPath'],
    [domain({}, { machine: { type: 'virt' } }), 'spec.domain.machine.type is not supported: virt'],
    [domain({ inputs: [{ name: 'm', type: 'mouse' }] }), 'spec.domain.devices.inputs[0].type is not supported: mouse (allowed values: tablet, keyboard)'],
    [domain({}, { cpu: { sockets: 300 } }), 'asks for 300 virtual processors'],
    [{ hostname: 'Not_A_Label' }, 'spec.hostname does not conform to the kubernetes DNS_LABEL rules'],
  ];
  for (const [spec, message] of cases) {
    const { errors } = create(virtualMachineInstance, { spec: guest(spec) });
    assert.ok(errors.some((error) => error.includes(message)), `${message}\n${errors.join('\n')}`);
  }
});

test('the spec of an instance does not change', () => {
  const { object } = create(virtualMachineInstance, { spec: guest() });
  assert.deepEqual(update(virtualMachineInstance, object, (changed) => { set(changed, 'spec.domain.cpu.cores', 2); }).errors,
    ['spec: Forbidden: update of VMI object is restricted']);
  assert.deepEqual(update(virtualMachineInstance, object, (changed) => { set(changed, 'status.phase', 'Running'); }).errors, []);
});
