/** The Job controller: pods run to completion, each counted exactly once. */
import { controllerOf, keyOf } from '../../apimachinery/object.ts';
import { matchesLabels, selectorFromObject } from '../../apimachinery/selectors.ts';
import { isStatusError } from '../../apimachinery/status.ts';
import { newController, type Controller, type Requeue } from '../../client/controller.ts';
import { JOBS, PODS } from '../../client/resources.ts';
import type { Pod } from '../../kinds/generated/core.ts';
import type { ControllerContext } from '../context.ts';
import { Expectations } from '../shared/expectations.ts';
import { addControllerIndex, childrenOf, claimChildren, resolveController } from '../shared/owners.ts';
import { isTracked } from './accounting.ts';
import { expire, JobRun, untrack, type JobTools } from './reconcile.ts';
import { isFinished } from './status.ts';

/** Keys of pods whose Job is gone share the queue with Jobs; no name may contain this. */
const ORPHAN = 'orphan:';

export function jobController(context: ControllerContext): Controller {
  const { client, informers } = context;
  const jobs = informers.for(JOBS);
  const pods = informers.for(PODS);
  addControllerIndex(pods);
  const expectations = new Expectations(pods);
  const tools: JobTools = { client, control: { client, recorder: context.recorder.as('job-controller'), expectations } };

  /** A pod still tracked whose Job no longer exists would stay for ever. */
  const freeOrphan = async (key: string): Promise<void> => {
    const pod = pods.get(key);
    const owner = pod === undefined ? undefined : controllerOf(pod);
    if (pod === undefined || owner?.kind !== 'Job' || !isTracked(pod)) {
      return;
    }
    try {
      const job = await client.get(JOBS, owner.name, pod.metadata.namespace);
      if (job.metadata.uid === owner.uid) {
        return;
      }
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) {
        throw error;
      }
    }
    await untrack(client, pod);
  };

  const reconcile = async (key: string): Promise<void | Requeue> => {
    if (key.startsWith(ORPHAN)) {
      await freeOrphan(key.slice(ORPHAN.length));
      return undefined;
    }
    const job = jobs.get(key);
    if (job === undefined) {
      expectations.forget(key);
      return undefined;
    }
    if (job.spec.managedBy !== undefined && job.spec.managedBy !== 'kubernetes.io/job-controller') {
      return undefined;
    }
    if (isFinished(job) || job.metadata.deletionTimestamp !== undefined) {
      await Promise.all(childrenOf(pods, job).map((pod) => untrack(client, pod)));
      return await expire(client, job);
    }
    const settled = expectations.satisfied(key);
    const owned = await claimChildren({
      client, owner: job, ownerResource: JOBS, children: pods, selector: selectorFromObject(job.spec.selector),
    });
    return await new JobRun(tools, job, owned, settled).run();
  };

  const controller = newController({
    name: 'job', log: context.log, reconcile,
    before: (signal) => Promise.all([jobs.start(signal), pods.start(signal)]),
  });
  const { queue } = controller;

  const podChanged = (pod: Pod): void => {
    const reference = controllerOf(pod);
    const job = resolveController(jobs, pod.metadata.namespace, reference);
    if (job !== undefined) {
      queue.add(keyOf(job));
    } else if (reference?.kind === 'Job') {
      if (isTracked(pod) && jobs.synced) {
        queue.add(`${ORPHAN}${keyOf(pod)}`);
      }
    } else if (reference === undefined) {
      for (const one of jobs.list(pod.metadata.namespace ?? '')) {
        if (matchesLabels(selectorFromObject(one.spec.selector), pod.metadata.labels)) {
          queue.add(keyOf(one));
        }
      }
    }
  };
  jobs.on({
    added: (job) => { queue.add(keyOf(job)); },
    updated: (job) => { queue.add(keyOf(job)); },
    deleted: (job) => {
      queue.add(keyOf(job));
      for (const pod of childrenOf(pods, job).filter(isTracked)) {
        queue.add(`${ORPHAN}${keyOf(pod)}`);
      }
    },
  });
  pods.on({
    added: podChanged,
    updated: (pod, old) => {
      if (controllerOf(old)?.uid !== controllerOf(pod)?.uid && controllerOf(old) !== undefined) {
        podChanged(old);
      }
      podChanged(pod);
    },
    deleted: podChanged,
  });
  return {
    ...controller,
    async start(signal) {
      await controller.start(signal);
      // Pods that lost their Job while nobody watched: before both caches were complete nobody could tell.
      for (const pod of pods.list().filter(isTracked)) {
        podChanged(pod);
      }
    },
  };
}
