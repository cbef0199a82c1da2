/** One reconcile of one Deployment: which sets exist, which grow and shrink, what the status says. */
import { controllerReference } from '../../apimachinery/object.ts';
import { isStatusError } from '../../apimachinery/status.ts';
import { deepClone, deepEqual } from '../../apimachinery/values.ts';
import type { Client } from '../../client/client.ts';
import type { Requeue } from '../../client/controller.ts';
import type { EventRecorder } from '../../client/events.ts';
import { DEPLOYMENTS, REPLICASETS } from '../../client/resources.ts';
import type { Deployment, DeploymentStatus, ReplicaSet } from '../../kinds/generated/apps.ts';
import { messageOf } from '../shared/errors.ts';
import { isNamespaceTerminating } from '../shared/podcontrol.ts';
import { annotatedReplicas, DESIRED_REPLICAS, newSetAnnotations, REVISION, revisionOf } from './annotations.ts';
import {
  isRolling, newSetReplicas, oldestFirst, proportionalSizes, replicasOf, shrinkOldSets, sizeAnnotations,
} from './rolling.ts';
import { deadlineIn, deploymentStatus, hasDeadline, isComplete, judgeProgress, putCondition, type Conditions } from './status.ts';
import { newestSet, sameTemplate, TEMPLATE_HASH, templateHash } from './template.ts';

export interface RolloutTools {
  client: Client;
  recorder: EventRecorder;
  /** Whether any pod of the given sets still runs or ends: Recreate waits for them. */
  podsLeft(sets: readonly ReplicaSet[]): boolean;
}

/** After a deadline passes, look a moment later: times have whole seconds. */
const DEADLINE_SLACK_MS = 1000;

export class Rollout {
  readonly #tools: RolloutTools;
  readonly #deployment: Deployment;
  readonly #conditions: Conditions;
  #sets: ReplicaSet[];
  #newest: ReplicaSet | undefined;
  #old: ReplicaSet[];

  constructor(tools: RolloutTools, deployment: Deployment, sets: readonly ReplicaSet[]) {
    this.#tools = tools;
    this.#deployment = deployment;
    this.#sets = [...sets];
    this.#conditions = (deployment.status?.conditions ?? []).map((condition) => ({ ...condition }));
    this.#newest = newestSet(deployment, sets);
    this.#old = sets.filter((set) => set !== this.#newest);
  }

