/**
 * The table of message types: for every field of every API type its name, type, protobuf number and
 * rules, in a text small enough to read and to diff. From it come the static types (`npm run generate`),
 * the decoding of protobuf bodies, unknown-field checks, patch merge keys and the OpenAPI documents.
 *
 *     PodSpec                                              a message; a second word `kind` marks an API object,
 *       containers []Container 2 ! map=name patch=merge:name        `atomic` a granularity rule of the whole
 *       nodeSelector map:string 7 atomic
 *       restartPolicy string 3 enum=Always|Never|OnFailure
 *       metadata meta/v1.ObjectMeta 1
 *
 * Field lines are `name type number rules…`. Types: `string int32 int64 double bool bytes any Quantity Time
 * MicroTime Duration IntOrString FieldsV1`, `[]T`, `map:T`, a message of the same package or
 * `package/version.Message`. Numbers: `-` where there is none (custom resources), `2.1` for a field that Go inlines
 * from an embedded message. Rules: `!` required in OpenAPI; `atomic`, `set`, `map=key,key` list or map type;
 * `patch=strategy:mergeKey`; `default=JSON`; `enum=A|B` (`+` for a space).
 */
import type { Json } from './object.ts';

const SCALARS = ['string', 'int32', 'int64', 'double', 'bool', 'bytes', 'any', 'Quantity', 'Time', 'MicroTime', 'Duration', 'IntOrString', 'FieldsV1'] as const;

export type Scalar = (typeof SCALARS)[number];

export type TypeRef =
  | { t: 'scalar'; scalar: Scalar }
  | { t: 'message'; name: string }
  | { t: 'list'; of: TypeRef }
  | { t: 'map'; of: TypeRef };

export interface Field {
  name: string;
  type: TypeRef;
  /** Protobuf number, outermost first when Go inlines an embedded message; empty when there is none. */
  number: readonly number[];
  required: boolean;
  listType?: 'atomic' | 'set' | 'map';
  listMapKeys?: readonly string[];
  mapType?: 'atomic';
  patchStrategy?: string;
  patchMergeKey?: string;
  default?: Json;
  enum?: readonly string[];
}

export interface MessageType {
  /** `core/v1.PodSpec` */
  name: string;
  fields: ReadonlyMap<string, Field>;
  /** An API object with apiVersion, kind and metadata. */
  isKind: boolean;
  atomic: boolean;
}

export type TypeTable = ReadonlyMap<string, MessageType>;

const isScalar = (word: string): word is Scalar => SCALARS.some((scalar) => scalar === word);

function parseType(word: string, pkg: string): TypeRef {
  if (word.startsWith('[]')) {
    return { t: 'list', of: parseType(word.slice(2), pkg) };
  }
  if (word.startsWith('map:')) {
    return { t: 'map', of: parseType(word.slice(4), pkg) };
  }
  if (isScalar(word)) {
    return { t: 'scalar', scalar: word };
  }
  return { t: 'message', name: word.includes('.') ? word : `${pkg}.${word}` };
}

function parseRule(field: Field, rule: string): void {
  const [key, value] = rule.includes('=') ? [rule.slice(0, rule.indexOf('=')), rule.slice(rule.indexOf('=') + 1)] : [rule, ''];
  switch (key) {
    case '!': field.required = true; return;
    case 'atomic':
      // Bytes are a list to Go, and so to OpenAPI.
      if (field.type.t === 'list' || (field.type.t === 'scalar' && field.type.scalar === 'bytes')) { field.listType = 'atomic'; } else { field.mapType = 'atomic'; }
      return;
    case 'granular': return;
    case 'set': field.listType = 'set'; return;
    case 'map': field.listType = 'map'; field.listMapKeys = value.split(','); return;
    case 'patch': {
      const [strategy, mergeKey] = value.split(':');
      if (strategy) { field.patchStrategy = strategy; }
      if (mergeKey) { field.patchMergeKey = mergeKey; }
      return;
    }
    case 'default': {
      const parsed: Json = JSON.parse(value);
      field.default = parsed;
      return;
    }
    case 'enum': field.enum = value.split('|').map((one) => (one === '""' ? '' : one.replaceAll('+', ' '))); return;
    default: throw new Error(`type table: unknown rule ${rule} on ${field.name}`);
  }
}

function parseField(line: string, pkg: string): Field {
  const [name, type, number, ...rules] = line.trim().split(' ');
  if (name === undefined || type === undefined || number === undefined) {
    throw new Error(`type table: cannot read ${JSON.stringify(line)} of ${pkg}`);
  }
  const field: Field = {
    name, type: parseType(type, pkg), number: number === '-' ? [] : number.split('.').map(Number), required: false,
  };
  for (const rule of rules) {
    parseRule(field, rule);
  }
  return field;
}

/** Read the text of one package, e.g. `core/v1`. Throws on a line it cannot read: the tables are ours. */
export function parseTypes(pkg: string, text: string): MessageType[] {
  const messages: MessageType[] = [];
  let fields = new Map<string, Field>();
  for (const line of text.split('\n')) {
    if (line.trim() === '') {
      continue;
    }
    if (line.startsWith(' ')) {
      const field = parseField(line, pkg);
      fields.set(field.name, field);
      continue;
    }
    const [name, ...flags] = line.split(' ');
    fields = new Map();
    messages.push({ name: `${pkg}.${name ?? ''}`, fields, isKind: flags.includes('kind'), atomic: flags.includes('atomic') });
  }
  return messages;
}
