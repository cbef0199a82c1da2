/**
 * JSONPath as Kubernetes' printer columns use it (k8s.io/client-go/util/jsonpath): `.spec.a`, `['a.b']`, `.a\.b`, `[0]`, `[-1]`, `[1:3]`,
 * `[*]`, `.*`, `..name`, `[0,2]`, `[?(@.type=="Ready")]`. Read once to a function over JSON values.
 */
import { isObject } from './values.ts';

/** A path that cannot be read. */
export class JsonPathError extends Error { override name = 'JsonPathError'; }

/** Characters of a path. */
export const MAX_JSONPATH_LENGTH = 4_096;
/** Values that one path finds at most: `..` visits everything. */
export const MAX_JSONPATH_RESULTS = 10_000;

/** All values a path leads to, in document order; empty when there are none. */
export type JsonPath = (document: unknown) => unknown[];

type Step = (values: readonly unknown[]) => unknown[];

const childrenOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : isObject(value) ? Object.values(value) : []);

const member = (name: string): Step => (values) =>
  values.flatMap((value) => (isObject(value) && Object.hasOwn(value, name) ? [value[name]] : []));

const every: Step = (values) => values.flatMap(childrenOf);

const deep: Step = (values) => {
  const found: unknown[] = [];
  const visit = (value: unknown): void => {
    if (found.length < MAX_JSONPATH_RESULTS) {
      found.push(value);
      childrenOf(value).forEach(visit);
    }
  };
  values.forEach(visit);
  return found;
};

function slice(text: string): Step {
  const [from, to, by] = text.split(':').map((part) => (part.trim() === '' ? undefined : Number(part)));
  const isIndex = !text.includes(':');
  if ([from, to, by].some((part) => part !== undefined && !Number.isInteger(part)) || (isIndex && from === undefined) || (by !== undefined && by <= 0)) {
    throw new JsonPathError(`invalid array index ${text}`);
  }
  return (values) => values.flatMap((value): unknown[] => {
    if (!Array.isArray(value)) {
      return [];
    }
    const list: readonly unknown[] = value;
    if (isIndex) {
      const at = from ?? 0;
      const index = at < 0 ? list.length + at : at;
      return index >= 0 && index < list.length ? [list[index]] : [];
    }
    return list.slice(from, to).filter((_, index) => index % (by ?? 1) === 0);
  });
}

type Operand = (value: unknown) => unknown;

function operand(text: string): Operand {
  const trimmed = text.trim();
  if (trimmed.startsWith('@')) {
    const path = compileJsonPath(trimmed.slice(1));
    return (value) => path(value)[0];
  }
  const quoted = /^(?:"([^"]*)"|'([^']*)')$/.exec(trimmed);
  if (quoted !== null) {
    return () => quoted[1] ?? quoted[2] ?? '';
  }
  if (trimmed === 'true' || trimmed === 'false') {
    return () => trimmed === 'true';
  }
  if (trimmed === '' || Number.isNaN(Number(trimmed))) {
    throw new JsonPathError(`unrecognized identifier ${trimmed}`);
  }
  return () => Number(trimmed);
}

function compare(operator: string, left: unknown, right: unknown): boolean {
  if (left === undefined || right === undefined) {
    return false;
  }
  if (operator === '==' || operator === '!=') {
    return (left === right) === (operator === '==');
  }
  if (!(typeof left === 'number' && typeof right === 'number') && !(typeof left === 'string' && typeof right === 'string')) {
    return false;
  }
  switch (operator) {
    case '<': return left < right;
    case '>': return left > right;
    case '<=': return left <= right;
    default: return left >= right;
  }
}

/** Where the operator of a filter stands, outside of quotes. */
function findOperator(text: string): { at: number; operator: string } | undefined {
  let quote = '';
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (quote !== '') {
      quote = character === quote ? '' : quote;
    } else if (character === '"' || character === "'") {
      quote = character;
    } else {
      const operator = ['==', '!=', '<=', '>=', '<', '>'].find((one) => text.startsWith(one, at));
      if (operator !== undefined) {
        return { at, operator };
      }
    }
  }
  return undefined;
}

