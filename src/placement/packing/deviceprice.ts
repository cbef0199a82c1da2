/**
 * What a part of a device is worth. Cutting whole devices into the shares that are typically asked for is the cutting-stock problem; the
 * duals of its linear programme are the prices of the shares, and the best sale of a remainder is its value. A share that leaves a
 * remainder of little value costs more than its price.
 */
import { DEVICE } from './estate.ts';
import { maximise } from './simplex.ts';
import type { Typical } from './typical.ts';

/** Rounds of column generation; each adds the cut that the prices so far sell too cheaply. About one a share size is enough. */
const MAX_ROUNDS = 200;
const TOLERANCE = 1e-6;
/** Sizes that are priced, the commonest; the trace of a large cluster has about twenty. */
const MAX_SIZES = 48;

interface Share {
  milli: number;
  weight: number;
}

/** Sizes of shares with their weights, whole devices among them. */
function sharesOf(typical: readonly Typical[]): Share[] {
  const weights = new Map<number, number>();
  for (const { devices, milli, weight } of typical) {
    if (devices > 0) {
      weights.set(milli, (weights.get(milli) ?? 0) + weight * devices);
    }
  }
  return [...weights].map(([milli, weight]) => ({ milli, weight })).sort((a, b) => b.weight - a.weight).slice(0, MAX_SIZES).sort((a, b) => b.milli - a.milli);
}

/** Best sale of every remainder up to a whole device, and which share to cut first for it. */
function bestSales(shares: readonly Share[], prices: readonly number[]): { value: Float64Array; first: Int32Array } {
  const value = new Float64Array(DEVICE + 1);
  const first = new Int32Array(DEVICE + 1).fill(-1);
  for (let room = 1; room <= DEVICE; room += 1) {
    value[room] = value[room - 1] ?? 0;
    first[room] = first[room - 1] ?? -1;
    shares.forEach(({ milli }, index) => {
      const sale = milli > room ? 0 : (prices[index] ?? 0) + (value[room - milli] ?? 0);
      if (sale > (value[room] ?? 0) + TOLERANCE) {
        value[room] = sale;
        first[room] = index;
      }
    });
  }
  return { value, first };
}

/** How often each share comes in the best cut of a whole device. */
function bestCut(shares: readonly Share[], { first }: { first: Int32Array }): number[] {
  const cut = shares.map(() => 0);
  for (let room = DEVICE; (first[room] ?? -1) >= 0;) {
    const index = first[room] ?? 0;
    cut[index] = (cut[index] ?? 0) + 1;
    // A larger room may have inherited its first cut from a smaller one.
    room -= shares[index]?.milli ?? room;
  }
  return cut;
}

export interface DevicePrice {
  /** Value of a remainder of so many thousandths; 1 for a whole device. */
  readonly value: Float64Array;
  /** Price of a share of so many thousandths, for any size: what is not typical costs what it could have been sold for. */
  readonly price: Float64Array;
}

export function devicePrice(typical: readonly Typical[]): DevicePrice | undefined {
  const shares = sharesOf(typical);
  if (!shares.some(({ milli }) => milli < DEVICE)) {
    return undefined;
  }
  // To begin with, each share is cut from devices of its own.
  const cuts = shares.map(({ milli }, index) => shares.map((_, other) => (other === index ? Math.floor(DEVICE / milli) : 0)));
  let prices: number[] = [];
  let sales = bestSales(shares, prices);
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    prices = maximise(shares.map(({ weight }) => weight), cuts, cuts.map(() => 1));
    sales = bestSales(shares, prices);
    if ((sales.value[DEVICE] ?? 0) <= 1 + TOLERANCE) {
      break;
    }
    cuts.push(bestCut(shares, sales));
  }
  const price = Float64Array.from(sales.value);
  shares.forEach(({ milli }, index) => { price[milli] = prices[index] ?? 0; });
  return { value: sales.value, price };
}
