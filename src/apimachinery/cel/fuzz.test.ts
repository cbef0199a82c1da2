import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compile } from './compile.ts';
import { CostBudget, CostExceeded } from './budget.ts';
import { CelCompileError, CelEvaluationError } from './errors.ts';
import { toJson } from './json.ts';
import { DYN, INT, listOf, objectType, STRING } from './types.ts';

/** A small generator with a seed (mulberry32), so that failures come again. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const TOKENS = [
  'self', 'object', 'x', '.', '.?', '[', ']', '[?', '(', ')', '{', '}', ',', ':', '?', '+', '-', '*', '/', '%', '==', '!=', '<', '>=', 'in', '&&', '||', '!', '1', '0', '2.5', '3u', "'a'", '"b\\n"', "b'c'", 'true', 'null',
  'has', 'all', 'map', 'filter', 'exists', 'size', 'name', 'items', 'orValue', 'optional.none()', 'optMap', 'matches', 'split', 'format', 'string', 'int', 'quantity', 'ip', 'url', 'sum', 'min', 'cel.bind', 'dyn', 'type', 'JSONPatch', '`a.b`', '\ud800', '//', '\n',
];

/** Expressions that are well formed, of any types. */
function expression(next: () => number, depth: number): string {
  const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(next() * list.length)];
  const inner = (): string => expression(next, depth - 1);
  if (depth === 0) {
    return pick(['1', '-7', '2.5', '3u', "'text'", "'10'", 'true', 'null', 'self', 'object', 'self.items', 'self.n', 'object.a.b', "b'x'", '[]', '{}']) ?? '1';
  }
  switch (Math.floor(next() * 10)) {
    case 0: return `(${inner()} ${pick(['+', '-', '*', '/', '%', '==', '!=', '<', '<=', '>', '>=', 'in', '&&', '||']) ?? '+'} ${inner()})`;
    case 1: return `dyn(${inner()}).${pick(['size()', 'name', '?name', 'split(",")', 'sum()', 'isSorted()', 'trim()', 'lowerAscii()', 'orValue(1)', 'hasValue()', 'getHours()', 'reverse()', 'min()', 'charAt(1)', 'sort()', 'distinct()', 'first()', 'flatten()', 'slice(0, 1)', 'replace("t", "")']) ?? 'x'}`;
    case 2: return `[${inner()}, dyn(${inner()})]`;
    case 3: return `{dyn(${inner()}): dyn(${inner()})}`;
    case 4: return `dyn(${inner()}).${pick(['all', 'exists', 'existsOne', 'map', 'filter']) ?? 'all'}(v, dyn(${inner()}))`;
    case 5: return `dyn(${inner()})[dyn(${inner()})]`;
    case 6: return `(dyn(${inner()}) ? dyn(${inner()}) : dyn(${inner()}))`;
    case 7: return `${pick(['size', 'int', 'uint', 'double', 'string', 'bytes', 'bool', 'timestamp', 'duration', 'type', 'quantity', 'ip', 'cidr', 'url', 'semver', 'isIP', 'isURL', 'isQuantity']) ?? 'dyn'}(dyn(${inner()}))`;
    case 8: return `cel.bind(w, ${inner()}, [dyn(w), dyn(${inner()})])`;
    default: return `'%s %d %f %x'.format([dyn(${inner()}), ${inner()}])`;
  }
}

const types = { self: objectType('object', { name: STRING, n: INT, items: listOf(STRING) }), object: DYN, x: INT };
const bindings = { self: { name: 'bob', n: 3, items: ['a', 'b'] }, object: { a: { b: [1, 2.5, null, { c: 'd' }] } }, x: 7 };

/** Every way an expression may end; anything else is a fault. */
function attempt(source: string): 'refused' | 'failed' | 'value' {
  try {
    const program = compile(source, { variables: types });
    const { min, max } = program.estimate();
    assert.ok(min <= max, `${source} is estimated to cost ${min} to ${max}`);
    const budget = new CostBudget();
    const value = program.evaluate(bindings, budget);
    // Comparing numbers of a schema is estimated at nothing, as in Kubernetes; reading them is not.
    assert.ok(10_000_000 - budget.remaining <= 1 + max * 2, `${source} cost ${10_000_000 - budget.remaining}, far more than the ${max} it was estimated to`);
    toJson(value);
    return 'value';
  } catch (error) {
    if (error instanceof CelCompileError) {
      return 'refused';
    }
    if (error instanceof CelEvaluationError || error instanceof CostExceeded) {
      return 'failed';
    }
    throw new Error(`${JSON.stringify(source)} ended in ${String(error)}`, { cause: error });
  }
}

describe('whatever is written as an expression', () => {
  it('is refused, fails or has a value, when it is made of random words', () => {
    const next = random(1);
    for (let round = 0; round < 5_000; round += 1) {
      const length = 1 + Math.floor(next() * 12);
      attempt(Array.from({ length }, () => TOKENS[Math.floor(next() * TOKENS.length)] ?? '').join(next() < 0.5 ? '' : ' '));
    }
  });

  it('costs no more than estimated, when it is well formed', () => {
    const next = random(2);
    const ends = { refused: 0, failed: 0, value: 0 };
    for (let round = 0; round < 5_000; round += 1) {
      ends[attempt(expression(next, 1 + Math.floor(next() * 3)))] += 1;
    }
    assert.ok(ends.value > 500 && ends.failed > 500, JSON.stringify(ends));
  });
});
