/** Every keyword of structural schemas, one by one: what it lets in, what it refuses, and in which words. */
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import type { Json } from '../../object.ts';
import type { FieldError } from '../../status.ts';
import { DecodeContext } from '../context.ts';
import { MAX_PATTERN_LENGTH, MAX_SCHEMA_DEPTH, MAX_SCHEMA_NODES } from './limits.ts';
import { checkDefaults, checkRulesSteps, checkStructural, compileSchema, readSchema, rootPlace, ValidationTooCostly } from './index.ts';

type Members = { [key: string]: Json };

const texts = (errors: readonly FieldError[]): string[] => errors.map(({ field, detail }) => `${field}: ${detail}`);
const compiled = (schema: Members): ReturnType<typeof compileSchema> => {
  const read = readSchema(schema, rootPlace('s'));
  assert.deepEqual(texts(read.errors), []);
  return compileSchema(read.schema, (value) => value);
};
/** A document whose member `v` has the schema. */
const ofMember = (schema: Members): Members => ({ type: 'object', properties: { v: schema } });
const errorsOf = (schema: Members, value: Json, old?: Json): string[] =>
  texts(compiled(ofMember(schema)).validate({ v: value }, old === undefined ? undefined : { v: old }));
const copied = (schema: Members, value: Members): { value: unknown; unknown: string[] } => {
  const context = new DecodeContext(true);
  return { value: compiled(schema).copy(value, context), unknown: context.unknown };
};
/** The result of steps taken at once. */
function taken<T>(steps: Generator<undefined, T, undefined>): T {
  let step = steps.next();
  while (step.done !== true) {
    step = steps.next();
  }
  return step.value;
}

/** What a definition with this schema is refused for. */
const refused = (schema: Members): string[] => {
  const read = readSchema(schema, rootPlace('s'));
  if (read.errors.length > 0) {
    return texts(read.errors);
  }
  const structural = checkStructural(read.schema, rootPlace('s'));
  return texts(structural.length > 0 ? structural : [...checkDefaults(read.schema, rootPlace('s'), (value) => value), ...taken(checkRulesSteps(read.schema, rootPlace('s')))]);
};

