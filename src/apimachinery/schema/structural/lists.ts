/** Lists of type set and map: no element twice (k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype), and embedded resources. */
import { fieldError } from '../../status.ts';
import { isObject } from '../../values.ts';
import type { ValidationContext } from './context.ts';
import type { StructuralSchema } from './types.ts';
import { keyOf } from './validate.ts';

/** Looks through a value for what its lists must not hold; undefined where no list below has a type. */
export type CheckLists = (value: unknown, context: ValidationContext) => void;

/** A value as text in which equal values are equal texts, whatever the order of their members. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) {
    return `[${value.map(canonical).join(',')}]`;
  }
  if (isObject(value)) {
    return `{${Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(',')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}

function duplicates(list: readonly unknown[], textOf: (element: unknown) => string, shown: (element: unknown) => unknown, context: ValidationContext): void {
  const seen = new Set<string>();
  const told = new Set<string>();
  list.forEach((element, index) => {
    const text = textOf(element);
    if (seen.has(text) && !told.has(text)) {
      told.add(text);
      context.enter(index);
      context.add(fieldError.duplicate(context.path(), shown(element)));
      context.leave();
    }
    seen.add(text);
  });
}

const keysOf = (element: unknown, keys: readonly string[]): unknown =>
  Object.fromEntries(keys.flatMap((key) => (isObject(element) && element[key] !== undefined ? [[key, element[key]]] : [])));

function ownCheck(schema: StructuralSchema): CheckLists | undefined {
  const { listType, listMapKeys = [] } = schema;
  if (listType !== 'set' && listType !== 'map') {
    return undefined;
  }
  return (value, context) => {
    if (!Array.isArray(value)) {
      return;
    }
    if (listType === 'set') {
      duplicates(value, canonical, (element) => element, context);
    } else {
      duplicates(value, (element) => keyOf(element, listMapKeys), (element) => keysOf(element, listMapKeys), context);
    }
  };
}

function listItems(items: StructuralSchema | undefined): CheckLists | undefined {
  const below = items === undefined ? undefined : compileLists(items);
  return below === undefined ? undefined : (value, context) => {
    if (Array.isArray(value)) {
      value.forEach((element, index) => {
        context.enter(index);
        below(element, context);
        context.leave();
      });
    }
  };
}

function members(schema: StructuralSchema): CheckLists | undefined {
  const known = new Map<string, CheckLists>();
  for (const [name, one] of schema.properties ?? []) {
    const check = compileLists(one);
    if (check !== undefined) {
      known.set(name, check);
    }
  }
  const other = typeof schema.additionalProperties === 'object' ? compileLists(schema.additionalProperties) : undefined;
  return known.size === 0 && other === undefined ? undefined : (value, context) => {
    if (!isObject(value)) {
      return;
    }
    for (const name of Object.keys(value)) {
      const check = known.get(name) ?? (schema.properties?.has(name) === true ? undefined : other);
      if (check !== undefined) {
        context.enter(name);
        check(value[name], context);
        context.leave();
      }
    }
  };
}

/** An embedded resource says what it is. */
function resource(schema: StructuralSchema): CheckLists | undefined {
  return schema.embeddedResource !== true ? undefined : (value, context) => {
    if (isObject(value)) {
      for (const name of ['apiVersion', 'kind']) {
        if (typeof value[name] !== 'string' || value[name] === '') {
          context.add(fieldError.required(context.path(name), 'must not be empty'));
        }
      }
    }
  };
}

/** Compiled at once: which places have typed lists below them is known only after looking. */
export function compileLists(schema: StructuralSchema): CheckLists | undefined {
  const checks = [resource(schema), ownCheck(schema), listItems(schema.items), members(schema)].filter((check) => check !== undefined);
  return checks.length === 0 ? undefined : (value, context) => {
    for (const check of checks) {
      check(value, context);
    }
  };
}
