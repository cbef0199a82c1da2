/**
 * Whether pods that do not exist yet could be placed, all of them together: what a queue asks before it admits. What it has promised counts from
 * then on, over what runs, until it is released or its pods are there and count by themselves. Spreading and affinity between pods that do
 * not exist yet are left to the scheduler, but for pods that want a domain each.
 */
import { matchesLabels, selectorFromObject } from '../../apimachinery/selectors.ts';
import type { Pod, PodTemplateSpec, Toleration } from '../../kinds/generated/core.ts';
import type { ResourceClaim, ResourceClaimTemplate } from '../../kinds/generated/resource.ts';
import { addReason, unschedulableMessage, unwelcome } from '../fit.ts';
import { interPodVerdict, type Cluster, type NamespaceLabels, type NodeVerdict } from '../interpod.ts';
import { placedPod, type NodeInfo, type PlacedPod } from '../nodeinfo.ts';
import { allocate, takenOf } from './allocate.ts';
import { asksOfClaim, ClaimError, type ClaimAsk } from './asks.ts';
import { extendedAsk, type ExtendedAsk } from './extended.ts';
import type { DeviceInventory } from './inventory.ts';
import { countsByItself, reaches } from './needs.ts';
import { SelectorError } from './selectors.ts';
import { Usage, type Taken } from './usage.ts';
import { AcceleratorRequestError } from '../../apimachinery/accelerators.ts';

export interface PlannedPodSet {
  readonly name: string;
  readonly namespace: string;
  readonly template: PodTemplateSpec;
  readonly count: number;
  /** Further than the template's own: of the flavors it was given. */
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly tolerations?: readonly Toleration[];
}

/** What has been promised to pods that do not exist yet. */
export interface Reservation {
  /** Gives everything back that is still held; harmless when repeated. */
  release(): void;
  /** So many pods of a set are there and count by themselves: on a node, where it is known. */
  arrived(podSet: string, pods: number, node?: string): void;
}

export type Plan = { readonly ok: true; reserve(): Reservation } | { readonly ok: false; readonly message: string };

export interface PlannerSources {
  /** Nodes with what runs on them, as they are now. */
  readonly nodes: () => readonly NodeInfo[];
  readonly inventory: DeviceInventory;
  readonly namespaceLabels: NamespaceLabels;
  readonly claim: (key: string) => ResourceClaim | undefined;
  readonly claimTemplate: (key: string) => ResourceClaimTemplate | undefined;
}

/** One pod that has its place in a plan. */
interface Held {
  readonly podSet: string;
  readonly node: string;
  readonly amounts: Readonly<Record<string, number>>;
  readonly taken: readonly Taken[];
}

/** What is promised, by node; over another of its kind while a plan is being made. */
class Promised {
  readonly usage: Usage;
  readonly #below: Promised | undefined;
  readonly #amounts = new Map<string, Record<string, number>>();

  constructor(usage: Usage, below?: Promised) {
    this.usage = new Usage(usage);
    this.#below = below;
  }

  of(node: string, resource: string): number {
    return (this.#amounts.get(node)?.[resource] ?? 0) + (this.#below?.of(node, resource) ?? 0);
  }

  add({ node, amounts, taken }: Held, sign: 1 | -1 = 1): void {
    const sum = this.#amounts.get(node) ?? {};
    for (const [resource, amount] of Object.entries(amounts)) {
      sum[resource] = (sum[resource] ?? 0) + sign * amount;
    }
    this.#amounts.set(node, sum);
    taken.forEach((one) => { this.usage[sign === 1 ? 'take' : 'free'](one); });
  }
}

/** A set with what is common to its pods worked out once. */
interface Prepared {
  readonly set: PlannedPodSet;
  readonly placed: PlacedPod;
  /** What each pod finds for itself, and what the first finds for all. */
  readonly each: readonly ClaimAsk[];
  readonly common: readonly ClaimAsk[];
  readonly allocated: readonly ResourceClaim[];
  readonly extended: ExtendedAsk | undefined;
  readonly verdict: NodeVerdict;
  /** Labels whose every value takes one pod of the set. */
  readonly apart: readonly string[];
}

function podOf({ name, namespace, template, nodeSelector, tolerations }: PlannedPodSet): Pod {
  const spec = template.spec ?? { containers: [] };
  return {
    apiVersion: 'v1', kind: 'Pod', metadata: { ...template.metadata, name, namespace },
    spec: { ...spec, nodeSelector: { ...spec.nodeSelector, ...nodeSelector }, tolerations: [...spec.tolerations ?? [], ...tolerations ?? []] },
  };
}

/** Topology keys by which pods of the set keep away from each other. */
function apartBy(pod: Pod): string[] {
  return (pod.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [])
    .filter((term) => matchesLabels(selectorFromObject(term.labelSelector), pod.metadata.labels)).map(({ topologyKey }) => topologyKey);
}

export class Planner {
  readonly #sources: PlannerSources;
  readonly #promised: Promised;

