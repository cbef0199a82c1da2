/** Requests of claims, ready to be searched for: classes looked up, selectors compiled, amounts read. */
import type { CelProgram } from '../../apimachinery/cel/index.ts';
import type { DeviceClass, DeviceConstraint, DeviceRequest, DeviceTaint, DeviceToleration, ExactDeviceRequest, ResourceClaim } from '../../kinds/generated/resource.ts';
import { amountOf, qualified, type Capacities } from './amounts.ts';
import { consumption } from './capacity.ts';
import type { DeviceInventory, PoolDevice } from './inventory.ts';
import { selectorProgram } from './selectors.ts';

/** One way of serving a request. */
export interface Ask {
  /** `request`, or `request/subrequest`. */
  readonly name: string;
  readonly className: string;
  /** Further conditions that are no expressions. */
  readonly accepts?: (device: PoolDevice) => boolean;
  readonly programs: readonly CelProgram[];
  /** All devices that match, or so many. */
  readonly count: number | 'all';
  readonly admin: boolean;
  readonly tolerations: readonly DeviceToleration[];
  /** What of a device must be there, whole or free; empty: nothing in particular. */
  readonly needs: (device: PoolDevice) => Capacities;
  /** What it takes of a shareable device; undefined when that cannot serve it. */
  readonly takes: (device: PoolDevice) => Capacities | undefined;
  /** Only shareable devices serve it. */
  readonly shared?: boolean;
  /** No two devices of the claim's asks with the same word are the same. */
  readonly apart?: string;
}

/** A request: the first of its ways that works. */
export interface Request {
  readonly name: string;
  readonly ways: readonly Ask[];
}

/** What is asked for at once and must be found together: a claim. */
export interface ClaimAsk {
  /** `namespace/name`. */
  readonly key: string;
  readonly requests: readonly Request[];
  readonly constraints: readonly DeviceConstraint[];
  /** For the allocation's configuration; absent for claims that the scheduler makes up. */
  readonly claim?: ResourceClaim;
}

/** A claim cannot be served as it stands, whatever is free. The text is for its owner. */
export class ClaimError extends Error { override name = 'ClaimError'; }

export function classNamed(inventory: DeviceInventory, name: string, who: string): DeviceClass {
  const found = inventory.classOf(name);
  if (found === undefined) {
    throw new ClaimError(`${who}: device class ${name} does not exist`);
  }
  return found;
}

export const programsOf = (selectors: readonly { cel?: { expression: string } }[] | undefined): CelProgram[] =>
  (selectors ?? []).flatMap(({ cel }) => (cel === undefined ? [] : [selectorProgram(cel.expression)]));

/** Amounts by names that belong to a driver where they do not say otherwise. */
const qualifiedFor = (amounts: ReadonlyMap<string, number>, driver: string): Capacities =>
  new Map([...amounts].map(([name, amount]) => [qualified(name, driver), amount]));

function wayOf(name: string, asked: Omit<ExactDeviceRequest, 'adminAccess'> & { adminAccess?: boolean }, { inventory, key }: { inventory: DeviceInventory; key: string }): Ask {
  const deviceClass = classNamed(inventory, asked.deviceClassName, `claim ${key}, request ${name}`);
  const amounts = new Map(Object.entries(asked.capacity?.requests ?? {}).map(([capacity, value]) => [capacity, amountOf(value)]));
  return {
    name, className: asked.deviceClassName, programs: [...programsOf(deviceClass.spec.selectors), ...programsOf(asked.selectors)],
    count: asked.allocationMode === 'All' ? 'all' : asked.count ?? 1, admin: asked.adminAccess === true, tolerations: asked.tolerations ?? [],
    needs: ({ driver }) => qualifiedFor(amounts, driver),
    takes: (device) => consumption(device, qualifiedFor(amounts, device.driver)),
  };
}

function requestOf({ name, exactly, firstAvailable }: DeviceRequest, at: { inventory: DeviceInventory; key: string }): Request {
  if (exactly !== undefined) {
    return { name, ways: [wayOf(name, exactly, at)] };
  }
  return { name, ways: (firstAvailable ?? []).map((one) => wayOf(`${name}/${one.name}`, one, at)) };
}

/** Throws ClaimError or SelectorError. */
export function asksOfClaim(claim: ResourceClaim, inventory: DeviceInventory): ClaimAsk {
  const { namespace = '', name } = claim.metadata;
  const key = `${namespace}/${name}`;
  const { requests = [], constraints = [] } = claim.spec?.devices ?? {};
  return { key, requests: requests.map((one) => requestOf(one, { inventory, key })), constraints, claim };
}

export function toleratesTaint({ key, operator, value, effect }: DeviceToleration, taint: DeviceTaint): boolean {
  if (effect && effect !== taint.effect) {
    return false;
  }
  if (!key) {
    return operator === 'Exists';
  }
  return key === taint.key && (operator === 'Exists' || (value ?? '') === (taint.value ?? ''));
}

/** Taints that keep a request off a device. */
export const repels = (device: PoolDevice, tolerations: readonly DeviceToleration[]): boolean =>
  (device.device.taints ?? []).some((taint) => taint.effect !== 'None' && !tolerations.some((one) => toleratesTaint(one, taint)));
