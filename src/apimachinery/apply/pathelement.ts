/** Path elements: the keys of a field set, and how Kubernetes shows them in messages. */
import type { Json, JsonObject } from '../object.ts';
import { isObject } from '../values.ts';
import type { Shape } from './shape.ts';

/** Canonical spellings kept of keys that hold JSON; objects of one kind have the same few. */
const MAX_CACHED_KEYS = 4096;
/** Longer keys are not kept: they come from outside. */
const MAX_CACHED_KEY_LENGTH = 512;

export const fieldKey = (name: string): string => `f:${name}`;

/** An element of a set. */
export const valueKey = (value: Json): string => `v:${JSON.stringify(value)}`;

/** An element that cannot be told apart from others: the text says why, as Kubernetes does. */
export class ElementError extends Error { override name = 'ElementError'; }

const sorted = new WeakMap<readonly string[], readonly string[]>();

function sortedKeys(keys: readonly string[]): readonly string[] {
  if (keys.length < 2) {
    return keys;
  }
  let names = sorted.get(keys);
  if (names === undefined) {
    names = [...keys].sort();
    sorted.set(keys, names);
  }
  return names;
}

/** The key of an element of an associative list: `k:{"containerPort":80,"protocol":"TCP"}`, names sorted, defaults filled in. Throws ElementError. */
function elementKey(element: Json | undefined, shape: Shape): string {
  if (element === null || element === undefined) {
    throw new ElementError('associative list with keys may not have a null element');
  }
  if (!isObject(element)) {
    throw new ElementError('associative list with keys may not have non-map elements');
  }
  let text = '';
  for (const name of sortedKeys(shape.keys ?? [])) {
    const value = element[name] ?? shape.keyDefaults?.[name];
    if (value !== undefined) {
      text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${JSON.stringify(value)}`;
    }
  }
  return `k:{${text}}`;
}

/** The key of an element of a set or an associative list. Throws ElementError. */
export function keyOfElement(element: Json | undefined, shape: Shape): string {
  if (shape.type === 'associative') {
    return elementKey(element, shape);
  }
  if (isObject(element)) {
    throw new ElementError('associative list without keys has an element that\'s a map type');
  }
  if (Array.isArray(element)) {
    throw new ElementError('not supported: associative list with lists as elements');
  }
  return valueKey(element ?? null);
}

/** The same, or undefined for an element that has none: stored lists may hold what an applied one may not. */
export function tryKeyOfElement(element: Json | undefined, shape: Shape): string | undefined {
  try {
    return keyOfElement(element, shape);
  } catch (error) {
    if (error instanceof ElementError) {
      return undefined;
    }
    throw error;
  }
}

const spellings = new Map<string, string>();

function parsed(text: string): { value: Json } | undefined {
  try {
    const value: Json = JSON.parse(text);
    return { value };
  } catch (error) {
    if (error instanceof SyntaxError) {
      return undefined;
    }
    throw error;
  }
}

function canonicalJson(key: string): string | undefined {
  const json = parsed(key.slice(2));
  if (json === undefined) {
    return undefined;
  }
  const { value } = json;
  if (key.startsWith('v:')) {
    return valueKey(value);
  }
  if (!isObject(value)) {
    return undefined;
  }
  const fields: JsonObject = {};
  for (const name of Object.keys(value).sort()) {
    fields[name] = value[name] ?? null;
  }
  return `k:${JSON.stringify(fields)}`;
}

/** A key as this module writes it; undefined when it is none. */
export function canonicalKey(key: string): string | undefined {
  if (key.startsWith('f:')) {
    return key;
  }
  if (key.startsWith('i:')) {
    return /^i:-?[0-9]{1,9}$/.test(key) ? key : undefined;
  }
  if (!key.startsWith('k:') && !key.startsWith('v:')) {
    return undefined;
  }
  let spelling = spellings.get(key);
  if (spelling === undefined) {
    spelling = canonicalJson(key);
    if (spelling !== undefined && key.length <= MAX_CACHED_KEY_LENGTH) {
      if (spellings.size >= MAX_CACHED_KEYS) {
        spellings.clear();
      }
      spellings.set(key, spelling);
    }
  }
  return spelling;
}

/** `.name`, `[name="a",port=80]`, `[="x"]`, `[0]`: one element of a path as messages show it. */
function elementText(key: string): string {
  const rest = key.slice(2);
  switch (key.slice(0, 2)) {
    case 'f:': return `.${rest}`;
    case 'v:': return `[=${rest}]`;
    case 'k:': {
      const value = parsed(rest)?.value;
      const fields = isObject(value) ? Object.entries(value) : [];
      return `[${fields.map(([name, one]) => `${name}=${JSON.stringify(one)}`).join(',')}]`;
    }
    default: return `[${rest}]`;
  }
}

/** `.spec.containers[name="a"].image` */
export const pathText = (path: readonly string[]): string => path.map(elementText).join('');
