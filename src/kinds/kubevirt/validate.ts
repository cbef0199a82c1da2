/** What a VirtualMachineInstance's spec may say, in KubeVirt's words, and what the engine at hand can do of it. */
import { validateDns1123Label } from '../../apimachinery/names.ts';
import { compareQuantities } from '../../apimachinery/quantity.ts';
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { nonNegativeQuantity } from '../checks.ts';
import { validateAffinity, validateTolerations } from '../core/podspec/scheduling.ts';
import { validateProbe } from '../core/podspec/probes.ts';
import type {
  CloudInitNoCloudSource, Disk, DomainSpec, Interface, KernelBoot, KernelBootContainer, Network, Probe, VirtualMachineInstanceSpec, Volume,
} from '../generated/kubevirt.ts';
import { ARCHITECTURES, BUSES, INPUT_BUSES, INPUT_TYPES, INTERFACE_MODELS, MACHINE_TYPES, unsupported, VIDEO_TYPES, WATCHDOG_ACTIONS } from './support.ts';

/** Bytes of cloud-init data within the spec; more goes into a Secret. */
const MAX_CLOUD_INIT = 2048;
const MAX_LIST = 256;
const MAX_PROCESSORS = 288;
const MAX_KERNEL_ARGS = 2048;
const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'];
const SOURCES = ['containerDisk', 'emptyDisk', 'cloudInitNoCloud', 'cloudInitConfigDrive', 'configMap', 'secret', 'persistentVolumeClaim', 'dataVolume',
  'ephemeral', 'hostDisk', 'sysprep', 'serviceAccount', 'downwardAPI', 'downwardMetrics', 'memoryDump', 'containerPath'] as const;

/** KubeVirt's messages stand alone: they name the field themselves. */
const invalid = (field: string, detail: string): FieldError => ({ type: 'FieldValueInvalid', field, detail });
const required = (field: string, detail: string): FieldError => ({ type: 'FieldValueRequired', field, detail });

/** Each name once. */
function unique(field: string, list: readonly { name: string }[]): FieldError[] {
  const first = new Map<string, number>();
  return list.flatMap(({ name }, index) => {
    const before = first.get(name);
    first.set(name, before ?? index);
    return before === undefined ? []
      : [invalid(`${field}[${before}].name`, `${field}[${before}].name and ${field}[${index}].name must not have the same Name.`)];
  });
}

function pullPolicy(field: string, value: string | undefined): FieldError[] {
  return value === undefined || PULL_POLICIES.includes(value) ? []
    : [invalid(field, `${field} is set with an unrecognized image pull policy ${value}, must be one of: [${PULL_POLICIES.join(' ')}]`)];
}

const isBase64 = (text: string): boolean => /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text.replaceAll(/\s/g, ''));

function cloudData(field: string, name: string, plain: string | undefined, base64: string | undefined): FieldError[] {
  const errors: FieldError[] = [];
  if (base64 && !isBase64(base64)) {
    errors.push(invalid(`${field}.${name}Base64`, `${field}.${name}Base64 is not a valid base64 value.`));
  }
  const size = Buffer.byteLength(plain || '') + Buffer.byteLength(base64 || '', 'base64');
  if (size > MAX_CLOUD_INIT) {
    errors.push(invalid(field, `${field} ${name.toLowerCase()} exceeds ${MAX_CLOUD_INIT} byte limit. Should use ${name === 'userData' ? 'UserDataSecretRef' : 'NetworkDataSecretRef'} for larger data.`));
  }
  return errors;
}

function cloudInit(field: string, source: CloudInitNoCloudSource): FieldError[] {
  const user = [source.userData, source.userDataBase64, source.secretRef].filter(Boolean).length;
  const network = [source.networkData, source.networkDataBase64, source.networkDataSecretRef].filter(Boolean).length;
  const errors: FieldError[] = [];
  if (user > 1) {
    errors.push(invalid(field, `${field} must have only one userdatasource set.`));
  }
  if (network > 1) {
    errors.push(invalid(field, `${field} must have only one networkdatasource set.`));
  }
  if (user + network === 0) {
    errors.push(invalid(field, `${field} must have at least one userdatasource or one networkdatasource set.`));
  }
  return [
    ...errors,
    ...cloudData(field, 'userData', source.userData, source.userDataBase64),
    ...cloudData(field, 'networkData', source.networkData, source.networkDataBase64),
  ];
}

