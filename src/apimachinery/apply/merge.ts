/** An applied configuration over what is there: what it names takes its value, everything else stays. */
import type { Json, JsonObject } from '../object.ts';
import { deepEqual, isObject, setOwn } from '../values.ts';
import { memberShape } from './extract.ts';
import { tryKeyOfElement } from './pathelement.ts';
import type { Shape } from './shape.ts';

const isJsonObject = (value: Json): value is JsonObject => isObject(value);

/** Members of both; the live object itself when the configuration changes nothing. */
function mergeMembers(live: JsonObject, config: JsonObject, shape: Shape): JsonObject {
  let result: JsonObject | undefined;
  for (const name of Object.keys(config)) {
    const wanted = config[name];
    const below = memberShape(shape, name);
    if (wanted === undefined || below === undefined) {
      continue;
    }
    const current = Object.hasOwn(live, name) ? live[name] : undefined;
    const merged = current === undefined ? wanted : merge(current, wanted, below);
    if (merged !== current) {
      result ??= { ...live };
      setOwn(result, name, merged);
    }
  }
  return result ?? live;
}

interface Indexed {
  keys: readonly (string | undefined)[];
  /** Elements by key; null for one that occurs more than once, which is not merged but replaced. */
  elements: ReadonlyMap<string, { value: Json } | null>;
}

function index(list: readonly Json[], shape: Shape): Indexed {
  const elements = new Map<string, { value: Json } | null>();
  const keys = list.map((value) => {
    const key = tryKeyOfElement(value, shape);
    if (key !== undefined) {
      elements.set(key, elements.has(key) ? null : { value });
    }
    return key;
  });
  return { keys, elements };
}

/**
 * Elements of both. The configuration's order holds among its own; elements that only the live list has stay before the shared one that
 * follows them.
 */
function mergeElements(live: readonly Json[], config: readonly Json[], shape: Shape): Json[] {
  const [mine, theirs] = [index(config, shape), index(live, shape)];
  const shared = mine.keys.filter((key) => key !== undefined && theirs.elements.has(key));
  const result: Json[] = [];
  let at = 0;
  let next = 0;
  /** Live elements up to the next shared one; shared ones that come later in the configuration are left for their turn. */
  const keepLive = (): void => {
    for (; at < live.length; at += 1) {
      const [key, element] = [theirs.keys[at], live[at]];
      if (key !== undefined && mine.elements.has(key)) {
        if (key === shared[next]) {
          return;
        }
      } else if (element !== undefined) {
        result.push(element);
      }
    }
  };
  for (const [position, wanted] of config.entries()) {
    keepLive();
    const key = mine.keys[position];
    const current = key === undefined ? undefined : theirs.elements.get(key);
    result.push(current === undefined || current === null || shape.item === undefined ? wanted : merge(current.value, wanted, shape.item));
    if (key !== undefined && key === shared[next]) {
      at += key === theirs.keys[at] ? 1 : 0;
      next += 1;
    }
  }
  keepLive();
  return result;
}

/** The live list itself when nothing of it changed. */
function sameOr(live: readonly Json[], merged: Json[]): Json[] {
  const same = live.length === merged.length && live.every((element, position) => element === merged[position]);
  return same ? live as Json[] : merged;
}

/** A leaf: the live value itself when they are equal. */
const leaf = (live: Json, config: Json): Json => (deepEqual(live, config) ? live : config);

/**
 * `config` merged over `live`. The result shares what did not change with `live` (and is `live` when nothing did) and the rest with `config`:
 * copy it before changing it. Fields that the shape does not declare are passed over.
 */
export function merge(live: Json, config: Json, shape: Shape): Json {
  switch (shape.type) {
    case 'scalar': case 'atomic': return leaf(live, config);
    case 'set': case 'associative': {
      if (!Array.isArray(live) || live.length === 0 || !(config === null || Array.isArray(config))) {
        return leaf(live, config);
      }
      return config === null || config.length === 0 ? live : sameOr(live, mergeElements(live, config, shape));
    }
    default: {
      if (!isJsonObject(live)) {
        return leaf(live, config);
      }
      if (config === null) {
        return Object.keys(live).length === 0 ? config : live;
      }
      return isJsonObject(config) ? mergeMembers(live, config, shape) : leaf(live, config);
    }
  }
}
