/**
 * The format of the database file: its number stands in the file (`user_version`). A newer one is refused, an older one is brought up to date
 * in place, after a copy of it has been put beside it.
 */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { StoreOpenError } from '../store.ts';

/**
 * Raised whenever an older Telar could not read what this one writes.
 * 1: the first. 2: values may be encrypted; a Telar that knows only 1 would call such a store damaged.
 */
export const FORMAT = 2;
/** "TELR": tells our files from other SQLite databases. */
export const APPLICATION_ID = 0x54454c52;

/** What turns a format into the next one, by the number of the older. Runs in the transaction that raises the number. */
const STEPS: Readonly<Record<number, (db: DatabaseSync) => void>> = {
  // Nothing on disk changes: the number alone keeps older programs away.
  1: () => {},
};

const SQLITE_CODES: Readonly<Record<number, string>> = {
  5: 'it is in use by another process',
  8: 'it cannot be written to',
  11: 'it is damaged',
  14: 'it cannot be opened',
  26: 'it is damaged, or no database at all',
};

const pragma = (db: DatabaseSync, name: string): number => Number(db.prepare(`PRAGMA ${name}`).get()?.[name] ?? 0);

export function formatOf(db: DatabaseSync): { format: number; application: number; tables: number } {
  const tables = Number(db.prepare('SELECT count(*) AS tables FROM sqlite_master').get()?.['tables'] ?? 0);
  return { format: pragma(db, 'user_version'), application: pragma(db, 'application_id'), tables };
}

/** Throws StoreOpenError for what is no store, or a newer Telar's. */
export function checkFormat(db: DatabaseSync, file: string): void {
  const { format, application } = formatOf(db);
  if (application !== APPLICATION_ID) {
    throw new StoreOpenError(`the store ${file} cannot be opened: it is another program's database`);
  }
  if (format > FORMAT) {
    throw new StoreOpenError(`the store ${file} cannot be opened: a newer Telar wrote it (format ${format}, this one reads up to ${FORMAT})`);
  }
}

/** Where the copy of a store is kept that was brought up to date. */
export const copyOf = (file: string, format: number): string => `${file}.format-${format}`;

/** Whole and on disk before it has its name, so that what has the name can be trusted. */
function keepCopy(db: DatabaseSync, file: string, format: number): void {
  const copy = copyOf(file, format);
  if (existsSync(copy)) {
    return;
  }
  const partial = `${copy}.partial`;
  rmSync(partial, { force: true });
  closeSync(openSync(partial, 'wx', 0o600));
  db.prepare('VACUUM INTO ?').run(partial);
  for (const [path, then] of [[partial, () => renameSync(partial, copy)], [dirname(copy), () => undefined]] as const) {
    const descriptor = openSync(path, 'r');
    fsyncSync(descriptor);
    closeSync(descriptor);
    then();
  }
}

/** Brings an older format up to date, step by step; the copy stays. The caller holds the lock. */
export function upgrade(db: DatabaseSync, file: string): void {
  const { format } = formatOf(db);
  if (format === FORMAT) {
    return;
  }
  keepCopy(db, file, format);
  for (let from = format; from < FORMAT; from += 1) {
    const step = STEPS[from];
    if (step === undefined) {
      throw new StoreOpenError(`the store ${file} cannot be opened: format ${from} is too old for this Telar`);
    }
    db.exec('BEGIN IMMEDIATE');
    try {
      step(db);
      db.exec(`PRAGMA user_version = ${from + 1}; COMMIT`);
    } catch (error) {
      db.exec('ROLLBACK');
      throw error;
    }
  }
}

/** SQLite's error in words that say what is wrong with the file. */
export function explain(error: unknown, file: string): StoreOpenError {
  if (error instanceof StoreOpenError) {
    return error;
  }
  const code = error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : 0;
  const message = error instanceof Error ? error.message : String(error);
  const why = SQLITE_CODES[code];
  return new StoreOpenError(`the store ${file} cannot be opened: ${why === undefined ? message : `${why} (${message})`}`, { cause: error });
}
