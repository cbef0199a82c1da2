/**
 * JSON values against the type table: wrong types are refused in the words of Go's decoder, unknown fields dropped and reported,
 * nulls and spellings (quantities, times) made canonical. Messages are compiled once per table into closures, since every write
 * passes here.
 */
import type { JsonObject } from '../object.ts';
import { badRequest } from '../status.ts';
import type { Field, MessageType, TypeRef, TypeTable } from '../typetable.ts';
import { isObject, setOwn } from '../values.ts';
import { SCHEMA_OR, SCHEMA_PROPS } from '../protobuf/wellknown.ts';
import { schemaOr } from './schemaor.ts';
import { goTypeOf, scalarDecoder, valueKind } from './scalars.ts';
import { customTypeError, isCustom } from './custom.ts';
import { DecodeContext, DecodeError } from './context.ts';

export { DecodeContext, DecodeError };

/** How unknown fields are treated; `ignore` spares the work of naming them. Whether they are an error is the caller's decision. */
export type DecodeMode = 'ignore' | 'warn' | 'strict';

export interface Decoded {
  /** A new object, which shares nothing with the value given. */
  object: JsonObject;
  /** `unknown field "spec.foo"`, in the order of the document, at most a hundred. */
  unknown: string[];
}

type Decode = (value: unknown, context: DecodeContext) => unknown;

const TYPE_META: readonly string[] = ['apiVersion', 'kind'];

class Compiler {
  readonly #table: TypeTable;
  readonly #messages = new Map<string, Decode>();

  constructor(table: TypeTable) {
    this.#table = table;
  }

  message(name: string): Decode {
    const known = this.#messages.get(name);
    if (known !== undefined) {
      return known;
    }
    const type = this.#table.get(name);
    if (type === undefined) {
      throw new Error(`type table: there is no message ${name}`);
    }
    const fields = new Map<string, Decode>();
    const decode = messageDecoder(type, fields);
    // Before its fields are compiled: messages refer to themselves.
    this.#messages.set(name, decode);
    const struct = name.slice(name.indexOf('.') + 1);
    if (type.isKind) {
      for (const field of TYPE_META) {
        fields.set(field, scalarDecoder('string', struct, field));
      }
    }
    for (const field of type.fields.values()) {
      const alternative = name === SCHEMA_PROPS && Object.hasOwn(SCHEMA_OR, field.name) ? SCHEMA_OR[field.name] : undefined;
      fields.set(field.name, alternative === undefined ? this.#field(field, struct) : schemaOr(alternative, field.name, decode));
    }
    return decode;
  }

  #field(field: Field, struct: string): Decode {
    const decode = this.#type(field.type, struct, field.name);
    // Go reads an empty text as absent; where only certain words are allowed, that is what it must mean.
    return field.enum !== undefined && field.type.t === 'scalar' && !field.enum.includes('')
      ? (value, context) => (value === '' ? undefined : decode(value, context))
      : decode;
  }

  #type(type: TypeRef, struct: string, field: string): Decode {
    switch (type.t) {
      case 'scalar': return scalarDecoder(type.scalar, struct, field);
      case 'message': return this.#nested(type, struct, field);
      case 'list': return this.#list(type, struct, field);
      default: return this.#map(type, struct, field);
    }
  }

  #nested(type: TypeRef & { t: 'message' }, struct: string, field: string): Decode {
    let decode: Decode | undefined;
    return (value, context) => {
      if (!isObject(value)) {
        throw new DecodeError(context, valueKind(value), { struct, field, type: goTypeOf(type) });
      }
      decode ??= this.message(type.name);
      context.enter(field);
      const decoded = decode(value, context);
      context.leave();
      return decoded;
    };
  }

  #list(type: TypeRef & { t: 'list' }, struct: string, field: string): Decode {
    const element = this.#element(type.of, struct);
    const zero = zeroOf(type.of);
    // Errors about a scalar name its list or map, so its own place need not be noted.
    const isPlain = type.of.t === 'scalar';
    return (value, context) => {
      if (!Array.isArray(value)) {
        throw new DecodeError(context, valueKind(value), { struct, field, type: goTypeOf(type) });
      }
      const list: readonly unknown[] = value;
      context.enter(field);
      const decoded = list.map((one, index) => {
        if (one === null || one === undefined) {
          return zero();
        }
        if (isPlain) {
          return element(one, context);
        }
        context.enter(index);
        const result = element(one, context);
        context.leave();
        return result;
      });
      context.leave();
      return decoded;
    };
  }

  #map(type: TypeRef & { t: 'map' }, struct: string, field: string): Decode {
    const element = this.#element(type.of, struct);
    const zero = zeroOf(type.of);
    // Errors about a scalar name its list or map, so its own place need not be noted.
    const isPlain = type.of.t === 'scalar';
    return (value, context) => {
      if (!isObject(value)) {
        throw new DecodeError(context, valueKind(value), { struct, field, type: goTypeOf(type) });
      }
      const decoded: JsonObject = {};
      context.enter(field);
      for (const key of Object.keys(value)) {
        const one = value[key];
        if (one === null || one === undefined) {
          setOwn(decoded, key, zero());
          continue;
        }
        if (!isPlain) {
          context.enterKey(key);
        }
        setOwn(decoded, key, element(one, context));
        if (!isPlain) {
          context.leave();
        }
      }
      context.leave();
      return decoded;
    };
  }

  /** What lists and maps hold: the place has been entered, so messages do not name it again. */
  #element(type: TypeRef, struct: string): Decode {
    if (type.t !== 'message') {
      return this.#type(type, struct, '');
    }
    let decode: Decode | undefined;
    return (value, context) => {
      if (!isObject(value)) {
        throw new DecodeError(context, valueKind(value), { struct, field: '', type: goTypeOf(type) });
      }
      decode ??= this.message(type.name);
      return decode(value, context);
    };
  }
}

