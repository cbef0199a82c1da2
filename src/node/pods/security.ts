/** securityContext of pod and container as Podman's settings. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Container, Pod, SeccompProfile } from '../../kinds/generated/core.ts';
import type { ContainerSpec } from '../podman/spec.ts';
import { PodStartError } from './errors.ts';

const CAP_SYS_RESOURCE = 24n;

const configError = (message: string): PodStartError => new PodStartError('CreateContainerConfigError', message);

/** The image's USER as the image says it: uid, name, uid:gid or empty. */
function checkNonRoot(container: Container, pod: Pod, imageUser: string): void {
  const { runAsNonRoot = pod.spec?.securityContext?.runAsNonRoot, runAsUser = pod.spec?.securityContext?.runAsUser } = container.securityContext ?? {};
  if (runAsNonRoot !== true) {
    return;
  }
  if (runAsUser !== undefined) {
    if (runAsUser === 0) {
      throw configError("container's runAsUser breaks non-root policy");
    }
    return;
  }
  const user = imageUser.split(':')[0] ?? '';
  if (user === '' || user === '0' || user === 'root') {
    throw configError('container has runAsNonRoot and image will run as root: set securityContext.runAsUser');
  }
  if (!/^\d+$/.test(user)) {
    throw configError(`container has runAsNonRoot and image has non-numeric user (${user}), cannot verify user is non-root: set securityContext.runAsUser`);
  }
}

function userOf(container: Container, pod: Pod, imageUser: string): string | undefined {
  const own = container.securityContext;
  const shared = pod.spec?.securityContext;
  const user = own?.runAsUser ?? shared?.runAsUser;
  const group = own?.runAsGroup ?? shared?.runAsGroup;
  if (user === undefined && group === undefined) {
    return undefined;
  }
  const base = user === undefined ? (imageUser.split(':')[0] || '0') : String(user);
  return group === undefined ? base : `${base}:${group}`;
}

function groupsOf(pod: Pod): string[] {
  const { supplementalGroups = [], fsGroup } = pod.spec?.securityContext ?? {};
  return [...new Set([...supplementalGroups, ...(fsGroup === undefined ? [] : [fsGroup])])].map(String);
}

/** Profiles of type Localhost lie in `DATA_DIR/seccomp`. */
function seccomp(profile: SeccompProfile | undefined, dataDir: string): Partial<ContainerSpec> {
  if (profile?.type === 'Unconfined') {
    return { seccomp_profile_path: 'unconfined' };
  }
  if (profile?.type === 'Localhost') {
    const name = profile.localhostProfile ?? '';
    if (name === '' || name.startsWith('/') || name.split('/').includes('..')) {
      throw configError(`seccomp profile ${JSON.stringify(name)} must be a path below the node's seccomp folder`);
    }
    return { seccomp_profile_path: join(dataDir, 'seccomp', name) };
  }
  return {};
}

function capabilities(container: Container): Partial<ContainerSpec> {
  const { add = [], drop = [] } = container.securityContext?.capabilities ?? {};
  const named = (name: string): string => {
    const upper = name.toUpperCase();
    return upper === 'ALL' || upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
  };
  return {
    ...(add.length === 0 ? {} : { cap_add: add.map(named) }),
    ...(drop.length === 0 ? {} : { cap_drop: drop.map(named) }),
  };
}

function confinement(container: Container, pod: Pod, dataDir: string): Partial<ContainerSpec> {
  const own = container.securityContext;
  const shared = pod.spec?.securityContext;
  const apparmor = own?.appArmorProfile ?? shared?.appArmorProfile;
  return {
    ...seccomp(own?.seccompProfile ?? shared?.seccompProfile, dataDir),
    ...(apparmor?.type === 'Unconfined' ? { apparmor_profile: 'unconfined' } : {}),
    ...(apparmor?.type === 'Localhost' ? { apparmor_profile: apparmor.localhostProfile ?? '' } : {}),
  };
}

/** Throws PodStartError CreateContainerConfigError for what must not run as asked. */
export function securitySpec(container: Container, pod: Pod, imageUser: string, dataDir: string): Partial<ContainerSpec> {
  checkNonRoot(container, pod, imageUser);
  const own = container.securityContext ?? {};
  const user = userOf(container, pod, imageUser);
  const groups = groupsOf(pod);
  const sysctls = pod.spec?.securityContext?.sysctls ?? [];
  if (own.procMount !== undefined && own.procMount !== 'Default') {
    throw configError(`procMount ${own.procMount} is not supported by this node`);
  }
  return {
    ...(user === undefined ? {} : { user }),
    ...(groups.length === 0 ? {} : { groups }),
    ...capabilities(container),
    ...confinement(container, pod, dataDir),
    ...(own.privileged === true ? { privileged: true } : {}),
    ...(own.readOnlyRootFilesystem === true ? { read_only_filesystem: true } : {}),
    ...(own.allowPrivilegeEscalation === false ? { no_new_privileges: true } : {}),
    ...(sysctls.length === 0 ? {} : { sysctl: Object.fromEntries(sysctls.map(({ name, value }) => [name, value])) }),
  };
}

/** The lowest OOM score this process may give: its own, unless it may do anything. */
export function lowestOomScore(): number {
  const match = /^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'utf8'));
  const capable = match?.[1] !== undefined && (BigInt(`0x${match[1]}`) >> CAP_SYS_RESOURCE & 1n) === 1n;
  return capable ? -1000 : Number(readFileSync('/proc/self/oom_score_adj', 'utf8'));
}
