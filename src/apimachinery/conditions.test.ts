import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findCondition, isConditionTrue, removeCondition, setCondition, type ConditionLike } from './conditions.ts';

test('the transition time moves only with the status', () => {
  const conditions: ConditionLike[] = [];
  const [first, second] = [new Date('2026-01-01T00:00:00Z'), new Date('2026-01-02T00:00:00Z')];
  assert.equal(setCondition(conditions, { type: 'Ready', status: 'False', reason: 'Starting' }, first), true);
  assert.equal(setCondition(conditions, { type: 'Ready', status: 'False', reason: 'Starting' }, second), false);
  assert.equal(setCondition(conditions, { type: 'Ready', status: 'False', reason: 'Other' }, second), true);
  assert.equal(findCondition(conditions, 'Ready')?.lastTransitionTime, '2026-01-01T00:00:00Z');
  assert.equal(setCondition(conditions, { type: 'Ready', status: 'True' }, second), true);
  assert.deepEqual(conditions, [{ type: 'Ready', status: 'True', reason: 'Other', lastTransitionTime: '2026-01-02T00:00:00Z' }]);
  assert.equal(isConditionTrue(conditions, 'Ready'), true);
  assert.equal(removeCondition(conditions, 'Ready'), true);
  assert.equal(removeCondition(conditions, 'Ready'), false);
});