function volume(field: string, one: Volume): FieldError[] {
  const errors = validateDns1123Label(one.name ?? '').map((why) => invalid(`${field}.name`, `${field}.name does not conform to the kubernetes DNS_LABEL rules : ${why}`));
  const given = SOURCES.filter((source) => one[source] !== undefined);
  if (given.length !== 1) {
    errors.push(invalid(field, `${field} must have exactly one source type set`));
  }
  if (one.containerDisk !== undefined) {
    if (!one.containerDisk.image) {
      errors.push(required(`${field}.containerDisk.image`, `${field}.containerDisk.image is a required field`));
    }
    errors.push(...pullPolicy(`${field}.containerDisk.imagePullPolicy`, one.containerDisk.imagePullPolicy));
  }
  if (one.emptyDisk !== undefined) {
    errors.push(...(one.emptyDisk.capacity ? nonNegativeQuantity(`${field}.emptyDisk.capacity`, one.emptyDisk.capacity)
      : [required(`${field}.emptyDisk.capacity`, `${field}.emptyDisk.capacity is a required field`)]));
  }
  for (const name of ['cloudInitNoCloud', 'cloudInitConfigDrive'] as const) {
    const source = one[name];
    errors.push(...(source === undefined ? [] : cloudInit(`${field}.${name}`, source)));
  }
  return errors;
}

function volumes(field: string, list: readonly Volume[]): FieldError[] {
  if (list.length > MAX_LIST) {
    return [invalid(field, `${field} list exceeds the ${MAX_LIST} element limit in length`)];
  }
  const seeds = list.filter((one) => one.cloudInitNoCloud !== undefined || one.cloudInitConfigDrive !== undefined);
  return [
    ...unique(field, list),
    ...list.flatMap((one, index) => volume(`${field}[${index}]`, one)),
    ...(seeds.length > 1 ? [invalid(field, `${field} must not have more than one cloudInit volume`)] : []),
  ];
}

function bootOrder(field: string, order: number | undefined, taken: Set<number>): FieldError[] {
  if (order === undefined) {
    return [];
  }
  if (order < 1) {
    return [invalid(`${field}.bootOrder`, `${field} must have a boot order > 0, if supplied`)];
  }
  const again = taken.has(order);
  taken.add(order);
  return again ? [invalid(`${field}.bootOrder`, `Boot order for ${field}.bootOrder already set for a different device.`)] : [];
}

function disk(field: string, one: Disk, volumeNames: ReadonlySet<string>): FieldError[] {
  const errors: FieldError[] = [];
  if (!volumeNames.has(one.name)) {
    errors.push(invalid(`${field}.name`, `${field}.Name '${one.name}' not found.`));
  }
  const targets = (['disk', 'cdrom', 'lun'] as const).filter((name) => one[name] !== undefined);
  if (targets.length > 1) {
    errors.push(invalid(`${field}.name`, `${field} can have only a single target type defined`));
  }
  for (const name of targets) {
    const bus = one[name]?.bus;
    if (bus && !BUSES.includes(bus)) {
      errors.push(invalid(`${field}.${name}.bus`, `${field}.${name}.bus is set with an unrecognized bus ${bus}, must be one of: [${BUSES.join(' ')}]`));
    }
  }
  if (one.cdrom?.bus === 'virtio') {
    errors.push(invalid(`${field}.cdrom.bus`, 'Bus type virtio is invalid for CD-ROM device'));
  }
  if (one.cdrom?.readonly === false) {
    errors.push(invalid(`${field}.cdrom.readonly`, `${field}.cdrom.readonly must be true or absent: CD-ROMs cannot be written`));
  }
  if (one.serial !== undefined && !/^[A-Za-z0-9_.+-]{0,256}$/.test(one.serial)) {
    errors.push(invalid(`${field}.serial`, `${field}.serial must be made up of the following characters [A-Za-z0-9_.+-], if specified`));
  }
  return errors;
}

