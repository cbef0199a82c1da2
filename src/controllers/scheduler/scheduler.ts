/**
 * The scheduler: gives every pod that names `default-scheduler` a node. Driven by events: a new pod is placed in the same turn
 * in which its event arrives, bindings run side by side. Preemption is not attempted: what does not fit waits.
 */
import { findCondition, setCondition } from '../../apimachinery/conditions.ts';
import { keyOf, type KubeObject } from '../../apimachinery/object.ts';
import { isStatusError } from '../../apimachinery/status.ts';
import { deepEqual } from '../../apimachinery/values.ts';
import type { Log } from '../../apimachinery/log.ts';
import type { Client } from '../../client/client.ts';
import type { Controller } from '../../client/controller.ts';
import type { EventRecorder } from '../../client/events.ts';
import { NAMESPACES, NODES, PODS, PRIORITYCLASSES } from '../../client/resources.ts';
import type { Node, Pod } from '../../kinds/generated/core.ts';
import { fitNodes, unschedulableMessage } from '../../placement/fit.ts';
import { placedPod } from '../../placement/nodeinfo.ts';
import { bestNode } from '../../placement/score.ts';
import type { ControllerContext } from '../context.ts';
import { messageOf } from '../shared/errors.ts';
import { isTerminal } from '../shared/pods.ts';
import { ClusterState } from './cluster.ts';
import { SchedulingQueue } from './queue.ts';

export const SCHEDULER_NAME = 'default-scheduler';
/** Bindings under way at once; further pods wait for one to end. */
const BINDINGS_MAX = 64;
/** Pods placed in one turn of the event loop. */
const PODS_PER_TURN = 50;

export function schedulerController(context: ControllerContext): Controller {
  const { informers } = context;
  const pods = informers.for(PODS);
  const nodes = informers.for(NODES);
  const namespaces = informers.for(NAMESPACES);
  const cluster = new ClusterState((name) => namespaces.get(name)?.metadata.labels);
  const classes = informers.for(PRIORITYCLASSES);
  /** The admission of a real server writes the class's value into the pod; where it does not, the class itself tells. */
  const priorityOf = ({ spec: { priority, priorityClassName } }: Pod): number =>
    (priority ? priority : classes.get(priorityClassName ?? '')?.value ?? 0);
  const scheduler = new Scheduler(context, cluster, priorityOf);

  pods.on({
    added: (pod) => { scheduler.podChanged(pod); },
    updated: (pod, old) => { scheduler.podChanged(pod, old); },
    deleted: (pod) => { scheduler.podGone(keyOf(pod)); },
  });
  nodes.on({
    added: (node) => { scheduler.nodeChanged(node); },
    updated: (node, old) => { scheduler.nodeChanged(node, old); },
    deleted: (node) => { cluster.removeNode(node.metadata.name); },
  });
  return {
    name: 'scheduler',
    stopped: scheduler.stopped,
    async start(signal) {
      signal.addEventListener('abort', () => { scheduler.stop(); }, { once: true });
      await Promise.all([pods.start(signal), nodes.start(signal), namespaces.start(signal), classes.start(signal)]);
      scheduler.begin();
    },
  };
}

/** What of a node decides where pods can go; its heartbeat does not. */
function differs(node: Node, old: Node): boolean {
  return !deepEqual(node.status?.allocatable, old.status?.allocatable) || !deepEqual(node.metadata.labels, old.metadata.labels)
    || !deepEqual(node.spec, old.spec);
}

class Scheduler {
  readonly #client: Client;
  readonly #recorder: EventRecorder;
  readonly #log: Log;
  readonly #cluster: ClusterState;
  readonly #priorityOf: (pod: Pod) => number;
  readonly #queue = new SchedulingQueue(() => { this.#run(); });
  readonly #stopped = Promise.withResolvers<void>();
  #bindings = 0;
  #state: 'waiting' | 'working' | 'stopped' = 'waiting';
  #scheduled = false;

  constructor(context: ControllerContext, cluster: ClusterState, priorityOf: (pod: Pod) => number) {
    this.#priorityOf = priorityOf;
    this.#client = context.client;
    this.#recorder = context.recorder.as(SCHEDULER_NAME);
    this.#log = context.log.child({ controller: 'scheduler' });
    this.#cluster = cluster;
  }

  get stopped(): Promise<void> {
    return this.#stopped.promise;
  }

  begin(): void {
    if (this.#state === 'waiting') {
      this.#state = 'working';
      this.#run();
    }
  }

  stop(): void {
    this.#state = 'stopped';
    this.#queue.close();
    this.#settle();
  }

  podChanged(pod: Pod, old?: Pod): void {
    const key = keyOf(pod);
    if (isTerminal(pod)) {
      this.podGone(key);
    } else if (pod.spec.nodeName) {
      this.#queue.remove(key);
      this.#cluster.place(pod);
      if (old !== undefined && !deepEqual(old.metadata.labels, pod.metadata.labels)) {
        this.#worldChanged();
      }
    } else if (pod.spec.schedulerName !== undefined && pod.spec.schedulerName !== SCHEDULER_NAME) {
      this.#queue.remove(key);
    } else if (pod.metadata.deletionTimestamp !== undefined || (pod.spec.schedulingGates ?? []).length > 0) {
      this.#queue.remove(key);
    } else if (!this.#cluster.isAssumed(key)) {
      const changed = old !== undefined && !(deepEqual(old.spec, pod.spec) && deepEqual(old.metadata.labels, pod.metadata.labels));
      this.#queue.add(pod, changed, this.#priorityOf(pod));
      this.#run();
    }
  }

