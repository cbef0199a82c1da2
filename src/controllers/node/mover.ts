/** Pods that cannot stay where they are: on a tainted node, on one that is gone, or on one nobody hears from. */
import { findCondition, setCondition } from '../../apimachinery/conditions.ts';
import { formatTime, keyOf } from '../../apimachinery/object.ts';
import { isStatusError } from '../../apimachinery/status.ts';
import type { Client } from '../../client/client.ts';
import type { Requeue } from '../../client/controller.ts';
import type { EventRecorder } from '../../client/events.ts';
import type { Informer } from '../../client/informer.ts';
import { NODES, PODS } from '../../client/resources.ts';
import type { Node, Pod, PodCondition } from '../../kinds/generated/core.ts';
import type { ControllerContext } from '../context.ts';
import { isTerminal } from '../shared/pods.ts';
import { mayStaySeconds } from './taints.ts';

const NODE_INDEX = 'node/pods';
/** A node must be gone for so long before its pods are. */
const GONE_GRACE_MS = 40_000;

export class PodMover {
  readonly #client: Client;
  readonly #recorder: EventRecorder;
  readonly #pods: Informer<Pod>;
  readonly #nodes: Informer<Node>;
  /** Pod → what makes it leave and since when, by this process's monotonic clock. */
  readonly #since = new Map<string, { why: string; at: number }>();

  constructor({ client, informers }: ControllerContext, recorder: EventRecorder) {
    this.#client = client;
    this.#recorder = recorder;
    this.#pods = informers.for(PODS);
    this.#nodes = informers.for(NODES);
    this.#pods.addIndex(NODE_INDEX, (pod) => (pod.spec.nodeName ? [pod.spec.nodeName] : []));
  }

  podsOn(node: string): Pod[] {
    return this.#pods.byIndex(NODE_INDEX, node);
  }

  /** Whether the pod's node gives any reason to look at it. */
  concerns(pod: Pod): boolean {
    if (!pod.spec.nodeName || !this.#nodes.synced) {
      return false;
    }
    const node = this.#nodes.get(pod.spec.nodeName);
    return node === undefined || (node.spec.taints ?? []).some((taint) => taint.effect === 'NoExecute');
  }

  forget(key: string): void {
    this.#since.delete(key);
  }

  async reconcile(key: string): Promise<void | Requeue> {
    const pod = this.#pods.get(key);
    if (pod === undefined || !pod.spec.nodeName) {
      this.forget(key);
      return undefined;
    }
    const node = this.#nodes.get(pod.spec.nodeName);
    return node === undefined ? await this.#nodeGone(key, pod) : await this.#tainted(key, pod, node);
  }

  async #tainted(key: string, pod: Pod, node: Node): Promise<void | Requeue> {
    const seconds = mayStaySeconds(pod, node.spec.taints);
    if (seconds === Infinity || pod.metadata.deletionTimestamp !== undefined) {
      this.forget(key);
      return undefined;
    }
    const left = this.#left(key, 'taint', seconds * 1000);
    if (left > 0) {
      return { requeueAfterMs: left };
    }
    this.#recorder.as('taint-eviction-controller').event(pod, 'Normal', 'TaintManagerEviction', `Marking for deletion Pod ${key}`);
    await this.#disrupt(pod, { reason: 'DeletionByTaintManager', message: 'Taint manager: deleting due to NoExecute taint' });
    await this.#delete(pod, undefined);
    return undefined;
  }

  async #nodeGone(key: string, pod: Pod): Promise<void | Requeue> {
    const left = this.#left(key, 'gone', GONE_GRACE_MS);
    if (left > 0) {
      return { requeueAfterMs: left };
    }
    try {
      await this.#client.get(NODES, pod.spec.nodeName ?? '');
      this.forget(key);
      return undefined;
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) {
        throw error;
      }
    }
    await this.#disrupt(pod, { reason: 'DeletionByPodGC', message: 'PodGC: node no longer exists' }, isTerminal(pod) ? {} : { phase: 'Failed' });
    await this.#delete(pod, 0);
    return undefined;
  }

  #left(key: string, why: string, waitMs: number): number {
    const now = performance.now();
    let since = this.#since.get(key);
    if (since?.why !== why) {
      since = { why, at: now };
      this.#since.set(key, since);
    }
    return since.at + waitMs - now;
  }

  async #disrupt(pod: Pod, why: { reason: string; message: string }, more: { phase?: string } = {}): Promise<void> {
    await this.#setCondition(pod, { type: 'DisruptionTarget', status: 'True', ...why }, more);
  }

  async #setCondition(pod: Pod, condition: PodCondition, more: { phase?: string } = {}): Promise<void> {
    const conditions = (pod.status?.conditions ?? []).map((one) => ({ ...one }));
    if (!setCondition(conditions, condition) && Object.keys(more).length === 0) {
      return;
    }
    const { name, namespace, uid, resourceVersion } = pod.metadata;
    try {
      await this.#client.patch(PODS, {
        name, namespace, type: 'merge', subresource: 'status', body: { metadata: { uid, resourceVersion }, status: { ...more, conditions } },
      });
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) {
        throw error;
      }
    }
  }

  async #delete(pod: Pod, gracePeriodSeconds: number | undefined): Promise<void> {
    const { name, namespace, uid } = pod.metadata;
    try {
      await this.#client.delete(PODS, name, namespace, {
        ...(uid === undefined ? {} : { preconditions: { uid } }), ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
      });
    } catch (error) {
      if (!isStatusError(error, 'NotFound') && !isStatusError(error, 'Conflict')) {
        throw error;
      }
    }
    this.forget(keyOf(pod));
  }

  /** Services must not send anybody to pods of a node that is not ready. */
  async markNotReady(node: Node): Promise<void> {
    for (const pod of this.podsOn(node.metadata.name)) {
      if (findCondition(pod.status?.conditions, 'Ready')?.status === 'True') {
        await this.#setCondition(pod, { type: 'Ready', status: 'False', lastTransitionTime: formatTime() });
        this.#recorder.event(pod, 'Warning', 'NodeNotReady', 'Node is not ready');
      }
    }
  }
}
