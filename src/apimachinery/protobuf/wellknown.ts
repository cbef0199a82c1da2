/** Messages whose JSON form is not an object of their fields. */
import { parseBody } from '../json.ts';
import type { Json } from '../object.ts';
import { formatTime } from '../object.ts';
import { formatDuration } from '../schema/times.ts';
import { expectWire, LENGTH, VARINT, WireError, type Reader } from './reader.ts';

/** Seconds of Go's zero time, which means that there is none. */
const ZERO_TIME = -62_135_596_800;
const MAX_TIME = 253_402_300_799;

/** Reads the fields of a small message; `field` returns false for one it does not know. */
function eachField(reader: Reader, field: (number: number, wire: number) => boolean): void {
  while (!reader.done) {
    const { number, wire } = reader.tag();
    if (!field(number, wire)) {
      reader.skip(wire);
    }
  }
}

function readTimestamp(reader: Reader): { seconds: number; nanos: number } | undefined {
  let [seconds, nanos] = [0, 0];
  eachField(reader, (number, wire) => {
    if (number > 2) {
      return false;
    }
    expectWire(wire, VARINT);
    const value = reader.integer();
    [seconds, nanos] = number === 1 ? [value, nanos] : [seconds, value];
    return true;
  });
  if ((seconds === 0 && nanos === 0) || seconds === ZERO_TIME) {
    return undefined;
  }
  if (seconds < ZERO_TIME || seconds > MAX_TIME || nanos < 0 || nanos >= 1e9) {
    throw new WireError('time out of range');
  }
  return { seconds, nanos };
}

export function readTime(reader: Reader): string | undefined {
  const timestamp = readTimestamp(reader);
  return timestamp === undefined ? undefined : formatTime(new Date(timestamp.seconds * 1000));
}

export function readMicroTime(reader: Reader): string | undefined {
  const timestamp = readTimestamp(reader);
  if (timestamp === undefined) {
    return undefined;
  }
  const micros = String(Math.floor(timestamp.nanos / 1000)).padStart(6, '0');
  return `${formatTime(new Date(timestamp.seconds * 1000)).slice(0, -1)}.${micros}Z`;
}

export function readDuration(reader: Reader): string {
  let nanoseconds = 0;
  eachField(reader, (number, wire) => {
    if (number !== 1) {
      return false;
    }
    expectWire(wire, VARINT);
    nanoseconds = reader.integer();
    return true;
  });
  return formatDuration(nanoseconds);
}

export function readIntOrString(reader: Reader): string | number {
  let [type, integer, text] = [0, 0, ''];
  eachField(reader, (number, wire) => {
    switch (number) {
      case 1: case 2: {
        expectWire(wire, VARINT);
        const value = reader.integer();
        [type, integer] = number === 1 ? [value, integer] : [type, value];
        return true;
      }
      case 3:
        expectWire(wire, LENGTH);
        text = reader.text();
        return true;
      default: return false;
    }
  });
  return type === 1 ? text : integer;
}

/** A message whose first field holds a text (Quantity). */
export function readBoxedText(reader: Reader): string {
  let text = '';
  eachField(reader, (number, wire) => {
    if (number !== 1) {
      return false;
    }
    expectWire(wire, LENGTH);
    text = reader.text();
    return true;
  });
  return text;
}

/** A message whose first field holds JSON (RawExtension, JSON, FieldsV1); undefined when it is empty. */
export function readBoxedJson(reader: Reader): Json | undefined {
  let raw: Uint8Array = new Uint8Array();
  eachField(reader, (number, wire) => {
    if (number !== 1) {
      return false;
    }
    expectWire(wire, LENGTH);
    raw = reader.bytes();
    return true;
  });
  return raw.length === 0 ? undefined : parseBody(raw, 'application/json').value;
}

/** A message whose first field repeats a text (ExtraValue: a list inside a map). */
export function readBoxedList(reader: Reader): string[] {
  const list: string[] = [];
  eachField(reader, (number, wire) => {
    if (number !== 1) {
      return false;
    }
    expectWire(wire, LENGTH);
    list.push(reader.text());
    return true;
  });
  return list;
}

export const SCHEMA_PROPS = 'apiextensions/v1.JSONSchemaProps';
/** Fields of JSONSchemaProps that hold a schema or something else. */
export const SCHEMA_OR: Readonly<Record<string, 'bool' | 'array' | 'strings'>> = {
  items: 'array', additionalProperties: 'bool', additionalItems: 'bool', dependencies: 'strings',
};

/**
 * JSONSchemaPropsOrBool, …OrArray and …OrStringArray: either of their two fields is the value. `schema` reads a JSONSchemaProps.
 */
export function readSchemaOr(reader: Reader, kind: 'bool' | 'array' | 'strings', schema: (reader: Reader) => Json): Json {
  let single: Json | undefined;
  let other: Json | undefined;
  const list: Json[] = [];
  const schemaNumber = kind === 'bool' ? 2 : 1;
  eachField(reader, (number, wire) => {
    if (number === schemaNumber) {
      expectWire(wire, LENGTH);
      single = schema(reader.message());
    } else if (kind === 'bool' && number === 1) {
      expectWire(wire, VARINT);
      other = reader.boolean();
    } else if (number === 2) {
      expectWire(wire, LENGTH);
      list.push(kind === 'array' ? schema(reader.message()) : reader.text());
    } else {
      return false;
    }
    return true;
  });
  return single ?? other ?? (kind === 'bool' ? false : list);
}
