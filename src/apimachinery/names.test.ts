import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  generateName, validateDns1035Label, validateDns1123Label, validateDns1123Subdomain, validateLabelValue, validateObjectMeta,
  validateObjectMetaUpdate, validatePathSegment, validateQualifiedName,
} from './names.ts';

test('DNS labels and subdomains', () => {
  for (const good of ['a', 'a-b', '0', 'a'.repeat(63)]) {
    assert.deepEqual(validateDns1123Label(good), [], good);
  }
  assert.deepEqual(validateDns1123Label('A'), [
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
  ]);
  assert.deepEqual(validateDns1123Label('a.b'), ['must not contain dots']);
  assert.deepEqual(validateDns1123Label('a'.repeat(64)), ['must be no more than 63 bytes']);
  assert.deepEqual(validateDns1123Subdomain('a.b-c.d'), []);
  for (const bad of ['', '.', 'a.', '.a', 'a..b', 'a_b', '-a', 'a-', 'ä', 'a\n']) {
    assert.equal(validateDns1123Subdomain(bad).length, 1, JSON.stringify(bad));
  }
  assert.match(validateDns1123Subdomain('A')[0] ?? '', /^a lowercase RFC 1123 subdomain must consist .* \(e\.g\. 'example\.com', regex used for validation is '\[a-z0-9\]\(\[-a-z0-9\]\*\[a-z0-9\]\)\?\(\\\.\[a-z0-9\]\(\[-a-z0-9\]\*\[a-z0-9\]\)\?\)\*'\)$/);
  assert.equal(validateDns1123Subdomain('-'.repeat(1_000_000)).length, 2);
  assert.deepEqual(validateDns1035Label('a-1'), []);
  assert.equal(validateDns1035Label('1-a').length, 1);
});

test('keys, values and path segments', () => {
  for (const good of ['a', 'A_b.c-1', 'example.com/MyName']) {
    assert.deepEqual(validateQualifiedName(good), [], good);
  }
  assert.deepEqual(validateQualifiedName('/a'), ['prefix part must be non-empty']);
  for (const empty of ['', 'a/']) {
    assert.deepEqual(validateQualifiedName(empty).map((error) => error.slice(0, 35)), ['name part must be non-empty', 'name part must consist of alphanume']);
  }
  assert.match(validateQualifiedName('a/b/c')[0] ?? '', /^a qualified name must consist of .* with an optional DNS subdomain prefix and '\/' \(e\.g\. 'example\.com\/MyName'\)$/);
  assert.deepEqual(validateLabelValue(''), []);
  assert.equal(validateLabelValue('a b').length, 1);
  assert.deepEqual(validatePathSegment('..'), ["may not be '..'"]);
  assert.deepEqual(validatePathSegment('a/b%c'), ["may not contain '/'", "may not contain '%'"]);
  assert.deepEqual(validatePathSegment('system:node'), []);
});

test('generated names fit a label', () => {
  assert.match(generateName('web-'), /^web-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  assert.equal(generateName('x'.repeat(100)).length, 63);
});

test('metadata', () => {
  const texts = (errors: { field: string; detail: string }[]): string[] => errors.map(({ field, detail }) => `${field}: ${detail}`);
  assert.deepEqual(validateObjectMeta({ name: 'a', namespace: 'b', labels: { a: 'b' }, annotations: { 'X/Y': 'anything goes\n' } }, { namespaced: true }), []);
  assert.deepEqual(texts(validateObjectMeta({ name: '' }, { namespaced: true })), [
    'metadata.name: Required value: name or generateName is required', 'metadata.namespace: Required value',
  ]);
  assert.deepEqual(texts(validateObjectMeta({ name: 'a', namespace: 'b' }, { namespaced: false })), ['metadata.namespace: Forbidden: not allowed on this type']);
  assert.deepEqual(texts(validateObjectMeta({ name: 'web-x', generateName: 'web-', namespace: 'b' }, { namespaced: true })), []);
  const reference = { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u', controller: true };
  assert.deepEqual(texts(validateObjectMeta({ name: 'a', ownerReferences: [reference, { ...reference, kind: 'Job', uid: '' }] }, { namespaced: false })).map((text) => text.slice(0, 60)), [
    'metadata.ownerReferences.uid: Invalid value: "": must not be empty'.slice(0, 60), 'metadata.ownerReferences: Invalid value: [{"apiVersion":"v1"',
  ]);
  assert.deepEqual(texts(validateObjectMeta({ name: 'a', annotations: { a: 'x'.repeat(262_144) } }, { namespaced: false })), [
    'metadata.annotations: Too long: may not be more than 262144 bytes',
  ]);
});

test('what an update may not change', () => {
  const old = { name: 'a', uid: 'u', generation: 2, deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['a/b'] };
  assert.deepEqual(validateObjectMetaUpdate({ ...old, finalizers: [] }, old), []);
  assert.deepEqual(validateObjectMetaUpdate({ ...old, finalizers: ['a/b', 'c/d'], uid: 'v', generation: 1 }, old).map(({ field, detail }) => `${field}: ${detail}`), [
    'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"c/d"}',
    'metadata.uid: Invalid value: "v": field is immutable',
    'metadata.generation: Invalid value: 1: must not be decremented',
  ]);
});
