/** A Deployment's counts and conditions, with Kubernetes' reasons and texts. */
import { findCondition, removeCondition, setCondition } from '../../apimachinery/conditions.ts';
import { formatTime } from '../../apimachinery/object.ts';
import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from '../../kinds/generated/apps.ts';
import { fenceposts, replicasOf } from './rolling.ts';

/** What a deadline of "never" is written as. */
const NO_DEADLINE = 2_147_483_647;

export type Conditions = DeploymentCondition[];

export function hasDeadline(deployment: Deployment): boolean {
  const seconds = deployment.spec.progressDeadlineSeconds;
  return seconds !== undefined && seconds !== NO_DEADLINE;
}

/** Adds or updates a condition; its lastUpdateTime is `now` when anything of it changes. */
export function putCondition(conditions: Conditions, type: string, status: string, reason: string, message: string): void {
  const current = findCondition(conditions, type);
  if (current?.status === status && current.reason === reason && current.message === message) {
    return;
  }
  setCondition(conditions, { type, status, reason, message, lastUpdateTime: formatTime() });
}

const sum = (sets: readonly ReplicaSet[], of: (set: ReplicaSet) => number | undefined): number =>
  sets.reduce((total, set) => total + (of(set) ?? 0), 0);

/** Counts from the sets, and the Available condition; the other conditions as given. */
export function deploymentStatus(deployment: Deployment, sets: readonly ReplicaSet[], newest: ReplicaSet | undefined, conditions: Conditions): DeploymentStatus {
  const replicas = sum(sets, (set) => set.status?.replicas);
  const available = sum(sets, (set) => set.status?.availableReplicas);
  const enough = available >= replicasOf(deployment) - fenceposts(deployment).maxUnavailable;
  const next = conditions.map((condition) => ({ ...condition }));
  putCondition(next, 'Available', enough ? 'True' : 'False',
    enough ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
    enough ? 'Deployment has minimum availability.' : 'Deployment does not have minimum availability.');
  const counts = {
    replicas, availableReplicas: available, unavailableReplicas: Math.max(0, replicas - available),
    updatedReplicas: newest?.status?.replicas ?? 0, readyReplicas: sum(sets, (set) => set.status?.readyReplicas),
    collisionCount: deployment.status?.collisionCount ?? 0,
  };
  return {
    ...Object.fromEntries(Object.entries(counts).filter(([, value]) => value !== 0)),
    terminatingReplicas: sum(sets, (set) => set.status?.terminatingReplicas),
    ...(deployment.metadata.generation === undefined ? {} : { observedGeneration: deployment.metadata.generation }),
    conditions: next,
  };
}

/** Every replica is of the newest template and available, and no old pod is left. */
export function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const desired = replicasOf(deployment);
  return (status.updatedReplicas ?? 0) === desired && (status.replicas ?? 0) === desired && (status.availableReplicas ?? 0) === desired
    && (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0);
}

function hasMoved(before: DeploymentStatus | undefined, after: DeploymentStatus): boolean {
  const old = (status: DeploymentStatus | undefined): number => (status?.replicas ?? 0) - (status?.updatedReplicas ?? 0);
  return (after.updatedReplicas ?? 0) > (before?.updatedReplicas ?? 0) || old(after) < old(before)
    || (after.readyReplicas ?? 0) > (before?.readyReplicas ?? 0) || (after.availableReplicas ?? 0) > (before?.availableReplicas ?? 0);
}

/** Milliseconds until the rollout is too late; negative when it is, undefined when no clock runs. */
export function deadlineIn(deployment: Deployment, conditions: Conditions | undefined, now: number): number | undefined {
  const progressing = findCondition(conditions, 'Progressing');
  if (!hasDeadline(deployment) || progressing === undefined || progressing.reason === 'NewReplicaSetAvailable') {
    return undefined;
  }
  if (progressing.reason === 'ProgressDeadlineExceeded') {
    return -1;
  }
  const since = Date.parse(progressing.lastUpdateTime ?? '') || now;
  return since + (deployment.spec.progressDeadlineSeconds ?? 0) * 1000 - now;
}

/** Brings the Progressing and ReplicaFailure conditions of `status` up to date. */
export function judgeProgress(
  deployment: Deployment, status: DeploymentStatus, sets: readonly ReplicaSet[], newest: ReplicaSet | undefined, now: number,
): void {
  const conditions = status.conditions ?? [];
  status.conditions = conditions;
  const current = findCondition(conditions, 'Progressing');
  const settled = (status.replicas ?? 0) === (status.updatedReplicas ?? 0) && current?.reason === 'NewReplicaSetAvailable';
  if (!hasDeadline(deployment)) {
    removeCondition(conditions, 'Progressing');
  } else if (!settled) {
    const subject = newest === undefined ? `Deployment "${deployment.metadata.name}"` : `ReplicaSet "${newest.metadata.name}"`;
    noteProgress(deployment, status, conditions, { subject, now });
  }
  const failed = newest === undefined ? sets : [newest, ...sets];
  const failure = failed.map((set) => findCondition(set.status?.conditions, 'ReplicaFailure')).find((one) => one !== undefined);
  if (failure === undefined) {
    removeCondition(conditions, 'ReplicaFailure');
  } else {
    putCondition(conditions, 'ReplicaFailure', failure.status, failure.reason ?? '', failure.message ?? '');
  }
}

function noteProgress(
  deployment: Deployment, status: DeploymentStatus, conditions: Conditions, { subject, now }: { subject: string; now: number },
): void {
  if (isComplete(deployment, status)) {
    putCondition(conditions, 'Progressing', 'True', 'NewReplicaSetAvailable', `${subject} has successfully progressed.`);
  } else if (hasMoved(deployment.status, status)) {
    // Progress restarts the clock even if the texts stay the same.
    setCondition(conditions, {
      type: 'Progressing', status: 'True', reason: 'ReplicaSetUpdated', message: `${subject} is progressing.`, lastUpdateTime: formatTime(new Date(now)),
    });
  } else if ((deadlineIn(deployment, conditions, now) ?? 1) < 0) {
    putCondition(conditions, 'Progressing', 'False', 'ProgressDeadlineExceeded', `${subject} has timed out progressing.`);
  }
}
