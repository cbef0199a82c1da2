/**
 * What the embedded engine honours of a VirtualMachineInstance's spec, as one table in the shape of the spec. Whatever is not in
 * it is refused by name, so that no guest silently runs otherwise than written. A new feature of the engine is added here.
 */
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { isObject } from '../../apimachinery/values.ts';

/** `yes`: honoured as it is, whatever it holds. `warn`: accepted with a warning, for leaving it out changes nothing a guest can rely on. */
type Leaf = 'yes' | 'warn' | 'off';
/** `off` accepts only false, empty and absent: what is off anyway. */
export interface SupportTable { readonly [field: string]: Leaf | SupportTable }

const YES = 'yes' as const;
const WARN = 'warn' as const;
const OFF = 'off' as const;

const DISK_TARGET: SupportTable = { bus: YES, readonly: YES, tray: WARN };

const DISK: SupportTable = {
  name: YES, disk: DISK_TARGET, cdrom: DISK_TARGET, bootOrder: YES, serial: YES, cache: WARN, io: WARN, tag: WARN,
  shareable: OFF, dedicatedIOThread: WARN, errorPolicy: WARN, changedBlockTracking: OFF,
};

const CLOUD_INIT: SupportTable = {
  userData: YES, userDataBase64: YES, secretRef: YES, networkData: YES, networkDataBase64: YES, networkDataSecretRef: YES,
};

export const SUPPORTED_VOLUMES: SupportTable = {
  containerDisk: { image: YES, imagePullPolicy: YES, imagePullSecret: YES, path: YES },
  emptyDisk: { capacity: YES },
  cloudInitNoCloud: CLOUD_INIT,
  cloudInitConfigDrive: CLOUD_INIT,
  configMap: { name: YES, optional: YES, volumeLabel: YES },
  secret: { secretName: YES, optional: YES, volumeLabel: YES },
};

const PROBE: SupportTable = {
  httpGet: YES, tcpSocket: YES, initialDelaySeconds: YES, timeoutSeconds: YES, periodSeconds: YES, successThreshold: YES, failureThreshold: YES,
};

const DEVICES: SupportTable = {
  disks: DISK,
  interfaces: { name: YES, masquerade: YES, model: YES, macAddress: YES, ports: YES, bootOrder: YES, tag: WARN, state: OFF, acpiIndex: OFF, pciAddress: OFF },
  rng: YES,
  video: YES,
  inputs: { name: YES, type: YES, bus: YES },
  watchdog: { name: YES, i6300esb: YES },
  panicDevices: { model: YES },
  autoattachSerialConsole: YES, logSerialConsole: YES, autoattachPodInterface: YES, autoattachGraphicsDevice: YES,
  autoattachMemBalloon: YES, autoattachInputDevice: WARN, networkInterfaceMultiqueue: WARN, blockMultiQueue: WARN,
  disableHotplug: YES, useVirtioTransitional: WARN, autoattachVSOCK: OFF,
};

const DOMAIN: SupportTable = {
  cpu: {
    cores: YES, sockets: YES, threads: YES, maxSockets: WARN, model: YES, features: YES, dedicatedCpuPlacement: OFF, isolateEmulatorThread: OFF,
  },
  memory: { guest: YES, maxGuest: WARN },
  resources: { requests: YES, limits: YES, overcommitGuestOverhead: YES },
  machine: { type: YES },
  firmware: {
    uuid: YES, serial: YES,
    bootloader: { bios: { useSerial: OFF } },
    kernelBoot: { kernelArgs: YES, container: { image: YES, imagePullPolicy: YES, imagePullSecret: YES, kernelPath: YES, initrdPath: YES } },
  },
  features: { acpi: YES, apic: WARN, hyperv: WARN, kvm: YES, pvspinlock: WARN, smm: YES },
  clock: { utc: YES, timezone: YES, timer: { rtc: YES, hpet: YES, pit: WARN, kvm: WARN, hyperv: WARN } },
  chassis: YES,
  rebootPolicy: YES,
  ioThreadsPolicy: WARN,
  devices: DEVICES,
};

export const SUPPORTED: SupportTable = {
  domain: DOMAIN,
  architecture: YES,
  volumes: { name: YES, ...SUPPORTED_VOLUMES },
  networks: { name: YES, pod: { vmNetworkCIDR: OFF, vmIPv6NetworkCIDR: OFF } },
  accessCredentials: { sshPublicKey: { source: { secret: YES }, propagationMethod: { noCloud: YES, configDrive: YES } } },
  hostname: YES, subdomain: YES, dnsPolicy: YES, dnsConfig: YES,
  nodeSelector: YES, affinity: YES, tolerations: YES, topologySpreadConstraints: YES, schedulerName: YES, priorityClassName: YES,
  readinessProbe: PROBE, livenessProbe: PROBE,
  startStrategy: YES, terminationGracePeriodSeconds: YES,
  evictionStrategy: WARN, serviceAccountName: OFF,
};

/** Values of closed sets that the engine has: disk buses, interface models and so on. */
export const BUSES = ['virtio', 'sata', 'scsi', 'usb'];
export const INTERFACE_MODELS = ['e1000', 'e1000e', 'ne2k_pci', 'pcnet', 'rtl8139', 'virtio'];
export const VIDEO_TYPES = ['vga', 'virtio', 'bochs', 'cirrus'];
export const INPUT_TYPES = ['tablet', 'keyboard'];
export const INPUT_BUSES = ['usb', 'virtio'];
export const WATCHDOG_ACTIONS = ['poweroff', 'reset', 'shutdown'];
/** QEMU's own names, and RHEL's, which manifests made for KubeVirt carry. */
export const MACHINE_TYPES = /^(?:q35|pc|pc-q35-rhel.*|pc-(?:q35|i440fx)-\d+\.\d+)$/;
export const ARCHITECTURES = ['amd64'];

const MESSAGE = 'not supported by the embedded virtual machine engine';

const isOff = (value: unknown): boolean => value === false || value === '' || value === 0
  || (Array.isArray(value) && value.length === 0) || (isObject(value) && Object.values(value).every((one) => one === undefined || isOff(one)));

type Visit = (path: string, value: unknown, leaf: Leaf | undefined) => void;

function walk(value: unknown, table: Leaf | SupportTable | undefined, path: string, visit: Visit): void {
  if (Array.isArray(value)) {
    for (const [index, one] of value.entries()) {
      walk(one, table, `${path}[${index}]`, visit);
    }
    return;
  }
  if (table === undefined || typeof table === 'string') {
    visit(path, value, table);
    return;
  }
  for (const [name, member] of Object.entries(isObject(value) ? value : {})) {
    if (member !== undefined) {
      walk(member, Object.hasOwn(table, name) ? table[name] : undefined, `${path}.${name}`, visit);
    }
  }
}

/** What of `spec` the engine cannot honour; `field` is the path of the spec. */
export function unsupported(field: string, spec: unknown): FieldError[] {
  const errors: FieldError[] = [];
  walk(spec, SUPPORTED, field, (path, value, leaf) => {
    if (leaf === undefined || (leaf === 'off' && !isOff(value))) {
      errors.push(fieldError.forbidden(path, MESSAGE));
    }
  });
  return errors;
}

/** What of `spec` is accepted without effect. */
export function withoutEffect(field: string, spec: unknown): string[] {
  const warnings: string[] = [];
  walk(spec, SUPPORTED, field, (path, _value, leaf) => {
    if (leaf === 'warn') {
      warnings.push(`${path} has no effect with the embedded virtual machine engine`);
    }
  });
  return [...new Set(warnings)];
}
