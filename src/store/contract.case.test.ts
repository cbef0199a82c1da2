/** One suite over every back end: what the API server may rely on. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { LogStoreOptions } from './logstore.ts';
import { MemoryBackend } from './memory/backend.ts';
import { openMemoryStore, openStore } from './open.ts';
import { CompactedError, FutureRevisionError, KeyExistsError, RevisionMismatchError, StoreUnavailableError, ValueTooLargeError, type Store } from './store.ts';
import { configMap, keyOfName, summary, take } from './testing.ts';
import { MAX_QUEUED_EVENTS } from './watch.ts';

interface Case {
  name: string;
  /** Opens a new log, or with the number of an earlier one that log again. */
  open(log: number, options?: LogStoreOptions): Promise<Store>;
  cleanUp(): Promise<void>;
}

function memory(): Case {
  const logs = new Map<number, MemoryBackend>();
  return {
    name: 'memory',
    open: (log, options = {}) => {
      const backend = logs.get(log) ?? new MemoryBackend();
      logs.set(log, backend);
      return openMemoryStore({ compactEveryMs: 0, ...options }, backend);
    },
    cleanUp: async () => logs.clear(),
  };
}

async function sqlite(): Promise<Case> {
  const directory = await mkdtemp(join(tmpdir(), 'telar-store-contract-'));
  return {
    name: 'SQLite',
    open: (log, options = {}) => openStore({ path: join(directory, String(log)), compactEveryMs: 0, ...options }),
    cleanUp: () => rm(directory, { recursive: true }),
  };
}

const prefix = keyOfName('');
let logs = 0;

