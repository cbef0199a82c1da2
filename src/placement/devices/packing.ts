/**
 * The live cluster as the packing of `../packing/` sees it: nodes as machines, what makes up one physical device as one device, amounts as
 * thousandths. It only orders what fits; whether something fits is for the filters and the allocator to say.
 */
import { Chooser } from '../packing/chooser.ts';
import { DEVICE, Estate, type Machine, type Request } from '../packing/estate.ts';
import { policyFor } from '../packing/learning.ts';
import { Demand } from '../packing/typical.ts';
import type { NodeInfo } from '../nodeinfo.ts';
import { qualified } from './amounts.ts';
import type { Ask, ClaimAsk } from './asks.ts';
import type { DeviceInventory, PoolDevice } from './inventory.ts';
import type { Usage } from './usage.ts';

const MIB = 1024 * 1024;
/** Models told apart: bits of a number. Rarer ones beyond are one. */
const MAX_MODELS = 30;
/** Requests remembered, and after how many new ones expectations are drawn anew: often at first. */
const MEMORY = 20_000;
const FIRST = 20;
const GROWTH = 0.5;
const LONGEST = 500;
/** Kinds of request whose scores are kept. */
const MAX_KINDS = 2_000;

/** What shares counters is one device; what has none is one by itself. */
interface Physical {
  readonly devices: readonly PoolDevice[];
  readonly counters: readonly string[];
}

interface Site {
  readonly index: number;
  readonly physical: readonly Physical[];
}

const setOf = (counter: string): string => counter.slice(0, counter.lastIndexOf('/'));

function physicalOf(devices: readonly PoolDevice[]): Physical[] {
  const groups = Map.groupBy(devices.filter(({ node }) => node !== undefined), ({ id, counters }) => {
    const [first] = counters.keys();
    return first === undefined ? id : setOf(first);
  });
  return [...groups.values()].map((list) => ({ devices: list, counters: [...new Set(list.flatMap(({ counters }) => [...counters.keys()]))] }));
}

/** Free thousandths of a physical device: the least of what is free of anything it is counted in. */
function freeOf({ devices, counters }: Physical, usage: Usage, inventory: DeviceInventory): number {
  let free = DEVICE;
  for (const key of counters) {
    const total = inventory.counter(key);
    free = total === 0 ? free : Math.min(free, Math.floor(DEVICE * (total - usage.counter(key)) / total));
  }
  for (const device of devices) {
    if (counters.length === 0 && usage.whole(device.id) > 0) {
      return 0;
    }
    if (device.shareable && usage.shares(device.id) > 0) {
      for (const [name, total] of device.capacity) {
        free = total === 0 ? free : Math.min(free, Math.floor(DEVICE * (total - usage.consumed(device.id, name)) / total));
      }
    }
  }
  return Math.max(0, free);
}

/** Thousandths of a device that an ask takes of it. */
function sizeOn(ask: Ask, device: PoolDevice, inventory: DeviceInventory): number {
  if (device.shareable) {
    const taken = [...ask.takes(device) ?? []].map(([name, amount]) => DEVICE * amount / (device.capacity.get(name) || 1));
    return Math.min(DEVICE, Math.ceil(Math.max(0, ...taken)));
  }
  const counted = [...device.counters].map(([key, amount]) => DEVICE * amount / (inventory.counter(key) || 1));
  return counted.length === 0 ? DEVICE : Math.min(DEVICE, Math.ceil(Math.max(...counted)));
}

const modelOf = ({ device, driver }: PoolDevice): string =>
  Object.entries(device.attributes ?? {}).find(([name]) => qualified(name, driver) === `${driver}/productName`)?.[1].string ?? driver;

const matches = (ask: Ask, device: PoolDevice): boolean => ask.accepts?.(device) !== false && ask.programs.every((program) => device.selectable.matches(program));

/** What a pod asks for, in the terms of packing. */
export interface PackingAsk {
  readonly cpuMilli: number;
  readonly memoryMib: number;
  readonly claims: readonly ClaimAsk[];
}

export interface Ranked {
  readonly info: NodeInfo;
  readonly score: number;
  /** Devices in the order in which they should be tried. */
  readonly order: (devices: readonly PoolDevice[]) => readonly PoolDevice[];
}

