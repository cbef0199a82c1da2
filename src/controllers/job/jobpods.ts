/** The pods a Job makes, when it may make the next, and which of them are too many. */
import type { Job } from '../../kinds/generated/batch.ts';
import type { Container, Pod } from '../../kinds/generated/core.ts';
import { podFromTemplate, rankForDeletion } from '../shared/pods.ts';
import { failuresOfIndex, INDEX_FAILURES, onlyReplacesFailed, TRACKING_FINALIZER, type Account } from './accounting.ts';
import { COMPLETION_INDEX, indexOfPod, isIndexed } from './indexes.ts';

const BACKOFF_BASE_MS = 10_000;
const BACKOFF_MAX_MS = 600_000;
const INDEX_VARIABLE = 'JOB_COMPLETION_INDEX';
/** A pod's hostname is a DNS label. */
const HOSTNAME_MAX = 63;

/** When a pod ended, milliseconds of the epoch. */
function endOf(pod: Pod): number {
  const ends = (pod.status?.containerStatuses ?? []).map((status) => Date.parse(status.state?.terminated?.finishedAt ?? '') || 0);
  const end = Math.max(0, ...ends);
  return end > 0 ? end : Date.parse(pod.metadata.deletionTimestamp ?? pod.metadata.creationTimestamp ?? '') || 0;
}

/** Milliseconds to wait before the next pod, after the failures since the last success: 10 s, 20 s, … */
export function backoffMs(pods: readonly Pod[], now: number): number {
  const lastSuccess = Math.max(0, ...pods.filter((pod) => pod.status?.phase === 'Succeeded').map(endOf));
  const failures = pods.filter((pod) => pod.status?.phase === 'Failed').map(endOf).filter((end) => end > lastSuccess);
  if (failures.length === 0) {
    return 0;
  }
  const delay = Math.min(BACKOFF_BASE_MS * 2 ** (failures.length - 1), BACKOFF_MAX_MS);
  return Math.max(0, Math.max(...failures) + delay - now);
}

function wantedActive(job: Job, result: Account): number {
  const { completions, parallelism = 1 } = job.spec;
  if (completions === undefined) {
    // One success means the work queue is empty: let the others finish, start no new ones.
    return result.succeeded > 0 ? Math.min(result.active.length, parallelism) : parallelism;
  }
  return Math.max(0, Math.min(parallelism, completions - result.succeeded - result.failedIndexes.size));
}

/** Active pods that must go: more than wanted, or for an index that another pod has or that is done. */
export function surplusPods(job: Job, result: Account, now: number): Pod[] {
  const surplus = new Set<Pod>();
  if (isIndexed(job)) {
    const seen = new Set([...result.succeededIndexes, ...result.failedIndexes]);
    for (const pod of result.active) {
      const index = indexOfPod(pod);
      if (index === undefined || seen.has(index) || index >= (job.spec.completions ?? 0)) {
        surplus.add(pod);
      } else {
        seen.add(index);
      }
    }
  }
  const rest = result.active.filter((pod) => !surplus.has(pod));
  const over = rest.length - wantedActive(job, result);
  if (over > 0) {
    rankForDeletion(rest, now).slice(0, over).forEach((pod) => surplus.add(pod));
  }
  return [...surplus];
}

export interface MissingPods {
  pods: Pod[];
  /** Back-off of what could not be made yet, milliseconds. */
  waitMs?: number;
}

export function missingPods(job: Job, result: Account, owned: readonly Pod[], now: number): MissingPods {
  const busy = result.active.length + (onlyReplacesFailed(job) ? result.terminating.length : 0);
  const count = wantedActive(job, result) - busy;
  if (count <= 0) {
    return { pods: [] };
  }
  if (!isIndexed(job)) {
    const waitMs = backoffMs(owned, now);
    return waitMs > 0 ? { pods: [], waitMs } : { pods: Array.from({ length: count }, () => makePod(job)) };
  }
  return missingIndexes(job, result, owned, { count, now });
}

function missingIndexes(job: Job, result: Account, owned: readonly Pod[], { count, now }: { count: number; now: number }): MissingPods {
  const perIndex = job.spec.backoffLimitPerIndex !== undefined;
  const common = perIndex ? 0 : backoffMs(owned, now);
  if (common > 0) {
    return { pods: [], waitMs: common };
  }
  const holders = onlyReplacesFailed(job) ? [...result.active, ...result.terminating] : result.active;
  const taken = new Set([...result.succeededIndexes, ...result.failedIndexes, ...holders.map(indexOfPod)]);
  const pods: Pod[] = [];
  let waitMs = Infinity;
  for (let index = 0; index < (job.spec.completions ?? 0) && pods.length < count; index += 1) {
    if (taken.has(index)) {
      continue;
    }
    const earlier = perIndex ? owned.filter((pod) => indexOfPod(pod) === index) : [];
    const wait = backoffMs(earlier, now);
    if (wait > 0) {
      waitMs = Math.min(waitMs, wait);
    } else {
      pods.push(makePod(job, index, perIndex ? Math.max(0, ...earlier.map((pod) => failuresOfIndex(pod) + 1)) : undefined));
    }
  }
  return { pods, ...(waitMs === Infinity ? {} : { waitMs }) };
}

function makePod(job: Job, index?: number, failures?: number): Pod {
  const pod = podFromTemplate(job.spec.template, job, index === undefined ? undefined : `${job.metadata.name}-${index}-`);
  const { metadata, spec } = pod;
  metadata.finalizers = [...(metadata.finalizers ?? []).filter((one) => one !== TRACKING_FINALIZER), TRACKING_FINALIZER];
  if (index !== undefined) {
    metadata.labels = { ...metadata.labels, [COMPLETION_INDEX]: String(index) };
    metadata.annotations = {
      ...metadata.annotations, [COMPLETION_INDEX]: String(index), ...(failures === undefined ? {} : { [INDEX_FAILURES]: String(failures) }),
    };
    spec.hostname ??= `${job.metadata.name}-${index}`.slice(0, HOSTNAME_MAX);
    for (const container of [...spec.initContainers ?? [], ...spec.containers]) {
      addIndexVariable(container);
    }
  }
  return pod;
}

function addIndexVariable(container: Container): void {
  if (container.env?.some((variable) => variable.name === INDEX_VARIABLE) !== true) {
    container.env = [...container.env ?? [], {
      name: INDEX_VARIABLE, valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: `metadata.labels['${COMPLETION_INDEX}']` } },
    }];
  }
}