  podGone(key: string): void {
    this.#queue.remove(key);
    if (this.#cluster.remove(key)) {
      this.#worldChanged();
    }
  }

  nodeChanged(node: Node, old?: Node): void {
    this.#cluster.setNode(node);
    if (old === undefined || differs(node, old)) {
      this.#worldChanged();
    }
  }

  #worldChanged(): void {
    this.#queue.wake(performance.now());
    this.#run();
  }

  /** One pass at the end of this turn, however many events came in it: of pods that arrive together the most important goes first. */
  #run(): void {
    if (this.#state === 'working' && !this.#scheduled) {
      this.#scheduled = true;
      queueMicrotask(() => {
        this.#scheduled = false;
        this.#pass();
      });
    }
  }

  #pass(): void {
    for (let placed = 0; this.#state === 'working' && this.#bindings < BINDINGS_MAX; placed += 1) {
      if (placed === PODS_PER_TURN) {
        setImmediate(() => { this.#run(); });
        return;
      }
      const pod = this.#queue.take(performance.now());
      if (pod === undefined) {
        return;
      }
      this.#schedule(pod);
    }
  }

  #schedule(pod: Pod): void {
    const key = keyOf(pod);
    try {
      const placed = placedPod(pod);
      const fit = fitNodes(placed, this.#cluster);
      const best = bestNode(placed, fit.feasible, this.#cluster);
      if (best === undefined) {
        this.#queue.park(key, performance.now());
        this.#report(pod, 'Unschedulable', unschedulableMessage(this.#cluster.nodes.length, fit.reasons));
        return;
      }
      this.#cluster.assume(placed, best.name);
      this.#bind(pod, best.name);
    } catch (error) {
      // Something in the pod that cannot be computed, an unreadable quantity for one.
      this.#log.warn({ err: error, pod: key }, 'could not place a pod');
      this.#queue.park(key, performance.now());
      this.#report(pod, 'SchedulerError', messageOf(error));
    }
  }

  #bind(pod: Pod, node: string): void {
    const { name, namespace, uid } = pod.metadata;
    const key = keyOf(pod);
    this.#bindings += 1;
    const binding = {
      apiVersion: 'v1', kind: 'Binding', metadata: { name, ...(namespace === undefined ? {} : { namespace }), ...(uid === undefined ? {} : { uid }) },
      target: { apiVersion: 'v1', kind: 'Node', name: node },
    };
    void this.#send(pod, binding, `Successfully assigned ${key} to ${node}`);
  }

  async #send(pod: Pod, binding: KubeObject, message: string): Promise<void> {
    try {
      await this.#client.createSubresource(PODS, 'binding', binding);
      this.#queue.remove(keyOf(pod));
      this.#recorder.event(pod, 'Normal', 'Scheduled', message);
    } catch (error) {
      this.#bindingFailed(pod, error);
    }
    this.#bindings -= 1;
    this.#run();
    this.#settle();
  }

  #bindingFailed(pod: Pod, error: unknown): void {
    const key = keyOf(pod);
    this.#cluster.unassume(key);
    if (isStatusError(error, 'NotFound')) {
      this.#queue.remove(key);
      return;
    }
    if (this.#state === 'stopped') {
      return;
    }
    this.#log.warn({ err: error, pod: key }, 'could not bind a pod');
    this.#queue.backOff(key, performance.now());
    this.#report(pod, 'SchedulerError', `binding rejected: ${messageOf(error)}`);
  }

  /** Tells the pod's owner why it waits: an event, and the PodScheduled condition unless it says so already. */
  #report(pod: Pod, reason: string, message: string): void {
    this.#recorder.event(pod, 'Warning', 'FailedScheduling', message);
    const conditions = (pod.status?.conditions ?? []).map((condition) => ({ ...condition }));
    const current = findCondition(conditions, 'PodScheduled');
    if (current?.status === 'False' && current.reason === reason && current.message === message) {
      return;
    }
    setCondition(conditions, { type: 'PodScheduled', status: 'False', reason, message });
    const { name, namespace, uid, resourceVersion } = pod.metadata;
    this.#client.patch(PODS, {
      name, namespace, type: 'merge', subresource: 'status', body: { metadata: { uid, resourceVersion }, status: { conditions } },
    }).catch((error: unknown) => {
      // Changed or gone meanwhile: the next attempt says it again.
      this.#log.debug({ err: error, pod: keyOf(pod) }, 'could not write the PodScheduled condition');
    });
  }

  #settle(): void {
    if (this.#state === 'stopped' && this.#bindings === 0) {
      this.#stopped.resolve();
    }
  }
}
