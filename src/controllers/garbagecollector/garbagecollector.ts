/** The garbage collector: objects whose owners are gone go too, over every kind the server serves. */
import { setTimeout as delay } from 'node:timers/promises';
import type { KubeObject, OwnerReference } from '../../apimachinery/object.ts';
import { deepEqual } from '../../apimachinery/values.ts';
import { newController, type Controller } from '../../client/controller.ts';
import { resourceName, type Resource } from '../../client/resource.ts';
import type { Informer } from '../../client/informer.ts';
import type { ControllerContext } from '../context.ts';
import { Collector } from './collector.ts';
import { OwnerGraph, type GraphNode } from './graph.ts';
import { ServedKinds } from './kinds.ts';

/** Whatever changes here may change which kinds are served. */
const DEFINING = new Set(['customresourcedefinitions.apiextensions.k8s.io', 'apiservices.apiregistration.k8s.io']);
/** Definitions come in crowds, ms. */
const REFRESH_DELAY_MS = 1000;
/** One kind that cannot be listed, for want of a webhook or another server, keeps all others waiting for so long, ms… */
const SYNC_LIMIT_MS = 10_000;
/** …but the process, in which that webhook may be yet to start, only for so long. */
const START_LIMIT_MS = 1000;

export function garbageCollector(context: ControllerContext): Controller {
  const { client, informers } = context;
  const graph = new OwnerGraph();
  const kinds = new ServedKinds(client);
  const watched = new Set<Informer<KubeObject>>();
  /** Before every kind is known, "unknown owner" means nothing. */
  let complete = false;

  const controller = newController({
    name: 'garbagecollector', log: context.log,
    reconcile: (uid) => (complete ? collector.look(uid) : Promise.resolve({ requeueAfterMs: START_LIMIT_MS })),
    before: async (signal) => {
      const informers = watchAll(await kinds.refresh());
      const began = begin(informers, signal);
      await Promise.race([began, delay(START_LIMIT_MS, undefined, { signal, ref: false })]);
    },
  });
  const { queue } = controller;

  const begin = async (informers: readonly Informer<KubeObject>[], signal: AbortSignal): Promise<void> => {
    signal.addEventListener('abort', () => { clearTimeout(timer); }, { once: true });
    const isSynced = await Promise.race([
      Promise.all(informers.map((informer) => informer.start(signal))).then(() => true),
      delay(SYNC_LIMIT_MS, false, { signal, ref: false }),
    ]);
    if (!isSynced) {
      const resources = informers.filter(({ synced }) => !synced).map(({ resource }) => resourceName(resource));
      context.log.warn({ resources }, 'some kinds could not be listed; collecting without them');
    }
    complete = true;
    if (changedEarly) {
      refreshSoon();
    }
    for (const node of graph.all()) {
      lookAt(node);
    }
  };

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
  let timer: NodeJS.Timeout | undefined;
  let changedEarly = false;
  const refresh = async (): Promise<void> => {
    timer = undefined;
    try {
      watchAll(await kinds.refresh());
      dropOthers();
    } catch (error) {
      context.log.warn({ err: error }, 'the kinds to collect could not be read, will retry');
      refreshSoon();
    }
  };
  const refreshSoon = (): void => {
    if (!complete) {
      changedEarly = true;
    } else if (!queue.closed) {
      timer ??= setTimeout(() => { void refresh(); }, REFRESH_DELAY_MS).unref();
    }
  };
  /** What is no longer served, or now in another version. Only custom kinds change: nobody else holds their informers for long. */
  const dropOthers = (): void => {
    for (const informer of watched) {
      if (!kinds.isServed(informer.resource)) {
        watched.delete(informer);
        informers.drop(informer);
        for (const { metadata: { uid = '' } } of informer.list()) {
          // Unless it is seen in another version already.
          if (graph.get(uid)?.resource.version === informer.resource.version) {
            graph.lose(uid);
          }
        }
      }
    }
  };
  const watchAll = (resources: readonly Resource[]): Informer<KubeObject>[] => resources.map((resource) => {
    const informer = informers.for(resource);
    if (!watched.has(informer)) {
      watched.add(informer);
      if (DEFINING.has(resourceName(resource))) {
        informer.on({ added: refreshSoon, updated: refreshSoon, deleted: refreshSoon });
      }
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
