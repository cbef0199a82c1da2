/**
 * Sets of fields as `managedFields` writes them (meta.k8s.io FieldsV1), and the algebra on them. A set is its own JSON: a tree whose
 * keys are path elements (`f:name`, `k:{"name":"a"}`, `v:"x"`, `i:0`); a leaf `{}` says that the path to it is a member, and where a
 * path with others below it is itself a member, that is said by `.`. Nothing here changes its arguments; results share parts with them.
 */

/** The root `{}` is the empty set; every other `{}` a member. */
export type FieldSet = { [key: string]: FieldSet };

/** A path that is a member and has none below it. Shared by all sets. */
export const LEAF: FieldSet = Object.freeze({});
export const EMPTY_SET: FieldSet = LEAF;

/** The key by which a path with members below it says that it is one itself. */
export const SELF = '.';

export function isEmpty(set: FieldSet): boolean {
  for (const _key in set) {
    return false;
  }
  return true;
}

const isMember = (node: FieldSet): boolean => SELF in node || isEmpty(node);

/** The node, itself a member. */
export function withSelf(node: FieldSet | undefined): FieldSet {
  return node === undefined ? LEAF : isMember(node) ? node : { [SELF]: LEAF, ...node };
}

function unionNodes(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b) {
    return a;
  }
  const result: FieldSet = isMember(a) || isMember(b) ? { [SELF]: LEAF } : {};
  let children = false;
  for (const key in a) {
    const [mine, other] = [a[key], b[key]];
    if (key !== SELF && mine !== undefined) {
      result[key] = other === undefined ? mine : unionNodes(mine, other);
      children = true;
    }
  }
  for (const key in b) {
    const other = b[key];
    if (key !== SELF && other !== undefined && a[key] === undefined) {
      result[key] = other;
      children = true;
    }
  }
  return children ? result : LEAF;
}

/** Members of either. */
export function union(a: FieldSet, b: FieldSet): FieldSet {
  return isEmpty(a) ? b : isEmpty(b) ? a : unionNodes(a, b);
}

/** Members of any. */
export function unionAll(sets: readonly FieldSet[]): FieldSet {
  if (sets.length <= 1) {
    return sets[0] ?? EMPTY_SET;
  }
  // By halves: one after another, each would copy all before it.
  const middle = Math.floor(sets.length / 2);
  return union(unionAll(sets.slice(0, middle)), unionAll(sets.slice(middle)));
}

/** What is left of a node when `self` says whether it stays a member; undefined when nothing is. */
function node(self: boolean, children: FieldSet): FieldSet | undefined {
  if (isEmpty(children)) {
    return self ? LEAF : undefined;
  }
  return self ? { [SELF]: LEAF, ...children } : children;
}

function differenceNodes(a: FieldSet, b: FieldSet): FieldSet | undefined {
  const self = isMember(a) && !isMember(b);
  const children: FieldSet = {};
  let same = self === isMember(a);
  for (const key in a) {
    const [mine, other] = [a[key], b[key]];
    if (key === SELF || mine === undefined) {
      continue;
    }
    const rest = other === undefined ? mine : differenceNodes(mine, other);
    same &&= rest === mine;
    if (rest !== undefined) {
      children[key] = rest;
    }
  }
  return same ? a : node(self, children);
}

/** Members of `a` that are not in `b`: paths one by one, so that what is below a member of `b` stays. `a` itself when nothing goes. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  return isEmpty(a) || isEmpty(b) ? a : differenceNodes(a, b) ?? EMPTY_SET;
}

function intersectionNodes(a: FieldSet, b: FieldSet): FieldSet | undefined {
  const children: FieldSet = {};
  for (const key in a) {
    const [mine, other] = [a[key], b[key]];
    const both = key === SELF || mine === undefined || other === undefined ? undefined : intersectionNodes(mine, other);
    if (both !== undefined) {
      children[key] = both;
    }
  }
  return node(isMember(a) && isMember(b), children);
}

/** Members of both. */
export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  return isEmpty(a) || isEmpty(b) ? EMPTY_SET : intersectionNodes(a, b) ?? EMPTY_SET;
}

function containsNode(a: FieldSet, b: FieldSet): boolean {
  if (a === b) {
    return true;
  }
  if (isMember(b) && !isMember(a)) {
    return false;
  }
  for (const key in b) {
    const [mine, other] = [a[key], b[key]];
    if (key !== SELF && other !== undefined && (mine === undefined || !containsNode(mine, other))) {
      return false;
    }
  }
  return true;
}

/** Whether every member of `b` is in `a`. */
export function contains(a: FieldSet, b: FieldSet): boolean {
  return isEmpty(b) || (!isEmpty(a) && containsNode(a, b));
}

/** Whether the two have the same members, in whatever order they are written. */
export const equalSets = (a: FieldSet, b: FieldSet): boolean => contains(a, b) && contains(b, a);

/** Whether the path of these keys is a member. */
export function hasPath(set: FieldSet, path: readonly string[]): boolean {
  let at: FieldSet | undefined = set;
  for (const key of path) {
    at = at[key];
    if (at === undefined) {
      return false;
    }
  }
  return path.length > 0 && isMember(at);
}

/** The set with one member. */
export function singleton(path: readonly string[]): FieldSet {
  return path.reduceRight<FieldSet>((below, key) => ({ [key]: below }), LEAF);
}

/** Every member's path as keys, shorter paths before those below them, keys in FieldsV1's order. */
export function* members(set: FieldSet, above: readonly string[] = []): Generator<readonly string[], void, undefined> {
  if (above.length > 0 && isMember(set)) {
    yield above;
  }
  for (const key of Object.keys(set).sort()) {
    const below = set[key];
    if (key !== SELF && below !== undefined) {
      yield* members(below, [...above, key]);
    }
  }
}
