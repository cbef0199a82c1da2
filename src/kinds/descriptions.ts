/** What the fields of built-in types mean, in Kubernetes' words: for `kubectl explain`. Generated, read when it is asked for. */
import { readFileSync } from 'node:fs';
import { isObject } from '../apimachinery/values.ts';

/** Message → field → text; the message's own under the empty name. */
export type Descriptions = Readonly<Record<string, Readonly<Record<string, string>>>>;

const FILE = new URL('./generated/descriptions.json', import.meta.url);

/** Kept only as long as somebody uses it: documents are made in one go, and then not for a long time. */
let recent: WeakRef<Descriptions> | undefined;

const isTexts = (value: unknown): value is Record<string, string> => isObject(value) && Object.values(value).every((text) => typeof text === 'string');

/** Throws when the file was not generated: `npm run generate`. */
export function loadDescriptions(): Descriptions {
  const known = recent?.deref();
  if (known !== undefined) {
    return known;
  }
  const parsed: unknown = JSON.parse(readFileSync(FILE, 'utf8'));
  const found = Object.fromEntries(Object.entries(isObject(parsed) ? parsed : {}).filter((entry): entry is [string, Record<string, string>] => isTexts(entry[1])));
  recent = new WeakRef(found);
  return found;
}
