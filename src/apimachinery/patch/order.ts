/** The order of merged lists: patched elements as the patch has them, the others as they were, neither moved without need. */
import type { Json } from '../object.ts';
import { isObject } from '../values.ts';

/** The member that identifies an element; undefined for lists of scalars. */
export type ListKey = string | undefined;

/** What identifies an element, as a text. Linear look-ups, since lists come from outside and may be long. */
export function identity(element: Json, key: ListKey): string {
  const value = key === undefined ? element : isObject(element) && Object.hasOwn(element, key) ? element[key] : null;
  return JSON.stringify(value);
}

function positions(list: readonly Json[], key: ListKey): Map<string, number> {
  const found = new Map<string, number>();
  for (const [index, element] of list.entries()) {
    const id = identity(element, key);
    if (!found.has(id)) {
      found.set(id, index);
    }
  }
  return found;
}

export function deduplicate(list: readonly Json[]): Json[] {
  const first = positions(list, undefined);
  return list.filter((element, index) => first.get(identity(element, undefined)) === index);
}

interface Placed {
  element: Json;
  /** Where the element was before; -1 when it is new. */
  before: number;
  /** Where the patch has it; -1 when it does not. */
  patched: number;
}

/**
 * `merged` with the elements of `patch` in the patch's order and the others in the order of `original`, interleaved so that a
 * patched element stays behind those that preceded it; new ones come first.
 */
export function inPatchOrder(merged: readonly Json[], patch: readonly Json[], original: readonly Json[], key: ListKey): Json[] {
  const [inPatch, inOriginal] = [positions(patch, key), positions(original, key)];
  const placed = merged.map((element): Placed => {
    const id = identity(element, key);
    return { element, before: inOriginal.get(id) ?? -1, patched: inPatch.get(id) ?? -1 };
  });
  const changes = placed.filter(({ patched }) => patched >= 0).sort((a, b) => a.patched - b.patched);
  const others = placed.filter(({ patched }) => patched < 0).sort((a, b) => a.before - b.before);
  const result: Json[] = [];
  let [left, right] = [0, 0];
  while (left < others.length || right < changes.length) {
    const [other, change] = [others[left], changes[right]];
    if (other !== undefined && (change === undefined || (other.before >= 0 && other.before < change.before))) {
      result.push(other.element);
      left += 1;
    } else if (change !== undefined) {
      result.push(change.element);
      right += 1;
    }
  }
  return result;
}
