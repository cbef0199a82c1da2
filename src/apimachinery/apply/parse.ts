/** FieldsV1 that came from outside. */
import { isObject } from '../values.ts';
import { LEAF, SELF, type FieldSet } from './fieldset.ts';
import { canonicalKey } from './pathelement.ts';

/** A text that is no field set. */
export class FieldSetError extends Error { override name = 'FieldSetError'; }

/** The set that a FieldsV1 value writes, its keys in canonical spelling. Throws FieldSetError. */
export function parseFieldSet(value: unknown): FieldSet {
  if (!isObject(value)) {
    throw new FieldSetError(`expected an object, got ${Array.isArray(value) ? 'a list' : JSON.stringify(value)}`);
  }
  let set: FieldSet | undefined;
  for (const key in value) {
    if (key === SELF) {
      set ??= {};
      set[SELF] = LEAF;
      continue;
    }
    const spelling = canonicalKey(key);
    if (spelling === undefined) {
      throw new FieldSetError(`unable to parse path element ${JSON.stringify(key)}`);
    }
    set ??= {};
    set[spelling] = parseFieldSet(value[key]);
  }
  return set ?? LEAF;
}
