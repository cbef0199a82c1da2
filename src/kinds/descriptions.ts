/** What fields mean, for `kubectl explain`: of built-in types in Kubernetes' words (generated, read when it is asked for), of others in ours. */
import { readFileSync } from 'node:fs';
import { isObject } from '../apimachinery/values.ts';
import { KUBEVIRT_DESCRIPTIONS } from './kubevirt/descriptions.ts';

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
  const all = { ...found, ...KUBEVIRT_DESCRIPTIONS };
  recent = new WeakRef(all);
  return all;
}
