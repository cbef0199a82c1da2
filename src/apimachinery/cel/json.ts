/** Between JSON and CEL's values: JSON is wrapped, never copied, and read by its declared type. */
import type { Json } from '../object.ts';
import { CelEvaluationError } from './errors.ts';
import { escapeName, unescapeName } from './names.ts';
import { durationText, parseFieldDuration, parseFieldTimestamp, timestampText } from './time.ts';
import { DYN, type CelType, type ListType, type MapType, type ObjectType } from './types.ts';
import {
  ArrayList, CelDuration, CelList, CelMap, CelOpaque, CelOptional, CelRecord, CelTimestamp, CelTypeValue, CelUint, sizeOf,
  type CelValue, type ListSemantics,
} from './values.ts';

type JsonMembers = Readonly<Record<string, unknown>>;

const isContainer = (raw: unknown): boolean => typeof raw === 'object' && raw !== null;

/** Lists and objects that were looked at before are given out again: they remember their keys, and what is below them. */
class Children {
  /** Made when there is something to remember: most objects that rules look at hold scalars. */
  #seen: Map<string | number, CelValue> | undefined;

  get(key: string | number, raw: unknown, type: CelType): CelValue {
    if (!isContainer(raw)) {
      return adapt(raw, type);
    }
    const known = this.#seen?.get(key);
    if (known !== undefined) {
      return known;
    }
    const made = adapt(raw, type);
    this.#seen ??= new Map();
    this.#seen.set(key, made);
    return made;
  }
}

class JsonList extends CelList {
  readonly #raw: readonly unknown[];
  readonly #type: CelType;
  readonly #semantics: ListSemantics | undefined;
  readonly #children = new Children();
  constructor(raw: readonly unknown[], type: ListType | undefined) {
    super();
    this.#raw = raw;
    this.#type = type?.element ?? DYN;
    this.#semantics = type?.semantics;
  }

