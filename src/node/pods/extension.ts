/**
 * How another room makes a pod's containers something else than an image's process: the virtual machines'
 * room implements it for `virt-launcher-…` pods. The pod worker stays the only one that creates, starts,
 * watches and removes containers.
 */
import type { Pod } from '../../kinds/generated/core.ts';

/** A pod's network namespace as the network room set it up. */
export interface Sandbox {
  /** The pod's uid. */
  uid: string;
  /** Path of the bound network namespace, e.g. /run/telar/<id>/netns/<uid>. */
  netns: string;
  /** The pod's IPv4 address. */
  ip: string;
}

/** A bind mount of the host into the container. */
export interface ExtraMount {
  source: string;
  destination: string;
  /** Default `['rbind', 'rprivate']`; add `ro` for read-only. */
  options?: string[];
  /** Default `bind`; `tmpfs` ignores `source`. */
  type?: 'bind' | 'tmpfs';
}

/** A device node handed to the container, with `rwm` access. */
export interface ExtraDevice {
  /** Path on the host and in the container, e.g. /dev/kvm. */
  path: string;
}

/** Merged over what the pod's spec says of one container. What is absent stays as the spec has it. */
export interface ContainerOverride {
  /** A directory to use as root file system instead of an image. */
  rootfs?: string;
  /** Mount the root file system as an overlay, so that it is never written to. Default false. */
  rootfsOverlay?: boolean;
  /** Contents of images mounted as folders; the images are pulled by the worker like containers' own. */
  imageVolumes?: { image: string; destination: string; readWrite?: boolean }[];
  mounts?: ExtraMount[];
  devices?: ExtraDevice[];
  /** Entry point and arguments together. */
  command?: string[];
  /** `uid:gid`, names are not resolved. */
  user?: string;
  /** Supplementary group ids, e.g. that of /dev/kvm. */
  groups?: number[];
  env?: Record<string, string>;
  workingDir?: string;
  readOnlyRootfs?: boolean;
  capDrop?: string[];
  capAdd?: string[];
  noNewPrivileges?: boolean;
  /** Keep standard input open (for a console). Default as the spec has it. */
  stdin?: boolean;
  tty?: boolean;
  annotations?: Record<string, string>;
  /** Bytes of memory above the spec's limit the container's cgroup gets; default 0. */
  extraMemory?: number;
  /** Limit on processes and threads; default the node's. */
  pidsLimit?: number;
}

export interface PrepareContext {
  sandbox: Sandbox;
  /** DATA_DIR/pods/<uid>: survives restarts of Telar, removed with the pod. Made before the call. */
  podDir: string;
}

export interface StartedContainer {
  /** Name in the pod's spec. */
  container: string;
  /** Podman's 64-digit id. */
  id: string;
  /** Process id on the host; 0 when it already ended. */
  pid: number;
}

/**
 * All calls for one pod come from its worker, one at a time, except `stop`, which may run while nothing else does.
 * Extensions keep no truth of their own: after a restart of Telar `started` is called for what is adopted.
 */
export interface PodExtension {
  handles(pod: Pod): boolean;
  /**
   * Called before containers are created, again after each container's end before it is restarted, but not on adoption.
   * Must be idempotent. Answers overrides per container name. Throws PodStartError to have it tried again with back-off.
   */
  prepare(pod: Pod, context: PrepareContext): Promise<Record<string, ContainerOverride>>;
  /** A container runs: just started, or found running when Telar started. Must not throw. */
  started(pod: Pod, container: StartedContainer): void;
  /**
   * Ask the container to end by itself and resolve when it has been asked. The worker waits for its exit and kills it when the
   * grace period ends (then `signal` aborts). Rejecting makes the worker send the stop signal instead.
   */
  stop(pod: Pod, container: string, signal: AbortSignal): Promise<void>;
  /** A container ended by itself or was stopped. */
  exited?(pod: Pod, container: string, exitCode: number): void;
  /** The pod's containers are gone: release what `prepare` made. Idempotent. */
  cleanup(pod: Pod): Promise<void>;
}
