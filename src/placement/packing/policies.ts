/** How good it is to put a request on a machine that fits it: one function a policy, larger is better, and on which devices. */
import { devicePrice, type DevicePrice } from './deviceprice.ts';
import { demand, DEVICE, isShare, type Estate, type Machine, type Request } from './estate.ts';
import type { Expectation } from './fragmentation.ts';
import { modelPrices } from './modelprice.ts';
import type { Typical } from './typical.ts';

/** A score and, for a share, its device; -1 for whole devices (the first idle ones) and for none. */
export interface Scored {
  score: number;
  device: number;
}

/** Scores a machine that fits the request. May change the estate while it computes, and leaves it as it was. */
export type Policy = (estate: Estate, request: Request, machine: number) => Scored;

/** Milli-devices whose gain is half a step of the sigmoid: FGD's own scale. */
const SIGMOID_SCALE = 1000;
const MAX_SCORE = 100;
/** Scores are whole numbers on purpose: equal ones go to the first machine of the order, which fills machines one by one. */
const gainScore = (gain: number): number => Math.trunc(MAX_SCORE / (1 + Math.exp(-gain / SIGMOID_SCALE)));

/** Biggest machine of the field, to make BestFit's shares comparable (as in the published comparison). */
const BIGGEST = { cpuMilli: 128_000, milli: 8 * DEVICE };

/** Least left over of CPU and devices. Its score is not yet spread over 0–100, which the chooser does. */
export const bestFit: Policy = (estate, request, machine) => {
  const from = machine * estate.width;
  let left = -request.devices * request.milli;
  let [device, tightest] = [-1, Number.POSITIVE_INFINITY];
  for (let index = 0; index < estate.devicesOf(machine); index += 1) {
    const free = estate.deviceFree[from + index] ?? 0;
    left += free;
    if (isShare(request) && free >= request.milli && free < tightest) {
      [device, tightest] = [index, free];
    }
  }
  const cpuLeft = (estate.cpuFree[machine] ?? 0) - request.cpuMilli;
  return { score: Math.trunc(MAX_SCORE * (1 - cpuLeft / BIGGEST.cpuMilli / 2 - left / BIGGEST.milli / 2)), device };
};

/** What typical requests make the parts of a machine worth. */
export interface Prices {
  /** Absent where nobody asks for shares. */
  device?: DevicePrice;
  /** By model index. */
  model: Float64Array;
  /** CPU that goes with a device, milli-cores per thousandth of a device; 0 where nobody asks for devices. */
  cpuPerMilli: number;
}

export function pricesOf(machines: readonly Machine[], typical: readonly Typical[]): Prices {
  const device = devicePrice(typical);
  const onDevices = typical.filter(({ devices }) => devices > 0);
  const cpu = onDevices.reduce((sum, { cpuMilli, weight }) => sum + cpuMilli * weight, 0);
  const milli = onDevices.reduce((sum, one) => sum + demand(one) * one.weight, 0);
  return { ...(device === undefined ? {} : { device }), model: modelPrices(machines, typical), cpuPerMilli: milli === 0 ? 0 : cpu / milli };
}

/** Points of the score for a device wasted, for a model of average scarcity, for a device left without CPU: flat around these values (see README.md). */
const DEVICE_WEIGHT = 200;
const MODEL_WEIGHT = 20;
const CPU_WEIGHT = 10;

/** What a share costs on a device with so much free, in devices, beyond its price: 0 when it is cut as the prices would have it. */
function shareCost(prices: DevicePrice | undefined, free: number, milli: number): number {
  if (prices === undefined) {
    return 0;
  }
  return (prices.value[free] ?? 0) - (prices.value[free - milli] ?? 0) - (prices.price[milli] ?? 0);
}

/** Devices that would have no CPU beside them any more, less those that have none now. */
function stranded(estate: Estate, request: Request, machine: number, cpuPerMilli: number): number {
  if (cpuPerMilli === 0) {
    return 0;
  }
  const from = machine * estate.width;
  let free = 0;
  for (let at = from; at < from + estate.devicesOf(machine); at += 1) {
    free += estate.deviceFree[at] ?? 0;
  }
  const cpu = estate.cpuFree[machine] ?? 0;
  const without = (milli: number, cpuMilli: number): number => Math.max(0, milli - cpuMilli / cpuPerMilli);
  return (without(free - demand(request), cpu - request.cpuMilli) - without(free, cpu)) / DEVICE;
}

/** What a choice wastes of what is scarce, whatever the device. */
function waste(estate: Estate, request: Request, machine: number, prices: Prices | undefined): number {
  if (prices === undefined) {
    return 0;
  }
  const scarcity = request.devices === 0 ? 0 : MODEL_WEIGHT * (prices.model[estate.modelOf(machine)] ?? 0);
  return scarcity + CPU_WEIGHT * stranded(estate, request, machine, prices.cpuPerMilli);
}

/** FGD: the least new fragmentation. With prices, Telar's own: less what the choice wastes of a device's, a model's and the CPU's worth. */
export function fragmentationGradient(expectation: Expectation, prices?: Prices): Policy {
  return (estate, request, machine) => {
    const before = expectation.fragment(estate, machine);
    const cost = waste(estate, request, machine, prices);
    const from = machine * estate.width;
    if (!isShare(request)) {
      const devices = estate.firstIdle(machine, request.devices);
      devices.forEach((device) => { estate.deviceFree[from + device] = 0; });
      const after = expectation.fragment(estate, machine, request.cpuMilli);
      devices.forEach((device) => { estate.deviceFree[from + device] = DEVICE; });
      return { score: gainScore(before - after) - cost, device: -1 };
    }
    const best: Scored = { score: Number.NEGATIVE_INFINITY, device: -1 };
    for (let device = 0; device < estate.devicesOf(machine); device += 1) {
      const free = estate.deviceFree[from + device] ?? 0;
      if (free < request.milli) {
        continue;
      }
      estate.deviceFree[from + device] = free - request.milli;
      const after = expectation.fragment(estate, machine, request.cpuMilli);
      estate.deviceFree[from + device] = free;
      const score = gainScore(before - after) - DEVICE_WEIGHT * shareCost(prices?.device, free, request.milli) - cost;
      if (score > best.score) {
        best.score = score;
        best.device = device;
      }
    }
    return best;
  };
}
