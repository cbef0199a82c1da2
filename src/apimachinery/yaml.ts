/** YAML as Kubernetes reads it: version 1.1 without times, sets and base-60 numbers, one document, limited aliases. */
import { isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, type Document } from 'yaml';
import type { Json, JsonObject } from './object.ts';
import { badRequest, tooLarge } from './status.ts';
import { setOwn } from './values.ts';

/** Characters of a YAML body: reading it costs a hundred times what JSON does. */
const MAX_YAML_LENGTH = 1024 * 1024;
/** Nodes that aliases may stand for in one document, so that a short text cannot become a huge one. */
const MAX_ALIASED = 1_000;
/** Problems that are named. */
const MAX_PROBLEMS = 100;
/** Types of YAML 1.1 that JSON does not have, or that Go's reader leaves as texts. */
const LEFT_OUT = new Set(['timestamp', 'binary', 'set', 'omap', 'pairs', 'intTime', 'floatTime']);

interface Checks {
  lines: LineCounter;
  /** `line 3: key "a" already set in map` */
  problems: string[];
}

function checkDepth(node: unknown, left: number, checks: Checks): void {
  if (!isMap(node) && !isSeq(node)) {
    return;
  }
  if (left === 0) {
    throw tooDeep();
  }
  const names = new Set<string>();
  for (const item of node.items) {
    if (!isPair(item)) {
      checkDepth(item, left - 1, checks);
      continue;
    }
    const name = isScalar(item.key) ? String(item.key.value) : '';
    if (names.has(name) && name !== '<<' && checks.problems.length < MAX_PROBLEMS) {
      const line = isNode(item.key) ? checks.lines.linePos(item.key.range?.[0] ?? 0).line : 0;
      checks.problems.push(`line ${line}: key ${JSON.stringify(name)} already set in map`);
    }
    names.add(name);
    checkDepth(item.value, left - 1, checks);
  }
}

const isPair = (item: unknown): item is { key: unknown; value: unknown } =>
  typeof item === 'object' && item !== null && 'key' in item && 'value' in item;

const tooDeep = (): Error => badRequest('error converting YAML to JSON: yaml: exceeded max depth');

/** Only what JSON can say: numbers that are none become null, names become texts. Aliases may have added depth, without end even. */
function toJson(value: unknown, left: number): Json {
  switch (typeof value) {
    case 'string': case 'boolean': return value;
    case 'number': return Number.isFinite(value) ? value : null;
    case 'bigint': return Number(value);
    default:
  }
  if (typeof value !== 'object' || value === null) {
    return null;
  }
  if (left === 0) {
    throw tooDeep();
  }
  if (Array.isArray(value)) {
    return value.map((element) => toJson(element, left - 1));
  }
  const object: JsonObject = {};
  for (const [key, member] of Object.entries(value)) {
    setOwn(object, key, toJson(member, left - 1));
  }
  return object;
}

function firstError(document: Document): string | undefined {
  const error = document.errors[0];
  return error?.code === 'MULTIPLE_DOCS' ? 'a request holds one document' : error?.message.split('\n', 1)[0];
}

const unreadable = (why: string): Error => badRequest(`error converting YAML to JSON: yaml: ${why}`);

/** What the library throws (when aliases stand for too much, or nesting exhausts the stack) is the document's fault. */
function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw unreadable(error instanceof Error ? error.message : String(error));
  }
}

/** Throws BadRequest. Keys given twice are one entry of `duplicates`, worded as Go's reader does. `maxDepth` counts maps and lists inside one another. */
export function parseYaml(text: string, maxDepth: number): { value: Json; duplicates: string[] } {
  if (text.length > MAX_YAML_LENGTH) {
    throw tooLarge(`YAML bodies may have at most ${MAX_YAML_LENGTH} characters; JSON may be longer`);
  }
  const checks: Checks = { lines: new LineCounter(), problems: [] };
  const document = guarded(() => parseDocument(text, {
    lineCounter: checks.lines,
    version: '1.1', merge: true, uniqueKeys: false, prettyErrors: false, strict: true, logLevel: 'error',
    customTags: (tags) => tags.filter((tag) => typeof tag !== 'string' || !LEFT_OUT.has(tag)).filter((tag) =>
      typeof tag === 'string' || !/:(?:timestamp|binary|set|omap|pairs)$/.test(tag.tag) && tag.format !== 'TIME'),
  }));
  const error = firstError(document);
  if (error !== undefined) {
    throw unreadable(error);
  }
  checkDepth(document.contents, maxDepth, checks);
  const value: unknown = guarded(() => document.toJS({ maxAliasCount: MAX_ALIASED }));
  const duplicates = checks.problems.length === 0 ? [] : [`yaml: unmarshal errors:${checks.problems.map((problem) => `\n  ${problem}`).join('')}`];
  return { value: toJson(value, maxDepth), duplicates };
}
