/** How much of a shareable device a request takes: its amounts rounded as the device's policies have it (resource.k8s.io, consumable capacity). */
import type { CapacityRequestPolicy } from '../../kinds/generated/resource.ts';
import { amountOf, qualified, type Capacities } from './amounts.ts';
import type { PoolDevice } from './inventory.ts';
import type { Usage } from './usage.ts';

/** The amount a policy makes of one that is asked for; undefined when it allows none so large. */
function rounded(asked: number, policy: CapacityRequestPolicy): number | undefined {
  const values = (policy.validValues ?? []).map(amountOf).sort((a, b) => a - b);
  if (values.length > 0) {
    return values.find((value) => value >= asked);
  }
  const range = policy.validRange;
  if (range === undefined) {
    return asked;
  }
  const [least, step] = [amountOf(range.min), range.step === undefined ? 0 : amountOf(range.step)];
  const above = Math.max(asked, least);
  const value = step > 0 ? least + Math.ceil((above - least) / step) * step : above;
  return range.max !== undefined && value > amountOf(range.max) ? undefined : value;
}

/**
 * What a request takes of every capacity of a device: what it asks for, else the policy's default, else all. Undefined when the device does not
 * have what is asked for, or not in such amounts.
 */
export function consumption(device: PoolDevice, asked: Capacities): Capacities | undefined {
  if ([...asked.keys()].some((name) => !device.capacity.has(name))) {
    return undefined;
  }
  const policies = new Map(Object.entries(device.device.capacity ?? {}).map(([name, { requestPolicy }]) => [qualified(name, device.driver), requestPolicy]));
  const taken = new Map<string, number>();
  for (const [name, total] of device.capacity) {
    const policy = policies.get(name);
    const wanted = asked.get(name);
    const amount = wanted !== undefined ? policy === undefined ? wanted : rounded(wanted, policy)
      : policy?.default === undefined ? total : amountOf(policy.default);
    if (amount === undefined || amount > total) {
      return undefined;
    }
    taken.set(name, amount);
  }
  return taken;
}

/** All that a device has. */
export const everything = (device: PoolDevice): Capacities => device.capacity;

/** Whether a device has at least so much, whoever uses it. */
export const offers = (device: PoolDevice, asked: Capacities): boolean => [...asked].every(([name, amount]) => (device.capacity.get(name) ?? -1) >= amount);

/** Whether so much is free of a shareable device. */
export const isFree = (device: PoolDevice, taken: Capacities, usage: Usage): boolean =>
  [...taken].every(([name, amount]) => usage.consumed(device.id, name) + amount <= (device.capacity.get(name) ?? 0));
