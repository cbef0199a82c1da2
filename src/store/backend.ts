/**
 * Where the log lives: an append-only table of versions, as kine has it. The store above keeps the index, so a back end
 * only appends, streams back what it holds, and forgets rows it is told to forget.
 */
import type { Revision } from './store.ts';

/** One version of one key. A deletion is a row without a value. */
export interface Row {
  readonly revision: Revision;
  readonly key: string;
  readonly createRevision: Revision;
  readonly deleted: boolean;
  /** JSON text; empty for a deletion. */
  readonly value: string;
}

export interface LogState {
  /** The highest revision the log has ever held durably. */
  current: Revision;
  compacted: Revision;
}

export interface Backend {
  /** Resolves once the rows are on disk; rejects when none of them is. Calls are committed in order. */
  append(rows: readonly Row[]): Promise<void>;
  /** Rows with a revision above `revision`, in revision order, at most `limit`. */
  after(revision: Revision, limit: number): Promise<Row[]>;
  /** The latest version of every existing key under a prefix, in key order. */
  list(prefix: string): Promise<Row[]>;
  count(prefix: string): Promise<number>;
  /** In one transaction: durably raises the compacted revision to `revision` and removes these superseded rows. */
  compact(revision: Revision, superseded: readonly Revision[]): Promise<void>;
  /** In one transaction: replaces the values of rows that are there, revision by revision. */
  rewrite(rows: readonly Row[]): Promise<void>;
  /** Removes the traces of values that were replaced or forgotten from where the log lives. */
  scrub(): Promise<void>;
  /** Writes a consistent copy of the whole log to a file that does not exist yet; appends go on meanwhile. */
  snapshot(file: string): Promise<void>;
  currentRevision(): Promise<LogState>;
  close(): Promise<void>;
}
