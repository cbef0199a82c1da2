/**
 * The scheduler: gives every pod that names `default-scheduler` a node, and devices to those that ask for some. Driven by events: a new pod is
 * placed in the same turn in which its event arrives, bindings run side by side. What does not fit may push aside what is less important.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { findCondition, setCondition } from '../../apimachinery/conditions.ts';
import { keyOf, type KubeObject } from '../../apimachinery/object.ts';
import { isStatusError } from '../../apimachinery/status.ts';
import { deepEqual } from '../../apimachinery/values.ts';
import type { Log } from '../../apimachinery/log.ts';
import type { Client } from '../../client/client.ts';
import type { Controller } from '../../client/controller.ts';
import type { EventRecorder } from '../../client/events.ts';
import type { Informer } from '../../client/informer.ts';
import { NAMESPACES, NODES, PODDISRUPTIONBUDGETS, PODS, PRIORITYCLASSES } from '../../client/resources.ts';
import type { Node, Pod } from '../../kinds/generated/core.ts';
import type { PodDisruptionBudget } from '../../kinds/generated/policy.ts';
import type { ResourceClaim } from '../../kinds/generated/resource.ts';
import type { Needs, Sources } from '../../placement/devices/needs.ts';
import { placedPod, type PlacedPod } from '../../placement/nodeinfo.ts';
import type { ControllerContext } from '../context.ts';
import { messageOf } from '../shared/errors.ts';
import { isTerminal } from '../shared/pods.ts';
import { ClaimWriter, type ClaimWrite } from './claims.ts';
import { ClusterState } from './cluster.ts';
import { Decider, type Decision } from './decide.ts';
import { findPreemption, isBeingCleared, Nominations, preempt } from './preempt.ts';
import { SchedulingQueue } from './queue.ts';
import { deviceWorld } from './world.ts';

export const SCHEDULER_NAME = 'default-scheduler';
/** Bindings under way at once; further pods wait for one to end. */
const BINDINGS_MAX = 64;
/** Pods placed in one turn of the event loop. */
const PODS_PER_TURN = 50;
/** Pause before claims are tried to be freed again, milliseconds; doubles up to the maximum. */
const UNDO_BASE_MS = 100;
const UNDO_MAX_MS = 5_000;

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
  const budgets = informers.for(PODDISRUPTIONBUDGETS);
  const devices = deviceWorld(informers, () => { scheduler.worldChanged(); });
  const scheduler = new Scheduler(context, { cluster, priorityOf, budgets, sources: devices.sources });

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
      await Promise.all([pods.start(signal), nodes.start(signal), namespaces.start(signal), classes.start(signal), budgets.start(signal), devices.start(signal)]);
      scheduler.begin();
    },
  };
}

/** What of a node decides where pods can go; its heartbeat does not. */
function differs(node: Node, old: Node): boolean {
  return !deepEqual(node.status?.allocatable, old.status?.allocatable) || !deepEqual(node.metadata.labels, old.metadata.labels)
    || !deepEqual(node.spec, old.spec);
}

/** What of a waiting pod decides where it can go. */
const changedFor = (pod: Pod, old: Pod): boolean => !(deepEqual(old.spec, pod.spec) && deepEqual(old.metadata.labels, pod.metadata.labels)
  && deepEqual(old.status?.resourceClaimStatuses, pod.status?.resourceClaimStatuses));

interface Surroundings {
  readonly cluster: ClusterState;
  readonly priorityOf: (pod: Pod) => number;
  readonly budgets: Informer<PodDisruptionBudget>;
  readonly sources: Sources;
}

class Scheduler {
  readonly #client: Client;
  readonly #recorder: EventRecorder;
  readonly #log: Log;
  readonly #cluster: ClusterState;
  readonly #priorityOf: (pod: Pod) => number;
  readonly #budgets: Informer<PodDisruptionBudget>;
  readonly #sources: Sources;
  readonly #decider: Decider;
  readonly #claims: ClaimWriter;
  readonly #nominations = new Nominations();
  /** Pods that were learnt from, by uid, while they wait. */
  readonly #learnt = new Map<string, string>();
  readonly #queue = new SchedulingQueue(() => { this.#run(); });
  readonly #abort = new AbortController();
  readonly #stopped = Promise.withResolvers<void>();
  #bindings = 0;
  #state: 'waiting' | 'working' | 'stopped' = 'waiting';
  #scheduled = false;

