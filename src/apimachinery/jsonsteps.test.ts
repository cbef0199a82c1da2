import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MAX_JSON_DEPTH, parseBody } from './json.ts';
import { JsonDepthError, JsonTextError, JsonWidthError, readJsonInSteps, type ReadJson } from './jsonsteps.ts';

/** The result and the number of rests. */
function read(text: string, depth = MAX_JSON_DEPTH, members = 50_000): ReadJson & { rests: number } {
  const steps = readJsonInSteps(text, { depth, members });
  let rests = 0;
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) {
      return { ...value, rests };
    }
    rests += 1;
  }
}

/** Numbers below a bound, the same ones every time. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
}

const NAMES = ['a', 'b', '__proto__', '7', 'ä"\\\n', 'a.b', ''];

function document(random: (below: number) => number, depth: number): unknown {
  switch (depth === 0 ? random(5) : random(7)) {
    case 0: return null;
    case 1: return random(2) === 0;
    case 2: return (random(2000) - 1000) / ([1, 7, 1e30, 1e-30][random(4)] ?? 1);
    case 3: return `${NAMES[random(NAMES.length)]}\u0000\u2028"\\`.slice(random(4));
    case 4: return random(2) === 0 ? [] : {};
    case 5: return Array.from({ length: random(5) }, () => document(random, depth - 1));
    default: return Object.fromEntries(Array.from({ length: random(5) }, () => [NAMES[random(NAMES.length)], document(random, depth - 1)]));
  }
}

describe('JSON read in steps', () => {
  test('is what a native parser reads', () => {
    for (let seed = 1; seed <= 500; seed += 1) {
      const random = numbers(seed);
      const text = JSON.stringify(document(random, 5), null, random(3));
      assert.deepEqual(read(text).value, JSON.parse(text), `seed ${seed}`);
    }
  });

  test('is refused where a native parser refuses it, whatever was cut, lost or put in between', () => {
    const outcome = (work: () => unknown): unknown => {
      try {
        return work();
      } catch (error) {
        assert.ok(error instanceof SyntaxError || error instanceof JsonTextError, String(error));
        return 'refused';
      }
    };
    for (let seed = 1; seed <= 2000; seed += 1) {
      const random = numbers(seed);
      const text = JSON.stringify(document(random, 3));
      const at = random(text.length + 1);
      const broken = text.slice(0, at) + '{}[],:"\\ 1-.e\u0001tn'.charAt(random(20)) + text.slice(at + random(3));
      assert.deepEqual(outcome(() => read(broken).value), outcome(() => JSON.parse(broken)), `seed ${seed}: ${broken}`);
    }
  });

  test('names members given twice as the other reader does', () => {
    for (const text of ['{"a":1,"a":2}', '{"spec":{"list":[{"x":1},{"x":1,"y":{"z":1},"x":2}],"\\u0078":1,"x":"a\\":"},"b":{"a":1}}', '{"a":{"b":1,"b":{}},"a":[]}']) {
      assert.deepEqual(read(text).duplicates, parseBody(Buffer.from(text), 'application/json').duplicates);
    }
  });

  test('goes no deeper than it may', () => {
    assert.ok(read('[[{"a":[]}]]', 4).value);
    assert.throws(() => read('[[{"a":[]}]]', 3), JsonDepthError);
    assert.throws(() => read('['.repeat(1_000_000)), JsonDepthError);
  });

  test('takes no wider objects than it may', () => {
    assert.ok(read('[{"a":1,"b":{"c":1,"d":1}},{"e":1}]', 9, 2).value);
    assert.throws(() => read('[{"a":1,"b":{"c":1,"d":1,"e":1}}]', 9, 2), JsonWidthError);
    assert.throws(() => read('{"a":1,"a":1,"a":1}', 9, 2), JsonWidthError);
  });

  test('rests often enough', () => {
    const wide = JSON.stringify(Object.fromEntries(Array.from({ length: 50_000 }, (_, n) => [`k${n}`, n])));
    assert.ok(read(wide).rests >= 150);
    assert.ok(read(`[${wide},${wide}]`).rests >= 300);
  });
});
