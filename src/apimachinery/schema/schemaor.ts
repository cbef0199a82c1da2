/** Members of JSONSchemaProps that hold a schema or something else, which the table of types cannot say: below them is a schema like any other. */
import { isObject, setOwn } from '../values.ts';
import { ValueError, type DecodeContext } from './context.ts';

type Decode = (value: unknown, context: DecodeContext) => unknown;

function within(context: DecodeContext, segment: string | number, decode: () => unknown): unknown {
  context.enter(segment);
  const decoded = decode();
  context.leave();
  return decoded;
}

/** `items`: a schema, or (refused elsewhere) a list of them. */
const orArray = (field: string, schema: Decode): Decode => (value, context) => within(context, field, () => {
  if (Array.isArray(value)) {
    return value.map((one: unknown, index) => within(context, index, () => schema(one, context)));
  }
  return isObject(value) ? schema(value, context) : undefined;
});

/** `additionalProperties`: a schema, or whether there may be any. */
const orBool = (field: string, schema: Decode): Decode => (value, context) => {
  if (typeof value === 'boolean') {
    return value;
  }
  if (!isObject(value)) {
    throw new ValueError('boolean or JSON schema expected');
  }
  return within(context, field, () => schema(value, context));
};

/** `dependencies`: by name, a schema or names. */
const orStrings = (field: string, schema: Decode): Decode => (value, context) => within(context, field, () => {
  const decoded: Record<string, unknown> = {};
  for (const [name, one] of isObject(value) ? Object.entries(value) : []) {
    context.enterKey(name);
    setOwn(decoded, name, isObject(one) ? schema(one, context) : one);
    context.leave();
  }
  return decoded;
});

/** `schema` decodes a JSONSchemaProps. */
export function schemaOr(kind: 'bool' | 'array' | 'strings', field: string, schema: Decode): Decode {
  switch (kind) {
    case 'array': return orArray(field, schema);
    case 'bool': return orBool(field, schema);
    default: return orStrings(field, schema);
  }
}
