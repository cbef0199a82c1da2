import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compile } from './compile.ts';
import { CostBudget, CostExceeded } from './budget.ts';
import { CelEvaluationError } from './errors.ts';
import { outcomeOf } from './testing.ts';
import { BOOL, DYN, INT, listOf, objectType, STRING, type CelType } from './types.ts';

const textOf = (max: number): CelType => ({ kind: 'string', max });
const many = (element: CelType, max: number): CelType => ({ kind: 'list', element, max });

describe('costs', () => {
  // What cel-go and Kubernetes charge.
  const rows: readonly (readonly [expression: string, cost: number])[] = [
    ['none.all(n, true)', 2], ['none.all(n, n.all(m, true))', 2], ['[1, 2, 3].all(n, true)', 20], ["long.matches('[0-9]')", 103], ["long.matches('\\\\d+a\\\\d+b')", 103], ["'123'.matches('[0-9]')", 2],
    ['a || b || c || d', 4], ['!a && !b && !c && !d', 8], ['1 < 2', 1], ['2 in [1, 2, 3]', 13], ['1 % 1', 1], ['true ? 1 : 2', 0], ["'12345678901234567890' == '123456789012345678901234567890'", 2],
    ['bytes(long)', 51], ['string(1)', 1], ['long.contains(long)', 2_502], ["short.startsWith(long)", 3], ['size(short)', 2], ['true ? false : 1 > 3', 0], ['false ? false : 1 > 3', 1], ['(none + none).all(n, true)', 4],
    ['"abcdefg".contains(val1 + val2)', 6], ['(1 > 2 ? 5 : 3) > 1', 2], ['(1 > 2 || 2 > 1) == true', 3], ["[{'k1': 1}, {'k2': 2}].all(n, true)", 77],
    ['1', 0], ['x', 1], ['object.a.b', 3], ['has(object.a)', 1], ['x + 1', 2], ['true && x > 0', 2], ['false && x > 0', 0], ['x > 0 ? 1 : x', 2],
    ['[1, 2]', 10], ["{'a': 1}", 30], ["JSONPatch{op: 'add'}", 40], ["'abcdefghijk' == 'abcdefghijk'", 2], ["'a'.contains('b')", 1], ["'abc'.startsWith('a')", 1], ['1 in [1, 2, 3]', 13],
    ["'aaaaaaaaaaaaaaaaaaaaaa'.matches('abcdefgh')", 6], ['[1, 2, 3].all(i, i > 0)', 10 + 3 * 5 + 1], ['[1, 2].map(i, i)', 10 + 11 + 2 * 13], ["quantity('1Gi').isGreaterThan(quantity('1'))", 3], ["'a,b'.split(',')", 1],
    ['[3, 1].min()', 12], ["ip('127.0.0.1').family()", 2], ['sets.contains([1, 2], [1])', 10 + 10 + 3], ["object.items.exists(i, i == 'c')", 2 + 3 * 6 + 1],
  ];
  for (const [expression, cost] of rows) {
    it(`${expression} costs ${cost}`, () => {
      const bindings = {
        x: 5, object: { a: { b: 1 }, items: ['a', 'b', 'c'] }, none: [], long: 'x'.repeat(500), short: 'idc', a: false, b: false, c: false, d: false, val1: 'val1', val2: 'val2222222',
      };
      const types = { x: INT, object: DYN, none: listOf(listOf(INT)), long: STRING, short: STRING, a: BOOL, b: BOOL, c: BOOL, d: BOOL, val1: STRING, val2: STRING };
      const { text, cost: spent } = outcomeOf(expression, bindings, types);
      assert.deepEqual([spent, text.startsWith('compile') ? text : ''], [cost, '']);
    });
  }

  it('are taken from a budget, which ends evaluations beyond it', () => {
    const program = compile('[1, 2, 3].all(i, i > 0)', { variables: {} });
    const budget = new CostBudget(30);
    assert.equal(program.evaluate({}, budget), true);
    assert.equal(budget.remaining, 30 - 26);
    assert.throws(() => program.evaluate({}, budget), (error) => error instanceof CostExceeded && error.scope === 'budget');
    assert.equal(budget.remaining, 0);
  });
});

