import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { celAuthorizer, type AccessQuestion } from './authorization.ts';
import { firstIssue, outcomeOf } from '../testing.ts';
import { opaque } from '../types.ts';

type Table = readonly (readonly [expression: string, result: string])[];

function table(name: string, rows: Table): void {
  describe(name, () => {
    for (const [expression, result] of rows) {
      it(`${expression} → ${result}`, () => assert.equal(firstIssue(outcomeOf(expression).text), result));
    }
  });
}

table('strings', [
  ["'hello'.charAt(4)", '"o"'], ["'hello'.charAt(5)", '""'], ["'hello'.charAt(6)", 'error: index out of range: 6'], ["'a😀b'.charAt(1)", '"😀"'],
  ["'hello mellow'.indexOf('')", '0'], ["'hello mellow'.indexOf('ello')", '1'], ["'hello mellow'.indexOf('jello')", '-1'], ["'hello mellow'.indexOf('ello', 2)", '7'],
  ["'hello mellow'.indexOf('ello', 20)", 'error: index out of range: 20'], ["'a😀b'.indexOf('b')", '2'],
  ["'hello mellow'.lastIndexOf('')", '12'], ["'hello mellow'.lastIndexOf('ello')", '7'], ["'hello mellow'.lastIndexOf('ello', 6)", '1'], ["'hello mellow'.lastIndexOf('jello')", '-1'],
  ["['hello', 'mellow'].join()", '"hellomellow"'], ["['hello', 'mellow'].join(' ')", '"hello mellow"'], ["[].join('/')", '""'], ["[1].join()", "compile: found no matching overload for 'join' applied to 'list(int).()'"],
  ["'TacoCat'.lowerAscii()", '"tacocat"'], ["'TacoCÆt Xii'.upperAscii()", '"TACOCÆT XII"'], ["'TacoCÆt'.lowerAscii()", '"tacocÆt"'],
  ["'hello hello'.replace('he', 'we')", '"wello wello"'], ["'hello hello'.replace('he', 'we', 0)", '"hello hello"'], ["'hello hello'.replace('he', 'we', 1)", '"wello hello"'],
  ["'ab'.replace('', '_')", '"_a_b_"'], ["'ab'.replace('', '_', 1)", '"_ab"'], ["'hello'.replace('x', 'y')", '"hello"'],
  ["'hello hello hello'.split(' ')", '["hello", "hello", "hello"]'], ["'hello hello hello'.split(' ', 0)", '[]'], ["'hello hello hello'.split(' ', 1)", '["hello hello hello"]'],
  ["'hello hello hello'.split(' ', 2)", '["hello", "hello hello"]'], ["'hello hello hello'.split(' ', -1)", '["hello", "hello", "hello"]'], ["'ab'.split('')", '["a", "b"]'],
  ["'tacocat'.substring(4)", '"cat"'], ["'tacocat'.substring(0, 4)", '"taco"'], ["'tacocat'.substring(-1)", 'error: index out of range: -1'], ["'tacocat'.substring(2, 1)", 'error: invalid substring range. start: 2, end: 1'],
  ["'tacocat'.substring(8)", 'error: index out of range: 8'], ["'  \\ttrim\\n    '.trim()", '"trim"'], ["'gums'.reverse()", '"smug"'], ["'a😀'.reverse()", '"😀a"'],
  ["'kubernetes'.contains('bern')", 'true'], ["'kubernetes'.startsWith('kube')", 'true'], ["'kubernetes'.endsWith('x')", 'false'], ["strings.quote('a \"b\"\\n')", '"\\"a \\\\\\"b\\\\\\"\\\\n\\""'],
]);

table('format', [
  ["'%s is %d years'.format([dyn('Bob'), 42])", '"Bob is 42 years"'], ["'%s is %d'.format(['Bob', 42])", "compile: expected type 'string' but found 'int'"], ["'%d%%'.format([5])", '"5%"'], ["'%.2f'.format([3.14159])", '"3.14"'], ["'%e'.format([1234.5])", '"1.234500e+03"'],
  ["'%b %o %x %X'.format([5, 8, 255, 255])", '"101 10 ff FF"'], ["'%x'.format(['hi'])", '"6869"'], ["'%b'.format([true])", '"1"'], ["'%s'.format([[1, 2]])", '"[1, 2]"'],
  ["'%s'.format([['a', 'b']])", '"[\\"a\\", \\"b\\"]"'], ["'%s'.format([{'a': 1}])", '"{\\"a\\": 1}"'], ["'%s %s %s'.format([dyn(null), true, 1.5])", '"null true 1.5"'],
  ["'%s'.format([duration('1h')])", '"3600s"'], ["'%s'.format([timestamp('2024-01-01T00:00:00Z')])", '"2024-01-01T00:00:00Z"'], ["'%s %s'.format(['a'])", 'error: index 1 out of range'],
  ["'%d'.format(['a'])", 'error: error during formatting: decimal clause can only be used on integers, was given string'], ["'%q'.format(['a'])", 'error: could not parse formatting clause: unrecognized formatting clause "q"'],
  ["'%'.format([])", 'error: unexpected end of string'], ["'%.200f'.format([1.0])", 'error: error during formatting: precision 200 is too large'],
]);

