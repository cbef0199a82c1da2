import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deepClone, deepEqual, setOwn } from './values.ts';

test('equality of JSON values', () => {
  assert.equal(deepEqual({ a: [1, { b: null }] }, { a: [1, { b: null }] }), true);
  assert.equal(deepEqual({ a: undefined }, {}), true);
  assert.equal(deepEqual({}, { a: undefined }), true);
  assert.equal(deepEqual({ a: null }, {}), false);
  assert.equal(deepEqual([1, 2], [2, 1]), false);
  assert.equal(deepEqual([], {}), false);
  assert.equal(deepEqual({}, { toString: 1 }), false);
  assert.equal(deepEqual({ toString: undefined }, {}), true);
  assert.equal(deepEqual('1', 1), false);
  assert.equal(deepEqual(null, {}), false);
});

test('clones share nothing and keep odd names', () => {
  const original: unknown = JSON.parse('{"a":{"b":[1]},"__proto__":{"polluted":true}}');
  const copy = deepClone(original);
  assert.deepEqual(copy, original);
  assert.equal(Object.hasOwn(Object(copy), '__proto__'), true);
  assert.equal(({} as { polluted?: boolean }).polluted, undefined);
  const target: Record<string, unknown> = {};
  setOwn(target, '__proto__', 1);
  assert.equal(JSON.stringify(target), '{"__proto__":1}');
});
