import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LogStore } from './logstore.ts';
import { MemoryBackend } from './memory/backend.ts';
import type { Revision } from './store.ts';
import { configMap, keyOfName } from './testing.ts';

const turn = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });

class RecordingBackend extends MemoryBackend {
  readonly compactions: { revision: Revision; rows: number }[] = [];
  failures = 0;
  #allowed = Infinity;

  /** This many compactions work, the next ones fail. */
  failAfter(count: number): void {
    this.#allowed = count;
  }

  override async compact(revision: Revision, superseded: readonly Revision[]): Promise<void> {
    if (this.failures > 0) {
      this.failures -= 1;
      throw new Error('disk I/O error');
    }
    if (this.#allowed <= 0) {
      throw new Error('disk I/O error');
    }
    this.#allowed -= 1;
    this.compactions.push({ revision, rows: superseded.length });
    return super.compact(revision, superseded);
  }
}

test('by time, history keeps what is younger than an interval, and an idle store writes nothing', async (context) => {
  context.mock.timers.enable({ apis: ['setInterval'] });
  const backend = new RecordingBackend();
  const store = await LogStore.open(backend, { compactEveryMs: 1000 });
  await store.create(keyOfName('a'), configMap('a'));
  context.mock.timers.tick(1000);
  await turn();
  assert.deepEqual(backend.compactions, [], 'nothing was there an interval ago');
  await store.update(keyOfName('a'), 1, configMap('a'));
  context.mock.timers.tick(1000);
  await turn();
  assert.equal(store.compactedRevision, 1);
  context.mock.timers.tick(1000);
  await turn();
  await turn();
  assert.equal(store.compactedRevision, 2);
  const before = backend.compactions.length;
  for (let tick = 0; tick < 5; tick += 1) {
    context.mock.timers.tick(1000);
    await turn();
  }
  assert.equal(backend.compactions.length, before);
  await store.close();
});

test('superseded rows go in bounded transactions, and a failure is told and made up for', async () => {
  const backend = new RecordingBackend();
  const errors: string[] = [];
  const store = await LogStore.open(backend, { compactEveryMs: 0, onError: (error) => errors.push(error.message), history: { events: 3000, characters: 1e9 } });
  await store.create(keyOfName('a'), configMap('a'));
  for (let revision = 1; revision <= 2500; revision += 1) {
    await store.update(keyOfName('a'), revision, configMap('a'));
  }
  backend.failures = 1;
  await assert.rejects(store.compact(2501), /disk I\/O error/);
  assert.deepEqual([store.compactedRevision, store.list('/', { revision: 5 }).items[0]?.revision], [0, 5], 'nothing is forgotten that is not written down');
  await store.compact(2501);
  assert.deepEqual(backend.compactions, [{ revision: 2501, rows: 0 }, { revision: 2501, rows: 1000 }, { revision: 2501, rows: 1000 }, { revision: 2501, rows: 500 }]);
  assert.deepEqual((await backend.after(0, 10)).map((row) => row.revision), [2501]);
  assert.deepEqual(errors, []);
  await store.close();
});

test('when memory\'s limits are reached, the disk follows', async () => {
  const backend = new RecordingBackend();
  const store = await LogStore.open(backend, { compactEveryMs: 0, history: { events: 1e9, characters: 10_000 } });
  await store.create(keyOfName('a'), configMap('a', { text: 'x'.repeat(1000) }));
  for (let revision = 1; revision <= 50; revision += 1) {
    await store.update(keyOfName('a'), revision, configMap('a', { text: 'x'.repeat(1000) }));
  }
  assert.ok(store.compactedRevision >= 40);
  await store.close();
  assert.equal((await backend.currentRevision()).compacted, store.compactedRevision);
});

test('a collection that is interrupted anywhere brings nothing back', async () => {
  for (const before of [0, 1, 2, 3, 999]) {
    const backend = new RecordingBackend();
    const store = await LogStore.open(backend, { compactEveryMs: 0 });
    const filler = await store.create(keyOfName('filler'), configMap('filler'));
    let revision = filler.revision;
    const fill = async (count: number): Promise<void> => {
      for (let n = 0; n < count; n += 1) {
        revision = (await store.update(keyOfName('filler'), revision, configMap('filler'))).revision;
      }
    };
    await fill(before);
    const gone = await store.create(keyOfName('gone'), configMap('gone'));
    await store.update(keyOfName('gone'), gone.revision, configMap('gone'));
    await store.delete(keyOfName('gone'), gone.revision + 1);
    await fill(999);
    // The transaction that says how far, and the first of those that remove.
    backend.failAfter(2);
    await assert.rejects(store.compact(store.currentRevision), /disk I\/O error/);
    await store.close();
    const again = await LogStore.open(backend, { compactEveryMs: 0 });
    assert.deepEqual(again.list('/').items.map(({ key }) => key), [keyOfName('filler')], `${before} before`);
    await again.close();
  }
});