function messageDecoder(type: MessageType, fields: ReadonlyMap<string, Decode>): Decode {
  return (value, context) => {
    if (!isObject(value)) {
      throw new DecodeError(context, valueKind(value), { struct: '', field: '', type: goTypeOf({ t: 'message', name: type.name }) });
    }
    const object: Record<string, unknown> = {};
    for (const key of Object.keys(value)) {
      const decode = fields.get(key);
      if (decode === undefined) {
        context.unknownField(key);
        continue;
      }
      const member = value[key];
      if (member !== null && member !== undefined) {
        const decoded = decode(member, context);
        if (decoded !== undefined) {
          object[key] = decoded;
        }
      }
    }
    return object;
  };
}

/** What Go makes of a null in a list or map. */
function zeroOf(type: TypeRef): () => unknown {
  switch (type.t) {
    case 'scalar': {
      const { scalar } = type;
      const zero = scalar === 'bool' ? false : scalar === 'int32' || scalar === 'int64' || scalar === 'double' ? 0 : scalar === 'Quantity' ? '0' : scalar === 'any' ? null : '';
      return () => zero;
    }
    case 'list': return () => [];
    default: return () => ({});
  }
}

const compilers = new WeakMap<TypeTable, Compiler>();

function compilerOf(table: TypeTable): Compiler {
  let compiler = compilers.get(table);
  if (compiler === undefined) {
    compiler = new Compiler(table);
    compilers.set(table, compiler);
  }
  return compiler;
}

/** `metadata` of an object whose other members have no message, at the current place of `context`. Throws DecodeError. */
export function decodeMetadata(value: unknown, table: TypeTable, context: DecodeContext): unknown {
  if (!isObject(value)) {
    throw new DecodeError(context, valueKind(value), { struct: 'ObjectMeta', field: 'metadata', type: 'v1.ObjectMeta' });
  }
  context.enter('metadata');
  const decoded = compilerOf(table).message('meta/v1.ObjectMeta')(value, context);
  context.leave();
  return decoded;
}

/**
 * `message` is a name of the table, e.g. `core/v1.Pod`. Throws BadRequest for a wrong type, worded as
 * `Pod in version "v1" cannot be handled as a Pod: json: cannot unmarshal …`; for custom resources Invalid, as their schemas would.
 */
export function decodeObject(value: unknown, table: TypeTable, message: string, mode: DecodeMode): Decoded {
  const context = new DecodeContext(mode !== 'ignore');
  try {
    // A message decodes to an object of JSON values.
    const object = compilerOf(table).message(message)(value, context) as JsonObject;
    return { object, unknown: context.unknown };
  } catch (error) {
    if (error instanceof DecodeError) {
      const [pkg = '', kind = message] = message.split('.');
      const type = table.get(message);
      const custom = type !== undefined && isCustom(type) ? customTypeError(error, value, kind) : undefined;
      throw custom ?? badRequest(`${kind} in version ${JSON.stringify(pkg.slice(pkg.indexOf('/') + 1))} cannot be handled as a ${kind}: ${error.message}`);
    }
    throw error;
  }
}
