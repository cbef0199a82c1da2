import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Json } from '../object.ts';
import { readSchema, rootPlace } from '../schema/structural/index.ts';
import { compile } from './compile.ts';
import { escapeName, unescapeName } from './names.ts';
import { celTypeOfSchema } from './schema.ts';
import { firstIssue, outcomeOf } from './testing.ts';
import type { CelType } from './types.ts';

/** The type of `self` at the root of a resource with this schema. */
function selfOf(schema: Json, isResource = true): CelType {
  const { schema: read, errors } = readSchema(schema, rootPlace('openAPIV3Schema'));
  assert.deepEqual(errors, []);
  const type = read === undefined ? undefined : celTypeOfSchema(read, isResource);
  assert.ok(type !== undefined);
  return type;
}

const SCHEMA: Json = {
  type: 'object',
  properties: {
    spec: {
      type: 'object', required: ['names'],
      properties: {
        count: { type: 'integer' }, ratio: { type: 'number' }, port: { 'x-kubernetes-int-or-string': true }, data: { type: 'string', format: 'byte' }, at: { type: 'string', format: 'date-time' }, day: { type: 'string', format: 'date' },
        wait: { type: 'string', format: 'duration' }, names: { type: 'array', maxItems: 5, items: { type: 'string', maxLength: 10 } }, labels: { type: 'object', maxProperties: 3, additionalProperties: { type: 'string', maxLength: 20 } },
        'with-dash': { type: 'string' }, namespace: { type: 'string' }, 'a.b/c__d': { type: 'boolean' }, free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }, open: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { known: { type: 'integer' } } },
        tags: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } }, mode: { type: 'string', enum: ['on', 'off'] },
        ports: { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['port'], items: { type: 'object', properties: { port: { type: 'integer' }, name: { type: 'string' } } } },
      },
    },
  },
};

const VALUE = {
  apiVersion: 'x/v1', kind: 'X', metadata: { name: 'one', labels: { a: 'b' } },
  spec: {
    count: 3, ratio: 2, port: 80, data: 'aGk=', at: '2024-01-01T00:00:00Z', day: '2024-01-02', wait: '3 days', names: ['a', 'b'], labels: { 'k.io/x': 'y' }, 'with-dash': 'd', namespace: 'n', 'a.b/c__d': true,
    tags: ['x', 'y'], ports: [{ port: 1, name: 'one' }, { port: 2 }],
  },
};

describe('schemas', () => {
  const self = selfOf(SCHEMA);
  for (const [expression, result] of [
    ['self.spec.count / 2', '1'], ['self.spec.ratio / 4.0', '0.5'], ['self.spec.port == 80', 'true'], ["type(self.spec.port) == string", 'false'], ["self.spec.data == b'hi'", 'true'], ['self.spec.at.getFullYear()', '2024'],
    ["self.spec.day - self.spec.at == duration('24h')", 'true'], ['self.spec.wait.getHours()', '72'], ["self.spec.labels['k.io/x']", '"y"'], ['self.spec.with__dash__dash', '"d"'],
    ['self.spec.__namespace__', '"n"'], ['self.spec.namespace', "compile: undefined field 'namespace'"], ['self.spec.a__dot__b__slash__c__underscores__d', 'true'], ['self.spec.free', "compile: undefined field 'free'"], ['has(self.spec.open.known)', 'error: no such key: open'],
    ['self.spec.open.unknown', "compile: undefined field 'unknown'"], ['self.metadata.name', '"one"'], ['self.metadata.labels', "compile: undefined field 'labels'"], ['self.kind', '"X"'],
    ["self.spec.tags == ['y', 'x']", 'true'], ["self.spec.names == ['b', 'a']", 'false'], ["self.spec.tags + ['y', 'z']", '["x", "y", "z"]'], ['self.spec.ports.exists(p, p.port == 2 && !has(p.name))', 'true'],
  ] as const) {
    it(`give ${expression} the value ${result}`, () => assert.equal(firstIssue(outcomeOf(expression, { self: VALUE }, { self }).text), result));
  }

  it('compare lists by their kind, old with new', () => {
    const old = { ...VALUE, spec: { ...VALUE.spec, tags: ['y', 'x'], ports: [{ port: 2 }, { port: 1, name: 'one' }], names: ['b', 'a'] } };
    const run = (expression: string): string => outcomeOf(expression, { self: VALUE, oldSelf: old }, { self, oldSelf: self }).text;
    assert.equal(run('self.spec.tags == oldSelf.spec.tags && self.spec.ports == oldSelf.spec.ports && self.spec.names != oldSelf.spec.names'), 'true');
    assert.equal(run('(self.spec.ports + oldSelf.spec.ports.map(p, p)).size()'), '2', 'elements with the same keys are replaced');
  });

  it('say how large values can be', () => {
    const cost = (expression: string): number => compile(expression, { variables: { self } }).estimate().max;
    assert.equal(cost("self.spec.names.all(n, n.contains('xx'))"), 3 + 1 + 5 * (3 + 1 + 4));
    assert.equal(cost("self.spec.labels.all(k, self.spec.labels[k] == 'x')"), 3 + 1 + 3 * (3 + 3 + 1 + 1 + 1));
    assert.equal(cost("self.spec.mode.contains('xx')"), 3 + 1);
    const unbounded = cost("self.spec.tags.all(t, t.contains('x'))");
    assert.ok(unbounded > 1e9 && unbounded < Number.POSITIVE_INFINITY, 'a request has a greatest size');
  });

  it('escape names that CEL cannot write', () => {
    const rows: readonly (readonly [string, string | undefined])[] = [
      ['plain', 'plain'], ['a-b', 'a__dash__b'], ['a.b', 'a__dot__b'], ['a/b', 'a__slash__b'], ['a__b', 'a__underscores__b'], ['a_b', 'a_b'], ['namespace', '__namespace__'], ['in', '__in__'], ['true', '__true__'], ['9a', undefined], ['a b', undefined], ['', undefined],
    ];
    for (const [name, escaped] of rows) {
      assert.equal(escapeName(name), escaped);
      assert.equal(escaped === undefined ? name : unescapeName(escaped), name);
    }
  });
});
