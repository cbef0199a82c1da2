/** A structural schema as server-side apply sees it. */
import { DEDUCED, type Shape } from '../../apply/shape.ts';
import type { Json } from '../../object.ts';
import type { StructuralSchema } from './types.ts';

const STRING: Shape = { type: 'scalar', scalar: 'string' };
const NUMERIC: Shape = { type: 'scalar', scalar: 'numeric' };
const BOOLEAN: Shape = { type: 'scalar', scalar: 'boolean' };
const UNTYPED: Shape = { type: 'scalar' };

function listShape(schema: StructuralSchema, metadata: Shape): Shape {
  const { items, listType, listMapKeys } = schema;
  const item = items === undefined ? DEDUCED : shapeOf(items, metadata, false);
  if (listType === 'set') {
    return { type: 'set', container: 'list', item };
  }
  if (listType !== 'map' || listMapKeys === undefined) {
    return { type: 'atomic', container: 'list', item };
  }
  const keyDefaults: Record<string, Json> = {};
  for (const key of listMapKeys) {
    const value = items?.properties?.get(key)?.default;
    if (value !== undefined) {
      keyDefaults[key] = value;
    }
  }
  return { type: 'associative', container: 'list', item, keys: listMapKeys, keyDefaults };
}

/** What members that are not declared look like; undefined where there are none. */
function itemOf(schema: StructuralSchema, metadata: Shape): Shape | undefined {
  if (typeof schema.additionalProperties === 'object') {
    return shapeOf(schema.additionalProperties, metadata, false);
  }
  const open = schema.preserveUnknownFields === true || schema.additionalProperties === true || schema.properties === undefined;
  return open ? DEDUCED : undefined;
}

function objectShape(schema: StructuralSchema, metadata: Shape, isResource: boolean): Shape {
  const made = new Map<string, Shape>(isResource ? [['apiVersion', STRING], ['kind', STRING], ['metadata', metadata]] : []);
  const field = (name: string): Shape | undefined => {
    const known = made.get(name);
    const property = known === undefined ? schema.properties?.get(name) : undefined;
    if (property === undefined) {
      return known;
    }
    const shape = shapeOf(property, metadata, false);
    made.set(name, shape);
    return shape;
  };
  const item = itemOf(schema, metadata);
  const members = { ...(isResource || schema.properties !== undefined ? { field } : {}), ...(item === undefined ? {} : { item }) };
  if (schema.mapType === 'atomic') {
    return { type: 'atomic', container: 'map', ...members };
  }
  return { type: item === undefined ? 'struct' : 'map', container: 'map', ...members };
}

function shapeOf(schema: StructuralSchema, metadata: Shape, isResource: boolean): Shape {
  switch (schema.type) {
    case 'object': return objectShape(schema, metadata, isResource || schema.embeddedResource === true);
    case 'array': return listShape(schema, metadata);
    case 'string': return STRING;
    case 'integer': case 'number': return NUMERIC;
    case 'boolean': return BOOLEAN;
    default: return schema.intOrString === true ? UNTYPED : DEDUCED;
  }
}

/** The shape of a whole custom resource; `metadata` is that of meta/v1.ObjectMeta. */
export const shapeOfSchema = (schema: StructuralSchema, metadata: Shape): Shape => objectShape(schema, metadata, true);