  constructor(sources: PlannerSources) {
    this.#sources = sources;
    this.#promised = new Promised(sources.inventory.usage);
  }

  /** A place for every pod of the sets together, or why there is none. Nothing is held until `reserve` is called, in the same turn. */
  plan(podSets: readonly PlannedPodSet[]): Plan {
    const nodes = this.#sources.nodes();
    const draft = new Promised(this.#promised.usage, this.#promised);
    // Reads what is in use now, should devices have changed.
    void this.#sources.inventory.usage;
    const held: Held[] = [];
    try {
      const prepared = podSets.filter(({ count }) => count > 0).map((set) => this.#prepare(set, nodes));
      // What needs devices chooses first: the others can go anywhere.
      for (const one of prepared.sort((a, b) => b.each.length + b.common.length - a.each.length - a.common.length)) {
        const message = this.#placeSet(one, { nodes, draft, held });
        if (message !== undefined) {
          return { ok: false, message };
        }
      }
    } catch (error) {
      if (error instanceof ClaimError || error instanceof SelectorError || error instanceof AcceleratorRequestError) {
        return { ok: false, message: error.message };
      }
      throw error;
    }
    return { ok: true, reserve: () => this.#reserve(held) };
  }

  #reserve(held: readonly Held[]): Reservation {
    const left = [...held];
    left.forEach((one) => { this.#promised.add(one); });
    const drop = (index: number): void => {
      const [one] = left.splice(index, 1);
      if (one !== undefined) {
        this.#promised.add(one, -1);
      }
    };
    return {
      release: () => {
        while (left.length > 0) {
          drop(left.length - 1);
        }
      },
      arrived: (podSet, pods, node) => {
        for (let count = 0; count < pods; count += 1) {
          const there = left.findIndex((one) => one.podSet === podSet && one.node === node);
          const any = there >= 0 ? there : left.findIndex((one) => one.podSet === podSet);
          if (any < 0) {
            return;
          }
          drop(any);
        }
      },
    };
  }

  #prepare(set: PlannedPodSet, nodes: readonly NodeInfo[]): Prepared {
    const { inventory, namespaceLabels } = this.#sources;
    const pod = podOf(set);
    const extended = extendedAsk(pod, inventory);
    const own = (pod.spec.resourceClaims ?? []).map((entry) => this.#claim(set.namespace, entry));
    const fresh = own.filter(({ claim }) => claim.status?.allocation === undefined).map(({ claim, common }) => ({ ask: asksOfClaim(claim, inventory), common }));
    const cluster: Cluster = { nodes, namespaceLabels };
    return {
      set, placed: placedPod(pod), verdict: interPodVerdict(pod, cluster), apart: apartBy(pod), extended,
      each: [...fresh.filter(({ common }) => !common).map(({ ask }) => ask), ...(extended === undefined ? [] : [extended.claim])],
      common: fresh.filter(({ common }) => common).map(({ ask }) => ask),
      allocated: own.map(({ claim }) => claim).filter(({ status }) => status?.allocation !== undefined),
    };
  }

  /** The claim of a pod's entry: one that is there is for all pods together, a template makes one for each. */
  #claim(namespace: string, { name, resourceClaimName, resourceClaimTemplateName }: { name: string; resourceClaimName?: string; resourceClaimTemplateName?: string }): { claim: ResourceClaim; common: boolean } {
    if (resourceClaimName !== undefined) {
      const claim = this.#sources.claim(`${namespace}/${resourceClaimName}`);
      if (claim === undefined) {
        throw new ClaimError(`resourceclaim "${resourceClaimName}" not found`);
      }
      return { claim, common: true };
    }
    const template = this.#sources.claimTemplate(`${namespace}/${resourceClaimTemplateName ?? ''}`);
    if (template === undefined) {
      throw new ClaimError(`resourceclaimtemplate "${resourceClaimTemplateName ?? ''}" not found`);
    }
    return { claim: { apiVersion: 'resource.k8s.io/v1', kind: 'ResourceClaim', metadata: { name, namespace }, spec: template.spec.spec }, common: false };
  }

  /** Undefined when all its pods have a place in the draft. */
  #placeSet(one: Prepared, at: { nodes: readonly NodeInfo[]; draft: Promised; held: Held[] }): string | undefined {
    const { set, common } = one;
    const reasons = new Map<string, number>();
    const domains = new Set<string>();
    let missing = set.count;
    for (const info of this.#ordered(one, at.nodes)) {
      const why = this.#closed(one, info);
      if (why !== undefined) {
        addReason(reasons, why);
        continue;
      }
      for (;;) {
        const reason = this.#placeOne(one, info, { draft: at.draft, held: at.held, domains, first: missing === set.count });
        if (reason !== undefined) {
          addReason(reasons, reason);
          break;
        }
        missing -= 1;
        if (missing === 0) {
          return undefined;
        }
      }
      // Where the first pod found devices for all, the others must follow.
      if (common.length > 0 && missing < set.count) {
        break;
      }
    }
    const text = unschedulableMessage(at.nodes.length, reasons);
    return set.count === 1 ? `pod of set ${set.name} cannot be placed: ${text}` : `only ${set.count - missing} of ${set.count} pods of set ${set.name} can be placed: ${text}`;
  }

  /** Pods without devices go to nodes without first. */
  #ordered({ each, common }: Prepared, nodes: readonly NodeInfo[]): readonly NodeInfo[] {
    if (each.length + common.length > 0 || this.#sources.inventory.empty) {
      return nodes;
    }
    const has = (info: NodeInfo): boolean => this.#sources.inventory.devicesOf(info.node).length > 0;
    return [...nodes.filter((info) => !has(info)), ...nodes.filter(has)];
  }

  #closed({ placed, allocated, verdict }: Prepared, info: NodeInfo): string | undefined {
    return unwelcome(placed, info) ?? (reaches(allocated, info.node) ? verdict(info) : "node(s) don't have the devices that were allocated");
  }

