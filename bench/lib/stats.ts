/** Medians and ratios: the only figures a noisy machine allows. */

export interface Summary {
  median: number;
  min: number;
  max: number;
  runs: number;
}

export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const [low, high] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  if (low === undefined || high === undefined) {
    throw new Error('no values to summarise');
  }
  return low + (high - low) * (at - Math.floor(at));
}

export function summarise(values: readonly number[]): Summary {
  const round = (value: number): number => Math.round(value * 1000) / 1000;
  return { median: round(quantile(values, 0.5)), min: round(Math.min(...values)), max: round(Math.max(...values)), runs: values.length };
}

/** Ratio of medians, ours over the peer's: below 1 is faster for times. */
export function ratio(ours: Summary, peer: Summary): number {
  return Math.round((ours.median / peer.median) * 1000) / 1000;
}

/** Run ours and the peer in turn, so that whatever the machine does meanwhile meets both. */
export async function alternating(runs: number, ours: (run: number) => Promise<number>, peer: (run: number) => Promise<number>): Promise<{ ours: Summary; peer: Summary; ratio: number }> {
  const [mine, theirs]: [number[], number[]] = [[], []];
  for (let run = 0; run < runs; run += 1) {
    mine.push(await ours(run));
    theirs.push(await peer(run));
  }
  const [a, b] = [summarise(mine), summarise(theirs)];
  return { ours: a, peer: b, ratio: ratio(a, b) };
}

export const milliseconds = (since: bigint): number => Number(process.hrtime.bigint() - since) / 1e6;
