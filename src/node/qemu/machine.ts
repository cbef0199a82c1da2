/** A VirtualMachineInstance as QEMU's command line: pure, and the only place that knows QEMU's options beside disks.ts. */
import { quantityToNumber } from '../../apimachinery/quantity.ts';
import type { CPU, Interface, VirtualMachineInstance, VirtualMachineInstanceSpec } from '../../kinds/generated/kubevirt.ts';
import { planDisks, type DiskPlan, type RestoredDisks } from './disks.ts';
import { LaunchError } from './errors.ts';
import { IMAGES, KERNEL_IMAGE, QMP_SOCKET, SERIAL_SOCKET, SOCKETS, VNC_SOCKET } from './layout.ts';
import { launcherScript, MEMORY_FD, type KernelFiles } from './script.ts';
import { unsupportedFields } from './unsupported.ts';
import { checked, literal, optionValue, type Word } from './words.ts';

export type Accelerator = 'kvm' | 'tcg';

export interface LaunchFacts {
  accelerator: Accelerator;
  /** The guest's link, when it has one. */
  network?: { tap: string; mac: string };
  /** The guest was saved and goes on: its disks, and QEMU's full name of its machine type. */
  restored?: RestoredDisks & { machine: string };
}

export interface LaunchPlan {
  /** Program of the container: a script for `/bin/sh -c`. */
  script: string;
  disks: DiskPlan;
  /** Image with kernel and initial RAM disk. */
  kernelImage: string | undefined;
}

const MIB = 1 << 20;
/** The least a guest can be given. */
const MEMORY_MIN = 1 * MIB;
const CPUS_MAX = 288;
const KERNEL_ARGS_MAX = 2048;
/** Bytes of translated code QEMU keeps; its own default, a gigabyte, would be most of a small guest's pod. */
const TCG_CACHE_MIB = 128;

const UUID = /^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/;
const CPU_NAME = /^[A-Za-z0-9_.-]{1,64}$/;
const FEATURE_NAME = /^[A-Za-z0-9_.-]{1,64}$/;
const TEXT = /^[\x20-\x7e]{1,256}$/;
const KERNEL_PATH = /^\/?[A-Za-z0-9._/+-]{1,512}$/;

/** `q35`, `pc-q35-7.2`, `pc`, …: QEMU's own names; RHEL's, which manifests made for KubeVirt carry, become q35. */
function machineType(spec: VirtualMachineInstanceSpec): string {
  const type = spec.domain.machine?.type ?? 'q35';
  if (type === '' || type === 'q35' || type.startsWith('pc-q35-rhel')) {
    return 'q35';
  }
  if (type === 'pc' || /^pc-(q35|i440fx)-\d+\.\d+$/.test(type)) {
    return type;
  }
  throw new LaunchError(`domain.machine.type ${JSON.stringify(type)} is not supported; use q35`);
}

const enabled = (feature: { enabled?: boolean } | undefined, otherwise: boolean): boolean => (feature === undefined ? otherwise : feature.enabled !== false);

function machineWords(spec: VirtualMachineInstanceSpec, { accelerator, restored }: LaunchFacts): Word[] {
  const { features, clock } = spec.domain;
  const options = [
    restored?.machine ?? machineType(spec), 'usb=off', 'vmport=off', 'dump-guest-core=off',
    ...(enabled(features?.acpi, true) ? [] : ['acpi=off']),
    ...(features?.smm === undefined ? [] : [`smm=${enabled(features.smm, true) ? 'on' : 'off'}`]),
    ...(clock?.timer?.hpet?.present === false ? ['hpet=off'] : []),
  ];
  const accel = accelerator === 'kvm' ? 'kvm' : `tcg,tb-size=${TCG_CACHE_MIB}`;
  return [literal('-machine'), literal(options.join(',')), literal('-accel'), literal(accel)];
}

/** Under software emulation a host's model means nothing: the guest gets all that QEMU can emulate. */
function cpuModel(model: string | undefined, accelerator: Accelerator): string {
  if (model === undefined || model === '' || model === 'host-model' || model === 'host-passthrough') {
    return accelerator === 'kvm' ? 'host' : 'max';
  }
  return checked('domain.cpu.model', model, CPU_NAME);
}

