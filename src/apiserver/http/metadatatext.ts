/** The metadata of a stored object as text, cut out of the object's own: writing it anew takes longer than all else a long list of rows needs. */
import type { Stored } from '../../store/store.ts';

const START = '"metadata":';

/** The member that follows `metadata`, empty when it is the last; undefined where something other than its type stands before it. */
function memberAfter(object: object): string | undefined {
  let found = false;
  for (const key in object) {
    if (found) {
      return key;
    }
    if (key === 'metadata') {
      found = true;
    } else if (key !== 'apiVersion' && key !== 'kind') {
      return undefined;
    }
  }
  return found ? '' : undefined;
}

/** The text between the two, or undefined where it cannot be told for sure where it ends. */
function cut(json: string, next: string): string | undefined {
  // Quotes inside of texts are escaped: before the metadata there is no other such sequence.
  const start = json.indexOf(START) + START.length;
  if (next === '') {
    return json.slice(start, -1);
  }
  const end = `},${JSON.stringify(next)}:`;
  const at = json.indexOf(end, start);
  // The metadata ends at one of them: if there is but one, there.
  return at < 0 || json.includes(end, at + 1) ? undefined : json.slice(start, at + 1);
}

/** JSON of the object's metadata. */
export function metadataText({ json, object }: Stored): string {
  const next = memberAfter(object);
  return (next === undefined ? undefined : cut(json, next)) ?? JSON.stringify(object.metadata);
}
