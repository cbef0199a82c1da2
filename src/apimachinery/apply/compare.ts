/** What differs between two values, as sets of fields. */
import type { Json } from '../object.ts';
import { deepEqual, isObject } from '../values.ts';
import { newNode } from './extract.ts';
import { EMPTY_SET, LEAF, SELF, withSelf, type FieldSet } from './fieldset.ts';
import { planOf, type Plan } from './plan.ts';
import type { Shape } from './shape.ts';

export interface Comparison {
  /** Fields that are new or have another value. */
  readonly changed: FieldSet;
  /** Fields that are gone. */
  readonly removed: FieldSet;
}

/** A comparison under construction; absent sets are empty. */
interface Found {
  changed?: FieldSet;
  removed?: FieldSet;
}

type Members = Readonly<Record<string, Json>>;

const NOTHING: Members = {};
const NO_ELEMENTS: readonly Json[] = [];

/** A member, whatever its name: `constructor` is one of every object, but not its own. */
const own = (value: Members, name: string): Json | undefined => (Object.hasOwn(value, name) ? value[name] : undefined);

const hasMembers = (value: Members): boolean => {
  for (const _key in value) {
    return true;
  }
  return false;
};

/** Puts what was found below `key` where it belongs. */
function add(into: Found | undefined, key: string, below: Found | undefined): Found | undefined {
  if (below === undefined) {
    return into;
  }
  const found = into ?? {};
  if (below.changed !== undefined) {
    found.changed ??= {};
    found.changed[key] = below.changed;
  }
  if (below.removed !== undefined) {
    found.removed ??= {};
    found.removed[key] = below.removed;
  }
  return found;
}

/** A member, or what stands for a field that is left out of a struct that is there. */
const memberOf = (value: Members, name: string, { shape }: Plan): Json | undefined => own(value, name) ?? (shape.alwaysPresent === true ? null : undefined);

function members(old: Members, next: Members, plan: Plan): Found | undefined {
  let found: Found | undefined;
  for (const name in next) {
    // Most fields of most updates are what they were.
    if (own(old, name) === next[name]) {
      continue;
    }
    const below = plan.member(name);
    if (below !== undefined) {
      found = add(found, below.key, optional(memberOf(old, name, below.plan), memberOf(next, name, below.plan), below.plan));
    }
  }
  for (const name in old) {
    const below = own(next, name) === undefined ? plan.member(name) : undefined;
    if (below !== undefined) {
      found = add(found, below.key, optional(own(old, name), memberOf(next, name, below.plan), below.plan));
    }
  }
  return found;
}

/** Elements by key, in order. */
function byKey(list: readonly Json[], plan: Plan): Map<string, Json[]> {
  const elements = new Map<string, Json[]>();
  for (const element of list) {
    const key = plan.elementKey(element);
    const same = key === undefined ? undefined : elements.get(key);
    if (same !== undefined) {
      same.push(element);
    } else if (key !== undefined) {
      elements.set(key, [element]);
    }
  }
  return elements;
}

/** Elements of one key, of which either list may have several: those are compared as a whole. */
function sameKey(old: readonly Json[], next: readonly Json[], item: Plan): Found | undefined {
  if (old.length <= 1 && next.length <= 1) {
    return optional(old[0], next[0], item);
  }
  if (old.length > 1 && next.length > 1) {
    return deepEqual(old, next) ? undefined : { changed: LEAF };
  }
  if (old.length > 1) {
    const [one] = next;
    return { removed: LEAF, ...(one === undefined ? {} : { changed: newNode(one, item) }) };
  }
  const [one] = old;
  return { changed: LEAF, ...(one === undefined ? {} : { removed: newNode(one, item) }) };
}

function elements(old: readonly Json[], next: readonly Json[], plan: Plan): Found | undefined {
  const { item } = plan;
  if (item === undefined) {
    return { changed: LEAF };
  }
  const [before, after] = [byKey(old, plan), byKey(next, plan)];
  let found: Found | undefined;
  for (const [key, list] of after) {
    found = add(found, key, sameKey(before.get(key) ?? [], list, item));
  }
  for (const [key, list] of before) {
    if (!after.has(key)) {
      found = add(found, key, sameKey(list, [], item));
    }
  }
  return found;
}

/** Both as maps, null standing for an empty one; undefined when one is something else. */
function asMembers(old: Json, next: Json): { old: Members; next: Members } | undefined {
  const [a, b] = [old ?? NOTHING, next ?? NOTHING];
  return isObject(a) && isObject(b) ? { old: a, next: b } : undefined;
}

function asElements(old: Json, next: Json): { old: readonly Json[]; next: readonly Json[] } | undefined {
  const [a, b] = [old ?? NO_ELEMENTS, next ?? NO_ELEMENTS];
  return Array.isArray(a) && Array.isArray(b) ? { old: a, next: b } : undefined;
}

const leaf = (old: Json, next: Json): Found | undefined => (deepEqual(old, next) ? undefined : { changed: LEAF });

/** Where one is a map or list and the other is not: the path changed, and what was below it came or went. */
function unlike(old: Json, next: Json, plan: Plan): Found {
  const [gone, come] = [newNode(old, plan), newNode(next, plan)];
  const { [SELF]: _self, ...below } = gone;
  return { changed: withSelf(come), ...(Object.keys(below).length === 0 ? {} : { removed: below }) };
}

/** Two lists; most are what they were, which is seen without telling their elements apart. */
function lists(old: Json, next: Json, plan: Plan): Found | undefined {
  const both = asElements(old, next);
  // Two empty lists are a leaf: null and [] are different values.
  return both === undefined || (both.old.length === 0 && both.next.length === 0) ? leaf(old, next)
    : deepEqual(old, next) ? undefined : elements(both.old, both.next, plan);
}

function maps(old: Json, next: Json, plan: Plan): Found | undefined {
  const both = asMembers(old, next);
  if (both === undefined) {
    return isObject(old) || isObject(next) ? unlike(old, next, plan) : leaf(old, next);
  }
  if (hasMembers(both.old) || hasMembers(both.next)) {
    return members(both.old, both.next, plan);
  }
  // Null and {} are different values, except where null only stands for a struct that was left out.
  return plan.shape.alwaysPresent === true ? undefined : leaf(old, next);
}

/** Two values that are both there. */
function values(old: Json, next: Json, plan: Plan): Found | undefined {
  if (old === next) {
    return undefined;
  }
  switch (plan.granular) {
    case 'none': return leaf(old, next);
    case 'list': return lists(old, next, plan);
    default: return maps(old, next, plan);
  }
}

function optional(old: Json | undefined, next: Json | undefined, plan: Plan): Found | undefined {
  if (old === undefined) {
    return next === undefined ? undefined : { changed: newNode(next, plan) };
  }
  return next === undefined ? { removed: newNode(old, plan) } : values(old, next, plan);
}

/** Compares two values of one shape; undefined stands for one that is not there. Undeclared fields are passed over. */
export function compare(old: Json, next: Json, shape: Shape): Comparison {
  const found = values(old, next, planOf(shape));
  return { changed: found?.changed ?? EMPTY_SET, removed: found?.removed ?? EMPTY_SET };
}
