/** The Baseline standard at its latest version: no known privilege escalations. Texts are k8s.io/pod-security-admission/policy's own. */
import type { Container, PodSpec, SELinuxOptions } from '../../../kinds/generated/core.ts';
import { containersNamed, containersOf, namesWhere, plural, quoted, sorted, type Check } from './check.ts';

const CAPABILITIES = new Set(['AUDIT_WRITE', 'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'MKNOD', 'NET_BIND_SERVICE', 'SETFCAP', 'SETGID', 'SETPCAP',
  'SETUID', 'SYS_CHROOT']);
const SELINUX_TYPES = new Set(['', 'container_t', 'container_init_t', 'container_kvm_t', 'container_engine_t']);
const SYSCTLS = new Set(['kernel.shm_rmid_forced', 'net.ipv4.ip_local_port_range', 'net.ipv4.tcp_syncookies', 'net.ipv4.ping_group_range',
  'net.ipv4.ip_unprivileged_port_start', 'net.ipv4.ip_local_reserved_ports', 'net.ipv4.tcp_keepalive_time', 'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl', 'net.ipv4.tcp_keepalive_probes', 'net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem']);
const APPARMOR_ANNOTATION = 'container.apparmor.security.beta.kubernetes.io/';

/** Who set what they may not: the pod, containers; and what. */
interface Setters {
  readonly who: readonly string[];
  readonly values: readonly string[];
}

/** Settings that the pod and its containers both have: those for which `bad` gives a value to complain about. */
export function badSetters<T>(spec: PodSpec, ofPod: T | undefined, ofContainer: (container: Container) => T | undefined, bad: (value: T) => string | undefined): Setters {
  const own = ofPod === undefined ? undefined : bad(ofPod);
  const containers = containersOf(spec).flatMap((container) => {
    const value = ofContainer(container);
    const wrong = value === undefined ? undefined : bad(value);
    return wrong === undefined ? [] : [{ name: container.name, wrong }];
  });
  return {
    who: [...(own === undefined ? [] : ['pod']), ...(containers.length === 0 ? [] : [containersNamed(containers.map(({ name }) => name))])],
    values: sorted([...(own === undefined ? [] : [own]), ...containers.map(({ wrong }) => wrong)]),
  };
}

const appArmorProfile: Check = {
  id: 'appArmorProfile', level: 'baseline',
  run({ metadata, spec }) {
    const { who, values } = badSetters(spec, spec.securityContext?.appArmorProfile?.type, ({ securityContext }) => securityContext?.appArmorProfile?.type,
      (type) => (type === 'RuntimeDefault' || type === 'Localhost' ? undefined : type));
    const annotations = Object.entries(metadata?.annotations ?? {})
      .filter(([key, value]) => key.startsWith(APPARMOR_ANNOTATION) && value !== '' && value !== 'runtime/default' && !value.startsWith('localhost/'));
    const all = sorted([...values, ...annotations.map(([, value]) => value)]);
    const setters = [...who, ...(annotations.length === 0 ? []
      : [`${plural('annotation', 'annotations', annotations.length)} ${quoted(annotations.map(([key]) => key).sort())}`])];
    return setters.length === 0 ? undefined : {
      reason: plural('forbidden AppArmor profile', 'forbidden AppArmor profiles', all.length),
      detail: `${setters.join(' and ')} must not set AppArmor profile type to ${quoted(all)}`,
    };
  },
};

const capabilities: Check = {
  id: 'capabilities_baseline', level: 'baseline',
  run({ spec }) {
    const wrong = ({ securityContext }: Container): string[] => (securityContext?.capabilities?.add ?? []).filter((name) => !CAPABILITIES.has(name));
    const bad = namesWhere(spec, (container) => wrong(container).length > 0);
    return bad.length === 0 ? undefined : {
      reason: 'non-default capabilities',
      detail: `${containersNamed(bad)} must not include ${quoted(sorted(containersOf(spec).flatMap(wrong)))} in securityContext.capabilities.add`,
    };
  },
};

const hostNamespaces: Check = {
  id: 'hostNamespaces', level: 'baseline',
  run({ spec }) {
    const used = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((name) => spec[name] === true).map((name) => `${name}=true`);
    return used.length === 0 ? undefined : { reason: 'host namespaces', detail: used.join(', ') };
  },
};

const hostPathVolumes: Check = {
  id: 'hostPathVolumes', level: 'baseline',
  run({ spec }) {
    const names = (spec.volumes ?? []).filter(({ hostPath }) => hostPath !== undefined).map(({ name }) => name);
    return names.length === 0 ? undefined : { reason: 'hostPath volumes', detail: `${plural('volume', 'volumes', names.length)} ${quoted(names)}` };
  },
};

const hostPorts: Check = {
  id: 'hostPorts', level: 'baseline',
  run({ spec }) {
    const portsOf = ({ ports }: Container): string[] => (ports ?? []).flatMap(({ hostPort }) => (hostPort ? [String(hostPort)] : []));
    const bad = namesWhere(spec, (container) => portsOf(container).length > 0);
    const ports = sorted(containersOf(spec).flatMap(portsOf));
    return bad.length === 0 ? undefined : {
      reason: plural('hostPort', 'hostPorts', ports.length),
      detail: `${containersNamed(bad)} ${plural('uses', 'use', bad.length)} ${plural('hostPort', 'hostPorts', ports.length)} ${ports.join(', ')}`,
    };
  },
};

