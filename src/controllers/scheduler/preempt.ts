/** Making room for a pod that fits nowhere: which pods must go, and telling them. What is promised to whom is remembered until it is bound. */
import { setCondition } from '../../apimachinery/conditions.ts';
import { keyOf } from '../../apimachinery/object.ts';
import { isStatusError } from '../../apimachinery/status.ts';
import type { Client } from '../../client/client.ts';
import type { EventRecorder } from '../../client/events.ts';
import { PODS } from '../../client/resources.ts';
import type { Pod } from '../../kinds/generated/core.ts';
import type { ResourceClaim } from '../../kinds/generated/resource.ts';
import type { PodDisruptionBudget } from '../../kinds/generated/policy.ts';
import { allocate, takenOf } from '../../placement/devices/allocate.ts';
import type { Needs, Sources } from '../../placement/devices/needs.ts';
import { claimNameOf, pendingOn, reaches } from '../../placement/devices/needs.ts';
import type { Taken } from '../../placement/devices/usage.ts';
import { misfits, unwelcome } from '../../placement/fit.ts';
import { interPodVerdict, type Cluster } from '../../placement/interpod.ts';
import type { NodeInfo, PlacedPod } from '../../placement/nodeinfo.ts';
import { choosePreemption, type Preemption } from '../../placement/preemption.ts';
import { isClaimFault, uncountedBy } from './decide.ts';

interface Promised {
  readonly node: string;
  readonly placed: PlacedPod;
  readonly priority: number;
  readonly devices: boolean;
}

/** Pods that wait for others to leave the node they were promised. */
export class Nominations {
  readonly #promised = new Map<string, Promised>();

  set(key: string, promise: Promised): void {
    this.#promised.set(key, promise);
  }

  remove(key: string): void {
    this.#promised.delete(key);
  }

  nodeOf(key: string): string | undefined {
    return this.#promised.get(key)?.node;
  }

  /** Looks at nodes as if all were there that must not be pushed aside by a pod of this priority. */
  counting<T>(key: string, priority: number, cluster: Cluster, look: (kept: ReadonlySet<string>) => T): T {
    const others = [...this.#promised].filter(([other, one]) => other !== key && one.priority >= priority);
    if (others.length === 0) {
      return look(new Set());
    }
    const placed: [NodeInfo, string][] = [];
    for (const [other, { node, placed: pod }] of others) {
      const info = cluster.nodes.find(({ name }) => name === node);
      if (info !== undefined && !info.pods.has(other)) {
        info.place(pod);
        placed.push([info, other]);
      }
    }
    try {
      return look(new Set(others.filter(([, { devices }]) => devices).map(([, { node }]) => node)));
    } finally {
      placed.forEach(([info, other]) => { info.remove(other); });
    }
  }
}

export interface PreemptInput {
  readonly placed: PlacedPod;
  readonly priority: number;
  readonly needs: Needs | undefined;
  readonly cluster: Cluster;
  readonly sources: Sources;
  readonly budgets: readonly PodDisruptionBudget[];
  readonly priorityOf: (pod: Pod) => number;
}

/** Claims that only this pod holds: their devices are free when it has gone. */
function ownClaims(pod: Pod, { claim }: Sources): ResourceClaim[] {
  const { namespace = '' } = pod.metadata;
  const names = (pod.spec.resourceClaims ?? []).flatMap((entry) => {
    try {
      return [claimNameOf(pod, entry)];
    } catch (error) {
      if (isClaimFault(error)) {
        return [];
      }
      throw error;
    }
  });
  return [...names, pod.status?.extendedResourceClaimStatus?.resourceClaimName].flatMap((name) => (name === undefined ? [] : [claim(`${namespace}/${name}`)]))
    .filter((one) => one !== undefined)
    .filter(({ status }) => (status?.reservedFor ?? []).every(({ uid }) => uid === pod.metadata.uid));
}

/** Which pods must go, and from where; undefined when that would not help either. */
export function findPreemption({ placed, priority, needs, cluster, sources, budgets, priorityOf }: PreemptInput): Preemption | undefined {
  const { inventory } = sources;
  const uncounted = uncountedBy(needs, inventory);
  const fits = (info: NodeInfo): boolean => {
    if (misfits(placed, info, uncounted).length > 0 || interPodVerdict(placed.pod, cluster)(info) !== undefined) {
      return false;
    }
    if (needs === undefined) {
      return true;
    }
    const outcome = allocate(pendingOn(needs, info, inventory), { node: info.node, inventory, usage: inventory.usage });
    if (outcome.ok) {
      [...outcome.allocation.values()].flat().filter(({ ask }) => !ask.admin).forEach((choice) => { inventory.usage.free(takenOf(choice)); });
    }
    return outcome.ok;
  };
  const without = (info: NodeInfo, victim: PlacedPod): (() => void) => {
    const taken: Taken[] = ownClaims(victim.pod, sources).flatMap((claim) => inventory.takenBy(keyOf(claim)));
    info.remove(victim.key);
    taken.forEach((one) => { inventory.usage.free(one); });
    return () => {
      info.place(victim);
      taken.forEach((one) => { inventory.usage.take(one); });
    };
  };
  const nodes = cluster.nodes.filter((info) => unwelcome(placed, info) === undefined && (needs === undefined || reaches(needs.allocated, info.node)));
  return choosePreemption(priority, { nodes, priorityOf, budgets, fits, without });
}

/** Whether the node it was promised is still being cleared for it: nothing more has to go. */
export function isBeingCleared(info: NodeInfo | undefined, priority: number, priorityOf: (pod: Pod) => number): boolean {
  return info !== undefined && [...info.pods.values()].some(({ pod }) => pod.metadata.deletionTimestamp !== undefined && priorityOf(pod) < priority);
}

/** Tells the pod where it will go, and the victims to go; victims that have gone meanwhile are no error. */
export async function preempt(pod: Pod, { info, victims }: Preemption, { client, recorder }: { client: Client; recorder: EventRecorder }): Promise<void> {
  const { name, namespace, uid } = pod.metadata;
  await client.patch(PODS, { name, namespace, type: 'merge', subresource: 'status', body: { metadata: { uid }, status: { nominatedNodeName: info.name } } });
  for (const { pod: victim } of victims) {
    await tolerating('NotFound', 'Conflict', () => evict(victim, client));
    recorder.event(victim, 'Normal', 'Preempted', `Preempted by pod ${uid ?? name} on node ${info.name}`);
  }
}

async function evict(victim: Pod, client: Client): Promise<void> {
  const { name, namespace, uid } = victim.metadata;
  if (victim.metadata.deletionTimestamp !== undefined) {
    return;
  }
  const conditions = (victim.status?.conditions ?? []).map((condition) => ({ ...condition }));
  setCondition(conditions, { type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler', message: 'default-scheduler: preempting to accommodate a higher priority pod' });
  await client.patch(PODS, { name, namespace, type: 'merge', subresource: 'status', body: { metadata: { uid }, status: { conditions } } });
  await client.delete(PODS, name, namespace, uid === undefined ? {} : { preconditions: { uid } });
}

async function tolerating(first: 'NotFound', second: 'Conflict', act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!isStatusError(error, first) && !isStatusError(error, second)) {
      throw error;
    }
  }
}