describe('validation', () => {
  const string = { type: 'string' };
  const cases: [name: string, schema: Members, good: Json[], bad: [Json, ...string[]][]][] = [
    ['type string', string, ['', 'x'], [[1, 'v: Invalid value: "integer": v in body must be of type string: "integer"'], [null, 'v: Invalid value: "null": v in body must be of type string: "null"'], [[], 'v: Invalid value: "array": v in body must be of type string: "array"']]],
    ['type integer', { type: 'integer' }, [1, -3, 0], [[1.5, 'v: Invalid value: "number": v in body must be of type integer: "number"'], ['1', 'v: Invalid value: "string": v in body must be of type integer: "string"']]],
    ['type number', { type: 'number' }, [1, 1.5], [[true, 'v: Invalid value: "boolean": v in body must be of type number: "boolean"']]],
    ['type boolean', { type: 'boolean' }, [true, false], [['true', 'v: Invalid value: "string": v in body must be of type boolean: "string"']]],
    ['type object', { type: 'object' }, [{}], [[[], 'v: Invalid value: "array": v in body must be of type object: "array"']]],
    ['nullable', { type: 'string', nullable: true }, [null, 'x'], [[1, 'v: Invalid value: "integer": v in body must be of type string: "integer"']]],
    ['int-or-string', { 'x-kubernetes-int-or-string': true }, [1, 'x'], [[true, 'v: Invalid value: "boolean": v in body must be of type integer,string: "boolean"']]],
    ['maximum', { type: 'integer', maximum: 5 }, [5], [[6, 'v: Invalid value: 6: v in body should be less than or equal to 5']]],
    ['exclusiveMaximum', { type: 'integer', maximum: 5, exclusiveMaximum: true }, [4], [[5, 'v: Invalid value: 5: v in body should be less than 5']]],
    ['minimum', { type: 'number', minimum: 0.5 }, [0.5], [[0.4, 'v: Invalid value: 0.4: v in body should be greater than or equal to 0.5']]],
    ['exclusiveMinimum', { type: 'number', minimum: 0, exclusiveMinimum: true }, [0.1], [[0, 'v: Invalid value: 0: v in body should be greater than 0']]],
    ['multipleOf', { type: 'number', multipleOf: 0.1 }, [0.3, 1], [[0.35, 'v: Invalid value: 0.35: v in body should be a multiple of 0.1']]],
    ['int32', { type: 'integer', format: 'int32' }, [2 ** 31 - 1], [[2 ** 31, '<nil>: Invalid value: "": Checked value must be of type integer with format int32 in v']]],
    ['integers that are kept exactly', { type: 'integer' }, [2 ** 53 - 1], [[2 ** 60, 'v: Invalid value: 1152921504606847000: v in body is beyond the integers that this server keeps exactly (2^53)']]],
    ['maxLength counts characters', { type: 'string', maxLength: 2 }, ['ab', '\u{1f600}\u{1f600}'], [['abc', 'v: Too long: may not be more than 2 bytes']]],
    ['minLength', { type: 'string', minLength: 2 }, ['ab'], [['\u{1f600}', 'v: Invalid value: "\u{1f600}": v in body should be at least 2 chars long']]],
    ['pattern', { type: 'string', pattern: '^a+$' }, ['aa'], [['b', 'v: Invalid value: "b": v in body should match \'^a+$\'']]],
    ['enum', { type: 'string', enum: ['a', 'b'] }, ['a'], [['c', 'v: Unsupported value: "c": supported values: "a", "b"']]],
    ['enum of objects', { type: 'object', properties: { x: { type: 'integer' } }, enum: [{ x: 1 }] }, [{ x: 1 }], [[{ x: 2 }, 'v: Unsupported value: {"x":2}: supported values: "{\\"x\\":1}"']]],
    ['required', { type: 'object', required: ['a'], properties: { a: string } }, [{ a: '' }], [[{}, 'v.a: Required value']]],
    ['items', { type: 'array', items: string }, [['a']], [[['a', 1], 'v[1]: Invalid value: "integer": v[1] in body must be of type string: "integer"']]],
    ['maxItems', { type: 'array', items: string, maxItems: 1 }, [['a']], [[['a', 'b'], 'v: Too many: 2: must have at most 1 items']]],
    ['minItems', { type: 'array', items: string, minItems: 1 }, [['a']], [[[], 'v: Invalid value: 0: v in body should have at least 1 items']]],
    ['additionalProperties', { type: 'object', additionalProperties: string }, [{ k: 'v' }], [[{ k: 1 }, 'v.k: Invalid value: "integer": v.k in body must be of type string: "integer"']]],
    ['maxProperties', { type: 'object', additionalProperties: string, maxProperties: 1 }, [{}], [[{ a: '', b: '' }, 'v: Too many: 2: must have at most 1 items']]],
    ['minProperties', { type: 'object', additionalProperties: string, minProperties: 1 }, [{ a: '' }], [[{}, 'v: Invalid value: 0: v in body should have at least 1 properties']]],
    ['list type set', { type: 'array', items: string, 'x-kubernetes-list-type': 'set' }, [['a', 'b']], [[['a', 'b', 'a', 'a'], 'v[2]: Duplicate value: "a"']]],
    ['list type map', {
      type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'], items: { type: 'object', required: ['k'], properties: { k: string, x: string } },
    }, [[{ k: 'a' }, { k: 'b' }]], [[[{ k: 'a' }, { k: 'a', x: '1' }], 'v[1]: Duplicate value: {"k":"a"}']]],
    ['embedded resource', { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true }, [{ apiVersion: 'v1', kind: 'X' }], [[{ kind: 'X' }, 'v.apiVersion: Required value: must not be empty']]],
    ['anyOf', { type: 'object', properties: { a: string, b: string }, anyOf: [{ required: ['a'] }, { required: ['b'] }] }, [{ a: '' }, { b: '' }],
      [[{}, '<nil>: Invalid value: "": "v" must validate at least one schema (anyOf)', 'v.a: Required value']]],
    ['oneOf', { type: 'object', properties: { a: string, b: string }, oneOf: [{ required: ['a'] }, { required: ['b'] }] }, [{ a: '' }],
      [[{ a: '', b: '' }, '<nil>: Invalid value: "": "v" must validate one and only one schema (oneOf). Found 2 valid alternatives']]],
    ['allOf', { type: 'integer', allOf: [{ minimum: 1 }, { maximum: 3 }] }, [2], [[4, 'v: Invalid value: 4: v in body should be less than or equal to 3', '<nil>: Invalid value: "": "v" must validate all the schemas (allOf)']]],
    ['not', { type: 'string', not: { enum: ['x'] } }, ['y'], [['x', '<nil>: Invalid value: "": "v" must not validate the schema (not)']]],
  ];
  for (const [name, schema, good, bad] of cases) {
    it(name, () => {
      for (const value of good) {
        assert.deepEqual(errorsOf(schema, value), [], JSON.stringify(value));
      }
      for (const [value, ...expected] of bad) {
        const found = errorsOf(schema, value);
        assert.deepEqual(found.slice(0, expected.length), expected, JSON.stringify(value));
      }
    });
  }
});

