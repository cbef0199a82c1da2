import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  addQuantities, canonicalQuantity, compareQuantities, formatBytes, parseQuantity, QuantityError, quantityToMilli, quantityToNumber,
  subtractQuantities,
} from './quantity.ts';

test('canonical texts are Kubernetes\' own', () => {
  const cases: Record<string, string> = {
    '0': '0', '00': '0', '0Ki': '0', '-0': '0', '1': '1', '+1': '1', '1.': '1', '.5': '500m', '0.5': '500m', '1000m': '1', '100m': '100m',
    '1500m': '1500m', '2000': '2k', '1024': '1024', '1Ki': '1Ki', '1024Ki': '1Mi', '1024Mi': '1Gi', '1.5Gi': '1536Mi', '0.5Gi': '512Mi',
    '0.5Ki': '512', '.001Ki': '1024m', '1.000001Ki': '1024001024u', '1000M': '1G', '1e3': '1e3', '1E3': '1e3', '12e1': '120', '1E': '1E',
    '1500Ki': '1500Ki', '-5': '-5', '-1Ki': '-1Ki', '100n': '100n', '0.1n': '1n', '-0.1n': '-1n', '1e-10': '1e-9', '1u': '1u',
    '9223372036854775808': '9223372036854775807', '1e300': '9223372036854775807', '123456789012345678': '123456789012345678', '999m': '999m', '001': '1', '10k': '10k', '5Ti': '5Ti',
    '1e99999999999999999999': '9223372036854775807', '0e99999': '0',
  };
  for (const [text, canonical] of Object.entries(cases)) {
    assert.equal(canonicalQuantity(text), canonical, text);
    assert.equal(canonicalQuantity(canonical), canonical, `${canonical} again`);
  }
});

test('what is no quantity is refused', () => {
  for (const text of ['', ' ', '1 ', 'a', '1.2.3', '.', '-', '1Kim', '1kk', '1ee3', '1e', '1Mi1', '--1', '0x10', '1,5', 'Ki', `1${'0'.repeat(100_000)}`, '1mm']) {
    // `1e` is a suffix nobody knows, not an exponent.
    assert.throws(() => parseQuantity(text), QuantityError, JSON.stringify(text));
  }
  assert.throws(() => parseQuantity('1Kim'), { message: "unable to parse quantity's suffix" });
});

test('numbers, milli units and sums', () => {
  assert.equal(quantityToNumber('1.5Gi'), 1.5 * 2 ** 30);
  assert.equal(quantityToNumber('250m'), 0.25);
  assert.equal(quantityToNumber('-250m'), -0.25);
  assert.equal(quantityToMilli('1n'), 1);
  assert.equal(quantityToMilli('-1n'), -1);
  assert.equal(quantityToMilli('2'), 2000);
  assert.equal(addQuantities('0', '1Gi'), '1Gi');
  assert.equal(addQuantities('512Mi', '512Mi'), '1Gi');
  assert.equal(addQuantities('100m', '1'), '1100m');
  assert.equal(subtractQuantities('1', '100m'), '900m');
  assert.equal(compareQuantities('1Gi', '1G'), 1);
  assert.equal(compareQuantities('1000m', '1'), 0);
  assert.equal(compareQuantities('0.1', '1'), -1);
});

test('bytes for people', () => {
  assert.equal(formatBytes(512), '512');
  assert.equal(formatBytes(1536), '1.5Ki');
  assert.equal(formatBytes(12 * 2 ** 20), '12Mi');
  assert.equal(formatBytes(3.2 * 2 ** 30), '3.2Gi');
});