  #placeOne(one: Prepared, info: NodeInfo, at: { draft: Promised; held: Held[]; domains: Set<string>; first: boolean }): string | undefined {
    const { placed, common, apart, extended } = one;
    const each = extended !== undefined && countsByItself(extended, info, this.#sources.inventory) ? one.each.filter((claim) => claim !== extended.claim) : one.each;
    const own = apart.map((key) => `${key}=${info.labels[key] ?? ''}`);
    if (own.some((domain) => at.domains.has(domain))) {
      return "node(s) didn't match pod anti-affinity rules";
    }
    const short = this.#lacks(one, info, at.draft);
    if (short !== undefined) {
      return short;
    }
    const claims = at.first ? [...each, ...common] : each;
    const outcome = allocate(claims, { node: info.node, inventory: this.#sources.inventory, usage: at.draft.usage });
    if (!outcome.ok) {
      return outcome.reason;
    }
    const taken = [...outcome.allocation.values()].flat().filter(({ ask }) => !ask.admin).map(takenOf);
    // The search has counted the devices already; they are counted again with all else.
    taken.forEach((device) => { at.draft.usage.free(device); });
    const held = { podSet: one.set.name, node: info.name, amounts: { ...placed.requests, pods: 1 }, taken };
    at.draft.add(held);
    at.held.push(held);
    own.forEach((domain) => at.domains.add(domain));
    return undefined;
  }

  #lacks({ placed, extended }: Prepared, info: NodeInfo, draft: Promised): string | undefined {
    if (info.pods.size + draft.of(info.name, 'pods') + 1 > (info.allocatable['pods'] ?? 0)) {
      return 'Too many pods';
    }
    const counts = this.#sources.inventory.devicesOf(info.node).length > 0 ? extended?.resources : undefined;
    const short = Object.entries(placed.requests).find(([name, amount]) => amount > 0 && counts?.has(name) !== true
      && amount > (info.allocatable[name] ?? 0) - (info.requested[name] ?? 0) - draft.of(info.name, name));
    return short === undefined ? undefined : `Insufficient ${short[0]}`;
  }
}
