/**
 * What instances may ask for that this node cannot give. Nothing that changes what the guest is gets dropped silently: it is refused
 * with the field's name.
 */
import type { DomainSpec, Volume, VirtualMachineInstanceSpec } from '../../kinds/generated/kubevirt.ts';

/** Volume sources that are served. */
const VOLUME_SOURCES = new Set(['name', 'containerDisk', 'cloudInitNoCloud', 'cloudInitConfigDrive', 'emptyDisk', 'configMap', 'secret']);

const given = (value: unknown): boolean =>
  value !== undefined && value !== null && value !== false && !(Array.isArray(value) && value.length === 0);

const named = (path: string, members: Record<string, unknown>): string[] =>
  Object.entries(members).filter(([, value]) => given(value)).map(([name]) => `${path}.${name}`);

function domainFields(domain: DomainSpec): string[] {
  const { gpus, hostDevices, filesystems, tpm, downwardMetrics, autoattachVSOCK, sound, clientPassthrough } = domain.devices;
  const { dedicatedCpuPlacement, numa, realtime } = domain.cpu ?? {};
  return [
    ...named('devices', { gpus, hostDevices, filesystems, tpm, downwardMetrics, autoattachVSOCK, sound, clientPassthrough }),
    ...named('cpu', { dedicatedCpuPlacement, numa, realtime }),
    ...named('memory', { hugepages: domain.memory?.hugepages }),
    ...named('firmware', { 'bootloader.efi': domain.firmware?.bootloader?.efi, acpi: domain.firmware?.acpi }),
    ...named('domain', { launchSecurity: domain.launchSecurity }),
    ...named('devices.watchdog', { diag288: domain.devices.watchdog?.diag288 }),
    ...(domain.devices.disks ?? []).filter(({ lun }) => lun !== undefined).map(({ name }) => `devices.disks[${name}].lun`),
  ].map((path) => (path.startsWith('domain.') ? path : `domain.${path}`));
}

const volumeFields = (volumes: readonly Volume[]): string[] => volumes.flatMap((volume) =>
  Object.entries(volume).filter(([source, value]) => given(value) && !VOLUME_SOURCES.has(source)).map(([source]) => `volumes[${volume.name}].${source}`));

function networkFields(spec: VirtualMachineInstanceSpec): string[] {
  const interfaces = spec.domain.devices.interfaces ?? [];
  return [
    ...(spec.networks ?? []).filter(({ pod }) => pod === undefined).map(({ name }) => `networks[${name}] (only pod networks)`),
    ...interfaces.flatMap(({ name, sriov, slirp, macvtap, passt, passtBinding, binding }) =>
      named(`domain.devices.interfaces[${name}]`, { sriov, slirp, macvtap, passt, passtBinding, binding })),
    ...(interfaces.length > 1 ? ['domain.devices.interfaces (more than one)'] : []),
  ];
}

/** Paths under `spec` of everything that is asked for and cannot be given. */
export function unsupportedFields(spec: VirtualMachineInstanceSpec): string[] {
  return [...domainFields(spec.domain), ...volumeFields(spec.volumes ?? []), ...networkFields(spec)];
}
