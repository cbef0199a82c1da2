/** The arithmetic of rolling updates and proportional scaling: pure, numbers in and numbers out. */
import type { Deployment, ReplicaSet } from '../../kinds/generated/apps.ts';
import { annotatedReplicas, DESIRED_REPLICAS, MAX_REPLICAS } from './annotations.ts';

export function replicasOf(object: { spec: { replicas?: number } }): number {
  return object.spec.replicas ?? 1;
}

export function totalReplicas(sets: readonly ReplicaSet[]): number {
  return sets.reduce((sum, set) => sum + replicasOf(set), 0);
}

export function isRolling(deployment: Deployment): boolean {
  return (deployment.spec.strategy?.type ?? 'RollingUpdate') === 'RollingUpdate';
}

/** `25%` of `total`, or the number itself. */
export function resolveIntOrPercent(value: number | string | undefined, total: number, round: (n: number) => number): number {
  if (typeof value === 'number') {
    return value;
  }
  const match = /^(\d+)%$/.exec(value ?? '25%');
  if (match === null) {
    return Number(value) || 0;
  }
  return round((Number(match[1]) * total) / 100);
}

export interface Fenceposts {
  maxSurge: number;
  maxUnavailable: number;
}

/** How far a rolling update may go above and below the replicas asked for: both zero would never move. */
export function fenceposts(deployment: Deployment): Fenceposts {
  if (!isRolling(deployment)) {
    return { maxSurge: 0, maxUnavailable: 0 };
  }
  const desired = replicasOf(deployment);
  const rolling = deployment.spec.strategy?.rollingUpdate;
  const maxSurge = resolveIntOrPercent(rolling?.maxSurge, desired, Math.ceil);
  const maxUnavailable = resolveIntOrPercent(rolling?.maxUnavailable, desired, Math.floor);
  return { maxSurge, maxUnavailable: Math.min(maxSurge === 0 && maxUnavailable === 0 ? 1 : maxUnavailable, desired) };
}

/** What a set's annotations should say of the deployment's size. */
export function sizeAnnotations(deployment: Deployment): Record<string, string> {
  const desired = replicasOf(deployment);
  return { [DESIRED_REPLICAS]: String(desired), [MAX_REPLICAS]: String(desired + fenceposts(deployment).maxSurge) };
}

/** Replicas the newest set may have now, given all sets of the deployment. */
export function newSetReplicas(deployment: Deployment, sets: readonly ReplicaSet[], current: number): number {
  const desired = replicasOf(deployment);
  if (!isRolling(deployment)) {
    return desired;
  }
  const room = desired + fenceposts(deployment).maxSurge - totalReplicas(sets);
  return room <= 0 ? current : current + Math.max(0, Math.min(room, desired - current));
}

export interface Resize {
  set: ReplicaSet;
  replicas: number;
}

const byAge = (a: ReplicaSet, b: ReplicaSet): number => {
  const [x, y] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? ''];
  return x === y ? (a.metadata.name < b.metadata.name ? -1 : 1) : (x < y ? -1 : 1);
};

export function oldestFirst(sets: readonly ReplicaSet[]): ReplicaSet[] {
  return [...sets].sort(byAge);
}

/**
 * Which old sets may shrink in this step without having fewer than `replicas - maxUnavailable` pods available:
 * first their pods that are not available anyway, then the rest.
 */
export function shrinkOldSets(deployment: Deployment, newest: ReplicaSet, old: readonly ReplicaSet[]): Resize[] {
  const minAvailable = replicasOf(deployment) - fenceposts(deployment).maxUnavailable;
  const newUnavailable = replicasOf(newest) - (newest.status?.availableReplicas ?? 0);
  let spare = totalReplicas([...old, newest]) - minAvailable - newUnavailable;
  if (totalReplicas(old) === 0 || spare <= 0) {
    return [];
  }
  const sizes = new Map(oldestFirst(old).filter((set) => replicasOf(set) > 0).map((set) => [set, replicasOf(set)]));
  for (const [set, size] of sizes) {
    const unhealthy = Math.min(spare, size - Math.min(size, set.status?.availableReplicas ?? 0));
    spare -= unhealthy;
    sizes.set(set, size - unhealthy);
  }
  const available = [...old, newest].reduce((sum, set) => sum + (set.status?.availableReplicas ?? 0), 0);
  let removable = available - minAvailable;
  for (const [set, size] of sizes) {
    const count = Math.min(size, Math.max(0, removable));
    removable -= count;
    sizes.set(set, size - count);
  }
  return [...sizes].filter(([set, size]) => size !== replicasOf(set)).map(([set, replicas]) => ({ set, replicas }));
}

/** When a deployment is resized amid a rollout: every set with pods gets its share of the difference. */
export function proportionalSizes(deployment: Deployment, sets: readonly ReplicaSet[]): Resize[] {
  const active = sets.filter((set) => replicasOf(set) > 0);
  const desired = replicasOf(deployment);
  const allowed = desired > 0 ? desired + fenceposts(deployment).maxSurge : 0;
  const toAdd = allowed - totalReplicas(active);
  // The largest take most: on a tie the newest grow, the oldest shrink.
  const sorted = [...active].sort((a, b) => replicasOf(b) - replicasOf(a) || (toAdd > 0 ? byAge(b, a) : byAge(a, b)));
  let added = 0;
  const sizes = sorted.map((set) => {
    const share = toAdd === 0 ? 0 : shareOf(deployment, set, toAdd, added);
    added += share;
    return { set, replicas: replicasOf(set) + share };
  });
  const [first] = sizes;
  if (first !== undefined && toAdd !== 0) {
    first.replicas = Math.max(0, first.replicas + toAdd - added);
  }
  return sizes;
}

function shareOf(deployment: Deployment, set: ReplicaSet, toAdd: number, added: number): number {
  const left = toAdd - added;
  const fraction = fractionOf(deployment, set);
  return toAdd > 0 ? Math.min(fraction, left) : Math.max(fraction, left);
}

function fractionOf(deployment: Deployment, set: ReplicaSet): number {
  const desired = replicasOf(deployment);
  const size = replicasOf(set);
  if (desired === 0) {
    return -size;
  }
  const before = annotatedReplicas(set, MAX_REPLICAS) ?? deployment.status?.replicas ?? size;
  const scaled = (size * (desired + fenceposts(deployment).maxSurge)) / (before === 0 ? size : before);
  return Math.round(scaled) - size;
}
