/** Values without some of their fields, or with those alone. */
import type { Json, JsonObject } from '../object.ts';
import { isObject, setOwn } from '../values.ts';
import { memberShape } from './extract.ts';
import { isEmpty, LEAF, SELF, withSelf, type FieldSet } from './fieldset.ts';
import { fieldKey, tryKeyOfElement } from './pathelement.ts';
import type { Shape } from './shape.ts';

const isJsonObject = (value: Json): value is JsonObject => isObject(value);
const isMember = (node: FieldSet): boolean => SELF in node || isEmpty(node);

/** Whether something below the node is a member. */
function hasBelow(node: FieldSet): boolean {
  for (const key in node) {
    if (key !== SELF) {
      return true;
    }
  }
  return false;
}

const isList = (shape: Shape): boolean => shape.type === 'set' || shape.type === 'associative';
const isMap = (shape: Shape): boolean => shape.type === 'struct' || shape.type === 'map' || shape.type === 'deduced';

/** One member or element without what the node under it says; undefined when it goes itself. */
function kept(value: Json, node: FieldSet | undefined, shape: Shape | undefined): Json | undefined {
  if (node === undefined || shape === undefined) {
    return value;
  }
  return isMember(node) ? undefined : removeFields(value, node, shape);
}

/**
 * The value without the members of `set`, and without what that leaves empty; undefined when nothing is left. Shares with `value` what stays,
 * and is `value` when everything does.
 */
export function removeFields(value: Json, set: FieldSet, shape: Shape): Json | undefined {
  if (!hasBelow(set)) {
    return value;
  }
  if (Array.isArray(value) && isList(shape)) {
    const list = value.flatMap((element) => {
      const key = tryKeyOfElement(element, shape);
      const rest = kept(element, key === undefined ? undefined : set[key], shape.item);
      return rest === undefined ? [] : [rest];
    });
    const same = list.length === value.length && list.every((element, position) => element === value[position]);
    return same ? value : list.length === 0 ? undefined : list;
  }
  if (!isJsonObject(value) || !isMap(shape)) {
    return value;
  }
  let changed = false;
  const result: JsonObject = {};
  for (const name of Object.keys(value)) {
    const member = value[name];
    const rest = member === undefined ? undefined : kept(member, set[fieldKey(name)], memberShape(shape, name));
    changed ||= rest !== member;
    if (rest !== undefined) {
      setOwn(result, name, rest);
    }
  }
  return !changed ? value : Object.keys(result).length === 0 ? undefined : result;
}

/** One member or element with what the node under it names; undefined when that is nothing. */
function extracted(value: Json, node: FieldSet | undefined, shape: Shape | undefined): Json | undefined {
  if (node === undefined || shape === undefined) {
    return undefined;
  }
  return hasBelow(node) ? extractFields(value, node, shape) : value;
}

/** Elements that were picked still say which they are. */
function withKeys(element: Json, picked: Json | undefined, shape: Shape): Json | undefined {
  if (picked === undefined || !isJsonObject(element) || !isJsonObject(picked)) {
    return picked;
  }
  const keys: JsonObject = {};
  for (const name of shape.keys ?? []) {
    const value = element[name];
    if (value !== undefined) {
      keys[name] = value;
    }
  }
  return { ...keys, ...picked };
}

/** The members of `set` alone, as the configuration whose application claims them; undefined when the value has none. */
export function extractFields(value: Json, set: FieldSet, shape: Shape): Json | undefined {
  if (Array.isArray(value) && isList(shape)) {
    const list = value.flatMap((element) => {
      const key = tryKeyOfElement(element, shape);
      const picked = withKeys(element, extracted(element, key === undefined ? undefined : set[key], shape.item), shape);
      return picked === undefined ? [] : [picked];
    });
    return list.length === 0 ? undefined : list;
  }
  if (!isJsonObject(value) || !isMap(shape)) {
    return value;
  }
  const result: JsonObject = {};
  for (const name of Object.keys(value)) {
    const member = value[name];
    const picked = member === undefined ? undefined : extracted(member, set[fieldKey(name)], memberShape(shape, name));
    if (picked !== undefined) {
      setOwn(result, name, picked);
    }
  }
  return Object.keys(result).length === 0 ? undefined : result;
}

function shapeOfKey(shape: Shape | undefined, key: string): Shape | undefined {
  if (shape === undefined) {
    return undefined;
  }
  return key.startsWith('f:') ? memberShape(shape, key.slice(2)) : shape.item;
}

const isNamed = (shape: Shape | undefined, key: string): boolean => key.startsWith('f:') && shape?.field?.(key.slice(2)) !== undefined;

/** The set with every declared field that has members below it as a member too: owning `spec.a` is owning `spec`, but not the map around a key. */
export function withNamedFields(set: FieldSet, shape: Shape | undefined): FieldSet {
  const result: FieldSet = {};
  for (const key in set) {
    const below = set[key];
    if (below === undefined) {
      continue;
    }
    if (key === SELF || isEmpty(below)) {
      result[key] = LEAF;
      continue;
    }
    const node = withNamedFields(below, shapeOfKey(shape, key));
    result[key] = isNamed(shape, key) ? withSelf(node) : node;
  }
  return result;
}

/**
 * The set as the shape has it now: what is below something that has become atomic belongs to that (a schema may change after the set was written).
 */
export function reconcile(set: FieldSet, shape: Shape | undefined): FieldSet {
  if (isEmpty(set)) {
    return set;
  }
  if (shape !== undefined && (shape.type === 'atomic' || shape.type === 'scalar')) {
    return LEAF;
  }
  let result: FieldSet | undefined;
  for (const key in set) {
    const below = set[key];
    const now = below === undefined || key === SELF ? below : reconcile(below, shapeOfKey(shape, key));
    if (below !== undefined && now !== undefined && now !== below) {
      result ??= { ...set };
      result[key] = now;
    }
  }
  return result ?? set;
}
