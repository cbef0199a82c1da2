/** How the rest of Telar gets a store. */
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Backend } from './backend.ts';
import { LogStore, type LogStoreOptions } from './logstore.ts';
import { MemoryBackend } from './memory/backend.ts';
import { SqliteBackend } from './sqlite/backend.ts';
import type { Store } from './store.ts';
import { TransformedBackend, type Transformer } from './transformer.ts';

/** Default size of the database beyond which writes are refused, as etcd's quota. Reads go on. */
export const DEFAULT_MAX_BYTES = 32 * 1024 ** 3;
/** Default for how long a process that is just ending may keep the store locked, in milliseconds. */
const LOCK_WAIT_MS = 5_000;
/** The database's name in the store's directory. */
const FILE = 'log.sqlite';

export interface StoreOptions extends LogStoreOptions {
  /** Directory of the store; made when missing, readable by its owner alone. */
  path: string;
  /** Size of the database file; writes beyond it are refused. */
  maxBytes?: number;
  lockWaitMs?: number;
  /** What values pass through on their way to the disk and back; see encryption/. What an older key wrote, or none, is written again at once. */
  transformer?: Transformer;
}

/** Opens or makes the store in a directory. Throws StoreOpenError when it is damaged, newer than this program, or in use. */
export async function openStore(options: StoreOptions): Promise<Store> {
  await mkdir(options.path, { recursive: true, mode: 0o700 });
  const file = join(options.path, FILE);
  // SQLite would make it readable by everybody; it holds Secrets.
  await (await open(file, 'a', 0o600)).close();
  await syncDirectory(options.path);
  const { maxBytes = DEFAULT_MAX_BYTES, lockWaitMs = LOCK_WAIT_MS } = options;
  const backend = await SqliteBackend.open({ file, maxBytes, lockWaitMs }, options.onError);
  return options.transformer === undefined ? LogStore.open(backend, options) : openTransformed(backend, options.transformer, options);
}

async function openTransformed(backend: Backend, transformer: Transformer, options: LogStoreOptions): Promise<Store> {
  const transformed = new TransformedBackend(backend, transformer);
  const store = await LogStore.open(transformed, options);
  try {
    await transformed.renew();
  } catch (error) {
    await store.close();
    throw error;
  }
  return store;
}

/** Makes the names in a directory as durable as what the files hold. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** A store that forgets everything with the process; `backend` lets tests open the same log again. */
export function openMemoryStore(
  options: LogStoreOptions & Pick<StoreOptions, 'transformer'> = {}, backend: MemoryBackend = new MemoryBackend(),
): Promise<Store> {
  return options.transformer === undefined ? LogStore.open(backend, options) : openTransformed(backend, options.transformer, options);
}
