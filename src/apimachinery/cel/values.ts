/**
 * Values of CEL. int is a bigint, double a number, string a string, bytes a Uint8Array; the rest are the classes below.
 * JSON is never copied into them: `JsonList`, `JsonMap` and `JsonRecord` read it where it lies, by its type (json.ts).
 */
import type { Json } from '../object.ts';
import type { ObjectType } from './types.ts';

export type CelValue = null | boolean | bigint | number | string | Uint8Array
  | CelUint | CelTimestamp | CelDuration | CelList | CelMap | CelRecord | CelOptional | CelTypeValue | CelOpaque;

export class CelUint {
  readonly value: bigint;
  constructor(value: bigint) { this.value = value; }
}

/** A point in time: nanoseconds since 1970. */
export class CelTimestamp {
  readonly nanos: bigint;
  constructor(nanos: bigint) { this.nanos = nanos; }
}

/** Nanoseconds. */
export class CelDuration {
  readonly nanos: bigint;
  constructor(nanos: bigint) { this.nanos = nanos; }
}

/** The value of `int`, `type(x)`. Named as CEL names it: `google.protobuf.Timestamp`. */
export class CelTypeValue {
  readonly name: string;
  constructor(name: string) { this.name = name; }
}

export class CelOptional {
  static readonly NONE = new CelOptional(undefined);
  readonly value: CelValue | undefined;
  constructor(value: CelValue | undefined) { this.value = value; }
}

/** A value only libraries look into: a quantity, an address, an authorizer. */
export abstract class CelOpaque {
  abstract readonly typeName: string;
  abstract equals(other: CelOpaque): boolean;
  /** What costs count; 1 for what has no size. */
  get size(): number { return 1; }
}

export abstract class CelList {
  abstract readonly length: number;
  /** The element at an index that exists. */
  abstract at(index: number): CelValue;
  /** What `x-kubernetes-list-type` says. */
  get semantics(): ListSemantics | undefined { return undefined; }

  *[Symbol.iterator](): Generator<CelValue> {
    for (let index = 0; index < this.length; index += 1) {
      yield this.at(index);
    }
  }
}

export type ListSemantics = { readonly type: 'set' } | { readonly type: 'map'; readonly keys: readonly string[] };

export class ArrayList extends CelList {
  static readonly EMPTY = new ArrayList([]);
  readonly items: readonly CelValue[];
  readonly #semantics: ListSemantics | undefined;
  constructor(items: readonly CelValue[], semantics?: ListSemantics) {
    super();
    this.items = items;
    this.#semantics = semantics;
  }

  get length(): number { return this.items.length; }
  override get semantics(): ListSemantics | undefined { return this.#semantics; }
  at(index: number): CelValue { return this.items[index] ?? null; }
}

export type MapKey = string | boolean | bigint | CelUint | number;

export abstract class CelMap {
  abstract readonly size: number;
  /** The value under an equal key (1 and 1.0 are equal); undefined when there is none. */
  abstract get(key: CelValue): CelValue | undefined;
  abstract keys(): Iterable<CelValue>;
}

/** One text per class of equal keys; undefined for what can be no key. */
export function keyText(key: CelValue): string | undefined {
  switch (typeof key) {
    case 'string': return `s${key}`;
    case 'boolean': return key ? 'bt' : 'bf';
    case 'bigint': return `n${key}`;
    case 'number': return Number.isInteger(key) ? `n${BigInt(key)}` : `d${key}`;
    default: return key instanceof CelUint ? `n${key.value}` : undefined;
  }
}

/** A map literal, or what a macro made. */
export class EntryMap extends CelMap {
  readonly #entries: ReadonlyMap<string, readonly [CelValue, CelValue]>;
  constructor(entries: ReadonlyMap<string, readonly [CelValue, CelValue]>) {
    super();
    this.#entries = entries;
  }

  get size(): number { return this.#entries.size; }
  get(key: CelValue): CelValue | undefined {
    const text = keyText(key);
    return text === undefined ? undefined : this.#entries.get(text)?.[1];
  }

  *keys(): Generator<CelValue> {
    for (const [key] of this.#entries.values()) {
      yield key;
    }
  }
}

/** An object with named fields: JSON by a schema, a constructed one, the variables of a policy. */
export abstract class CelRecord {
  abstract readonly typeName: string;
  /** The field's value; undefined when it is not set. `name` is escaped as in the expression. */
  abstract get(name: string): CelValue | undefined;
  /** True when the type has this field at all. */
  abstract knows(name: string): boolean;
  /** Names of the fields that are set. */
  abstract names(): Iterable<string>;
}

/** An object that an expression constructed: `Object.spec{…}`. */
export class BuiltRecord extends CelRecord {
  readonly type: ObjectType;
  readonly fields: ReadonlyMap<string, CelValue>;
  constructor(type: ObjectType, fields: ReadonlyMap<string, CelValue>) {
    super();
    this.type = type;
    this.fields = fields;
  }

  get typeName(): string { return this.type.name; }
  get(name: string): CelValue | undefined { return this.fields.get(name); }
  knows(name: string): boolean { return this.type.field(name) !== undefined; }
  names(): Iterable<string> { return this.fields.keys(); }
}

/** JSON that may still be handed to the adapter: anything else that is bound must be a CEL value. */
export type Bindable = Json | CelValue;

const TYPE_NAMES: readonly [new (...args: never[]) => object, string][] = [
  [CelUint, 'uint'], [CelTimestamp, 'google.protobuf.Timestamp'], [CelDuration, 'google.protobuf.Duration'], [Uint8Array, 'bytes'],
  [CelTypeValue, 'type'], [CelOptional, 'optional_type'],
];

/** The name `type(value)` has. */
export function typeNameOf(value: CelValue): string {
  switch (typeof value) {
    case 'string': return 'string';
    case 'bigint': return 'int';
    case 'number': return 'double';
    case 'boolean': return 'bool';
    default: break;
  }
  if (value === null) {
    return 'null_type';
  }
  if (value instanceof CelList) {
    return 'list';
  }
  if (value instanceof CelMap) {
    return 'map';
  }
  if (value instanceof CelRecord || value instanceof CelOpaque) {
    return value.typeName;
  }
  return TYPE_NAMES.find(([type]) => value instanceof type)?.[1] ?? 'dyn';
}

/** What costs count: characters, bytes, elements, entries; 1 for everything else. */
export function sizeOf(value: CelValue): number {
  if (typeof value === 'string' || value instanceof Uint8Array || value instanceof CelList) {
    return value.length;
  }
  return value instanceof CelMap || value instanceof CelOpaque ? value.size : 1;
}
