/** What nodes, pods and containers use now: counters of the kubelet's `/stats/summary`, two of which make a rate. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isObject } from '../../apimachinery/values.ts';

/** A rate over less than this says little, ms; the first question about a node waits for it. */
const MIN_WINDOW_MS = 1_000;
/** Rates are taken over at most about this, ms: metrics-server's interval. */
const WINDOW_MS = 15_000;
/** What was measured this recently is not measured again, ms. */
const FRESH_MS = 1_000;

/** Counters of one node at one time. */
interface Sample {
  /** Milliseconds of the epoch. */
  readonly at: number;
  /** Thousand-millionths of a second of processor, by `''` for the node or `namespace/pod/container`. */
  readonly cpu: ReadonlyMap<string, number>;
  /** Working set, bytes, by the same keys. */
  readonly memory: ReadonlyMap<string, number>;
}

export interface Use {
  /** Thousand-millionths of a core. */
  readonly nanoCores: number;
  readonly bytes: number;
}

export interface NodeUse {
  readonly at: number;
  /** The rates are means over this time, ms. */
  readonly windowMs: number;
  readonly node: Use | undefined;
  /** By `namespace/pod`, then by container. */
  readonly pods: ReadonlyMap<string, ReadonlyMap<string, Use>>;
}

const NODE = '';
const numberOf = (value: unknown, name: string): number | undefined => {
  const found = isObject(value) ? value[name] : undefined;
  return typeof found === 'number' && Number.isFinite(found) ? found : undefined;
};
const listOf = (value: unknown): Record<string, unknown>[] => (Array.isArray(value) ? value.filter(isObject) : []);

/** Reads a `/stats/summary` document; what is missing or of another shape is left out. */
function sampleOf(summary: unknown, at: number): Sample {
  const cpu = new Map<string, number>();
  const memory = new Map<string, number>();
  const add = (key: string, stats: unknown): void => {
    const { cpu: processor, memory: used } = isObject(stats) ? stats : {};
    const [nanos, bytes] = [numberOf(processor, 'usageCoreNanoSeconds'), numberOf(used, 'workingSetBytes')];
    if (nanos !== undefined && bytes !== undefined) {
      cpu.set(key, nanos);
      memory.set(key, bytes);
    }
  };
  const document = isObject(summary) ? summary : {};
  add(NODE, document['node']);
  for (const pod of listOf(document['pods'])) {
    const reference = isObject(pod['podRef']) ? pod['podRef'] : {};
    for (const container of listOf(pod['containers'])) {
      add(`${String(reference['namespace'])}/${String(reference['name'])}/${String(container['name'])}`, container);
    }
  }
  return { at, cpu, memory };
}

function useBetween(before: Sample, now: Sample): NodeUse {
  const windowMs = Math.max(1, now.at - before.at);
  const pods = new Map<string, Map<string, Use>>();
  let node: Use | undefined;
  for (const [key, nanos] of now.cpu) {
    // A container that began anew counts from nothing; one that began in between is counted from its beginning.
    const start = before.cpu.get(key) ?? 0;
    const use = { nanoCores: Math.round((nanos >= start ? nanos - start : nanos) * 1000 / windowMs), bytes: now.memory.get(key) ?? 0 };
    if (key === NODE) {
      node = use;
    } else {
      const [namespace = '', pod = '', container = ''] = key.split('/');
      const place = `${namespace}/${pod}`;
      pods.set(place, (pods.get(place) ?? new Map<string, Use>()).set(container, use));
    }
  }
  return { at: now.at, windowMs, node, pods };
}

export class UsageSource {
  readonly #fetch: (node: string) => Promise<unknown>;
  /** The earlier sample of each node, from which rates are taken. */
  readonly #bases = new Map<string, Sample>();
  readonly #recent = new Map<string, NodeUse>();
  readonly #pending = new Map<string, Promise<NodeUse>>();

  /** `fetch` gives a node's `/stats/summary`. */
  constructor(fetch: (node: string) => Promise<unknown>) {
    this.#fetch = fetch;
  }

  /** What a node's containers use. Rejects when it does not answer. */
  use(node: string): Promise<NodeUse> {
    const recent = this.#recent.get(node);
    if (recent !== undefined && Date.now() - recent.at < FRESH_MS) {
      return Promise.resolve(recent);
    }
    let pending = this.#pending.get(node);
    if (pending === undefined) {
      pending = this.#measure(node).finally(() => this.#pending.delete(node));
      this.#pending.set(node, pending);
    }
    return pending;
  }

  /** Nodes that are gone are forgotten. */
  retain(nodes: ReadonlySet<string>): void {
    for (const node of this.#bases.keys()) {
      if (!nodes.has(node)) {
        this.#bases.delete(node);
        this.#recent.delete(node);
      }
    }
  }

  async #sample(node: string): Promise<Sample> {
    return sampleOf(await this.#fetch(node), Date.now());
  }

  async #measure(node: string): Promise<NodeUse> {
    let base = this.#bases.get(node);
    if (base === undefined) {
      base = await this.#sample(node);
      this.#bases.set(node, base);
      await sleep(MIN_WINDOW_MS);
    }
    const now = await this.#sample(node);
    const use = useBetween(base, now);
    if (now.at - base.at >= WINDOW_MS) {
      this.#bases.set(node, now);
    }
    this.#recent.set(node, use);
    return use;
  }
}