function device(field: string, one: Interface, networks: readonly Network[]): FieldError[] {
  const errors: FieldError[] = [];
  if (!networks.some(({ name }) => name === one.name)) {
    errors.push(invalid(`${field}.name`, `${field}.name '${one.name}' not found.`));
  }
  if (!/^[A-Za-z0-9-_]+$/.test(one.name)) {
    errors.push(invalid(`${field}.name`, 'Network interface name can only contain alphabetical characters, numbers, dashes (-) or underscores (_)'));
  }
  if (one.model && !INTERFACE_MODELS.includes(one.model)) {
    errors.push({ type: 'FieldValueNotSupported', field: `${field}.model`, detail: `interface ${field}.name uses model ${one.model} that is not supported.` });
  }
  if (one.macAddress && !/^(?:[0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}$/.test(one.macAddress)) {
    errors.push(invalid(`${field}.macAddress`, `interface ${field}.name has malformed MAC address (${one.macAddress}).`));
  }
  for (const [index, { port, protocol }] of (one.ports ?? []).entries()) {
    if (!(port > 0 && port < 65536)) {
      errors.push(invalid(`${field}.ports[${index}]`, `Port field must be in range 0 < x < 65536.`));
    }
    if (protocol && !['TCP', 'UDP'].includes(protocol.toUpperCase())) {
      errors.push(invalid(`${field}.ports[${index}].protocol`, 'Unknown protocol, only TCP or UDP allowed'));
    }
  }
  return errors;
}

function networking(field: string, spec: VirtualMachineInstanceSpec): FieldError[] {
  const networks = spec.networks ?? [];
  const interfaces = spec.domain.devices.interfaces ?? [];
  const at = `${field}.domain.devices.interfaces`;
  const errors = [
    ...unique(`${field}.networks`, networks), ...unique(at, interfaces),
    ...interfaces.flatMap((one, index) => device(`${at}[${index}]`, one, networks)),
    ...networks.flatMap(({ name }, index) => (interfaces.some((one) => one.name === name) ? []
      : [invalid(`${field}.networks[${index}].name`, `${field}.networks[${index}].name '${name}' not found.`)])),
    ...networks.flatMap((one, index) => (one.pod === undefined && one.multus === undefined && one.resourceClaim === undefined
      ? [required(`${field}.networks[${index}]`, 'should have a network type')] : [])),
  ];
  if (interfaces.length > 1) {
    errors.push(invalid(at, `more than one interface is connected to a pod network in ${at}`));
  }
  return errors;
}

/** Memory the guest is given, however it is said. */
function guestMemory(field: string, domain: DomainSpec): FieldError[] {
  const guest = domain.memory?.guest;
  const limit = domain.resources?.limits?.['memory'];
  const at = `${field}.memory.guest`;
  if (guest === undefined) {
    return domain.resources?.requests?.['memory'] === undefined && limit === undefined
      ? [required(at, `no memory requested, at least one of ${at}, ${field}.resources.requests.memory or ${field}.resources.limits.memory must be set`)] : [];
  }
  const errors = nonNegativeQuantity(at, guest);
  if (errors.length > 0) {
    return errors;
  }
  if (compareQuantities(guest, '1Mi') < 0) {
    errors.push(invalid(at, `${at} '${guest}': must be greater than or equal to 1Mi.`));
  }
  if (limit !== undefined && nonNegativeQuantity(at, limit).length === 0 && compareQuantities(guest, limit) > 0) {
    errors.push(invalid(at, `${at} '${guest}' must be equal to or less than the memory limit ${field}.resources.limits.memory '${limit}'`));
  }
  return errors;
}

function resources(field: string, domain: DomainSpec): FieldError[] {
  const { limits = {}, requests = {} } = domain.resources ?? {};
  const errors = Object.entries({ requests, limits }).flatMap(([name, list]) =>
    Object.entries(list).flatMap(([resource, value]) => nonNegativeQuantity(`${field}.resources.${name}.${resource}`, value)));
  if (errors.length > 0) {
    return errors;
  }
  for (const [resource, request] of Object.entries(requests)) {
    const limit = limits[resource];
    if (limit !== undefined && compareQuantities(request, limit) > 0) {
      const at = `${field}.resources.requests.${resource}`;
      errors.push(invalid(at, `${at} '${request}' is greater than ${field}.resources.limits.${resource} '${limit}'`));
    }
  }
  return errors;
}

function kernelPaths(field: string, container: KernelBootContainer): FieldError[] {
  const errors: FieldError[] = [];
  if (!container.kernelPath && !container.initrdPath) {
    errors.push(required(field, `${field} must be defined with at least one of the following: kernelPath, initrdPath`));
  } else if (!container.kernelPath) {
    errors.push(invalid(`${field}.kernelPath`, `${field} needs kernelPath beside initrdPath: the embedded engine boots no initrd alone`));
  }
  for (const name of ['kernelPath', 'initrdPath'] as const) {
    const path = container[name];
    if (path && (!path.startsWith('/') || path.split('/').includes('..'))) {
      errors.push(invalid(`${field}.${name}`, `${field}.${name} must be an absolute path to a file without relative elements`));
    }
  }
  return errors;
}

function kernelBoot(field: string, { container, kernelArgs = '' }: KernelBoot): FieldError[] {
  if (container === undefined) {
    return kernelArgs === '' ? [] : [invalid(field, 'kernel arguments cannot be provided without an external kernel')];
  }
  return [
    ...(container.image ? [] : [required(`${field}.container.image`, `${field}.container must be defined with an image`)]),
    ...(kernelArgs.length > MAX_KERNEL_ARGS ? [invalid(`${field}.kernelArgs`, `${field}.kernelArgs is longer than ${MAX_KERNEL_ARGS} characters`)] : []),
    ...kernelPaths(`${field}.container`, container),
    ...pullPolicy(`${field}.container.imagePullPolicy`, container.imagePullPolicy),
  ];
}

function firmware(field: string, { firmware: { kernelBoot: boot, uuid } = {} }: DomainSpec): FieldError[] {
  const valid = !uuid || /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(uuid);
  return [
    ...(valid ? [] : [invalid(`${field}.firmware.uuid`, `${field}.firmware.uuid '${uuid}' is not a valid UUID`)]),
    ...(boot === undefined ? [] : kernelBoot(`${field}.firmware.kernelBoot`, boot)),
  ];
}

/** A value out of a closed set, in a message that names field, value and what there is. */
function among(field: string, value: string | undefined, allowed: readonly string[]): FieldError[] {
  return !value || allowed.includes(value) ? [] : [invalid(field, `${field} is not supported: ${value} (allowed values: ${allowed.join(', ')})`)];
}

function extraDevices(field: string, { inputs = [], video, watchdog }: DomainSpec['devices']): FieldError[] {
  return [
    ...inputs.flatMap(({ type, bus }, index) => [
      ...among(`${field}.inputs[${index}].type`, type || 'none', INPUT_TYPES), ...among(`${field}.inputs[${index}].bus`, bus, INPUT_BUSES),
    ]),
    ...among(`${field}.video.type`, video?.type, VIDEO_TYPES),
    ...among(`${field}.watchdog.i6300esb.action`, watchdog?.i6300esb?.action, WATCHDOG_ACTIONS),
  ];
}

function processors(field: string, { cpu }: DomainSpec): FieldError[] {
  const all = (cpu?.sockets || 1) * (cpu?.cores || 1) * (cpu?.threads || 1);
  const negative = (['sockets', 'cores', 'threads'] as const).filter((name) => (cpu?.[name] ?? 0) < 0);
  return [
    ...negative.map((name) => fieldError.invalid(`${field}.cpu.${name}`, cpu?.[name], 'must be greater than or equal to 0')),
    ...(all > MAX_PROCESSORS ? [invalid(`${field}.cpu`, `${field}.cpu asks for ${all} virtual processors; at most ${MAX_PROCESSORS} are possible`)] : []),
  ];
}

function domainErrors(field: string, domain: DomainSpec): FieldError[] {
  const type = domain.machine?.type;
  const errors = [
    ...guestMemory(field, domain), ...resources(field, domain), ...firmware(field, domain), ...processors(field, domain),
    ...extraDevices(`${field}.devices`, domain.devices),
  ];
  if (type && !MACHINE_TYPES.test(type)) {
    errors.push(invalid(`${field}.machine.type`, `${field}.machine.type is not supported: ${type} (allowed values: q35*, pc-q35*, pc*)`));
  }
  return errors;
}

/** Host names, times and everything else of the pod that the guest lives in. */
function podPart(field: string, spec: VirtualMachineInstanceSpec): FieldError[] {
  const errors: FieldError[] = [];
  for (const name of ['hostname', 'subdomain'] as const) {
    const value = spec[name];
    errors.push(...(value ? validateDns1123Label(value) : []).map((why) => invalid(`${field}.${name}`, `${field}.${name} does not conform to the kubernetes DNS_LABEL rules : ${why}`)));
  }
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) {
    errors.push(fieldError.invalid(`${field}.terminationGracePeriodSeconds`, spec.terminationGracePeriodSeconds, 'must be greater than or equal to 0'));
  }
  if (spec.startStrategy && spec.startStrategy !== 'Paused') {
    errors.push(invalid(`${field}.startStrategy`, `${field}.startStrategy is set with an unrecognized option: ${spec.startStrategy}`));
  }
  if (spec.startStrategy === 'Paused' && spec.livenessProbe !== undefined) {
    errors.push(invalid(`${field}.startStrategy`, `either ${field}.startStrategy or ${field}.livenessProbe should be provided.Pausing VMI with LivenessProbe is not supported`));
  }
  if (spec.architecture && !ARCHITECTURES.includes(spec.architecture)) {
    errors.push(invalid(`${field}.architecture`, `unsupported architecture: ${spec.architecture}`));
  }
  return [
    ...errors,
    ...probe(`${field}.readinessProbe`, spec.readinessProbe, 'readinessProbe'), ...probe(`${field}.livenessProbe`, spec.livenessProbe, 'livenessProbe'),
    ...validateAffinity(`${field}.affinity`, spec.affinity), ...validateTolerations(`${field}.tolerations`, spec.tolerations),
  ];
}

