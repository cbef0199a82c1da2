/** Texts: CEL's own functions and the strings extension. Positions count code points. */
import { fail } from '../errors.ts';
import { doubleTraversal, int, list, overload, patternCost, STRING_COST, text, traversal, type Cost, type Overload, type Run } from '../overload.ts';
import { findEach, findFirst, matches, patternSize } from '../patterns.ts';
import { ArrayList, sizeOf, type CelValue } from '../values.ts';
import { formatText } from './formatting.ts';

/** A text by code points: as it is where each takes one unit, which is nearly always. */
const points = (value: string): string | readonly string[] => (/[\ud800-\udfff]/.test(value) ? Array.from(value) : value);
const slice = (from: string | readonly string[], start: number, end?: number): string => (typeof from === 'string' ? from.slice(start, end) : from.slice(start, end).join(''));

/** Positions beyond 32 bits are out of range anyway. */
const position = (value: CelValue | undefined): number => Number(BigInt.asIntN(53, int(value)) === int(value) ? int(value) : fail('index out of range'));

function charAt(args: readonly CelValue[]): string {
  const value = points(text(args[0]));
  const at = position(args[1]);
  if (at < 0 || at > value.length) {
    return fail(`index out of range: ${at}`);
  }
  return value[at] ?? '';
}

/** Code points before a unit. */
const pointsBefore = (value: string, units: number): bigint => BigInt(units < 0 ? -1 : points(value.slice(0, units)).length);

function indexOf(args: readonly CelValue[]): CelValue {
  const [value, wanted] = [text(args[0]), text(args[1])];
  const from = args[2] === undefined ? 0 : position(args[2]);
  const all = points(value);
  if (from < 0 || from > all.length) {
    return wanted === '' && args[2] === undefined ? 0n : fail(`index out of range: ${from}`);
  }
  return pointsBefore(value, value.indexOf(wanted, slice(all, 0, from).length));
}

function lastIndexOf(args: readonly CelValue[]): CelValue {
  const [value, wanted] = [text(args[0]), text(args[1])];
  const all = points(value);
  const from = args[2] === undefined ? all.length : position(args[2]);
  if (from < 0 || from > all.length) {
    return fail(`index out of range: ${from}`);
  }
  return pointsBefore(value, value.lastIndexOf(wanted, slice(all, 0, from).length));
}

function substring(args: readonly CelValue[]): string {
  const all = points(text(args[0]));
  const start = position(args[1]);
  const end = args[2] === undefined ? all.length : position(args[2]);
  if (start < 0 || start > all.length) {
    return fail(`index out of range: ${start}`);
  }
  if (end < 0 || end > all.length) {
    return fail(`index out of range: ${end}`);
  }
  return start > end ? fail(`invalid substring range. start: ${start}, end: ${end}`) : slice(all, start, end);
}

/** The pieces between occurrences of `separator`, the last holding the rest when there are more than `limit`. */
function splitBy(value: string, separator: string, limit: number): string[] {
  if (limit === 0) {
    return [];
  }
  const parts = separator === '' ? Array.from(value) : value.split(separator);
  return limit < 0 || parts.length <= limit ? parts : [...parts.slice(0, limit - 1), parts.slice(limit - 1).join(separator)];
}

const split: Run = (args) => new ArrayList(splitBy(text(args[0]), text(args[1]), args[2] === undefined ? -1 : position(args[2])));

/** What each character costs that a text grows by; Kubernetes goes by the text before. */
const GROWTH_COST = 0.05;

/** As Go's strings.Replace: an empty text stands before each character and at the end. The result is charged before it is made. */
const replace: Run = (args, meter) => {
  const [value, from, to] = [text(args[0]), text(args[1]), text(args[2])];
  const limit = args[3] === undefined ? -1 : position(args[3]);
  const parts = from === '' ? ['', ...Array.from(value), ''] : value.split(from);
  const times = limit < 0 ? parts.length - 1 : Math.min(limit, parts.length - 1);
  meter.spend(Math.floor(Math.max(0, times * (to.length - from.length)) * GROWTH_COST));
  if (times === 0) {
    return value;
  }
  const rest = parts.slice(times).join(from);
  return from === '' && times < parts.length - 1 ? parts.slice(0, times).join(to) + to + rest : [...parts.slice(0, times), rest].join(to);
};

/** Elements of a list that cost one when they are joined, however short. */
const ELEMENTS_PER_COST = 50;

/** The result is charged while it is put together: it can be much longer than anything an expression holds. */
const join: Run = (args, meter) => {
  const parts: string[] = [];
  const separator = args[1] === undefined ? '' : text(args[1]);
  const all = list(args[0]);
  meter.spend(Math.floor(all.length / ELEMENTS_PER_COST));
  let [characters, spent] = [0, 0];
  const charge = (cost: number): void => {
    meter.spend(cost - spent);
    spent = cost;
  };
  for (const one of all) {
    const part = text(one);
    characters += part.length + (parts.length === 0 ? 0 : separator.length);
    charge(Math.floor(characters * 2 * STRING_COST));
    parts.push(part);
  }
  charge(Math.ceil(characters * 2 * STRING_COST));
  return parts.join(separator);
};

