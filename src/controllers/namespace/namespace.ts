/** The namespace controller: a namespace that is being deleted goes once everything in it is gone. */
import { isStatusError } from '../../apimachinery/status.ts';
import { newController, type Controller, type Requeue } from '../../client/controller.ts';
import { discover } from '../../client/discovery.ts';
import { resourcePath } from '../../client/resource.ts';
import { NAMESPACES, PODS } from '../../client/resources.ts';
import type { Namespace } from '../../kinds/generated/core.ts';
import type { ControllerContext } from '../context.ts';
import { clearNamespace, noteRemains } from './content.ts';

const FINALIZER = 'kubernetes';
/** How soon to look again at what is left, milliseconds; doubles up to the maximum. The end of the last pod is noticed at once. */
const LOOK_AGAIN_MS = 100;
const LOOK_AGAIN_MAX_MS = 10_000;

export function namespaceController(context: ControllerContext): Controller {
  const { client, informers } = context;
  const namespaces = informers.for(NAMESPACES);
  const pods = informers.for(PODS);
  /** Looks at each namespace that is on its way. */
  const looks = new Map<string, number>();

  /** Undefined when the namespace is gone. */
  const finalize = async (namespace: Namespace): Promise<void> => {
    const { name } = namespace.metadata;
    const finalizers = (namespace.spec.finalizers ?? []).filter((one) => one !== FINALIZER);
    try {
      await client.raw({
        method: 'PUT', path: resourcePath(NAMESPACES, { name, subresource: 'finalize' }),
        body: { ...namespace, spec: { ...namespace.spec, finalizers } },
      });
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) {
        throw error;
      }
    }
  };

  const reconcile = async (name: string): Promise<void | Requeue> => {
    const namespace = namespaces.get(name);
    if (namespace?.metadata.deletionTimestamp === undefined || namespace.spec.finalizers?.includes(FINALIZER) !== true) {
      looks.delete(name);
      return undefined;
    }
    const { resources, failures } = await discover(client);
    const remains = await clearNamespace(client, resources, name);
    const conditions = (namespace.status?.conditions ?? []).map((condition) => ({ ...condition }));
    let current = namespace;
    if (noteRemains(conditions, remains, failures)) {
      current = await client.updateStatus(NAMESPACES, { ...namespace, status: { ...namespace.status, conditions } });
    }
    if (remains.resources.size === 0 && remains.errors.length === 0 && failures.size === 0) {
      await finalize(current);
      looks.delete(name);
      return undefined;
    }
    const look = looks.get(name) ?? 0;
    looks.set(name, look + 1);
    return { requeueAfterMs: Math.min(LOOK_AGAIN_MS * 2 ** look, LOOK_AGAIN_MAX_MS) };
  };

  const controller = newController({
    name: 'namespace', log: context.log, reconcile,
    before: (signal) => Promise.all([namespaces.start(signal), pods.start(signal)]),
  });
  const { queue } = controller;
  const changed = (namespace: Namespace): void => {
    if (namespace.metadata.deletionTimestamp !== undefined) {
      queue.add(namespace.metadata.name);
    }
  };
  namespaces.on({
    added: changed,
    updated: (namespace, old) => {
      // Not for the conditions this controller writes itself.
      if (old.metadata.deletionTimestamp === undefined) {
        changed(namespace);
      }
    },
    deleted: (namespace) => { queue.add(namespace.metadata.name); },
  });
  pods.on({
    deleted: (pod) => {
      const name = pod.metadata.namespace ?? '';
      const namespace = namespaces.get(name);
      if (namespace !== undefined && looks.has(name) && pods.list(name).length === 0) {
        changed(namespace);
      }
    },
  });
  return controller;
}
