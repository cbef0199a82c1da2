/** The parts of Podman's SpecGenerator (libpod v4 `POST /containers/create`) that Telar writes. */

export interface NamespaceSpec {
  nsmode: 'path' | 'host' | 'private' | 'none' | 'container';
  value?: string;
}

export interface MountSpec {
  type: 'bind' | 'tmpfs';
  source: string;
  destination: string;
  options: string[];
}

export interface ResourceLimits {
  cpu?: { shares?: number; quota?: number; period?: number };
  /** Bytes. */
  memory?: { limit?: number; swap?: number };
  pids?: { limit: number };
}

export interface ContainerSpec {
  name: string;
  image?: string;
  rootfs?: string;
  rootfs_overlay?: boolean;
  entrypoint?: string[];
  command?: string[];
  env?: Record<string, string>;
  labels: Record<string, string>;
  annotations?: Record<string, string>;
  work_dir?: string;
  /** Makes `work_dir` where the image has no such folder. */
  create_working_dir?: boolean;
  terminal?: boolean;
  stdin?: boolean;
  hostname?: string;
  netns: NamespaceSpec;
  ipcns?: NamespaceSpec;
  pidns?: NamespaceSpec;
  utsns?: NamespaceSpec;
  cgroup_parent?: string;
  cgroupns?: NamespaceSpec;
  resource_limits?: ResourceLimits;
  mounts: MountSpec[];
  image_volumes?: { source: string; destination: string; rw: boolean }[];
  image_volume_mode?: 'ignore' | 'tmpfs' | 'anonymous';
  devices?: { path: string }[];
  user?: string;
  groups?: string[];
  privileged?: boolean;
  cap_add?: string[];
  cap_drop?: string[];
  no_new_privileges?: boolean;
  read_only_filesystem?: boolean;
  seccomp_profile_path?: string;
  seccomp_policy?: string;
  apparmor_profile?: string;
  sysctl?: Record<string, string>;
  log_configuration: { driver: 'k8s-file' | 'none'; path?: string; size?: number };
  restart_policy: 'no';
  stop_signal?: number;
  stop_timeout?: number;
  oom_score_adj?: number;
  use_image_hosts: boolean;
  use_image_resolve_conf?: boolean;
  httpproxy: boolean;
  remove?: boolean;
  shm_size?: number;
  r_limits?: { type: string; soft: number; hard: number }[];
}
