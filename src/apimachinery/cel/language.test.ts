import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { firstIssue, outcomeOf } from './testing.ts';
import { BOOL, DOUBLE, INT, listOf, mapOf, objectType, STRING } from './types.ts';

type Table = readonly (readonly [expression: string, result: string])[];

const OBJECT = { spec: { replicas: 3, ratio: 1.5, names: ['a', 'b'], 'dotted.key': 'x', nothing: null, ports: [{ port: 80 }, { port: 443, name: 'tls' }] } };

function table(name: string, rows: Table): void {
  describe(name, () => {
    for (const [expression, result] of rows) {
      it(`${expression} → ${result}`, () => assert.equal(firstIssue(outcomeOf(expression, { object: OBJECT, x: 5 }).text), result));
    }
  });
}

table('literals', [
  ['1', '1'], ['-1', '-1'], ['0x1F', '31'], ['1u', '1u'], ['1.5', '1.5'], ['.5', '0.5'], ['1e3', '1000.0'], ['true', 'true'], ['null', 'null'],
  ["'it''s'", "compile: Syntax error: extraneous input ''s'' expecting <EOF>"], ['"a\\nb"', '"a\\nb"'], ["r'a\\nb'", '"a\\\\nb"'], ["'''a'b'''", '"a\'b"'],
  ["'\\u00e9\\U0001F600\\x41\\101'", '"é😀AA"'], ["b'\\xff\\101a'", 'b"ÿAa"'], ["b'é'", 'b"Ã©"'], ['[1, 2,]', '[1, 2]'], ["{'a': 1, 'b': 2}", '{"a": 1, "b": 2}'],
  ['-9223372036854775808', '-9223372036854775808'], ['9223372036854775808', 'compile: invalid int literal'], ['18446744073709551615u', '18446744073709551615u'],
  ["'\\ud800'", "compile: Syntax error: token recognition error at: '\\ud800'"], ["'open", "compile: Syntax error: token recognition error at: ''open'"],
  ['1 // a comment', '1'], ['.x', '5'],
]);

table('arithmetic', [
  ['1 + 2 * 3 - 4 / 2', '5'], ['7 % 3', '1'], ['-7 / 2', '-3'], ['-7 % 3', '-1'], ['7u / 2u', '3u'], ['1.5 * 2.0', '3.0'], ['1.0 / 0.0', 'Infinity'],
  ['1 / 0', 'error: division by zero'], ['1 % 0', 'error: modulus by zero'], ['9223372036854775807 + 1', 'error: integer overflow'],
  ['-9223372036854775808 - 1', 'error: integer overflow'], ['9223372036854775807 * 2', 'error: integer overflow'], ['0u - 1u', 'error: unsigned integer overflow'],
  ['-(-9223372036854775808)', 'error: integer overflow'], ["'a' + 'b'", '"ab"'], ["b'a' + b'b'", 'b"ab"'], ['[1] + [2]', '[1, 2]'], ['--x', '5'],
  ['1 + 1.0', "compile: found no matching overload for '_+_' applied to '(int, double)'"], ["1 + 'a'", "compile: found no matching overload for '_+_' applied to '(int, string)'"],
  ['dyn(1) + dyn(1.0)', 'error: no such overload'], ['[][0] + 1.5', 'error: index out of bounds: 0'],
]);

table('comparison', [
  ['1 < 2', 'true'], ['1 <= 1u', 'true'], ['1.5 > 1', 'true'], ['1u >= 2.0', 'false'], ["'a' < 'b'", 'true'], ['false < true', 'true'], ["'\\uffff' < '😀'", 'true'],
  ['1 == 1', 'true'], ['1 == 1.0', "compile: found no matching overload for '_==_' applied to '(int, double)'"], ['dyn(1) == dyn(1.0)', 'true'], ['dyn(1) == dyn(1u)', 'true'],
  ["dyn(1) == dyn('1')", 'false'], ['null == null', 'true'], ["[1, 2] == [1, 2]", 'true'], ["{'a': 1} == {'a': 1}", 'true'], ["{'a': 1} != {'a': 2}", 'true'],
  ['0.0 / 0.0 == 0.0 / 0.0', 'false'], ['9007199254740993 > 9007199254740992.0', 'true'], ['2 in [1, 2]', 'true'], ["'b' in {'a': 1}", 'false'], ['1.0 in {1: 2}', "compile: found no matching overload for '@in' applied to '(double, map(int, int))'"],
  ['dyn(1.0) in dyn({1: 2})', 'true'], ["timestamp('2024-01-01T00:00:00Z') < timestamp('2024-01-02T00:00:00Z')", 'true'], ["duration('1h') == duration('60m')", 'true'],
  ["object == null", 'false'], ['object.spec.nothing == null', 'true'], ["object.spec.replicas == '3'", 'false'], ['object.spec.replicas == 3', 'true'], ['object.spec.ratio == 1.5', 'true'],
]);

