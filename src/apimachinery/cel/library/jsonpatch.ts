/** What expressions of mutating policies construct: JSON patch operations. */
import { overload, text, traversal, type Overload } from '../overload.ts';
import { DYN, objectType, STRING, type ObjectType } from '../types.ts';

/** `JSONPatch{op: "add", path: "/spec/x", value: 1}`. */
export const JSON_PATCH: ObjectType = objectType('JSONPatch', { op: STRING, from: STRING, path: STRING, value: DYN });

export const jsonPatches: readonly Overload[] = [
  overload('jsonpatch.escapeKey', '(string): string', ([key]) => text(key).replaceAll('~', '~0').replaceAll('/', '~1'), traversal),
];
