/** Label and field selectors: Kubernetes' grammar, its error texts, and matching. */
import { validateLabelValue, validateQualifiedName } from './namerules.ts';

export type LabelOperator = '=' | '==' | '!=' | 'in' | 'notin' | 'exists' | '!' | 'gt' | 'lt';

export interface LabelRequirement {
  key: string;
  operator: LabelOperator;
  /** Sorted; one for `=`, `==`, `!=`, `gt`, `lt`; none for `exists` and `!`. */
  values: readonly string[];
}

/** All requirements must hold. `nothing` matches no object at all (an absent metav1.LabelSelector). */
export interface LabelSelector {
  requirements: readonly LabelRequirement[];
  nothing?: boolean;
}

/** metav1.LabelSelector as it stands in specs. */
export interface LabelSelectorObject {
  matchLabels?: Readonly<Record<string, string>>;
  matchExpressions?: readonly { key: string; operator: string; values?: readonly string[] }[];
}

/** A selector that cannot be read; the message is Kubernetes' own, answered with 400. */
export class SelectorError extends Error { override name = 'SelectorError'; }

/** Characters of a selector that are read at all. */
const MAX_SELECTOR_LENGTH = 64 * 1024;
/** Requirements of one selector: every object that is listed or watched is compared with all of them. */
const MAX_REQUIREMENTS = 500;
/** Above this, values are searched for by halves. */
const FEW_VALUES = 8;
const BINARY_OPERATORS = 'in, notin, =, ==, !=, gt, lt';

type Token = { kind: 'end' | 'symbol' | 'identifier' | 'error'; text: string };

const SYMBOLS = ['==', '!=', '=', '!', '(', ')', ',', '>', '<'];
const isSpace = (character: string): boolean => character === ' ' || character === '\t' || character === '\r' || character === '\n';
const isSpecial = (character: string): boolean => '=!(),><'.includes(character);

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const character = text.charAt(at);
    if (isSpace(character)) {
      at += 1;
      continue;
    }
    const symbol = SYMBOLS.find((one) => text.startsWith(one, at));
    if (symbol !== undefined) {
      tokens.push({ kind: 'symbol', text: symbol });
      at += symbol.length;
      continue;
    }
    const start = at;
    while (at < text.length && !isSpace(text.charAt(at)) && !isSpecial(text.charAt(at))) {
      at += 1;
    }
    tokens.push({ kind: 'identifier', text: text.slice(start, at) });
  }
  return tokens;
}

const END: Token = { kind: 'end', text: '' };

class LabelParser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(text: string) {
    this.#tokens = tokenize(text);
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? END;
  }

  #next(): Token {
    const token = this.#peek();
    this.#at += 1;
    return token;
  }

  #isSymbol(text: string): boolean {
    const token = this.#peek();
    return token.kind === 'symbol' && token.text === text;
  }

  parse(): LabelRequirement[] {
    const requirements: LabelRequirement[] = [];
    if (this.#peek().kind === 'end') {
      return requirements;
    }
    for (;;) {
      const first = this.#peek();
      if (first.kind !== 'identifier' && !this.#isSymbol('!')) {
        throw new SelectorError(requirements.length === 0
          ? `found '${first.text}', expected: !, identifier, or 'end of string'`
          : `found '${first.text}', expected: identifier after ','`);
      }
      if (requirements.length === MAX_REQUIREMENTS) {
        throw new SelectorError(`a selector may have at most ${MAX_REQUIREMENTS} requirements`);
      }
      requirements.push(this.#requirement());
      const token = this.#next();
      if (token.kind === 'end') {
        return requirements;
      }
      if (token.text !== ',') {
        throw new SelectorError(`found '${token.text}', expected: ',' or 'end of string'`);
      }
    }
  }

  #requirement(): LabelRequirement {
    const negated = this.#isSymbol('!');
    if (negated) {
      this.#next();
    }
    const key = this.#next();
    if (key.kind !== 'identifier') {
      throw new SelectorError(`unable to parse requirement: found '${key.text}', expected: identifier`);
    }
    checkKey(key.text);
    if (negated) {
      return { key: key.text, operator: '!', values: [] };
    }
    if (this.#peek().kind === 'end' || this.#isSymbol(',')) {
      return { key: key.text, operator: 'exists', values: [] };
    }
    const operator = this.#operator();
    const values = operator === 'in' || operator === 'notin' ? this.#list() : [this.#exact()];
    return requirement(key.text, operator, values);
  }

  #operator(): LabelOperator {
    const token = this.#next();
    switch (token.text) {
      case '=': case '==': case '!=': case 'in': case 'notin': return token.text;
      case '>': return 'gt';
      case '<': return 'lt';
      default: throw new SelectorError(`unable to parse requirement: found '${token.text}', expected: ${BINARY_OPERATORS}`);
    }
  }

  #exact(): string {
    if (this.#peek().kind === 'end' || this.#isSymbol(',')) {
      return '';
    }
    const token = this.#next();
    if (token.kind !== 'identifier') {
      throw new SelectorError(`unable to parse requirement: found '${token.text}', expected: identifier`);
    }
    return token.text;
  }

  #list(): string[] {
    const open = this.#next();
    if (open.text !== '(') {
      throw new SelectorError(`unable to parse requirement: found '${open.text}' expected: '('`);
    }
    const first = this.#peek();
    if (first.kind !== 'identifier' && first.text !== ',' && first.text !== ')') {
      throw new SelectorError(`unable to parse requirement: found '${first.text}', expected: ',', ')' or identifier`);
    }
    const values: string[] = [];
    for (;;) {
      const value = this.#peek();
      if (value.kind === 'identifier') {
        values.push(this.#next().text);
      } else if (value.text === ',' || value.text === ')') {
        // Nothing between two separators is the empty value.
        values.push('');
      } else {
        throw new SelectorError(`unable to parse requirement: found '${value.text}', expected: ',', or identifier`);
      }
      const token = this.#next();
      if (token.text === ')') {
        return values;
      }
      if (token.text !== ',') {
        throw new SelectorError(`unable to parse requirement: found '${token.text}', expected: ',' or ')'`);
      }
    }
  }
}

