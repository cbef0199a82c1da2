/** JSON objects as protobuf: what a Go client would send. For tests, and for whoever has to speak it. */
import type { JsonObject } from '../object.ts';
import { parseQuantity } from '../quantity.ts';
import { parseDuration } from '../schema/times.ts';
import type { Field, Scalar, TypeRef, TypeTable } from '../typetable.ts';
import { isObject } from '../values.ts';
import { FIXED64, LENGTH, VARINT } from './reader.ts';
import { SCHEMA_OR, SCHEMA_PROPS } from './wellknown.ts';

class Writer {
  readonly #parts: Uint8Array[] = [];

  #varint(value: bigint): void {
    let rest = BigInt.asUintN(64, value);
    const bytes: number[] = [];
    do {
      const more = rest > 0x7fn;
      bytes.push(Number(rest & 0x7fn) | (more ? 0x80 : 0));
      rest >>= 7n;
    } while (rest > 0n);
    this.#parts.push(Uint8Array.from(bytes));
  }

  integer(number: number, value: number): void {
    this.#varint(BigInt(number * 8 + VARINT));
    this.#varint(BigInt(value));
  }

  double(number: number, value: number): void {
    this.#varint(BigInt(number * 8 + FIXED64));
    this.#parts.push(new Uint8Array(Float64Array.of(value).buffer));
  }

  bytes(number: number, value: Uint8Array): void {
    this.#varint(BigInt(number * 8 + LENGTH));
    this.#varint(BigInt(value.length));
    this.#parts.push(value);
  }

  text(number: number, value: string): void {
    this.bytes(number, new TextEncoder().encode(value));
  }

  message(number: number, write: (writer: Writer) => void): void {
    const inner = new Writer();
    write(inner);
    this.bytes(number, inner.finish());
  }

  finish(): Uint8Array {
    return Buffer.concat(this.#parts);
  }
}

function writeTimestamp(writer: Writer, text: string): void {
  const [clock = '', fraction = ''] = text.replace(/Z$/, '').split('.');
  writer.integer(1, Date.parse(`${clock}Z`) / 1000);
  writer.integer(2, Number(fraction.padEnd(9, '0')));
}

const SCALARS: Readonly<Record<Scalar, (writer: Writer, number: number, value: unknown) => void>> = {
  string: (writer, number, value) => writer.text(number, String(value)),
  bytes: (writer, number, value) => writer.bytes(number, Buffer.from(String(value), 'base64')),
  int32: (writer, number, value) => writer.integer(number, Number(value)),
  int64: (writer, number, value) => writer.integer(number, Number(value)),
  bool: (writer, number, value) => writer.integer(number, value === true ? 1 : 0),
  double: (writer, number, value) => writer.double(number, Number(value)),
  Quantity: (writer, number, value) => {
    parseQuantity(String(value));
    writer.message(number, (inner) => inner.text(1, String(value)));
  },
  Time: (writer, number, value) => writer.message(number, (inner) => writeTimestamp(inner, String(value))),
  MicroTime: (writer, number, value) => writer.message(number, (inner) => writeTimestamp(inner, String(value))),
  Duration: (writer, number, value) => writer.message(number, (inner) => inner.integer(1, parseDuration(String(value)))),
  IntOrString: (writer, number, value) => writer.message(number, (inner) => {
    inner.integer(1, typeof value === 'string' ? 1 : 0);
    inner.integer(2, typeof value === 'number' ? value : 0);
    inner.text(3, typeof value === 'string' ? value : '');
  }),
  FieldsV1: (writer, number, value) => writer.message(number, (inner) => inner.text(1, JSON.stringify(value))),
  any: (writer, number, value) => writer.message(number, (inner) => inner.text(1, JSON.stringify(value))),
};

class Encoder {
  readonly #table: TypeTable;

  constructor(table: TypeTable) {
    this.#table = table;
  }

