/** Devices and claims as informers show them, kept as an inventory: for the scheduler, and for whoever plans with it. */
import { controllerOf, keyOf } from '../../apimachinery/object.ts';
import { deepEqual } from '../../apimachinery/values.ts';
import { DEVICECLASSES, NAMESPACES, NODES, PODS, RESOURCECLAIMS, RESOURCECLAIMTEMPLATES, RESOURCESLICES } from '../../client/resources.ts';
import type { Informers } from '../../client/informers.ts';
import type { Pod } from '../../kinds/generated/core.ts';
import { DeviceInventory } from '../../placement/devices/inventory.ts';
import { Planner } from '../../placement/devices/feasibility.ts';
import type { Sources } from '../../placement/devices/needs.ts';
import { isTerminal } from '../shared/pods.ts';
import { ClusterState } from './cluster.ts';

export interface DeviceWorld {
  readonly sources: Sources;
  start(signal: AbortSignal): Promise<unknown>;
}

/** `changed` is called when something may fit that did not: devices, classes, or claims that are new or free. */
export function deviceWorld(informers: Informers, changed: () => void): DeviceWorld {
  const inventory = new DeviceInventory();
  const claims = informers.for(RESOURCECLAIMS);
  const slices = informers.for(RESOURCESLICES);
  const classes = informers.for(DEVICECLASSES);
  const namespaces = informers.for(NAMESPACES);
  slices.on({
    added(slice) { inventory.setSlice(slice); changed(); },
    updated(slice, old) {
      if (!deepEqual(slice.spec, old.spec)) {
        inventory.removeSlice(old);
        inventory.setSlice(slice);
        changed();
      }
    },
    deleted(slice) { inventory.removeSlice(slice); changed(); },
  });
  classes.on({
    added(one) { inventory.setClass(one); changed(); },
    updated(one) { inventory.setClass(one); changed(); },
    deleted(one) { inventory.removeClass(one.metadata.name); },
  });
  claims.on({
    added(claim) { inventory.setClaim(claim); changed(); },
    updated(claim, old) {
      inventory.setClaim(claim);
      // Others may wait for a claim that all of them use; nobody waits for a pod's own.
      const shared = old.status?.allocation === undefined && claim.status?.allocation !== undefined && controllerOf(claim) === undefined;
      const freed = (old.status?.reservedFor ?? []).length > (claim.status?.reservedFor ?? []).length;
      if (shared || freed || (old.status?.allocation !== undefined && claim.status?.allocation === undefined)) {
        changed();
      }
    },
    deleted(claim) { inventory.removeClaim(keyOf(claim)); changed(); },
  });
  return {
    sources: { inventory, claim: (key) => claims.get(key), namespaceLabels: (name) => namespaces.get(name)?.metadata.labels },
    start: (signal) => Promise.all([claims, slices, classes, namespaces].map((one) => one.start(signal))),
  };
}

export interface LivePlanner {
  readonly planner: Planner;
  start(signal: AbortSignal): Promise<unknown>;
}

/**
 * A planner over the cluster as informers show it, for controllers that admit pods before they exist. `changed` is called when more may be
 * placed than before: nodes, devices, or pods that have gone.
 */
export function livePlanner(informers: Informers, changed: () => void = () => {}): LivePlanner {
  const world = deviceWorld(informers, changed);
  const templates = informers.for(RESOURCECLAIMTEMPLATES);
  const pods = informers.for(PODS);
  const nodes = informers.for(NODES);
  const cluster = new ClusterState(world.sources.namespaceLabels);
  const gone = (key: string): void => {
    if (cluster.remove(key)) {
      changed();
    }
  };
  const seen = (pod: Pod): void => {
    if (isTerminal(pod)) {
      gone(keyOf(pod));
    } else if (pod.spec.nodeName) {
      cluster.place(pod);
    }
  };
  pods.on({ added: seen, updated: seen, deleted: (pod) => { gone(keyOf(pod)); } });
  nodes.on({
    added(node) { cluster.setNode(node); changed(); },
    updated(node, old) {
      cluster.setNode(node);
      if (!deepEqual(node.status?.allocatable, old.status?.allocatable) || !deepEqual(node.spec, old.spec) || !deepEqual(node.metadata.labels, old.metadata.labels)) {
        changed();
      }
    },
    deleted(node) { cluster.removeNode(node.metadata.name); },
  });
  const planner = new Planner({ ...world.sources, nodes: () => cluster.nodes, claimTemplate: (key) => templates.get(key) });
  return { planner, start: (signal) => Promise.all([world.start(signal), templates.start(signal), pods.start(signal), nodes.start(signal)]) };
}
