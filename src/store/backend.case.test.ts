/** What the store expects of a log, for every back end. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Backend, Row } from './backend.ts';
import { MemoryBackend } from './memory/backend.ts';
import { SqliteBackend } from './sqlite/backend.ts';

const row = (revision: number, key: string, deleted: boolean = false): Row =>
  ({ revision, key, createRevision: revision, deleted, value: deleted ? '' : JSON.stringify({ revision }) });

async function suite(backend: Backend): Promise<void> {
  assert.deepEqual(await backend.currentRevision(), { current: 0, compacted: 0 });
  const rows = [row(1, '/a/1'), row(2, '/a/2'), row(5, '/a/1'), row(6, '/ab/1'), row(7, '/a/2', true), row(9, '/a_/1')];
  await Promise.all([backend.append(rows.slice(0, 3)), backend.append(rows.slice(3)), backend.append([])]);
  assert.deepEqual(await backend.after(0, 100), rows);
  assert.deepEqual(await backend.after(2, 2), rows.slice(2, 4));
  assert.deepEqual(await backend.after(9, 2), []);
  assert.deepEqual(await backend.list('/a/'), [rows[2]]);
  assert.deepEqual((await backend.list('/')).map(({ key }) => key), ['/a/1', '/a_/1', '/ab/1']);
  assert.equal(await backend.count('/a_/'), 1, 'no character of a prefix is a wildcard');
  assert.deepEqual(await backend.currentRevision(), { current: 9, compacted: 0 });
  await backend.compact(7, [1, 2, 7]);
  await backend.compact(3, []);
  assert.deepEqual(await backend.currentRevision(), { current: 9, compacted: 7 });
  assert.deepEqual(await backend.after(0, 100), [rows[2], rows[3], rows[5]]);
  await backend.rewrite([{ ...row(5, '/a/1'), value: '{"again":1}' }, row(2, '/a/2')]);
  assert.deepEqual(await backend.after(0, 100), [{ ...row(5, '/a/1'), value: '{"again":1}' }, rows[3], rows[5]], 'what is gone is not brought back');
  await backend.scrub();
  assert.equal(await backend.count('/'), 3);
  await backend.compact(9, [9]);
  assert.deepEqual(await backend.currentRevision(), { current: 9, compacted: 9 });
  await backend.close();
}

test('memory', () => suite(new MemoryBackend()));

test('SQLite', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'telar-store-backend-'));
  try {
    await suite(await SqliteBackend.open({ file: join(directory, 'log.sqlite'), maxBytes: 1e9, lockWaitMs: 0 }));
  } finally {
    await rm(directory, { recursive: true });
  }
});

test('SQLite: rows of one group are all there or none', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'telar-store-backend-'));
  try {
    const backend = await SqliteBackend.open({ file: join(directory, 'log.sqlite'), maxBytes: 1e9, lockWaitMs: 0 });
    await backend.append([row(1, '/a')]);
    // The second revision is taken, so the whole group is undone.
    await assert.rejects(backend.append([row(2, '/b'), row(1, '/c')]));
    assert.deepEqual(await backend.after(0, 10), [row(1, '/a')]);
    await backend.append([row(3, '/b')]);
    assert.equal(await backend.count('/'), 2);
    await backend.close();
    await assert.rejects(backend.append([row(4, '/d')]));
    await backend.close();
  } finally {
    await rm(directory, { recursive: true });
  }
});
