/** What closures evaluate in, and the little that all of them need. */
import type { CostMeter } from './budget.ts';
import { fail, noSuchOverload } from './errors.ts';
import { keyText, type CelValue } from './values.ts';

export interface Frame {
  readonly slots: (CelValue | undefined)[];
  readonly meter: CostMeter;
}

export type Step = (frame: Frame) => CelValue;

export const asBool = (value: CelValue): boolean => (typeof value === 'boolean' ? value : noSuchOverload());

/** Adds an entry to a map under construction. Throws for keys that are there already or can be none. */
export function insert(entries: Map<string, readonly [CelValue, CelValue]>, key: CelValue, value: CelValue): void {
  const text = keyText(key) ?? fail('unsupported key type');
  if (entries.has(text)) {
    fail(`insert failed: key ${String(typeof key === 'object' ? text.slice(1) : key)} already exists`);
  }
  entries.set(text, [key, value]);
}
