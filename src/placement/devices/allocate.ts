/**
 * Finding devices for claims on one node (Kubernetes' structured parameters): depth first through requests, their alternatives and devices, with
 * a bound on how many choices are tried. Whatever is tried is counted on the usage that is handed in and taken back, unless all is found.
 */
import type { Node } from '../../kinds/generated/core.ts';
import type { Capacities } from './amounts.ts';
import { repels, type Ask, type ClaimAsk } from './asks.ts';
import { isFree, offers } from './capacity.ts';
import { allowed } from './constraints.ts';
import type { DeviceInventory, PoolDevice } from './inventory.ts';
import type { Taken, Usage } from './usage.ts';

/** Devices tried for the claims of one pod on one node. */
export const MAX_STEPS = 20_000;
/** Devices one claim may be given (resource.k8s.io). */
export const MAX_RESULTS = 32;

export interface Choice {
  readonly ask: Ask;
  readonly device: PoolDevice;
  /** What of a shareable device; absent for one that is given out whole. */
  readonly consumed?: Capacities;
}

/** By claim key. */
export type Allocation = ReadonlyMap<string, readonly Choice[]>;

export type Outcome = { readonly ok: true; readonly allocation: Allocation } | { readonly ok: false; readonly reason: string };

export interface Search {
  readonly node: Node;
  readonly inventory: DeviceInventory;
  /** Counts what has been found when the search succeeds. */
  readonly usage: Usage;
  /** Devices in the order to try them; default as they are published, those in use first. */
  readonly order?: (devices: readonly PoolDevice[], ask: Ask) => readonly PoolDevice[];
}

/** Why a device that would match is never given out here. */
export function unsupported({ device: { bindingConditions = [], bindingFailureConditions = [], nodeAllocatableResourceMappings, name } }: PoolDevice): string | undefined {
  if (bindingConditions.length + bindingFailureConditions.length > 0) {
    return `device ${name} has binding conditions (${[...bindingConditions, ...bindingFailureConditions].join(', ')}), which are not waited for here`;
  }
  return nodeAllocatableResourceMappings === undefined ? undefined : `device ${name} maps to resources of its node, which is not counted here`;
}

/** One thing to find: a device for a request that wants a number of them, or a fixed one of a request that wants all. */
interface Slot {
  readonly claim: ClaimAsk;
  readonly ask: Ask;
  readonly candidates: readonly PoolDevice[];
  /** Of the same request, so that combinations are tried once each and not in every order. */
  readonly follows: boolean;
}

export const takenOf = ({ device, consumed }: Choice): Taken => (consumed === undefined ? { device } : { device, consumed });

class Run {
  readonly #search: Search;
  readonly #devices: readonly PoolDevice[];
  readonly #claims: readonly ClaimAsk[];
  readonly #chosen = new Map<string, Choice[]>();
  readonly #matches = new Map<Ask, readonly PoolDevice[]>();
  #steps = 0;
  reason = '';

  constructor(claims: readonly ClaimAsk[], search: Search) {
    this.#claims = claims;
    this.#search = search;
    this.#devices = search.inventory.devicesOf(search.node);
    claims.forEach(({ key }) => this.#chosen.set(key, []));
  }

  get chosen(): Allocation {
    return this.#chosen;
  }

  /** From request `request` of claim `claim` on. */
  find(claim = 0, request = 0): boolean {
    const current = this.#claims[claim];
    if (current === undefined) {
      return true;
    }
    const wanted = current.requests[request];
    if (wanted === undefined) {
      return this.find(claim + 1, 0);
    }
    return wanted.ways.some((ask) => {
      const slots = this.#slots(current, ask);
      return slots !== undefined && this.#fill(slots, { at: 0, from: 0 }, () => this.find(claim, request + 1));
    });
  }

  #slots(claim: ClaimAsk, ask: Ask): Slot[] | undefined {
    const matching = this.#matching(ask);
    const count = ask.count === 'all' ? matching.length : ask.count;
    if (count === 0 || (ask.count === 'all' && !ask.admin && matching.some((device) => this.#choiceOf(ask, device) === undefined))) {
      this.#because(`not all devices of class ${ask.className} are free`);
      return undefined;
    }
    if (this.#list(claim).length + count > MAX_RESULTS) {
      this.#because(`a claim is given at most ${MAX_RESULTS} devices`);
      return undefined;
    }
    if (matching.length === 0) {
      this.#because(`no device of class ${ask.className} that matches`);
      return undefined;
    }
    if (ask.count === 'all') {
      return matching.map((device) => ({ claim, ask, candidates: [device], follows: false }));
    }
    const candidates = this.#search.order?.(matching, ask) ?? this.#usedFirst(matching);
    return Array.from({ length: count }, (_, index) => ({ claim, ask, candidates, follows: index > 0 }));
  }

  #usedFirst(devices: readonly PoolDevice[]): readonly PoolDevice[] {
    const { usage } = this.#search;
    return devices.filter(({ id }) => usage.inUse(id)).concat(devices.filter(({ id }) => !usage.inUse(id)));
  }

  /** Devices that the request may have, whether or not they are free. */
  #matching(ask: Ask): readonly PoolDevice[] {
    const known = this.#matches.get(ask) ?? this.#match(ask);
    this.#matches.set(ask, known);
    return known;
  }

