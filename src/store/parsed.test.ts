import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ParsedObjects, type Parsed } from './parsed.ts';

class Fake implements Parsed {
  readonly json = 'x'.repeat(10);
  held = true;
  asked = false;

  renew(): boolean {
    const { asked } = this;
    this.asked = false;
    this.held = asked;
    return asked;
  }
}

test('what was not asked for lately forgets its object, what was keeps it', () => {
  const kept = new ParsedObjects(100);
  const all = Array.from({ length: 60 }, () => new Fake());
  for (const [index, one] of all.entries()) {
    kept.add(one);
    for (const early of all.slice(0, Math.min(5, index))) {
      early.asked = true;
    }
  }
  assert.ok(all.slice(0, 5).every(({ held }) => held), 'asked for again and again');
  assert.ok(all.filter(({ held }) => held).length <= 5 + 3 * 11, 'no more than two generations, and what is in use');
  assert.ok(all.slice(5, 20).every(({ held }) => !held), 'old and forgotten');
});
