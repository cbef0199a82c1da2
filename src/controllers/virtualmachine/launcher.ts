/** The pod a guest runs in. The node recognises it by its labels and runs the machine's own QEMU as its container. */
import { createHash } from 'node:crypto';
import { controllerReference } from '../../apimachinery/object.ts';
import { quantityToNumber } from '../../apimachinery/quantity.ts';
import { deepClone } from '../../apimachinery/values.ts';
import type { Container, Pod, PodSpec, Probe as PodProbe } from '../../kinds/generated/core.ts';
import type { Probe, VirtualMachineInstance, VirtualMachineInstanceSpec } from '../../kinds/generated/kubevirt.ts';
import {
  ANNOTATION_DOMAIN, COMPUTE_CONTAINER, LABEL_COMPONENT, LABEL_CREATED_BY, LABEL_VM_NAME, LABEL_VMI_ID, LAUNCHER, LAUNCHER_IMAGE,
} from '../../kinds/kubevirt/wellknown.ts';

const MIB = 1 << 20;
/** QEMU itself, its devices and, under software emulation, its cache of translated code. */
const OVERHEAD_BASE = 192 * MIB;
const OVERHEAD_PER_CPU = 8 * MIB;
const OVERHEAD_GRAPHICS = 32 * MIB;
/** The kernel's page tables for the guest's memory. */
const PAGE_TABLE_SHARE = 512;
/** Asked for each virtual processor when the guest asks for nothing itself: KubeVirt's allocation ratio of 10. */
const MILLICPU_PER_CPU = 100;
/** KubeVirt's default. */
export const DEFAULT_GRACE_SECONDS = 30;
const LABEL_MAX = 63;
/** Letters of generated names, as Kubernetes has them. */
const SUFFIX_LETTERS = 'bcdfghjklmnpqrstvwxz2456789';
const SUFFIX_LENGTH = 5;
const POD_NAME_MAX = 253;

/** A label value for the instance's name: shortened with a digest when it is too long. */
export function instanceId(name: string): string {
  return name.length <= LABEL_MAX ? name : `${name.slice(0, 54)}-${createHash('sha1').update(name).digest('hex').slice(0, 8)}`;
}

/** One instance has one launcher in its life: its name follows from the uid, so that no race makes two. */
export function launcherName(vmi: VirtualMachineInstance): string {
  const digest = createHash('sha256').update(vmi.metadata.uid ?? '').digest();
  const suffix = [...digest.subarray(0, SUFFIX_LENGTH)].map((byte) => SUFFIX_LETTERS[byte % SUFFIX_LETTERS.length] ?? 'x').join('');
  const prefix = `${LAUNCHER}-${vmi.metadata.name}`.slice(0, POD_NAME_MAX - SUFFIX_LENGTH - 1).replace(/[-.]+$/, '');
  return `${prefix}-${suffix}`;
}

export function virtualCpus(spec: VirtualMachineInstanceSpec): number {
  const { cores = 1, sockets = 1, threads = 1 } = spec.domain.cpu ?? {};
  return Math.max(cores, 1) * Math.max(sockets, 1) * Math.max(threads, 1);
}

/** Bytes of memory the guest sees. */
export function guestMemory(spec: VirtualMachineInstanceSpec): number {
  const { memory, resources } = spec.domain;
  const text = memory?.guest ?? resources?.requests?.['memory'] ?? resources?.limits?.['memory'];
  return text === undefined ? 0 : quantityToNumber(text);
}

/** Bytes the pod needs beyond the guest's memory. */
export function memoryOverhead(spec: VirtualMachineInstanceSpec): number {
  const graphics = spec.domain.devices.autoattachGraphicsDevice === false ? 0 : OVERHEAD_GRAPHICS;
  return OVERHEAD_BASE + OVERHEAD_PER_CPU * virtualCpus(spec) + graphics + Math.ceil(guestMemory(spec) / PAGE_TABLE_SHARE);
}

const mebibytes = (bytes: number): string => `${Math.ceil(bytes / MIB)}Mi`;

/** The limit has room for what QEMU needs, or the guest would be killed for using what it was given. */
function limitsOf(spec: VirtualMachineInstanceSpec, limits: Record<string, string>): Record<string, string> {
  const { memory } = limits;
  return memory === undefined ? limits
    : { ...limits, memory: mebibytes(Math.max(quantityToNumber(memory), guestMemory(spec)) + memoryOverhead(spec)) };
}

