/**
 * Reading long JSON texts in steps, so that whoever reads can rest in between: a native parser would hold the thread for as long as the text
 * takes. Several times slower than that in all; for texts with many values only.
 */
import type { Json, JsonObject } from './object.ts';
import { setOwn } from './values.ts';

/** Values read in one step: some tenths of a millisecond. */
const STEP_VALUES = 256;
/** Duplicates that are named. */
const MAX_DUPLICATES = 100;
const SCALAR = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null/y;

/** The text is no JSON; the message says why. */
export class JsonTextError extends Error { override name = 'JsonTextError'; }
/** Lists and objects are inside one another deeper than allowed. */
export class JsonDepthError extends Error { override name = 'JsonDepthError'; }
/** An object has more members than allowed. */
export class JsonWidthError extends Error { override name = 'JsonWidthError'; }

export interface JsonLimits {
  /** Lists and objects inside one another. */
  readonly depth: number;
  /** Members of one object, those given twice counted twice. */
  readonly members: number;
}

export interface ReadJson {
  value: Json;
  /** `duplicate field "spec.replicas"`, at most a hundred. The last value counts. */
  duplicates: string[];
}

/** A list or object whose end has not been read. */
type Open = { readonly list: Json[] } | { readonly object: JsonObject; name: string; members: number };

const isSpace = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;

class Reader {
  readonly #text: string;
  readonly #limits: JsonLimits;
  readonly #open: Open[] = [];
  readonly #duplicates = new Set<string>();
  #at = 0;

  constructor(text: string, limits: JsonLimits) {
    this.#text = text;
    this.#limits = limits;
  }

  /** The document is complete when this has come to its end. */
  * read(): Generator<undefined, ReadJson, undefined> {
    let values = 0;
    for (;;) {
      let complete = this.#value();
      while (complete !== undefined) {
        const into = this.#open.at(-1);
        if (into === undefined) {
          this.#space();
          return this.#at === this.#text.length ? { value: complete.value, duplicates: [...this.#duplicates] } : this.#fail();
        }
        this.#put(into, complete.value);
        // Closing it makes it a complete value of what it stands in.
        complete = this.#more(into);
      }
      values += 1;
      if (values % STEP_VALUES === 0) {
        yield;
      }
    }
  }

  #put(into: Open, value: Json): void {
    if ('list' in into) {
      into.list.push(value);
      return;
    }
    if (Object.hasOwn(into.object, into.name) && this.#duplicates.size < MAX_DUPLICATES) {
      this.#duplicates.add(`duplicate field ${JSON.stringify(this.#path())}`);
    }
    setOwn(into.object, into.name, value);
  }

  /** After a value: a comma, and undefined; or the end of what it stands in, and that. */
  #more(into: Open): { value: Json } | undefined {
    const list = 'list' in into;
    switch (this.#next()) {
      case ',':
        if (!list) {
          this.#name(into);
        }
        return undefined;
      case ']': return list ? this.#close(into.list) : this.#fail(-1);
      case '}': return list ? this.#fail(-1) : this.#close(into.object);
      default: return this.#fail(-1);
    }
  }

  #close(value: Json): { value: Json } {
    this.#open.pop();
    return { value };
  }

  /** A scalar or an empty list or object; undefined when one has been opened whose first value comes next. */
  #value(): { value: Json } | undefined {
    switch (this.#next()) {
      case '"': return { value: this.#string() };
      case '[': return this.#opened({ list: [] }, ']');
      case '{': return this.#opened({ object: {}, name: '', members: 0 }, '}');
      default:
    }
    SCALAR.lastIndex = this.#at - 1;
    const found = SCALAR.exec(this.#text)?.[0];
    if (found === undefined) {
      return this.#fail(-1);
    }
    this.#at += found.length - 1;
    return { value: JSON.parse(found) as Json };
  }

  #opened(open: Open, end: string): { value: Json } | undefined {
    if (this.#open.length === this.#limits.depth) {
      throw new JsonDepthError(`exceeded max depth of ${this.#limits.depth}`);
    }
    this.#space();
    if (this.#text[this.#at] === end) {
      this.#at += 1;
      return { value: 'list' in open ? open.list : open.object };
    }
    this.#open.push(open);
    if (!('list' in open)) {
      this.#name(open);
    }
    return undefined;
  }

  #name(open: { name: string; members: number }): void {
    open.members += 1;
    if (open.members > this.#limits.members) {
      throw new JsonWidthError(`an object may have at most ${this.#limits.members} members`);
    }
    if (this.#next() !== '"') {
      this.#fail(-1);
    }
    open.name = this.#string();
    if (this.#next() !== ':') {
      this.#fail(-1);
    }
  }

  /** The opening quote has been read. */
  #string(): string {
    const start = this.#at - 1;
    let end = this.#text.indexOf('"', this.#at);
    while (end > 0 && this.#isEscaped(end)) {
      end = this.#text.indexOf('"', end + 1);
    }
    if (end < 0) {
      this.#at = this.#text.length;
      return this.#fail();
    }
    this.#at = end + 1;
    try {
      // A copy of its own: a mere slice would keep the whole text in memory.
      return String(JSON.parse(this.#text.slice(start, end + 1)));
    } catch (error) {
      throw new JsonTextError(`bad string at position ${start}`, { cause: error });
    }
  }

  /** Whether an odd number of backslashes stands before. */
  #isEscaped(at: number): boolean {
    let before = at - 1;
    while (this.#text.charCodeAt(before) === 0x5c) {
      before -= 1;
    }
    return (at - before) % 2 === 0;
  }

  #space(): void {
    while (isSpace(this.#text.charCodeAt(this.#at))) {
      this.#at += 1;
    }
  }

  /** The next character that is no white space, read; empty at the end. */
  #next(): string {
    this.#space();
    this.#at += 1;
    return this.#text.charAt(this.#at - 1);
  }

  /** Where the reader stands. */
  #path(): string {
    let path = '';
    for (const open of this.#open) {
      path += 'list' in open ? `[${open.list.length}]` : path === '' ? open.name : `.${open.name}`;
    }
    return path;
  }

  #fail(offset: 0 | -1 = 0): never {
    const at = this.#at + offset;
    throw new JsonTextError(at >= this.#text.length ? 'Unexpected end of JSON input' : `Unexpected token ${JSON.stringify(this.#text.charAt(at))} at position ${at}`);
  }
}

/** Reads a JSON text as JSON.parse does, with a rest for the caller after every few hundred values. Throws JsonTextError, JsonDepthError and JsonWidthError. */
export const readJsonInSteps = (text: string, limits: JsonLimits): Generator<undefined, ReadJson, undefined> => new Reader(text, limits).read();
