/**
 * Static types of CEL expressions. Variables are declared with them, the checker infers them, and JSON values are read by them
 * (a number is an int or a double by its schema). Sizes (`max`) serve the static cost estimate alone.
 */

export type SimpleKind = 'dyn' | 'null' | 'bool' | 'int' | 'uint' | 'double' | 'timestamp' | 'duration' | 'error';

export type CelType =
  /** `max` of times: characters of the text a schema's field holds. */
  | { readonly kind: SimpleKind; readonly max?: number }
  /** `max`: characters or bytes at most. */
  | { readonly kind: 'string' | 'bytes'; readonly max?: number }
  | ListType
  | MapType
  | ObjectType
  /** A type of a library, e.g. `net.IP` or `optional_type(int)`. */
  | { readonly kind: 'opaque'; readonly name: string; readonly params: readonly CelType[] }
  /** The type of a type: `type(1) == int`. */
  | { readonly kind: 'type'; readonly of: CelType }
  /** A type parameter of a function's declaration: `A`. */
  | { readonly kind: 'param'; readonly name: string }
  /** A type the checker has yet to find. */
  | { readonly kind: 'var'; readonly id: number };

export interface ListType {
  readonly kind: 'list';
  readonly element: CelType;
  /** Elements at most. */
  readonly max?: number;
  /** How `==` and `+` treat the list (`x-kubernetes-list-type`); absent for ordinary lists. */
  readonly semantics?: { readonly type: 'set' } | { readonly type: 'map'; readonly keys: readonly string[] };
}

export interface MapType {
  readonly kind: 'map';
  readonly key: CelType;
  readonly value: CelType;
  /** Entries at most. */
  readonly max?: number;
}

export interface ObjectField {
  /** The name in JSON; the name in CEL is escaped (see names.ts). */
  readonly name: string;
  readonly type: CelType;
}

/** An object with named fields. Fields are found one by one, so that types may recurse. */
export interface ObjectType {
  readonly kind: 'object';
  readonly name: string;
  /** The field with this escaped name; undefined when there is none. */
  field(escaped: string): ObjectField | undefined;
  /** Escaped names of all fields. */
  fieldNames(): readonly string[];
  /** Fields the type does not know are `dyn` (`x-kubernetes-preserve-unknown-fields` beside properties). */
  readonly open?: boolean;
}

export const DYN: CelType = { kind: 'dyn' };
export const NULL: CelType = { kind: 'null' };
export const BOOL: CelType = { kind: 'bool' };
export const INT: CelType = { kind: 'int' };
export const UINT: CelType = { kind: 'uint' };
export const DOUBLE: CelType = { kind: 'double' };
export const STRING: CelType = { kind: 'string' };
export const BYTES: CelType = { kind: 'bytes' };
export const TIMESTAMP: CelType = { kind: 'timestamp' };
export const DURATION: CelType = { kind: 'duration' };
/** The type of what is already reported as wrong; agrees with everything. */
export const ERROR: CelType = { kind: 'error' };

export const listOf = (element: CelType): ListType => ({ kind: 'list', element });
export const mapOf = (key: CelType, value: CelType): MapType => ({ kind: 'map', key, value });
export const opaque = (name: string, ...params: CelType[]): CelType => ({ kind: 'opaque', name, params });
export const optionalOf = (type: CelType): CelType => opaque('optional_type', type);

/** What `optional_type(T)` holds; undefined for other types. */
export const optionalElement = (type: CelType): CelType | undefined =>
  (type.kind === 'opaque' && type.name === 'optional_type' ? type.params[0] : undefined);

/** An object type of fixed fields; keys are names as they are in JSON, which must need no escaping. */
export function objectType(name: string, fields: Readonly<Record<string, CelType>>): ObjectType {
  const known = new Map(Object.entries(fields).map(([field, type]) => [field, { name: field, type }]));
  const names = [...known.keys()];
  return { kind: 'object', name, field: (field) => known.get(field), fieldNames: () => names };
}

/** A type as compiler messages write it: `list(string)`, `map(string, int)`, `optional_type(dyn)`. */
export function typeText(type: CelType): string {
  switch (type.kind) {
    case 'list': return `list(${typeText(type.element)})`;
    case 'map': return `map(${typeText(type.key)}, ${typeText(type.value)})`;
    case 'object': return type.name;
    case 'opaque': return type.params.length === 0 ? type.name : `${type.name}(${type.params.map(typeText).join(', ')})`;
    case 'type': return `type(${typeText(type.of)})`;
    case 'param': return type.name;
    case 'var': return 'dyn';
    case 'error': return '!error!';
    default: return type.kind;
  }
}

const SIMPLE: Readonly<Record<string, CelType>> = {
  dyn: DYN, null: NULL, bool: BOOL, int: INT, uint: UINT, double: DOUBLE, string: STRING, bytes: BYTES, timestamp: TIMESTAMP, duration: DURATION,
};

/** Splits at commas outside of angle brackets. */
function splitTypes(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    depth += char === '<' ? 1 : char === '>' ? -1 : 0;
    if (char === ',' && depth === 0) {
      parts.push(text.slice(start, at).trim());
      start = at + 1;
    }
  }
  const last = text.slice(start).trim();
  return last === '' ? parts : [...parts, last];
}

/**
 * Reads a type as our own declarations write it: `string`, `list<A>`, `map<string, dyn>`, `optional<A>`, `type<A>`, `net.IP`. A capital letter
 * alone is a type parameter; a name that is not built in is a library's type.
 */
export function parseTypeText(text: string): CelType {
  const simple = Object.hasOwn(SIMPLE, text) ? SIMPLE[text] : undefined;
  if (simple !== undefined) {
    return simple;
  }
  if (/^[A-Z]$/.test(text)) {
    return { kind: 'param', name: text };
  }
  const open = text.indexOf('<');
  if (open < 0) {
    return opaque(text);
  }
  const [first = DYN, second = DYN] = splitTypes(text.slice(open + 1, -1)).map(parseTypeText);
  switch (text.slice(0, open)) {
    case 'list': return listOf(first);
    case 'map': return mapOf(first, second);
    case 'optional': return optionalOf(first);
    case 'type': return { kind: 'type', of: first };
    default: throw new Error(`cel: cannot read the type ${text}`);
  }
}

/** The parameters of a declaration: `string, list<A>`. */
export const parseTypeTexts = (text: string): CelType[] => splitTypes(text).map(parseTypeText);
