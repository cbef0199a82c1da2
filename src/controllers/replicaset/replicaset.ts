/** The ReplicaSet controller: as many pods of the template as asked, its own and adopted ones counted. */
import { controllerOf, keyOf } from '../../apimachinery/object.ts';
import { matchesLabels, selectorFromObject } from '../../apimachinery/selectors.ts';
import { deepEqual } from '../../apimachinery/values.ts';
import { newController, type Controller, type Requeue } from '../../client/controller.ts';
import { PODS, REPLICASETS } from '../../client/resources.ts';
import type { ReplicaSet } from '../../kinds/generated/apps.ts';
import type { Pod } from '../../kinds/generated/core.ts';
import type { ControllerContext } from '../context.ts';
import { Expectations } from '../shared/expectations.ts';
import { addControllerIndex, claimChildren, resolveController } from '../shared/owners.ts';
import { BURST, createPod, deletePod, slowStart, type PodControl } from '../shared/podcontrol.ts';
import { isActive, podFromTemplate, rankForDeletion } from '../shared/pods.ts';
import { replicaSetStatus } from './status.ts';

/** When an expectation is still open, look again after this long, milliseconds; normally a pod's event comes first. */
const LOOK_AGAIN_MS = 30_000;

export function replicaSetController(context: ControllerContext): Controller {
  const { client, informers } = context;
  const sets = informers.for(REPLICASETS);
  const pods = informers.for(PODS);
  addControllerIndex(pods);
  const expectations = new Expectations(pods);
  const control: PodControl = { client, recorder: context.recorder.as('replicaset-controller'), expectations };

  const manage = async (key: string, set: ReplicaSet, active: readonly Pod[]): Promise<void> => {
    const difference = active.length - (set.spec.replicas ?? 1);
    if (difference < 0) {
      const missing = Math.min(-difference, BURST);
      await slowStart(Array.from({ length: missing }, () => async () => {
        await createPod(control, key, set, podFromTemplate(set.spec.template, set));
      }));
    } else if (difference > 0) {
      const victims = rankForDeletion(active, Date.now()).slice(0, Math.min(difference, BURST));
      const results = await Promise.allSettled(victims.map((pod) => deletePod(control, key, set, pod)));
      const failed = results.find((result) => result.status === 'rejected');
      if (failed !== undefined) {
        throw failed.reason;
      }
    }
  };

  const reconcile = async (key: string): Promise<void | Requeue> => {
    const set = sets.get(key);
    if (set === undefined) {
      expectations.forget(key);
      return undefined;
    }
    const settled = expectations.satisfied(key);
    const owned = await claimChildren({
      client, owner: set, ownerResource: REPLICASETS, children: pods, selector: selectorFromObject(set.spec.selector),
    });
    const active = owned.filter(isActive);
    let failure: unknown;
    if (settled && set.metadata.deletionTimestamp === undefined) {
      try {
        await manage(key, set, active);
      } catch (error) {
        failure = error;
      }
    }
    const { status, availableInMs } = replicaSetStatus(set, owned, failure, Date.now());
    if (!deepEqual(status, set.status)) {
      await client.updateStatus(REPLICASETS, { ...set, status });
    }
    if (failure !== undefined) {
      throw failure;
    }
    const again = Math.min(settled ? Infinity : LOOK_AGAIN_MS, availableInMs ?? Infinity);
    return again === Infinity ? undefined : { requeueAfterMs: again };
  };

  const controller = newController({
    name: 'replicaset', log: context.log, reconcile,
    before: (signal) => Promise.all([sets.start(signal), pods.start(signal)]),
  });
  const { queue } = controller;

  const enqueueForPod = (pod: Pod): void => {
    const reference = controllerOf(pod);
    if (reference === undefined) {
      for (const set of sets.list(pod.metadata.namespace ?? '')) {
        if (matchesLabels(selectorFromObject(set.spec.selector), pod.metadata.labels)) {
          queue.add(keyOf(set));
        }
      }
      return;
    }
    const set = resolveController(sets, pod.metadata.namespace, reference);
    if (set !== undefined) {
      queue.add(keyOf(set));
    }
  };
  sets.on({
    added: (set) => { queue.add(keyOf(set)); },
    updated: (set) => { queue.add(keyOf(set)); },
    deleted: (set) => { queue.add(keyOf(set)); },
  });
  pods.on({
    added: enqueueForPod,
    updated: (pod, old) => {
      if (controllerOf(old)?.uid !== controllerOf(pod)?.uid && controllerOf(old) !== undefined) {
        enqueueForPod(old);
      }
      if (controllerOf(pod) !== undefined || !deepEqual(old.metadata.labels, pod.metadata.labels)
        || !deepEqual(old.metadata.ownerReferences, pod.metadata.ownerReferences)) {
        enqueueForPod(pod);
      }
    },
    deleted: (pod) => {
      if (controllerOf(pod) !== undefined) {
        enqueueForPod(pod);
      }
    },
  });
  return controller;
}
