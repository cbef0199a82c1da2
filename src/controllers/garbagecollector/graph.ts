/** Who owns whom, over all kinds: built from informer events, by uid. */
import type { KubeObject, OwnerReference } from '../../apimachinery/object.ts';
import type { Resource } from '../../client/resource.ts';

export const FOREGROUND = 'foregroundDeletion';
export const ORPHAN = 'orphan';

/** Uids known to be gone; they are never used again, but so many need not be remembered. */
const ABSENT_MAX = 5000;

export interface GraphNode {
  uid: string;
  resource: Resource;
  name: string;
  namespace: string | undefined;
  owners: readonly OwnerReference[];
  deleting: boolean;
  /** Being deleted after its dependents. */
  foreground: boolean;
  /** Being deleted without its dependents. */
  orphaning: boolean;
}

export class OwnerGraph {
  readonly #nodes = new Map<string, GraphNode>();
  /** Owner uid → uids of what refers to it, also while the owner is unknown. */
  readonly #dependents = new Map<string, Set<string>>();
  readonly #absent = new Set<string>();

  get(uid: string): GraphNode | undefined {
    return this.#nodes.get(uid);
  }

  all(): IterableIterator<GraphNode> {
    return this.#nodes.values();
  }

  isAbsent(uid: string): boolean {
    return this.#absent.has(uid);
  }

  noteAbsent(uid: string): void {
    this.#absent.add(uid);
    if (this.#absent.size > ABSENT_MAX) {
      for (const oldest of this.#absent) {
        this.#absent.delete(oldest);
        break;
      }
    }
  }

  dependentsOf(uid: string): GraphNode[] {
    return [...this.#dependents.get(uid) ?? []].flatMap((one) => this.#nodes.get(one) ?? []);
  }

  /** Dependents that keep a foreground deletion waiting. */
  blockersOf(uid: string): GraphNode[] {
    return this.dependentsOf(uid).filter((node) => node.owners.some((owner) => owner.uid === uid && owner.blockOwnerDeletion === true));
  }

  /** True when the object has an owner that is unknown, gone, or waits for its dependents. */
  needsLook(node: GraphNode): boolean {
    return (node.deleting && (node.foreground || node.orphaning))
      || (!node.deleting && node.owners.some(({ uid }) => {
        const owner = this.#nodes.get(uid);
        return owner === undefined || owner.foreground;
      }));
  }

  /** Takes an object as its informer shows it; returns the node and the owners it no longer has. */
  observe(resource: Resource, object: KubeObject): { node: GraphNode; left: readonly OwnerReference[] } | undefined {
    const { uid, name, namespace, ownerReferences = [], deletionTimestamp, finalizers = [] } = object.metadata;
    if (uid === undefined) {
      return undefined;
    }
    const deleting = deletionTimestamp !== undefined;
    const node: GraphNode = {
      uid, resource, name, namespace, owners: ownerReferences, deleting,
      foreground: deleting && finalizers.includes(FOREGROUND), orphaning: deleting && finalizers.includes(ORPHAN),
    };
    const before = this.#nodes.get(uid)?.owners ?? [];
    const left = before.filter((old) => !ownerReferences.some((now) => now.uid === old.uid && now.blockOwnerDeletion === old.blockOwnerDeletion));
    for (const owner of before) {
      this.#unlink(owner.uid, uid);
    }
    for (const owner of ownerReferences) {
      const dependents = this.#dependents.get(owner.uid);
      if (dependents) {
        dependents.add(uid);
      } else {
        this.#dependents.set(owner.uid, new Set([uid]));
      }
    }
    this.#nodes.set(uid, node);
    return { node, left };
  }

  /** The object is gone; returns it as it was. */
  forget(uid: string): GraphNode | undefined {
    this.noteAbsent(uid);
    return this.lose(uid);
  }

  /** The object is no longer seen, which does not say that it is gone. */
  lose(uid: string): GraphNode | undefined {
    const node = this.#nodes.get(uid);
    if (node !== undefined) {
      this.#nodes.delete(uid);
      for (const owner of node.owners) {
        this.#unlink(owner.uid, uid);
      }
    }
    return node;
  }

  #unlink(owner: string, dependent: string): void {
    const dependents = this.#dependents.get(owner);
    dependents?.delete(dependent);
    if (dependents?.size === 0) {
      this.#dependents.delete(owner);
    }
  }
}
