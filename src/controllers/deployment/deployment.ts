/** The Deployment controller: watches Deployments and their ReplicaSets and runs one Rollout step at a time. */
import { controllerOf, keyOf } from '../../apimachinery/object.ts';
import { matchesLabels, selectorFromObject } from '../../apimachinery/selectors.ts';
import { deepEqual } from '../../apimachinery/values.ts';
import { newController, type Controller, type Requeue } from '../../client/controller.ts';
import { DEPLOYMENTS, PODS, REPLICASETS } from '../../client/resources.ts';
import type { ReplicaSet } from '../../kinds/generated/apps.ts';
import type { Pod } from '../../kinds/generated/core.ts';
import type { ControllerContext } from '../context.ts';
import { addControllerIndex, childrenOf, claimChildren, resolveController } from '../shared/owners.ts';
import { isTerminal } from '../shared/pods.ts';
import { Rollout } from './rollout.ts';

export function deploymentController(context: ControllerContext): Controller {
  const { client, informers } = context;
  const deployments = informers.for(DEPLOYMENTS);
  const sets = informers.for(REPLICASETS);
  const pods = informers.for(PODS);
  addControllerIndex(sets);
  addControllerIndex(pods);
  const recorder = context.recorder.as('deployment-controller');
  const podsLeft = (of: readonly ReplicaSet[]): boolean => of.some((set) => childrenOf(pods, set).some((pod) => !isTerminal(pod)));

  const reconcile = async (key: string): Promise<void | Requeue> => {
    const cached = deployments.get(key);
    if (cached === undefined) {
      return undefined;
    }
    const { matchLabels, matchExpressions } = cached.spec.selector;
    if (Object.keys(matchLabels ?? {}).length === 0 && (matchExpressions ?? []).length === 0) {
      recorder.event(cached, 'Warning', 'SelectingAll', 'This deployment is selecting all pods. A non-empty selector is required.');
      return undefined;
    }
    const owned = await claimChildren({
      client, owner: cached, ownerResource: DEPLOYMENTS, children: sets, selector: selectorFromObject(cached.spec.selector),
    });
    // A copy whose metadata the rollout may renew; everything below stays shared and untouched.
    return await new Rollout({ client, recorder, podsLeft }, { ...cached }, owned).run();
  };

  const controller = newController({
    name: 'deployment', log: context.log, reconcile,
    before: (signal) => Promise.all([deployments.start(signal), sets.start(signal), pods.start(signal)]),
  });
  const { queue } = controller;

  const enqueueForSet = (set: ReplicaSet): void => {
    const reference = controllerOf(set);
    if (reference === undefined) {
      for (const deployment of deployments.list(set.metadata.namespace ?? '')) {
        if (matchesLabels(selectorFromObject(deployment.spec.selector), set.metadata.labels)) {
          queue.add(keyOf(deployment));
        }
      }
      return;
    }
    const deployment = resolveController(deployments, set.metadata.namespace, reference);
    if (deployment !== undefined) {
      queue.add(keyOf(deployment));
    }
  };
  /** Recreate goes on when the last old pod is gone. */
  const podGone = (pod: Pod): void => {
    const set = resolveController(sets, pod.metadata.namespace, controllerOf(pod));
    const deployment = set === undefined ? undefined : resolveController(deployments, set.metadata.namespace, controllerOf(set));
    if (deployment?.spec.strategy?.type === 'Recreate') {
      queue.add(keyOf(deployment));
    }
  };
  deployments.on({
    added: (one) => { queue.add(keyOf(one)); },
    updated: (one) => { queue.add(keyOf(one)); },
    deleted: (one) => { queue.add(keyOf(one)); },
  });
  sets.on({
    added: enqueueForSet,
    updated: (set, old) => {
      if (!deepEqual(controllerOf(old), controllerOf(set)) && controllerOf(old) !== undefined) {
        enqueueForSet(old);
      }
      enqueueForSet(set);
    },
    deleted: enqueueForSet,
  });
  pods.on({
    updated: (pod, old) => {
      if (isTerminal(pod) && !isTerminal(old)) {
        podGone(pod);
      }
    },
    deleted: podGone,
  });
  return controller;
}
