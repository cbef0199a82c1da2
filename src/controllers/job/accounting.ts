/** What a Job's pods amount to: counted once each, by the tracking finalizer and the uids noted in the status. Pure. */
import type { Job } from '../../kinds/generated/batch.ts';
import type { Pod } from '../../kinds/generated/core.ts';
import { isActive, isReady, isTerminal, isTerminating } from '../shared/pods.ts';
import { indexOfPod, isIndexed, parseIndexes } from './indexes.ts';
import { judgeFailure, metSuccessPolicy } from './policy.ts';

/** On every pod of a Job until it is counted, so that no pod can vanish uncounted. */
export const TRACKING_FINALIZER = 'batch.kubernetes.io/job-tracking';
/** How often a pod's index failed before this pod. */
export const INDEX_FAILURES = 'batch.kubernetes.io/job-index-failure-count';

export interface Verdict {
  reason: string;
  message: string;
}

export interface Account {
  active: Pod[];
  ready: number;
  /** Being deleted, not finished. */
  terminating: Pod[];
  /** Finished, not noted in the status yet. */
  newSucceeded: Pod[];
  newFailed: Pod[];
  /** Finished pods that do not count (ignored failures, doubled indexes): only their finalizer goes. */
  uncountable: Pod[];
  succeeded: number;
  failed: number;
  succeededIndexes: Set<number>;
  failedIndexes: Set<number>;
  failure?: Verdict;
  success?: Verdict;
}

export function isTracked(pod: Pod): boolean {
  return pod.metadata.finalizers?.includes(TRACKING_FINALIZER) === true;
}

export function onlyReplacesFailed(job: Job): boolean {
  return job.spec.podReplacementPolicy === 'Failed';
}

/** Failed, or deleted before it could finish (unless the Job only replaces pods that really failed). */
function hasFailed(job: Job, pod: Pod): boolean {
  return pod.status?.phase === 'Failed'
    || (pod.metadata.deletionTimestamp !== undefined && pod.status?.phase !== 'Succeeded' && !onlyReplacesFailed(job));
}

export function failuresOfIndex(pod: Pod): number {
  const text = pod.metadata.annotations?.[INDEX_FAILURES] ?? '0';
  return /^\d+$/.test(text) ? Number(text) : 0;
}

function emptyAccount(job: Job, pods: readonly Pod[]): Account {
  const completions = isIndexed(job) ? job.spec.completions ?? 0 : 0;
  const { succeeded = 0, failed = 0, uncountedTerminatedPods: uncounted = {}, completedIndexes, failedIndexes } = job.status ?? {};
  const active = pods.filter(isActive);
  return {
    active, ready: active.filter(isReady).length, terminating: pods.filter(isTerminating), newSucceeded: [], newFailed: [], uncountable: [],
    succeeded: succeeded + (uncounted.succeeded?.length ?? 0),
    failed: failed + (uncounted.failed?.length ?? 0),
    succeededIndexes: parseIndexes(completedIndexes, completions),
    failedIndexes: parseIndexes(failedIndexes, completions),
  };
}

/** `now`: milliseconds of the epoch. */
export function account(job: Job, pods: readonly Pod[], now: number): Account {
  const result = emptyAccount(job, pods);
  const { succeeded = [], failed = [] } = job.status?.uncountedTerminatedPods ?? {};
  const noted = new Set([...succeeded, ...failed]);
  for (const pod of pods.filter((one) => isTracked(one) && !noted.has(one.metadata.uid ?? ''))) {
    if (pod.status?.phase === 'Succeeded') {
      countSuccess(result, pod, job);
    } else if (hasFailed(job, pod)) {
      countFailure(result, job, pod);
    }
  }
  const failure = result.failure ?? failureOf(job, result, now);
  const success = failure === undefined ? successOf(job, result) : undefined;
  return { ...result, ...(failure === undefined ? {} : { failure }), ...(success === undefined ? {} : { success }) };
}