export class LivePacking {
  readonly #inventory: DeviceInventory;
  readonly #demand = new Demand(MEMORY);
  readonly #models = new Map<string, number>();
  #sites = new Map<string, Site>();
  #estate = Estate.NONE;
  #chooser = new Chooser({ estate: this.#estate, policy: policyFor(this.#estate, []) });
  #built = { version: -1, nodes: 0 as unknown };
  #seen = 0;
  #next = FIRST;
  #kinds = new Set<string>();

  constructor(inventory: DeviceInventory) {
    this.#inventory = inventory;
  }

  get estate(): Estate {
    return this.#estate;
  }

  /** Nodes that have devices. */
  hasDevices(name: string): boolean {
    return (this.#sites.get(name)?.physical.length ?? 0) > 0;
  }

  /** Learns from a pod, once: what it asks for on the first machine that could serve it, whether or not that is free. */
  learn(ask: PackingAsk, nodes: readonly NodeInfo[]): void {
    this.#sync(nodes);
    this.#demand.add(this.#request(ask, this.#serving(ask)));
    this.#seen += 1;
    if (this.#seen >= this.#next) {
      this.#next = this.#seen + Math.ceil(Math.min(LONGEST, this.#seen * GROWTH));
      this.#chooser.usePolicy(policyFor(this.#estate, this.#demand.typical()));
    }
  }

  /** The nodes with how good each is for the request, the best first; on equal scores the first by name, always the same. */
  rank(ask: PackingAsk, feasible: readonly NodeInfo[], all: readonly NodeInfo[], preference: (info: NodeInfo) => number): Ranked[] {
    this.#sync(all);
    const models = this.#modelsOf(ask);
    return feasible.map((info) => this.#rankOne(ask, info, models, preference(info)))
      .sort((a, b) => b.score - a.score || (a.info.name < b.info.name ? -1 : 1));
  }

  #rankOne(ask: PackingAsk, info: NodeInfo, models: number, preference: number): Ranked {
    const site = this.#sites.get(info.name);
    if (site === undefined) {
      return { info, score: preference, order: (devices) => devices };
    }
    this.#observe(info, site);
    const request = this.#request(ask, site.physical.flatMap(({ devices }) => devices), models);
    this.#bound(request);
    const scored = this.#chooser.scoreOn(request, site.index);
    const wanted = (scored?.placement.devices ?? []).flatMap((device) => site.physical[device]?.devices ?? []);
    const rank = (device: PoolDevice): number => {
      const at = wanted.indexOf(device);
      return at < 0 ? wanted.length : at;
    };
    return {
      info, score: preference + (scored?.score ?? 0),
      order: (devices) => this.#tightestFirst(devices, site).sort((a, b) => rank(a) - rank(b)),
    };
  }

  /** What is left of the policy's wish: devices with the least free, in their order. */
  #tightestFirst(devices: readonly PoolDevice[], { physical }: Site): PoolDevice[] {
    const { usage } = this.#inventory;
    const free = new Map(physical.flatMap((one) => {
      const left = freeOf(one, usage, this.#inventory);
      return one.devices.map((device) => [device, left] as const);
    }));
    return devices.toSorted((a, b) => (free.get(a) ?? DEVICE) - (free.get(b) ?? DEVICE));
  }

  /** Scores are kept by kind of request; an unending variety of sizes must not fill the memory. */
  #bound({ cpuMilli, devices, milli, models }: Request): void {
    this.#kinds.add(`${cpuMilli} ${devices} ${milli} ${models}`);
    if (this.#kinds.size > MAX_KINDS) {
      this.#kinds.clear();
      this.#chooser.usePolicy(policyFor(this.#estate, this.#demand.typical()));
    }
  }

