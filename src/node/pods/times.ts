/** When a pod has to end, and how long its end may take. */
import type { Pod } from '../../kinds/generated/core.ts';
import type { PodState } from './state.ts';

/** A pod whose object is gone gets this long, seconds. */
const ORPHAN_GRACE_S = 2;

/** Milliseconds since the epoch; Infinity without activeDeadlineSeconds. */
export function deadlineOf(pod: Pod, state: PodState): number {
  const seconds = pod.spec?.activeDeadlineSeconds;
  const since = pod.status?.startTime ?? state.startTime;
  return seconds === undefined || since === undefined ? Infinity : new Date(since).getTime() + seconds * 1000;
}

/** Seconds of grace that are left of what the deletion gave; `own` is the pod's own grace period, `orphan` says that its object is gone. */
export function deletionGrace(pod: Pod, own: number, orphan: boolean): number {
  if (orphan) {
    return Math.min(ORPHAN_GRACE_S, own);
  }
  const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata;
  const given = deletionGracePeriodSeconds ?? own;
  const left = deletionTimestamp === undefined ? given : (new Date(deletionTimestamp).getTime() - Date.now()) / 1000;
  // The time has whole seconds: up to one too few must not count as over.
  return Math.max(0, Math.min(given, left + 1));
}
