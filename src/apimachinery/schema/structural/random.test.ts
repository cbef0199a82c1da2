/** Random schemas and random documents (seeded): whatever comes, it is answered, and what was made sound stays as it is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '../../object.ts';
import { deepEqual } from '../../values.ts';
import { DecodeContext } from '../context.ts';
import { checkDefaults, checkRulesSteps, checkStructural, compileSchema, readSchema, rootPlace } from './index.ts';

type Members = { [key: string]: Json };

const ROUNDS = 3_000;
const NAMES = ['a', 'b', 'c', 'spec', 'metadata', 'kind', '__proto__', 'constructor', 'x.y'];
const WORDS = ['', 'a', 'b', '1', 'x'.repeat(70), '2026-01-01T00:00:00Z', '10.0.0.1', '\u{1f600}'];

/** Mulberry32: numbers from 0 to 1, the same for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

class Maker {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = randomOf(seed);
  }

  chance(of: number): boolean {
    return this.#random() < of;
  }

  below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  pick<T>(list: readonly T[], otherwise: T): T {
    return list[this.below(list.length)] ?? otherwise;
  }

  value(depth: number): Json {
    switch (this.below(depth > 0 ? 8 : 5)) {
      case 0: return null;
      case 1: return this.chance(0.5);
      case 2: return this.below(20) - 5;
      case 3: return this.#random() * 10;
      case 4: return this.pick(WORDS, '');
      case 5: case 6: return this.object(depth);
      default: return Array.from({ length: this.below(4) }, () => this.value(depth - 1));
    }
  }

  object(depth: number): Members {
    // By parsing, so that `__proto__` is a name like any other.
    const text = Array.from({ length: this.below(4) }, () => `${JSON.stringify(this.pick(NAMES, 'a'))}:${JSON.stringify(this.value(depth - 1))}`).join(',');
    return JSON.parse(`{${text}}`);
  }

  /** Mostly sound: a type, and a few keywords that may fit it. */
  schema(depth: number): Members {
    const type = this.pick(['object', 'array', 'string', 'integer', 'number', 'boolean'], 'string');
    const schema: Members = this.chance(0.05) ? {} : { type };
    if (type === 'object' && depth > 0) {
      if (this.chance(0.7)) {
        schema['properties'] = Object.fromEntries(['a', 'b', 'c'].slice(0, 1 + this.below(3)).map((name) => [name, this.schema(depth - 1)]));
      } else {
        schema['additionalProperties'] = this.chance(0.8) ? this.schema(depth - 1) : true;
      }
    }
    if (type === 'array') {
      schema['items'] = depth > 0 ? this.schema(depth - 1) : { type: 'string' };
    }
    for (let count = this.below(3); count > 0; count -= 1) {
      this.#keyword(schema, depth);
    }
    return schema;
  }

  #keyword(schema: Members, depth: number): void {
    const keywords: readonly (readonly [string, () => Json])[] = [
      ['nullable', () => true], ['default', () => this.value(2)], ['maximum', () => this.below(5)], ['minimum', () => this.below(5)], ['maxLength', () => this.below(3)],
      ['minLength', () => this.below(3)], ['pattern', () => this.pick(['^a', '(', 'b+$', '[a-z]{1,3}'], '')], ['format', () => this.pick(['ipv4', 'date-time', 'uuid', 'none'], '')],
      ['enum', () => [this.value(1), this.value(1)]], ['required', () => [this.pick(['a', 'b'], 'a')]], ['maxItems', () => this.below(3)], ['minProperties', () => this.below(3)],
      ['multipleOf', () => this.below(3)], ['anyOf', () => [{ minimum: 1 }, { pattern: '^a' }]], ['oneOf', () => [{ required: ['a'] }, { required: ['b'] }]], ['allOf', () => [{ maxLength: 5 }]],
      ['not', () => ({ enum: [1] })], ['x-kubernetes-preserve-unknown-fields', () => true], ['x-kubernetes-int-or-string', () => true], ['x-kubernetes-embedded-resource', () => true],
      ['x-kubernetes-list-type', () => this.pick(['set', 'map', 'atomic', 'other'], '')], ['x-kubernetes-list-map-keys', () => ['a']], ['x-kubernetes-map-type', () => 'atomic'],
      ['x-kubernetes-validations', () => [{ rule: this.pick(['self == self', 'has(self.a)', 'self == oldSelf', 'self.size() < 3', 'self +'], 'true') }]], ['items', () => this.schema(depth - 1)],
      [this.pick(NAMES, 'a'), () => this.value(2)],
    ];
    const [name, make] = this.pick(keywords, ['nullable', (): Json => true]);
    schema[name] = make();
  }
}

/** The result of steps taken at once. */
function taken<T>(steps: Generator<undefined, T, undefined>): T {
  let step = steps.next();
  while (step.done !== true) {
    step = steps.next();
  }
  return step.value;
}

test(`${ROUNDS} random schemas and documents`, () => {
  let sound = 0;
  for (let seed = 1; seed <= ROUNDS; seed += 1) {
    const maker = new Maker(seed);
    const { schema, errors, hasRules } = readSchema({ type: 'object', properties: { v: maker.schema(3) } }, rootPlace('s'));
    if (errors.length > 0) {
      continue;
    }
    // One after the other, as definitions are checked: defaults are only asked of a structural schema.
    if (checkStructural(schema, rootPlace('s')).length > 0 || checkDefaults(schema, rootPlace('s'), (value) => value).length > 0
      || (hasRules && taken(checkRulesSteps(schema, rootPlace('s'))).length > 0)) {
      continue;
    }
    sound += 1;
    const compiled = compileSchema(schema, (value) => value);
    for (let round = 0; round < 5; round += 1) {
      const document = { apiVersion: 'v1', kind: 'X', v: maker.value(3) };
      const before = JSON.stringify(document);
      const copy = compiled.copy(document, new DecodeContext(true));
      assert.equal(JSON.stringify(document), before, `seed ${seed}: the document was changed`);
      const context = new DecodeContext(true);
      const again = compiled.copy(Object(copy), context);
      assert.ok(deepEqual(again, copy) && context.unknown.length === 0, `seed ${seed}: copying twice differs: ${JSON.stringify(copy)} ${JSON.stringify(again)}`);
      const found = compiled.validate(copy);
      assert.deepEqual(compiled.validate(copy), found, `seed ${seed}: validation is not steady`);
      const unchanged = compiled.validate(copy, copy).filter(({ detail }) => !detail.includes('not checked because'));
      assert.ok(found.length === 0 || unchanged.every(({ detail }) => /rule/.test(detail)), `seed ${seed}: an unchanged document is blamed: ${JSON.stringify(unchanged)}`);
    }
  }
  assert.ok(sound > ROUNDS / 20, `only ${sound} schemas were sound`);
});