table('regex', [
  ["'abc 123'.find('[0-9]+')", '"123"'], ["'abc'.find('[0-9]+')", '""'], ["'123 abc 456'.findAll('[0-9]+')", '["123", "456"]'], ["'1 2 3'.findAll('[0-9]', 2)", '["1", "2"]'],
  ["'1 2 3'.findAll('[0-9]', 0)", '[]'], ["'baac'.findAll('a*')", '["", "aa", ""]'], ["'abc'.matches('^a.c$')", 'true'], ["matches('xabcx', 'abc')", 'true'], ["'a'.matches('(')", 'compile: invalid matches argument'],
  ["'a'.matches(dyn('('))", 'error: error parsing regexp: missing closing ): `(`'], ["'aa'.matches('(a)\\\\\\\\1')", 'false'], ["'a'.matches('(?=a)')", 'compile: invalid matches argument'],
]);

table('lists', [
  ['[1, 2, 2].isSorted()', 'true'], ['[2, 1].isSorted()', 'false'], ["['a', 'c', 'b'].isSorted()", 'false'], ['[].isSorted()', 'true'], ["[duration('1h'), duration('2h')].isSorted()", 'true'],
  ['[1, 2].sum()', '3'], ['[1.5, 2.5].sum()', '4.0'], ['[1u, 2u].sum()', '3u'], ["[duration('1h'), duration('30m')].sum()", '5400s'], ["['a'].sum()", "compile: found no matching overload for 'sum' applied to 'list(string).()'"],
  ['[9223372036854775807, 1].sum()', 'error: integer overflow'], ['[3, 1, 2].min()', '1'], ['[3, 1, 2].max()', '3'], ['[].min()', 'error: min called on empty list'], ['[].max()', 'error: max called on empty list'],
  ["['b', 'a'].min()", '"a"'], ['[1, 2, 2, 3].indexOf(2)', '1'], ['[1, 2, 2, 3].lastIndexOf(2)', '2'], ['[1].indexOf(5)', '-1'], ["['a'].indexOf('a')", '0'],
]);

table('the lists extension', [
  ['[1, 2, 3, 4].slice(1, 3)', '[2, 3]'], ['[1].slice(0, 2)', 'error: cannot slice(0, 2), list is length 1'], ['[1].slice(1, 0)', 'error: cannot slice(1, 0), start index must be less than or equal to end index'],
  ['[1].slice(-1, 0)', 'error: cannot slice(-1, 0), negative indexes not supported'], ['[[1], [2, 3]].flatten()', '[1, 2, 3]'], ['dyn([1, [2, [3]]]).flatten(2)', "compile: expected type 'int' but found 'list(int)'"],
  ['[dyn(1), [2, [3]]].flatten(2)', "compile: expected type 'int' but found 'list(int)'"], ['[dyn(1), dyn([2, dyn(3)])].flatten(1)', '[1, 2, 3]'], ['[dyn(1)].flatten(-1)', 'error: level must be non-negative'],
  ['[1, 2, 2, 1].distinct()', '[1, 2]'], ['[[1], [1], [2]].distinct()', '[[1], [2]]'], ['[3, 1, 2].sort()', '[1, 2, 3]'], ["['b', 'a'].sort()", '["a", "b"]'], ['[dyn(1), dyn("a")].sort()', 'error: list elements must have the same type'],
  ["['ccc', 'a', 'bb'].sortBy(s, s.size())", '["a", "bb", "ccc"]'], ["[{'n': 2}, {'n': 1}].sortBy(o, o.n)", '[{"n": 1}, {"n": 2}]'], ['[1, 2].reverse()', '[2, 1]'], ['lists.range(3)', '[0, 1, 2]'], ['lists.range(-1)', '[]'],
  ['lists.range(9000000000)', 'error: operation cancelled: actual cost limit exceeded'], ['[1, 2].first()', 'optional.of(1)'], ['[1, 2].last().value()', '2'], ['[].first().hasValue()', 'false'],
]);

