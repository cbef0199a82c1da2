/** Keeps the numbers of PodDisruptionBudgets, by which the eviction of a pod is allowed or refused. */
import { keyOf, type KubeObject } from '../../apimachinery/object.ts';
import { matchesLabels, selectorFromObject, selectorToString } from '../../apimachinery/selectors.ts';
import { deepEqual } from '../../apimachinery/values.ts';
import { NAMESPACE_INDEX } from '../../client/cache.ts';
import { newController, type Controller } from '../../client/controller.ts';
import type { Informer } from '../../client/informer.ts';
import { DEPLOYMENTS, PODDISRUPTIONBUDGETS, PODS, REPLICASETS, REPLICATIONCONTROLLERS, STATEFULSETS } from '../../client/resources.ts';
import type { Pod } from '../../kinds/generated/core.ts';
import type { ControllerContext } from '../context.ts';
import { budgetStatus, type Scale } from './budget.ts';

/** A controller of pods that has a size. */
interface Sized extends KubeObject {
  spec?: { replicas?: number };
}

const DEFAULT_REPLICAS = 1;

const controllerOf = (object: KubeObject): { kind: string; name: string; uid: string } | undefined =>
  (object.metadata.ownerReferences ?? []).find(({ controller }) => controller === true);

/** Reads the sizes of pods' controllers; a ReplicaSet's counts as that of its Deployment, which outlives it. */
class Scales {
  readonly #byKind: Readonly<Record<string, Informer<Sized>>>;

  constructor(byKind: Readonly<Record<string, Informer<Sized>>>) {
    this.#byKind = byKind;
  }

  /** The sum over the pods' controllers. */
  of(pods: readonly Pod[]): Scale {
    const sizes = new Map<string, number>();
    for (const pod of pods.filter((one) => controllerOf(one) !== undefined)) {
      const owner = this.#top(pod);
      if (owner === undefined) {
        return { problem: `found no controllers for pod ${JSON.stringify(pod.metadata.name)}` };
      }
      sizes.set(owner.metadata.uid ?? keyOf(owner), owner.spec?.replicas ?? DEFAULT_REPLICAS);
    }
    return { size: [...sizes.values()].reduce((sum, size) => sum + size, 0) };
  }

  #owner(object: KubeObject): Sized | undefined {
    const reference = controllerOf(object);
    const owner = reference === undefined ? undefined : this.#byKind[reference.kind]?.get(`${object.metadata.namespace ?? ''}/${reference.name}`);
    return owner?.metadata.uid === reference?.uid ? owner : undefined;
  }

  #top(pod: Pod): Sized | undefined {
    const owner = this.#owner(pod);
    return owner === undefined || controllerOf(owner) === undefined ? owner : this.#owner(owner) ?? owner;
  }
}

export function disruptionController(context: ControllerContext): Controller {
  const { client, informers, recorder } = context;
  const budgets = informers.for(PODDISRUPTIONBUDGETS);
  const pods = informers.for(PODS);
  const sized: Readonly<Record<string, Informer<Sized>>> = {
    Deployment: informers.for<Sized>(DEPLOYMENTS), ReplicaSet: informers.for<Sized>(REPLICASETS),
    StatefulSet: informers.for<Sized>(STATEFULSETS), ReplicationController: informers.for<Sized>(REPLICATIONCONTROLLERS),
  };
  const scales = new Scales(sized);
  const events = recorder.as('controllermanager');

  const reconcile = async (key: string): Promise<{ requeueAfterMs: number } | undefined> => {
    const budget = budgets.get(key);
    if (budget === undefined || budget.metadata.deletionTimestamp !== undefined) {
      return undefined;
    }
    const selector = selectorFromObject(budget.spec.selector);
    const selected = pods.byIndex(NAMESPACE_INDEX, budget.metadata.namespace ?? '').filter((pod) => matchesLabels(selector, pod.metadata.labels));
    if (selected.length === 0) {
      events.event(budget, 'Normal', 'NoPods', 'No matching pods found');
    }
    if (selected.some((pod) => controllerOf(pod) === undefined) && typeof budget.spec.minAvailable !== 'number') {
      events.event(budget, 'Warning', 'UnmanagedPods', `Pods selected by this PodDisruptionBudget (selector: ${selectorToString(selector)}) were found to be unmanaged. `
        + 'As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. '
        + 'To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.');
    }
    const { status, requeueAfterMs, problem } = budgetStatus({ budget, pods: selected, scale: scales.of(selected), now: Date.now() });
    if (problem !== undefined) {
      events.event(budget, 'Warning', 'CalculateExpectedPodCountFailed', `Failed to calculate the number of expected pods: ${problem}`);
    }
    if (!deepEqual(status, budget.status)) {
      await client.updateStatus(PODDISRUPTIONBUDGETS, { ...budget, status });
    }
    return requeueAfterMs === undefined ? undefined : { requeueAfterMs };
  };

  const controller = newController({
    name: 'disruption', log: context.log, reconcile,
    before: (signal) => Promise.all([budgets.start(signal), pods.start(signal), ...Object.values(sized).map((informer) => informer.start(signal))]),
  });
  const { queue } = controller;
  /** All budgets of a namespace: there are few of them, and a size concerns whichever select its pods. */
  const lookIn = ({ metadata }: KubeObject): void => {
    for (const budget of budgets.byIndex(NAMESPACE_INDEX, metadata.namespace ?? '')) {
      queue.add(keyOf(budget));
    }
  };
  const ofPod = (pod: Pod): void => {
    for (const budget of budgets.byIndex(NAMESPACE_INDEX, pod.metadata.namespace ?? '')) {
      if (matchesLabels(selectorFromObject(budget.spec.selector), pod.metadata.labels)) {
        queue.add(keyOf(budget));
      }
    }
  };
  budgets.on({ added: (budget) => queue.add(keyOf(budget)), updated: (budget) => queue.add(keyOf(budget)) });
  pods.on({
    added: ofPod, deleted: ofPod,
    updated: (pod, old) => {
      ofPod(pod);
      ofPod(old);
    },
  });
  const resized = (now: Sized, old: Sized): void => {
    if (now.spec?.replicas !== old.spec?.replicas) {
      lookIn(now);
    }
  };
  for (const informer of Object.values(sized)) {
    informer.on({ updated: resized });
  }
  return controller;
}