test('formats', () => {
  const cases: [format: string, good: string[], bad: string[]][] = [
    ['date-time', ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05.123+02:00'], ['2026-01-02', '2026-13-02T03:04:05Z', '2026-02-30T03:04:05Z']],
    ['date', ['2026-02-28'], ['2026-02-29', 'x']], ['duration', ['1h30m', '5s'], ['soon']],
    ['ipv4', ['10.0.0.1'], ['10.0.0.256', '::1']], ['ipv6', ['::1', 'fe80::1'], ['10.0.0.1']], ['cidr', ['10.0.0.0/8', 'fe80::/64'], ['10.0.0.0', '10.0.0.0/33', '10.0.0.0/08']],
    ['uri', ['https://a.example/b', '/path'], ['no uri', 'relative']], ['email', ['a@example.com', 'A <a@example.com>'], ['a', 'a@', '@b', 'a..b@c']], ['hostname', ['a.example', 'x'], ['-a', 'a_b']],
    ['mac', ['00:11:22:33:44:55', '00-11-22-33-44-55'], ['00:11:22']], ['uuid', ['123e4567-e89b-12d3-a456-426614174000'], ['123']], ['uuid4', ['123e4567-e89b-42d3-a456-426614174000'], ['123e4567-e89b-12d3-a456-426614174000']],
    ['byte', ['aGk=', ''], ['a']], ['bsonobjectid', ['0123456789abcdef01234567'], ['0']], ['hexcolor', ['#fff', 'ffffff'], ['#ff']], ['rgbcolor', ['rgb(1,2,3)'], ['rgb(1,2)']],
    ['ssn', ['123-45-6789'], ['1']], ['creditcard', ['4111111111111111'], ['4111111111111112']], ['isbn10', ['0-306-40615-2'], ['0-306-40615-3']], ['isbn13', ['978-0-306-40615-7'], ['978-0-306-40615-8']],
    ['k8s-short-name', ['a-b'], ['A.b']], ['password', ['anything'], []], ['nothing-known', ['anything'], []],
  ];
  for (const [format, good, bad] of cases) {
    for (const value of good) {
      assert.deepEqual(errorsOf({ type: 'string', format }, value), [], `${format} ${value}`);
    }
    for (const value of bad) {
      assert.deepEqual(errorsOf({ type: 'string', format }, value), [`v: Invalid value: ${JSON.stringify(value)}: v in body must be of type ${format}: ${JSON.stringify(value)}`], `${format} ${value}`);
    }
  }
});

describe('copying', () => {
  const schema = {
    type: 'object', properties: {
      spec: {
        type: 'object', properties: {
          a: { type: 'string', default: 'x' }, list: { type: 'array', items: { type: 'object', properties: { n: { type: 'integer', default: 1 } } } },
          open: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { closed: { type: 'object', properties: { k: { type: 'string' } } } } },
          map: { type: 'object', additionalProperties: { type: 'object', properties: { k: { type: 'string' } } } },
          nothing: { type: 'string', nullable: true }, deep: { type: 'object', default: {}, properties: { inner: { type: 'string', default: 'y' } } },
        },
      },
    },
  };

  it('drops and names what is unknown', () => {
    const { value, unknown } = copied(schema, { other: 1, spec: { b: 1, list: [{ n: 2, x: 1 }], open: { any: { thing: [1] }, closed: { k: 'v', l: 1 } }, map: { one: { k: '', z: 1 } }, deep: {} } });
    assert.deepEqual(unknown, ['unknown field "other"', 'unknown field "spec.b"', 'unknown field "spec.list[0].x"', 'unknown field "spec.open.closed.l"', 'unknown field "spec.map.one.z"']);
    assert.deepEqual(value, { spec: { list: [{ n: 2 }], open: { any: { thing: [1] }, closed: { k: 'v' } }, map: { one: { k: '' } }, deep: { inner: 'y' }, a: 'x' } });
  });

  it('fills in defaults, also for nulls that may not be', () => {
    assert.deepEqual(copied(schema, { spec: { a: null, list: [{}], nothing: null, map: null } }).value, { spec: { a: 'x', list: [{ n: 1 }], nothing: null, deep: { inner: 'y' } } });
    assert.deepEqual(copied(schema, {}).value, {}, 'what is absent has no defaults inside');
  });

  it('shares nothing, and takes hostile names for names', () => {
    const given = JSON.parse('{"spec":{"open":{"__proto__":{"x":1}},"constructor":1}}');
    const { value, unknown } = copied(schema, given);
    assert.equal(JSON.stringify(value), '{"spec":{"open":{"__proto__":{"x":1}},"a":"x","deep":{"inner":"y"}}}');
    assert.deepEqual(unknown, ['unknown field "spec.constructor"']);
  });
});

