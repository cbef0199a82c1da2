/**
 * Protobuf bodies as JSON objects. kubectl's `create …` commands send them: four magic bytes, then runtime.Unknown around the
 * object. Field numbers come from the type table; messages are compiled once per table.
 */
import type { JsonObject } from '../object.ts';
import { badRequest, StatusError } from '../status.ts';
import type { Field, MessageType, Scalar, TypeRef, TypeTable } from '../typetable.ts';
import { setOwn } from '../values.ts';
import { isPointer } from './pointers.ts';
import { expectWire, FIXED64, LENGTH, Reader, VARINT, WireError } from './reader.ts';
import {
  readBoxedJson, readBoxedList, readBoxedText, readDuration, readIntOrString, readMicroTime, readSchemaOr, readTime, SCHEMA_OR, SCHEMA_PROPS,
} from './wellknown.ts';

/** Messages inside one another. */
const MAX_DEPTH = 100;
/** `k8s` and a zero byte. */
const MAGIC = [0x6b, 0x38, 0x73, 0x00];

/** Reads one value and returns it; undefined for none. */
type Read = (reader: Reader, wire: number, depth: number) => unknown;
/** Reads one occurrence of a field into the object it belongs to. */
type Take = (target: Record<string, unknown>, reader: Reader, wire: number, depth: number) => void;

const inMessage = (read: (reader: Reader) => unknown): Read => (reader, wire) => {
  expectWire(wire, LENGTH);
  return read(reader.message());
};

const SCALARS: Readonly<Record<Scalar, Read>> = {
  string: (reader, wire) => { expectWire(wire, LENGTH); return reader.text(); },
  bytes: (reader, wire) => { expectWire(wire, LENGTH); return Buffer.from(reader.bytes()).toString('base64'); },
  int32: (reader, wire) => { expectWire(wire, VARINT); return reader.integer(); },
  int64: (reader, wire) => { expectWire(wire, VARINT); return reader.integer(); },
  bool: (reader, wire) => { expectWire(wire, VARINT); return reader.boolean(); },
  double: (reader, wire) => { expectWire(wire, FIXED64); return reader.double(); },
  Quantity: inMessage(readBoxedText),
  Time: inMessage(readTime),
  MicroTime: inMessage(readMicroTime),
  Duration: inMessage(readDuration),
  IntOrString: inMessage(readIntOrString),
  FieldsV1: inMessage(readBoxedJson),
  any: inMessage(readBoxedJson),
};

/** Numbers of one message level: a field, or a level that Go inlines into the same object. */
type Level = Map<number, Take | Level>;

class Compiler {
  readonly #table: TypeTable;
  readonly #levels = new Map<string, Level>();

  constructor(table: TypeTable) {
    this.#table = table;
  }

  #level(name: string): Level {
    const known = this.#levels.get(name);
    if (known !== undefined) {
      return known;
    }
    const message = this.#table.get(name);
    if (message === undefined) {
      throw new Error(`type table: there is no message ${name}`);
    }
    const level: Level = new Map();
    this.#levels.set(name, level);
    for (const field of message.fields.values()) {
      this.#place(level, field.number, this.#take(message, field));
    }
    return level;
  }

  #place(level: Level, numbers: readonly number[], take: Take): void {
    const [number, ...rest] = numbers;
    if (number === undefined) {
      return;
    }
    if (rest.length === 0) {
      level.set(number, take);
      return;
    }
    const inner = level.get(number);
    const next: Level = inner instanceof Map ? inner : new Map();
    level.set(number, next);
    this.#place(next, rest, take);
  }

  read(name: string, reader: Reader, depth: number): JsonObject {
    const object: JsonObject = {};
    readLevel(this.#level(name), object, reader, depth);
    return object;
  }

  #take(message: MessageType, field: Field): Take {
    const { name, type } = field;
    const schemaOr = message.name === SCHEMA_PROPS ? SCHEMA_OR[name] : undefined;
    const read: Read = schemaOr === undefined
      ? this.#reader(elementOf(type))
      : (reader, wire, depth) => {
        expectWire(wire, LENGTH);
        return readSchemaOr(reader.message(), schemaOr, (inner) => this.read(SCHEMA_PROPS, inner, deeper(depth)));
      };
    switch (type.t) {
      case 'list': return (target, reader, wire, depth) => {
        const list = (target[name] ??= []);
        if (Array.isArray(list)) {
          list.push(read(reader, wire, depth) ?? null);
        }
      };
      case 'map': return mapTake(name, read, zeroOf(type.of));
      default: {
        // JSON inside the message says itself what is there: `default: false`, `additionalProperties: false`.
        const isJson = schemaOr !== undefined || (type.t === 'scalar' && type.scalar === 'any');
        const keepsZero = field.required || isJson || isPointer(message.name, name);
        return (target, reader, wire, depth) => {
          const value = read(reader, wire, depth);
          // Go writes fields that are no pointers even when they are empty, which in JSON is absence.
          if (value !== undefined && (keepsZero || (value !== '' && value !== 0 && value !== false))) {
            target[name] = value;
          }
        };
      }
    }
  }

  #reader(type: TypeRef): Read {
    switch (type.t) {
      case 'scalar': return SCALARS[type.scalar];
      case 'message': return (reader, wire, depth) => {
        expectWire(wire, LENGTH);
        return this.read(type.name, reader.message(), deeper(depth));
      };
      // A list inside a map or list is boxed in a message of its own; the API only has lists of texts there.
      default: return inMessage(readBoxedList);
    }
  }
}

