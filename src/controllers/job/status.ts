/** A Job's status: noting finished pods, counting them once their finalizer is off, and the conditions. Pure. */
import { findCondition, isConditionTrue, setCondition } from '../../apimachinery/conditions.ts';
import { formatTime } from '../../apimachinery/object.ts';
import type { Job, JobCondition, JobStatus, UncountedTerminatedPods } from '../../kinds/generated/batch.ts';
import type { Account, Verdict } from './accounting.ts';
import { formatIndexes, isIndexed } from './indexes.ts';

export function isFinished(job: Job): boolean {
  return isConditionTrue(job.status?.conditions, 'Complete') || isConditionTrue(job.status?.conditions, 'Failed');
}

/** When a finished Job ended, milliseconds of the epoch. */
export function endOfJob(job: Job): number | undefined {
  const end = job.status?.conditions?.find((one) => (one.type === 'Complete' || one.type === 'Failed') && one.status === 'True');
  return end === undefined ? undefined : Date.parse(end.lastTransitionTime ?? '') || 0;
}

/** What was decided earlier stays decided, whatever the pods do then. */
export function decidedBefore(job: Job): { failure?: Verdict; success?: Verdict } {
  const verdict = (type: string): Verdict | undefined => {
    const condition = findCondition(job.status?.conditions, type);
    return condition?.status === 'True' ? { reason: condition.reason ?? '', message: condition.message ?? '' } : undefined;
  };
  const failure = verdict('FailureTarget');
  const success = verdict('SuccessCriteriaMet');
  return failure === undefined ? (success === undefined ? {} : { success }) : { failure };
}

export function putJobCondition(status: JobStatus, type: string, value: 'True' | 'False', { reason, message }: Verdict): void {
  const conditions = status.conditions ??= [];
  const current = findCondition(conditions, type);
  if (current?.status !== value || current.reason !== reason) {
    const condition: JobCondition = { type, status: value, reason, message, lastProbeTime: formatTime() };
    setCondition(conditions, condition);
  }
}

function set(status: JobStatus, name: 'active' | 'succeeded' | 'failed', value: number): void {
  if (value === 0) {
    Reflect.deleteProperty(status, name);
  } else {
    status[name] = value;
  }
}

function uids(pods: readonly { metadata: { uid?: string } }[]): string[] {
  return pods.flatMap((pod) => (pod.metadata.uid === undefined ? [] : [pod.metadata.uid]));
}

/** A copy of the Job's status with the counts of `result` and its newly finished pods noted as uncounted. */
export function notedStatus(job: Job, result: Account, active: number): JobStatus {
  const status: JobStatus = {
    ...job.status, conditions: (job.status?.conditions ?? []).map((condition) => ({ ...condition })), ready: result.ready, terminating: result.terminating.length,
  };
  set(status, 'active', active);
  const before = job.status?.uncountedTerminatedPods ?? {};
  const indexed = isIndexed(job);
  const uncounted: UncountedTerminatedPods = {
    // Indexes are noted themselves: they cannot be counted twice.
    succeeded: indexed ? [] : [...before.succeeded ?? [], ...uids(result.newSucceeded)],
    failed: [...before.failed ?? [], ...uids(result.newFailed)],
  };
  setUncounted(status, uncounted);
  if (indexed) {
    set(status, 'succeeded', result.succeededIndexes.size);
    putIndexes(status, 'completedIndexes', result.succeededIndexes);
    if (job.spec.backoffLimitPerIndex !== undefined) {
      putIndexes(status, 'failedIndexes', result.failedIndexes);
    }
  }
  return status;
}

function putIndexes(status: JobStatus, name: 'completedIndexes' | 'failedIndexes', indexes: ReadonlySet<number>): void {
  if (indexes.size > 0 || status[name] !== undefined) {
    status[name] = formatIndexes(indexes);
  }
}

function setUncounted(status: JobStatus, { succeeded = [], failed = [] }: UncountedTerminatedPods): void {
  status.uncountedTerminatedPods = {
    ...(succeeded.length === 0 ? {} : { succeeded }), ...(failed.length === 0 ? {} : { failed }),
  };
}

export function hasUncounted(status: JobStatus): boolean {
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {};
  return succeeded.length + failed.length > 0;
}

/** Counts every noted pod but those in `held`, whose finalizer is still on. */
export function countedStatus(status: JobStatus, held: ReadonlySet<string>): JobStatus {
  const next: JobStatus = { ...status };
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {};
  const keep = (list: readonly string[]): string[] => list.filter((uid) => held.has(uid));
  const left = { succeeded: keep(succeeded), failed: keep(failed) };
  set(next, 'succeeded', (status.succeeded ?? 0) + succeeded.length - left.succeeded.length);
  set(next, 'failed', (status.failed ?? 0) + failed.length - left.failed.length);
  setUncounted(next, left);
  return next;
}
