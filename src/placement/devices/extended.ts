/**
 * Devices that a pod asks for without a claim: as extended resources that device classes serve, in parts, or by annotations. The scheduler makes
 * one claim of them (as Kubernetes' DRAExtendedResource), so that every allocation is recorded in the same way.
 */
import { acceleratorRequests, GPU_DRIVER, GPU_RESOURCE, isAcceleratorResource, MIG_PREFIX, type AcceleratorRequest, type DeviceFilter, type DevicePart } from '../../apimachinery/accelerators.ts';
import type { ContainerExtendedResourceRequest, Pod, PodSpec } from '../../kinds/generated/core.ts';
import type { DeviceRequest } from '../../kinds/generated/resource.ts';
import { quantityToNumber } from '../../apimachinery/quantity.ts';
import { amountText, local, qualified, type Capacities } from './amounts.ts';
import { ClaimError, programsOf, type Ask, type ClaimAsk, type Request } from './asks.ts';
import { consumption, everything } from './capacity.ts';
import type { Allocation } from './allocate.ts';
import type { DeviceInventory, PoolDevice } from './inventory.ts';
import { selectorProgram } from './selectors.ts';

const MEMORY = 'memory';
const CORES = 'cores';
const MIB = 1024 * 1024;
/** Devices list their cores in percent. */
const MILLI_PER_CORE = 10;
/** Resources that say how much of which devices; they are served together. */
const PART_RESOURCES = [GPU_RESOURCE, 'nvidia.com/gpumem', 'nvidia.com/gpumem-percentage', 'nvidia.com/gpucores'];
const FALLBACK_CLASS = GPU_DRIVER;
const MIG_CLASS = 'mig.nvidia.com';

/** Something a container asks for that is no accelerator by name, but served by a device class. */
type Asked = Omit<AcceleratorRequest, 'convention'> & Partial<Pick<AcceleratorRequest, 'convention'>>;

function others(spec: PodSpec, inventory: DeviceInventory): Asked[] {
  const list = [...spec.containers.map((container) => ({ container, init: false })),
    ...(spec.initContainers ?? []).map((container) => ({ container, init: container.restartPolicy !== 'Always' }))];
  return list.flatMap(({ container: { name, resources }, init }) => Object.entries(resources?.requests ?? resources?.limits ?? {})
    .filter(([resource, quantity]) => resource.includes('/') && !isAcceleratorResource(resource) && quantityToNumber(quantity) > 0 && inventory.classForResource(resource) !== undefined)
    .map(([resource, quantity]) => ({ container: name, init, field: resource, resource, count: quantityToNumber(quantity) })));
}

/** All that a pod asks for without naming a claim. Throws AcceleratorRequestError. */
export function askedFor(pod: Pod, inventory: DeviceInventory): Asked[] {
  return [...acceleratorRequests(pod), ...inventory.empty ? [] : others(pod.spec, inventory)];
}

/** What an init container asks for is taken from what the others have, when that is as much and of the same kind. */
function withoutCovered(asked: readonly Asked[]): { own: Asked[]; covered: Map<Asked, Asked> } {
  const covered = new Map<Asked, Asked>();
  const same = (a: Asked, b: Asked): boolean => a.resource === b.resource && JSON.stringify(a.part) === JSON.stringify(b.part);
  for (const one of asked.filter(({ init }) => init)) {
    const other = asked.find((candidate) => !candidate.init && candidate.count >= one.count && same(candidate, one))
      ?? asked.find((candidate) => candidate.init && candidate !== one && !covered.has(candidate) && candidate.count >= one.count && same(candidate, one));
    if (other !== undefined) {
      covered.set(one, other);
    }
  }
  return { own: asked.filter((one) => !covered.has(one)), covered };
}

/** So much of this device; undefined when it does not list what it is measured by. */
export function partOf(part: DevicePart, { capacity, driver }: PoolDevice): Capacities | undefined {
  const [memory, cores] = [qualified(MEMORY, driver), qualified(CORES, driver)];
  const total = capacity.get(memory);
  if (total === undefined) {
    return undefined;
  }
  const bytes = part.memoryMib === undefined ? Math.ceil(total * (part.memoryMilli ?? 0) / 1000) : part.memoryMib * MIB;
  const core = part.coreMilli ?? Math.ceil(1000 * bytes / total);
  return new Map([[memory, bytes], ...(capacity.has(cores) ? [[cores, Math.ceil(core / MILLI_PER_CORE)] as const] : [])]);
}

const attribute = ({ device, driver }: PoolDevice, name: string): string | undefined => Object.entries(device.attributes ?? {}).find(([key]) => qualified(key, driver) === qualified(name, driver))?.[1].string;

function accepts(filter: DeviceFilter): (device: PoolDevice) => boolean {
  const within = (product: string, types: readonly string[]): boolean => types.some((type) => product.toLowerCase().includes(type.toLowerCase()));
  return (device) => {
    const [product, uuid] = [attribute(device, 'productName') ?? '', attribute(device, 'uuid') ?? ''];
    return (filter.types.length === 0 || within(product, filter.types)) && !within(product, filter.avoidTypes)
      && (filter.uuids.length === 0 || filter.uuids.includes(uuid)) && !filter.avoidUuids.includes(uuid);
  };
}

