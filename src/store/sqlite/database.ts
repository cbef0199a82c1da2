/** The log as a SQLite file: one table in revision order without further indexes, since the store keeps its own in memory. */
import { open } from 'node:fs/promises';
import { backup, DatabaseSync, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import type { LogState } from '../backend.ts';
import type { Revision } from '../store.ts';
import { APPLICATION_ID, checkFormat, explain, FORMAT, formatOf, upgrade } from './format.ts';
import { emptyColumns, type Columns, type WorkerOptions } from './protocol.ts';

const PAGE_BYTES = 4096;
/** Pages copied in one step of a snapshot: 1 MiB, which takes about a millisecond. */
const SNAPSHOT_PAGES = 256;
/** Pages in the write-ahead log before they are copied into the database: 8 MiB. */
const CHECKPOINT_PAGES = 2048;
const SCHEMA = `
  CREATE TABLE log (
    revision INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    create_revision INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    value TEXT NOT NULL
  );
  CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  INSERT INTO meta VALUES ('compacted', 0);
`;

export class Database {
  readonly #db: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #after: StatementSync;
  readonly #remove: StatementSync;

  constructor({ file, maxBytes, lockWaitMs }: WorkerOptions) {
    let db: DatabaseSync | undefined;
    try {
      db = new DatabaseSync(file);
      prepare(db, file, lockWaitMs);
      db.exec(`PRAGMA max_page_count = ${Math.ceil(maxBytes / PAGE_BYTES)}`);
      this.#insert = db.prepare('INSERT INTO log (revision, key, create_revision, deleted, value) VALUES (?, ?, ?, ?, ?)');
      this.#after = db.prepare('SELECT revision, key, create_revision, deleted, value FROM log WHERE revision > ? ORDER BY revision LIMIT ?');
      this.#after.setReturnArrays(true);
      this.#remove = db.prepare('DELETE FROM log WHERE revision = ?');
    } catch (error) {
      db?.close();
      throw explain(error, file);
    }
    this.#db = db;
  }

  /** Runs `work` in one transaction that is on disk when this returns, or undone when it throws. */
  #transaction(work: () => void): void {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      work();
      this.#db.exec('COMMIT');
    } catch (error) {
      if (this.#db.isTransaction) {
        this.#db.exec('ROLLBACK');
      }
      throw error;
    }
  }

  append(batches: readonly Columns[]): void {
    this.#transaction(() => {
      for (const { revisions, keys, createRevisions, values } of batches) {
        for (const [index, revision] of revisions.entries()) {
          const value = values[index] ?? null;
          this.#insert.run(revision, keys[index] ?? '', createRevisions[index] ?? revision, value === null ? 1 : 0, value ?? '');
        }
      }
    });
  }

  compact(revision: Revision, superseded: readonly Revision[]): void {
    this.#transaction(() => {
      this.#db.prepare("UPDATE meta SET value = max(value, ?) WHERE name = 'compacted'").run(revision);
      for (const one of superseded) {
        this.#remove.run(one);
      }
    });
  }

  rewrite({ revisions, values }: Columns): void {
    const statement = this.#db.prepare('UPDATE log SET value = ? WHERE revision = ? AND deleted = 0');
    this.#transaction(() => {
      for (const [index, revision] of revisions.entries()) {
        statement.run(values[index] ?? '', revision);
      }
    });
  }

  /** Writes the file anew: pages that SQLite keeps for later, and its write-ahead log, still hold what stood in them. */
  scrub(): void {
    this.#db.exec('VACUUM; PRAGMA wal_checkpoint(TRUNCATE)');
  }

  after(revision: Revision, limit: number): Columns {
    return columnsOf(this.#after.all(revision, limit));
  }

  /** A consistent copy in a file of its own, made in steps. */
  async snapshot(file: string): Promise<void> {
    // SQLite would make it readable by everybody.
    await (await open(file, 'wx', 0o600)).close();
    await backup(this.#db, file, { rate: SNAPSHOT_PAGES });
  }

  list(prefix: string): Columns {
    // Bare columns beside max() come from the row that holds the maximum.
    const statement = this.#db.prepare(`
      SELECT max(revision), key, create_revision, deleted, value FROM log
      WHERE substr(key, 1, ?) = ? GROUP BY key HAVING deleted = 0 ORDER BY key`);
    statement.setReturnArrays(true);
    return columnsOf(statement.all(prefix.length, prefix));
  }

  count(prefix: string): number {
    return this.list(prefix).revisions.length;
  }

  state(): LogState {
    const row = this.#db.prepare("SELECT (SELECT value FROM meta WHERE name = 'compacted') AS compacted, (SELECT max(revision) FROM log) AS last").get();
    const compacted = toNumber(row?.['compacted']);
    return { compacted, current: Math.max(compacted, toNumber(row?.['last'])) };
  }

  close(): void {
    this.#db.close();
  }
}

const toNumber = (value: SQLOutputValue | undefined): number => (typeof value === 'number' ? value : 0);
const toText = (value: SQLOutputValue | undefined): string => (typeof value === 'string' ? value : '');

/** Rows as arrays (half the cost of objects): revision, key, create_revision, deleted, value. The types know only of objects. */
function columnsOf(rows: readonly Record<string, SQLOutputValue>[]): Columns {
  const columns = emptyColumns();
  for (const row of rows) {
    columns.revisions.push(toNumber(row[0]));
    columns.keys.push(toText(row[1]));
    columns.createRevisions.push(toNumber(row[2]));
    columns.values.push(row[3] === 0 ? toText(row[4]) : null);
  }
  return columns;
}

function prepare(db: DatabaseSync, file: string, lockWaitMs: number): void {
  db.exec(`PRAGMA busy_timeout = ${lockWaitMs}; PRAGMA page_size = ${PAGE_BYTES}; PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL`);
  db.exec(`PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}; PRAGMA journal_size_limit = ${4 * CHECKPOINT_PAGES * PAGE_BYTES}`);
  const { format, tables } = formatOf(db);
  if (tables === 0 && format === 0) {
    db.exec(`BEGIN EXCLUSIVE; ${SCHEMA} PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${FORMAT}; COMMIT`);
    return;
  }
  checkFormat(db, file);
  // Takes the lock now, so that a second process is told at once.
  db.exec('BEGIN IMMEDIATE; COMMIT');
  upgrade(db, file);
}
