import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { contains, difference, EMPTY_SET, equalSets, hasPath, intersection, isEmpty, members, singleton, union, unionAll, withSelf, type FieldSet } from './fieldset.ts';
import { canonicalKey, pathText } from './pathelement.ts';
import { FieldSetError, parseFieldSet } from './parse.ts';

/** The members of a set as texts: what the algebra is checked against. */
const texts = (set: FieldSet): string[] => [...members(set)].map((path) => path.join('/'));

/** All sets over a small tree of paths: a, a/b, a/c, d, d/e. */
const PATHS: readonly (readonly string[])[] = [['f:a'], ['f:a', 'f:b'], ['f:a', 'f:c'], ['f:d'], ['f:d', 'k:{"n":1}']];
const ALL: readonly FieldSet[] = Array.from({ length: 2 ** PATHS.length }, (_, mask) =>
  PATHS.reduce((set, path, bit) => ((mask & (1 << bit)) === 0 ? set : union(set, singleton(path))), EMPTY_SET));

describe('field sets', () => {
  it('say which paths are members', () => {
    const set = parseFieldSet({ 'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } }, 'f:data': {} });
    assert.deepEqual(texts(set), ['f:data', 'f:metadata/f:labels', 'f:metadata/f:labels/f:app']);
    assert.ok(hasPath(set, ['f:metadata', 'f:labels']));
    assert.ok(!hasPath(set, ['f:metadata']), 'what only leads to members is none');
    assert.ok(!hasPath(set, []) && isEmpty(parseFieldSet({})), 'the root is never one');
  });

  it('follow the laws of sets, member by member', () => {
    for (const a of ALL) {
      for (const b of ALL) {
        const [inA, inB] = [texts(a), texts(b)];
        assert.deepEqual(texts(union(a, b)), [...new Set([...inA, ...inB])].sort(byPath));
        assert.deepEqual(texts(intersection(a, b)), inA.filter((path) => inB.includes(path)));
        assert.deepEqual(texts(difference(a, b)), inA.filter((path) => !inB.includes(path)));
        assert.equal(contains(a, b), inB.every((path) => inA.includes(path)));
        assert.equal(equalSets(a, b), inA.join() === inB.join());
      }
    }
  });

  it('are joined, however many there are', () => {
    const many = Array.from({ length: 5_000 }, (_, index) => singleton(['f:a', `f:${index}`]));
    assert.equal([...members(unionAll(many))].length, 5_000);
    assert.equal(unionAll([]), EMPTY_SET);
  });

  it('keep what does not change, and never change what they are given', () => {
    const set = Object.freeze(parseFieldSet({ 'f:a': { '.': {}, 'f:b': {} }, 'f:d': {} }));
    assert.equal(difference(set, singleton(['f:x'])), set);
    assert.equal(union(set, EMPTY_SET), set);
    assert.deepEqual(difference(set, singleton(['f:a'])), { 'f:a': { 'f:b': {} }, 'f:d': {} });
    assert.deepEqual(union(singleton(['f:a']), singleton(['f:a', 'f:b'])), { 'f:a': { '.': {}, 'f:b': {} } });
    assert.deepEqual(withSelf({ 'f:b': {} }), { '.': {}, 'f:b': {} });
  });

  it('are read from what others wrote, in one spelling', () => {
    assert.deepEqual(parseFieldSet({ 'f:ports': { 'k:{"protocol": "TCP", "port": 80}': { '.': {} } } }),
      { 'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {} } } });
    assert.deepEqual(parseFieldSet({ 'f:finalizers': { 'v: "a"': {}, 'i:3': {} } }), { 'f:finalizers': { 'v:"a"': {}, 'i:3': {} } });
    for (const broken of [[], 'x', null, { x: {} }, { 'k:[1]': {} }, { 'k:{': {} }, { 'i:x': {} }, { 'f:a': 1 }, { 'f:a': { 'z:b': {} } }]) {
      assert.throws(() => parseFieldSet(broken), FieldSetError, JSON.stringify(broken));
    }
    const hostile = parseFieldSet(JSON.parse('{"f:__proto__":{"f:constructor":{}}}'));
    assert.deepEqual(texts(hostile), ['f:__proto__/f:constructor']);
  });

  it('show paths as messages do', () => {
    assert.equal(pathText(['f:spec', 'f:containers', 'k:{"name":"a"}', 'f:image']), '.spec.containers[name="a"].image');
    assert.equal(pathText(['f:ports', 'k:{"containerPort":80,"protocol":"TCP"}']), '.ports[containerPort=80,protocol="TCP"]');
    assert.equal(pathText(['f:metadata', 'f:finalizers', 'v:"x/y"']), '.metadata.finalizers[="x/y"]');
    assert.equal(pathText(['f:list', 'i:2']), '.list[2]');
    assert.equal(canonicalKey('x:a'), undefined);
  });
});

/** FieldsV1's order: a path before those below it, keys as texts. */
function byPath(a: string, b: string): number {
  const [left, right] = [a.split('/'), b.split('/')];
  for (let index = 0; index < Math.min(left.length, right.length); index += 1) {
    const [one, other] = [left[index] ?? '', right[index] ?? ''];
    if (one !== other) {
      return one < other ? -1 : 1;
    }
  }
  return left.length - right.length;
}