/** Hosts that probes and lifecycle hooks of a container name. */
function hostsOf({ livenessProbe, readinessProbe, startupProbe, lifecycle }: Container): string[] {
  return [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop]
    .flatMap((handler) => [handler?.httpGet?.host ?? '', handler?.tcpSocket?.host ?? '']).filter((host) => host !== '');
}

const hostProbes: Check = {
  id: 'hostProbesAndHostLifecycle', level: 'baseline',
  run({ spec }) {
    const bad = namesWhere(spec, (container) => hostsOf(container).length > 0);
    const hosts = sorted(containersOf(spec).flatMap(hostsOf));
    return bad.length === 0 ? undefined : {
      reason: 'probe or lifecycle host',
      detail: `${containersNamed(bad)} ${plural('uses', 'use', bad.length)} probe or lifecycle ${plural('host', 'hosts', hosts.length)} ${quoted(hosts)}`,
    };
  },
};

const privileged: Check = {
  id: 'privileged', level: 'baseline',
  run({ spec }) {
    const bad = namesWhere(spec, ({ securityContext }) => securityContext?.privileged === true);
    return bad.length === 0 ? undefined : { reason: 'privileged', detail: `${containersNamed(bad)} must not set securityContext.privileged=true` };
  },
};

const procMount: Check = {
  id: 'procMount', level: 'baseline',
  run({ spec }) {
    const mountOf = ({ securityContext }: Container): string => securityContext?.procMount ?? 'Default';
    const bad = namesWhere(spec, (container) => mountOf(container) !== 'Default');
    return bad.length === 0 ? undefined : {
      reason: 'procMount',
      detail: `${containersNamed(bad)} must not set securityContext.procMount to ${quoted(sorted(containersOf(spec).map(mountOf).filter((mount) => mount !== 'Default')))}`,
    };
  },
};

const seLinuxOptions: Check = {
  id: 'seLinuxOptions', level: 'baseline',
  run({ spec }) {
    const badType = ({ type = '' }: SELinuxOptions): boolean => !SELINUX_TYPES.has(type);
    const isSet = (text: string | undefined): boolean => text !== undefined && text !== '';
    const { who } = badSetters(spec, spec.securityContext?.seLinuxOptions, ({ securityContext }) => securityContext?.seLinuxOptions,
      (options) => (badType(options) || isSet(options.user) || isSet(options.role) ? 'bad' : undefined));
    if (who.length === 0) {
      return undefined;
    }
    const all = [spec.securityContext?.seLinuxOptions, ...containersOf(spec).map(({ securityContext }) => securityContext?.seLinuxOptions)]
      .filter((options) => options !== undefined);
    const types = sorted(all.filter(badType).map(({ type = '' }) => type));
    const what = [
      ...(types.length === 0 ? [] : [`${plural('type', 'types', types.length)} ${quoted(types)}`]),
      ...(all.some(({ user }) => isSet(user)) ? ['user may not be set'] : []), ...(all.some(({ role }) => isSet(role)) ? ['role may not be set'] : []),
    ];
    return { reason: 'seLinuxOptions', detail: `${who.join(' and ')} set forbidden securityContext.seLinuxOptions: ${what.join('; ')}` };
  },
};

export const badSeccomp = (type: string | undefined): string | undefined => (type === undefined || type === 'RuntimeDefault' || type === 'Localhost' ? undefined : type);

export const seccompSetters = (spec: PodSpec): Setters =>
  badSetters(spec, spec.securityContext?.seccompProfile?.type, ({ securityContext }) => securityContext?.seccompProfile?.type, badSeccomp);

const seccompProfile: Check = {
  id: 'seccompProfile_baseline', level: 'baseline',
  run({ spec }) {
    const { who, values } = seccompSetters(spec);
    return who.length === 0 ? undefined
      : { reason: 'seccompProfile', detail: `${who.join(' and ')} must not set securityContext.seccompProfile.type to ${quoted(values)}` };
  },
};

const sysctls: Check = {
  id: 'sysctls', level: 'baseline',
  run({ spec }) {
    const names = (spec.securityContext?.sysctls ?? []).map(({ name }) => name).filter((name) => !SYSCTLS.has(name));
    return names.length === 0 ? undefined : { reason: 'forbidden sysctls', detail: names.join(', ') };
  },
};

const windowsHostProcess: Check = {
  id: 'windowsHostProcess', level: 'baseline',
  run({ spec }) {
    const { who } = badSetters(spec, spec.securityContext?.windowsOptions?.hostProcess, ({ securityContext }) => securityContext?.windowsOptions?.hostProcess,
      (hostProcess) => (hostProcess ? 'true' : undefined));
    return who.length === 0 ? undefined : { reason: 'hostProcess', detail: `${who.join(' and ')} must not set securityContext.windowsOptions.hostProcess=true` };
  },
};

export const BASELINE: readonly Check[] = [
  appArmorProfile, capabilities, hostNamespaces, hostPathVolumes, hostPorts, hostProbes, privileged, procMount, seLinuxOptions, seccompProfile, sysctls,
  windowsHostProcess,
];
