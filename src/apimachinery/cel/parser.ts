/** From text to syntax tree: a recursive descent by CEL's grammar. Macros are recognised on the way (macros.ts). */
import type { CallExpr, Expr } from './ast.ts';
import { CelCompileError } from './errors.ts';
import { Lexer, type Token } from './lexer.ts';
import { expandMacro } from './macros.ts';
import { RESERVED } from './names.ts';

/** Characters of an expression (cel-go's own limit). */
const MAX_EXPRESSION_SIZE = 100_000;
/** Levels of an expression, brackets and operators together. */
const MAX_DEPTH = 250;

const BINARY: readonly (readonly string[])[] = [['==', '!=', '<', '<=', '>', '>=', 'in'], ['+', '-'], ['*', '/', '%']];
const BINARY_NAMES: Readonly<Record<string, string>> = {
  '==': '_==_', '!=': '_!=_', '<': '_<_', '<=': '_<=_', '>': '_>_', '>=': '_>=_', in: '@in', '+': '_+_', '-': '_-_', '*': '_*_', '/': '_/_', '%': '_%_',
};
const OPERANDS = "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";

class Parser {
  readonly #lexer: Lexer;
  #token: Token;
  #level = 0;
  /** Levels below each node, kept while parsing: chains of operators grow deep without nesting. */
  readonly #depths = new Map<Expr, number>();

  constructor(source: string) {
    this.#lexer = new Lexer(source);
    this.#token = this.#lexer.next();
  }

  parse(): Expr {
    const expr = this.#expression();
    return this.#token.type === 'end' ? expr : this.#lexer.fail(this.#token.at, `Syntax error: extraneous input '${this.#token.text}' expecting <EOF>`);
  }