function deeper(depth: number): number {
  if (depth >= MAX_DEPTH) {
    throw new WireError(`messages more than ${MAX_DEPTH} levels deep`);
  }
  return depth + 1;
}

function readLevel(level: Level, target: Record<string, unknown>, reader: Reader, depth: number): void {
  while (!reader.done) {
    const { number, wire } = reader.tag();
    const found = level.get(number);
    if (found === undefined) {
      reader.skip(wire);
    } else if (found instanceof Map) {
      expectWire(wire, LENGTH);
      readLevel(found, target, reader.message(), deeper(depth));
    } else {
      found(target, reader, wire, depth);
    }
  }
}

const elementOf = (type: TypeRef): TypeRef => (type.t === 'list' || type.t === 'map' ? type.of : type);

function zeroOf(type: TypeRef): unknown {
  if (type.t === 'list') {
    return [];
  }
  if (type.t !== 'scalar') {
    return {};
  }
  switch (type.scalar) {
    case 'bool': return false;
    case 'int32': case 'int64': case 'double': return 0;
    case 'Quantity': return '0';
    default: return '';
  }
}

function mapTake(name: string, read: Read, zero: unknown): Take {
  return (target, reader, wire, depth) => {
    expectWire(wire, LENGTH);
    const entry = reader.message();
    let key = '';
    let value: unknown;
    while (!entry.done) {
      const tag = entry.tag();
      if (tag.number === 1) {
        expectWire(tag.wire, LENGTH);
        key = entry.text();
      } else if (tag.number === 2) {
        value = read(entry, tag.wire, depth);
      } else {
        entry.skip(tag.wire);
      }
    }
    const map = (target[name] ??= {});
    setOwn(Object(map), key, value ?? zero);
  };
}

const compilers = new WeakMap<TypeTable, Compiler>();

function reading<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof WireError || error instanceof StatusError) {
      throw badRequest(`error decoding protobuf body: ${error.message}`);
    }
    throw error;
  }
}

/** The message `message` of the table from its bytes (without envelope). Throws BadRequest. */
export function decodeProtobuf(raw: Uint8Array, table: TypeTable, message: string): JsonObject {
  const compiler = compilers.get(table) ?? new Compiler(table);
  compilers.set(table, compiler);
  return reading(() => compiler.read(message, new Reader(raw), 0));
}

export interface ProtobufEnvelope {
  apiVersion: string;
  kind: string;
  /** The object's bytes: a view of the body. */
  raw: Uint8Array;
  /** Of `raw`; empty means protobuf. */
  contentType: string;
}

/** Opens runtime.Unknown behind the four magic bytes. Throws BadRequest. */
export function decodeProtobufEnvelope(bytes: Uint8Array): ProtobufEnvelope {
  if (MAGIC.some((byte, index) => bytes[index] !== byte)) {
    throw badRequest('error decoding protobuf body: provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]');
  }
  return reading(() => {
    const reader = new Reader(bytes, MAGIC.length);
    const envelope: ProtobufEnvelope = { apiVersion: '', kind: '', raw: new Uint8Array(), contentType: '' };
    let encoding = '';
    while (!reader.done) {
      const { number, wire } = reader.tag();
      if (number < 1 || number > 4) {
        reader.skip(wire);
        continue;
      }
      expectWire(wire, LENGTH);
      switch (number) {
        case 1: Object.assign(envelope, readTypeMeta(reader.message())); break;
        case 2: envelope.raw = reader.bytes(); break;
        case 3: encoding = reader.text(); break;
        default: envelope.contentType = reader.text();
      }
    }
    if (encoding !== '') {
      throw new WireError(`content encoding ${JSON.stringify(encoding)} is not supported`);
    }
    return envelope;
  });
}

function readTypeMeta(reader: Reader): { apiVersion: string; kind: string } {
  const meta = { apiVersion: '', kind: '' };
  while (!reader.done) {
    const { number, wire } = reader.tag();
    if (number === 1 || number === 2) {
      expectWire(wire, LENGTH);
      meta[number === 1 ? 'apiVersion' : 'kind'] = reader.text();
    } else {
      reader.skip(wire);
    }
  }
  return meta;
}
