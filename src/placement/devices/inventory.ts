/** The devices there are, by ResourceSlices and DeviceClasses, and what of them is given out, by ResourceClaims. */
import type { Node, NodeSelector } from '../../kinds/generated/core.ts';
import type { Device, DeviceClass, DeviceRequestAllocationResult, ResourceClaim, ResourceSlice } from '../../kinds/generated/resource.ts';
import { matchesTerm } from '../nodeaffinity.ts';
import { amountOf, qualified, type Capacities } from './amounts.ts';
import { SelectableDevice } from './selectors.ts';
import { Usage, type Taken } from './usage.ts';

export interface PoolDevice {
  /** `driver/pool/device`. */
  readonly id: string;
  readonly driver: string;
  readonly pool: string;
  readonly name: string;
  readonly device: Device;
  readonly selectable: SelectableDevice;
  /** By qualified name. */
  readonly capacity: Capacities;
  readonly shareable: boolean;
  /** Absent: devices of the network; `nodes` tells which nodes see them. */
  readonly node?: string;
  readonly nodes?: (node: Node) => boolean;
  readonly selector?: NodeSelector;
  /** `driver/pool/set/counter` → what it takes of it while in use. */
  readonly counters: Capacities;
}

interface Pool {
  readonly devices: readonly PoolDevice[];
  /** What its sets of counters hold, by `driver/pool/set/counter`. */
  readonly counters: Capacities;
  /** Why none of it can be given out. */
  readonly fault?: string;
}

const deviceId = (driver: string, pool: string, name: string): string => `${driver}/${pool}/${name}`;
export const claimKey = ({ metadata: { namespace = '', name } }: { metadata: { namespace?: string; name: string } }): string => `${namespace}/${name}`;

type Place = Pick<Device, 'nodeName' | 'nodeSelector' | 'allNodes'>;

function placeOf({ nodeName, nodeSelector, allNodes }: Place): Pick<PoolDevice, 'node' | 'nodes' | 'selector'> {
  if (nodeName) {
    return { node: nodeName };
  }
  return { ...(nodeSelector === undefined ? {} : { selector: nodeSelector }), nodes: (node) => allNodes === true || (nodeSelector?.nodeSelectorTerms.some((term) => matchesTerm(term, node)) ?? false) };
}

function poolDevice({ spec }: ResourceSlice, device: Device): PoolDevice {
  const { driver, pool: { name: pool } } = spec;
  const counters = (device.consumesCounters ?? []).flatMap(({ counterSet, counters: taken }) =>
    Object.entries(taken).map(([name, { value }]) => [`${driver}/${pool}/${counterSet}/${name}`, amountOf(value)] as const));
  return {
    id: deviceId(driver, pool, device.name), driver, pool, name: device.name, device, selectable: new SelectableDevice(driver, device),
    capacity: new Map(Object.entries(device.capacity ?? {}).map(([name, { value }]) => [qualified(name, driver), amountOf(value)])),
    shareable: device.allowMultipleAllocations === true, counters: new Map(counters), ...placeOf(spec.perDeviceNodeSelection === true ? device : spec),
  };
}

/** The newest generation of a pool's slices, as one. */
function assemble(slices: readonly ResourceSlice[]): Pool {
  const generation = Math.max(...slices.map(({ spec }) => spec.pool.generation));
  const current = slices.filter(({ spec }) => spec.pool.generation === generation);
  const [first] = current;
  const expected = first?.spec.pool.resourceSliceCount ?? 0;
  const devices = current.flatMap((slice) => (slice.spec.devices ?? []).map((device) => poolDevice(slice, device)));
  const counters = new Map(current.flatMap(({ spec }) => (spec.sharedCounters ?? []).flatMap(({ name: set, counters: list }) =>
    Object.entries(list).map(([name, { value }]) => [`${spec.driver}/${spec.pool.name}/${set}/${name}`, amountOf(value)] as const))));
  const name = first?.spec.pool.name ?? '';
  if (current.length !== expected) {
    return { devices, counters, fault: `pool ${name} is not complete: ${current.length} of ${expected} slices` };
  }
  return new Set(devices.map(({ id }) => id)).size === devices.length ? { devices, counters } : { devices, counters, fault: `pool ${name} names a device twice` };
}