function countSuccess(result: Account, pod: Pod, job: Job): void {
  if (!isIndexed(job)) {
    result.newSucceeded.push(pod);
    result.succeeded += 1;
    return;
  }
  const index = indexOfPod(pod);
  if (index === undefined || index >= (job.spec.completions ?? 0) || result.succeededIndexes.has(index)) {
    result.uncountable.push(pod);
  } else {
    result.newSucceeded.push(pod);
    result.succeededIndexes.add(index);
    result.succeeded = result.succeededIndexes.size;
  }
}

function countFailure(result: Account, job: Job, pod: Pod): void {
  const verdict = judgeFailure(job, pod);
  // A suspended Job deletes its pods itself: that is nobody's failure.
  const stopped = job.spec.suspend === true && !isTerminal(pod);
  if (verdict.action === 'Ignore' || stopped) {
    result.uncountable.push(pod);
    return;
  }
  result.newFailed.push(pod);
  result.failed += 1;
  if (verdict.action === 'FailJob') {
    result.failure ??= { reason: 'PodFailurePolicy', message: verdict.message };
  }
  const index = indexOfPod(pod);
  const limit = job.spec.backoffLimitPerIndex;
  if (index !== undefined && limit !== undefined && (verdict.action === 'FailIndex' || failuresOfIndex(pod) >= limit)) {
    result.failedIndexes.add(index);
  }
}

/** Milliseconds until activeDeadlineSeconds is over; undefined without one. */
export function deadlineIn(job: Job, now: number): number | undefined {
  const { activeDeadlineSeconds, suspend } = job.spec;
  const started = job.status?.startTime;
  return activeDeadlineSeconds === undefined || started === undefined || suspend === true
    ? undefined : Date.parse(started) + activeDeadlineSeconds * 1000 - now;
}

function failureOf(job: Job, result: Account, now: number): Verdict | undefined {
  const { backoffLimit = 6, maxFailedIndexes, backoffLimitPerIndex, completions } = job.spec;
  if (result.failed > backoffLimit || restartedTooOften(job, result, backoffLimit)) {
    return { reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' };
  }
  if ((deadlineIn(job, now) ?? 1) <= 0) {
    return { reason: 'DeadlineExceeded', message: 'Job was active longer than specified deadline' };
  }
  if (backoffLimitPerIndex === undefined || completions === undefined) {
    return undefined;
  }
  if (maxFailedIndexes !== undefined && result.failedIndexes.size > maxFailedIndexes) {
    return { reason: 'MaxFailedIndexesExceeded', message: 'Job has exceeded the specified maximal number of failed indexes' };
  }
  return result.failedIndexes.size > 0 && result.failedIndexes.size + result.succeededIndexes.size >= completions
    ? { reason: 'FailedIndexes', message: 'Job has failed indexes' } : undefined;
}

/** With restartPolicy OnFailure the kubelet restarts, and its restarts are the failures. */
function restartedTooOften(job: Job, result: Account, limit: number): boolean {
  if (job.spec.template.spec?.restartPolicy !== 'OnFailure') {
    return false;
  }
  const restarts = result.active.flatMap((pod) => [...pod.status?.initContainerStatuses ?? [], ...pod.status?.containerStatuses ?? []])
    .reduce((sum, status) => sum + status.restartCount, 0);
  return limit === 0 ? restarts > 0 : restarts >= limit;
}

function successOf(job: Job, result: Account): Verdict | undefined {
  const { completions, successPolicy } = job.spec;
  if (successPolicy !== undefined) {
    const message = metSuccessPolicy(job, result.succeededIndexes);
    if (message !== undefined) {
      return { reason: 'SuccessPolicy', message };
    }
  }
  const reached = completions === undefined
    ? result.succeeded > 0 && result.active.length === 0
    : result.succeeded >= completions;
  return reached ? { reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods' } : undefined;
}