function checkKey(key: string): void {
  const whys = validateQualifiedName(key);
  if (whys.length > 0) {
    throw new SelectorError(`unable to parse requirement: <nil>: Invalid value: ${JSON.stringify(key)}: ${whys.join('; ')}`);
  }
}

function requirement(key: string, operator: LabelOperator, values: readonly string[]): LabelRequirement {
  if ((operator === 'in' || operator === 'notin') && values.length === 0) {
    throw new SelectorError("unable to parse requirement: values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty");
  }
  if ((operator === 'gt' || operator === 'lt') && !/^[+-]?[0-9]+$/.test(values[0] ?? '')) {
    throw new SelectorError(`unable to parse requirement: values[0]: Invalid value: ${JSON.stringify(values[0] ?? '')}: for 'Gt', 'Lt' operators, the value must be an integer`);
  }
  for (const [index, value] of values.entries()) {
    const whys = validateLabelValue(value);
    if (whys.length > 0) {
      throw new SelectorError(`unable to parse requirement: values[${index}][${key}]: Invalid value: ${JSON.stringify(value)}: ${whys.join('; ')}`);
    }
  }
  return { key, operator, values: [...new Set(values)].sort() };
}

/** Reads `app=web,tier in (a,b),!old`. Throws SelectorError. */
export function parseLabelSelector(text: string): LabelSelector {
  if (text.length > MAX_SELECTOR_LENGTH) {
    throw new SelectorError(`selector is longer than ${MAX_SELECTOR_LENGTH} characters`);
  }
  return { requirements: new LabelParser(text).parse().sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)) };
}

const OBJECT_OPERATORS: Readonly<Record<string, LabelOperator>> = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: '!' };

/** The selector of a spec. Absent: matches nothing; empty: matches everything. Throws SelectorError. */
export function selectorFromObject(selector: LabelSelectorObject | undefined): LabelSelector {
  if (selector === undefined) {
    return { requirements: [], nothing: true };
  }
  const requirements = Object.entries(selector.matchLabels ?? {})
    .map(([key, value]): LabelRequirement => ({ key, operator: '=', values: [value] }));
  for (const { key, operator, values } of selector.matchExpressions ?? []) {
    const known = Object.hasOwn(OBJECT_OPERATORS, operator) ? OBJECT_OPERATORS[operator] : undefined;
    if (known === undefined) {
      throw new SelectorError(`"${operator}" is not a valid label selector operator`);
    }
    requirements.push(requirement(key, known, values ?? []));
  }
  return { requirements };
}

/** All of these labels, exactly. An empty or absent map matches everything, as for `spec.nodeSelector`. */
export function selectorFromMap(map: Readonly<Record<string, string>> | undefined): LabelSelector {
  return { requirements: Object.entries(map ?? {}).map(([key, value]) => ({ key, operator: '=', values: [value] })) };
}

