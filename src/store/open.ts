/** How the rest of Telar gets a store. */
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { LogStore, type LogStoreOptions } from './logstore.ts';
import { MemoryBackend } from './memory/backend.ts';
import { SqliteBackend } from './sqlite/backend.ts';
import type { Store } from './store.ts';

/** Default size of the database beyond which writes are refused, as etcd's quota. Reads go on. */
export const DEFAULT_MAX_BYTES = 32 * 1024 ** 3;
/** The database's name in the store's directory. */
const FILE = 'log.sqlite';

export interface StoreOptions extends LogStoreOptions {
  /** Directory of the store; made when missing, readable by its owner alone. */
  path: string;
  maxBytes?: number;
}

/** Opens or makes the store in a directory. Throws StoreOpenError when it is damaged, newer than this program, or in use. */
export async function openStore(options: StoreOptions): Promise<Store> {
  await mkdir(options.path, { recursive: true, mode: 0o700 });
  const file = join(options.path, FILE);
  // SQLite would make it readable by everybody; it holds Secrets.
  await (await open(file, 'a', 0o600)).close();
  return LogStore.open(await SqliteBackend.open({ file, maxBytes: options.maxBytes ?? DEFAULT_MAX_BYTES }), options);
}

/** A store that forgets everything with the process; `backend` lets tests open the same log again. */
export function openMemoryStore(options: LogStoreOptions = {}, backend: MemoryBackend = new MemoryBackend()): Promise<Store> {
  return LogStore.open(backend, options);
}