  constructor(context: ControllerContext, { cluster, priorityOf, budgets, sources }: Surroundings) {
    this.#priorityOf = priorityOf;
    this.#budgets = budgets;
    this.#sources = sources;
    this.#decider = new Decider(cluster, sources);
    this.#claims = new ClaimWriter(context.client);
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
      // What runs tells what is usually asked for.
      for (const { pods } of this.#cluster.nodes) {
        pods.forEach((placed) => { this.#decider.learn(placed); });
      }
      this.#run();
    }
  }

  stop(): void {
    this.#state = 'stopped';
    this.#abort.abort();
    this.#queue.close();
    this.#settle();
  }

  podChanged(pod: Pod, old?: Pod): void {
    const key = keyOf(pod);
    if (isTerminal(pod)) {
      this.podGone(key);
    } else if (pod.spec.nodeName) {
      this.#settled(key);
      this.#cluster.place(pod);
      if (old !== undefined && !deepEqual(old.metadata.labels, pod.metadata.labels)) {
        this.worldChanged();
      }
    } else if (pod.spec.schedulerName !== undefined && pod.spec.schedulerName !== SCHEDULER_NAME) {
      this.#queue.remove(key);
    } else if (pod.metadata.deletionTimestamp !== undefined || (pod.spec.schedulingGates ?? []).length > 0) {
      this.#queue.remove(key);
    } else if (!this.#cluster.isAssumed(key)) {
      this.#nominate(pod);
      this.#queue.add(pod, old !== undefined && changedFor(pod, old), this.#priorityOf(pod));
      this.#run();
    }
  }

  podGone(key: string): void {
    this.#settled(key);
    if (this.#cluster.remove(key)) {
      this.worldChanged();
    }
  }

  /** It waits no more. */
  #settled(key: string): void {
    this.#queue.remove(key);
    this.#nominations.remove(key);
    this.#learnt.delete(key);
  }