  #observe(info: NodeInfo, { index, physical }: Site): void {
    const { usage } = this.#inventory;
    this.#estate.observe(index, {
      cpuFree: (info.allocatable['cpu'] ?? 0) - (info.requested['cpu'] ?? 0),
      memoryFree: Math.floor(((info.allocatable['memory'] ?? 0) - (info.requested['memory'] ?? 0)) / MIB),
      devices: physical.map((one) => freeOf(one, usage, this.#inventory)),
    });
  }

  /** Several parts on one node are thought of as whole devices: policies know shares one by one. */
  #request({ cpuMilli, memoryMib, claims }: PackingAsk, devices: readonly PoolDevice[], models = this.#modelsOf({ cpuMilli, memoryMib, claims })): Request {
    let [count, sum] = [0, 0];
    for (const { requests } of claims) {
      for (const { ways: [way] } of requests) {
        const match = way === undefined ? undefined : devices.find((device) => matches(way, device));
        if (way !== undefined && !way.admin) {
          const number = way.count === 'all' ? devices.filter((device) => matches(way, device)).length : way.count;
          count += number;
          sum += number * (match === undefined ? DEVICE : sizeOn(way, match, this.#inventory));
        }
      }
    }
    const share = count === 1 && sum < DEVICE;
    return { cpuMilli, memoryMib, devices: share ? 1 : Math.ceil(sum / DEVICE), milli: share ? Math.max(1, sum) : DEVICE, models };
  }

  /** Devices of the first node that has any which match. */
  #serving({ claims }: PackingAsk): readonly PoolDevice[] {
    const ways = claims.flatMap(({ requests }) => requests.map(({ ways: [way] }) => way)).filter((way) => way !== undefined);
    for (const { physical } of ways.length === 0 ? [] : this.#sites.values()) {
      const devices = physical.flatMap((one) => one.devices);
      if (devices.some((device) => ways.some((way) => matches(way, device)))) {
        return devices;
      }
    }
    return [];
  }

  /** The models that can serve a request as a set of bits; 0 when all can, or nothing is asked for. */
  #modelsOf({ claims }: PackingAsk): number {
    const ways = claims.flatMap(({ requests }) => requests.flatMap(({ ways }) => ways));
    if (ways.length === 0) {
      return 0;
    }
    const [fit, all] = [new Set<number>(), new Set<number>()];
    for (const [model, device] of this.#samples()) {
      all.add(model);
      if (ways.some((way) => matches(way, device))) {
        fit.add(model);
      }
    }
    return fit.size === all.size ? 0 : [...fit].reduce((bits, model) => bits | (1 << model), 0);
  }

  #sampled: [number, PoolDevice][] | undefined;

  /** Each sort of device once: by model and kind. */
  #samples(): readonly [number, PoolDevice][] {
    if (this.#sampled === undefined) {
      const known = new Map<string, [number, PoolDevice]>();
      for (const { physical } of this.#sites.values()) {
        for (const device of physical.flatMap(({ devices }) => devices)) {
          const model = modelOf(device);
          known.set(`${model} ${JSON.stringify(device.device.capacity ?? {})}`, [this.#modelIndex(model), device]);
        }
      }
      this.#sampled = [...known.values()];
    }
    return this.#sampled;
  }

  #modelIndex(model: string): number {
    const index = this.#models.get(model) ?? Math.min(this.#models.size, MAX_MODELS);
    this.#models.set(model, index);
    return index;
  }

  /** Machines anew when nodes or devices are others; what runs on them is observed node by node. */
  #sync(nodes: readonly NodeInfo[]): void {
    if (this.#built.version === this.#inventory.version && this.#built.nodes === nodes) {
      return;
    }
    this.#built = { version: this.#inventory.version, nodes };
    this.#sampled = undefined;
    this.#sites = new Map();
    const machines: Machine[] = [];
    for (const info of nodes) {
      const physical = physicalOf(this.#inventory.devicesOf(info.node));
      if (physical.length > 0) {
        this.#sites.set(info.name, { index: machines.length, physical });
        const [first] = physical.flatMap(({ devices }) => devices);
        machines.push({
          cpuMilli: info.allocatable['cpu'] ?? 0, memoryMib: Math.floor((info.allocatable['memory'] ?? 0) / MIB), devices: physical.length,
          model: first === undefined ? -1 : this.#modelIndex(modelOf(first)),
        });
      }
    }
    this.#estate = new Estate(machines);
    this.#chooser = new Chooser({ estate: this.#estate, policy: policyFor(this.#estate, this.#demand.typical()) });
    for (const info of nodes) {
      const site = this.#sites.get(info.name);
      if (site !== undefined) {
        this.#observe(info, site);
      }
    }
  }
}
