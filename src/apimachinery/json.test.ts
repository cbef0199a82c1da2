import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MAX_JSON_DEPTH, parseBody } from './json.ts';
import { StatusError } from './status.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const refuses = (text: string | Uint8Array, type: string, pattern: RegExp = /./): void => {
  assert.throws(() => parseBody(typeof text === 'string' ? bytes(text) : text, type),
    (error) => error instanceof StatusError && error.code === 400 && pattern.test(error.message), JSON.stringify(String(text).slice(0, 50)));
};

describe('JSON bodies', () => {
  test('are read', () => {
    assert.deepEqual(parseBody(bytes('{"a":[1,{"b":":{}"}]}'), 'application/json; charset=utf-8'), { value: { a: [1, { b: ':{}' }] }, duplicates: [] });
    assert.deepEqual(parseBody(bytes('[]'), ''), { value: [], duplicates: [] });
    assert.deepEqual(parseBody(bytes('{}'), 'application/merge-patch+json'), { value: {}, duplicates: [] });
  });

  test('members given twice are named, wherever they are', () => {
    const duplicates = (text: string): string[] => parseBody(bytes(text), 'application/json').duplicates;
    assert.deepEqual(duplicates('{"a":1,"a":2}'), ['duplicate field "a"']);
    assert.deepEqual(duplicates('{"spec":{"list":[{"x":1},{"x":1,"y":{"z":1},"x":2}],"\\u0078":1,"x":"a\\":"},"b":{"a":1}}'), ['duplicate field "spec.list[1].x"', 'duplicate field "spec.x"']);
    assert.deepEqual(duplicates('{"a":{"b":1},"c":{"b":1},"d":[{"b":1},{"b":1}]}'), []);
    assert.equal(duplicates(`{${'"a":1,'.repeat(1000)}"b":2}`).length, 1);
  });

  test('what is malformed or too deep is refused', () => {
    for (const text of ['', '{', '{"a"}', '{"a":1}x', 'nonsense', "{'a':1}", '{"a":\u0001}', '"', '{"a":"\\']) {
      refuses(text, 'application/json');
    }
    refuses(new Uint8Array([0x22, 0xff, 0x22]), 'application/json', /UTF-8/);
    const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
    assert.ok(Array.isArray(parseBody(bytes(nested(MAX_JSON_DEPTH)), 'application/json').value));
    refuses(nested(MAX_JSON_DEPTH + 1), 'application/json', /depth/);
    refuses('['.repeat(3_000_000), 'application/json', /depth/);
    assert.throws(() => parseBody(bytes('{}'), 'text/plain'), (error) => error instanceof StatusError && error.code === 415);
  });
});

describe('YAML bodies', () => {
  const read = (text: string): unknown => parseBody(bytes(text), 'application/yaml').value;

  test('are read as Kubernetes reads them', () => {
    assert.deepEqual(read('a: yes\nb: "yes"\nc: 2026-01-01\nd: 12:30:45\ne: 0x10\nf: 1e3\ng: ~\nh: |\n  text\ni: 010\n1: one\ntrue: t\n'), {
      a: true, b: 'yes', c: '2026-01-01', d: '12:30:45', e: 16, f: 1000, g: null, h: 'text\n', i: 8, 1: 'one', true: 't',
    });
    assert.deepEqual(read('base: &b {x: 1}\nuse:\n  <<: *b\n  z: 2\n'), { base: { x: 1 }, use: { x: 1, z: 2 } });
    assert.deepEqual(read('{"json": ["is", "YAML"]}'), { json: ['is', 'YAML'] });
    assert.equal(read(''), null);
    assert.deepEqual(read('---\na: 1\n'), { a: 1 });
    assert.equal(JSON.stringify(read('__proto__: {x: 1}')), '{"__proto__":{"x":1}}');
  });

  test('keys given twice are named', () => {
    assert.deepEqual(parseBody(bytes('a: 1\nb: {c: 1, c: 2}\na: 2\n'), 'application/yaml').duplicates, [
      'yaml: unmarshal errors:\n  line 2: key "c" already set in map\n  line 3: key "a" already set in map',
    ]);
  });

  test('what is malformed, too deep or too clever is refused', () => {
    refuses('a: [', 'application/yaml');
    refuses('a: 1\n b: 2', 'application/yaml');
    refuses('a: *nothing', 'application/yaml');
    refuses('a: 1\n---\nb: 2\n', 'application/yaml', /one document/);
    refuses(`${'['.repeat(150)}${']'.repeat(150)}`, 'application/yaml', /depth/);
    refuses('['.repeat(100_000), 'application/yaml');
    const bomb = Array.from({ length: 12 }, (_, index) => `a${index}: &a${index} [${index === 0 ? 'x' : Array(10).fill(`*a${index - 1}`).join(',')}]`).join('\n');
    refuses(bomb, 'application/yaml');
    refuses('a: &a [*a]', 'application/yaml');
  });
});