for (const backend of [memory(), await sqlite()]) {
  describe(`store over ${backend.name}`, () => {
    after(() => backend.cleanUp());

    const withStore = async (work: (store: Store, log: number) => Promise<void>, options: LogStoreOptions = {}): Promise<void> => {
      const log = (logs += 1);
      const store = await backend.open(log, options);
      try {
        await work(store, log);
      } finally {
        await store.close();
      }
    };

    test('create, update and delete carry one sequence of revisions', () => withStore(async (store) => {
      const created = await store.create(keyOfName('a'), configMap('a', { k: '1' }));
      assert.equal(created.revision, 1);
      assert.equal(created.object.metadata.resourceVersion, '1');
      assert.equal(store.get(keyOfName('a')), created);
      await assert.rejects(store.create(keyOfName('a'), configMap('a')), KeyExistsError);
      const updated = await store.update(keyOfName('a'), 1, configMap('a', { k: '2' }));
      assert.deepEqual([updated.revision, updated.createRevision], [2, 1]);
      await assert.rejects(store.update(keyOfName('a'), 1, configMap('a')), RevisionMismatchError);
      await assert.rejects(store.update(keyOfName('b'), 1, configMap('b')), RevisionMismatchError);
      await assert.rejects(store.delete(keyOfName('a'), 1), RevisionMismatchError);
      const deleted = await store.delete(keyOfName('a'), 2);
      assert.equal(deleted.revision, 3);
      assert.deepEqual(JSON.parse(deleted.json), { ...configMap('a', { k: '2' }), metadata: { name: 'a', namespace: 'default', resourceVersion: '3' } });
      assert.equal(store.get(keyOfName('a')), undefined);
      assert.equal(updated.object.metadata.resourceVersion, '2', 'an earlier version is untouched');
      const again = await store.create(keyOfName('a'), configMap('a'));
      assert.deepEqual([again.revision, again.createRevision], [4, 4]);
      assert.equal(store.currentRevision, 4);
    }));

    test('concurrent writers of one key are settled one by one', () => withStore(async (store) => {
      const results = await Promise.allSettled(Array.from({ length: 20 }, (_, index) => store.create(keyOfName('a'), configMap('a', { index: String(index) }))));
      assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
      assert.equal(results[0]?.status, 'fulfilled', 'the first one wins');
      const updates = await Promise.allSettled(Array.from({ length: 20 }, () => store.update(keyOfName('a'), 1, configMap('a'))));
      assert.equal(updates.filter(({ status }) => status === 'fulfilled').length, 1);
      const [removed, replaced] = await Promise.allSettled([store.delete(keyOfName('a'), 2), store.create(keyOfName('a'), configMap('a'))]);
      assert.deepEqual([removed.status, replaced.status], ['fulfilled', 'fulfilled'], 'a create waits for the deletion under way');
      assert.equal(store.currentRevision, 4);
    }));

    test('lists are in order, in pages, at a revision', () => withStore(async (store) => {
      await Promise.all(['d', 'b', 'a', 'c'].map((name) => store.create(keyOfName(name), configMap(name))));
      await store.create(keyOfName('x', 'defaultish'), configMap('x'));
      await store.create('/core/configmapsx/default/y', configMap('y'));
      const at = store.currentRevision;
      await store.delete(keyOfName('b'), store.get(keyOfName('b'))?.revision ?? 0);
      await store.update(keyOfName('c'), store.get(keyOfName('c'))?.revision ?? 0, configMap('c', { new: 'yes' }));
      await store.create(keyOfName('e'), configMap('e'));
      const names = (revision?: number): string[] => store.list(prefix, revision === undefined ? {} : { revision }).items.map((item) => item.object.metadata.name);
      assert.deepEqual(names(), ['a', 'c', 'd', 'e']);
      assert.deepEqual(names(at), ['a', 'b', 'c', 'd']);
      assert.equal(store.count(prefix), 4);
      assert.equal(store.count('/core/configmaps/'), 5);
      assert.equal(store.count('/'), 6);
      const first = store.list(prefix, { limit: 2, revision: at });
      assert.deepEqual([first.items.length, first.more, first.remaining, first.revision], [2, true, 2, at]);
      const second = store.list(prefix, { limit: 2, revision: at, after: first.items[1]?.key ?? '' });
      assert.deepEqual(second.items.map((item) => item.key), [keyOfName('c'), keyOfName('d')]);
      assert.deepEqual([second.more, second.remaining], [false, 0]);
      assert.equal(JSON.stringify(second.items[0]?.object).includes('new'), false, 'the old version');
      assert.throws(() => store.list(prefix, { revision: 99 }), FutureRevisionError);
      assert.deepEqual(store.list('/none/').items, []);
      assert.deepEqual(store.list(prefix, { after: '/zzz' }).items, []);
    }));

    test('watchers see what is under their prefix, in order, with what was before', () => withStore(async (store) => {
      const [all, other, single] = [store.watch('/core/configmaps/'), store.watch(keyOfName('', 'other')), store.watch(keyOfName('b'))];
      await store.create(keyOfName('a'), configMap('a'));
      await Promise.all([store.update(keyOfName('a'), 1, configMap('a', { x: 'y' })), store.create(keyOfName('b'), configMap('b')), store.create(keyOfName('o', 'other'), configMap('o'))]);
      await store.delete(keyOfName('a'), 2);
      const events = await take(all, 5);
      assert.deepEqual(summary(events), ['ADDED a 1', 'MODIFIED a 2', 'ADDED b 3', 'ADDED o 4', 'DELETED a 5']);
      assert.deepEqual(events.map((event) => event.previous?.revision), [undefined, 1, undefined, undefined, 2]);
      assert.equal(events[4]?.stored.object.metadata.resourceVersion, '5');
      assert.deepEqual(summary(await take(other, 1)), ['ADDED o 4']);
      assert.deepEqual(summary(await take(single, 1)), ['ADDED b 3']);
      assert.deepEqual(summary(await take(store.watch('/core/configmaps/', 2), 3)), ['ADDED b 3', 'ADDED o 4', 'DELETED a 5'], 'from the past');
      assert.throws(() => store.watch('/', 6), FutureRevisionError);
    }));

    test('a watcher tells how far it has come, and ends when closed', () => withStore(async (store) => {
      const watcher = store.watch(keyOfName(''));
      assert.equal(watcher.delivered, 0);
      await store.create(keyOfName('x', 'other'), configMap('x'));
      assert.equal(watcher.delivered, 1, 'nothing of its own is outstanding');
      await store.create(keyOfName('a'), configMap('a'));
      await store.create(keyOfName('y', 'other'), configMap('y'));
      assert.equal(watcher.delivered, 1, 'one of its own is outstanding');
      const iterator = watcher[Symbol.asyncIterator]();
      await iterator.next();
      assert.equal(watcher.delivered, 3);
      const pending = iterator.next();
      watcher.close();
      assert.deepEqual(await pending, { done: true, value: undefined });
      assert.deepEqual(await iterator.next(), { done: true, value: undefined });
      const ended = store.watch('/');
      const waiting = ended[Symbol.asyncIterator]().next();
      await store.close();
      assert.equal((await waiting).done, true);
      await assert.rejects(store.create(keyOfName('z'), configMap('z')), StoreUnavailableError);
    }));

    test('a slow watcher goes on from history, and ends with an error only when history has gone', () => withStore(async (store) => {
      const [slow, lost] = [store.watch(keyOfName('')), store.watch(keyOfName(''))];
      const total = MAX_QUEUED_EVENTS + 500;
      for (let index = 0; index < total; index += 100) {
        await Promise.all(Array.from({ length: 100 }, (_, offset) => store.create(keyOfName(`n${index + offset}`), configMap('n'))));
      }
      assert.equal(slow.delivered, 0);
      const revisions = (await take(slow, total)).map((event) => event.stored.revision);
      assert.deepEqual(revisions, Array.from({ length: total }, (_, index) => index + 1));
      await store.compact(10);
      await assert.rejects(take(lost, 1), CompactedError);
      assert.throws(() => store.watch(keyOfName(''), 9), CompactedError);
      assert.deepEqual(summary(await take(store.watch(keyOfName(''), 10), 1)).slice(0, 1), ['ADDED n10 11']);
    }));

    test('an idle watcher survives compaction of what is not its own', () => withStore(async (store) => {
      const watcher = store.watch(keyOfName(''));
      for (let index = 0; index < 20; index += 1) {
        await store.create(keyOfName(`o${index}`, 'other'), configMap('o'));
      }
      await store.compact(20);
      const batches = Array.from({ length: MAX_QUEUED_EVENTS + 1 }, (_, index) => store.create(keyOfName(`n${index}`), configMap('n')));
      await Promise.all(batches);
      assert.deepEqual(summary(await take(watcher, 1)).slice(0, 1), ['ADDED n0 21']);
    }));

    test('compaction forgets history and nothing else', () => withStore(async (store, log) => {
      await store.create(keyOfName('kept'), configMap('kept'));
      await store.create(keyOfName('gone'), configMap('gone'));
      for (let index = 0; index < 5; index += 1) {
        await store.update(keyOfName('kept'), store.get(keyOfName('kept'))?.revision ?? 0, configMap('kept', { index: String(index) }));
      }
      await store.delete(keyOfName('gone'), 2);
      await store.create(keyOfName('gone'), configMap('gone', { again: 'yes' }));
      await store.delete(keyOfName('gone'), 9);
      await store.compact(8);
      assert.equal(store.compactedRevision, 8);
      assert.throws(() => store.list(prefix, { revision: 7 }), CompactedError);
      assert.deepEqual(store.list(prefix, { revision: 8 }).items.map((item) => item.key), [keyOfName('kept')]);
      assert.deepEqual(store.list(prefix, { revision: 9 }).items.map((item) => item.revision), [9, 7]);
      assert.deepEqual(summary(await take(store.watch(prefix, 8), 2)), ['ADDED gone 9', 'DELETED gone 10']);
      await store.compact(10);
      await store.compact(3);
      assert.equal(store.compactedRevision, 10);
      assert.deepEqual(store.list(prefix).items.map((item) => item.object), [{ ...configMap('kept', { index: '4' }), metadata: { name: 'kept', namespace: 'default', resourceVersion: '7' } }]);
      await assert.rejects(store.compact(11), FutureRevisionError);
      await store.close();
      const reopened = await backend.open(log);
      assert.deepEqual([reopened.currentRevision, reopened.compactedRevision], [10, 10], 'revisions go on above a removed tombstone');
      assert.deepEqual(reopened.list('/').items.map((item) => item.revision), [7]);
      assert.equal((await reopened.create(keyOfName('next'), configMap('next'))).revision, 11);
      await reopened.close();
    }));

    test('a store opened again holds the same, history included', () => withStore(async (store, log) => {
      await store.create(keyOfName('a'), configMap('a', { text: 'ñ → 🧵 \u0000 \uD800' }));
      await store.create(keyOfName('b'), configMap('b'));
      await store.update(keyOfName('a'), 1, configMap('a', { v: '2' }));
      await store.delete(keyOfName('b'), 2);
      await store.create(keyOfName('b'), configMap('b', { second: 'life' }));
      const before = { items: store.list('/').items.map((item) => item.json), old: store.list('/', { revision: 2 }).items.map((item) => item.json) };
      await store.close();
      const reopened = await backend.open(log);
      assert.deepEqual(reopened.list('/').items.map((item) => item.json), before.items);
      assert.deepEqual(reopened.list('/', { revision: 2 }).items.map((item) => item.json), before.old);
      const events = await take(reopened.watch(prefix, 1), 4);
      assert.deepEqual(summary(events), ['ADDED b 2', 'MODIFIED a 3', 'DELETED b 4', 'ADDED b 5']);
      assert.equal(events[2]?.stored.object.metadata.resourceVersion, '4');
      assert.equal(reopened.currentRevision, 5);
      await reopened.close();
    }));

    test('history has limits of its own', () => withStore(async (store) => {
      for (let index = 0; index < 60; index += 1) {
        await store.create(keyOfName(`n${index}`), configMap('n'));
      }
      assert.ok(store.compactedRevision >= 10, 'the oldest events have gone');
      assert.equal(store.count(prefix), 60);
      assert.throws(() => store.watch(prefix, 5), CompactedError);
    }, { history: { events: 50, characters: 1_000_000 } }));

    test('waiting for a revision', () => withStore(async (store) => {
      const waiting = store.waitFor(2, 60_000);
      await store.create(keyOfName('a'), configMap('a'));
      await store.create(keyOfName('b'), configMap('b'));
      await waiting;
      await store.waitFor(1, 0);
      await assert.rejects(store.waitFor(3, 1), FutureRevisionError);
    }));

    test('what is too large is refused and leaves no trace', () => withStore(async (store) => {
      await assert.rejects(store.create(keyOfName('a'), configMap('a', { x: 'x'.repeat(5_000_000) })), ValueTooLargeError);
      assert.equal((await store.create(keyOfName('a'), configMap('a'))).revision, 1);
    }));
  });
}
