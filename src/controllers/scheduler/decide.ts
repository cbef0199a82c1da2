/** Which node and which devices a pod gets: filters, then packing for pods with devices and spreading for the others. Nothing is written. */
import { AcceleratorRequestError } from '../../apimachinery/accelerators.ts';
import { deepClone } from '../../apimachinery/values.ts';
import type { Pod } from '../../kinds/generated/core.ts';
import type { AllocationResult, ResourceClaim } from '../../kinds/generated/resource.ts';
import { allocate, takenOf, type Allocation } from '../../placement/devices/allocate.ts';
import { ClaimError, type ClaimAsk } from '../../placement/devices/asks.ts';
import { requestsFor } from '../../placement/devices/extended.ts';
import { claimKey, type DeviceInventory } from '../../placement/devices/inventory.ts';
import { isReservedFor, needsOf, pendingOn, reaches, type Needs, type Sources } from '../../placement/devices/needs.ts';
import { LivePacking, type PackingAsk } from '../../placement/devices/packing.ts';
import { allocationResult } from '../../placement/devices/result.ts';
import { SelectorError } from '../../placement/devices/selectors.ts';
import { addReason, fitNodes, unschedulableMessage, type Uncounted } from '../../placement/fit.ts';
import type { Cluster } from '../../placement/interpod.ts';
import type { NodeInfo, PlacedPod } from '../../placement/nodeinfo.ts';
import { bestNode, wishScore } from '../../placement/score.ts';
import type { ClaimWrite } from './claims.ts';

export interface Decision {
  readonly node: string;
  readonly writes: readonly ClaimWrite[];
  /** Claims that get devices, by `namespace/name`: counted by the inventory from now on. */
  readonly assumed: readonly string[];
}

export type Verdict =
  | { readonly ok: true; readonly decision: Decision }
  /** `held`: claims that only this pod holds and that keep it from going elsewhere. */
  | { readonly ok: false; readonly message: string; readonly held: readonly ResourceClaim[]; readonly needs: Needs | undefined };

const MIB = 1024 * 1024;
const NOT_THERE = "node(s) don't have the devices that were allocated";

/** Errors whose text is for the pod's owner: what is asked for cannot be had as it stands. */
export const isClaimFault = (error: unknown): error is Error => error instanceof ClaimError || error instanceof SelectorError || error instanceof AcceleratorRequestError;

/** On a node that publishes devices, what they serve is not counted by the node. */
export const uncountedBy = (needs: Needs | undefined, inventory: DeviceInventory): Uncounted | undefined =>
  (needs?.extended === undefined ? undefined : (resource, info) => needs.extended?.resources.has(resource) === true && inventory.devicesOf(info.node).length > 0);

export class Decider {
  readonly #cluster: Cluster;
  readonly #sources: Sources;
  readonly #packing: LivePacking;

  constructor(cluster: Cluster, sources: Sources) {
    this.#cluster = cluster;
    this.#sources = sources;
    this.#packing = new LivePacking(sources.inventory);
  }

  /** What is usually asked for is learnt from every pod once. */
  learn(placed: PlacedPod): void {
    if (!this.#sources.inventory.empty) {
      this.#packing.learn(this.#packingAsk(placed, this.#needs(placed.pod)), this.#cluster.nodes);
    }
  }