function filter(text: string): Step {
  const found = findOperator(text);
  if (found === undefined) {
    const present = operand(text);
    return (values) => values.flatMap((value) => childrenOf(value).filter((one) => present(one) !== undefined));
  }
  const left = operand(text.slice(0, found.at));
  const right = operand(text.slice(found.at + found.operator.length));
  return (values) => values.flatMap((value) => childrenOf(value).filter((one) => compare(found.operator, left(one), right(one))));
}

/** What stands in brackets. */
function bracket(text: string): Step {
  const trimmed = text.trim();
  if (trimmed === '*') {
    return every;
  }
  if (trimmed.startsWith('?(') && trimmed.endsWith(')')) {
    return filter(trimmed.slice(2, -1));
  }
  if (/^(?:"[^"]*"|'[^']*')(?:\s*,\s*(?:"[^"]*"|'[^']*'))*$/.test(trimmed)) {
    const steps = [...trimmed.matchAll(/"([^"]*)"|'([^']*)'/g)].map((match) => member(match[1] ?? match[2] ?? ''));
    return (values) => steps.flatMap((step) => step(values));
  }
  if (trimmed.includes(',')) {
    const steps = trimmed.split(',').map((part) => slice(part.trim()));
    return (values) => steps.flatMap((step) => step(values));
  }
  return slice(trimmed);
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  steps(): Step[] {
    const steps: Step[] = [];
    while (this.#at < this.#text.length) {
      const character = this.#text.charAt(this.#at);
      if (character === '[') {
        steps.push(bracket(this.#brackets()));
      } else if (this.#text.startsWith('..', this.#at)) {
        this.#at += 2;
        steps.push(deep, ...this.#named());
      } else if (character === '.') {
        this.#at += 1;
        steps.push(...this.#named());
      } else if (character === '$' && this.#at === 0) {
        this.#at += 1;
      } else if (this.#at === 0) {
        steps.push(...this.#named());
      } else {
        throw new JsonPathError(`unexpected ${JSON.stringify(character)} in ${JSON.stringify(this.#text)}`);
      }
    }
    return steps;
  }

  #named(): Step[] {
    let name = '';
    while (this.#at < this.#text.length && !['.', '['].includes(this.#text.charAt(this.#at))) {
      if (this.#text.charAt(this.#at) === '\\') {
        this.#at += 1;
      }
      name += this.#text.charAt(this.#at);
      this.#at += 1;
    }
    if (name === '') {
      return [];
    }
    return [name === '*' ? every : member(name)];
  }

  /** The text up to the bracket that closes this one. */
  #brackets(): string {
    const start = this.#at + 1;
    let depth = 0;
    let quote = '';
    for (; this.#at < this.#text.length; this.#at += 1) {
      const character = this.#text.charAt(this.#at);
      if (quote !== '') {
        quote = character === quote ? '' : quote;
      } else if (character === '"' || character === "'") {
        quote = character;
      } else if (character === '[') {
        depth += 1;
      } else if (character === ']') {
        depth -= 1;
        if (depth === 0) {
          this.#at += 1;
          return this.#text.slice(start, this.#at - 1);
        }
      }
    }
    throw new JsonPathError('unterminated array');
  }
}

/** Reads a path without braces. Throws JsonPathError. */
export function compileJsonPath(text: string): JsonPath {
  if (text.length > MAX_JSONPATH_LENGTH) {
    throw new JsonPathError(`the path is longer than ${MAX_JSONPATH_LENGTH} characters`);
  }
  const steps = new Reader(text.trim()).steps();
  return (document) => steps.reduce<unknown[]>((values, step) => step(values).slice(0, MAX_JSONPATH_RESULTS), [document]);
}

/** A path of plain names below each other, `.status.phase` or `.spec['a.b']`; undefined for any other. */
export function simpleSteps(path: string): string[] | undefined {
  const names: string[] = [];
  const pattern = /\.((?:\\.|[^.[\]\\])+)|\[(?:'([^']*)'|"([^"]*)")\]/gy;
  let at = 0;
  while (at < path.length) {
    pattern.lastIndex = at;
    const match = pattern.exec(path);
    if (match === null) {
      return undefined;
    }
    names.push(match[1]?.replace(/\\(.)/g, '$1') ?? match[2] ?? match[3] ?? '');
    at = pattern.lastIndex;
  }
  return names.length === 0 ? undefined : names;
}