const ESCAPES: Readonly<Record<string, string>> = {
  '\u0007': '\\a', '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\v': '\\v', '\\': '\\\\', '"': '\\"',
};

export const quoted = (value: string): string => `"${Array.from(value.toWellFormed(), (char) => ESCAPES[char] ?? char).join('')}"`;

const lower = (value: string): string => value.replace(/[A-Z]+/g, (found) => found.toLowerCase());
const upper = (value: string): string => value.replace(/[a-z]+/g, (found) => found.toUpperCase());

const isSpace = (char: string | undefined): boolean => char !== undefined && /[\s\u0085]/.test(char) && char !== '\ufeff';

function trim(value: string): string {
  let [start, end] = [0, value.length];
  while (isSpace(value[start])) {
    start += 1;
  }
  while (end > start && isSpace(value[end - 1])) {
    end -= 1;
  }
  return value.slice(start, end);
}

const free: Cost = () => 0;
/** By the searched text alone in Kubernetes' table; both texts, as cel-go charges `contains`. */
const containment: Cost = (args) => Math.ceil(sizeOf(args[0] ?? null) * STRING_COST) * Math.ceil(sizeOf(args[1] ?? null) * STRING_COST);
const longText: Cost = (args) => Math.max(1, Math.ceil(sizeOf(args[0] ?? null) / 1000));

/** A step of a pattern in a test, which visits few of them, and in a search, which visits all; in units of pattern cost. */
const TEST_STEP = 1 / 40;
const SEARCH_STEP = 1 / 4;
/** In a search, each step beyond this many: so that a call at its limit takes tens of ms, not a second. Patterns that people write have fewer. */
const MANY_STEPS = 24;
const FURTHER_STEP = 5 / 2;
/** Of a search's cost, what each further match is charged. */
const FURTHER_SEARCH = 0.2;

/** Kubernetes' cost goes by the pattern's characters; a pattern that is larger than it looks is charged by its steps. */
const patternWork = (work: (steps: number) => number): Cost => (args) => {
  const characters = Math.ceil((1 + sizeOf(args[0] ?? null)) * STRING_COST);
  return Math.max(patternCost(args), characters * Math.floor(work(patternSize(text(args[1])))));
};
const testWork = patternWork((steps) => steps * TEST_STEP);
const searchWork = patternWork((steps) => steps * SEARCH_STEP + Math.max(0, steps - MANY_STEPS) * FURTHER_STEP);

const findAll: Run = (args, meter) => {
  const limit = args[2] === undefined ? -1 : position(args[2]);
  const perCharacter = searchWork(['', args[1] ?? '']) * STRING_COST * FURTHER_SEARCH;
  return new ArrayList(findEach(text(args[0]), text(args[1]), limit, (left) => meter.spend(Math.floor(left * perCharacter))));
};

export const strings: readonly Overload[] = [
  overload('contains', 'string.(string): bool', ([a, b]) => text(a).includes(text(b)), containment),
  overload('startsWith', 'string.(string): bool', ([a, b]) => text(a).startsWith(text(b)), traversal),
  overload('endsWith', 'string.(string): bool', ([a, b]) => text(a).endsWith(text(b)), traversal),
  overload('matches', 'string.(string): bool', ([a, b]) => matches(text(a), text(b)), testWork),
  overload('matches', '(string, string): bool', ([a, b]) => matches(text(a), text(b)), testWork),
  overload('find', 'string.(string): string', ([a, b]) => findFirst(text(a), text(b)) ?? '', searchWork),
  overload('findAll', 'string.(string): list<string>', findAll, searchWork),
  overload('findAll', 'string.(string, int): list<string>', findAll, searchWork),
  overload('charAt', 'string.(int): string', charAt, longText),
  overload('indexOf', 'string.(string): int', indexOf, traversal),
  overload('indexOf', 'string.(string, int): int', indexOf, traversal),
  overload('lastIndexOf', 'string.(string): int', lastIndexOf, traversal),
  overload('lastIndexOf', 'string.(string, int): int', lastIndexOf, traversal),
  overload('lowerAscii', 'string.(): string', ([a]) => lower(text(a)), traversal),
  overload('upperAscii', 'string.(): string', ([a]) => upper(text(a)), traversal),
  overload('trim', 'string.(): string', ([a]) => trim(text(a)), traversal),
  overload('substring', 'string.(int): string', substring, traversal),
  overload('substring', 'string.(int, int): string', substring, traversal),
  overload('replace', 'string.(string, string): string', replace, doubleTraversal),
  overload('replace', 'string.(string, string, int): string', replace, doubleTraversal),
  overload('split', 'string.(string): list<string>', split, doubleTraversal),
  overload('split', 'string.(string, int): list<string>', split, doubleTraversal),
  overload('join', 'list<string>.(): string', join, free),
  overload('join', 'list<string>.(string): string', join, free),
  overload('reverse', 'string.(): string', ([a]) => Array.from(text(a)).reverse().join(''), traversal),
  overload('strings.quote', '(string): string', ([a]) => quoted(text(a)), traversal),
  overload('format', 'string.(list<dyn>): string', ([a, b], meter) => formatText(text(a), list(b), meter), traversal),
];