  /** A pod that was promised a node before this process began. */
  #nominate(pod: Pod): void {
    const node = pod.status?.nominatedNodeName;
    const key = keyOf(pod);
    if (node && this.#nominations.nodeOf(key) === undefined) {
      this.#promise(placedPod(pod), node);
    }
  }

  #promise(placed: PlacedPod, node: string): void {
    const { pod, key } = placed;
    const devices = (pod.spec.resourceClaims ?? []).length > 0 || Object.keys(placed.requests).some((name) => name.includes('/'));
    this.#nominations.set(key, { node, placed, priority: this.#priorityOf(pod), devices });
  }

  nodeChanged(node: Node, old?: Node): void {
    this.#cluster.setNode(node);
    if (old === undefined || differs(node, old)) {
      this.worldChanged();
    }
  }

  worldChanged(): void {
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
      this.#learn(placed);
      const priority = this.#priorityOf(pod);
      const verdict = this.#nominations.counting(key, priority, this.#cluster, (kept) => this.#decider.decide(placed, (info) =>
        (kept.has(info.name) && this.#wantsDevices(placed) ? 'node(s) had devices promised to pods of higher priority' : undefined)));
      if (verdict.ok) {
        this.#cluster.assume(placed, verdict.decision.node);
        this.#bindings += 1;
        void this.#send(pod, verdict.decision);
        return;
      }
      this.#queue.park(key, performance.now());
      this.#report(pod, 'Unschedulable', verdict.message);
      if (verdict.held.length > 0) {
        void this.#letGo(pod, verdict.held);
      } else {
        this.#makeRoom(placed, verdict.needs);
      }
    } catch (error) {
      // Something in the pod that cannot be computed, an unreadable quantity for one.
      this.#log.warn({ err: error, pod: key }, 'could not place a pod');
      this.#queue.park(key, performance.now());
      this.#report(pod, 'SchedulerError', messageOf(error));
    }
  }

  #learn(placed: PlacedPod): void {
    const { uid = '' } = placed.pod.metadata;
    if (this.#learnt.get(placed.key) !== uid) {
      this.#learnt.set(placed.key, uid);
      this.#decider.learn(placed);
    }
  }

  #wantsDevices({ pod, requests }: PlacedPod): boolean {
    return (pod.spec.resourceClaims ?? []).length > 0 || Object.keys(requests).some((name) => name.includes('/'));
  }

  /** Claims of its own keep the pod where it does not fit: without them it may fit elsewhere. */
  async #letGo(pod: Pod, held: readonly ResourceClaim[]): Promise<void> {
    try {
      for (const claim of held) {
        await this.#claims.release(pod, claim);
      }
    } catch (error) {
      this.#log.debug({ err: error, pod: keyOf(pod) }, 'could not free the claims of a pod that does not fit');
      this.#queue.backOff(keyOf(pod), performance.now());
    }
  }

  /** Pushes aside what is less important, when that helps and the pod wants it. */
  #makeRoom(placed: PlacedPod, needs: Needs | undefined): void {
    const { pod, key } = placed;
    const priority = this.#priorityOf(pod);
    const promised = this.#nominations.nodeOf(key);
    const [priorityOf, cluster] = [this.#priorityOf, this.#cluster];
    if (pod.spec.preemptionPolicy === 'Never' || isBeingCleared(cluster.nodes.find(({ name }) => name === promised), priority, priorityOf)) {
      return;
    }
    const found = findPreemption({ placed, priority, needs, cluster, sources: this.#sources, budgets: this.#budgets.list(), priorityOf });
    if (found === undefined) {
      this.#nominations.remove(key);
      return;
    }
    this.#promise(placed, found.info.name);
    preempt(pod, found, { client: this.#client, recorder: this.#recorder }).catch((error: unknown) => {
      this.#log.warn({ err: error, pod: key }, 'could not make room for a pod');
      this.#nominations.remove(key);
      this.#queue.backOff(key, performance.now());
    });
  }

  async #send(pod: Pod, decision: Decision): Promise<void> {
    const { name, namespace, uid } = pod.metadata;
    const key = keyOf(pod);
    const binding: KubeObject & { target: unknown } = {
      apiVersion: 'v1', kind: 'Binding', metadata: { name, ...(namespace === undefined ? {} : { namespace }), ...(uid === undefined ? {} : { uid }) },
      target: { apiVersion: 'v1', kind: 'Node', name: decision.node },
    };
    try {
      await this.#claims.write(pod, decision.writes);
      await this.#client.createSubresource(PODS, 'binding', binding);
      this.#settled(key);
      this.#recorder.event(pod, 'Normal', 'Scheduled', `Successfully assigned ${key} to ${decision.node}`);
    } catch (error) {
      if (decision.writes.length > 0 && await this.#undo(pod, decision)) {
        this.#settled(key);
      } else {
        this.#bindingFailed(pod, error);
      }
    }
    this.#bindings -= 1;
    this.#run();
    this.#settle();
  }

  /**
   * Gives back what the pod would have had, as soon as the server can be asked: until then nobody else is given the devices. True when the pod
   * has its node after all, and keeps them.
   */
  async #undo(pod: Pod, { writes, assumed }: Decision): Promise<boolean> {
    const names = writes.flatMap((one: ClaimWrite) => (one.type === 'extended' ? [one.name] : one.type === 'mapped' ? [] : [one.claim.metadata.name]));
    for (let pause = UNDO_BASE_MS; this.#state !== 'stopped'; pause = Math.min(2 * pause, UNDO_MAX_MS)) {
      try {
        // An answer that was lost is no failure.
        if (await this.#isBound(pod)) {
          return true;
        }
        await this.#claims.undo(pod, names);
        assumed.forEach((claim) => { this.#sources.inventory.forget(claim); });
        return false;
      } catch (error) {
        this.#log.debug({ err: error, pod: keyOf(pod) }, 'could not free the claims of a pod that was not bound');
        await delay(pause, undefined, { signal: this.#abort.signal }).catch(() => undefined);
      }
    }
    return false;
  }

  async #isBound({ metadata: { name, namespace, uid } }: Pod): Promise<boolean> {
    try {
      const { metadata, spec } = await this.#client.get(PODS, name, namespace);
      return metadata.uid === uid && (spec.nodeName ?? '') !== '';
    } catch (error) {
      if (isStatusError(error, 'NotFound')) {
        return false;
      }
      throw error;
    }
  }

  #bindingFailed(pod: Pod, error: unknown): void {
    const key = keyOf(pod);
    this.#cluster.unassume(key);
    if (isStatusError(error, 'NotFound')) {
      this.#settled(key);
      return;
    }
    if (this.#state === 'stopped') {
      return;
    }
    this.#queue.backOff(key, performance.now());
    if (isStatusError(error, 'Conflict')) {
      // The cache was a moment behind: ordinary, and the next attempt sees the newer state.
      this.#log.debug({ err: error, pod: key }, 'a newer version was met while binding a pod');
      return;
    }
    this.#log.warn({ err: error, pod: key }, 'could not bind a pod');
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
