/** One reconcile of one Job. */
import { deepEqual } from '../../apimachinery/values.ts';
import { formatTime, keyOf } from '../../apimachinery/object.ts';
import { isStatusError } from '../../apimachinery/status.ts';
import type { Client } from '../../client/client.ts';
import type { Requeue } from '../../client/controller.ts';
import type { EventType } from '../../client/events.ts';
import { JOBS, PODS } from '../../client/resources.ts';
import type { Job, JobStatus } from '../../kinds/generated/batch.ts';
import type { Pod } from '../../kinds/generated/core.ts';
import { createPod, deletePod, slowStart, type PodControl } from '../shared/podcontrol.ts';
import { isTerminating } from '../shared/pods.ts';
import { account, deadlineIn, isTracked, TRACKING_FINALIZER, type Account } from './accounting.ts';
import { missingPods, surplusPods } from './jobpods.ts';
import { countedStatus, decidedBefore, endOfJob, hasUncounted, notedStatus, putJobCondition } from './status.ts';

const LOOK_AGAIN_MS = 30_000;

export interface JobTools {
  client: Client;
  control: PodControl;
}

/** Takes the tracking finalizer off; a pod that is gone needs nothing. A Conflict is the caller's to retry. */
export async function untrack(client: Client, pod: Pod): Promise<void> {
  if (!isTracked(pod)) {
    return;
  }
  const { name, namespace, uid, resourceVersion } = pod.metadata;
  const finalizers = (pod.metadata.finalizers ?? []).filter((one) => one !== TRACKING_FINALIZER);
  try {
    await client.patch(PODS, { name, namespace, type: 'merge', body: { metadata: { uid, resourceVersion, finalizers } } });
  } catch (error) {
    if (!isStatusError(error, 'NotFound')) {
      throw error;
    }
  }
}

/** A finished Job whose time to live is over is deleted; else says when to look again. */
export async function expire(client: Client, job: Job): Promise<Requeue | undefined> {
  const seconds = job.spec.ttlSecondsAfterFinished;
  const end = endOfJob(job);
  if (seconds === undefined || end === undefined || job.metadata.deletionTimestamp !== undefined) {
    return undefined;
  }
  const left = end + seconds * 1000 - Date.now();
  if (left > 0) {
    return { requeueAfterMs: left };
  }
  try {
    await client.delete(JOBS, job.metadata.name, job.metadata.namespace, {
      propagationPolicy: 'Foreground', ...(job.metadata.uid === undefined ? {} : { preconditions: { uid: job.metadata.uid } }),
    });
  } catch (error) {
    if (!isStatusError(error, 'NotFound')) {
      throw error;
    }
  }
  return undefined;
}

export class JobRun {
  readonly #tools: JobTools;
  readonly #key: string;
  #job: Job;
  readonly #owned: readonly Pod[];
  readonly #result: Account;
  /** Cached counts may be acted on. */
  readonly #settled: boolean;
  #active: number;
  #wait = Infinity;

  constructor(tools: JobTools, job: Job, owned: readonly Pod[], settled: boolean) {
    this.#tools = tools;
    this.#key = keyOf(job);
    this.#job = job;
    this.#owned = owned;
    this.#settled = settled;
    this.#result = account(job, owned, Date.now());
    this.#active = this.#result.active.length;
  }

