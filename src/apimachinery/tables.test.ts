import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { humanDuration, renderTable } from './tables.ts';

describe('spans of time', () => {
  for (const [seconds, shown] of [
    [-5, '<invalid>'], [0, '0s'], [119, '119s'], [120, '2m'], [150, '2m30s'], [600, '10m'], [179 * 60, '179m'], [180 * 60, '3h'], [3.5 * 3600, '3h30m'],
    [9 * 3600, '9h'], [47 * 3600, '47h'], [49 * 3600, '2d1h'], [8 * 86400, '8d'], [729 * 86400, '729d'], [740 * 86400, '2y10d'], [8 * 365 * 86400, '8y'],
  ] as const) {
    it(`writes ${seconds} s as ${shown}`, () => {
      assert.equal(humanDuration(seconds * 1000), shown);
    });
  }
});

describe('text tables', () => {
  it('aligns columns and ends no line in blanks', () => {
    assert.equal(renderTable(['NAME', 'AGE'], [['a-long-name', '1s'], ['b', '']]), 'NAME          AGE\na-long-name   1s\nb\n');
  });
});
