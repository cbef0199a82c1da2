import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStatusError } from '../../apimachinery/status.ts';
import { parseTarget } from './parsetarget.ts';

test('words are decoded one by one, what cannot be is refused', () => {
  const { path, parts, query } = parseTarget('/exec/default/web/a%2Fb?command=ls&command=-l');
  assert.equal(path, '/exec/default/web/a%2Fb');
  assert.deepEqual(parts, ['exec', 'default', 'web', 'a/b']);
  assert.deepEqual(query.getAll('command'), ['ls', '-l']);
  for (const target of ['/exec/%zz', '/%', '/logs/%ff%fe']) {
    assert.throws(() => parseTarget(target), (error: unknown) => isStatusError(error) && error.status.code === 400, target);
  }
});
