/** Random and hostile values through everything that takes what clients send: a StatusError or an answer, never anything else. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseBody } from './json.ts';
import type { Json, JsonObject } from './object.ts';
import { applyJsonPatch } from './patch/json.ts';
import { applyMergePatch } from './patch/merge.ts';
import { applyStrategicPatch } from './patch/strategic.ts';
import { canonicalQuantity, QuantityError } from './quantity.ts';
import { decodeObject } from './schema/decode.ts';
import { matchesLabels, parseFieldSelector, parseLabelSelector, SelectorError, selectorToString } from './selectors.ts';
import { StatusError } from './status.ts';
import { parseTypes } from './typetable.ts';

const table = new Map(parseTypes('core/v1', `
Pod kind
  metadata Meta 1
  spec Spec 2

Meta
  name string 1
  labels map:string 2
  finalizers []string 3 set patch=merge
  time Time 4

Spec
  containers []Container 1 map=name patch=merge:name
  volumes []Container 2 patch=merge,retainKeys:name
  args []string 3 atomic
  limits map:Quantity 4
  port IntOrString 5
  tree Spec 6
  raw any 7

Container
  name string 1 !
  image string 2
  size int64 3
  secret bytes 4
`).map((message) => [message.name, message]));

class Random {
  #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
  }

  below(limit: number): number {
    this.#seed = (Math.imul(this.#seed, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor(this.#seed / 2 ** 32 * limit);
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }
}

const NAMES = ['metadata', 'spec', 'name', 'labels', 'finalizers', 'containers', 'volumes', 'args', 'limits', 'port', 'tree', 'raw', 'image', 'time', '__proto__', 'constructor', 'toString', '$patch', '$retainKeys',
  '$setElementOrder/containers', '$setElementOrder/finalizers', '$deleteFromPrimitiveList/finalizers', '', 'a/b~c'] as const;
const SCALARS = ['', 'a', 'b', 'delete', 'replace', 'merge', 0, -1, 1.5, 1e300, true, null, '100m', '2026-01-01T00:00:00Z', 'name', 'metadata'] as const;

function randomValue(random: Random, depth: number): Json {
  const choice = random.below(depth > 4 ? 2 : 6);
  if (choice < 2) {
    return random.pick(SCALARS);
  }
  if (choice < 4) {
    return Array.from({ length: random.below(4) }, () => randomValue(random, depth + 1));
  }
  return randomObject(random, depth + 1);
}

function randomObject(random: Random, depth: number): JsonObject {
  const members = Array.from({ length: random.below(5) }, () => `${JSON.stringify(random.pick(NAMES))}:${JSON.stringify(randomValue(random, depth))}`);
  return JSON.parse(`{${members.join(',')}}`) as JsonObject;
}

/** Well-formed enough that patches meet something. */
function randomPod(random: Random): JsonObject {
  const { object } = ((): { object: JsonObject } => {
    for (;;) {
      try {
        return decodeObject({ metadata: { finalizers: ['a', 'b'] }, spec: { containers: [{ name: 'a' }, { name: 'b', image: 'x' }], args: ['a'] }, ...randomObject(random, 2) }, table, 'core/v1.Pod', 'ignore');
      } catch (error) {
        assert.ok(error instanceof StatusError, String(error));
      }
    }
  })();
  return object;
}

function answers<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    assert.ok(error instanceof StatusError && error.code >= 400 && error.code < 500, `${String(error)} ${error instanceof Error ? error.stack : ''}`);
    return undefined;
  }
}