function cpuFeatures(cpu: CPU | undefined): string {
  return (cpu?.features ?? []).map(({ name, policy = 'require' }) => {
    checked('domain.cpu.features[].name', name, FEATURE_NAME);
    switch (policy) {
      case '': case 'require': case 'force': return `,${name}=on`;
      case 'disable': case 'forbid': return `,${name}=off`;
      default: return '';
    }
  }).join('');
}

function cpuWords(spec: VirtualMachineInstanceSpec, accelerator: Accelerator): Word[] {
  const { cpu, features } = spec.domain;
  const [sockets, cores, threads] = [cpu?.sockets ?? 1, cpu?.cores ?? 1, cpu?.threads ?? 1].map((count) => Math.max(count, 1));
  const all = (sockets ?? 1) * (cores ?? 1) * (threads ?? 1);
  if (all > CPUS_MAX) {
    throw new LaunchError(`domain.cpu asks for ${all} virtual processors; at most ${CPUS_MAX} are possible`);
  }
  const hidden = accelerator === 'kvm' && features?.kvm?.hidden === true ? ',kvm=off' : '';
  return [
    literal('-cpu'), literal(`${cpuModel(cpu?.model, accelerator)}${cpuFeatures(cpu)}${hidden}`),
    literal('-smp'), literal(`${all},sockets=${sockets},cores=${cores},threads=${threads}`),
  ];
}

/** Bytes the guest sees: what it asks for, else what its resources say. */
export function memoryOf(spec: VirtualMachineInstanceSpec): number {
  const { memory, resources } = spec.domain;
  const text = memory?.guest ?? resources?.requests?.['memory'] ?? resources?.limits?.['memory'];
  const bytes = text === undefined ? 0 : quantityToNumber(text);
  if (bytes < MEMORY_MIN) {
    throw new LaunchError('the guest has no memory: set domain.memory.guest');
  }
  return bytes;
}

function identityWords(vmi: VirtualMachineInstance): Word[] {
  const { firmware, chassis } = vmi.spec.domain;
  const words = [
    literal('-name'), literal(`guest=${optionValue(`${vmi.metadata.namespace ?? 'default'}_${vmi.metadata.name}`)}`),
    literal('-uuid'), literal(checked('domain.firmware.uuid', firmware?.uuid ?? vmi.metadata.uid ?? '', UUID)),
  ];
  const smbios = (type: number, members: Record<string, string | undefined>): void => {
    const texts = Object.entries(members).filter(([, value]) => value !== undefined && value !== '')
      .map(([key, value]) => `,${key}=${optionValue(checked(`domain firmware or chassis ${key}`, value ?? '', TEXT))}`);
    if (texts.length > 0) {
      words.push(literal('-smbios'), literal(`type=${type}${texts.join('')}`));
    }
  };
  smbios(1, { manufacturer: 'KubeVirt', product: 'None', family: 'KubeVirt', serial: firmware?.serial });
  smbios(3, { manufacturer: chassis?.manufacturer, version: chassis?.version, serial: chassis?.serial, asset: chassis?.asset, sku: chassis?.sku });
  return words;
}

const NIC_MODELS: Record<string, string> = {
  virtio: 'virtio-net-pci', e1000: 'e1000', e1000e: 'e1000e', rtl8139: 'rtl8139', ne2k_pci: 'ne2k_pci', pcnet: 'pcnet',
};

function networkWords(spec: VirtualMachineInstanceSpec, network: LaunchFacts['network']): Word[] {
  if (network === undefined) {
    return [];
  }
  const wanted: Interface | undefined = spec.domain.devices.interfaces?.[0];
  const model = NIC_MODELS[wanted?.model === undefined || wanted.model === '' ? 'virtio' : wanted.model];
  if (model === undefined) {
    throw new LaunchError(`interface ${wanted?.name ?? ''}: model ${wanted?.model ?? ''} is not supported; use virtio, e1000 or e1000e`);
  }
  // Without a place in the boot order the network is not booted from, so its ROM need not run.
  const boot = wanted?.bootOrder === undefined ? ',romfile=' : `,bootindex=${wanted.bootOrder}`;
  return [
    literal('-netdev'), literal(`tap,id=net0,ifname=${network.tap},script=no,downscript=no`),
    literal('-device'), literal(`${model},netdev=net0,mac=${network.mac}${boot}`),
  ];
}