const MULTIPLE_CLASSES = (a: DeviceClass, b: DeviceClass): number =>
  (b.metadata.creationTimestamp ?? '').localeCompare(a.metadata.creationTimestamp ?? '') || a.metadata.name.localeCompare(b.metadata.name);
/** Every class is an extended resource by this name. */
const CLASS_PREFIX = 'deviceclass.resource.kubernetes.io/';

export class DeviceInventory {
  readonly #slices = new Map<string, Map<string, ResourceSlice>>();
  readonly #pools = new Map<string, Pool>();
  readonly #devices = new Map<string, PoolDevice>();
  readonly #counters = new Map<string, number>();
  readonly #classes = new Map<string, DeviceClass>();
  readonly #byResource = new Map<string, DeviceClass[]>();
  /** Claims that are allocated, with what they hold in `usage`. */
  readonly #held = new Map<string, { results: readonly DeviceRequestAllocationResult[]; taken: readonly Taken[]; assumed: boolean }>();
  #byNode: Map<string, PoolDevice[]> | undefined;
  readonly #usage = new Usage();
  /** Devices have changed since what is held was counted on them. */
  #stale = false;
  #version = 0;

  /** Changes whenever devices, counters or classes do; not with what is in use. */
  get version(): number {
    return this.#version;
  }

  /** Always the same object: what is planned may lie over it. */
  get usage(): Usage {
    if (this.#stale) {
      this.#recount();
    }
    return this.#usage;
  }

  get empty(): boolean {
    return this.#devices.size === 0;
  }

  setSlice(slice: ResourceSlice): void {
    const key = `${slice.spec.driver}/${slice.spec.pool.name}`;
    const slices = this.#slices.get(key) ?? new Map<string, ResourceSlice>();
    this.#slices.set(key, slices);
    slices.set(slice.metadata.name, slice);
    this.#rebuild(key);
  }

  removeSlice(slice: ResourceSlice): void {
    const key = `${slice.spec.driver}/${slice.spec.pool.name}`;
    this.#slices.get(key)?.delete(slice.metadata.name);
    this.#rebuild(key);
  }

  setClass(one: DeviceClass): void {
    this.#classes.set(one.metadata.name, one);
    this.#indexClasses();
  }

  removeClass(name: string): void {
    this.#classes.delete(name);
    this.#indexClasses();
  }

  classOf(name: string): DeviceClass | undefined {
    return this.#classes.get(name);
  }

  /** The class that serves an extended resource: of several the newest. */
  classForResource(resource: string): DeviceClass | undefined {
    return this.#byResource.get(resource)?.[0] ?? (resource.startsWith(CLASS_PREFIX) ? this.#classes.get(resource.slice(CLASS_PREFIX.length)) : undefined);
  }

  device(id: string): PoolDevice | undefined {
    return this.#devices.get(id);
  }

  /** What a counter of a pool holds in all. */
  counter(key: string): number {
    return this.#counters.get(key) ?? 0;
  }

  /** Devices a node sees, those of complete pools, its own first. */
  devicesOf(node: Node): readonly PoolDevice[] {
    const byNode = this.#nodesOfDevices();
    const own = byNode.get(node.metadata.name) ?? [];
    const shared = byNode.get('') ?? [];
    return shared.length === 0 ? own : [...own, ...shared.filter(({ nodes }) => nodes?.(node) === true)];
  }