table('sets', [
  ['sets.contains([], [])', 'true'], ['sets.contains([1, 2, 3, 4], [2, 3])', 'true'], ['sets.contains([1, 2], [5])', 'false'], ['sets.contains([1, 2.0, 3u], [1.0])', "compile: expected type 'int' but found 'double'"],
  ['sets.equivalent([1], [1, 1])', 'true'], ['sets.equivalent([1, 2], [2, 1, 1])', 'true'], ['sets.equivalent([1], [2])', 'false'], ['sets.intersects([1], [])', 'false'], ['sets.intersects([1], [1, 2])', 'true'],
  ['sets.intersects([[1], [2, 3]], [[1, 2], [2, 3]])', 'true'],
]);

table('quantities', [
  ["quantity('1.5Gi').compareTo(quantity('1536Mi'))", '0'], ["quantity('200M').isLessThan(quantity('1G'))", 'true'], ["quantity('50k').isGreaterThan(quantity('50M'))", 'false'], ["quantity('50000').asInteger()", '50000'],
  ["quantity('500m').asInteger()", 'error: cannot convert value to integer'], ["quantity('500m').isInteger()", 'false'], ["quantity('50000').asApproximateFloat()", '50000.0'], ["quantity('0.1').asApproximateFloat()", '0.1'],
  ["quantity('-5').sign()", '-1'], ["quantity('1').add(quantity('2')) == quantity('3')", 'true'], ["quantity('1Gi').add(20) == quantity('1073741844')", 'true'], ["quantity('5').sub(quantity('2')).asInteger()", '3'],
  ["quantity('5').sub(6).sign()", '-1'], ["isQuantity('20Mi')", 'true'], ["isQuantity('1e3')", 'true'], ["isQuantity('Mo')", 'false'], ["isQuantity('10 Mo')", 'false'], ["quantity('1Mi') == quantity('1024Ki')", 'true'],
  ["quantity('10Mo')", "error: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"], ["quantity('10KK')", "error: unable to parse quantity's suffix"], ["type(quantity('1')) == kubernetes.Quantity", 'true'],
]);

table('urls', [
  ["url('https://example.com:80/').getScheme()", '"https"'], ["url('https://example.com:80/').getHost()", '"example.com:80"'], ["url('https://example.com:80/').getHostname()", '"example.com"'], ["url('https://example.com:80/').getPort()", '"80"'],
  ["url('https://example.com/').getPort()", '""'], ["url('https://[::1]:80/').getHost()", '"[::1]:80"'], ["url('https://[::1]:80/').getHostname()", '"::1"'], ["url('/path').getHost()", '""'], ["url('/path').getScheme()", '""'],
  ["url('https://example.com/path with spaces/').getEscapedPath()", '"/path%20with%20spaces/"'], ["url('https://example.com/a%2Fb').getEscapedPath()", '"/a%2Fb"'], ["url('https://example.com').getEscapedPath()", '""'],
  ["url('https://example.com/path?k1=a&k2=b&k2=c').getQuery()", '{"k1": ["a"], "k2": ["b", "c"]}'], ["url('https://example.com/?key with spaces=value with spaces').getQuery()", '{"key with spaces": ["value with spaces"]}'],
  ["url('https://example.com/?').getQuery()", '{}'], ["isURL('https://user:pass@example.com:80/path?query=val#fragment')", 'true'], ["isURL('/absolute-path')", 'true'], ["isURL('https://a:b:c/')", 'false'], ["isURL('../relative-path')", 'false'],
  ["url('../relative')", 'error: URL parse error during conversion from string: parse "../relative": invalid URI for request'], ["url('https://a:b/')", 'error: URL parse error during conversion from string: parse "https://a:b/": invalid port ":b" after host'],
  ["url('')", 'error: URL parse error during conversion from string: parse "": empty url'], ["isURL('/a%zz')", 'false'], ["url('/x') == url('/x')", 'true'],
]);

