/** Estimates that Kubernetes itself publishes for schemas with and without sizes: whether a definition is accepted depends on them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Json } from '../object.ts';
import { readSchema, rootPlace } from '../schema/structural/index.ts';
import { compile } from './compile.ts';
import { celTypeOfSchema } from './schema.ts';

type Make = (max: number | undefined) => Json;

const limited = (schema: Record<string, Json>, keyword: string, max: number | undefined): Json => (max === undefined ? schema : { ...schema, [keyword]: max });
const primitive = (type: string): Record<string, Json> => (type === 'int-or-string' ? { 'x-kubernetes-int-or-string': true }
  : ['duration', 'date', 'date-time', 'byte'].includes(type) ? { type: 'string', format: type } : { type });
const array = (items: Json): Make => (max) => limited({ type: 'array', items }, 'maxItems', max);
const map = (values: Json): Make => (max) => limited({ type: 'object', additionalProperties: values }, 'maxProperties', max);
const text: Make = (max) => limited({ type: 'string' }, 'maxLength', max);
const texts: Make = (max) => limited({ type: 'array', items: text(max) }, 'maxItems', max);
const object: Json = { type: 'object', required: ['required'], properties: { required: { type: 'string' }, optional: { type: 'string' } } };

/** Schema, rule, estimate without sizes, the size that is set, estimate with it. */
const ROWS: readonly (readonly [make: Make, rule: string, unbounded: number, max: number, bounded: number])[] = [
  [array(primitive('number')), 'self.all(x, true)', 4_718_591, 10, 32],
  [array(primitive('string')), 'self.all(x, true)', 3_145_727, 20, 62],
  [array(primitive('boolean')), 'self.all(x, true)', 1_887_437, 5, 17],
  [array({ type: 'array', items: { type: 'number' } }), 'self.all(x, true)', 3_145_727, 100, 302],
  [array(object), 'self.all(x, true)', 555_128, 50, 152],
  [map(primitive('number')), 'self.all(x, true)', 1_348_169, 10, 32],
  [map(primitive('string')), 'self.all(x, true)', 1_179_647, 3, 11],
  [map(primitive('boolean')), 'self.all(x, true)', 943_718, 100, 302],
  [map(object), 'self.all(x, true)', 428_963, 20, 62],
  [map({ type: 'array', items: { type: 'number' } }), 'self.all(x, true)', 1_179_647, 25, 77],
  [text, "self.contains('test')", 314_574, 10, 5],
  [text, "self.startsWith('test')", 2, 15, 2],
  [text, "self.endsWith('test')", 2, 30, 2],
  [text, 'size(self + "hello") > size("hello")', 314_578, 4, 7],
  [array(primitive('number')), 'self[1] == 0.0', 2, 5_000, 2],
  [array(primitive('string')), 'self[1] == self[1]', 314_577, 8, 314_577],
  [text, 'self.matches("x")', 314_574, 50, 22],
  [text, 'self.matches("")', 1, 100, 1],
  [text, '"".matches("(((((((((())))))))))[0-9]")', 7, 10, 7],
  [text, 'self == "x"', 2, 0, 1],
  [(max) => limited({ type: 'string', format: 'byte' }, 'maxLength', max), 'self == b"x"', 2, 0, 1],
  [array(primitive('number')), 'self.all(x, x == 0.0)', 6_291_454, 6_291_456, 25_165_826],
  [array(primitive('int-or-string')), 'self.all(x, true)', 4_718_591, 10, 32],
  [array(primitive('int-or-string')), 'self[0] == 5', 3, 10, 3],
  [array(primitive('boolean')), 'self[0] == false', 2, 25, 2],
  [array({ type: 'array', items: { type: 'number' } }), 'self[0][0] == -1.0', 3, 51, 3],
  [array({ type: 'object', additionalProperties: { type: 'number' } }), 'self.all(x, x.y == 25.2)', 6_291_452, 12, 74],
  [array({ type: 'object', additionalProperties: { type: 'number' } }), 'self[0].x > 2.0', 4, 3_000, 4],
  [array(primitive('duration')), 'self.all(x, true)', 2_359_295, 5, 17],
  [array(primitive('duration')), 'self[0].getHours() == 2', 4, 525, 4],
  [array(primitive('date')), 'self.all(x, true)', 725_936, 15, 47],
  [array(primitive('date')), 'self[2].getDayOfMonth() == 13', 4, 42, 4],
  [array(primitive('date-time')), 'self.all(x, true)', 428_963, 25, 77],
  [map(primitive('date')), 'self.all(x, true)', 524_288, 10, 32],
  [map(primitive('date-time')), 'self.all(x, true)', 349_526, 25, 77],
  [map(primitive('duration')), 'self.all(x, true)', 1_048_577, 5, 17],
  [map(primitive('date-time')), 'self["a"] == self["b"]', 8, 7, 8],
  [map(primitive('duration')), 'self["c"] == self["d"]', 8, 42, 8],
  [map(primitive('integer')), 'oldSelf.size() == self.size()', 5, 10, 5],
  [(max) => limited({ type: 'object', additionalProperties: text(max) }, 'maxProperties', max), 'self.all(x, x.contains(self[x]))', 2_752_507, 10, 72],
  [text, "self.find('[0-9]+') == ''", 629_147, 10, 11],
  [texts, "self.join(' ') == 'aa bb'", 329_853_068_905, 10, 43],
  [texts, 'self.isSorted() == true', 329_854_432_052, 10, 52],
  [text, "self.lowerAscii() == 'lower!'", 314_575, 10, 6],
  [(max) => limited({ type: 'string', enum: ['A', 'B', 'C', 'LongValue'] }, 'maxLength', max), "self.contains('A')", 2, 1_000, 401],
  [(max) => ({ type: 'object', properties: { str: text(max), before: text(2), after: text(4) } }), "self.str.replace(self.before, self.after) == 'does not matter'", 629_154, 4, 12],
  [(max) => ({ type: 'object', properties: { str: text(max), separator: text(max) } }), 'self.str.split(self.separator) == []', 629_160, 10, 22],
  [(max) => limited({ type: 'array', items: limited({ type: 'object', additionalProperties: object }, 'maxProperties', max) }, 'maxItems', max), 'self.all(x, x["y"].required == "z")', 7_340_027, 10, 72],
];

describe('estimates as Kubernetes makes them', () => {
  const costOf = (schema: Json, rule: string): number => {
    const read = readSchema(schema, rootPlace(''));
    assert.deepEqual(read.errors, []);
    const self = celTypeOfSchema(read.schema, false);
    assert.ok(self !== undefined);
    return compile(rule, { variables: { self, oldSelf: self } }).estimate().max;
  };
  for (const [make, rule, unbounded, max, bounded] of ROWS) {
    it(`${JSON.stringify(make(undefined)).slice(0, 80)}: ${rule}`, () => {
      assert.deepEqual([costOf(make(undefined), rule), costOf(make(max), rule)], [unbounded, bounded]);
    });
  }
});
