/** Costs of Kubernetes' libraries, as Kubernetes counts them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { celAuthorizer } from './authorization.ts';
import { outcomeOf } from '../testing.ts';
import { opaque } from '../types.ts';

const INTS = '[1, 2, 3, 4, 5]';
const UINTS = '[uint(1), uint(2), uint(3), uint(4), uint(5)]';
const TEXTS = "['012345678901', '012345678901', '012345678901', '012345678901', '012345678901']";
const BYTES = "[bytes('012345678901'), bytes('012345678901'), bytes('012345678901'), bytes('012345678901'), bytes('012345678901')]";
const DURATIONS = "[duration('1s'), duration('2s'), duration('3s'), duration('4s'), duration('5s')]";
const JOINED = "['aa', 'bb', 'cc', 'd', 'e', 'f', 'g', 'h', 'i', 'j']";
const V4 = "cidr('192.168.0.0/16')";
const V6 = "cidr('2001:db8::/32')";
const LONG_V6 = '2001:db8:3333:4444:5555:6666:7777:8888';
const BACKEND = "authorizer.group('apps').resource('deployments').subresource('status').namespace('test').name('backend')";
const SELECTOR = 'spec.nodeName=example-node-name.fully.qualified.domain.name.example.com';

const ROWS: readonly (readonly [expression: string, cost: number])[] = [
  [`${INTS}.sum()`, 15], [`${UINTS}.sum()`, 20], [`${DURATIONS}.sum()`, 20], [`${INTS}.isSorted()`, 15], [`${UINTS}.max()`, 20], [`${TEXTS}.min()`, 15], [`${BYTES}.isSorted()`, 25],
  [`${INTS}.indexOf(3)`, 15], [`${UINTS}.indexOf(uint(3))`, 21], [`${TEXTS}.lastIndexOf('x')`, 15], [`${BYTES}.indexOf(bytes('x'))`, 26], [`${DURATIONS}.indexOf(duration('3s'))`, 21],
  ["'01234567890123456789012345678901234567890123456789'.indexOf('123')", 5],
  ["url('https:://kubernetes.io/').getScheme()", 4], ["url('https:://kubernetes.io/').getQuery()", 4], ["url('https:://kubernetes.io/') == url('http://x.b')", 5], ["url('https:://kubernetes.io/') == url('https:://kubernetes.io/')", 7],
  ["ip('192.168.0.1')", 2], [`ip('${LONG_V6}')`, 4], ["ip('192.168.0.1').family()", 3], [`ip('${LONG_V6}').isGlobalUnicast()`, 5], ["ip('192.168.0.1') == ip('192.168.0.1')", 5],
  ["ip.isCanonical('192.168.0.1')", 3], [`ip.isCanonical('${LONG_V6}')`, 8], ["ip.isCanonical('2001:db8::abcd')", 3],
  [V4, 2], [V6, 2], [`${V4}.ip()`, 3], [`${V6}.masked()`, 3], [`${V4}.prefixLength()`, 3], [`${V6} == ${V6}`, 5],
  [`${V4}.containsCIDR(cidr('192.0.0.0/30'))`, 7], [`${V4}.containsCIDR('192.168.0.0/16')`, 7], [`${V4}.containsIP(ip('192.0.0.1'))`, 4], [`${V4}.containsIP(ip('192.169.0.1'))`, 5], [`${V4}.containsIP('192.0.0.1')`, 4],
  [`${V6}.containsCIDR(cidr('2001:db8::/126'))`, 7], [`${V6}.containsCIDR('2001:db8::/32')`, 7], [`${V6}.containsIP(ip('${LONG_V6}'))`, 7], [`${V6}.containsIP('2001:db8::1')`, 5],
  ["'ABCDEFGHIJ abcdefghij'.lowerAscii()", 3], ["'ABCDEFGHIJ abcdefghij'.lowerAscii() == 'abcdefghij ABCDEFGHIJ'.lowerAscii()", 9], ["'ABCDEFGHIJ abcdefghij'.upperAscii()", 3],
  ["strings.quote('ABCDEFGHIJ abcdefghij')", 3], ["strings.quote('ABCDEFGHIJ abcdefghij') == strings.quote('ABCDEFGHIJ abcdefghij')", 9],
  ["'abc 123 def 123'.replace('123', '456')", 3], ["'abc 123 def 123'.replace('', 'x')", 3], ["'abc 123 def 123'.replace('123', '')", 3], ["'abc 123 def 123'.split(' ')", 3], ["'abc 123 def 123'.split(' ', 1)", 3],
  ["'abc 123 def 123'.substring(5)", 2], ["'abc 123 def 123'.substring(5, 8)", 2], ["'  abc 123 def 123  '.trim()", 2], [`${JOINED}.join(' ')`, 15], [`${JOINED}.join()`, 13],
  // A search through a pattern of many steps; people's patterns cost what Kubernetes says.
  ["'abc 123 def 123'.find('(a?){30}b{30}')", 716], ["'abc 123 def 123'.find('[a-z]+ [0-9]+')", 8],
  ["'abc 123 def 123'.find('123')", 2], ["'abc 123 def 123'.findAll('123')", 2], ["'abc 123 def 123'.findAll('123', 1)", 2], ["jsonpatch.escapeKey('abc/def~ abc/def~')", 2],
  ["authorizer.path('/healthz')", 2], [BACKEND, 6], [`authorizer.group('').resource('pods').fieldSelector('${SELECTOR}')`, 1_821], [`authorizer.group('').resource('pods').labelSelector('${SELECTOR}')`, 1_821],
  ["authorizer.path('/healthz').check('get').allowed()", 350_003], [`${BACKEND}.check('create').allowed()`, 350_007], [`${BACKEND}.check('create').errored()`, 350_007],
  ["quantity('12Mi')", 1], ["isQuantity('20')", 1], ["quantity('200M') == quantity('200M')", 3], ["quantity('200M') == quantity('0.2G') && quantity('0.2G') == quantity('200M')", 6], ["quantity('50M').isLessThan(quantity('50Mi'))", 3],
  ["quantity('200M').compareTo(quantity('0.2G')) > 0", 4], ["quantity('50k').add(quantity('20')) == quantity('50.02k')", 5], ["quantity('50k').sub(20) == quantity('49980')", 4], ["quantity('50k').add(20).sub(quantity('100k')).asInteger() > 0", 6],
  ["quantity('50k').asInteger() > 0", 3], ["quantity('50').isInteger()", 2], ["quantity('50.703k').asApproximateFloat() > 0.0", 3],
  ["format.named('dns1123subdomain')", 1], ["format.named('dns1123Subdomain').value().validate('my-name')", 17], ["format.named('dns1123Label').value().validate('my-name')", 10],
  ["format.named('dns1123Label').value() == format.named('dns1123Label').value()", 5],
  ['sets.contains([], [])', 21], ['sets.contains([1], [])', 21], ['sets.contains([1], [1])', 22], ['sets.contains([1], [1, 1])', 23], ['sets.contains([1, 2, 3, 4], [2, 3])', 29],
];

describe('costs of the libraries', () => {
  const authorizer = celAuthorizer(() => ({ allowed: true, reason: '' }));
  for (const [expression, cost] of ROWS) {
    it(`${expression} costs ${cost}`, () => {
      const outcome = outcomeOf(expression, { authorizer }, { authorizer: opaque('kubernetes.authorization.Authorizer') });
      assert.deepEqual([outcome.cost, /^(?:compile|error)/.test(outcome.text) ? outcome.text : 'a value'], [cost, 'a value']);
    });
  }
});
