/** Filters: why a pod cannot go to a node, in Kubernetes' words. */
import { interPodVerdict, type Cluster } from './interpod.ts';
import { matchesNodeAffinity, untolerated } from './nodeaffinity.ts';
import type { HostPort, NodeInfo, PlacedPod } from './nodeinfo.ts';

const UNSCHEDULABLE = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

function conflict(a: HostPort, b: HostPort): boolean {
  const everywhere = (ip: string): boolean => ip === '0.0.0.0' || ip === '::' || ip === '';
  return a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || everywhere(a.ip) || everywhere(b.ip));
}

function portsFree(placed: PlacedPod, info: NodeInfo): boolean {
  return placed.ports.length === 0
    || ![...info.pods.values()].some((other) => other.ports.some((taken) => placed.ports.some((wanted) => conflict(wanted, taken))));
}

/** Resources that a node does not count by itself: what they mean is allocated device by device. */
export type Uncounted = (resource: string, info: NodeInfo) => boolean;

/** Resources the node lacks, and `Too many pods`. */
function lacks(placed: PlacedPod, info: NodeInfo, uncounted: Uncounted | undefined): string[] {
  const reasons: string[] = [];
  if (info.pods.size + 1 > (info.allocatable['pods'] ?? 0)) {
    reasons.push('Too many pods');
  }
  for (const [name, amount] of Object.entries(placed.requests)) {
    if (amount > 0 && amount > (info.allocatable[name] ?? 0) - (info.requested[name] ?? 0) && uncounted?.(name, info) !== true) {
      reasons.push(`Insufficient ${name}`);
    }
  }
  return reasons;
}

/** Why a pod is not wanted on a node, however much is free there. */
export function unwelcome(placed: PlacedPod, info: NodeInfo): string | undefined {
  const { spec } = placed.pod;
  const { node } = info;
  if (node.spec?.unschedulable === true && untolerated([UNSCHEDULABLE], spec.tolerations, ['NoSchedule']).length > 0) {
    return 'node(s) were unschedulable';
  }
  const [taint] = untolerated(node.spec?.taints, spec.tolerations, ['NoSchedule', 'NoExecute']);
  if (taint !== undefined) {
    return `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`;
  }
  return matchesNodeAffinity(spec, node) ? undefined : "node(s) didn't match Pod's node affinity/selector";
}

/** The reasons of the first filter that says no; none if the pod fits. Rules between pods are judged apart. */
export function misfits(placed: PlacedPod, info: NodeInfo, uncounted?: Uncounted): string[] {
  const reason = unwelcome(placed, info);
  if (reason !== undefined) {
    return [reason];
  }
  if (!portsFree(placed, info)) {
    return ["node(s) didn't have free ports for the requested pod ports"];
  }
  return lacks(placed, info, uncounted);
}

export interface Fit {
  feasible: NodeInfo[];
  /** Reason → nodes it rules out. */
  reasons: Map<string, number>;
}

export function addReason(reasons: Map<string, number>, reason: string, count = 1): void {
  reasons.set(reason, (reasons.get(reason) ?? 0) + count);
}

/** Which nodes can take the pod. */
export function fitNodes(placed: PlacedPod, cluster: Cluster, uncounted?: Uncounted): Fit {
  const verdict = interPodVerdict(placed.pod, cluster);
  const fit: Fit = { feasible: [], reasons: new Map() };
  for (const info of cluster.nodes) {
    const own = misfits(placed, info, uncounted);
    const between = own.length > 0 ? undefined : verdict(info);
    const reasons = between === undefined ? own : [between];
    for (const reason of reasons) {
      addReason(fit.reasons, reason);
    }
    if (reasons.length === 0) {
      fit.feasible.push(info);
    }
  }
  return fit;
}

/** `0/1 nodes are available: 1 Insufficient cpu.` */
export function unschedulableMessage(total: number, reasons: ReadonlyMap<string, number>): string {
  if (total === 0) {
    return 'no nodes available to schedule pods';
  }
  const parts = [...reasons].map(([reason, count]) => `${count} ${reason}`).sort();
  return `0/${total} nodes are available: ${parts.join(', ')}.`;
}
