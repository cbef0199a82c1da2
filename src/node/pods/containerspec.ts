/** One container of a pod as Podman's SpecGenerator: everything decided, nothing done. */
import type { Container, Pod } from '../../kinds/generated/core.ts';
import { DEFAULT_PIDS_LIMIT } from '../podman/config.ts';
import type { ContainerSpec, MountSpec } from '../podman/spec.ts';
import { expand } from './environment.ts';
import type { ContainerOverride, ExtraMount } from './extension.ts';
import { containerLabels, containerName } from './naming.ts';
import { oomScore, resourceLimits } from './resources.ts';
import { securitySpec } from './security.ts';

/** conmon starts a log anew at this size, bytes: a net below the node's own rotation, for when Telar is down. */
export const HARD_LOG_LIMIT = 50 * 1024 * 1024;
export const DEFAULT_TERMINATION_PATH = '/dev/termination-log';

/** What the image says that matters here. */
export interface ContainerImage {
  /** Image id, or undefined when the container runs on a folder. */
  id?: string;
  /** The image's USER. */
  user: string;
}

export interface SpecInput {
  pod: Pod;
  container: Container;
  attempt: number;
  instanceId: string;
  dataDir: string;
  image: ContainerImage;
  /** Path of the pod's network namespace; undefined for the host's. */
  netns?: string;
  /** Path of the PID namespace it joins; undefined for one of its own, or the host's. */
  pidNamespace?: string;
  cgroupParent: string;
  hostname: string;
  environment: Record<string, string>;
  /** Volumes, hosts, resolv.conf and termination log. */
  mounts: MountSpec[];
  imageVolumes: { image: string; destination: string }[];
  logPath: string;
  /** Bytes of the machine's memory. */
  memoryCapacity: number;
  lowestOomScore: number;
  override: ContainerOverride;
}

function extraMount(mount: ExtraMount): MountSpec {
  const type = mount.type ?? 'bind';
  return { type, source: type === 'tmpfs' ? 'tmpfs' : mount.source, destination: mount.destination, options: mount.options ?? (type === 'tmpfs' ? [] : ['rbind', 'rprivate']) };
}

function process(input: SpecInput): Partial<ContainerSpec> {
  const { container, override, environment } = input;
  const lookup = (name: string): string | undefined => environment[name];
  const command = override.command ?? container.command?.map((word) => expand(word, lookup));
  const args = override.command === undefined ? container.args?.map((word) => expand(word, lookup)) : undefined;
  const workingDir = override.workingDir ?? container.workingDir;
  return {
    ...(command === undefined || command.length === 0 ? {} : { entrypoint: command }),
    ...(args === undefined || args.length === 0 ? {} : { command: args }),
    ...(workingDir === undefined || workingDir === '' ? {} : { work_dir: workingDir, create_working_dir: true }),
    env: { ...environment, ...override.env },
    terminal: override.tty ?? container.tty ?? false,
    stdin: override.stdin ?? container.stdin ?? false,
  };
}

/** By path, not as Podman's `container:`, which would keep the other container from being removed. */
function pidNamespace({ pod, pidNamespace: value }: SpecInput): Pick<ContainerSpec, 'pidns'> {
  if (value !== undefined) {
    return { pidns: { nsmode: 'path', value } };
  }
  return pod.spec?.hostPID === true ? { pidns: { nsmode: 'host' } } : {};
}

function namespaces(input: SpecInput): Pick<ContainerSpec, 'netns' | 'ipcns' | 'pidns' | 'utsns' | 'hostname'> {
  const { spec } = input.pod;
  const host = { nsmode: 'host' as const };
  return {
    netns: input.netns === undefined ? host : { nsmode: 'path', value: input.netns },
    ...(spec?.hostNetwork === true ? { utsns: host } : { hostname: input.hostname }),
    ...pidNamespace(input),
    // Private rather than Podman's shareable: that would mount a /dev/shm on the host for each container.
    ipcns: spec?.hostIPC === true ? host : { nsmode: 'private' },
  };
}

function confinement(input: SpecInput): Partial<ContainerSpec> {
  const { container, pod, override } = input;
  const security = securitySpec(container, pod, input.image.user, input.dataDir);
  return {
    ...security,
    ...(override.user === undefined ? {} : { user: override.user }),
    ...(override.groups === undefined ? {} : { groups: override.groups.map(String) }),
    ...(override.capDrop === undefined ? {} : { cap_drop: override.capDrop }),
    ...(override.capAdd === undefined ? {} : { cap_add: override.capAdd }),
    ...(override.noNewPrivileges === undefined ? {} : { no_new_privileges: override.noNewPrivileges }),
    ...(override.readOnlyRootfs === undefined ? {} : { read_only_filesystem: override.readOnlyRootfs }),
    ...(override.devices === undefined ? {} : { devices: override.devices }),
    resource_limits: resourceLimits(container, { extraMemory: override.extraMemory ?? 0, pidsLimit: override.pidsLimit ?? DEFAULT_PIDS_LIMIT }),
    oom_score_adj: Math.max(oomScore(pod, container, input.memoryCapacity), input.lowestOomScore),
  };
}

function contents(input: SpecInput): Partial<ContainerSpec> & Pick<ContainerSpec, 'mounts'> {
  const { override } = input;
  const images = [
    ...input.imageVolumes.map(({ image, destination }) => ({ source: image, destination, rw: false })),
    ...(override.imageVolumes ?? []).map(({ image, destination, readWrite }) => ({ source: image, destination, rw: readWrite ?? false })),
  ];
  return {
    ...(override.rootfs === undefined ? {} : { rootfs: override.rootfs, ...(override.rootfsOverlay === true ? { rootfs_overlay: true } : {}) }),
    ...(override.rootfs !== undefined || input.image.id === undefined ? {} : { image: input.image.id }),
    mounts: [...input.mounts, ...(override.mounts ?? []).map(extraMount)],
    ...(images.length === 0 ? {} : { image_volumes: images }),
    image_volume_mode: 'anonymous',
  };
}

/** Throws PodStartError when the securityContext forbids it. */
export function containerSpec(input: SpecInput): ContainerSpec {
  const { pod, container, attempt, override } = input;
  return {
    name: containerName(pod, container.name, attempt),
    labels: containerLabels(pod, container.name, attempt, input.instanceId),
    ...(override.annotations === undefined ? {} : { annotations: override.annotations }),
    ...process(input),
    ...namespaces(input),
    ...confinement(input),
    ...contents(input),
    cgroup_parent: input.cgroupParent,
    log_configuration: { driver: 'k8s-file', path: input.logPath, size: HARD_LOG_LIMIT },
    restart_policy: 'no',
    stop_timeout: 0,
    use_image_hosts: true,
    use_image_resolve_conf: true,
    httpproxy: false,
  };
}