  get length(): number { return this.#raw.length; }
  override get semantics(): ListSemantics | undefined { return this.#semantics; }
  at(index: number): CelValue { return this.#children.get(index, this.#raw[index], this.#type); }
}

class JsonMap extends CelMap {
  readonly #raw: JsonMembers;
  readonly #type: CelType;
  readonly #children = new Children();
  #keys: readonly string[] | undefined;
  constructor(raw: JsonMembers, type: MapType | undefined) {
    super();
    this.#raw = raw;
    this.#type = type?.value ?? DYN;
  }

  keys(): readonly string[] {
    this.#keys ??= Object.keys(this.#raw);
    return this.#keys;
  }

  get size(): number { return this.keys().length; }

  get(key: CelValue): CelValue | undefined {
    if (typeof key !== 'string' || !Object.hasOwn(this.#raw, key)) {
      return undefined;
    }
    const raw = this.#raw[key];
    return raw === undefined ? undefined : this.#children.get(key, raw, this.#type);
  }
}

class JsonRecord extends CelRecord {
  readonly #raw: JsonMembers;
  readonly #type: ObjectType;
  readonly #children = new Children();
  constructor(raw: JsonMembers, type: ObjectType) {
    super();
    this.#raw = raw;
    this.#type = type;
  }

  get typeName(): string { return this.#type.name; }
  knows(name: string): boolean { return this.#type.open === true || this.#type.field(name) !== undefined; }

  get(name: string): CelValue | undefined {
    const field = this.#type.field(name) ?? (this.#type.open === true ? { name, type: DYN } : undefined);
    const raw = field !== undefined && Object.hasOwn(this.#raw, field.name) ? this.#raw[field.name] : undefined;
    return field === undefined || raw === undefined ? undefined : this.#children.get(name, raw, field.type);
  }

  *names(): Generator<string> {
    for (const name of Object.keys(this.#raw)) {
      const escaped = escapeName(name);
      if (escaped !== undefined && this.knows(escaped)) {
        yield escaped;
      }
    }
  }
}

const isMembers = (value: unknown): value is JsonMembers => typeof value === 'object' && value !== null && !Array.isArray(value);

const CEL_CLASSES = [CelUint, CelTimestamp, CelDuration, CelList, CelMap, CelRecord, CelOptional, CelTypeValue, CelOpaque, Uint8Array] as const;
export const isCelObject = (value: unknown): value is Extract<CelValue, object> => typeof value === 'object' && CEL_CLASSES.some((one) => value instanceof one);

/** What a 64-bit integer can be; larger whole numbers are doubles, as Go's decoder has it. */
const isInt = (value: number): boolean => Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 63;

function fromNumber(value: number, type: CelType): CelValue {
  if (type.kind === 'uint' && isInt(value) && value >= 0) {
    return new CelUint(BigInt(value));
  }
  return type.kind !== 'double' && isInt(value) ? BigInt(value) : value;
}

function base64(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64');
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function fromText(text: string, type: CelType): CelValue {
  switch (type.kind) {
    case 'bytes': return base64(text);
    case 'timestamp': return new CelTimestamp(parseFieldTimestamp(text) ?? bad(text, 'timestamp'));
    case 'duration': return new CelDuration(parseFieldDuration(text) ?? bad(text, 'duration'));
    default: return text;
  }
}

const bad = (text: string, what: string): never => {
  throw new CelEvaluationError(`invalid ${what}: ${JSON.stringify(text)}`);
};

function fromMembers(value: JsonMembers, type: CelType): CelValue {
  if (type.kind === 'object') {
    return new JsonRecord(value, type);
  }
  return new JsonMap(value, type.kind === 'map' ? type : undefined);
}

/** A JSON value, or one that is CEL's already, as CEL sees it by its declared type. */
export function adapt(value: unknown, type: CelType): CelValue {
  switch (typeof value) {
    case 'string': return fromText(value, type);
    case 'number': return fromNumber(value, type);
    case 'boolean': case 'bigint': return value;
    case 'object': break;
    default: return null;
  }
  if (value === null) {
    return null;
  }
  if (Array.isArray(value)) {
    return new JsonList(value, type.kind === 'list' ? type : undefined);
  }
  // What JSON.parse makes needs no closer look.
  const isPlain = Object.getPrototypeOf(value) === Object.prototype;
  if (!isPlain && isCelObject(value)) {
    return value;
  }
  return isMembers(value) ? fromMembers(value, type) : null;
}

/** Levels of a value that is turned into JSON. */
const MAX_JSON_DEPTH = 100;
/** What JSON made of a value may hold at most: characters and elements together. */
const MAX_JSON_SIZE = 4 * 1024 * 1024;

interface Left { size: number }

function take(left: Left, size: number): void {
  left.size -= size;
  if (left.size < 0) {
    throw new CelEvaluationError('the value is too large');
  }
}

function scalarJson(value: CelValue): Json | undefined {
  switch (typeof value) {
    case 'string': case 'boolean': case 'number': return value;
    case 'bigint': return Number(value);
    default: break;
  }
  if (value === null) {
    return null;
  }
  if (value instanceof CelUint) {
    return Number(value.value);
  }
  if (value instanceof CelTimestamp) {
    return timestampText(value.nanos);
  }
  if (value instanceof CelDuration) {
    return durationText(value.nanos);
  }
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : undefined;
}

function toJsonWithin(value: CelValue, depth: number, left: Left): Json {
  take(left, 1 + sizeOf(value));
  const scalar = scalarJson(value);
  if (scalar !== undefined) {
    return scalar;
  }
  if (depth > MAX_JSON_DEPTH) {
    throw new CelEvaluationError('the value is nested too deeply');
  }
  if (value instanceof CelList) {
    return [...value].map((one) => toJsonWithin(one, depth + 1, left));
  }
  if (value instanceof CelOptional) {
    return value.value === undefined ? null : toJsonWithin(value.value, depth + 1, left);
  }
  if (value instanceof CelMap || value instanceof CelRecord) {
    return membersJson(value, depth, left);
  }
  throw new CelEvaluationError('the value cannot be written as JSON');
}

function membersJson(value: CelMap | CelRecord, depth: number, left: Left): Json {
  const members: Record<string, Json> = {};
  const set = (name: string, one: CelValue | undefined): void => {
    Object.defineProperty(members, name, { value: toJsonWithin(one ?? null, depth + 1, left), enumerable: true, configurable: true, writable: true });
  };
  if (value instanceof CelRecord) {
    for (const name of value.names()) {
      set(value instanceof JsonRecord ? unescapeName(name) : name, value.get(name));
    }
    return members;
  }
  for (const key of value.keys()) {
    if (typeof key !== 'string') {
      throw new CelEvaluationError('only maps with string keys can be written as JSON');
    }
    set(key, value.get(key));
  }
  return members;
}

/** A value as JSON: times as texts, bytes in base64. Throws CelEvaluationError for what JSON cannot hold. */
export const toJson = (value: CelValue): Json => toJsonWithin(value, 0, { size: MAX_JSON_SIZE });

export const listOfValues = (items: readonly CelValue[], semantics?: ListSemantics): CelList =>
  (items.length === 0 && semantics === undefined ? ArrayList.EMPTY : new ArrayList(items, semantics));
