/**
 * A schema compiled to a function that names everything wrong with a document, in the words of the validator Kubernetes uses
 * (k8s.io/kube-openapi/pkg/validation). With an old document, what is wrong with parts that did not change is tolerated: an update is
 * not to blame for what an earlier schema let in.
 */
import { fieldError } from '../../status.ts';
import { deepEqual, isObject } from '../../values.ts';
import type { ValidationContext } from './context.ts';
import { compileJunctors } from './junctors.ts';
import { compileScalars } from './scalars.ts';
import type { StructuralSchema } from './types.ts';

/** The old value of the same place; absent where there is none to compare with. */
export interface Old {
  readonly value: unknown;
}

/** Adds what is wrong with the value to the context, whose current place is the value's. */
export type Validate = (value: unknown, old: Old | undefined, context: ValidationContext) => void;

/** The type of a JSON schema that a value has. */
export function typeOf(value: unknown): string {
  switch (typeof value) {
    case 'number': return Number.isInteger(value) ? 'integer' : 'number';
    case 'object': return value === null ? 'null' : Array.isArray(value) ? 'array' : 'object';
    default: return typeof value;
  }
}

const INT_OR_STRING = ['integer', 'string'];

function typeCheck(schema: StructuralSchema): Validate | undefined {
  const { type, nullable } = schema;
  const wanted = type === undefined ? (schema.intOrString === true ? INT_OR_STRING : undefined) : [type];
  if (wanted === undefined) {
    return undefined;
  }
  return (value, _old, context) => {
    const found = typeOf(value);
    if (wanted.includes(found) || (found === 'integer' && type === 'number') || (found === 'null' && nullable === true)) {
      return;
    }
    const place = context.path();
    context.add(fieldError.typeInvalid(place === '' ? '<nil>' : place, found, `${place} in body must be of type ${wanted.join(',')}: ${JSON.stringify(found)}`));
  };
}

function arrayCheck(schema: StructuralSchema): Validate | undefined {
  const { items, minItems, maxItems } = schema;
  const item = items === undefined ? undefined : compileValidate(items);
  if (item === undefined && minItems === undefined && maxItems === undefined) {
    return undefined;
  }
  const keys = schema.listType === 'map' ? schema.listMapKeys : undefined;
  return (value, old, context) => {
    if (!Array.isArray(value)) {
      return;
    }
    const list: readonly unknown[] = value;
    if (item !== undefined) {
      const before = old === undefined || keys === undefined ? undefined : byKeys(old.value, keys);
      for (let index = 0; index < list.length; index += 1) {
        context.enter(index);
        item(list[index], before?.get(keyOf(list[index], keys ?? [])), context);
        context.leave();
      }
    }
    if (minItems !== undefined && list.length < minItems) {
      const place = context.path();
      context.add(fieldError.invalid(place, list.length, `${place} in body should have at least ${minItems} items`));
    }
    if (maxItems !== undefined && list.length > maxItems) {
      context.add(fieldError.tooMany(context.path(), list.length, maxItems));
    }
  };
}

/** What tells the elements of a list of type map apart. */
export const keyOf = (element: unknown, keys: readonly string[]): string =>
  JSON.stringify(keys.map((key) => (isObject(element) ? element[key] ?? null : null)));

function byKeys(list: unknown, keys: readonly string[]): Map<string, Old> {
  const elements: readonly unknown[] = Array.isArray(list) ? list : [];
  return new Map(elements.map((element) => [keyOf(element, keys), { value: element }]));
}

const memberOf = (old: Old | undefined, name: string): Old | undefined =>
  (old !== undefined && isObject(old.value) && Object.hasOwn(old.value, name) ? { value: old.value[name] } : undefined);

function sizeCheck(schema: StructuralSchema): Validate | undefined {
  const { minProperties, maxProperties } = schema;
  if (minProperties === undefined && maxProperties === undefined) {
    return undefined;
  }
  return (value, _old, context) => {
    if (!isObject(value)) {
      return;
    }
    const size = Object.keys(value).length;
    const place = context.path();
    if (minProperties !== undefined && size < minProperties) {
      context.add(fieldError.invalid(place, size, `${place} in body should have at least ${minProperties} properties`));
    }
    if (maxProperties !== undefined && size > maxProperties) {
      context.add(fieldError.tooMany(place, size, maxProperties));
    }
  };
}

/** Members that need a look at all; most have a type at least. */
function membersCheck(schema: StructuralSchema): Validate | undefined {
  const members = new Map<string, Validate>();
  for (const [name, one] of schema.properties ?? []) {
    members.set(name, lazily(one));
  }
  const other = typeof schema.additionalProperties === 'object' ? lazily(schema.additionalProperties) : undefined;
  const required = schema.required ?? [];
  if (members.size === 0 && other === undefined && required.length === 0) {
    return undefined;
  }
  return (value, old, context) => {
    if (!isObject(value)) {
      return;
    }
    for (const name of Object.keys(value)) {
      const check = members.get(name) ?? other;
      if (check !== undefined) {
        context.enter(name);
        check(value[name], memberOf(old, name), context);
        context.leave();
      }
    }
    for (const name of required) {
      if (!Object.hasOwn(value, name)) {
        context.add(fieldError.required(context.path(name)));
      }
    }
  };
}

/** Compiled when a document first has the place. */
function lazily(schema: StructuralSchema): Validate {
  let validate: Validate | undefined;
  return (value, old, context) => {
    validate ??= compileValidate(schema);
    validate(value, old, context);
  };
}

export function compileValidate(schema: StructuralSchema): Validate {
  const ofType = typeCheck(schema);
  const checks = [ofType, compileJunctors(schema, compileValidate), compileScalars(schema), arrayCheck(schema), sizeCheck(schema), membersCheck(schema)]
    .filter((check) => check !== undefined);
  return (value, old, context) => {
    context.step();
    if (value === null) {
      if (old?.value !== null) {
        ofType?.(value, old, context);
      }
      return;
    }
    const before = context.errors.length;
    for (const check of checks) {
      check(value, old, context);
    }
    // What was wrong before and is unchanged stays as it is.
    if (context.errors.length > before && old !== undefined && deepEqual(value, old.value)) {
      context.errors.length = before;
    }
  };
}