/** The class that serves a resource, with what else must hold of its devices. */
function serving(resource: string, inventory: DeviceInventory): { className: string; expression?: string } | undefined {
  const own = inventory.classForResource(resource);
  if (own !== undefined) {
    return { className: own.metadata.name };
  }
  if (resource === GPU_RESOURCE && inventory.classOf(FALLBACK_CLASS) !== undefined) {
    return { className: FALLBACK_CLASS };
  }
  if (resource.startsWith(MIG_PREFIX) && inventory.classOf(MIG_CLASS) !== undefined) {
    // `1g.10gb.me` is the resource of the profile `1g.10gb+me`.
    const profile = resource.slice(MIG_PREFIX.length).replace(/\.me$/, '+me');
    return { className: MIG_CLASS, expression: `device.attributes['${GPU_DRIVER}'].profile == ${JSON.stringify(profile)}` };
  }
  return undefined;
}

export interface ExtendedAsk {
  readonly claim: ClaimAsk;
  readonly mappings: readonly ContainerExtendedResourceRequest[];
  /** Resources that are served by devices, so that a node's own count of them says nothing. */
  readonly resources: ReadonlySet<string>;
}

interface Named {
  readonly asked: Asked;
  readonly requests: readonly Request[];
}

/** Undefined for a resource that no class serves: nodes count it by themselves, or have none. */
function named(asked: Asked, index: number, inventory: DeviceInventory): Named | undefined {
  const served = serving(asked.resource, inventory);
  if (served === undefined) {
    if (asked.convention === 'fraction') {
      throw new ClaimError(`${asked.field}: there are no devices here to have a part of: no device class serves ${asked.resource}`);
    }
    return undefined;
  }
  const { part, filter, count } = asked;
  const ask = (name: string, number: number): Ask => ({
    name, className: served.className, count: number, admin: false, tolerations: [],
    programs: [...programsOf(inventory.classOf(served.className)?.spec.selectors), ...(served.expression === undefined ? [] : [selectorProgram(served.expression)])],
    ...(filter === undefined ? {} : { accepts: accepts(filter) }),
    needs: (device) => (part === undefined ? new Map() : partOf(part, device) ?? new Map([[MEMORY, Number.POSITIVE_INFINITY]])),
    takes: (device) => {
      const amounts = part === undefined ? everything(device) : partOf(part, device);
      return amounts === undefined ? undefined : part === undefined ? amounts : consumption(device, amounts);
    },
    ...(part === undefined ? {} : { shared: true, apart: `${index}` }),
  });
  // Parts differ from device to device, so each is a request of its own.
  const names = part === undefined || count === 1 ? [`request-${index}`] : Array.from({ length: count }, (_, device) => `request-${index}-${device}`);
  return { asked, requests: names.map((name) => ({ name, ways: [ask(name, part === undefined ? count : 1)] })) };
}

/** A claim's name for a pod's devices: the same whenever it is made again. */
export const extendedClaimName = ({ metadata: { name, uid = '' } }: Pod): string => `${name.slice(0, 200)}-extended-resources-${uid.replaceAll('-', '').slice(0, 8)}`;

/**
 * What a pod asks for without claims, as one claim; undefined when it asks for nothing that devices serve. Throws ClaimError when no class serves
 * an accelerator, AcceleratorRequestError when it cannot be read.
 */
export function extendedAsk(pod: Pod, inventory: DeviceInventory): ExtendedAsk | undefined {
  const asked = askedFor(pod, inventory);
  if (asked.length === 0) {
    return undefined;
  }
  const { own, covered } = withoutCovered(asked);
  const list = own.map((one, index) => named(one, index, inventory)).filter((one) => one !== undefined);
  if (list.length === 0) {
    return undefined;
  }
  const requestsOf = (one: Asked): readonly Request[] => {
    const covering = covered.get(one);
    return covering === undefined ? list.find((entry) => entry.asked === one)?.requests ?? [] : requestsOf(covering);
  };
  const mappings = asked.flatMap((one) => requestsOf(one).map(({ name }) => ({ containerName: one.container, resourceName: one.resource, requestName: name })));
  const { namespace = '' } = pod.metadata;
  return {
    claim: { key: `${namespace}/${extendedClaimName(pod)}`, requests: list.flatMap(({ requests }) => requests), constraints: [] },
    mappings, resources: new Set(list.flatMap(({ asked: { resource } }) => (resource === GPU_RESOURCE ? PART_RESOURCES : [resource]))),
  };
}

/** The claim's requests as its spec says them, amounts included, when its devices are known. */
export function requestsFor(ask: ClaimAsk, allocation: Allocation): DeviceRequest[] {
  const choices = allocation.get(ask.key) ?? [];
  return ask.requests.map(({ name, ways }) => {
    const [way] = ways;
    const shared = choices.find((choice) => choice.ask.name === name && choice.ask.shared === true);
    const amounts = shared?.consumed === undefined ? undefined
      : Object.fromEntries([...shared.consumed].map(([key, amount]) => [local(key, shared.device.driver), amountText(amount)]));
    return {
      name, exactly: {
        deviceClassName: way?.className ?? '', allocationMode: 'ExactCount', count: way === undefined || way.count === 'all' ? 1 : way.count,
        ...(amounts === undefined ? {} : { capacity: { requests: amounts } }),
      },
    };
  });
}