  /** `closed`: why a node is kept for somebody else. */
  decide(placed: PlacedPod, closed?: (info: NodeInfo) => string | undefined): Verdict {
    const { inventory } = this.#sources;
    let needs: Needs | undefined;
    try {
      needs = needsOf(placed.pod, this.#sources);
    } catch (error) {
      if (isClaimFault(error)) {
        return { ok: false, message: error.message, held: [], needs: undefined };
      }
      throw error;
    }
    const { feasible, reasons } = fitNodes(placed, this.#cluster, uncountedBy(needs, inventory));
    const open = feasible.filter((info) => {
      const why = closed?.(info) ?? (needs === undefined || reaches(needs.allocated, info.node) ? undefined : NOT_THERE);
      if (why !== undefined) {
        addReason(reasons, why);
      }
      return why === undefined;
    });
    const decision = needs === undefined ? this.#ordinary(placed, open) : this.#withDevices(placed, needs, open, reasons);
    return decision === undefined ? this.#refused(placed.pod, needs, reasons) : { ok: true, decision };
  }

  #refused(pod: Pod, needs: Needs | undefined, reasons: ReadonlyMap<string, number>): Verdict {
    const held = (needs?.allocated ?? []).filter((claim) => (claim.status?.reservedFor ?? []).every(({ uid }) => uid === pod.metadata.uid));
    const faults = needs === undefined ? [] : this.#sources.inventory.faults();
    const message = unschedulableMessage(this.#cluster.nodes.length, reasons);
    return { ok: false, message: faults.length === 0 ? message : `${message} ${faults[0] ?? ''}.`, held, needs };
  }

  #needs(pod: Pod): Needs | undefined {
    try {
      return needsOf(pod, this.#sources);
    } catch (error) {
      if (isClaimFault(error)) {
        return undefined;
      }
      throw error;
    }
  }

  #packingAsk({ requests }: PlacedPod, needs: Needs | undefined): PackingAsk {
    return { cpuMilli: requests['cpu'] ?? 0, memoryMib: Math.ceil((requests['memory'] ?? 0) / MIB), claims: needs?.pending ?? [] };
  }

  /** Spread as ever; nodes with devices are spared while there are others, and of them the one that loses least is taken. */
  #ordinary(placed: PlacedPod, feasible: readonly NodeInfo[]): Decision | undefined {
    const withDevices = this.#sources.inventory.empty ? [] : feasible.filter((info) => this.#sources.inventory.devicesOf(info.node).length > 0);
    const ranks = new Map(withDevices.length === 0 ? []
      : this.#packing.rank(this.#packingAsk(placed, undefined), withDevices, this.#cluster.nodes, () => 0).map(({ info, score }) => [info, score] as const));
    const top = Math.max(...ranks.values());
    // A node with devices is spared by half the weight at least, by more the more would be lost on it.
    const spared = ranks.size === 0 ? undefined : (info: NodeInfo): number => {
      const score = ranks.get(info);
      return score === undefined ? 0 : 100 + Math.min(100, top - score);
    };
    const best = bestNode(placed, feasible, this.#cluster, spared);
    return best === undefined ? undefined : { node: best.name, writes: [], assumed: [] };
  }

  #withDevices(placed: PlacedPod, needs: Needs, feasible: readonly NodeInfo[], reasons: Map<string, number>): Decision | undefined {
    const { inventory } = this.#sources;
    const wishes = wishScore(placed, feasible, this.#cluster);
    for (const { info, order } of this.#packing.rank(this.#packingAsk(placed, needs), feasible, this.#cluster.nodes, wishes)) {
      const claims = pendingOn(needs, info, inventory);
      try {
        const outcome = allocate(claims, { node: info.node, inventory, usage: inventory.usage, order });
        if (outcome.ok) {
          return this.#decided(placed.pod, needs, info, outcome.allocation);
        }
        addReason(reasons, outcome.reason);
      } catch (error) {
        if (!(error instanceof SelectorError)) {
          throw error;
        }
        addReason(reasons, error.message);
      }
    }
    return undefined;
  }

  /** Turns choices into what is to be written; the inventory counts them by claim from now on. */
  #decided(pod: Pod, needs: Needs, { node, name }: NodeInfo, allocation: Allocation): Decision {
    const { inventory } = this.#sources;
    const writes: ClaimWrite[] = needs.allocated.filter((claim) => !isReservedFor(claim, pod)).map((claim) => ({ type: 'reserve', claim }));
    const assumed: string[] = [];
    for (const [key, choices] of allocation) {
      choices.filter(({ ask }) => !ask.admin).forEach((choice) => { inventory.usage.free(takenOf(choice)); });
      const ask = needs.pending.find((one) => one.key === key);
      if (ask === undefined) {
        continue;
      }
      const result = allocationResult(choices, { inventory, node, claim: ask.claim });
      writes.push(this.#write(ask, { needs, allocation, result }));
      inventory.assume(key, result.devices?.results ?? []);
      assumed.push(key);
    }
    const mapped = needs.extended !== undefined && needs.allocated.some((claim) => claimKey(claim) === needs.extended?.claim.key);
    if (mapped) {
      writes.push({ type: 'mapped', status: this.#mapping(needs) });
    }
    return { node: name, writes, assumed };
  }

  #write(ask: ClaimAsk, { needs, allocation, result }: { needs: Needs; allocation: Allocation; result: AllocationResult }): ClaimWrite {
    return ask.claim === undefined
      ? { type: 'extended', name: nameIn(ask.key), requests: requestsFor(ask, allocation), allocation: result, status: this.#mapping(needs) }
      : { type: 'allocate', claim: ask.claim, allocation: result };
  }

  #mapping({ extended }: Needs): { requestMappings: { containerName: string; resourceName: string; requestName: string }[]; resourceClaimName: string } {
    return { requestMappings: deepClone([...extended?.mappings ?? []]), resourceClaimName: nameIn(extended?.claim.key ?? '') };
  }
}

export const nameIn = (key: string): string => key.slice(key.indexOf('/') + 1);
