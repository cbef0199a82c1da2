/** One look at one object: deletes it when its owners are gone, and lets foreground and orphaning deletions go on. */
import type { KubeObject, OwnerReference } from '../../apimachinery/object.ts';
import { isStatusError } from '../../apimachinery/status.ts';
import type { Client, DeleteOptions } from '../../client/client.ts';
import type { Resource } from '../../client/resource.ts';
import { FOREGROUND, ORPHAN, type GraphNode, type OwnerGraph } from './graph.ts';

export interface CollectorTools {
  client: Client;
  graph: OwnerGraph;
  /** The resource of an owner's kind. Throws when the kind is not served: then nothing is known and nothing deleted. */
  resourceOf: (reference: OwnerReference) => Promise<Resource>;
  enqueue: (uid: string) => void;
  /** An object turned out to be gone. */
  gone: (uid: string) => void;
}

type Standing = 'solid' | 'dangling' | 'waiting';

export class Collector {
  readonly #tools: CollectorTools;

  constructor(tools: CollectorTools) {
    this.#tools = tools;
  }

  async look(uid: string): Promise<void> {
    const node = this.#tools.graph.get(uid);
    if (node === undefined) {
      return;
    }
    // The cache says where to look, the server what is true: nothing is deleted on hearsay.
    const live = await this.#read(node.resource, node.name, node.namespace);
    if (live?.metadata.uid !== uid) {
      this.#tools.gone(uid);
      return;
    }
    if (live.metadata.deletionTimestamp !== undefined) {
      await this.#onItsWay(node, live);
    } else if ((live.metadata.ownerReferences ?? []).length > 0) {
      await this.#judge(node, live);
    }
  }

  async #read(resource: Resource, name: string, namespace: string | undefined): Promise<KubeObject | undefined> {
    try {
      return await this.#tools.client.get(resource, name, resource.namespaced ? namespace : undefined);
    } catch (error) {
      // Not found without a name: the resource itself is served no more, which says nothing of the object.
      if (isStatusError(error, 'NotFound') && error.status.details?.name === name) {
        return undefined;
      }
      throw error;
    }
  }

  async #onItsWay(node: GraphNode, live: KubeObject): Promise<void> {
    const finalizers = live.metadata.finalizers ?? [];
    const { graph, enqueue } = this.#tools;
    if (finalizers.includes(ORPHAN)) {
      await Promise.all(graph.dependentsOf(node.uid).map((dependent) => this.#disown(dependent, new Set([node.uid]))));
      await this.#removeFinalizer(node, live, ORPHAN);
    } else if (finalizers.includes(FOREGROUND)) {
      if (graph.blockersOf(node.uid).length === 0) {
        await this.#removeFinalizer(node, live, FOREGROUND);
      }
      graph.dependentsOf(node.uid).filter((dependent) => !dependent.deleting).forEach((dependent) => { enqueue(dependent.uid); });
    }
  }

  async #judge(node: GraphNode, live: KubeObject): Promise<void> {
    const owners = live.metadata.ownerReferences ?? [];
    const standings = await Promise.all(owners.map((owner) => this.#standing(owner, live)));
    const of = (wanted: Standing): OwnerReference[] => owners.filter((_, at) => standings[at] === wanted);
    if (of('solid').length > 0) {
      const lost = [...of('dangling'), ...of('waiting')];
      if (lost.length > 0) {
        await this.#patchOwners(node, live, new Set(lost.map((owner) => owner.uid)));
      }
      return;
    }
    const finalizers = live.metadata.finalizers ?? [];
    const hasDependents = this.#tools.graph.dependentsOf(node.uid).length > 0;
    const propagationPolicy = of('waiting').length > 0 && hasDependents ? 'Foreground'
      : finalizers.includes(ORPHAN) ? 'Orphan' : finalizers.includes(FOREGROUND) ? 'Foreground' : 'Background';
    await this.#delete(node, live, propagationPolicy);
  }

  async #standing(owner: OwnerReference, child: KubeObject): Promise<Standing> {
    const { graph } = this.#tools;
    const known = graph.get(owner.uid);
    if (known !== undefined) {
      return known.foreground ? 'waiting' : 'solid';
    }
    if (graph.isAbsent(owner.uid)) {
      return 'dangling';
    }
    const resource = await this.#tools.resourceOf(owner);
    const found = await this.#read(resource, owner.name, child.metadata.namespace);
    if (found?.metadata.uid !== owner.uid) {
      graph.noteAbsent(owner.uid);
      return 'dangling';
    }
    return found.metadata.deletionTimestamp !== undefined && found.metadata.finalizers?.includes(FOREGROUND) === true ? 'waiting' : 'solid';
  }

  async #delete(node: GraphNode, live: KubeObject, propagationPolicy: DeleteOptions['propagationPolicy'] & string): Promise<void> {
    const { uid, resourceVersion } = live.metadata;
    try {
      await this.#tools.client.delete(node.resource, node.name, node.namespace, {
        // The version too: somebody may be giving it a new owner at this moment.
        propagationPolicy, preconditions: { ...(uid === undefined ? {} : { uid }), ...(resourceVersion === undefined ? {} : { resourceVersion }) },
      });
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) {
        throw error;
      }
    }
  }

  async #disown(node: GraphNode, owners: ReadonlySet<string>): Promise<void> {
    const live = await this.#read(node.resource, node.name, node.namespace);
    if (live?.metadata.uid === node.uid) {
      await this.#patchOwners(node, live, owners);
    }
  }

  async #patchOwners(node: GraphNode, live: KubeObject, lost: ReadonlySet<string>): Promise<void> {
    const ownerReferences = (live.metadata.ownerReferences ?? []).filter((owner) => !lost.has(owner.uid));
    if (ownerReferences.length !== (live.metadata.ownerReferences ?? []).length) {
      await this.#patch(node, live, { ownerReferences });
    }
  }

  async #removeFinalizer(node: GraphNode, live: KubeObject, finalizer: string): Promise<void> {
    await this.#patch(node, live, { finalizers: (live.metadata.finalizers ?? []).filter((one) => one !== finalizer) });
  }

  async #patch(node: GraphNode, live: KubeObject, metadata: object): Promise<void> {
    const { uid, resourceVersion } = live.metadata;
    try {
      await this.#tools.client.patch(node.resource, {
        name: node.name, namespace: node.namespace, type: 'merge', body: { metadata: { uid, resourceVersion, ...metadata } },
      });
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) {
        throw error;
      }
    }
  }
}