  #is(text: string): boolean {
    return this.#token.type === 'operator' && this.#token.text === text;
  }

  #advance(afterDot = false): Token {
    const token = this.#token;
    this.#token = this.#lexer.next(afterDot);
    return token;
  }

  #take(text: string): boolean {
    const found = this.#is(text);
    if (found) {
      this.#advance();
    }
    return found;
  }

  #expect(text: string): Token {
    return this.#is(text) ? this.#advance() : this.#lexer.fail(this.#token.at, `Syntax error: missing '${text}' at '${this.#token.text}'`);
  }

  /** Records how deep a new node is; refuses what is too deep to walk. */
  #node<E extends Expr>(expr: E, ...children: readonly Expr[]): E {
    const depth = 1 + children.reduce((most, child) => Math.max(most, this.#depths.get(child) ?? 0), 0);
    if (depth > MAX_DEPTH) {
      this.#lexer.fail(expr.at, `expression recursion limit exceeded: ${MAX_DEPTH}`);
    }
    this.#depths.set(expr, depth);
    return expr;
  }

  #call(at: number, fn: string, ...args: readonly Expr[]): CallExpr {
    return this.#node({ kind: 'call', at, fn, target: undefined, args }, ...args);
  }

  #expression(): Expr {
    this.#level += 1;
    if (this.#level > MAX_DEPTH) {
      this.#lexer.fail(this.#token.at, `expression recursion limit exceeded: ${MAX_DEPTH}`);
    }
    const condition = this.#logical('||');
    let expr = condition;
    if (this.#is('?')) {
      const { at } = this.#advance();
      const yes = this.#logical('||');
      this.#expect(':');
      expr = this.#call(at, '_?_:_', condition, yes, this.#expression());
    }
    this.#level -= 1;
    return expr;
  }

  /** Chains of `||` and `&&` become balanced trees, as in cel-go, so that long ones are not deep. */
  #logical(operator: '||' | '&&'): Expr {
    const operand = (): Expr => (operator === '||' ? this.#logical('&&') : this.#binary(0));
    const terms = [operand()];
    const places: number[] = [];
    while (this.#is(operator)) {
      places.push(this.#advance().at);
      terms.push(operand());
    }
    const balanced = (from: number, to: number): Expr => {
      const only = terms[from];
      if (from === to && only !== undefined) {
        return only;
      }
      const middle = Math.floor((from + to) / 2);
      return this.#call(places[middle] ?? 0, `_${operator}_`, balanced(from, middle), balanced(middle + 1, to));
    };
    return balanced(0, terms.length - 1);
  }

  #binary(level: number): Expr {
    const operators = BINARY[level];
    if (operators === undefined) {
      return this.#unary();
    }
    let left = this.#binary(level + 1);
    while (this.#token.type === 'operator' && operators.includes(this.#token.text)) {
      const { at, text } = this.#advance();
      left = this.#call(at, BINARY_NAMES[text] ?? text, left, this.#binary(level + 1));
    }
    return left;
  }

  #unary(): Expr {
    const operator = this.#is('!') ? '!' : '-';
    const first = this.#token;
    let count = 0;
    while (this.#take(operator)) {
      count += 1;
    }
    if (operator === '-' && count % 2 === 1 && this.#token.type === 'literal' && /^[\d.]/.test(this.#token.text)) {
      return this.#negativeNumber(first.at);
    }
    const operand = this.#member();
    return count % 2 === 0 ? operand : this.#call(first.at, operator === '!' ? '!_' : '-_', operand);
  }

  #negativeNumber(at: number): Expr {
    const token = this.#advance();
    const value = token.type === 'literal' ? token.value : null;
    if (typeof value === 'bigint' || typeof value === 'number') {
      return this.#postfix(this.#node({ kind: 'const', at, value: -value }));
    }
    return this.#call(at, '-_', this.#postfix(this.#node({ kind: 'const', at: token.at, value })));
  }

  #member(): Expr {
    return this.#postfix(this.#primary());
  }

  #postfix(start: Expr): Expr {
    let expr = start;
    for (;;) {
      if (this.#is('.')) {
        expr = this.#selection(expr);
      } else if (this.#is('[')) {
        expr = this.#index(expr);
      } else if (this.#is('{') && qualifiedName(expr) !== undefined) {
        expr = this.#struct(expr);
      } else {
        return expr;
      }
    }
  }

  #selection(operand: Expr): Expr {
    const { at } = this.#advance(true);
    const optional = this.#is('?');
    if (optional) {
      this.#advance(true);
    }
    const name = this.#token;
    if (name.type !== 'name') {
      return this.#lexer.fail(name.at, `Syntax error: no viable alternative at input '.${name.text}'`);
    }
    this.#advance();
    if (optional || name.quoted === true || !this.#is('(')) {
      return this.#node({ kind: 'select', at, operand, field: name.text, test: false, optional }, operand);
    }
    const open = this.#advance();
    const args = this.#list(')');
    return this.#expanded({ kind: 'call', at: open.at, fn: name.text, target: operand, args }, [operand, ...args]);
  }

  #expanded(call: CallExpr, children: readonly Expr[]): Expr {
    return this.#node(expandMacro(call, (at, message) => this.#lexer.fail(at, message)), ...children);
  }

  #index(operand: Expr): Expr {
    const { at } = this.#advance();
    const optional = this.#take('?');
    const index = this.#expression();
    this.#expect(']');
    return this.#call(at, optional ? '_[?_]' : '_[_]', operand, index);
  }

  #list(close: string): Expr[] {
    const items: Expr[] = [];
    while (!this.#is(close)) {
      items.push(this.#expression());
      if (!this.#take(',')) {
        break;
      }
    }
    this.#expect(close);
    return items;
  }

  #primary(): Expr {
    const token = this.#token;
    if (token.type === 'literal') {
      this.#advance();
      if (token.value === 2n ** 63n) {
        this.#lexer.fail(token.at, 'invalid int literal');
      }
      return this.#node({ kind: 'const', at: token.at, value: token.value });
    }
    if (token.type === 'name' || this.#is('.')) {
      return this.#identifier();
    }
    if (this.#take('(')) {
      const expr = this.#expression();
      this.#expect(')');
      return expr;
    }
    if (this.#is('[')) {
      return this.#listLiteral();
    }
    return this.#is('{') ? this.#mapLiteral() : this.#lexer.fail(token.at, `Syntax error: mismatched input '${token.text}' expecting ${OPERANDS}`);
  }

  #identifier(): Expr {
    // A leading dot means the outermost container, which is the only one there is.
    this.#take('.');
    const token = this.#token;
    if (token.type !== 'name') {
      return this.#lexer.fail(token.at, `Syntax error: mismatched input '${token.text}' expecting IDENTIFIER`);
    }
    if (RESERVED.has(token.text)) {
      return this.#lexer.fail(token.at, `reserved identifier: ${token.text}`);
    }
    this.#advance();
    if (!this.#is('(')) {
      return this.#node({ kind: 'ident', at: token.at, name: token.text });
    }
    const open = this.#advance();
    const args = this.#list(')');
    return this.#expanded({ kind: 'call', at: open.at, fn: token.text, target: undefined, args }, args);
  }

  #listLiteral(): Expr {
    const { at } = this.#advance();
    const items: { value: Expr; optional: boolean }[] = [];
    while (!this.#is(']')) {
      const optional = this.#take('?');
      items.push({ optional, value: this.#expression() });
      if (!this.#take(',')) {
        break;
      }
    }
    this.#expect(']');
    return this.#node({ kind: 'list', at, items }, ...items.map(({ value }) => value));
  }

  #mapLiteral(): Expr {
    const { at } = this.#advance();
    const entries: { key: Expr; value: Expr; optional: boolean }[] = [];
    while (!this.#is('}')) {
      const optional = this.#take('?');
      const key = this.#expression();
      this.#expect(':');
      entries.push({ optional, key, value: this.#expression() });
      if (!this.#take(',')) {
        break;
      }
    }
    this.#expect('}');
    return this.#node({ kind: 'map', at, entries }, ...entries.flatMap(({ key, value }) => [key, value]));
  }

  #struct(name: Expr): Expr {
    const { at } = this.#advance();
    const fields: { at: number; name: string; value: Expr; optional: boolean }[] = [];
    while (!this.#is('}')) {
      const optional = this.#take('?');
      const field = this.#token;
      if (field.type !== 'name') {
        return this.#lexer.fail(field.at, `Syntax error: mismatched input '${field.text}' expecting IDENTIFIER`);
      }
      this.#advance();
      const colon = this.#expect(':');
      fields.push({ at: colon.at, optional, name: field.text, value: this.#expression() });
      if (!this.#take(',')) {
        break;
      }
    }
    this.#expect('}');
    return this.#node({ kind: 'struct', at, type: qualifiedName(name) ?? '', fields }, ...fields.map(({ value }) => value));
  }
}

/** `a.b.c` of an expression that is nothing but names and dots; undefined for others. */
export function qualifiedName(expr: Expr): string | undefined {
  if (expr.kind === 'ident') {
    return expr.name;
  }
  if (expr.kind !== 'select' || expr.test || expr.optional) {
    return undefined;
  }
  const before = qualifiedName(expr.operand);
  return before === undefined ? undefined : `${before}.${expr.field}`;
}

/** Throws CelCompileError. */
export function parse(source: string): Expr {
  if (source.length > MAX_EXPRESSION_SIZE) {
    throw new CelCompileError('', [{ offset: 0, message: `expression code point size exceeds limit: size: ${source.length}, limit ${MAX_EXPRESSION_SIZE}` }]);
  }
  return new Parser(source).parse();
}
