/** Files of the openb trace: machines and arrivals, as they are published or as ready lists of numbers. */
import { readFileSync } from 'node:fs';
import type { Machine, Request } from '../../src/placement/packing/estate.ts';

/** Models in the order of the bits of an arrival's mask. */
export const MODELS = ['A10', 'G2', 'G3', 'P100', 'T4', 'V100M16', 'V100M32'] as const;
const ANY = 2 ** MODELS.length - 1;

function rows(file: string): string[][] {
  return readFileSync(file, 'utf8').trim().split('\n').slice(1).map((line) => line.split(/[ ,]/));
}

function numberAt(file: string, row: readonly string[], index: number): number {
  const value = Number(row[index]);
  if (row[index] === undefined || Number.isNaN(value)) {
    throw new Error(`${file}: no number in column ${index + 1} of "${row.join(' ')}"`);
  }
  return value;
}

/** `cpu memory gpus model-index` a line after a count, or the published CSV (`sn,cpu_milli,memory_mib,gpu,model`). */
export function readMachines(file: string): Machine[] {
  return rows(file).map((row) => {
    const named = row.length === 5;
    const [cpuMilli, memoryMib, devices] = [0, 1, 2].map((index) => numberAt(file, row, index + (named ? 1 : 0)));
    const model = named ? MODELS.findIndex((one) => one === row[4]) : numberAt(file, row, 3);
    return { cpuMilli: cpuMilli ?? 0, memoryMib: memoryMib ?? 0, devices: devices ?? 0, model: devices === 0 ? -1 : model };
  });
}

/** `cpu memory devices milli model-mask` a line after a count. */
export function readArrivals(file: string): Request[] {
  return rows(file).map((row) => {
    const [cpuMilli = 0, memoryMib = 0, devices = 0, milli = 0, mask = 0] = [0, 1, 2, 3, 4].map((index) => numberAt(file, row, index));
    return { cpuMilli, memoryMib, devices, milli, models: mask === ANY ? 0 : mask };
  });
}