const VIDEO: Record<string, string> = { '': 'VGA', vga: 'VGA', virtio: 'virtio-vga', bochs: 'bochs-display', cirrus: 'cirrus-vga' };

function graphicsWords(spec: VirtualMachineInstanceSpec): Word[] {
  if (spec.domain.devices.autoattachGraphicsDevice === false) {
    return [];
  }
  const type = spec.domain.devices.video?.type ?? '';
  const model = VIDEO[type];
  if (model === undefined) {
    throw new LaunchError(`domain.devices.video.type ${JSON.stringify(type)} is not supported; use vga, virtio, bochs or cirrus`);
  }
  return [literal('-device'), literal(model), literal('-vnc'), literal(`unix:${SOCKETS}/${VNC_SOCKET},share=force-shared`)];
}

function inputWords(spec: VirtualMachineInstanceSpec): Word[] {
  const inputs = spec.domain.devices.inputs ?? [];
  const usb = inputs.some(({ bus }) => bus !== 'virtio') ? [literal('-device'), literal('qemu-xhci,id=usbinput')] : [];
  return [...usb, ...inputs.flatMap(({ type, bus, name }) => {
    if (type !== 'tablet' && type !== 'keyboard') {
      throw new LaunchError(`input ${name}: type ${JSON.stringify(type)} is not supported; use tablet or keyboard`);
    }
    const device = bus === 'virtio' ? `virtio-${type}-pci` : type === 'tablet' ? 'usb-tablet,bus=usbinput.0' : 'usb-kbd,bus=usbinput.0';
    return [literal('-device'), literal(device)];
  })];
}

function extraDeviceWords(spec: VirtualMachineInstanceSpec): Word[] {
  const { rng, watchdog, autoattachMemBalloon, panicDevices } = spec.domain.devices;
  const words: Word[] = [];
  if (rng !== undefined) {
    words.push(literal('-object'), literal('rng-random,id=rng0,filename=/dev/urandom'), literal('-device'), literal('virtio-rng-pci,rng=rng0'));
  }
  if (watchdog?.i6300esb !== undefined) {
    const action = watchdog.i6300esb.action ?? 'reset';
    words.push(literal('-device'), literal('i6300esb'), literal('-action'),
      literal(`watchdog=${checked('domain.devices.watchdog.i6300esb.action', action, /^(reset|poweroff|shutdown)$/)}`));
  }
  if (autoattachMemBalloon !== false) {
    words.push(literal('-device'), literal('virtio-balloon-pci'));
  }
  const pci = panicDevices?.some(({ model }) => model === 'pvpanic') === true;
  // A guest that panics says so through this: without it a crash would look like a guest that hangs.
  words.push(literal('-device'), literal(pci ? 'pvpanic-pci' : 'pvpanic'));
  return words;
}

function serialWords(spec: VirtualMachineInstanceSpec): Word[] {
  if (spec.domain.devices.autoattachSerialConsole === false) {
    return [];
  }
  const log = spec.domain.devices.logSerialConsole === false ? '' : ',logfile=/dev/fdset/1,logappend=on';
  return [
    literal('-chardev'), literal(`socket,id=serial0,path=${SOCKETS}/${SERIAL_SOCKET},server=on,wait=off${log}`),
    literal('-device'), literal('isa-serial,chardev=serial0'),
  ];
}

/** How far the guest's clock is from UTC, in milliseconds. */
function clockOffset(spec: VirtualMachineInstanceSpec, now: Date): number {
  const { utc, timezone } = spec.domain.clock ?? {};
  if (timezone !== undefined && timezone !== '') {
    let local: string;
    try {
      local = new Intl.DateTimeFormat('sv-SE', { timeZone: timezone, dateStyle: 'short', timeStyle: 'medium' }).format(now);
    } catch (error) {
      throw new LaunchError(`domain.clock.timezone ${JSON.stringify(timezone)} is not known`, { cause: error });
    }
    return Date.parse(`${local.replace(' ', 'T')}Z`) - Math.floor(now.getTime() / 1000) * 1000;
  }
  return (utc?.offsetSeconds ?? 0) * 1000;
}

