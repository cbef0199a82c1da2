/** Which fields a value has: those that applying it claims, and those that come into being with it. */
import type { Json } from '../object.ts';
import { isObject } from '../values.ts';
import { LEAF, withSelf, type FieldSet } from './fieldset.ts';
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
  const set = plan.builder(false);
  for (const name in value) {
    const member = value[name];
    const below = plan.member(name);
    if (member === undefined || below === undefined) {
      continue;
    }
    const own = claimed(member, below.plan);
    const node = isNothing(member) || !below.declared ? withSelf(own) : own;
    if (node !== undefined) {
      set.add(below.key, node);
    }
  }
  return set.done();
}

/** A node for each element that has a key. Undefined for none. */
function elementNodes(list: readonly Json[], plan: Plan, self: boolean, nodeOf: (element: Json, plan: Plan) => FieldSet): FieldSet | undefined {
  const { item } = plan;
  const set = plan.builder(self);
  for (const element of list) {
    const key = plan.elementKey(element);
    if (key !== undefined) {
      set.add(key, item === undefined ? LEAF : nodeOf(element, item));
    }
  }
  return set.done();
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
  const set = plan.builder(true);
  for (const name in value) {
    const member = value[name];
    const below = plan.member(name);
    if (member !== undefined && below !== undefined) {
      set.add(below.key, newNode(member, below.plan));
    }
  }
  return set.done() ?? LEAF;
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