function probe(field: string, one: Probe | undefined, role: 'readinessProbe' | 'livenessProbe'): FieldError[] {
  if (one === undefined || one.exec !== undefined || one.guestAgentPing !== undefined) {
    return [];
  }
  if (one.httpGet === undefined && one.tcpSocket === undefined) {
    return [invalid(field, `either ${field}.tcpSocket, ${field}.exec or ${field}.httpGet must be set if a ${field} is specified`)];
  }
  const { guestAgentPing: _none, ...pod } = one;
  return validateProbe(field, { ...pod, ...(pod.httpGet === undefined ? {} : { httpGet: { path: '/', ...pod.httpGet } }) }, role);
}

/** Everything wrong with an instance's spec, or with a machine's template; `field` is where the spec stands. */
export function validateInstanceSpec(field: string, spec: VirtualMachineInstanceSpec): FieldError[] {
  const disks = spec.domain.devices.disks ?? [];
  const names = new Set((spec.volumes ?? []).map(({ name }) => name));
  const orders = new Set<number>();
  const at = `${field}.domain.devices`;
  return [
    ...unsupported(field, spec),
    ...volumes(`${field}.volumes`, spec.volumes ?? []),
    ...(disks.length > MAX_LIST ? [invalid(`${at}.disks`, `${at}.disks list exceeds the ${MAX_LIST} element limit in length`)] : []),
    ...unique(`${at}.disks`, disks),
    ...disks.flatMap((one, index) => [...disk(`${at}.disks[${index}]`, one, names), ...bootOrder(`${at}.disks[${index}]`, one.bootOrder, orders)]),
    ...(spec.domain.devices.interfaces ?? []).flatMap((one, index) => bootOrder(`${at}.interfaces[${index}]`, one.bootOrder, orders)),
    ...networking(field, spec),
    ...domainErrors(`${field}.domain`, spec.domain),
    ...podPart(field, spec),
  ];
}