function clockWords(spec: VirtualMachineInstanceSpec, now: Date): Word[] {
  const offset = clockOffset(spec, now);
  const base = offset === 0 ? 'utc' : new Date(now.getTime() + offset).toISOString().slice(0, 19);
  const drift = spec.domain.clock?.timer?.rtc?.tickPolicy === 'catchup' ? ',driftfix=slew' : '';
  return [literal('-rtc'), literal(`base=${base}${drift}`)];
}

function kernelFiles(spec: VirtualMachineInstanceSpec): KernelFiles {
  const container = spec.domain.firmware?.kernelBoot?.container;
  const relative = (path: string | undefined): string | undefined => (path === undefined || path === ''
    ? undefined : checked('domain.firmware.kernelBoot path', path, KERNEL_PATH).replace(/^\/+/, ''));
  return { kernel: relative(container?.kernelPath), initrd: relative(container?.initrdPath) };
}

function kernelWords(spec: VirtualMachineInstanceSpec, files: KernelFiles): Word[] {
  const args = spec.domain.firmware?.kernelBoot?.kernelArgs ?? '';
  if (files.kernel === undefined) {
    if (files.initrd !== undefined || args !== '') {
      throw new LaunchError('domain.firmware.kernelBoot needs container.kernelPath beside initrdPath and kernelArgs');
    }
    return [];
  }
  if (args.length > KERNEL_ARGS_MAX) {
    throw new LaunchError(`domain.firmware.kernelBoot.kernelArgs is longer than ${KERNEL_ARGS_MAX} characters`);
  }
  const at = `${IMAGES}/${KERNEL_IMAGE}`;
  return [
    literal('-kernel'), literal(`${at}/${files.kernel}`),
    ...(files.initrd === undefined ? [] : [literal('-initrd'), literal(`${at}/${files.initrd}`)]),
    ...(args === '' ? [] : [literal('-append'), literal(args)]),
  ];
}

/** Throws LaunchError, naming the field, for what cannot be honoured. */
export function planLaunch(vmi: VirtualMachineInstance, facts: LaunchFacts, now: Date = new Date()): LaunchPlan {
  const { spec } = vmi;
  const unsupported = unsupportedFields(spec);
  if (unsupported.length > 0) {
    throw new LaunchError(`not supported here: ${unsupported.map((field) => `spec.${field}`).join(', ')}`);
  }
  const disks = planDisks(spec, facts.restored);
  const kernel = kernelFiles(spec);
  const words = [
    literal('qemu-system-x86_64'), ...identityWords(vmi),
    literal('-add-fd'), literal('fd=3,set=1'),
    literal('-sandbox'), literal('on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'),
    literal('-nodefaults'), literal('-no-user-config'), literal('-display'), literal('none'),
    ...machineWords(spec, facts), ...cpuWords(spec, facts.accelerator),
    literal('-m'), literal(`${Math.ceil(memoryOf(spec) / MIB)}M`),
    ...clockWords(spec, now), literal('-boot'), literal('menu=off,strict=on'),
    // A guest's reboot resets it in place; a guest that panics ends QEMU with a failure.
    literal('-action'), literal(`reboot=${spec.domain.rebootPolicy === 'Terminate' ? 'shutdown' : 'reset'},shutdown=poweroff,panic=exit-failure`),
    literal('-chardev'), literal(`socket,id=mon,path=${SOCKETS}/${QMP_SOCKET},server=on,wait=off`), literal('-mon'), literal('chardev=mon,mode=control'),
    ...kernelWords(spec, kernel), ...serialWords(spec), ...graphicsWords(spec), ...networkWords(spec, facts.network),
    ...disks.words, ...inputWords(spec), ...extraDeviceWords(spec),
    // What a saved guest does next is for this process to say, once its saved state counts no more.
    ...(facts.restored === undefined ? [] : [literal('-incoming'), literal(`fd:${MEMORY_FD}`)]),
    ...(spec.startStrategy === 'Paused' || facts.restored !== undefined ? [literal('-S')] : []),
  ];
  const kernelImage = facts.restored?.images[KERNEL_IMAGE] ?? spec.domain.firmware?.kernelBoot?.container?.image;
  return { script: launcherScript(disks.images, kernel, words, facts.restored !== undefined), disks, kernelImage };
}