  /** Why the devices of some pools cannot be given out. */
  faults(): string[] {
    return [...this.#pools.values()].flatMap(({ fault }) => (fault === undefined ? [] : [fault]));
  }

  /** A claim as the server has it: its allocation counts, and takes the place of what was assumed for it. */
  setClaim(claim: ResourceClaim): void {
    const key = claimKey(claim);
    const results = claim.status?.allocation?.devices?.results;
    if (results !== undefined) {
      this.#hold(key, results, false);
    } else if (this.#held.get(key)?.assumed !== true) {
      this.#release(key);
    }
  }

  removeClaim(key: string): void {
    this.#release(key);
  }

  /** An allocation that is about to be written: it counts from now on. */
  assume(key: string, results: readonly DeviceRequestAllocationResult[]): void {
    this.#hold(key, results, true);
  }

  /** The writing failed; what the server has by now stays. */
  forget(key: string): void {
    if (this.#held.get(key)?.assumed === true) {
      this.#release(key);
    }
  }

  isHeld(key: string): boolean {
    return this.#held.has(key);
  }

  /** What a claim's allocation holds of the devices that are there. */
  takenBy(key: string): readonly Taken[] {
    if (this.#stale) {
      this.#recount();
    }
    return this.#held.get(key)?.taken ?? [];
  }

  takenOf(results: readonly DeviceRequestAllocationResult[]): Taken[] {
    return results.flatMap(({ driver, pool, device: name, adminAccess, shareID, consumedCapacity }) => {
      const device = this.#devices.get(deviceId(driver, pool, name));
      if (adminAccess === true || device === undefined) {
        return [];
      }
      return shareID === undefined ? [{ device }]
        : [{ device, consumed: new Map(Object.entries(consumedCapacity ?? {}).map(([key, value]) => [qualified(key, driver), amountOf(value)])) }];
    });
  }

  #hold(key: string, results: readonly DeviceRequestAllocationResult[], assumed: boolean): void {
    this.#release(key);
    const taken = this.#stale ? [] : this.takenOf(results);
    taken.forEach((one) => { this.#usage.take(one); });
    this.#held.set(key, { results, taken, assumed });
  }

  #release(key: string): void {
    const held = this.#held.get(key);
    if (held !== undefined) {
      if (!this.#stale) {
        held.taken.forEach((one) => { this.#usage.free(one); });
      }
      this.#held.delete(key);
    }
  }

  #indexClasses(): void {
    this.#byResource.clear();
    for (const one of this.#classes.values()) {
      const { extendedResourceName: name } = one.spec;
      if (name !== undefined) {
        this.#byResource.set(name, [...this.#byResource.get(name) ?? [], one].sort(MULTIPLE_CLASSES));
      }
    }
    this.#version += 1;
  }

  #rebuild(key: string): void {
    const slices = [...this.#slices.get(key)?.values() ?? []];
    const before = this.#pools.get(key);
    before?.devices.forEach(({ id }) => this.#devices.delete(id));
    before?.counters.forEach((_, counter) => this.#counters.delete(counter));
    if (slices.length === 0) {
      this.#slices.delete(key);
      this.#pools.delete(key);
    } else {
      const pool = assemble(slices);
      this.#pools.set(key, pool);
      pool.devices.forEach((device) => this.#devices.set(device.id, device));
      pool.counters.forEach((amount, counter) => this.#counters.set(counter, amount));
    }
    this.#byNode = undefined;
    this.#version += 1;
    this.#stale = true;
  }

  /** What claims hold refers to devices as they were: count it again on those that are there now. */
  #recount(): void {
    this.#stale = false;
    this.#usage.clear();
    for (const [key, { results, assumed }] of this.#held) {
      const taken = this.takenOf(results);
      taken.forEach((one) => { this.#usage.take(one); });
      this.#held.set(key, { results, taken, assumed });
    }
  }

  #nodesOfDevices(): Map<string, PoolDevice[]> {
    if (this.#byNode === undefined) {
      this.#byNode = new Map();
      for (const { devices, fault } of this.#pools.values()) {
        for (const device of fault === undefined ? devices : []) {
          const list = this.#byNode.get(device.node ?? '') ?? [];
          list.push(device);
          this.#byNode.set(device.node ?? '', list);
        }
      }
    }
    return this.#byNode;
  }
}
