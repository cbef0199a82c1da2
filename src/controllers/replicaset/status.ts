/** A ReplicaSet's status as its pods have it. */
import { removeCondition, setCondition } from '../../apimachinery/conditions.ts';
import { matchesLabels, selectorFromMap } from '../../apimachinery/selectors.ts';
import type { ReplicaSet, ReplicaSetStatus } from '../../kinds/generated/apps.ts';
import type { Pod } from '../../kinds/generated/core.ts';
import { messageOf } from '../shared/errors.ts';
import { isActive, isAvailable, isReady, isTerminating, readySince } from '../shared/pods.ts';

export interface ReplicaSetStatusResult {
  status: ReplicaSetStatus;
  /** Milliseconds until the next ready pod will have been ready for minReadySeconds. */
  availableInMs?: number;
}

/** `failure`: what creating or deleting pods just failed with. `now`: milliseconds of the epoch. */
export function replicaSetStatus(set: ReplicaSet, owned: readonly Pod[], failure: unknown, now: number): ReplicaSetStatusResult {
  const active = owned.filter(isActive);
  const minReady = set.spec.minReadySeconds ?? 0;
  const templateLabels = selectorFromMap(set.spec.template?.metadata?.labels);
  const ready = active.filter(isReady);
  const terminating = owned.filter(isTerminating).length;
  const conditions = (set.status?.conditions ?? []).map((condition) => ({ ...condition }));
  if (failure === undefined) {
    removeCondition(conditions, 'ReplicaFailure');
  } else {
    setCondition(conditions, {
      type: 'ReplicaFailure', status: 'True',
      reason: active.length < (set.spec.replicas ?? 1) ? 'FailedCreate' : 'FailedDelete',
      message: messageOf(failure),
    }, new Date(now));
  }
  const waits = minReady === 0 ? [] : ready.filter((pod) => !isAvailable(pod, minReady, now))
    .map((pod) => Math.max(1, (readySince(pod) ?? now) + minReady * 1000 - now));
  const optional = {
    fullyLabeledReplicas: active.filter((pod) => matchesLabels(templateLabels, pod.metadata.labels)).length,
    readyReplicas: ready.length,
    availableReplicas: active.filter((pod) => isAvailable(pod, minReady, now)).length,
    terminatingReplicas: terminating,
  };
  const status: ReplicaSetStatus = {
    replicas: active.length,
    // Zeros are absent, as on the wire of a real server.
    ...Object.fromEntries(Object.entries(optional).filter(([name, value]) => value !== 0 || name === 'terminatingReplicas')),
    ...(set.metadata.generation === undefined ? {} : { observedGeneration: set.metadata.generation }),
    ...(conditions.length === 0 ? {} : { conditions }),
  };
  return { status, ...(waits.length === 0 ? {} : { availableInMs: Math.min(...waits) }) };
}
