/** The scheduler's picture of nodes and the pods on them, those it has just placed included. */
import { keyOf } from '../../apimachinery/object.ts';
import type { Node, Pod } from '../../kinds/generated/core.ts';
import type { Cluster, NamespaceLabels } from '../../placement/interpod.ts';
import { NodeInfo, placedPod, type PlacedPod } from '../../placement/nodeinfo.ts';

interface Placement {
  node: string;
  placed: PlacedPod;
  /** Chosen here, not confirmed by the server yet. */
  assumed: boolean;
}

export class ClusterState implements Cluster {
  readonly namespaceLabels: NamespaceLabels;
  readonly #nodes = new Map<string, NodeInfo>();
  readonly #placements = new Map<string, Placement>();
  #list: readonly NodeInfo[] | undefined;

  constructor(namespaceLabels: NamespaceLabels) {
    this.namespaceLabels = namespaceLabels;
  }

  get nodes(): readonly NodeInfo[] {
    this.#list ??= [...this.#nodes.values()];
    return this.#list;
  }

  setNode(node: Node): void {
    const known = this.#nodes.get(node.metadata.name);
    if (known !== undefined) {
      known.update(node);
      return;
    }
    const info = new NodeInfo(node);
    for (const { node: name, placed } of this.#placements.values()) {
      if (name === info.name) {
        info.place(placed);
      }
    }
    this.#nodes.set(info.name, info);
    this.#list = undefined;
  }

  removeNode(name: string): void {
    this.#nodes.delete(name);
    this.#list = undefined;
  }

  /** A pod that the server says is on a node. */
  place(pod: Pod): void {
    this.#put(placedPod(pod), pod.spec.nodeName ?? '', false);
  }

  /** A pod that is about to be bound: it counts from now on. */
  assume(placed: PlacedPod, node: string): void {
    this.#put(placed, node, true);
  }

  isAssumed(key: string): boolean {
    return this.#placements.get(key)?.assumed === true;
  }

  /** The binding failed. */
  unassume(key: string): void {
    if (this.isAssumed(key)) {
      this.remove(key);
    }
  }

  /** True when the pod was on a node. */
  remove(key: string): boolean {
    const placement = this.#placements.get(key);
    if (placement === undefined) {
      return false;
    }
    this.#placements.delete(key);
    this.#nodes.get(placement.node)?.remove(key);
    return true;
  }

  #put(placed: PlacedPod, node: string, assumed: boolean): void {
    const key = keyOf(placed.pod);
    const before = this.#placements.get(key);
    if (before !== undefined && before.node !== node) {
      this.#nodes.get(before.node)?.remove(key);
    }
    this.#placements.set(key, { node, placed, assumed });
    this.#nodes.get(node)?.place(placed);
  }
}
