/**
 * What server-side apply must know of a type: which parts of a value have owners of their own, and what tells list elements apart. A shape is
 * navigated lazily, since messages refer to themselves. Semantics are those of Kubernetes' structured-merge-diff: a list is atomic unless
 * its type says otherwise, a map or struct granular.
 */
import type { Json } from '../object.ts';
import type { Field, MessageType, TypeRef, TypeTable } from '../typetable.ts';
import { isAlwaysPresent } from './gostructs.ts';

export type ShapeType =
  /** One value with one set of owners. */
  | 'scalar'
  /** A list, map or struct that is owned as a whole. */
  | 'atomic'
  /** Named fields, each of its own shape: `field(name)`; undeclared ones have none. */
  | 'struct'
  /** Keys that are data: every member is of shape `item`. Declared members may have a shape of their own: `field(name)`. */
  | 'map'
  /** A list of scalars in which each value occurs once. */
  | 'set'
  /** A list of structs told apart by `keys`. */
  | 'associative'
  /** Nothing is known: maps are granular and their members deduced again, lists atomic. */
  | 'deduced';

export interface Shape {
  readonly type: ShapeType;
  /** Of structs, and of maps with declared members. */
  field?(name: string): Shape | undefined;
  /** Of maps, sets and associative lists. */
  readonly item?: Shape;
  /** Of associative lists, in the order of the schema. */
  readonly keys?: readonly string[];
  /** Values of keys that elements leave out. */
  readonly keyDefaults?: Readonly<Record<string, Json>>;
  /** What JSON type a scalar must have; any of them when absent. */
  readonly scalar?: 'string' | 'numeric' | 'boolean';
  /** Of `atomic`: whether it must be a list or a map; either when absent. Lists hold elements and maps members of shape `item`, when that is known. */
  readonly container?: 'list' | 'map';
  /**
   * Of struct fields: when the struct is there the field counts as there too, as an empty value, because Kubernetes' own types
   * hold it by value. It decides who owns the field itself beside its members.
   */
  readonly alwaysPresent?: boolean;
}

const STRING: Shape = { type: 'scalar', scalar: 'string' };
const NUMERIC: Shape = { type: 'scalar', scalar: 'numeric' };
const BOOLEAN: Shape = { type: 'scalar', scalar: 'boolean' };
/** A scalar of any type: quantities, int-or-strings. */
const UNTYPED: Shape = { type: 'scalar' };
/** A value of which nothing is known (`any`, fields that a schema preserves). */
export const DEDUCED: Shape = { type: 'deduced' };

/** Keys that Kubernetes' published types give a default. */
const KEY_DEFAULTS: Readonly<Record<string, Json>> = { 'core/v1.ContainerPort.protocol': 'TCP', 'core/v1.ServicePort.protocol': 'TCP' };

function scalarShape(scalar: (TypeRef & { t: 'scalar' })['scalar']): Shape {
  switch (scalar) {
    case 'string': case 'bytes': case 'Time': case 'MicroTime': case 'Duration': return STRING;
    case 'int32': case 'int64': case 'double': return NUMERIC;
    case 'bool': return BOOLEAN;
    case 'Quantity': case 'IntOrString': return UNTYPED;
    default: return DEDUCED;
  }
}

/** Shapes of one table's messages, made once each. */
class Shapes {
  readonly #table: TypeTable;
  readonly #messages = new Map<string, Shape>();

  constructor(table: TypeTable) {
    this.#table = table;
  }

  message(name: string): Shape {
    let shape = this.#messages.get(name);
    if (shape === undefined) {
      const message = this.#table.get(name);
      if (message === undefined) {
        throw new Error(`type table: there is no message ${name}`);
      }
      shape = this.#struct(message, message.atomic);
      this.#messages.set(name, shape);
    }
    return shape;
  }

  #struct(message: MessageType, atomic: boolean): Shape {
    const fields = new Map<string, Shape | undefined>(message.isKind ? [['apiVersion', STRING], ['kind', STRING]] : []);
    const field = (name: string): Shape | undefined => {
      if (!fields.has(name)) {
        const declared = message.fields.get(name);
        const made = declared === undefined ? undefined : this.#field(declared);
        if (made === undefined) {
          // Undeclared names come from outside: they must not pile up here.
          return undefined;
        }
        fields.set(name, isAlwaysPresent(message, name) ? { ...made, alwaysPresent: true } : made);
      }
      return fields.get(name);
    };
    return atomic ? { type: 'atomic', container: 'map', field } : { type: 'struct', field };
  }

  #field(field: Field): Shape {
    const { type } = field;
    if (type.t === 'list') {
      return this.#list(field, type.of);
    }
    if (field.mapType !== 'atomic') {
      return this.#type(type);
    }
    if (type.t === 'message') {
      const message = this.#table.get(type.name);
      return message === undefined ? this.message(type.name) : this.#struct(message, true);
    }
    return type.t === 'map' ? { type: 'atomic', container: 'map', item: this.#type(type.of) } : this.#type(type);
  }

  #list(field: Field, of: TypeRef): Shape {
    const item = this.#type(of);
    if (field.listType === 'set') {
      return { type: 'set', container: 'list', item };
    }
    const { listMapKeys } = field;
    if (field.listType !== 'map' || listMapKeys === undefined || of.t !== 'message') {
      return { type: 'atomic', container: 'list', item };
    }
    const element = this.#table.get(of.name);
    const keyDefaults: Record<string, Json> = {};
    for (const key of listMapKeys) {
      const value = KEY_DEFAULTS[`${of.name}.${key}`] ?? element?.fields.get(key)?.default;
      if (value !== undefined) {
        keyDefaults[key] = value;
      }
    }
    return { type: 'associative', container: 'list', item, keys: listMapKeys, keyDefaults };
  }

  #type(type: TypeRef): Shape {
    switch (type.t) {
      case 'scalar': return scalarShape(type.scalar);
      case 'message': return this.message(type.name);
      case 'list': return { type: 'atomic', container: 'list', item: this.#type(type.of) };
      default: return { type: 'map', container: 'map', item: this.#type(type.of) };
    }
  }
}

const tables = new WeakMap<TypeTable, Shapes>();

/** The shape of a message of the table, e.g. `apps/v1.Deployment`. Throws for a name the table does not have. */
export function shapeOfMessage(types: TypeTable, message: string): Shape {
  let shapes = tables.get(types);
  if (shapes === undefined) {
    shapes = new Shapes(types);
    tables.set(types, shapes);
  }
  return shapes.message(message);
}
