/** What controllers of pods ask of a pod, and how they make and rank them. */
import { controllerReference, type KubeObject } from '../../apimachinery/object.ts';
import { findCondition, isConditionTrue } from '../../apimachinery/conditions.ts';
import { deepClone } from '../../apimachinery/values.ts';
import type { Pod, PodTemplateSpec } from '../../kinds/generated/core.ts';

export function isTerminal(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

/** Neither finished nor being deleted. */
export function isActive(pod: Pod): boolean {
  return !isTerminal(pod) && pod.metadata.deletionTimestamp === undefined;
}

/** Being deleted and not finished yet. */
export function isTerminating(pod: Pod): boolean {
  return !isTerminal(pod) && pod.metadata.deletionTimestamp !== undefined;
}

export function isReady(pod: Pod): boolean {
  return isConditionTrue(pod.status?.conditions, 'Ready');
}

/** Since when the pod is ready, milliseconds of the epoch; undefined when it is not. */
export function readySince(pod: Pod): number | undefined {
  const ready = findCondition(pod.status?.conditions, 'Ready');
  return ready?.status === 'True' ? Date.parse(ready.lastTransitionTime ?? '') || 0 : undefined;
}

/** Ready for at least `minReadySeconds`. */
export function isAvailable(pod: Pod, minReadySeconds: number, now: number): boolean {
  const since = readySince(pod);
  return since !== undefined && (minReadySeconds === 0 || since + minReadySeconds * 1000 <= now);
}

/** A pod as its controller's template asks, named by the server. `name` of the result is empty: generateName counts. */
export function podFromTemplate(template: PodTemplateSpec | undefined, owner: KubeObject, prefix = `${owner.metadata.name}-`): Pod {
  const { labels, annotations, finalizers } = template?.metadata ?? {};
  return {
    apiVersion: 'v1', kind: 'Pod',
    metadata: {
      name: '', generateName: prefix,
      ...(owner.metadata.namespace === undefined ? {} : { namespace: owner.metadata.namespace }),
      ...(labels === undefined ? {} : { labels: { ...labels } }),
      ...(annotations === undefined ? {} : { annotations: { ...annotations } }),
      ...(finalizers === undefined ? {} : { finalizers: [...finalizers] }),
      ownerReferences: [controllerReference(owner)],
    },
    spec: deepClone(template?.spec ?? { containers: [] }),
  };
}

const PHASE_RANK: Record<string, number> = { Pending: 0, Unknown: 1, Running: 2 };
const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost';

function restarts(pod: Pod): number {
  return Math.max(0, ...(pod.status?.containerStatuses ?? []).map((status) => status.restartCount));
}

function deletionCost(pod: Pod): number {
  const text = pod.metadata.annotations?.[DELETION_COST] ?? '';
  return /^[-+]?\d+$/.test(text) ? Number(text) : 0;
}

/** Ages within one power of two count as equal, as Kubernetes has it, so that young pods are not always the victims. */
function ageRank(since: number, now: number): number {
  return Math.floor(Math.log2(Math.max(now - since, 1)));
}

/**
 * The pods in the order in which a controller that has too many deletes them: not placed, not running, not
 * ready, cheap by annotation, crowded on a node, ready for a shorter time, restarted more, younger.
 */
export function rankForDeletion(pods: readonly Pod[], now: number): Pod[] {
  const onNode = new Map<string, number>();
  for (const { spec } of pods) {
    if (spec.nodeName) {
      onNode.set(spec.nodeName, (onNode.get(spec.nodeName) ?? 0) + 1);
    }
  }
  const created = (pod: Pod): number => Date.parse(pod.metadata.creationTimestamp ?? '') || now;
  const criteria: ((pod: Pod) => number)[] = [
    (pod) => (pod.spec.nodeName ? 1 : 0),
    (pod) => PHASE_RANK[pod.status?.phase ?? 'Pending'] ?? 0,
    (pod) => (isReady(pod) ? 1 : 0),
    deletionCost,
    (pod) => -(onNode.get(pod.spec.nodeName ?? '') ?? 0),
    (pod) => ageRank(readySince(pod) ?? now, now),
    (pod) => -restarts(pod),
    (pod) => ageRank(created(pod), now),
  ];
  return [...pods].sort((a, b) => {
    for (const criterion of criteria) {
      const difference = criterion(a) - criterion(b);
      if (difference !== 0) {
        return difference;
      }
    }
    return a.metadata.name < b.metadata.name ? -1 : 1;
  });
}
