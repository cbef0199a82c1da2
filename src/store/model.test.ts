/** Random histories against a model that is too simple to be wrong. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LogStore } from './logstore.ts';
import { MemoryBackend } from './memory/backend.ts';
import { CompactedError, type Store, type StoreEvent } from './store.ts';
import { configMap } from './testing.ts';

/** The state of every revision, as a map from key to the revision of its version. */
type States = Map<string, number>[];

class Random {
  #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
  }

  below(limit: number): number {
    this.#seed = (Math.imul(this.#seed, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor(this.#seed / 2 ** 32 * limit);
  }
}

const PREFIXES = ['/', '/a/', '/a/x/', '/a/x/n1/', '/b/', '/none/'];

function checkList(store: Store, states: States, prefix: string, revision: number, random: Random): void {
  const expected = [...states[revision] ?? []].filter(([key]) => key.startsWith(prefix)).sort(([a], [b]) => (a < b ? -1 : 1));
  const read: [string, number][] = [];
  const limit = 1 + random.below(10);
  for (let after = ''; ;) {
    const page = store.list(prefix, { revision, limit, after });
    assert.equal(page.remaining, expected.length - read.length - page.items.length);
    assert.equal(page.more, page.remaining > 0);
    read.push(...page.items.map((item): [string, number] => [item.key, item.revision]));
    after = page.items.at(-1)?.key ?? after;
    if (!page.more) {
      break;
    }
  }
  assert.deepEqual(read, expected);
}

function check(store: Store, states: States, random: Random): void {
  const current = states.length - 1;
  assert.equal(store.currentRevision, current);
  const prefix = PREFIXES[random.below(PREFIXES.length)] ?? '/';
  assert.equal(store.count(prefix), [...states[current] ?? []].filter(([key]) => key.startsWith(prefix)).length);
  const revision = random.below(current + 1);
  if (revision !== 0 && revision < store.compactedRevision) {
    assert.throws(() => store.list(prefix, { revision }), CompactedError);
  } else if (revision !== 0) {
    checkList(store, states, prefix, revision, random);
  }
  checkList(store, states, prefix, current, random);
}

async function replay(store: Store, states: States, from: number): Promise<void> {
  const state = new Map(states[from]);
  const watcher = store.watch('/', from);
  let seen = from;
  const apply = (event: StoreEvent): void => {
    assert.ok(event.stored.revision > seen, 'in order');
    seen = event.stored.revision;
    assert.equal(event.previous?.revision, state.get(event.stored.key));
    assert.equal(event.type, event.type === 'DELETED' ? 'DELETED' : state.has(event.stored.key) ? 'MODIFIED' : 'ADDED');
    assert.equal(event.stored.object.metadata.resourceVersion, String(seen));
    if (event.type === 'DELETED') {
      state.delete(event.stored.key);
    } else {
      state.set(event.stored.key, seen);
    }
    assert.deepEqual(state, states[seen]);
  };
  for await (const batch of watcher) {
    batch.forEach(apply);
    if (seen === states.length - 1) {
      break;
    }
  }
}

for (const seed of [1, 2, 3, 4, 5]) {
  test(`a random history, seed ${seed}`, async () => {
    const random = new Random(seed);
    const backend = new MemoryBackend();
    const options = { compactEveryMs: 0, history: { events: 200 + random.below(400), characters: 1_000_000 } };
    let store = await LogStore.open(backend, options);
    const states: States = [new Map()];
    const write = async (): Promise<void> => {
      const key = `/${random.below(2) === 0 ? 'a' : 'b'}/x/n${random.below(3)}/k${random.below(seed * 400)}`;
      const state = new Map(states.at(-1));
      const revision = state.get(key);
      const stored = revision === undefined ? await store.create(key, configMap('n'))
        : random.below(3) === 0 ? await store.delete(key, revision) : await store.update(key, revision, configMap('n'));
      if (revision !== undefined && store.get(key) === undefined) {
        state.delete(key);
      } else {
        state.set(key, stored.revision);
      }
      states.push(state);
    };
    for (let step = 0; step < 1500; step += 1) {
      await write();
      if (random.below(20) === 0) {
        check(store, states, random);
      }
      if (random.below(150) === 0) {
        await store.compact(random.below(states.length));
      }
      if (random.below(200) === 0) {
        await store.close();
        store = await LogStore.open(backend, options);
      }
      if (random.below(100) === 0 && store.compactedRevision < store.currentRevision) {
        await replay(store, states, store.compactedRevision + random.below(store.currentRevision - store.compactedRevision) || store.currentRevision - 1);
      }
    }
    check(store, states, random);
    await store.compact(store.currentRevision);
    await store.close();
    assert.equal((await backend.after(0, 100_000)).length, states.at(-1)?.size, 'only what exists is left');
  });
}
