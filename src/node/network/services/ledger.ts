/** Who wants what in the table, what the kernel has, and the transaction between the two. Pure but for its own memory. */
import { NODE_PORT_MAP, REJECTED_NODE_PORTS, REJECTED_SERVICES, REMOTE_ENDPOINTS, SERVICE_MAP } from '../rules.ts';
import { endpointMap, isEndpointMap, spreadParts, type StickyChain } from './chains.ts';
import type { Desired, Entry } from './desired.ts';
import type { KernelState } from './kernelstate.ts';

const FIXED: readonly string[] = [SERVICE_MAP, NODE_PORT_MAP, REJECTED_SERVICES, REJECTED_NODE_PORTS, REMOTE_ENDPOINTS];
/** Elements in one nft statement; a parser's comfort, not a limit. */
const MAX_ELEMENTS_PER_LINE = 500;

export interface Plan {
  /** For `nft -f -`; empty when nothing differs. */
  script: string;
  /** To be called once the kernel has taken it. */
  commit(): void;
}

/** Two services that claim the same address and port. */
export interface Clash {
  service: string;
  /** The service that had it first. */
  holder: string;
  /** `10.0.0.1 . tcp . 80` */
  key: string;
}

interface Change {
  collection: string;
  key: string;
  from: string | undefined;
  to: string | undefined;
}

const slotOf = (collection: string, key: string): string => `${collection}/${key}`;

export class Ledger {
  readonly #table: string;
  /** Slot → owners in order of arrival → the value each wants; the first one's counts. */
  readonly #owners = new Map<string, Map<string, string>>();
  readonly #held = new Map<string, Desired>();
  readonly #touched = new Map<string, { collection: string; key: string }>();
  #applied = new Map<string, Map<string, string>>();
  #chains = new Set<string>();
  #sets = new Set<string>();
  #stickyTouched = false;

  constructor(table: string) {
    this.#table = `inet ${table}`;
  }

  /** What the kernel has, after a start or a failure; the next plan removes what nobody wants. */
  load(state: KernelState): void {
    this.#applied = new Map([...state.collections].filter(([name]) => FIXED.includes(name) || isEndpointMap(name)));
    this.#chains = state.chains;
    this.#sets = state.sets;
    this.#stickyTouched = true;
    for (const [collection, entries] of this.#applied) {
      for (const key of entries.keys()) {
        this.#touch(collection, key);
      }
    }
    for (const { entries } of this.#held.values()) {
      for (const { collection, key } of entries) {
        this.#touch(collection, key);
      }
    }
  }

  /** Endpoints under a key by index, as the kernel has them. */
  places(key: string, nodePort: boolean): string[] {
    const found: string[] = [];
    for (;;) {
      const value = this.#applied.get(endpointMap(found.length, nodePort))?.get(key);
      if (value === undefined) {
        return found;
      }
      found.push(value);
    }
  }

  has(collection: string, key: string): boolean {
    return this.#applied.get(collection)?.has(key) === true;
  }

  /** Replace what a service wants; undefined when it is gone. Answers the claims that another service was first with. */
  set(service: string, desired: Desired | undefined): Clash[] {
    const wanted = new Map((desired?.entries ?? []).map((entry): [string, Entry] => [slotOf(entry.collection, entry.key), entry]));
    const before = this.#held.get(service);
    this.#release(service, (before?.entries ?? []).filter(({ collection, key }) => !wanted.has(slotOf(collection, key))));
    const clashes = this.#claim(service, wanted);
    this.#stickyTouched ||= [before, desired].some((each) => (each?.sticky.length ?? 0) > 0);
    if (desired === undefined) {
      this.#held.delete(service);
    } else {
      this.#held.set(service, desired);
    }
    return clashes;
  }

