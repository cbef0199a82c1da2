/** Where a decoder is in the document, so that it can say so when something is wrong; costs nothing while nothing is. */

/** Unknown fields that are named; more are dropped silently. */
export const MAX_UNKNOWN_FIELDS = 100;
/** Characters of JSON that a schema's defaults may add to one document: a list of a million empty elements must not become a gigabyte. */
export const MAX_DEFAULTED_CHARS = 16 * 1024 * 1024;

export class DecodeContext {
  readonly unknown: string[] = [];
  readonly #collect: boolean;
  readonly #path: (string | number)[] = [];
  /** For each segment, whether it is a key of a map: those are no part of Go's field paths. */
  readonly #isKey: boolean[] = [];

  #defaulted = 0;

  constructor(collect: boolean) {
    this.#collect = collect;
  }

  /** Counts a default of so many characters. Throws ValueError beyond the limit. */
  defaulted(chars: number): void {
    this.#defaulted += chars;
    if (this.#defaulted > MAX_DEFAULTED_CHARS) {
      throw new ValueError(`defaults would add more than ${MAX_DEFAULTED_CHARS} characters to the object (MAX_DEFAULTED_CHARS)`);
    }
  }

  /** A field, or the index of a list. */
  enter(segment: string | number): void {
    this.#path.push(segment);
    this.#isKey.push(typeof segment === 'number');
  }

  enterKey(key: string): void {
    this.#path.push(key);
    this.#isKey.push(true);
  }

  leave(): void {
    this.#path.pop();
    this.#isKey.pop();
  }

  unknownField(name: string): void {
    if (this.#collect && this.unknown.length < MAX_UNKNOWN_FIELDS) {
      this.unknown.push(`unknown field ${JSON.stringify(this.pathTo(name))}`);
    }
  }

  /** `spec.containers[0].foo`; without a name the place that was entered. */
  pathTo(name: string): string {
    let text = '';
    for (const segment of name === '' ? this.#path : [...this.#path, name]) {
      text += typeof segment === 'number' ? `[${segment}]` : text === '' ? segment : `.${segment}`;
    }
    return text;
  }

  /** As Go names a field in a type error: without indexes and keys, e.g. `spec.containers.image`. */
  fieldPath(name: string): string {
    const names = this.#path.filter((_, index) => this.#isKey[index] !== true);
    return (name === '' ? names : [...names, name]).join('.');
  }
}

export interface Place {
  /** Name of the Go struct that has the field. */
  struct: string;
  /** Empty when the value is an element of the list or map that was entered. */
  field: string;
  /** Its Go type. */
  type: string;
}

/** A value of the wrong type, worded as Go's json package words it. */
export class DecodeError extends Error {
  override name = 'DecodeError';
  /** The place with its indexes, for the wording of custom resources. */
  readonly path: string;
  /** `number 1.5`, `string`: what was found. */
  readonly kind: string;
  /** The Go type that was expected; empty when the type was right and the value not. */
  readonly type: string;

  constructor(context: DecodeContext, kind: string, place: Place) {
    const path = context.fieldPath(place.field);
    super(path === ''
      ? `json: cannot unmarshal ${kind} into Go value of type ${place.type}`
      : `json: cannot unmarshal ${kind} into Go struct field ${place.struct}.${path} of type ${place.type}`);
    this.path = context.pathTo(place.field);
    this.kind = kind;
    this.type = place.type;
  }
}

/** A value of the right JSON type that says nothing sensible: the message stands alone. */
export class ValueError extends DecodeError {
  override name = 'ValueError';

  constructor(message: string) {
    super(new DecodeContext(false), '', { struct: '', field: '', type: '' });
    this.message = message;
  }
}