describe('random values', () => {
  test('decoding and patching answer or refuse, and change nothing they are given', () => {
    for (let seed = 1; seed <= 4000; seed += 1) {
      const random = new Random(seed);
      const [document, patch] = [randomPod(random), randomObject(random, 0)];
      const operations = Array.from({ length: random.below(4) }, () => ({
        op: random.pick(['add', 'remove', 'replace', 'move', 'copy', 'test']), path: `/${random.pick(NAMES)}/${random.pick(NAMES)}`, from: `/${random.pick(NAMES)}`, value: randomValue(random, 1),
      }));
      const before = JSON.stringify([document, patch, operations]);
      answers(() => applyJsonPatch(document, operations));
      const merged = answers(() => applyMergePatch(document, patch));
      const strategic = answers(() => applyStrategicPatch(document, patch, table, 'core/v1.Pod'));
      assert.equal(JSON.stringify([document, patch, operations]), before, `seed ${seed}`);
      assert.notEqual(merged, undefined);
      for (const result of [merged, strategic, patch]) {
        const decoded = answers(() => decodeObject(result, table, 'core/v1.Pod', 'strict'));
        if (decoded !== undefined) {
          assert.deepEqual(decodeObject(decoded.object, table, 'core/v1.Pod', 'strict'), { object: decoded.object, unknown: [] }, `seed ${seed}: decoding is idempotent`);
        }
      }
      const same = answers(() => applyStrategicPatch(document, document, table, 'core/v1.Pod'));
      if (same !== undefined && !JSON.stringify(document).includes('$')) {
        assert.deepEqual(same, document, `seed ${seed}: a document patched with itself is itself`);
      }
    }
    assert.equal(Object.keys(Object.prototype).length, 0, 'nothing was polluted');
  });

  test('texts', () => {
    const random = new Random(7);
    const characters = ['a', '=', '!', '(', ')', ',', ' in ', ' notin ', '>', '<', '\\', '/', '.', '-', 'é', '\n', '1', 'Ki', 'e', '+', '{', '}', '[', ']', ':', '"', '&', '*', '#', '|', '%', '@', '`', '?'] as const;
    for (let round = 0; round < 20_000; round += 1) {
      const text = Array.from({ length: random.below(12) }, () => random.pick(characters)).join('');
      try {
        const selector = parseLabelSelector(text);
        matchesLabels(selector, { a: '1' });
        assert.deepEqual(parseLabelSelector(selectorToString(selector)), selector, JSON.stringify(text));
      } catch (error) {
        assert.ok(error instanceof SelectorError, `${JSON.stringify(text)}: ${String(error)}`);
      }
      try {
        parseFieldSelector(text);
      } catch (error) {
        assert.ok(error instanceof SelectorError, `${JSON.stringify(text)}: ${String(error)}`);
      }
      try {
        assert.equal(canonicalQuantity(canonicalQuantity(text)), canonicalQuantity(text));
      } catch (error) {
        assert.ok(error instanceof QuantityError, `${JSON.stringify(text)}: ${String(error)}`);
      }
      if (round % 10 === 0) {
        answers(() => parseBody(new TextEncoder().encode(text), 'application/yaml'));
        answers(() => parseBody(new TextEncoder().encode(text), 'application/json'));
      }
    }
  });
});

test('large bodies take linear time', () => {
  const big = JSON.stringify({ metadata: { labels: Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`k${index}`, 'v'])) }, x: Array.from({ length: 100_000 }, () => ({})) });
  const { value, duplicates } = parseBody(new TextEncoder().encode(big), 'application/json');
  assert.deepEqual(duplicates, []);
  assert.deepEqual(decodeObject(value, table, 'core/v1.Pod', 'warn').unknown, ['unknown field "x"']);
  const twice = `{${Array.from({ length: 100_000 }, (_, index) => `"k${index % 50_000}":1`).join(',')}}`;
  assert.equal(parseBody(new TextEncoder().encode(twice), 'application/json').duplicates.length, 100);
  const finalizers = Array.from({ length: 100_000 }, (_, index) => `f${index}`);
  const result = applyStrategicPatch({ metadata: { finalizers } }, { metadata: { finalizers: finalizers.toReversed() } }, table, 'core/v1.Pod');
  assert.deepEqual(result, { metadata: { finalizers: finalizers.toReversed() } });
});
