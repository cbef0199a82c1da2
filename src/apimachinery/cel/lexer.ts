/** Tokens of an expression: numbers, strings and bytes already read, names, and operators. */
import { CelCompileError } from './errors.ts';
import { CelUint, type CelValue } from './values.ts';

export type Token =
  | { readonly type: 'literal'; readonly at: number; readonly text: string; readonly value: CelValue }
  /** `quoted`: written in backquotes, only after a dot. */
  | { readonly type: 'name'; readonly at: number; readonly text: string; readonly quoted?: boolean }
  | { readonly type: 'operator'; readonly at: number; readonly text: string }
  | { readonly type: 'end'; readonly at: number; readonly text: '<EOF>' };

const WHITE = /(?:[\t\n\f\r ]+|\/\/[^\n]*)+/y;
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const QUOTED = /`([A-Za-z0-9_.\-/ ]+)`/y;
const NUMBER = /0[xX][0-9a-fA-F]+[uU]?|(?:\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)|\d+[uU]?/y;
const STRING = /([rR]?[bB]?|[bB][rR])("""|'''|"|')/y;
const OPERATOR = /==|!=|<=|>=|&&|\|\||[-+*/%<>!?:.,()[\]{}]/y;

const WORDS: Readonly<Record<string, CelValue>> = { true: true, false: false, null: null };
const ESCAPES: Readonly<Record<string, string>> = {
  a: '\u0007', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', '\\': '\\', '?': '?', '"': '"', "'": "'", '`': '`',
};
const ESCAPE = /\\(?:([abfnrtv\\?"'`])|[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|([^]?))/g;

const INT_MAX = 2n ** 63n - 1n;
const UINT_MAX = 2n ** 64n - 1n;

export class Lexer {
  readonly #source: string;
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  fail(at: number, message: string): never {
    throw new CelCompileError(this.#source, [{ offset: at, message }]);
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#source);
  }

  /** The next token. `afterDot`: backquoted names are possible and numbers are not. */
  next(afterDot = false): Token {
    this.#at += this.#match(WHITE)?.[0].length ?? 0;
    const at = this.#at;
    if (at >= this.#source.length) {
      return { type: 'end', at, text: '<EOF>' };
    }
    const text = this.#match(STRING);
    if (text !== null) {
      return this.#string(at, text);
    }
    const quoted = afterDot ? this.#match(QUOTED) : null;
    if (quoted !== null) {
      this.#at += quoted[0].length;
      return { type: 'name', at, text: quoted[1] ?? '', quoted: true };
    }
    const number = afterDot ? null : this.#match(NUMBER);
    if (number !== null) {
      this.#at += number[0].length;
      return { type: 'literal', at, text: number[0], value: this.#number(at, number[0]) };
    }
    return this.#word(at);
  }

  #word(at: number): Token {
    const name = this.#match(NAME)?.[0];
    if (name !== undefined) {
      this.#at += name.length;
      const value = Object.hasOwn(WORDS, name) ? WORDS[name] : undefined;
      return value === undefined ? { type: name === 'in' ? 'operator' : 'name', at, text: name } : { type: 'literal', at, text: name, value };
    }
    const operator = this.#match(OPERATOR)?.[0] ?? this.fail(at, `Syntax error: token recognition error at: '${String.fromCodePoint(this.#source.codePointAt(at) ?? 0)}'`);
    this.#at += operator.length;
    return { type: 'operator', at, text: operator };
  }

  #number(at: number, text: string): CelValue {
    const unsigned = /[uU]$/.test(text);
    if (!unsigned && !/^0[xX]/.test(text) && /[.eE]/.test(text)) {
      const value = Number(text);
      return Number.isFinite(value) ? value : this.fail(at, 'invalid double literal');
    }
    const value = BigInt(unsigned ? text.slice(0, -1) : text);
    if (unsigned) {
      return value > UINT_MAX ? this.fail(at, 'invalid uint literal') : new CelUint(value);
    }
    // One more than the greatest: only a minus before it makes it valid, which the parser sees to.
    return value > INT_MAX + 1n ? this.fail(at, 'invalid int literal') : value;
  }

  #string(at: number, [whole = '', prefix = '', quote = '']: RegExpExecArray): Token {
    const raw = /r/i.test(prefix);
    const bytes = /b/i.test(prefix);
    const start = at + whole.length;
    const end = this.#closing(at, start, quote, raw);
    this.#at = end + quote.length;
    const body = this.#source.slice(start, end).replaceAll('\r\n', '\n');
    const text = this.#source.slice(at, this.#at);
    if (!bytes) {
      return { type: 'literal', at, text, value: raw ? body : this.#unescape(start, body, false) };
    }
    return { type: 'literal', at, text, value: raw ? new TextEncoder().encode(body) : latinAndText(this.#unescape(start, body, true)) };
  }

  #closing(at: number, start: number, quote: string, raw: boolean): number {
    let place = start;
    while (place < this.#source.length) {
      if (this.#source.startsWith(quote, place)) {
        return place;
      }
      if (quote.length === 1 && (this.#source[place] === '\n' || this.#source[place] === '\r')) {
        break;
      }
      place += this.#source[place] === '\\' && !raw ? 2 : 1;
    }
    return this.fail(at, `Syntax error: token recognition error at: '${this.#source.slice(at, place)}'`);
  }

  /** In bytes, octets from escapes are marked by a private prefix until the text is encoded. */
  #unescape(start: number, body: string, bytes: boolean): string {
    return body.replace(ESCAPE, (whole: string, ...groups: readonly (string | number | undefined)[]) => {
      const [simple, hex, short, long, octal] = groups.slice(0, 5).map((group) => (typeof group === 'string' ? group : undefined));
      const offset = groups.find((group) => typeof group === 'number');
      if (simple !== undefined) {
        return ESCAPES[simple] ?? simple;
      }
      const octet = hex === undefined ? octal === undefined ? undefined : Number.parseInt(octal, 8) : Number.parseInt(hex, 16);
      if (octet !== undefined) {
        return bytes ? `${OCTET}${String.fromCharCode(octet)}` : String.fromCharCode(octet);
      }
      const code = Number.parseInt(short ?? long ?? '', 16);
      if (Number.isNaN(code) || bytes || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
        return this.fail(start + (offset ?? 0), `Syntax error: token recognition error at: '${whole}'`);
      }
      return String.fromCodePoint(code);
    });
  }
}

/** A noncharacter, which no source text holds validly. */
const OCTET = '\uffff';

/** UTF-8 of a text in which escaped octets are marked. */
function latinAndText(marked: string): Uint8Array {
  const parts = marked.split(OCTET).map((part, index) => (index === 0
    ? Buffer.from(part) : Buffer.concat([Buffer.from([part.charCodeAt(0)]), Buffer.from(part.slice(1))])));
  return new Uint8Array(Buffer.concat(parts));
}
