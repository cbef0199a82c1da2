/** Bad days: commits that hang or fail, full disks, damaged files, second processes. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, stat, truncate, writeFile, open } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { LogStore } from './logstore.ts';
import { MemoryBackend } from './memory/backend.ts';
import { openStore } from './open.ts';
import { StoreOpenError, StoreUnavailableError, type Store } from './store.ts';
import { configMap, FaultyBackend, keyOfName, summary, take } from './testing.ts';

const directory = await mkdtemp(join(tmpdir(), 'telar-store-faults-'));
after(() => rm(directory, { recursive: true }));

const turn = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });

async function faulty(): Promise<{ store: Store; backend: FaultyBackend }> {
  const backend = new FaultyBackend(new MemoryBackend());
  return { store: await LogStore.open(backend, { compactEveryMs: 0 }), backend };
}

describe('a commit that takes its time', () => {
  test('shows nothing to anybody before it is done', async () => {
    const { store, backend } = await faulty();
    const watcher = store.watch('/');
    backend.hold();
    let acknowledged = false;
    const write = store.create(keyOfName('a'), configMap('a')).then((stored) => {
      acknowledged = true;
      return stored;
    });
    await turn();
    await turn();
    assert.deepEqual([acknowledged, store.get(keyOfName('a')), store.currentRevision, store.count('/'), watcher.delivered], [false, undefined, 0, 0, 0]);
    backend.release();
    assert.equal((await write).revision, 1);
    assert.deepEqual(summary(await take(watcher, 1)), ['ADDED a 1']);
    await store.close();
  });
});

describe('a commit that fails', () => {
  test('changes nothing, is told to its writers alone, and its revisions are not used again', async () => {
    const { store, backend } = await faulty();
    const watcher = store.watch('/');
    await store.create(keyOfName('a'), configMap('a'));
    backend.failNext(1);
    const failures = await Promise.allSettled([
      store.create(keyOfName('b'), configMap('b')), store.update(keyOfName('a'), 1, configMap('a', { x: '1' })), store.create(keyOfName('c'), configMap('c')),
    ]);
    for (const failure of failures) {
      assert.ok(failure.status === 'rejected' && failure.reason instanceof StoreUnavailableError && /disk is full/.test(failure.reason.message));
    }
    assert.deepEqual([store.currentRevision, store.count('/'), store.get(keyOfName('a'))?.revision], [1, 1, 1]);
    const [again, other] = await Promise.all([store.create(keyOfName('b'), configMap('b')), store.update(keyOfName('a'), 1, configMap('a', { x: '2' }))]);
    assert.deepEqual([again.revision, other.revision], [5, 6]);
    assert.deepEqual(summary(await take(watcher, 3)), ['ADDED a 1', 'ADDED b 5', 'MODIFIED a 6']);
    await store.close();
  });

  test('lets the next writer of the key try', async () => {
    const { store, backend } = await faulty();
    backend.failNext(1);
    const [first, second] = await Promise.allSettled([store.create(keyOfName('a'), configMap('a')), store.create(keyOfName('a'), configMap('a'))]);
    assert.deepEqual([first.status, second.status], ['rejected', 'fulfilled']);
    await store.close();
  });
});

describe('SQLite files', () => {
  const refused = (path: string, pattern: RegExp): Promise<void> =>
    assert.rejects(openStore({ path }), (error) => error instanceof StoreOpenError && pattern.test(error.message));

  test('are readable by their owner alone', async () => {
    const path = join(directory, 'modes');
    const store = await openStore({ path });
    assert.equal((await stat(path)).mode & 0o777, 0o700);
    assert.equal((await stat(join(path, 'log.sqlite'))).mode & 0o777, 0o600);
    assert.equal((await stat(join(path, 'log.sqlite-wal'))).mode & 0o777, 0o600);
    await store.close();
  });

  test('that are full refuse writes and go on serving reads, and compaction makes room', async () => {
    const path = join(directory, 'full');
    const store = await openStore({ path, maxBytes: 300_000, compactEveryMs: 0 });
    const text = 'x'.repeat(10_000);
    await store.create(keyOfName('a'), configMap('a', { text }));
    let failure: unknown;
    for (let index = 0; index < 100 && failure === undefined; index += 1) {
      await store.update(keyOfName('a'), store.currentRevision, configMap('a', { text, index: String(index) })).catch((error: unknown) => { failure = error; });
    }
    assert.ok(failure instanceof StoreUnavailableError && /full/.test(failure.message), String(failure));
    const { currentRevision } = store;
    assert.equal(store.get(keyOfName('a'))?.revision, currentRevision);
    await store.compact(currentRevision);
    assert.ok((await store.update(keyOfName('a'), currentRevision, configMap('a', { text }))).revision > currentRevision);
    await store.close();
  });

  test('of a newer format, of another program, or damaged are refused with the reason', async () => {
    const path = join(directory, 'formats');
    const file = join(path, 'log.sqlite');
    await (await openStore({ path })).close();
    const alter = (sql: string): void => {
      const db = new DatabaseSync(file);
      db.exec(sql);
      db.close();
    };
    alter('PRAGMA user_version = 99');
    await refused(path, /a newer Telar wrote it \(format 99, this one reads up to \d+\)/);
    alter('PRAGMA user_version = 1; PRAGMA application_id = 7');
    await refused(path, /another program's database/);
    await writeFile(file, 'this is no database, but it is long enough to look at'.repeat(20));
    await refused(path, /damaged, or no database at all/);
  });

  test('damaged in the middle are refused', async () => {
    const path = join(directory, 'damaged');
    const file = join(path, 'log.sqlite');
    const store = await openStore({ path });
    await Promise.all(Array.from({ length: 2000 }, (_, index) => store.create(keyOfName(`n${index}`), configMap('n', { text: 'x'.repeat(200) }))));
    await store.close();
    const { size } = await stat(file);
    const handle = await open(file, 'r+');
    await handle.write(Buffer.alloc(20_000, 0x5a), 0, 20_000, Math.floor(size / 2 / 4096) * 4096);
    await handle.close();
    await refused(path, /damaged|malformed/);
    await truncate(file, Math.floor(size / 3));
    await refused(path, /damaged|malformed|disk image/);
  });

  test('in use by another process are refused', async () => {
    const path = join(directory, 'used');
    const store = await openStore({ path });
    await store.create(keyOfName('a'), configMap('a'));
    const script = `import { openStore } from ${JSON.stringify(new URL('open.ts', import.meta.url).href)};
      openStore({ path: ${JSON.stringify(path)}, lockWaitMs: 50 }).then(() => console.log('opened'), (error) => console.log(error.name + ': ' + error.message));`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
    assert.match(stdout, /^StoreOpenError: .* in use by another process/);
    await store.close();
  });
});

test('compaction cut off in the middle is finished at the next start', async () => {
  const inner = new MemoryBackend();
  const store = await LogStore.open(inner, { compactEveryMs: 0 });
  await store.create(keyOfName('a'), configMap('a'));
  await store.create(keyOfName('b'), configMap('b'));
  for (let index = 0; index < 10; index += 1) {
    await store.update(keyOfName('a'), store.get(keyOfName('a'))?.revision ?? 0, configMap('a', { index: String(index) }));
  }
  await store.delete(keyOfName('b'), 2);
  // As if the process had died after the revision was written down and before any row was removed.
  await inner.compact(13, []);
  const reopened = await LogStore.open(inner, { compactEveryMs: 0 });
  assert.deepEqual([reopened.compactedRevision, reopened.currentRevision], [13, 13]);
  assert.deepEqual(reopened.list('/').items.map((item) => item.revision), [12]);
  await reopened.close();
  assert.deepEqual((await inner.after(0, 100)).map((row) => row.revision), [12]);
});
