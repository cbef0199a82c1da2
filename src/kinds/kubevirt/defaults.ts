/** Defaults of a VirtualMachineInstance's spec: of every instance (KubeVirt's mutating webhook), and the few a machine's template gets. */
import { createHash } from 'node:crypto';
import { quantityToNumber } from '../../apimachinery/quantity.ts';
import { defaultPullPolicy } from '../core/podspec/defaults.ts';
import type { Disk, DomainSpec, Interface, VirtualMachineInstanceSpec, Volume } from '../generated/kubevirt.ts';

export const DEFAULT_MACHINE = 'q35';
export const DEFAULT_ARCHITECTURE = 'amd64';
const DEFAULT_BUS = 'sata';
const DEFAULT_NETWORK = 'default';
/** KubeVirt's namespace for firmware UUIDs: guests keep theirs when a machine moves between KubeVirt and Telar. */
const FIRMWARE_NAMESPACE = '6a1a24a1-4061-4607-8bf4-a3963d0c5895';

/** Version 5 UUID of a guest whose spec names none: the same at every start of an instance of this name. */
export function firmwareUuid(name: string): string {
  const digest = createHash('sha1').update(Buffer.from(FIRMWARE_NAMESPACE.replaceAll('-', ''), 'hex')).update(name).digest().subarray(0, 16);
  digest[6] = ((digest[6] ?? 0) & 0x0f) | 0x50;
  digest[8] = ((digest[8] ?? 0) & 0x3f) | 0x80;
  return digest.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** A spec in which what Kubernetes would have as zero values is there. */
export function completeSpec(spec: VirtualMachineInstanceSpec | undefined): VirtualMachineInstanceSpec {
  const result: VirtualMachineInstanceSpec = spec ?? { domain: { devices: {} } };
  result.domain ??= { devices: {} };
  result.domain.devices ??= {};
  return result;
}

/** What a new machine's template gets, so that it shows what it will run as. */
export function defaultMachine(spec: VirtualMachineInstanceSpec): void {
  spec.architecture ||= DEFAULT_ARCHITECTURE;
  spec.domain.machine ??= {};
  spec.domain.machine.type ||= DEFAULT_MACHINE;
}

function cpu(domain: DomainSpec): void {
  const given = domain.cpu ?? {};
  const asked = domain.resources?.limits?.['cpu'] ?? domain.resources?.requests?.['cpu'];
  const none = !given.cores && !given.sockets && !given.threads;
  domain.cpu = {
    ...given,
    cores: given.cores || 1, threads: given.threads || 1,
    sockets: given.sockets || (none && asked !== undefined ? Math.max(1, Math.ceil(quantityToNumber(asked))) : 1),
  };
}

function memory(domain: DomainSpec): void {
  const asked = domain.resources?.requests?.['memory'] ?? domain.resources?.limits?.['memory'];
  if (domain.memory?.guest === undefined && asked !== undefined) {
    domain.memory = { ...domain.memory, guest: asked };
  }
}

function disk(one: Disk): void {
  if (one.disk === undefined && one.cdrom === undefined && one.lun === undefined) {
    one.disk = {};
  }
  for (const target of [one.disk, one.cdrom, one.lun]) {
    if (target !== undefined) {
      target.bus ||= DEFAULT_BUS;
    }
  }
}

/** Every volume is attached: one without a disk of its name gets a plain one. */
function disks(spec: VirtualMachineInstanceSpec): void {
  const list = spec.domain.devices.disks ?? [];
  const attached = new Set([...list, ...spec.domain.devices.filesystems ?? []].map(({ name }) => name));
  for (const { name } of spec.volumes ?? []) {
    if (!attached.has(name)) {
      list.push({ name });
    }
  }
  if (list.length > 0) {
    spec.domain.devices.disks = list;
  }
  for (const one of list) {
    disk(one);
  }
}

function pullPolicies(volumes: readonly Volume[], domain: DomainSpec): void {
  const images = [...volumes.map(({ containerDisk }) => containerDisk), domain.firmware?.kernelBoot?.container];
  for (const image of images) {
    if (image !== undefined) {
      image.imagePullPolicy ||= defaultPullPolicy(image.image);
    }
  }
}

/** How an interface is attached when it does not say so. */
function bindings(interfaces: readonly Interface[]): void {
  for (const one of interfaces) {
    if (one.masquerade === undefined && one.bridge === undefined && one.sriov === undefined && one.binding === undefined) {
      one.masquerade = {};
    }
  }
}

function networks(spec: VirtualMachineInstanceSpec): void {
  const { devices } = spec.domain;
  bindings(devices.interfaces ?? []);
  if (devices.autoattachPodInterface === false || spec.networks?.length || devices.interfaces?.length) {
    return;
  }
  spec.networks = [{ name: DEFAULT_NETWORK, pod: {} }];
  devices.interfaces = [{ name: DEFAULT_NETWORK, masquerade: {} }];
}

/** All defaults of an instance, in place. `name` is the instance's. */
export function defaultInstance(name: string, spec: VirtualMachineInstanceSpec): void {
  defaultMachine(spec);
  cpu(spec.domain);
  memory(spec.domain);
  disks(spec);
  pullPolicies(spec.volumes ?? [], spec.domain);
  networks(spec);
  spec.domain.firmware ??= {};
  spec.domain.firmware.uuid ||= firmwareUuid(name);
}
