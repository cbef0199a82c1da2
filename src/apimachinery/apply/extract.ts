/** Which fields a value has: those that applying it claims, and those that come into being with it. */
import type { Json } from '../object.ts';
import { isObject } from '../values.ts';
import { LEAF, SELF, withSelf, type FieldSet } from './fieldset.ts';
import { fieldKey, tryKeyOfElement } from './pathelement.ts';
import { DEDUCED, type Shape } from './shape.ts';

/** The shape of a member, and whether it is declared by name. Undefined for a name that a struct does not have. */
export function memberShape(shape: Shape, name: string): Shape | undefined {
  return shape.type === 'deduced' ? DEDUCED : shape.field?.(name) ?? (shape.type === 'map' ? shape.item : undefined);
}

const isDeclared = (shape: Shape, name: string): boolean => shape.field?.(name) !== undefined;

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

/** Whether the value's members have owners of their own. */
const isGranular = (shape: Shape): boolean => shape.type !== 'scalar' && shape.type !== 'atomic';

function claimedMembers(value: Readonly<Record<string, Json>>, shape: Shape): FieldSet | undefined {
  let set: FieldSet | undefined;
  for (const name in value) {
    const member = value[name];
    const below = memberShape(shape, name);
    if (member === undefined || below === undefined) {
      continue;
    }
    const own = claimed(member, below);
    const node = isNothing(member) || !isDeclared(shape, name) ? withSelf(own) : own;
    if (node !== undefined) {
      set ??= {};
      set[fieldKey(name)] = node;
    }
  }
  return set;
}

function claimedElements(list: readonly Json[], shape: Shape): FieldSet | undefined {
  let set: FieldSet | undefined;
  for (const element of list) {
    const key = tryKeyOfElement(element, shape);
    if (key === undefined) {
      continue;
    }
    set ??= {};
    // Of an element that occurs twice only that it is there can be owned.
    set[key] = set[key] !== undefined || shape.item === undefined ? LEAF : withSelf(claimed(element, shape.item));
  }
  return set;
}

function claimed(value: Json, shape: Shape): FieldSet | undefined {
  if (!isGranular(shape)) {
    return LEAF;
  }
  if (Array.isArray(value)) {
    return shape.type === 'set' || shape.type === 'associative' ? claimedElements(value, shape) : LEAF;
  }
  if (isObject(value)) {
    return claimedMembers(value, shape);
  }
  return value === null && shape.type !== 'deduced' ? undefined : LEAF;
}

/** What an applied configuration claims: its leaves, the elements of its lists and maps, and what it leaves empty. Undeclared fields are passed over. */
export function fieldsOf(value: Json, shape: Shape): FieldSet {
  return claimed(value, shape) ?? LEAF;
}

function newMembers(value: Readonly<Record<string, Json>>, shape: Shape): FieldSet {
  let set: FieldSet | undefined;
  for (const name in value) {
    const member = value[name];
    const below = memberShape(shape, name);
    if (member !== undefined && below !== undefined) {
      set ??= { [SELF]: LEAF };
      set[fieldKey(name)] = newFields(member, below);
    }
  }
  return set ?? LEAF;
}

function newElements(list: readonly Json[], shape: Shape): FieldSet {
  let set: FieldSet | undefined;
  for (const element of list) {
    const key = tryKeyOfElement(element, shape);
    if (key !== undefined) {
      set ??= { [SELF]: LEAF };
      set[key] = set[key] !== undefined || shape.item === undefined ? LEAF : newFields(element, shape.item);
    }
  }
  return set ?? LEAF;
}

/** Everything that comes into being with a value where there was none: all its paths, its own included. */
export function newFields(value: Json, shape: Shape): FieldSet {
  if (!isGranular(shape)) {
    return LEAF;
  }
  if (Array.isArray(value)) {
    return shape.type === 'set' || shape.type === 'associative' ? newElements(value, shape) : LEAF;
  }
  return isObject(value) ? newMembers(value, shape) : LEAF;
}