describe('structurality', () => {
  const object = (properties: Members, extra: Members = {}): Members => ({ type: 'object', properties, ...extra });
  const cases: [name: string, schema: Members, ...errors: string[]][] = [
    ['a type at the root', { properties: { a: { type: 'string' } } }, 's.type: Required value: must not be empty at the root'],
    ['an object at the root', { type: 'string' }, 's.type: Invalid value: "string": must be object at the root'],
    ['types of fields', object({ a: {} }), 's.properties[a].type: Required value: must not be empty for specified object fields'],
    ['types of items', object({ a: { type: 'array', items: {} } }), 's.properties[a].items.type: Required value: must not be empty for specified array items'],
    ['items of arrays', object({ a: { type: 'array' } }), 's.properties[a].items: Required value: must be specified'],
    ['known types', object({ a: { type: 'thing' } }), 's.properties[a].type: Unsupported value: "thing": supported values: "array", "boolean", "integer", "number", "object", "string"'],
    ['no null type', object({ a: { type: 'null' } }), 's.properties[a].type: Forbidden: type cannot be set to null, use nullable as an alternative'],
    ['no types in junctors', object({ a: { type: 'string', anyOf: [{ type: 'string' }] } }), 's.properties[a].anyOf[0].type: Forbidden: must be empty to be structural'],
    ['no descriptions in junctors', object({ a: { type: 'string', not: { description: 'x' } } }), 's.properties[a].not.description: Forbidden: must be empty to be structural'],
    ['no defaults in junctors', object({ a: { type: 'string', allOf: [{ default: 'x' }] } }), 's.properties[a].allOf[0].default: Forbidden: must be undefined to be structural'],
    ['fields of junctors outside of them', object({ a: object({}, { oneOf: [{ properties: { b: { minLength: 1 } } }] }) }),
      's.properties[a].properties[b]: Required value: because it is defined in s.properties[a].oneOf[0].properties[b]'],
    ['nothing about metadata', object({ metadata: object({ labels: { type: 'object' } }) }), 's.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified'],
    ['either properties or additionalProperties', object({ a: object({ b: { type: 'string' } }, { additionalProperties: { type: 'string' } }) }),
      's.properties[a].additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive'],
    ['no additionalProperties at the root', { type: 'object', additionalProperties: { type: 'string' } }, 's.additionalProperties: Forbidden: must not be used at the root'],
    ['no references', object({ a: { $ref: '#/x' } }), 's.properties[a].$ref: Forbidden: $ref is not supported'],
    ['no unique items', object({ a: { type: 'array', uniqueItems: true, items: { type: 'string' } } }), 's.properties[a].uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic'],
    ['good patterns', object({ a: { type: 'string', pattern: '(' } }), "s.properties[a].pattern: Invalid value: \"(\": must be a valid regular expression, but isn't: error parsing regexp: missing closing ): `(`"],
    ['keys of list maps', object({ a: { type: 'array', 'x-kubernetes-list-type': 'map', items: object({ k: { type: 'string' } }) } }), 's.properties[a].x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map'],
    ['keys that are there', object({ a: { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'], items: object({ k: { type: 'string' } }) } }),
      's.properties[a].items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property'],
    ['lists with list types', object({ a: { type: 'string', 'x-kubernetes-list-type': 'set' } }), 's.properties[a].type: Invalid value: "string": must be array if x-kubernetes-list-type is specified'],
    ['objects with map types', object({ a: { type: 'string', 'x-kubernetes-map-type': 'atomic' } }), 's.properties[a].type: Invalid value: "string": must be object if x-kubernetes-map-type is specified'],
    ['embedded resources that are objects', object({ a: { 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true } }), 's.properties[a].type: Required value: must be object if x-kubernetes-embedded-resource is true'],
    ['int-or-string without more', object({ a: { 'x-kubernetes-int-or-string': true, 'x-kubernetes-preserve-unknown-fields': true } }),
      's.properties[a].x-kubernetes-preserve-unknown-fields: Invalid value: true: must be false if x-kubernetes-int-or-string is true'],
    ['defaults that fit', object({ a: { type: 'string', default: 1 } }), 's.properties[a].default: Invalid value: "integer": s.properties[a].default in body must be of type string: "integer"'],
    ['defaults that are known', object({ a: object({ b: { type: 'string' } }, { default: { c: 1 } }) }), 's.properties[a].default: Invalid value: {"c":1}: must not have unknown fields'],
    ['the two forms of int-or-string', object({ a: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] }, b: { 'x-kubernetes-int-or-string': true, allOf: [{ anyOf: [{ type: 'integer' }, { type: 'string' }] }, { pattern: 'x' }] } })],
    ['names in metadata', object({ metadata: { type: 'object', properties: { name: { type: 'string', pattern: '^a' } } } })],
  ];
  for (const [name, schema, ...errors] of cases) {
    it(`wants ${name}`, () => assert.deepEqual(refused(schema), errors));
  }
});

describe('ratcheting', () => {
  const list = { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'], items: { type: 'object', required: ['k'], properties: { k: { type: 'string' }, n: { type: 'integer', maximum: 5 } } } };

  it('tolerates what did not change', () => {
    assert.deepEqual(errorsOf({ type: 'integer', maximum: 5 }, 9, 9), []);
    assert.deepEqual(errorsOf({ type: 'integer', maximum: 5 }, 9, 8), ['v: Invalid value: 9: v in body should be less than or equal to 5']);
    assert.deepEqual(errorsOf({ type: 'object', additionalProperties: { type: 'integer', maximum: 5 } }, { a: 9, b: 1 }, { a: 9 }), []);
  });

  it('finds elements of list maps again, of other lists not', () => {
    assert.deepEqual(errorsOf(list, [{ k: 'b', n: 1 }, { k: 'a', n: 9 }], [{ k: 'a', n: 9 }]), []);
    assert.deepEqual(errorsOf({ type: 'array', items: { type: 'integer', maximum: 5 } }, [9, 1], [9]), ['v[0]: Invalid value: 9: v[0] in body should be less than or equal to 5']);
  });

  it('leaves duplicates alone that were there before', () => {
    const set = { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set' };
    assert.deepEqual(errorsOf(set, ['a', 'a', 'b'], ['a', 'a']), []);
    assert.deepEqual(errorsOf(set, ['a', 'a'], ['a']), ['v[1]: Duplicate value: "a"']);
  });
});

describe('rules', () => {
  const rule = (one: Members, schema: Members = { type: 'integer' }): Members => ({ ...schema, 'x-kubernetes-validations': [one] });
  const cases: [name: string, schema: Members, value: Json, old: Json | undefined, ...errors: string[]][] = [
    ['hold', rule({ rule: 'self > 1' }), 2, undefined],
    ['are named when they have no message', rule({ rule: 'self > 1' }), 1, undefined, 'v: Invalid value: 1: failed rule: self > 1'],
    ['have messages', rule({ rule: 'self > 1', message: 'more!' }), 1, undefined, 'v: Invalid value: 1: more!'],
    ['make messages', rule({ rule: 'self > 1', messageExpression: '"more than " + string(self)' }), 1, undefined, 'v: Invalid value: 1: more than 1'],
    ['say why', rule({ rule: 'self > 1', message: 'm', reason: 'FieldValueForbidden' }), 1, undefined, 'v: Forbidden: m'],
    ['point below', rule({ rule: 'self.a > 1', message: 'm', fieldPath: '.a' }, { type: 'object', properties: { a: { type: 'integer' } } }), { a: 1 }, undefined, 'v.a: Invalid value: m'],
    ['compare with the old value', rule({ rule: 'self >= oldSelf', message: 'm' }), 1, 2, 'v: Invalid value: 1: m'],
    ['need an old value to compare with', rule({ rule: 'self >= oldSelf' }), 1, undefined],
    ['may do without one', rule({ rule: 'oldSelf.hasValue() ? self == oldSelf.value() : self == 1', message: 'm', optionalOldSelf: true }), 2, undefined, 'v: Invalid value: 2: m'],
    ['take an optional old value', rule({ rule: 'oldSelf.hasValue() ? self == oldSelf.value() : self == 1', message: 'm', optionalOldSelf: true }), 2, 2],
    ['do not blame what did not change', rule({ rule: 'self > 1' }), 1, 1],
    ['fail with their errors', rule({ rule: 'self.a == 1' }, { type: 'object', properties: { a: { type: 'integer' } } }), {}, undefined, 'v: Invalid value: "object": no such key: a evaluating rule: self.a == 1'],
  ];
  for (const [name, schema, value, old, ...errors] of cases) {
    it(name, () => assert.deepEqual(errorsOf(schema, value, old), errors));
  }

  it('wait until the object is otherwise sound', () => {
    const schema = rule({ rule: 'self.a == 1' }, { type: 'object', required: ['a'], properties: { a: { type: 'integer' } } });
    assert.deepEqual(errorsOf(schema, {}), ['v.a: Required value',
      '<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation']);
  });

  it('are refused when they do not compile or cost too much', () => {
    const [wrong = ''] = refused(ofMember(rule({ rule: 'self > "x"' })));
    assert.match(wrong, /^s\.properties\[v\]\.x-kubernetes-validations\[0\]\.rule: Invalid value: "self > \\"x\\"": compilation failed: ERROR: <input>:1:6: found no matching overload/);
    const [unknown = ''] = refused(ofMember(rule({ rule: 'other > 1' })));
    assert.match(unknown, /undeclared reference to 'other'/);
    const endless = rule({ rule: 'self.all(x, self.all(y, x == y))' }, { type: 'array', items: { type: 'string' } });
    assert.match(refused(ofMember(endless))[0] ?? '', /rule: Forbidden: estimated rule cost exceeds budget by factor of more than 100x \(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared\)$/);
    assert.deepEqual(refused(ofMember({ type: 'array', items: rule({ rule: 'self == oldSelf' }) })), [
      's.properties[v].items.x-kubernetes-validations[0].rule: Invalid value: "self == oldSelf": oldSelf cannot be used on the uncorrelatable portion of the schema within s.properties[v]']);
  });
});

describe('limits', () => {
  it('of depth', () => {
    let schema: Members = { type: 'string' };
    for (let depth = 0; depth <= MAX_SCHEMA_DEPTH; depth += 1) {
      schema = { type: 'object', properties: { a: schema } };
    }
    assert.match(refused(schema)[0] ?? '', /MAX_SCHEMA_DEPTH/);
  });

  it('of size', () => {
    const properties = Object.fromEntries(Array.from({ length: MAX_SCHEMA_NODES + 1 }, (_, index) => [`p${index}`, { type: 'string' }]));
    assert.match(refused({ type: 'object', properties })[0] ?? '', /MAX_SCHEMA_NODES/);
  });

  it('of patterns, by their length and by what they become', () => {
    assert.match(refused(ofMember({ type: 'string', pattern: 'a'.repeat(MAX_PATTERN_LENGTH + 1) }))[0] ?? '', /MAX_PATTERN_LENGTH/);
    assert.match(refused(ofMember({ type: 'string', pattern: '(a{1,1000}){1,1000}' }))[0] ?? '', /expression too large|MAX_PATTERN_PROGRAM/);
    assert.deepEqual(errorsOf({ type: 'string', pattern: '^(a+)+$' }, `${'a'.repeat(50_000)}b`).length, 1, 'a pattern that runs away elsewhere is answered at once');
  });

  it('of what defaults add', () => {
    const big = { type: 'object', properties: { v: { type: 'array', items: { type: 'object', properties: { x: { type: 'string', default: 'x'.repeat(10_000) } } } } } };
    assert.throws(() => copied(big, { v: Array.from({ length: 10_000 }, () => ({})) }), /MAX_DEFAULTED_CHARS/);
  });

  it('of work: alternatives times elements', () => {
    const anyOf = Array.from({ length: 2_000 }, (_, index) => ({ enum: [String(index)] }));
    const schema = compiled(ofMember({ type: 'array', items: { type: 'string', anyOf } }));
    assert.throws(() => schema.validate({ v: Array.from({ length: 10_000 }, () => 'x') }), ValidationTooCostly);
  });
});