  #release(service: string, entries: readonly Entry[]): void {
    for (const { collection, key } of entries) {
      const slot = slotOf(collection, key);
      const owners = this.#owners.get(slot);
      owners?.delete(service);
      if (owners?.size === 0) {
        this.#owners.delete(slot);
      }
      this.#touch(collection, key);
    }
  }

  #claim(service: string, wanted: ReadonlyMap<string, Entry>): Clash[] {
    const clashes: Clash[] = [];
    for (const [slot, { collection, key, value }] of wanted) {
      const owners = this.#owners.get(slot) ?? new Map<string, string>();
      this.#owners.set(slot, owners.set(service, value));
      this.#touch(collection, key);
      const [holder] = owners.keys();
      if (holder !== undefined && holder !== service && (collection === SERVICE_MAP || collection === NODE_PORT_MAP)) {
        clashes.push({ service, holder, key });
      }
    }
    return clashes;
  }

  /** The transaction that brings the kernel to what is wanted; proportional to what was touched. */
  plan(): Plan {
    const changes: Change[] = [];
    for (const { collection, key } of this.#touched.values()) {
      const [to] = this.#owners.get(slotOf(collection, key))?.values() ?? [];
      const from = this.#applied.get(collection)?.get(key);
      if (from !== to) {
        changes.push({ collection, key, from, to });
      }
    }
    const shared = new Map(changes.flatMap(({ to }) => spreadParts(to?.replace('goto ', '') ?? ''))
      .filter(({ chain }) => !this.#chains.has(chain)).map((part) => [part.chain, part]));
    const sticky = this.#stickyPlan();
    const lines = [
      ...this.#elements('delete', changes.filter(({ from }) => from !== undefined)),
      ...sticky.before,
      ...[...shared.values()].flatMap(({ chain, rule, map }) => [
        ...(map === undefined ? [] : [`add map ${this.#table} ${map.name} { ${map.body} }`]),
        `add chain ${this.#table} ${chain}`, `flush chain ${this.#table} ${chain}`, `add rule ${this.#table} ${chain} ${rule}`,
      ]),
      ...this.#elements('add', changes.filter(({ to }) => to !== undefined)),
      ...sticky.after,
    ];
    const touched = [...this.#touched.keys()];
    return {
      script: lines.length === 0 ? '' : `${lines.join('\n')}\n`,
      commit: () => {
        for (const { collection, key, to } of changes) {
          const map = this.#applied.get(collection) ?? new Map<string, string>();
          this.#applied.set(collection, map);
          if (to === undefined) {
            map.delete(key);
          } else {
            map.set(key, to);
          }
        }
        shared.forEach((_part, chain) => this.#chains.add(chain));
        sticky.commit();
        touched.forEach((slot) => this.#touched.delete(slot));
      },
    };
  }

  #touch(collection: string, key: string): void {
    this.#touched.set(slotOf(collection, key), { collection, key });
  }

  #elements(verb: 'add' | 'delete', changes: readonly Change[]): string[] {
    const lines: string[] = [];
    for (const collection of new Set(changes.map((change) => change.collection))) {
      const all = changes.filter((change) => change.collection === collection)
        .map(({ key, to }) => (verb === 'add' && to !== undefined && to !== '' ? `${key} : ${to}` : key));
      for (let start = 0; start < all.length; start += MAX_ELEMENTS_PER_LINE) {
        lines.push(`${verb} element ${this.#table} ${collection} { ${all.slice(start, start + MAX_ELEMENTS_PER_LINE).join(', ')} }`);
      }
    }
    return lines;
  }

  /** Few services have session affinity: when one of them changes, all of theirs is compared. */
  #stickyPlan(): { before: string[]; after: string[]; commit(): void } {
    if (!this.#stickyTouched) {
      return { before: [], after: [], commit: () => undefined };
    }
    const wanted = new Map<string, StickyChain>();
    for (const { sticky } of this.#held.values()) {
      sticky.forEach((chain) => wanted.set(chain.chain, chain));
    }
    const endpoints = new Map([...wanted.values()].flatMap((chain) => chain.endpoints.map((endpoint) => [endpoint.chain, endpoint] as const)));
    const sets = new Map([...endpoints.values()].map(({ set, setBody }) => [set, setBody]));
    const bodies = new Map([
      ...[...endpoints.values()].map(({ chain, rules }) => [chain, rules] as const),
      ...[...wanted.values()].map(({ chain, rules }) => [chain, rules] as const),
    ]);
    const before = [
      ...[...sets].filter(([set]) => !this.#sets.has(set)).map(([set, body]) => `add set ${this.#table} ${set} { ${body} }`),
      ...[...bodies.keys()].filter((chain) => !this.#chains.has(chain)).map((chain) => `add chain ${this.#table} ${chain}`),
      ...[...bodies].filter(([chain]) => !this.#chains.has(chain)).flatMap(([chain, rules]) => rules.map((rule) => `add rule ${this.#table} ${chain} ${rule}`)),
    ];
    const doomed = [...this.#chains].filter((chain) => chain.startsWith('sticky-') && !bodies.has(chain));
    const after = [
      ...doomed.map((chain) => `flush chain ${this.#table} ${chain}`),
      ...doomed.map((chain) => `delete chain ${this.#table} ${chain}`),
      ...[...this.#sets].filter((set) => !sets.has(set)).map((set) => `delete set ${this.#table} ${set}`),
    ];
    return {
      before, after,
      commit: () => {
        doomed.forEach((chain) => this.#chains.delete(chain));
        bodies.forEach((_rules, chain) => this.#chains.add(chain));
        this.#sets = new Set(sets.keys());
        this.#stickyTouched = false;
      },
    };
  }
}