  async run(): Promise<Requeue | undefined> {
    const deployment = this.#deployment;
    if (deployment.metadata.deletionTimestamp !== undefined) {
      return await this.#writeStatus(this.#status());
    }
    this.#notePause();
    if (deployment.spec.paused === true || this.#isResized()) {
      await this.#syncNewest(false);
      await this.#resize();
      if (deployment.spec.paused === true) {
        await this.#forgetHistory();
      }
      return await this.#writeStatus(this.#status());
    }
    if (isRolling(deployment)) {
      await this.#roll();
    } else {
      await this.#recreate();
    }
    const status = this.#status();
    judgeProgress(deployment, status, this.#sets, this.#newest, Date.now());
    if (isComplete(deployment, status)) {
      await this.#forgetHistory();
    }
    return await this.#writeStatus(status);
  }

  async #roll(): Promise<void> {
    const newest = await this.#syncNewest(true);
    if (newest === undefined) {
      return;
    }
    const size = replicasOf(newest);
    const desired = replicasOf(this.#deployment);
    const wanted = size > desired ? desired : newSetReplicas(this.#deployment, this.#sets, size);
    if (await this.#scale(newest, wanted)) {
      return;
    }
    for (const { set, replicas } of shrinkOldSets(this.#deployment, newest, this.#old)) {
      await this.#scale(set, replicas);
    }
  }

  async #recreate(): Promise<void> {
    await this.#syncNewest(false);
    let scaled = false;
    for (const set of this.#old) {
      scaled = (replicasOf(set) > 0 && await this.#scale(set, 0)) || scaled;
    }
    if (scaled || this.#tools.podsLeft(this.#old)) {
      return;
    }
    const newest = await this.#syncNewest(true);
    if (newest !== undefined) {
      await this.#scale(newest, replicasOf(this.#deployment));
    }
  }

  /** While paused, or when the deployment's size changed: no rollout, only sizes. */
  async #resize(): Promise<void> {
    const active = this.#sets.filter((set) => replicasOf(set) > 0);
    const only = active.length > 1 ? undefined : active[0] ?? this.#newest ?? oldestFirst(this.#old).at(-1);
    if (only !== undefined) {
      await this.#scale(only, replicasOf(this.#deployment));
      return;
    }
    const newest = this.#newest;
    if (newest !== undefined && this.#isSaturated(newest)) {
      for (const set of this.#old) {
        await this.#scale(set, 0);
      }
    } else if (isRolling(this.#deployment)) {
      for (const { set, replicas } of proportionalSizes(this.#deployment, this.#sets)) {
        await this.#scale(set, replicas);
      }
    }
  }

  #isSaturated(newest: ReplicaSet): boolean {
    const desired = replicasOf(this.#deployment);
    return annotatedReplicas(newest, DESIRED_REPLICAS) === desired && replicasOf(newest) === desired
      && (newest.status?.availableReplicas ?? 0) === desired;
  }

  #isResized(): boolean {
    const desired = replicasOf(this.#deployment);
    return this.#sets.some((set) => replicasOf(set) > 0 && (annotatedReplicas(set, DESIRED_REPLICAS) ?? desired) !== desired);
  }

  #notePause(): void {
    if (!hasDeadline(this.#deployment)) {
      return;
    }
    const current = this.#conditions.find((condition) => condition.type === 'Progressing');
    const paused = this.#deployment.spec.paused === true;
    if (current?.reason === 'ProgressDeadlineExceeded') {
      return;
    }
    if (paused && current?.reason !== 'DeploymentPaused') {
      putCondition(this.#conditions, 'Progressing', 'Unknown', 'DeploymentPaused', 'Deployment is paused');
    } else if (!paused && current?.reason === 'DeploymentPaused') {
      putCondition(this.#conditions, 'Progressing', 'Unknown', 'DeploymentResumed', 'Deployment is resumed');
    }
  }

  /** Brings the newest set's revision and annotations up to date, or makes it when `create`. */
  async #syncNewest(create: boolean): Promise<ReplicaSet | undefined> {
    const revision = Math.max(0, ...this.#old.map(revisionOf)) + 1;
    if (this.#newest === undefined) {
      return create ? await this.#create(revision) : undefined;
    }
    const newest = this.#newest;
    const annotations = newSetAnnotations(this.#deployment, newest.metadata.annotations ?? {}, revision);
    const minReadySeconds = this.#deployment.spec.minReadySeconds ?? 0;
    if (!deepEqual(annotations, newest.metadata.annotations ?? {}) || (newest.spec.minReadySeconds ?? 0) !== minReadySeconds) {
      this.#replace(newest, await this.#tools.client.update(REPLICASETS, {
        ...newest, metadata: { ...newest.metadata, annotations }, spec: { ...newest.spec, minReadySeconds },
      }));
    }
    if (hasDeadline(this.#deployment) && !this.#conditions.some((condition) => condition.type === 'Progressing')) {
      putCondition(this.#conditions, 'Progressing', 'True', 'FoundNewReplicaSet', `Found new replica set "${newest.metadata.name}"`);
    }
    await this.#noteRevision(annotations[REVISION]);
    return this.#newest;
  }

  async #create(revision: number): Promise<ReplicaSet | undefined> {
    const { client, recorder } = this.#tools;
    const deployment = this.#deployment;
    const desired = this.#newSet(revision);
    try {
      const created = await client.create(REPLICASETS, desired);
      this.#adopt(created);
      if (replicasOf(created) > 0) {
        recorder.event(deployment, 'Normal', 'ScalingReplicaSet', `Scaled up replica set ${created.metadata.name} from 0 to ${replicasOf(created)}`);
      }
      if (hasDeadline(deployment)) {
        putCondition(this.#conditions, 'Progressing', 'True', 'NewReplicaSetCreated', `Created new replica set "${created.metadata.name}"`);
      }
    } catch (error) {
      if (isNamespaceTerminating(error)) {
        return undefined;
      }
      if (isStatusError(error, 'AlreadyExists')) {
        this.#adopt(await this.#existing(desired));
      } else {
        await this.#noteCreateError(error, desired);
        throw error;
      }
    }
    await this.#noteRevision(String(revision));
    return this.#newest;
  }

  #newSet(revision: number): ReplicaSet {
    const deployment = this.#deployment;
    const hash = templateHash(deployment.spec.template, deployment.status?.collisionCount ?? 0);
    const template = deepClone(deployment.spec.template);
    template.metadata = { ...template.metadata ?? { name: '' }, labels: { ...template.metadata?.labels, [TEMPLATE_HASH]: hash } };
    const { name, namespace } = deployment.metadata;
    return {
      apiVersion: 'apps/v1', kind: 'ReplicaSet',
      metadata: {
        name: `${name}-${hash}`, ...(namespace === undefined ? {} : { namespace }),
        labels: { ...template.metadata.labels },
        annotations: { ...newSetAnnotations(deployment, {}, revision), ...sizeAnnotations(deployment) },
        ownerReferences: [controllerReference(deployment)],
      },
      spec: {
        replicas: newSetReplicas(deployment, this.#sets, 0),
        selector: { ...deployment.spec.selector, matchLabels: { ...deployment.spec.selector.matchLabels, [TEMPLATE_HASH]: hash } },
        template,
        ...(deployment.spec.minReadySeconds === undefined ? {} : { minReadySeconds: deployment.spec.minReadySeconds }),
      },
    };
  }

  /** A set of that name is there: ours after all (the cache was behind), or a collision of hashes. */
  async #existing(desired: ReplicaSet): Promise<ReplicaSet> {
    const { client } = this.#tools;
    const deployment = this.#deployment;
    const found = await client.get(REPLICASETS, desired.metadata.name, desired.metadata.namespace);
    const ours = found.metadata.ownerReferences?.some((reference) => reference.controller === true && reference.uid === deployment.metadata.uid);
    if (ours === true && sameTemplate(found.spec.template, deployment.spec.template)) {
      return found;
    }
    await client.updateStatus(DEPLOYMENTS, {
      ...deployment, status: { ...deployment.status, collisionCount: (deployment.status?.collisionCount ?? 0) + 1 },
    });
    throw new Error(`a replica set ${found.metadata.name} of something else exists, will take another name`);
  }

  async #noteCreateError(error: unknown, desired: ReplicaSet): Promise<void> {
    const message = `Failed to create new replica set "${desired.metadata.name}": ${messageOf(error)}`;
    this.#tools.recorder.event(this.#deployment, 'Warning', 'ReplicaSetCreateError', message);
    if (hasDeadline(this.#deployment)) {
      putCondition(this.#conditions, 'Progressing', 'False', 'ReplicaSetCreateError', message);
      await this.#writeStatus(this.#status());
    }
  }

  async #noteRevision(revision: string | undefined): Promise<void> {
    const { metadata } = this.#deployment;
    if (revision !== undefined && metadata.annotations?.[REVISION] !== revision) {
      const updated = await this.#tools.client.patch(DEPLOYMENTS, {
        name: metadata.name, namespace: metadata.namespace, type: 'merge', body: { metadata: { annotations: { [REVISION]: revision } } },
      });
      // The status written later must not meet its own change as a conflict.
      this.#deployment.metadata = updated.metadata;
    }
  }

  #adopt(set: ReplicaSet): void {
    this.#newest = set;
    this.#sets.push(set);
  }

  #replace(before: ReplicaSet, after: ReplicaSet): void {
    this.#sets = this.#sets.map((set) => (set === before ? after : set));
    this.#old = this.#old.map((set) => (set === before ? after : set));
    if (this.#newest === before) {
      this.#newest = after;
    }
  }

  /** True when the number of replicas changed. */
  async #scale(set: ReplicaSet, replicas: number): Promise<boolean> {
    const before = replicasOf(set);
    const annotations = { ...set.metadata.annotations, ...sizeAnnotations(this.#deployment) };
    if (before === replicas && deepEqual(annotations, set.metadata.annotations)) {
      return false;
    }
    const updated = await this.#tools.client.update(REPLICASETS, {
      ...set, metadata: { ...set.metadata, annotations }, spec: { ...set.spec, replicas },
    });
    this.#replace(set, updated);
    if (before !== replicas) {
      this.#tools.recorder.event(this.#deployment, 'Normal', 'ScalingReplicaSet',
        `Scaled ${replicas > before ? 'up' : 'down'} replica set ${set.metadata.name} from ${before} to ${replicas}`);
    }
    return before !== replicas;
  }

  /** Deletes the oldest empty sets beyond revisionHistoryLimit. */
  async #forgetHistory(): Promise<void> {
    const limit = this.#deployment.spec.revisionHistoryLimit ?? 10;
    const empty = this.#old.filter((set) => set.metadata.deletionTimestamp === undefined);
    const surplus = empty.length - limit;
    const oldest = [...empty].sort((a, b) => revisionOf(a) - revisionOf(b)).slice(0, Math.max(0, surplus));
    for (const set of oldest) {
      const idle = replicasOf(set) === 0 && (set.status?.replicas ?? 0) === 0 && (set.status?.observedGeneration ?? 0) >= (set.metadata.generation ?? 0);
      if (idle) {
        try {
          await this.#tools.client.delete(REPLICASETS, set.metadata.name, set.metadata.namespace, { propagationPolicy: 'Background' });
        } catch (error) {
          if (!isStatusError(error, 'NotFound')) {
            throw error;
          }
        }
      }
    }
  }

  #status(): DeploymentStatus {
    return deploymentStatus(this.#deployment, this.#sets, this.#newest, this.#conditions);
  }

  async #writeStatus(status: DeploymentStatus): Promise<Requeue | undefined> {
    if (!deepEqual(status, this.#deployment.status)) {
      await this.#tools.client.updateStatus(DEPLOYMENTS, { ...this.#deployment, status });
    }
    const wait = deadlineIn(this.#deployment, status.conditions, Date.now());
    return wait === undefined || wait < 0 || this.#deployment.spec.paused === true ? undefined : { requeueAfterMs: wait + DEADLINE_SLACK_MS };
  }
}