function resourcesOf(spec: VirtualMachineInstanceSpec): NonNullable<Container['resources']> {
  const { requests = {}, limits, overcommitGuestOverhead } = spec.domain.resources ?? {};
  const overhead = overcommitGuestOverhead === true ? 0 : memoryOverhead(spec);
  const base = requests['memory'] === undefined ? guestMemory(spec) : quantityToNumber(requests['memory']);
  return {
    requests: {
      ...requests, cpu: requests['cpu'] ?? limits?.['cpu'] ?? `${MILLICPU_PER_CPU * virtualCpus(spec)}m`, memory: mebibytes(base + overhead),
    },
    ...(limits === undefined ? {} : { limits: limitsOf(spec, limits) }),
  };
}

/** A guest's probe as its pod's: the pod's address leads to the guest. */
function podProbe(probe: Probe | undefined): PodProbe | undefined {
  if (probe === undefined || (probe.httpGet === undefined && probe.tcpSocket === undefined)) {
    return undefined;
  }
  const { exec: _e, guestAgentPing: _g, ...common } = probe;
  return deepClone(common);
}

function containerPorts(spec: VirtualMachineInstanceSpec): NonNullable<Container['ports']> {
  return (spec.domain.devices.interfaces ?? []).flatMap(({ ports }) => ports ?? []).map(({ name, port, protocol }) => ({
    containerPort: port, protocol: protocol?.toUpperCase() ?? 'TCP', ...(name === undefined ? {} : { name }),
  }));
}

function pullSecrets(spec: VirtualMachineInstanceSpec): string[] {
  const disks = (spec.volumes ?? []).map(({ containerDisk }) => containerDisk?.imagePullSecret);
  const secrets = [...disks, spec.domain.firmware?.kernelBoot?.container?.imagePullSecret];
  return [...new Set(secrets.filter((name) => name !== undefined && name !== ''))].filter((name) => name !== undefined);
}

/** The node pulls a guest's images as if they were its container's: the most eager policy of them is the container's. */
function pullPolicy(spec: VirtualMachineInstanceSpec): string {
  const policies = [...(spec.volumes ?? []).map(({ containerDisk }) => containerDisk), spec.domain.firmware?.kernelBoot?.container]
    .map((source) => source?.imagePullPolicy).filter((policy) => policy !== undefined && policy !== '');
  if (policies.includes('Always')) {
    return 'Always';
  }
  return policies.length > 0 && policies.every((policy) => policy === 'Never') ? 'Never' : 'IfNotPresent';
}

function computeContainer(spec: VirtualMachineInstanceSpec): Container {
  const ports = containerPorts(spec);
  const readinessProbe = podProbe(spec.readinessProbe);
  const livenessProbe = podProbe(spec.livenessProbe);
  return {
    name: COMPUTE_CONTAINER, image: LAUNCHER_IMAGE, imagePullPolicy: pullPolicy(spec), resources: resourcesOf(spec),
    terminationMessagePolicy: 'FallbackToLogsOnError',
    ...(ports.length === 0 ? {} : { ports }),
    ...(readinessProbe === undefined ? {} : { readinessProbe }),
    ...(livenessProbe === undefined ? {} : { livenessProbe }),
  };
}

/** Members of the instance's spec that mean the same in a pod's. */
function scheduling(spec: VirtualMachineInstanceSpec): Partial<PodSpec> {
  const { nodeSelector, affinity, tolerations, priorityClassName, schedulerName, topologySpreadConstraints, dnsPolicy, dnsConfig, subdomain } = spec;
  const all = { nodeSelector, affinity, tolerations, priorityClassName, schedulerName, topologySpreadConstraints, dnsPolicy, dnsConfig, subdomain };
  return deepClone(Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)));
}

export function launcherPod(vmi: VirtualMachineInstance): Pod {
  const { name, namespace, labels, uid } = vmi.metadata;
  const { spec } = vmi;
  const secrets = pullSecrets(spec);
  return {
    apiVersion: 'v1', kind: 'Pod',
    metadata: {
      name: launcherName(vmi), ...(namespace === undefined ? {} : { namespace }),
      labels: {
        ...labels, [LABEL_COMPONENT]: LAUNCHER, [LABEL_CREATED_BY]: uid ?? '', [LABEL_VMI_ID]: instanceId(name),
        [LABEL_VM_NAME]: labels?.[LABEL_VM_NAME] ?? instanceId(name),
      },
      annotations: { [ANNOTATION_DOMAIN]: name, 'kubectl.kubernetes.io/default-container': COMPUTE_CONTAINER },
      ownerReferences: [controllerReference(vmi)],
    },
    spec: {
      ...scheduling(spec),
      hostname: spec.hostname ?? name.replaceAll('.', '-').slice(0, LABEL_MAX).replace(/-+$/, ''),
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS,
      automountServiceAccountToken: false, enableServiceLinks: false,
      ...(secrets.length === 0 ? {} : { imagePullSecrets: secrets.map((secret) => ({ name: secret })) }),
      containers: [computeContainer(spec)],
    },
  };
}