table('logic', [
  ['true || 1 / 0 > 0', 'true'], ['1 / 0 > 0 || true', 'true'], ['false && 1 / 0 > 0', 'false'], ['1 / 0 > 0 && false', 'false'],
  ['1 / 0 > 0 || false', 'error: division by zero'], ['1 / 0 > 0 && true', 'error: division by zero'], ['!true', 'false'], ['!!true', 'true'],
  ['x > 3 ? 1 : 2', '1'], ['true ? 1 : 1 / 0', '1'], ['true ? false : true ? true : false', 'false'], ["dyn('a') && true", 'error: no such overload'], ["dyn('a') || true", 'true'],
  ["1 || true", "compile: found no matching overload for '_||_' applied to '(int, bool)'"],
]);

table('fields and elements', [
  ['object.spec.replicas', '3'], ["object['spec']['names'][1]", '"b"'], ["object.spec['dotted.key']", '"x"'], ['object.spec.`dotted.key`', '"x"'], ['object.spec.missing', 'error: no such key: missing'],
  ["object.spec['missing']", 'error: no such key: missing'], ['object.spec.names[2]', 'error: index out of bounds: 2'], ['object.spec.names[-1]', 'error: index out of bounds: -1'],
  ['object.spec.replicas.x', 'error: no such key: x'], ['has(object.spec.replicas)', 'true'], ['has(object.spec.missing)', 'false'], ['has(object.missing.field)', 'error: no such key: missing'],
  ['has(object.spec.nothing)', 'true'], ['has(object)', 'compile: invalid argument to has() macro'], ['object.spec.names[0.0]', '"a"'], ['y', "compile: undeclared reference to 'y' (in container '')"],
  ["{'a': {'namespace': 1}}.a.namespace", '1'], ['namespace', 'compile: reserved identifier: namespace'], ["{1: 'int'}[dyn(1u)]", '"int"'], ["{'a': 1, 'a': 2}", 'error: insert failed: key a already exists'],
]);

table('macros', [
  ['[1, 2, 3].all(n, n > 0)', 'true'], ['[1, 2].exists(n, n == 2)', 'true'], ['[1, 2, 2].exists_one(n, n == 2)', 'false'], ['[1, 2].existsOne(n, n == 2)', 'true'],
  ['[1, 2].map(n, n * 2)', '[2, 4]'], ['[1, 2, 3].map(n, n > 1, n * 2)', '[4, 6]'], ['[1, 2, 3].filter(n, n > 1)', '[2, 3]'], ["{'a': 1, 'b': 2}.all(k, k != 'c')", 'true'],
  ["{'a': 1}.map(k, k + k)", '["aa"]'], ['[0, 1].all(n, 1 / n > 0)', 'error: division by zero'], ['[0, 1].exists(n, 1 / n > 0)', 'true'], ['[0, 2].all(n, 1 / n > 0)', 'false'],
  ['[[1, 2], [3]].map(l, l.map(n, n + l.size()))', '[[3, 4], [4]]'], ['object.spec.ports.exists(p, has(p.name) && p.name == "tls")', 'true'], ['[].all(n, false)', 'true'],
  ['[1].all(n, n)', "compile: expected type 'bool' but found 'int'"], ['1.all(n, true)', "compile: expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)"],
  ['[1].all(a.b, true)', 'compile: argument must be a simple name'], ['[x].all(x, x == 5)', 'true'], ['cel.bind(y, x * 2, y + y)', '20'], ['x.all(n, true)', 'error: no such overload'],
]);

