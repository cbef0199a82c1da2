/** The taints a node's state calls for, and when a pod has to leave a tainted node. Pure. */
import { findCondition } from '../../apimachinery/conditions.ts';
import { formatTime } from '../../apimachinery/object.ts';
import { deepEqual } from '../../apimachinery/values.ts';
import type { Node, Pod, Taint } from '../../kinds/generated/core.ts';
import { tolerates } from '../../placement/nodeaffinity.ts';

export const NOT_READY = 'node.kubernetes.io/not-ready';
export const UNREACHABLE = 'node.kubernetes.io/unreachable';
export const UNSCHEDULABLE = 'node.kubernetes.io/unschedulable';

/** Condition → taint while it is True. */
const PRESSURES: Readonly<Record<string, string>> = {
  MemoryPressure: 'node.kubernetes.io/memory-pressure', DiskPressure: 'node.kubernetes.io/disk-pressure',
  PIDPressure: 'node.kubernetes.io/pid-pressure', NetworkUnavailable: 'node.kubernetes.io/network-unavailable',
};
const OURS = new Set([NOT_READY, UNREACHABLE, UNSCHEDULABLE, ...Object.values(PRESSURES)]);

export function readyStatus(node: Node): 'True' | 'False' | 'Unknown' {
  const status = findCondition(node.status?.conditions, 'Ready')?.status;
  return status === 'True' || status === 'False' ? status : 'Unknown';
}

const matches = (a: Taint, b: Taint): boolean => a.key === b.key && a.effect === b.effect;

/** `evict`: pods may be moved elsewhere. When no node is ready there is no elsewhere, and nothing is evicted. */
function wanted(node: Node, evict: boolean): Taint[] {
  const taints: Taint[] = [];
  const ready = readyStatus(node);
  // A node that has just registered has said nothing yet; if it never does, its silence becomes Unknown.
  if (ready !== 'True' && findCondition(node.status?.conditions, 'Ready') !== undefined) {
    const key = ready === 'False' ? NOT_READY : UNREACHABLE;
    taints.push({ key, effect: 'NoSchedule' });
    if (evict) {
      taints.push({ key, effect: 'NoExecute' });
    }
  }
  for (const [type, key] of Object.entries(PRESSURES)) {
    if (findCondition(node.status?.conditions, type)?.status === 'True') {
      taints.push({ key, effect: 'NoSchedule' });
    }
  }
  if (node.spec.unschedulable === true) {
    taints.push({ key: UNSCHEDULABLE, effect: 'NoSchedule' });
  }
  return taints;
}

/** All taints the node should have, those of others kept; undefined when it has them. */
export function taintsOf(node: Node, evict: boolean, now: Date = new Date()): Taint[] | undefined {
  const current = node.spec.taints ?? [];
  const ours = wanted(node, evict).map((taint) =>
    current.find((one) => matches(one, taint)) ?? { ...taint, timeAdded: formatTime(now) });
  const kept = current.filter((one) => !OURS.has(one.key) || ours.some((taint) => matches(one, taint)));
  const next = [...kept, ...ours.filter((taint) => !kept.includes(taint))];
  return deepEqual(next, current) ? undefined : next;
}

/** Seconds the pod may stay on a node with these taints: 0 to go at once, Infinity to stay. */
export function mayStaySeconds(pod: Pod, taints: readonly Taint[] | undefined): number {
  let seconds = Infinity;
  for (const taint of (taints ?? []).filter((one) => one.effect === 'NoExecute')) {
    const used = (pod.spec.tolerations ?? []).filter((toleration) => tolerates(toleration, taint));
    if (used.length === 0) {
      return 0;
    }
    seconds = Math.min(seconds, ...used.map((one) => (one.tolerationSeconds === undefined ? Infinity : Math.max(0, one.tolerationSeconds))));
  }
  return seconds;
}