table('addresses', [
  ["isIP('127.0.0.1')", 'true'], ["isIP('::1')", 'true'], ["isIP('127.0.0.256')", 'false'], ["isIP(':::1')", 'false'], ["isIP('127.0.0.01')", 'false'], ["isIP('fe80::1%eth0')", 'false'], ["isIP('::ffff:1.2.3.4')", 'false'], ["isIP('1.2.3')", 'false'],
  ["ip('127.0.0.1').family()", '4'], ["ip('2001:db8::abcd').family()", '6'], ["ip.isCanonical('127.0.0.1')", 'true'], ["ip.isCanonical('2001:db8::abcd')", 'true'], ["ip.isCanonical('2001:DB8::ABCD')", 'false'], ["ip.isCanonical('2001:db8::0:0:0:abcd')", 'false'],
  ["ip('0.0.0.0').isUnspecified()", 'true'], ["ip('::').isUnspecified()", 'true'], ["ip('127.0.0.1').isLoopback()", 'true'], ["ip('::1').isLoopback()", 'true'], ["ip('224.0.0.1').isLinkLocalMulticast()", 'true'], ["ip('ff02::1').isLinkLocalMulticast()", 'true'],
  ["ip('224.0.1.1').isLinkLocalMulticast()", 'false'], ["ip('169.254.169.254').isLinkLocalUnicast()", 'true'], ["ip('fe80::1').isLinkLocalUnicast()", 'true'], ["ip('192.168.0.1').isGlobalUnicast()", 'true'], ["ip('255.255.255.255').isGlobalUnicast()", 'false'],
  ["string(ip('2001:DB8::1'))", '"2001:db8::1"'], ["string(ip('1:0:0:2:0:0:0:3'))", '"1:0:0:2::3"'], ["string(ip('::'))", '"::"'], ["string(ip('64:ff9b::1.2.3.4'))", '"64:ff9b::102:304"'], ["ip('::1') == ip('0:0:0:0:0:0:0:1')", 'true'], ["type(ip('::1')) == net.IP", 'true'],
  ["ip('1.2.3.300')", 'error: IP Address "1.2.3.300" parse error during conversion from string: ParseAddr("1.2.3.300"): IPv4 field has value >255'],
  ["isCIDR('192.168.0.0/16')", 'true'], ["isCIDR('::1/128')", 'true'], ["isCIDR('192.168.0.0/33')", 'false'], ["isCIDR('192.168.0.0/')", 'false'], ["isCIDR('10.0.0.0')", 'false'],
  ["cidr('192.168.0.0/24').containsIP(ip('192.168.0.1'))", 'true'], ["cidr('192.168.0.0/24').containsIP('192.168.1.1')", 'false'], ["cidr('192.168.0.0/16').containsCIDR(cidr('192.168.10.0/24'))", 'true'], ["cidr('192.168.1.0/24').containsCIDR('192.168.0.0/23')", 'false'],
  ["cidr('2001:db8::/32').containsIP('2001:db8::1')", 'true'], ["cidr('2001:db8::/32').containsIP('10.0.0.1')", 'false'], ["cidr('192.168.0.1/24').ip().family()", '4'], ["string(cidr('192.168.0.1/24').ip())", '"192.168.0.1"'],
  ["string(cidr('192.168.0.1/24').masked())", '"192.168.0.0/24"'], ["cidr('192.168.0.0/24').prefixLength()", '24'], ["cidr('192.168.0.0/24') == cidr('192.168.0.1/24')", 'false'], ["cidr('192.168.0.1/24').masked() == cidr('192.168.0.0/24')", 'true'],
  ["cidr('nope')", 'error: network address parse error during conversion from string: netip.ParsePrefix("nope"): no \'/\''],
]);

table('formats', [
  ["format.dns1123Label().validate('my-label')", 'optional.none()'], ["format.dns1123Label().validate('My-Label').hasValue()", 'true'], ["format.dns1123Subdomain().validate('a.b').hasValue()", 'false'], ["format.dns1035Label().validate('1a').hasValue()", 'true'],
  ["format.qualifiedName().validate('example.com/name').hasValue()", 'false'], ["format.dns1123LabelPrefix().validate('prefix-').hasValue()", 'false'], ["format.dns1123Label().validate('prefix-').hasValue()", 'true'], ["format.labelValue().validate('a b').hasValue()", 'true'],
  ["format.uri().validate('http://example.com').hasValue()", 'false'], ["format.uri().validate('nope').value()", '["parse \\"nope\\": invalid URI for request"]'], ["format.uuid().validate('123e4567-e89b-12d3-a456-426614174000').hasValue()", 'false'],
  ["format.uuid().validate('x').value()", '["does not match the UUID format"]'], ["format.byte().validate('aGVsbG8=').hasValue()", 'false'], ["format.byte().validate('a').value()", '["invalid base64"]'], ["format.date().validate('2021-01-01').hasValue()", 'false'],
  ["format.date().validate('2021-13-01').value()", '["invalid date"]'], ["format.datetime().validate('2021-01-01T00:00:00Z').hasValue()", 'false'], ["format.datetime().validate('now').value()", '["invalid datetime"]'],
  ["format.named('dns1123Label').value().validate('x').hasValue()", 'false'], ["format.named('unknown').hasValue()", 'false'],
]);

