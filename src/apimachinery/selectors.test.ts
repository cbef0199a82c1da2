import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  matchesFields, matchesLabels, parseFieldSelector, parseLabelSelector, SelectorError, selectorFromMap, selectorFromObject, selectorToString,
} from './selectors.ts';

test('label selectors match as in Kubernetes', () => {
  const labels = { app: 'web', tier: 'front', n: '5' };
  const cases: [string, boolean][] = [
    ['', true], ['app', true], ['!app', false], ['!old', true], ['app=web', true], ['app==web', true], ['app!=web', false], ['old!=x', true],
    ['app in (web,db)', true], ['app notin (web)', false], ['old notin (x)', true], ['old in (x)', false], ['n>4', true], ['n>5', false], ['n<6', true],
    ['app=web,tier=front', true], ['app=web,tier=back', false], [' app = web , tier in ( front ) ', true], ['app=', false], ['constructor', false],
    ['app in (,web)', true], ['app in ()', false], ['in=x', false], ['notin', false], ['old in (a,)', false], ['app>4', false],
  ];
  for (const [text, expected] of cases) {
    assert.equal(matchesLabels(parseLabelSelector(text), labels), expected, text);
  }
  assert.equal(matchesLabels(parseLabelSelector('app='), { app: '' }), true);
  assert.equal(matchesLabels(parseLabelSelector('app'), undefined), false);
});

test('malformed label selectors are refused with Kubernetes\' words', () => {
  const cases: [string, string][] = [
    ['a=b=c', "found '=', expected: ',' or 'end of string'"],
    ['a,', "found '', expected: identifier after ','"],
    [',a', "found ',', expected: !, identifier, or 'end of string'"],
    ['a in b', "unable to parse requirement: found 'b' expected: '('"],
    ['a in (b', "unable to parse requirement: found '', expected: ',' or ')'"],
    ['a in (b,', "unable to parse requirement: found '', expected: ',', or identifier"],
    ['a in (=)', "unable to parse requirement: found '=', expected: ',', ')' or identifier"],
    ['a b', "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    ['!', "unable to parse requirement: found '', expected: identifier"],
  ];
  for (const [text, message] of cases) {
    assert.throws(() => parseLabelSelector(text), { name: 'SelectorError', message }, text);
  }
  for (const text of ['a=!', '-a=b', 'a=-b', 'a>x', `a=${'x'.repeat(64)}`, 'a/b/c=d', '/a=b', 'x'.repeat(100_000), '((((', '!!a']) {
    assert.throws(() => parseLabelSelector(text), SelectorError, text);
  }
});

test('selectors of specs', () => {
  assert.equal(matchesLabels(selectorFromObject(undefined), {}), false);
  assert.equal(matchesLabels(selectorFromObject({}), {}), true);
  const selector = selectorFromObject({ matchLabels: { app: 'web' }, matchExpressions: [{ key: 'tier', operator: 'NotIn', values: ['b', 'a'] }, { key: 'x', operator: 'DoesNotExist' }] });
  assert.equal(matchesLabels(selector, { app: 'web', tier: 'c' }), true);
  assert.equal(matchesLabels(selector, { app: 'web', tier: 'a' }), false);
  assert.equal(selectorToString(selector), 'app=web,tier notin (a,b),!x');
  assert.deepEqual(parseLabelSelector(selectorToString(parseLabelSelector('b>1,a!=c,d'))), parseLabelSelector('b>1,a!=c,d'));
  assert.throws(() => selectorFromObject({ matchExpressions: [{ key: 'a', operator: 'in' }] }), SelectorError);
  assert.equal(matchesLabels(selectorFromMap({ a: 'b' }), { a: 'b', c: 'd' }), true);
});

test('field selectors, escapes included', () => {
  const valueOf = (field: string): string => ({ 'metadata.name': 'a,b=c\\d', 'status.phase': 'Running' })[field] ?? '';
  assert.equal(matchesFields(parseFieldSelector('status.phase=Running'), valueOf), true);
  assert.equal(matchesFields(parseFieldSelector('status.phase==Running,spec.nodeName='), valueOf), true);
  assert.equal(matchesFields(parseFieldSelector('status.phase!=Running'), valueOf), false);
  assert.equal(matchesFields(parseFieldSelector('metadata.name=a\\,b\\=c\\\\d'), valueOf), true);
  assert.throws(() => parseFieldSelector('nonsense'), { message: "invalid selector: 'nonsense'; can't understand 'nonsense'" });
  assert.throws(() => parseFieldSelector('a=b=c'), SelectorError);
  assert.throws(() => parseFieldSelector('a=b\\'), SelectorError);
  assert.deepEqual(parseFieldSelector(',,'), { requirements: [] });
});

describe('long selectors', () => {
  test('find every one of many values, and none beside them', () => {
    const names = Array.from({ length: 500 }, (_, n) => `v${(n * 7919) % 10_000}`);
    const [within, without] = [parseLabelSelector(`app in (${names.join(',')})`), parseLabelSelector(`app notin (${names.join(',')})`)];
    for (let n = 0; n < 10_000; n += 1) {
      const labels = { app: `v${n}` };
      const listed = names.includes(labels.app);
      assert.equal(matchesLabels(within, labels), listed);
      assert.equal(matchesLabels(without, labels), !listed);
    }
    assert.ok(!matchesLabels(within, {}) && matchesLabels(without, {}));
  });

  test('have a bounded number of requirements', () => {
    const terms = (count: number, term: (n: number) => string): string => Array.from({ length: count }, (_, n) => term(n)).join(',');
    assert.equal(parseLabelSelector(terms(500, (n) => `!k${n}`)).requirements.length, 500);
    assert.throws(() => parseLabelSelector(terms(501, (n) => `!k${n}`)), SelectorError);
    assert.throws(() => parseFieldSelector(terms(501, (n) => `metadata.name!=n${n}`)), SelectorError);
  });
});
