/**
 * CEL's types of what schemas describe: structural schemas of custom resources (for their rules, with the sizes costs are estimated from)
 * and the messages of built-in kinds (for the type checks of policies).
 */
import type { StructuralSchema } from '../schema/structural/types.ts';
import type { TypeRef, TypeTable } from '../typetable.ts';
import { escapeName } from './names.ts';
import { BOOL, BYTES, DOUBLE, DYN, INT, listOf, mapOf, STRING, type CelType, type ListType, type ObjectField, type ObjectType } from './types.ts';

/** Bytes a request can have, hence anything in it (Kubernetes' own bound for its estimates). */
const MAX_REQUEST_BYTES = 3 * 1024 * 1024;
const MAX_TEXT = MAX_REQUEST_BYTES - 2;
/** Texts of these formats in JSON, quotes included: the least and the most. */
const FORMAT_SIZES: Readonly<Record<string, { readonly min: number; readonly max: number }>> = {
  duration: { min: 3, max: 32 }, date: { min: 12, max: 12 }, 'date-time': { min: 21, max: 32 },
};
/** Bytes a character can take; `maxLength` counts characters. */
const CHARACTER_BYTES = 4;

/** Bytes that a valid value takes in JSON at least. */
function leastBytes(schema: StructuralSchema, depth = 0): number {
  switch (schema.type) {
    case 'string': return FORMAT_SIZES[schema.format ?? '']?.min ?? 2;
    case 'array': return 2;
    case 'boolean': return 4;
    case 'object': {
      // Required fields with their quotes, colon and comma; a few levels say enough.
      const required = depth > 4 ? [] : schema.required ?? [];
      return required.reduce((sum, name) => {
        const property = schema.properties?.get(name);
        return sum + (property === undefined || property.default !== undefined ? 0 : name.length + 4 + leastBytes(property, depth + 1));
      }, 2);
    }
    default: return 1;
  }
}

function textMax({ maxLength, enum: values }: StructuralSchema): number {
  if (maxLength !== undefined) {
    return maxLength * CHARACTER_BYTES;
  }
  return values?.reduce<number>((most, one) => Math.max(most, typeof one === 'string' ? one.length : 0), 0) ?? MAX_TEXT;
}

function textType(schema: StructuralSchema): CelType {
  const max = FORMAT_SIZES[schema.format ?? '']?.max ?? MAX_TEXT;
  switch (schema.format) {
    case 'byte': return { kind: 'bytes', max: schema.maxLength ?? MAX_TEXT };
    case 'duration': return { kind: 'duration', max };
    case 'date': case 'date-time': return { kind: 'timestamp', max };
    default: return { kind: 'string', max: textMax(schema) };
  }
}

function listType(schema: StructuralSchema): CelType | undefined {
  const element = schema.items === undefined ? undefined : typeOf(schema.items, schema.items.embeddedResource === true);
  if (element === undefined || schema.items === undefined) {
    return undefined;
  }
  const max = schema.maxItems ?? Math.floor((MAX_REQUEST_BYTES - 2) / (leastBytes(schema.items) + 1));
  const semantics: ListType['semantics'] = schema.listType === 'set' ? { type: 'set' }
    : schema.listType === 'map' ? { type: 'map', keys: (schema.listMapKeys ?? []).map((key) => escapeName(key) ?? key) } : undefined;
  return { kind: 'list', element, max, ...(semantics === undefined ? {} : { semantics }) };
}

/** Kubernetes' estimates take keys for texts without length; with their real bound the Gateway API's own rules would be refused. */
const KEY: CelType = { kind: 'string', max: 0 };

function mapType(schema: StructuralSchema, values: StructuralSchema): CelType | undefined {
  const value = typeOf(values, false);
  const max = schema.maxProperties ?? Math.floor((MAX_REQUEST_BYTES - 2) / (leastBytes(values) + 6));
  return value === undefined ? undefined : { kind: 'map', key: KEY, value, max };
}

/** What rules may read of metadata. */
const METADATA = record('metadata', new Map<string, ObjectField>([
  ['name', { name: 'name', type: { kind: 'string', max: 253 } }], ['generateName', { name: 'generateName', type: { kind: 'string', max: 253 } }],
]));

function record(name: string, fields: ReadonlyMap<string, ObjectField>): ObjectType {
  const names = [...fields.keys()];
  return { kind: 'object', name, field: (field) => fields.get(field), fieldNames: () => names };
}