  #match(ask: Ask): PoolDevice[] {
    return this.#devices.filter((device) => {
      if (ask.accepts?.(device) === false || !ask.programs.every((program) => device.selectable.matches(program))) {
        return false;
      }
      const fault = unsupported(device);
      if (fault !== undefined) {
        this.#because(fault);
        return false;
      }
      if (!ask.admin && repels(device, ask.tolerations)) {
        this.#because(`device ${device.name} has a taint that is not tolerated`);
        return false;
      }
      return offers(device, ask.needs(device)) && (ask.shared !== true || device.shareable);
    });
  }

  /** Fills slots one after another, then goes on with `rest`; takes everything back when that fails. */
  #fill(slots: readonly Slot[], { at, from }: { at: number; from: number }, rest: () => boolean): boolean {
    const slot = slots[at];
    if (slot === undefined) {
      return rest();
    }
    const { candidates, claim, ask } = slot;
    for (let index = slot.follows ? from : 0; index < candidates.length; index += 1) {
      const device = candidates[index];
      const choice = device === undefined ? undefined : this.#tryOn(claim, ask, device);
      if (this.#steps > MAX_STEPS) {
        return false;
      }
      if (choice === undefined) {
        continue;
      }
      this.#list(claim).push(choice);
      if (this.#fill(slots, { at: at + 1, from: choice.consumed === undefined ? index + 1 : index }, rest)) {
        return true;
      }
      this.#list(claim).pop();
      this.#undo(choice);
    }
    return false;
  }

  #tryOn(claim: ClaimAsk, ask: Ask, device: PoolDevice): Choice | undefined {
    this.#steps += 1;
    if (this.#steps > MAX_STEPS) {
      this.reason = `the search for devices was given up after ${MAX_STEPS} choices: ask for fewer devices or in fewer ways`;
      return undefined;
    }
    const chosen = this.#list(claim);
    if (ask.apart !== undefined && chosen.some((one) => one.device === device && one.ask.apart === ask.apart)) {
      this.#because(`not enough different devices of class ${ask.className} are free`);
      return undefined;
    }
    if (!allowed(claim.constraints, chosen.map((one) => ({ request: one.ask.name, device: one.device })), { request: ask.name, device })) {
      this.#because('no devices that meet the constraints of the claim');
      return undefined;
    }
    const choice = this.#choiceOf(ask, device);
    if (choice === undefined) {
      this.#because(`no free device of class ${ask.className}`);
      return undefined;
    }
    if (!ask.admin) {
      this.#search.usage.take(takenOf(choice));
    }
    return choice;
  }

  #undo(choice: Choice): void {
    if (!choice.ask.admin) {
      this.#search.usage.free(takenOf(choice));
    }
  }

  /** What the request would have of a device, if that is free. */
  #choiceOf(ask: Ask, device: PoolDevice): Choice | undefined {
    const { usage } = this.#search;
    if (ask.admin) {
      return { ask, device };
    }
    if (usage.whole(device.id) > 0 || !this.#countersFree(device)) {
      return undefined;
    }
    if (!device.shareable) {
      return { ask, device };
    }
    const consumed = ask.takes(device);
    return consumed !== undefined && isFree(device, consumed, usage) ? { ask, device, consumed } : undefined;
  }

  /** A device in use has its counters already. */
  #countersFree(device: PoolDevice): boolean {
    const { usage, inventory } = this.#search;
    return usage.inUse(device.id) || [...device.counters].every(([key, amount]) => usage.counter(key) + amount <= inventory.counter(key));
  }

  /** The first thing that was in the way is what is said. */
  #because(reason: string): void {
    this.reason ||= reason;
  }

  #list({ key }: ClaimAsk): Choice[] {
    const list = this.#chosen.get(key) ?? [];
    this.#chosen.set(key, list);
    return list;
  }
}

/** Devices for all the claims together on one node. Throws SelectorError when an expression fails on a device. */
export function allocate(claims: readonly ClaimAsk[], search: Search): Outcome {
  const run = new Run(claims, search);
  return run.find() ? { ok: true, allocation: run.chosen } : { ok: false, reason: run.reason === '' ? 'cannot allocate all claims' : run.reason };
}
