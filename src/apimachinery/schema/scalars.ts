/** Decoders of the table's scalar types: what they accept, what they make of it, and how they refuse the rest. */
import { canonicalQuantity, QuantityError } from '../quantity.ts';
import type { Scalar, TypeRef } from '../typetable.ts';
import { deepClone, isObject } from '../values.ts';
import { DecodeError, ValueError, type DecodeContext, type Place } from './context.ts';
import { canonicalMicroTime, canonicalTime, isZeroTime, parseDuration } from './times.ts';

type Decode = (value: unknown, context: DecodeContext) => unknown;

const GO_TYPES: Readonly<Record<Scalar, string>> = {
  string: 'string', int32: 'int32', int64: 'int64', double: 'float64', bool: 'bool', bytes: '[]uint8', any: 'runtime.RawExtension',
  Quantity: 'resource.Quantity', Time: 'v1.Time', MicroTime: 'v1.MicroTime', Duration: 'v1.Duration', IntOrString: 'intstr.IntOrString', FieldsV1: 'v1.FieldsV1',
};

/** The type as Go prints it: `[]v1.Container`, `map[string]string`. */
export function goTypeOf(type: TypeRef): string {
  switch (type.t) {
    case 'scalar': return GO_TYPES[type.scalar];
    case 'message': return type.name.slice(type.name.indexOf('/') + 1);
    case 'list': return `[]${goTypeOf(type.of)}`;
    default: return `map[string]${goTypeOf(type.of)}`;
  }
}

/** The JSON type of a value as Go's errors name it. */
export function valueKind(value: unknown): string {
  switch (typeof value) {
    case 'boolean': return 'bool';
    case 'object': return value === null ? 'null' : Array.isArray(value) ? 'array' : 'object';
    default: return typeof value;
  }
}

const MAX_INT32 = 2 ** 31 - 1;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function checkedBytes(text: string): string {
  const joined = text.includes('\n') || text.includes('\r') ? text.replace(/[\r\n]/g, '') : text;
  if (!BASE64.test(joined)) {
    const bad = joined.search(/[^A-Za-z0-9+/]/);
    throw new ValueError(`illegal base64 data at input byte ${bad < 0 ? joined.length - (joined.length % 4) : bad}`);
  }
  return joined;
}

function checkedQuantity(text: string): string {
  try {
    return canonicalQuantity(text.trim());
  } catch (error) {
    if (error instanceof QuantityError) {
      throw new ValueError(error.message);
    }
    throw error;
  }
}

/** What a scalar accepts and makes of it; the context is for errors. */
type Read<T> = (value: T, context: DecodeContext, place: Place) => unknown;

function ofText(place: Place, read: Read<string>): Decode {
  return (value, context) => {
    if (typeof value !== 'string') {
      throw new DecodeError(context, valueKind(value), place);
    }
    return read(value, context, place);
  };
}

function ofNumber(place: Place, read: Read<number>): Decode {
  return (value, context) => {
    if (typeof value !== 'number') {
      throw new DecodeError(context, valueKind(value), place);
    }
    return read(value, context, place);
  };
}

const shown = (value: number): string => `number ${Number.isInteger(value) ? BigInt(value) : value}`;

const int64: Read<number> = (value, context, place) => {
  // Beyond 2^53 the value has already lost digits.
  if (!Number.isSafeInteger(value)) {
    throw new DecodeError(context, shown(value), place);
  }
  return value;
};

const int32: Read<number> = (value, context, place) => {
  if (!Number.isInteger(value) || value > MAX_INT32 || value < -MAX_INT32 - 1) {
    throw new DecodeError(context, shown(value), place);
  }
  return value;
};

function ofBoolean(place: Place): Decode {
  return (value, context) => {
    if (typeof value !== 'boolean') {
      throw new DecodeError(context, valueKind(value), place);
    }
    return value;
  };
}

function ofObject(place: Place): Decode {
  return (value, context) => {
    if (!isObject(value)) {
      throw new DecodeError(context, valueKind(value), place);
    }
    return deepClone(value);
  };
}

const quantity: Decode = (value) =>
  checkedQuantity(typeof value === 'number' || typeof value === 'string' ? String(value) : valueKind(value));

const duration: Read<string> = (value) => {
  parseDuration(value);
  return value;
};

/** The decoder of one scalar field; `struct` and `field` are what its errors name. */
export function scalarDecoder(scalar: Scalar, struct: string, field: string): Decode {
  const place: Place = { struct, field, type: GO_TYPES[scalar] };
  const textPlace: Place = { struct, field, type: 'string' };
  switch (scalar) {
    case 'string': return ofText(place, (value) => value);
    case 'bool': return ofBoolean(place);
    case 'int32': return ofNumber(place, int32);
    case 'int64': return ofNumber(place, int64);
    case 'double': return ofNumber(place, (value) => value);
    case 'bytes': return ofText(place, checkedBytes);
    case 'Quantity': return quantity;
    case 'IntOrString': {
      const [text, number] = [ofText({ struct, field, type: 'int32' }, (value) => value), ofNumber({ struct, field, type: 'int32' }, int32)];
      return (value, context) => (typeof value === 'number' ? number(value, context) : text(value, context));
    }
    case 'Time': return ofText(textPlace, (value) => (isZeroTime(value) ? undefined : canonicalTime(value)));
    case 'MicroTime': return ofText(textPlace, (value) => (isZeroTime(value) ? undefined : canonicalMicroTime(value)));
    case 'Duration': return ofText(textPlace, duration);
    case 'FieldsV1': return ofObject(place);
    default: return (value) => deepClone(value);
  }
}
