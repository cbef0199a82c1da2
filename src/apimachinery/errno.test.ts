import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { codeOf, isMissing, missingAs } from './errno.ts';

function thrown(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}

test('tells what is missing from what is wrong', async () => {
  const absent = thrown(() => readFileSync('/nowhere/at/all'));
  const folder = thrown(() => readFileSync('/'));
  assert.equal(codeOf(absent), 'ENOENT');
  assert.equal(isMissing(absent), true);
  assert.equal(isMissing(folder), false);
  assert.equal(isMissing(new Error('ENOENT')), false);
  assert.equal(codeOf('ENOENT'), '');
  assert.equal(await readFile('/nowhere/at/all', 'utf8').catch(missingAs('')), '');
  await assert.rejects(readFile('/', 'utf8').catch(missingAs('')), { code: 'EISDIR' });
});
