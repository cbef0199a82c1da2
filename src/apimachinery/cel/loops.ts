/** Comprehensions as closures: one loop for each macro. */
import type { LoopMacro } from './ast.ts';
import { CelEvaluationError, noSuchOverload } from './errors.ts';
import { asBool, insert, type Frame, type Step } from './frame.ts';
import { ArrayList, CelList, CelMap, CelRecord, EntryMap, type CelValue } from './values.ts';

/**
 * What a comprehension's own machinery costs for each element, beyond its predicate or transformation: the reads of the accumulator, the test
 * whether to go on, the list an element is added with. cel-go counts these because it expands macros into general loops.
 */
export const LOOP_COSTS = {
  all: { each: 3, once: 1 }, exists: { each: 4, once: 1 }, existsOne: { each: 2, once: 2 },
  map: { each: 12, once: 11 }, filter: { each: 13, once: 11 }, transformMap: { each: 3, once: 31 }, transformMapEntry: { each: 3, once: 31 },
} as const;
/** Reading the accumulator of an element that a filter leaves out. */
export const SKIPPED_COST = 1;

export interface LoopParts {
  readonly range: Step;
  readonly first: number;
  /** -1 for loops with one variable. */
  readonly second: number;
  readonly filter: Step | undefined;
  readonly body: Step;
  readonly each: number;
  readonly once: number;
}

/** Sets the variables for each element in turn and calls `visit`, until it says to stop. */
function iterate(frame: Frame, { range, first, second }: LoopParts, visit: () => boolean): void {
  const over = range(frame);
  const { slots } = frame;
  if (over instanceof CelList) {
    for (let index = 0; index < over.length; index += 1) {
      if (second < 0) {
        slots[first] = over.at(index);
      } else {
        slots[first] = BigInt(index);
        slots[second] = over.at(index);
      }
      if (!visit()) {
        return;
      }
    }
    return;
  }
  const entries = over instanceof CelMap ? { keys: over.keys(), get: (key: CelValue): CelValue => over.get(key) ?? null }
    : over instanceof CelRecord ? { keys: over.names(), get: (key: CelValue): CelValue => (typeof key === 'string' ? over.get(key) : undefined) ?? null } : noSuchOverload();
  for (const key of entries.keys) {
    slots[first] = key;
    if (second >= 0) {
      slots[second] = entries.get(key);
    }
    if (!visit()) {
      return;
    }
  }
}

/** `all` and `exists`: errors count only when no element decides. */
const quantifier = (decisive: boolean) => (parts: LoopParts): Step => (frame) => {
  let failure: CelEvaluationError | undefined;
  let decided = false;
  iterate(frame, parts, () => {
    frame.meter.spend(parts.each);
    try {
      decided = asBool(parts.body(frame)) === decisive;
    } catch (error) {
      if (!(error instanceof CelEvaluationError)) {
        throw error;
      }
      failure = error;
    }
    return !decided;
  });
  frame.meter.spend(parts.once);
  if (!decided && failure !== undefined) {
    throw failure;
  }
  return decided ? decisive : !decisive;
};

/** True when the loop's filter, if it has one, lets the element pass. */
function passes(frame: Frame, { filter, each }: LoopParts): boolean {
  const passing = filter === undefined || asBool(filter(frame));
  frame.meter.spend(passing ? each : SKIPPED_COST);
  return passing;
}

const collect = (parts: LoopParts): Step => (frame) => {
  const items: CelValue[] = [];
  iterate(frame, parts, () => {
    if (passes(frame, parts)) {
      items.push(parts.body(frame));
    }
    return true;
  });
  frame.meter.spend(parts.once);
  return new ArrayList(items);
};

/** transformMap: the key stays; transformMapEntry: the body gives a map whose entries are added. */
const collectMap = (byEntry: boolean) => (parts: LoopParts): Step => (frame) => {
  const made = new Map<string, readonly [CelValue, CelValue]>();
  iterate(frame, parts, () => {
    const key = frame.slots[parts.first] ?? null;
    if (!passes(frame, parts)) {
      return true;
    }
    const value = parts.body(frame);
    if (!byEntry) {
      insert(made, key, value);
      return true;
    }
    const entries = value instanceof CelMap ? value : noSuchOverload();
    for (const one of entries.keys()) {
      insert(made, one, entries.get(one) ?? null);
    }
    return true;
  });
  frame.meter.spend(parts.once);
  return new EntryMap(made);
};

const existsOne = (parts: LoopParts): Step => (frame) => {
  let count = 0;
  iterate(frame, parts, () => {
    frame.meter.spend(parts.each);
    count += asBool(parts.body(frame)) ? 1 : 0;
    return true;
  });
  frame.meter.spend(parts.once);
  return count === 1;
};

export const LOOPS: Readonly<Record<LoopMacro, (parts: LoopParts) => Step>> = {
  all: quantifier(false), exists: quantifier(true), existsOne, map: collect, filter: collect,
  transformMap: collectMap(false), transformMapEntry: collectMap(true),
};
