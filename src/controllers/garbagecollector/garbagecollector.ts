/** The garbage collector: objects whose owners are gone go too, over every kind the server serves. */
import type { KubeObject, OwnerReference } from '../../apimachinery/object.ts';
import { deepEqual } from '../../apimachinery/values.ts';
import { newController, type Controller } from '../../client/controller.ts';
import type { Resource } from '../../client/resource.ts';
import type { Informer } from '../../client/informer.ts';
import type { ControllerContext } from '../context.ts';
import { Collector } from './collector.ts';
import { OwnerGraph, type GraphNode } from './graph.ts';
import { ServedKinds } from './kinds.ts';

export function garbageCollector(context: ControllerContext): Controller {
  const { client, informers } = context;
  const graph = new OwnerGraph();
  const kinds = new ServedKinds(client);
  const watched = new Set<Informer<KubeObject>>();
  /** Before every kind is known, "unknown owner" means nothing. */
  let complete = false;

  const controller = newController({
    name: 'garbagecollector', log: context.log,
    reconcile: (uid) => collector.look(uid),
    before: async (signal) => {
      await Promise.all(watchAll(await kinds.refresh()).map((informer) => informer.start(signal)));
      complete = true;
      for (const node of graph.all()) {
        lookAt(node);
      }
    },
  });
  const { queue } = controller;

  const lookAt = (node: GraphNode): void => {
    if (complete && graph.needsLook(node)) {
      queue.add(node.uid);
    }
  };
  const gone = (uid: string): void => {
    // Dependents first: once forgotten, nobody knows them any more as those of this owner.
    const dependents = graph.dependentsOf(uid);
    const node = graph.forget(uid);
    dependents.forEach((dependent) => { queue.add(dependent.uid); });
    wakeOwners(node?.owners ?? []);
  };
  /** A foreground deletion may have waited for this dependent. */
  const wakeOwners = (owners: readonly OwnerReference[]): void => {
    for (const { uid } of owners) {
      if (graph.get(uid)?.foreground === true) {
        queue.add(uid);
      }
    }
  };
  const observe = (resource: Resource, object: KubeObject): void => {
    const seen = graph.observe(resource, object);
    if (seen !== undefined) {
      lookAt(seen.node);
      wakeOwners(seen.left);
    }
  };
  const watchAll = (resources: readonly Resource[]): Informer<KubeObject>[] => resources.map((resource) => {
    const informer = informers.for(resource);
    if (!watched.has(informer)) {
      watched.add(informer);
      informer.on({
        added: (object) => { observe(resource, object); },
        updated: (object, old) => {
          if (object.metadata.deletionTimestamp !== old.metadata.deletionTimestamp
            || !deepEqual(object.metadata.ownerReferences, old.metadata.ownerReferences) || !deepEqual(object.metadata.finalizers, old.metadata.finalizers)) {
            observe(resource, object);
          }
        },
        deleted: ({ metadata }) => {
          if (metadata.uid !== undefined) {
            gone(metadata.uid);
          }
        },
      });
    }
    return informer;
  });
  const collector = new Collector({
    client, graph, gone,
    enqueue: (uid) => { queue.add(uid); },
    resourceOf: async (reference) => {
      if (kinds.find(reference.apiVersion, reference.kind) === undefined && kinds.stale) {
        watchAll(await kinds.refresh());
      }
      const resource = kinds.find(reference.apiVersion, reference.kind);
      if (resource === undefined) {
        throw new Error(`the server knows no kind ${reference.kind} of ${reference.apiVersion}, so nobody can tell whether ${reference.name} is gone`);
      }
      return resource;
    },
  });
  return controller;
}
