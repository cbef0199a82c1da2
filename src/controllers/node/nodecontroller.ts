/** The node controller: notices silent nodes, taints what pods should avoid, moves pods away, and hands out pod ranges. */
import { findCondition, setCondition } from '../../apimachinery/conditions.ts';
import { formatTime, keyOf } from '../../apimachinery/object.ts';
import { deepEqual } from '../../apimachinery/values.ts';
import { newController, type Controller, type Requeue } from '../../client/controller.ts';
import { LEASES, NODES, PODS } from '../../client/resources.ts';
import type { Node, NodeCondition, Pod } from '../../kinds/generated/core.ts';
import type { ControllerContext } from '../context.ts';
import { freeRange } from './cidr.ts';
import { Heartbeats, TICK_MS } from './heartbeats.ts';
import { PodMover } from './mover.ts';
import { readyStatus, taintsOf } from './taints.ts';

const LEASE_NAMESPACE = 'kube-node-lease';
const WATCHED = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'];
/** Node names hold no colon. */
const POD = 'pod:';

export function nodeController(context: ControllerContext): Controller {
  const { client, informers, podCidr } = context;
  const nodes = informers.for(NODES);
  const leases = informers.for(LEASES);
  const pods = informers.for(PODS);
  const recorder = context.recorder.as('node-controller');
  const beats = new Heartbeats(performance.now());
  const mover = new PodMover(context, recorder);

  const markUnknown = async (node: Node): Promise<Node> => {
    const conditions = (node.status?.conditions ?? []).map((condition) => ({ ...condition }));
    const now = formatTime();
    for (const type of WATCHED) {
      const known = findCondition(conditions, type);
      const condition: NodeCondition = known === undefined
        ? { type, status: 'Unknown', reason: 'NodeStatusNeverUpdated', message: 'Kubelet never posted node status.', lastHeartbeatTime: now }
        : { type, status: 'Unknown', reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.' };
      if (known?.status !== 'Unknown') {
        setCondition(conditions, condition);
      }
    }
    if (deepEqual(conditions, node.status?.conditions)) {
      return node;
    }
    // With the version that was judged: a node that just reported wins.
    const updated = await client.updateStatus(NODES, { ...node, status: { ...node.status, conditions } });
    recorder.event(node, 'Normal', 'NodeNotReady', `Node ${node.metadata.name} status is now: NodeNotReady`);
    return updated;
  };

  const assignRange = async (node: Node): Promise<void> => {
    if (node.spec.podCIDR) {
      return;
    }
    const taken = nodes.list().flatMap((one) => (one.spec.podCIDR ? [one.spec.podCIDR] : []));
    const range = freeRange(podCidr, taken);
    if (range === undefined) {
      recorder.event(node, 'Warning', 'CIDRNotAvailable', `Node ${node.metadata.name} status is now: CIDRNotAvailable`);
      return;
    }
    await client.patch(NODES, { name: node.metadata.name, type: 'merge', body: { spec: { podCIDR: range, podCIDRs: [range] } } });
  };

  const reconcileNode = async (name: string): Promise<void> => {
    const cached = nodes.get(name);
    if (cached === undefined || cached.metadata.deletionTimestamp !== undefined) {
      return;
    }
    const node = beats.isSilent(name, performance.now()) ? await markUnknown(cached) : cached;
    const ready = readyStatus(node);
    const elsewhere = nodes.list().some((one) => one.metadata.name !== name && readyStatus(one) === 'True');
    const taints = taintsOf(node, elsewhere);
    if (taints !== undefined) {
      const { resourceVersion } = node.metadata;
      await client.patch(NODES, { name, type: 'merge', body: { metadata: { resourceVersion }, spec: { taints: taints.length === 0 ? null : taints } } });
    }
    if (ready !== 'True') {
      await mover.markNotReady(node);
    }
    await assignRange(node);
  };

  const reconcile = async (key: string): Promise<void | Requeue> =>
    (key.startsWith(POD) ? await mover.reconcile(key.slice(POD.length)) : await reconcileNode(key));

  const controller = newController({
    // One at a time: two nodes must not be given the same range.
    name: 'node', log: context.log, reconcile, concurrency: 1,
    before: (signal) => Promise.all([nodes.start(signal), leases.start(signal), pods.start(signal)]),
  });
  const { queue } = controller;
  const enqueueAll = (): void => {
    nodes.list().forEach((node) => { queue.add(node.metadata.name); });
  };
  const enqueuePod = (pod: Pod): void => {
    queue.add(`${POD}${keyOf(pod)}`);
  };
  const heartbeat = (node: Node): void => {
    const time = findCondition(node.status?.conditions, 'Ready')?.lastHeartbeatTime ?? '';
    const lease = leases.get(`${LEASE_NAMESPACE}/${node.metadata.name}`);
    beats.seen(node.metadata.name, `${time} ${lease?.spec.renewTime ?? ''}`, performance.now());
  };

  nodes.on({
    added: (node) => {
      heartbeat(node);
      enqueueAll();
    },
    updated: (node, old) => {
      // What this controller wrote itself is no sign of life.
      if (readyStatus(node) !== 'Unknown') {
        heartbeat(node);
      }
      if (readyStatus(node) !== readyStatus(old)) {
        enqueueAll();
      } else if (!deepEqual(node.spec, old.spec) || readyStatus(node) !== 'True' || !deepEqual(pressures(node), pressures(old))) {
        queue.add(node.metadata.name);
      }
      if (!deepEqual(node.spec.taints, old.spec.taints)) {
        mover.podsOn(node.metadata.name).forEach(enqueuePod);
      }
    },
    deleted: (node) => {
      beats.forget(node.metadata.name);
      mover.podsOn(node.metadata.name).forEach(enqueuePod);
    },
  });
  const leaseChanged = ({ metadata }: { metadata: { name: string; namespace?: string } }): void => {
    const node = metadata.namespace === LEASE_NAMESPACE ? nodes.get(metadata.name) : undefined;
    if (node !== undefined) {
      heartbeat(node);
    }
  };
  leases.on({ added: leaseChanged, updated: leaseChanged });
  pods.on({
    added: (pod) => {
      if (mover.concerns(pod)) {
        enqueuePod(pod);
      }
    },
    updated: (pod, old) => {
      if (mover.concerns(pod) && (pod.spec.nodeName !== old.spec.nodeName || !deepEqual(pod.spec.tolerations, old.spec.tolerations))) {
        enqueuePod(pod);
      }
    },
    deleted: (pod) => { mover.forget(keyOf(pod)); },
  });

  return {
    ...controller,
    async start(signal) {
      await controller.start(signal);
      // Only now is it known which pods are on nodes that do not exist.
      pods.list().filter((pod) => mover.concerns(pod)).forEach(enqueuePod);
      const timer = setInterval(() => {
        for (const name of beats.tick(performance.now())) {
          const node = nodes.get(name);
          if (node !== undefined && readyStatus(node) !== 'Unknown') {
            queue.add(name);
          }
        }
      }, TICK_MS);
      timer.unref();
      signal.addEventListener('abort', () => { clearInterval(timer); }, { once: true });
    },
  };
}

/** Types and states of the conditions, without their times. */
function pressures(node: Node): string[] {
  return (node.status?.conditions ?? []).map((condition) => `${condition.type}=${condition.status}`);
}