  write(writer: Writer, object: Record<string, unknown>, message: string): void {
    const type = this.#table.get(message);
    if (type === undefined) {
      throw new Error(`type table: there is no message ${message}`);
    }
    this.#level(writer, object, [...type.fields.values()].filter(({ name, number }) => number.length > 0 && object[name] !== undefined), message);
  }

  /** Fields of a message whose numbers agree up to `depth`: those with more numbers go into a message of their own. */
  #level(writer: Writer, object: Record<string, unknown>, fields: readonly Field[], message: string, depth = 0): void {
    for (const [number, group] of Map.groupBy(fields, (field) => field.number[depth] ?? 0)) {
      const [first] = group;
      if (first !== undefined && first.number.length === depth + 1) {
        const schemaOr = message === SCHEMA_PROPS ? SCHEMA_OR[first.name] : undefined;
        if (schemaOr === undefined) {
          this.#field(writer, number, object[first.name], first.type);
        } else {
          this.#schemaOr(writer, number, object[first.name], schemaOr);
        }
      } else {
        writer.message(number, (inner) => this.#level(inner, object, group, message, depth + 1));
      }
    }
  }

  /** A schema, or what may stand in its place: a boolean, several schemas, names of properties; `dependencies` holds a map of such. */
  #schemaOr(writer: Writer, number: number, value: unknown, kind: 'bool' | 'array' | 'strings'): void {
    const schema = (inner: Writer, at: number, one: unknown): void => inner.message(at, (body) => this.write(body, isObject(one) ? one : {}, SCHEMA_PROPS));
    if (kind === 'strings') {
      for (const [key, member] of Object.entries(isObject(value) ? value : {})) {
        writer.message(number, (entry) => {
          entry.text(1, key);
          entry.message(2, (inner) => {
            if (Array.isArray(member)) {
              member.forEach((name) => inner.text(2, String(name)));
            } else {
              schema(inner, 1, member);
            }
          });
        });
      }
      return;
    }
    writer.message(number, (inner) => {
      if (kind === 'bool') {
        SCALARS.bool(inner, 1, value !== false);
      }
      if (Array.isArray(value)) {
        value.forEach((one) => schema(inner, 2, one));
      } else if (isObject(value)) {
        schema(inner, kind === 'bool' ? 2 : 1, value);
      }
    });
  }

  #field(writer: Writer, number: number, value: unknown, type: TypeRef): void {
    if (type.t === 'list') {
      for (const element of Array.isArray(value) ? value : []) {
        this.#value(writer, number, element, type.of);
      }
    } else if (type.t === 'map') {
      for (const [key, member] of Object.entries(isObject(value) ? value : {})) {
        writer.message(number, (entry) => {
          entry.text(1, key);
          this.#value(entry, 2, member, type.of);
        });
      }
    } else {
      this.#value(writer, number, value, type);
    }
  }

  #value(writer: Writer, number: number, value: unknown, type: TypeRef): void {
    switch (type.t) {
      case 'scalar': SCALARS[type.scalar](writer, number, value); return;
      case 'message': writer.message(number, (inner) => this.write(inner, isObject(value) ? value : {}, type.name)); return;
      default: writer.message(number, (inner) => this.#field(inner, 1, value, type));
    }
  }
}

/** The message's bytes without envelope. Members the table does not know are left out. */
export function encodeProtobuf(object: JsonObject, table: TypeTable, message: string): Uint8Array {
  const writer = new Writer();
  new Encoder(table).write(writer, object, message);
  return writer.finish();
}

/** The bytes of a request: magic, runtime.Unknown, object. */
export function encodeProtobufEnvelope(object: { apiVersion: string; kind: string }, raw: Uint8Array): Uint8Array {
  const writer = new Writer();
  writer.message(1, (meta) => {
    meta.text(1, object.apiVersion);
    meta.text(2, object.kind);
  });
  writer.bytes(2, raw);
  writer.text(3, '');
  writer.text(4, '');
  return Buffer.concat([Uint8Array.of(0x6b, 0x38, 0x73, 0), writer.finish()]);
}