table('versions', [
  ["semver('1.2.3').major()", '1'], ["semver('1.2.3').minor()", '2'], ["semver('1.2.3').patch()", '3'], ["isSemver('1.0.0')", 'true'], ["isSemver('v1.0')", 'false'], ["isSemver('v1.0', true)", 'true'], ["isSemver('01.0.0')", 'false'], ["isSemver('01.0.0', true)", 'true'],
  ["semver('1.2.3').isLessThan(semver('1.3.0'))", 'true'], ["semver('1.2.3').isGreaterThan(semver('1.2.3-rc.1'))", 'true'], ["semver('1.0.0-alpha.2').compareTo(semver('1.0.0-alpha.10'))", '-1'], ["semver('1.0.0-alpha').compareTo(semver('1.0.0-alpha.1'))", '-1'],
  ["semver('1.0.0+a') == semver('1.0.0+b')", 'true'], ["semver('x')", 'error: cannot parse "x" as a semantic version'],
]);

table('JSON patches', [
  ["jsonpatch.escapeKey('a/b~c')", '"a~1b~0c"'], ["JSONPatch{op: 'add', path: '/x', value: 1}.op", '"add"'], ["JSONPatch{oops: 1}", "compile: undefined field 'oops'"], ["JSONPatch{op: 1}", "compile: expected type of field 'op' is 'string' but provided type is 'int'"],
  ["Nothing{a: 1}", "compile: undeclared reference to 'Nothing' (in container '')"],
]);

describe('the authorizer', () => {
  const asked: AccessQuestion[] = [];
  const authorizer = celAuthorizer((question) => {
    asked.push(question);
    return question.verb === 'break' ? { allowed: false, reason: '', error: 'no answer' } : { allowed: question.resource === 'pods' || question.path === '/healthz', reason: 'because' };
  });
  const ask = (expression: string): string => outcomeOf(expression, { authorizer }, { authorizer: opaque('kubernetes.authorization.Authorizer') }).text;

  for (const [expression, result] of [
    ["authorizer.group('').resource('pods').namespace('n').name('x').check('create').allowed()", 'true'], ["authorizer.group('apps').resource('deployments').subresource('scale').check('update').allowed()", 'false'],
    ["authorizer.path('/healthz').check('get').allowed()", 'true'], ["authorizer.path('/healthz').check('get').reason()", '"because"'], ["authorizer.path('/x').check('break').errored()", 'true'], ["authorizer.path('/x').check('break').error()", '"no answer"'],
    ["authorizer.serviceAccount('n', 'sa').group('').resource('pods').check('get').allowed()", 'true'], ["authorizer.group('').resource('pods').labelSelector('a=b').fieldSelector('spec.x=y').check('list').allowed()", 'true'],
    ["authorizer.path('/x').resource('pods')", "compile: ERROR: <input>:1:31: found no matching overload for 'resource' applied to 'kubernetes.authorization.PathCheck.(string)'\n | authorizer.path('/x').resource('pods')\n | ..............................^"],
    ["[1, 2, 3].all(i, authorizer.path('/healthz').check('get').allowed())", 'error: operation cancelled: actual cost limit exceeded'],
  ] as const) {
    it(`${expression} → ${result.split('\n')[0] ?? ''}`, () => assert.equal(ask(expression), result));
  }

  it('asks what was built', () => {
    asked.length = 0;
    ask("authorizer.serviceAccount('n', 'sa').group('g').resource('r').subresource('s').namespace('m').name('x').labelSelector('a=b').check('list').allowed()");
    assert.deepEqual(asked, [{ verb: 'list', group: 'g', resource: 'r', subresource: 's', namespace: 'm', name: 'x', labelSelector: 'a=b', fieldSelector: '', serviceAccount: { namespace: 'n', name: 'sa' } }]);
  });
});