describe('estimates', () => {
  const self = objectType('object', { name: textOf(100), tags: many(textOf(10), 5), any: DYN, n: INT, lists: many(many(textOf(10), 20), 30) });
  const rows: readonly (readonly [expression: string, min: number, max: number])[] = [
    ['self.n > 1', 3, 3], ["self.name == 'abc'", 2, 3], ["self.name.contains('abcdefghijk')", 2, 2 + 10 * 2], ["self.name.matches('abcd')", 3, 2 + 11 * 1],
    ["self.tags.all(t, t.startsWith('a'))", 3, 2 + 1 + 5 * (3 + 1 + 1)], ["self.tags.map(t, t + 'x')", 2 + 11, 2 + 11 + 5 * (12 + 1 + 2)], ['self.n > 1 || self.n < 5', 3, 6], ['self.n > 1 ? 1 : self.n', 3, 5],
    ["self.lists.all(l, l.all(t, t == 'abc'))", 3, 2 + 1 + 30 * (3 + 1 + 1 + 20 * (3 + 1 + 1))], ["self.any.all(x, true)", 3, Number.POSITIVE_INFINITY], ["self.tags.join(',').size() > 3", 4, 4 + Math.ceil(54 * 0.1)],
    ["self.name.split(',').all(x, x.size() > 1)", 2 + 1, 2 + 20 + 1 + 100 * (3 + 1 + 1 + 1)], ['has(self.name)', 1, 1], ["[self.name].exists(x, x.contains('a'))", 12 + 1 + 5, 12 + 1 + 4 + 1 + 10],
  ];
  for (const [expression, min, max] of rows) {
    it(`${expression} costs ${min} to ${max}`, () => {
      assert.deepEqual(compile(expression, { variables: { self } }).estimate(), { min, max });
    });
  }
});

describe('expressions that would run away', () => {
  const list = Array.from({ length: 1_000 }, (_, index) => `item-${index}`);
  const nested = 'l.all(a, l.all(b, l.all(c, l.all(d, a != b + c + d))))';
  const wide = { text: 'a'.repeat(100_000), map: Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`k${index}`, index])) };
  const rows: readonly (readonly [name: string, expression: string])[] = [
    ['nested loops', nested], ['loops that collect', 'l.map(a, l.map(b, l.map(c, [a, b, c])))'], ['a map counted over and over', 'l.all(a, l.all(b, size(o.map) > 0))'],
    ['texts that double', `cel.bind(a, 'xxxxxxxxxxxxxxxx', ${double(40)})`], ['lists that double', `cel.bind(a, [1, 2], ${double(60)}.all(x, x > 0))`], ['objects compared over and over', 'l.all(a, l.all(b, [o, o] == [o, o]))'],
    ['replacements that explode', "cel.bind(s, l.join(','), s.replace('', s).replace('', s).size() > 0)"], ['formats that explode', "cel.bind(s, l.join(','), l.map(x, '%s%s%s%s'.format([s, s, s, s])).size() > 0)"],
    ['patterns on long texts', "cel.bind(s, l.join(','), l.all(x, s.matches('(a*)*(b|c)*(d+e?)*$|' + x)))"], ['patterns larger than they look', "l.all(x, l.join(',').find('\\\\pL{500}\\\\pN{400}') == '')"],
    ['searches that look at everything for each match', "o.text.findAll('a.*c|a').size() > 0"], ['sets with each other', 'l.all(a, sets.contains(l, l))'],
  ];

  /** Bindings that double `a`, `levels` times. */
  function double(levels: number): string {
    let expression = 'a + a';
    for (let level = 0; level < levels; level += 1) {
      expression = `cel.bind(a, a + a, ${expression})`;
    }
    return expression;
  }

  for (const [name, expression] of rows) {
    it(`${name} end by their cost`, () => {
      const program = compile(expression, { variables: { l: DYN, o: DYN } });
      const budget = new CostBudget();
      assert.throws(() => program.evaluate({ l: list, o: wide }, budget), (error) => error instanceof CostExceeded || error instanceof CelEvaluationError);
      assert.ok(budget.remaining >= 8_000_000, 'one evaluation takes a tenth of the budget at most');
    });
  }

  it('compile in a time that grows with their length alone', () => {
    const terms = Array.from({ length: 8_000 }, (_, index) => `x == ${index % 10}`).join(' || ');
    assert.equal(compile(terms, { variables: { x: DYN } }).evaluate({ x: 5 }, new CostBudget()), true);
    const pairs = Array.from({ length: 60 }, (_, level) => `cel.bind(v${level + 1}, {v${level}: v${level}}, `).join('');
    assert.throws(() => compile(`cel.bind(v0, {1: 1}, ${pairs}1${')'.repeat(61)}`, { variables: {} }), /unsupported key type/);
  });

  it('that are too deep or too long are refused', () => {
    assert.throws(() => compile('('.repeat(1_000), { variables: {} }), /expression recursion limit exceeded: 250/);
    assert.throws(() => compile(`1${' + 1'.repeat(5_000)}`, { variables: {} }), /expression recursion limit exceeded: 250/);
    assert.throws(() => compile(`x${'.a'.repeat(5_000)}`, { variables: { x: DYN } }), /expression recursion limit exceeded: 250/);
    assert.throws(() => compile(`!${' !'.repeat(50_000)}true`, { variables: {} }), /code point size exceeds limit/);
    assert.equal(compile(`true${' && true'.repeat(5_000)}`, { variables: {} }).evaluate({}, new CostBudget()), true, 'logical chains become balanced trees');
  });
});