table('macros with two variables', [
  ['[3, 4].all(i, v, v == i + 3)', 'true'], ["{'a': 1}.exists(k, v, k == 'a' && v == 1)", 'true'], ['[1, 1].existsOne(i, v, i == 1)', 'true'],
  ['[1, 2].transformList(i, v, i * v)', '[0, 2]'], ['[1, 2].transformList(i, v, i > 0, i * v)', '[2]'], ["{'a': 1}.transformMap(k, v, v + 1)", '{"a": 2}'],
  ["{'a': 1, 'b': 2}.transformMap(k, v, v > 1, v)", '{"b": 2}'], ["{'a': 1}.transformMapEntry(k, v, {v: k})", '{1: "a"}'],
  ["{'a': 1, 'b': 1}.transformMapEntry(k, v, {v: k})", 'error: insert failed: key 1 already exists'], ['[1].all(v, v, true)', 'compile: duplicate variable name: v'],
]);

table('optional values', [
  ['object.?spec.?missing', 'optional.none()'], ['object.?spec.replicas', 'optional.of(3)'], ['object.?missing.field.orValue(1)', '1'], ["object.spec[?'names'].value()[0]", '"a"'],
  ['object.spec.names[?5].hasValue()', 'false'], ['optional.of(1).or(optional.of(2)).value()', '1'], ['optional.none().orValue(1)', '1'], ['optional.of(1).orValue(1 / 0)', '1'],
  ['optional.none().value()', 'error: optional.none() dereference'], ['optional.of(2).optMap(v, v * 2).value()', '4'], ['optional.none().optMap(v, v).hasValue()', 'false'],
  ['optional.of(2).optFlatMap(v, optional.of(v)).value()', '2'], ["optional.ofNonZeroValue('').hasValue()", 'false'], ['[?object.?missing, 1]', '[1]'], ["{?'a': optional.none(), 'b': 1}", '{"b": 1}'],
  ['optional.of(null).value()', 'null'],
  ['[optional.of(1), optional.none()].unwrapOpt()', '[1]'], ['optional.of(1) == optional.of(1)', 'true'],
]);

table('conversions', [
  ["int('42')", '42'], ["int('4x')", "error: type conversion error from 'string' to 'int'"], ['int(1.9)', '1'], ['int(-1.9)', '-1'], ['int(1e30)', 'error: integer overflow'], ['int(3u)', '3'],
  ["uint('7')", '7u'], ['uint(-1)', 'error: unsigned integer overflow'], ["double('1.5')", '1.5'], ["double('inf')", 'Infinity'], ["double('x')", "error: type conversion error from 'string' to 'double'"],
  ['string(1)', '"1"'], ['string(1.0)', '"1"'], ['string(1.5)', '"1.5"'], ['string(1000000.0)', '"1e+06"'], ['string(0.00001)', '"1e-05"'], ['string(true)', '"true"'], ["string(b'abc')", '"abc"'],
  ["string(b'\\xff')", 'error: invalid UTF-8 in bytes, cannot convert to string'], ["bytes('é') == b'é'", 'true'], ["bool('true')", 'true'], ["bool('yes')", "error: type conversion error from 'string' to 'bool'"],
  ['type(1)', 'int'], ['type(1) == int', 'true'], ["type('a') == type('b')", 'true'], ["type({}) == map", 'true'], ["type(timestamp('2024-01-01T00:00:00Z'))", 'google.protobuf.Timestamp'],
  ["size('héllo')", '5'], ["'😀'.size()", '1'], ['size([1, 2])', '2'], ["size({'a': 1})", '1'], ["size(b'é')", '2'], ['size(1)', "compile: found no matching overload for 'size' applied to '(int)'"],
]);

