/** A node and what is on it, kept in step pod by pod, so that a fit is judged without adding up all pods again. */
import { keyOf } from '../apimachinery/object.ts';
import type { Node, Pod, PodAffinityTerm } from '../kinds/generated/core.ts';
import { add, amountsOf, podRequests, podWeight, type Amounts } from './resources.ts';

export interface HostPort {
  ip: string;
  port: number;
  protocol: string;
}

/** A pod with what its placement depends on, computed once. */
export interface PlacedPod {
  readonly pod: Pod;
  readonly key: string;
  readonly requests: Amounts;
  readonly weight: Amounts;
  readonly ports: readonly HostPort[];
  readonly antiAffinity: readonly PodAffinityTerm[];
}

export function placedPod(pod: Pod): PlacedPod {
  const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? []).filter((one) => one.restartPolicy === 'Always')];
  const ports = containers.flatMap((container) => container.ports ?? []).flatMap((port) =>
    (port.hostPort ? [{ ip: port.hostIP ?? '0.0.0.0', port: port.hostPort, protocol: port.protocol ?? 'TCP' }] : []));
  return {
    pod, key: keyOf(pod), requests: podRequests(pod.spec), weight: podWeight(pod.spec), ports,
    antiAffinity: pod.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [],
  };
}

export class NodeInfo {
  #node: Node;
  #allocatable: Amounts;
  readonly pods = new Map<string, PlacedPod>();
  readonly requested: Record<string, number> = {};
  readonly weight: Record<string, number> = {};

  constructor(node: Node) {
    this.#node = node;
    this.#allocatable = amountsOf(node.status?.allocatable);
  }

  get node(): Node {
    return this.#node;
  }

  get name(): string {
    return this.#node.metadata.name;
  }

  get labels(): Readonly<Record<string, string>> {
    return this.#node.metadata.labels ?? {};
  }

  get allocatable(): Amounts {
    return this.#allocatable;
  }

  /** The same node in a newer version; its pods stay. */
  update(node: Node): void {
    this.#node = node;
    this.#allocatable = amountsOf(node.status?.allocatable);
  }

  /** Adds a pod, or replaces the one of that key. */
  place(placed: PlacedPod): void {
    this.remove(placed.key);
    this.pods.set(placed.key, placed);
    add(this.requested, placed.requests);
    add(this.weight, placed.weight);
  }

  remove(key: string): boolean {
    const placed = this.pods.get(key);
    if (placed === undefined) {
      return false;
    }
    this.pods.delete(key);
    add(this.requested, placed.requests, -1);
    add(this.weight, placed.weight, -1);
    return true;
  }
}