/** `gt` and `lt`: integers of any size; what is no integer never matches. */
function compares(operator: 'gt' | 'lt', value: string, limit: string): boolean {
  if (!/^[+-]?[0-9]+$/.test(value)) {
    return false;
  }
  return operator === 'gt' ? BigInt(value) > BigInt(limit) : BigInt(value) < BigInt(limit);
}

/** Whether a sorted list has the value. */
function has(values: readonly string[], value: string): boolean {
  if (values.length <= FEW_VALUES) {
    return values.includes(value);
  }
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((values[middle] ?? '') < value) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return values[low] === value;
}

function holds({ operator, values }: LabelRequirement, value: string | undefined): boolean {
  switch (operator) {
    case '=': case '==': case 'in': return value !== undefined && has(values, value);
    case '!=': case 'notin': return value === undefined || !has(values, value);
    case 'exists': return value !== undefined;
    case '!': return value === undefined;
    default: return value !== undefined && compares(operator, value, values[0] ?? '0');
  }
}

export function matchesLabels(selector: LabelSelector, labels: Readonly<Record<string, string>> | undefined): boolean {
  if (selector.nothing === true) {
    return false;
  }
  return selector.requirements.every((one) =>
    holds(one, labels !== undefined && Object.hasOwn(labels, one.key) ? labels[one.key] : undefined));
}

/** The text form, which `parseLabelSelector` reads again. */
export function selectorToString(selector: LabelSelector): string {
  return selector.requirements.map(({ key, operator, values }) => {
    switch (operator) {
      case 'exists': return key;
      case '!': return `!${key}`;
      case 'in': case 'notin': return `${key} ${operator} (${values.join(',')})`;
      case 'gt': return `${key}>${values[0] ?? ''}`;
      case 'lt': return `${key}<${values[0] ?? ''}`;
      default: return `${key}${operator}${values[0] ?? ''}`;
    }
  }).join(',');
}

export interface FieldRequirement {
  /** Dot path, e.g. `metadata.name`. */
  field: string;
  operator: '=' | '!=';
  value: string;
}

export interface FieldSelector {
  requirements: readonly FieldRequirement[];
}

/** Splits at commas that no backslash escapes. */
function splitTerms(text: string): string[] {
  const terms: string[] = [];
  let start = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '\\') {
      at += 1;
    } else if (text[at] === ',') {
      terms.push(text.slice(start, at));
      start = at + 1;
    }
  }
  terms.push(text.slice(start));
  return terms;
}

function unescape(text: string): string {
  return text.replace(/\\(.?)|[,=]/gs, (sequence, escaped: string | undefined) => {
    if (escaped === undefined || !['\\', ',', '='].includes(escaped)) {
      throw new SelectorError(`invalid field selector: unescaped character in value: ${sequence}`);
    }
    return escaped;
  });
}

function splitTerm(term: string): FieldRequirement | undefined {
  for (let at = 0; at < term.length; at += 1) {
    if (term[at] === '\\') {
      at += 1;
      continue;
    }
    for (const operator of ['!=', '==', '='] as const) {
      if (term.startsWith(operator, at)) {
        return { field: term.slice(0, at), operator: operator === '!=' ? '!=' : '=', value: unescape(term.slice(at + operator.length)) };
      }
    }
  }
  return undefined;
}

/** Reads `metadata.name=web,status.phase!=Running`; `\,`, `\=` and `\\` are escapes. Throws SelectorError. */
export function parseFieldSelector(text: string): FieldSelector {
  if (text.length > MAX_SELECTOR_LENGTH) {
    throw new SelectorError(`selector is longer than ${MAX_SELECTOR_LENGTH} characters`);
  }
  const requirements: FieldRequirement[] = [];
  for (const term of splitTerms(text)) {
    if (term === '') {
      continue;
    }
    const read = splitTerm(term);
    if (read === undefined) {
      throw new SelectorError(`invalid selector: '${text}'; can't understand '${term}'`);
    }
    if (requirements.length === MAX_REQUIREMENTS) {
      throw new SelectorError(`a selector may have at most ${MAX_REQUIREMENTS} requirements`);
    }
    requirements.push(read);
  }
  return { requirements };
}

/** `valueOf` gives the text of a field of the object, empty when it has none. */
export function matchesFields(selector: FieldSelector, valueOf: (field: string) => string): boolean {
  return selector.requirements.every(({ field, operator, value }) => (valueOf(field) === value) === (operator === '='));
}
