/**
 * The store alone: durable puts beside raw SQLite's, reads, lists, watchers, and the start from a full log. Prints JSON.
 *
 *     node bench/store.ts [--objects 100000] [--writes 20000]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parseArgs } from 'node:util';
import type { KubeObject } from '../src/apimachinery/object.ts';
import { openStore } from '../src/store/open.ts';
import type { Store } from '../src/store/store.ts';

const { values } = parseArgs({ options: { objects: { type: 'string', default: '100000' }, writes: { type: 'string', default: '20000' } } });
const [objects, writes] = [Number(values.objects), Number(values.writes)];

const configMap = (name: string): KubeObject => Object.assign({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default', labels: { app: 'bench' } } },
  { data: { text: 'x'.repeat(850) } });
const keyOf = (name: string): string => `/core/configmaps/default/${name}`;

interface Measured {
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
  /** CPU of all threads and of the one the store is called on, for one write. */
  cpuUs: number;
  mainUs: number;
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

async function measure(writers: number, count: number, write: (index: number) => Promise<unknown>): Promise<Measured> {
  const latencies: number[] = [];
  let next = 0;
  const cpu = process.cpuUsage();
  const thread = process.threadCpuUsage();
  const start = performance.now();
  await Promise.all(Array.from({ length: writers }, async () => {
    while (next < count) {
      const index = next;
      next += 1;
      const before = performance.now();
      await write(index);
      latencies.push(performance.now() - before);
    }
  }));
  const wall = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  const main = process.threadCpuUsage(thread);
  latencies.sort((a, b) => a - b);
  const round = (value: number): number => Math.round(value * 100) / 100;
  return {
    perSecond: Math.round(count / wall * 1000), p50Ms: round(percentile(latencies, 0.5)), p99Ms: round(percentile(latencies, 0.99)),
    cpuUs: round((user + system) / count), mainUs: round((main.user + main.system) / count),
  };
}

/** One INSERT and one commit after another, as a program without group commit would. */
async function rawSqlite(directory: string): Promise<Measured> {
  const db = new DatabaseSync(join(directory, 'raw.sqlite'));
  db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE log (revision INTEGER PRIMARY KEY, key TEXT, value TEXT)');
  const insert = db.prepare('INSERT INTO log (key, value) VALUES (?, ?)');
  const measured = await measure(1, writes, async (index) => insert.run(keyOf(`n${index}`), JSON.stringify(configMap(`n${index}`))));
  db.close();
  return measured;
}

/** Watchers of one namespace, each reading all there is; from the write's acknowledgement to the last one's event. */
async function watchers(store: Store, count: number): Promise<object> {
  const updates = 1000;
  let received = 0;
  const reading = Array.from({ length: count }, async () => {
    const watcher = store.watch(keyOf(''));
    for (let seen = 0; seen < updates;) {
      for await (const batch of watcher) {
        seen += batch.length;
        received += batch.length;
        if (seen >= updates) {
          break;
        }
      }
    }
  });
  const start = performance.now();
  const thread = process.threadCpuUsage();
  for (let index = 0; index < updates; index += 1) {
    await store.update(keyOf('n1'), store.get(keyOf('n1'))?.revision ?? 0, configMap('n1'));
  }
  await Promise.all(reading);
  const { user, system } = process.threadCpuUsage(thread);
  const wall = performance.now() - start;
  return { watchers: count, eventsPerSecond: Math.round(received / wall * 1000), mainUsPerEvent: Math.round((user + system) / received * 100) / 100 };
}

function timed(work: () => unknown): number {
  const start = performance.now();
  work();
  return Math.round((performance.now() - start) * 100) / 100;
}

const directory = await mkdtemp(join(tmpdir(), 'telar-bench-store-'));
try {
  const raw = await rawSqlite(directory);
  const path = join(directory, 'store');
  const options = { path, compactEveryMs: 0 };
  const first = await openStore(options);
  const create = (prefix: string) => (index: number): Promise<unknown> => first.create(keyOf(`${prefix}${index}`), configMap(`${prefix}${index}`));
  const puts: Record<string, Measured> = {};
  for (const clients of [1, 16, 64]) {
    puts[`at${clients}`] = await measure(clients, clients === 1 ? writes / 4 : writes, create(`c${clients}-`));
  }
  await measure(64, objects, create('n'));
  await first.close();
  let store = first;
  const start = performance.now();
  store = await openStore(options);
  const startMs = Math.round(performance.now() - start);
  const memory = process.memoryUsage();
  const result = {
    raw, puts, shareOfRaw: Math.round((puts['at64']?.perSecond ?? 0) / raw.perSecond * 100) / 100,
    objects: store.count('/'), startMs, residentMB: Math.round(memory.rss / 1e6),
    listAllMs: timed(() => store.list('/core/configmaps/')), list500Ms: timed(() => store.list('/core/configmaps/', { limit: 500 })), countMs: timed(() => store.count('/')),
    watch: [await watchers(store, 100), await watchers(store, 500)],
  };
  await store.close();
  process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
} finally {
  await rm(directory, { recursive: true });
}