  async run(): Promise<Requeue | undefined> {
    const decided = decidedBefore(this.#job);
    const failure = decided.success === undefined ? decided.failure ?? this.#result.failure : undefined;
    const success = failure === undefined ? decided.success ?? this.#result.success : undefined;
    let error: unknown;
    try {
      await this.#act(failure !== undefined || success !== undefined);
    } catch (thrown) {
      error = thrown;
    }
    const status = notedStatus(this.#job, this.#result, this.#active);
    this.#noteSuspension(status);
    if (failure !== undefined) {
      putJobCondition(status, 'FailureTarget', 'True', failure);
    } else if (success !== undefined) {
      putJobCondition(status, 'SuccessCriteriaMet', 'True', success);
    }
    await this.#track(status);
    if (error !== undefined) {
      throw error;
    }
    const deadline = deadlineIn(this.#job, Date.now());
    const wait = Math.min(this.#wait, this.#settled ? Infinity : LOOK_AGAIN_MS, deadline === undefined || deadline <= 0 ? Infinity : deadline);
    return wait === Infinity ? undefined : { requeueAfterMs: wait };
  }

  /** Deletes and creates pods. */
  async #act(over: boolean): Promise<void> {
    const { control } = this.#tools;
    const job = this.#job;
    if (job.metadata.deletionTimestamp !== undefined || !this.#settled) {
      return;
    }
    if (over || job.spec.suspend === true) {
      await this.#delete(this.#result.active);
      return;
    }
    const now = Date.now();
    const surplus = surplusPods(job, this.#result, now);
    await this.#delete(surplus);
    if (surplus.length > 0) {
      return;
    }
    const missing = missingPods(job, this.#result, this.#owned, now);
    this.#wait = missing.waitMs ?? Infinity;
    await slowStart(missing.pods.map((pod) => async () => {
      if (await createPod(control, this.#key, job, pod) !== undefined) {
        this.#active += 1;
      }
    }));
  }

  async #delete(pods: readonly Pod[]): Promise<void> {
    await Promise.all(pods.map(async (pod) => {
      await deletePod(this.#tools.control, this.#key, this.#job, pod);
      this.#active -= 1;
    }));
  }

  #noteSuspension(status: JobStatus): void {
    const { recorder } = this.#tools.control;
    const suspended = status.conditions?.find((condition) => condition.type === 'Suspended')?.status === 'True';
    if (this.#job.spec.suspend === true) {
      if (!suspended) {
        putJobCondition(status, 'Suspended', 'True', { reason: 'JobSuspended', message: 'Job suspended' });
        recorder.event(this.#job, 'Normal', 'Suspended', 'Job suspended');
      }
      Reflect.deleteProperty(status, 'startTime');
      return;
    }
    if (suspended) {
      putJobCondition(status, 'Suspended', 'False', { reason: 'JobResumed', message: 'Job resumed' });
      recorder.event(this.#job, 'Normal', 'Resumed', 'Job resumed');
    }
    status.startTime ??= formatTime();
  }

  /** Notes finished pods, takes their finalizers off, counts them; then the Job may be over. */
  async #track(noted: JobStatus): Promise<void> {
    const { client } = this.#tools;
    const finished = [...this.#result.newSucceeded, ...this.#result.newFailed];
    if (finished.length > 0) {
      // On disk before any finalizer goes: a pod can then vanish and still be counted.
      await this.#write(noted);
    }
    const uids = new Set([...noted.uncountedTerminatedPods?.succeeded ?? [], ...noted.uncountedTerminatedPods?.failed ?? []]);
    const free = [...this.#result.uncountable, ...finished, ...this.#owned.filter((pod) => uids.has(pod.metadata.uid ?? ''))];
    const held = new Set<string>();
    let error: unknown;
    await Promise.all([...new Set(free)].map(async (pod) => {
      try {
        await untrack(client, pod);
      } catch (thrown) {
        held.add(pod.metadata.uid ?? '');
        error ??= thrown;
      }
    }));
    const status = countedStatus(noted, held);
    const over = this.#finish(status);
    await this.#write(status);
    if (over !== undefined) {
      this.#tools.control.recorder.event(this.#job, ...over);
    }
    if (error !== undefined) {
      throw error;
    }
  }

  /** The final condition comes when no pod runs or ends any more and every one is counted; its event is the answer. */
  #finish(status: JobStatus): [EventType, string, string] | undefined {
    const { failure, success } = decidedBefore({ ...this.#job, status });
    const ending = this.#active > 0 || this.#result.active.length > 0 || this.#owned.some(isTerminating);
    if (ending || hasUncounted(status)) {
      return undefined;
    }
    if (failure !== undefined) {
      putJobCondition(status, 'Failed', 'True', failure);
      return ['Warning', failure.reason, failure.message];
    }
    if (success !== undefined) {
      putJobCondition(status, 'Complete', 'True', success);
      status.completionTime ??= formatTime();
      return ['Normal', 'Completed', 'Job completed'];
    }
    return undefined;
  }

  async #write(status: JobStatus): Promise<void> {
    if (!deepEqual(status, this.#job.status ?? {})) {
      this.#job = await this.#tools.client.updateStatus(JOBS, { ...this.#job, status });
    }
  }
}