function objectOf(schema: StructuralSchema, isResource: boolean): ObjectType {
  const fields = new Map<string, ObjectField>();
  for (const [name, property] of schema.properties ?? []) {
    const escaped = escapeName(name);
    const type = escaped === undefined ? undefined : typeOf(property, property.embeddedResource === true);
    if (escaped !== undefined && type !== undefined) {
      fields.set(escaped, { name, type });
    }
  }
  if (isResource) {
    fields.set('apiVersion', { name: 'apiVersion', type: STRING });
    fields.set('kind', { name: 'kind', type: STRING });
    fields.set('metadata', { name: 'metadata', type: METADATA });
  }
  return record('object', fields);
}

const plainTypes = new WeakMap<StructuralSchema, CelType>();
const resourceTypes = new WeakMap<StructuralSchema, CelType>();

function typeOf(schema: StructuralSchema, isResource: boolean): CelType | undefined {
  const cache = isResource ? resourceTypes : plainTypes;
  const known = cache.get(schema);
  const type = known ?? makeType(schema, isResource);
  if (known === undefined && type !== undefined) {
    cache.set(schema, type);
  }
  return type;
}

function makeType(schema: StructuralSchema, isResource: boolean): CelType | undefined {
  if (schema.intOrString === true) {
    return DYN;
  }
  switch (schema.type) {
    case 'string': return textType(schema);
    case 'integer': return INT;
    case 'number': return DOUBLE;
    case 'boolean': return BOOL;
    case 'array': return listType(schema);
    case 'object':
      if (typeof schema.additionalProperties === 'object') {
        return mapType(schema, schema.additionalProperties);
      }
      return schema.properties === undefined && schema.preserveUnknownFields === true && !isResource ? undefined : objectOf(schema, isResource);
    default: return undefined;
  }
}

/**
 * The type of a place of a custom resource, as `self` has it in the rules there. `isResource`: the root of the object, or an embedded resource, whose
 * apiVersion, kind and metadata.name are known without a schema. Undefined for places that rules cannot look into (unknown fields preserved).
 */
export const celTypeOfSchema = (schema: StructuralSchema, isResource: boolean): CelType | undefined => typeOf(schema, isResource);

function typeOfRef(types: TypeTable, ref: TypeRef): CelType {
  switch (ref.t) {
    case 'list': return listOf(typeOfRef(types, ref.of));
    case 'map': return mapOf(STRING, typeOfRef(types, ref.of));
    case 'message': return celTypeOfMessage(types, ref.name);
    case 'scalar': break;
    default: return DYN;
  }
  switch (ref.scalar) {
    case 'string': case 'Quantity': case 'Duration': return STRING;
    case 'int32': case 'int64': return INT;
    case 'double': return DOUBLE;
    case 'bool': return BOOL;
    case 'bytes': return BYTES;
    default: return DYN;
  }
}

const messageTypes = new WeakMap<TypeTable, Map<string, CelType>>();

/** The type of a built-in message, e.g. `core/v1.Pod`; `dyn` for one the table does not have. Types recurse, so fields are read when they are asked for. */
export function celTypeOfMessage(types: TypeTable, message: string): CelType {
  const known = messageTypes.get(types) ?? new Map<string, CelType>();
  messageTypes.set(types, known);
  const found = known.get(message) ?? makeMessageType(types, message);
  known.set(message, found);
  return found;
}

function makeMessageType(types: TypeTable, message: string): CelType {
  const described = types.get(message);
  if (described === undefined) {
    return DYN;
  }
  const fields = new Map<string, string>();
  const add = (name: string): void => {
    // A reserved word may stand after a dot, so both spellings are understood.
    fields.set(name, name);
    fields.set(escapeName(name) ?? name, name);
  };
  for (const name of described.isKind ? ['apiVersion', 'kind', ...described.fields.keys()] : described.fields.keys()) {
    add(name);
  }
  const type: ObjectType = {
    kind: 'object',
    name: message.slice(message.lastIndexOf('.') + 1),
    field(escaped) {
      const name = fields.get(escaped);
      const field = name === undefined ? undefined : described.fields.get(name);
      return name === undefined ? undefined : { name, type: field === undefined ? STRING : typeOfRef(types, field.type) };
    },
    fieldNames: () => [...fields.keys()],
  };
  return type;
}