table('times', [
  ["timestamp('2024-02-29T12:34:56.789Z').getFullYear()", '2024'], ["timestamp('2024-02-29T12:34:56Z').getMonth()", '1'], ["timestamp('2024-02-29T12:34:56Z').getDate()", '29'],
  ["timestamp('2024-02-29T12:34:56Z').getDayOfMonth()", '28'], ["timestamp('2024-02-29T12:34:56Z').getDayOfWeek()", '4'], ["timestamp('2024-02-29T12:34:56Z').getDayOfYear()", '59'],
  ["timestamp('2024-02-29T23:34:56Z').getHours('+02:00')", '1'], ["timestamp('2024-07-01T00:00:00Z').getHours('Europe/Madrid')", '2'], ["timestamp('2024-07-01T00:00:00Z').getHours('Nowhere')", 'error: unknown time zone Nowhere'],
  ["timestamp('2024-02-29T12:34:56.789Z').getMilliseconds()", '789'], ["timestamp('2024-01-01T00:00:00Z') + duration('36h')", '2024-01-02T12:00:00Z'],
  ["timestamp('2024-01-02T00:00:00Z') - timestamp('2024-01-01T00:00:00Z')", '86400s'], ["duration('1h30m').getMinutes()", '90'], ["duration('1.5s').getMilliseconds()", '1500'],
  ["string(duration('1h'))", '"3600s"'], ["string(timestamp('2024-01-01T01:00:00.5+01:00'))", '"2024-01-01T00:00:00.5Z"'], ["int(timestamp('1970-01-01T00:01:00Z'))", '60'], ['timestamp(60)', '1970-01-01T00:01:00Z'],
  ["timestamp('2024-02-30T00:00:00Z')", 'compile: invalid timestamp argument'], ["duration('1 hour')", 'compile: invalid duration argument'], ["timestamp(dyn('nope'))", "error: type conversion error from 'string' to 'google.protobuf.Timestamp'"],
  ["timestamp('9999-12-31T23:59:59Z') + duration('1h')", 'error: timestamp overflow'],
]);

table('syntax errors', [
  ['', "compile: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"],
  ['(1', "compile: Syntax error: missing ')' at '<EOF>'"], ['1 1', "compile: Syntax error: extraneous input '1' expecting <EOF>"], ['a.', "compile: Syntax error: no viable alternative at input '.<EOF>'"],
  ['1 = 1', "compile: Syntax error: token recognition error at: '='"], ['size(1', "compile: Syntax error: missing ')' at '<EOF>'"], ["duration('1h').foo()", "compile: undeclared reference to 'foo' (in container '')"],
]);

describe('types that are declared', () => {
  const self = objectType('object', { name: STRING, count: INT, ratio: DOUBLE, on: BOOL, tags: listOf(STRING), labels: mapOf(STRING, STRING) });
  const rows: Table = [
    ['self.count + 1', '4'], ['self.ratio', '2.0'], ['type(self.ratio)', 'double'], ['self.nope', "compile: undefined field 'nope'"], ["self.count + 'a'", "compile: found no matching overload for '_+_' applied to '(int, string)'"],
    ['self.name.size() > 2', 'true'], ['self.count.size()', "compile: found no matching overload for 'size' applied to 'int.()'"], ["self.labels['x']", '"y"'], ['self.labels.x', '"y"'],
    ["self.tags[0].startsWith('t')", 'true'], ['has(self.on)', 'false'], ['self.on', 'error: no such key: on'], ['has(self.nope)', "compile: undefined field 'nope'"], ['self.name.foo', "compile: type 'string' does not support field selection"],
    ['self == self', 'true'], ["self.tags.map(t, t + '!')", '["t1!"]'], ["[1, 'a']", "compile: expected type 'int' but found 'string'"], ["true ? 1 : 'a'", "compile: found no matching overload for '_?_:_' applied to '(bool, int, string)'"],
  ];
  for (const [expression, result] of rows) {
    it(`${expression} → ${result}`, () => {
      const bindings = { self: { name: 'bob', count: 3, ratio: 2, tags: ['t1'], labels: { x: 'y' } } };
      assert.equal(firstIssue(outcomeOf(expression, bindings, { self }).text), result);
    });
  }

  it('points at what is wrong, every time', () => {
    assert.equal(outcomeOf('self.a &&\n  self.b', { self: {} }, { self }).text, [
      "compile: ERROR: <input>:1:5: undefined field 'a'", ' | self.a &&', ' | ....^', "ERROR: <input>:2:7: undefined field 'b'", ' |   self.b', ' | ......^',
    ].join('\n'));
  });

  it('demands the result that is wanted', () => {
    assert.equal(outcomeOf('1', {}, {}, { expected: BOOL }).text, 'compile: must evaluate to bool');
    assert.equal(outcomeOf('dyn(true)', {}, {}, { expected: BOOL }).text, 'true');
  });

  it('takes numbers of JSON for what they are', () => {
    const bindings = { o: { small: 1, big: 9_007_199_254_740_992, huge: 1e300, part: 1.5, neg: -(2 ** 63), over: 2 ** 63 } };
    const kinds = ['small', 'big', 'huge', 'part', 'neg', 'over'].map((name) => outcomeOf(`type(o.${name})`, bindings).text);
    assert.deepEqual(kinds, ['int', 'int', 'double', 'double', 'int', 'double']);
  });
});
