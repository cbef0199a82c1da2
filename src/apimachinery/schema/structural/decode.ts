/**
 * A schema compiled to a function that copies a document: fields that the schema does not know are dropped and named, nulls that may
 * not be are replaced or dropped, defaults filled in. Values of wrong types are copied as they are; validation names them.
 */
import { deepClone, setOwn } from '../../values.ts';
import { DecodeContext } from '../context.ts';
import type { StructuralSchema } from './types.ts';

/** Copies a value that is an object or an array. */
export type Copy = (value: object, context: DecodeContext) => unknown;
/** Metadata of the document or of a resource in it, made canonical. Throws DecodeError. */
export type DecodeMetadata = (value: unknown, context: DecodeContext) => unknown;

const ROOT_FIELDS = new Set(['apiVersion', 'kind', 'metadata']);

/** A property, ready to use. */
interface Property {
  readonly copy: Copy;
  readonly nullable: boolean;
}

interface Prefilled {
  readonly name: string;
  readonly value: unknown;
  /** Scalars need no copy. */
  readonly isPlain: boolean;
  /** Characters of its JSON. */
  readonly size: number;
}

const sizeOf = (value: unknown): number => JSON.stringify(value)?.length ?? 0;

class Compiler {
  readonly #metadata: DecodeMetadata;

  constructor(metadata: DecodeMetadata) {
    this.#metadata = metadata;
  }

  /** Compiled when a document first has the place: most have few of the places that a big schema describes. */
  lazily(schema: StructuralSchema, isResource: boolean): Copy {
    let copy: Copy | undefined;
    return (value, context) => {
      copy ??= this.#compile(schema, isResource);
      return copy(value, context);
    };
  }

  #compile(schema: StructuralSchema, isResource: boolean): Copy {
    const object = this.#object(schema, isResource);
    const list = this.#list(schema);
    return (value, context) => (Array.isArray(value) ? list(value, context) : object(value, context));
  }

  #list(schema: StructuralSchema): Copy {
    const { items } = schema;
    if (items === undefined) {
      return schema.preserveUnknownFields === true ? (value) => deepClone(value) : (value, context) => pruneAll(value, context);
    }
    const copy = this.lazily(items, items.embeddedResource === true);
    const filler = items.nullable === true ? undefined : items.default;
    const fillerSize = sizeOf(filler);
    return (value, context) => {
      const given: readonly unknown[] = Array.isArray(value) ? value : [];
      const made: unknown[] = [];
      for (let index = 0; index < given.length; index += 1) {
        const one = given[index];
        if (typeof one === 'object' && one !== null) {
          context.enter(index);
          made.push(copy(one, context));
          context.leave();
        } else if (one === null && filler !== undefined) {
          context.defaulted(fillerSize);
          made.push(deepClone(filler));
        } else {
          made.push(one);
        }
      }
      return made;
    };
  }

  #properties(schema: StructuralSchema): { known: Map<string, Property>; prefilled: Prefilled[] } {
    const known = new Map<string, Property>();
    const prefilled: Prefilled[] = [];
    for (const [name, one] of schema.properties ?? []) {
      known.set(name, { copy: this.lazily(one, one.embeddedResource === true), nullable: one.nullable === true });
      if (one.default !== undefined) {
        const value = this.#whole(one);
        prefilled.push({ name, value, isPlain: typeof one.default !== 'object', size: name.length + sizeOf(value) });
      }
    }
    return { known, prefilled };
  }

  /** A default with the defaults of what stands in it. */
  #whole(schema: StructuralSchema): unknown {
    const value = schema.default;
    return typeof value === 'object' && value !== null ? this.#compile(schema, schema.embeddedResource === true)(value, new DecodeContext(false)) : value;
  }

  #unknown(schema: StructuralSchema): Unknown {
    const { additionalProperties } = schema;
    if (typeof additionalProperties === 'object') {
      const property = { copy: this.lazily(additionalProperties, additionalProperties.embeddedResource === true), nullable: additionalProperties.nullable === true };
      return { type: 'schema', property, filler: additionalProperties.default, fillerSize: sizeOf(additionalProperties.default) };
    }
    return { type: schema.preserveUnknownFields === true || additionalProperties === true ? 'keep' : 'drop' };
  }

  #object(schema: StructuralSchema, isResource: boolean): Copy {
    const { known, prefilled } = this.#properties(schema);
    const unknown = this.#unknown(schema);
    const metadata = this.#metadata;
    return (value, context) => {
      const made: Record<string, unknown> = {};
      for (const [name, member] of Object.entries(value)) {
        if (isResource && ROOT_FIELDS.has(name)) {
          copyRoot(made, name, member, context, metadata);
          continue;
        }
        const property = known.get(name);
        if (property !== undefined) {
          copyMember(made, name, member, property, context);
        } else {
          copyUnknown(made, name, member, unknown, context);
        }
      }
      for (const { name, value: filler, isPlain, size } of prefilled) {
        if (!Object.hasOwn(made, name)) {
          context.defaulted(size);
          setOwn(made, name, isPlain ? filler : deepClone(filler));
        }
      }
      return made;
    };
  }
}

type Unknown =
  | { readonly type: 'keep' | 'drop' }
  | { readonly type: 'schema'; readonly property: Property; readonly filler: unknown; readonly fillerSize: number };

function copyRoot(made: Record<string, unknown>, name: string, member: unknown, context: DecodeContext, metadata: DecodeMetadata): void {
  if (name !== 'metadata') {
    made[name] = member;
  } else if (member !== null && member !== undefined) {
    made[name] = metadata(member, context);
  }
}

function copyMember(made: Record<string, unknown>, name: string, member: unknown, property: Property, context: DecodeContext): void {
  if (typeof member === 'object' && member !== null) {
    context.enter(name);
    setOwn(made, name, property.copy(member, context));
    context.leave();
  } else if (member !== null && member !== undefined) {
    setOwn(made, name, member);
  } else if (property.nullable && member === null) {
    setOwn(made, name, null);
  }
}

function copyUnknown(made: Record<string, unknown>, name: string, member: unknown, unknown: Unknown, context: DecodeContext): void {
  switch (unknown.type) {
    case 'keep': setOwn(made, name, deepClone(member)); return;
    case 'drop': context.unknownField(name); return;
    default:
      if (member === null && !unknown.property.nullable && unknown.filler !== undefined) {
        context.defaulted(unknown.fillerSize);
        setOwn(made, name, deepClone(unknown.filler));
      } else {
        copyMember(made, name, member, unknown.property, context);
      }
  }
}

/** A list of a place without a schema keeps its scalars only. */
function pruneAll(value: object, context: DecodeContext): unknown {
  if (Array.isArray(value)) {
    return value.map((one: unknown) => (typeof one === 'object' && one !== null ? pruneAll(one, context) : one));
  }
  for (const name of Object.keys(value)) {
    context.unknownField(name);
  }
  return {};
}

/** The copying function of a whole document. `isResource`: its apiVersion, kind and metadata are Kubernetes' own. */
export const compileCopy = (schema: StructuralSchema, metadata: DecodeMetadata, isResource = true): Copy => new Compiler(metadata).lazily(schema, isResource);
