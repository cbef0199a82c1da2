/** Which fields a value has: those that applying it claims, and those that come into being with it. */
import type { Json } from '../object.ts';
import { isObject } from '../values.ts';
import { LEAF, SELF, withSelf, type FieldSet } from './fieldset.ts';
import { planOf, type Plan } from './plan.ts';
import { DEDUCED, type Shape } from './shape.ts';

/** The shape of a member. Undefined for a name that a struct does not have. */
export function memberShape(shape: Shape, name: string): Shape | undefined {
  return shape.type === 'deduced' ? DEDUCED : shape.field?.(name) ?? (shape.type === 'map' ? shape.item : undefined);
}

type Members = Readonly<Record<string, Json>>;

const isNothing = (value: Json): boolean => {
  if (value === null) {
    return true;
  }
  if (!isObject(value)) {
    return false;
  }
  for (const _key in value) {
    return false;
  }
  return true;
};

function claimedMembers(value: Members, plan: Plan): FieldSet | undefined {
  const keys: string[] = [];
  const nodes: FieldSet[] = [];
  for (const name in value) {
    const member = value[name];
    const below = plan.member(name);
    if (member === undefined || below === undefined) {
      continue;
    }
    const own = claimed(member, below.plan);
    const node = isNothing(member) || !below.declared ? withSelf(own) : own;
    if (node !== undefined) {
      keys.push(below.key);
      nodes.push(node);
    }
  }
  return keys.length === 0 ? undefined : plan.setOf(keys, nodes);
}

/** A set with a node for each element; of an element that occurs twice only that it is there can be owned. Undefined for none. */
function elementNodes(list: readonly Json[], plan: Plan, self: boolean, nodeOf: (element: Json, plan: Plan) => FieldSet): FieldSet | undefined {
  const { item } = plan;
  const keys: string[] = self ? [SELF] : [];
  const nodes: FieldSet[] = self ? [LEAF] : [];
  const first = keys.length;
  for (const element of list) {
    const key = plan.elementKey(element);
    if (key !== undefined) {
      keys.push(key);
      nodes.push(item === undefined ? LEAF : nodeOf(element, item));
    }
  }
  if (keys.length === first) {
    return undefined;
  }
  return new Set(keys).size === keys.length ? plan.setOf(keys, nodes) : withDuplicates(keys, nodes);
}

function withDuplicates(keys: readonly string[], nodes: readonly FieldSet[]): FieldSet {
  const set: FieldSet = {};
  for (const [index, key] of keys.entries()) {
    set[key] = set[key] === undefined ? nodes[index] ?? LEAF : LEAF;
  }
  return set;
}

const claimedElement = (element: Json, plan: Plan): FieldSet => withSelf(claimed(element, plan));

function claimed(value: Json, plan: Plan): FieldSet | undefined {
  if (plan.granular === 'none') {
    return LEAF;
  }
  if (Array.isArray(value)) {
    return plan.granular === 'list' ? elementNodes(value, plan, false, claimedElement) : LEAF;
  }
  if (isObject(value)) {
    return claimedMembers(value, plan);
  }
  return value === null && !plan.deduced ? undefined : LEAF;
}

/** What an applied configuration claims: its leaves, the elements of its lists and maps, and what it leaves empty. Undeclared fields are passed over. */
export function fieldsOf(value: Json, shape: Shape): FieldSet {
  return claimed(value, planOf(shape)) ?? LEAF;
}

function newMembers(value: Members, plan: Plan): FieldSet {
  const keys: string[] = [SELF];
  const nodes: FieldSet[] = [LEAF];
  for (const name in value) {
    const member = value[name];
    const below = plan.member(name);
    if (member !== undefined && below !== undefined) {
      keys.push(below.key);
      nodes.push(newNode(member, below.plan));
    }
  }
  return keys.length === 1 ? LEAF : plan.setOf(keys, nodes);
}

/** Everything that comes into being with a value where there was none: all its paths, its own included. */
export function newNode(value: Json, plan: Plan): FieldSet {
  if (plan.granular === 'none') {
    return LEAF;
  }
  if (Array.isArray(value)) {
    return plan.granular === 'list' ? elementNodes(value, plan, true, newNode) ?? LEAF : LEAF;
  }
  return isObject(value) ? newMembers(value, plan) : LEAF;
}
