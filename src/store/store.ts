/**
 * The revisioned key-value log under the API server. Keys are paths
 * (`/<group or core>/<plural>/<namespace or ->/<name>`); values are JSON texts of whole objects.
 * Every write gets the next revision, one sequence for the whole store, and is durable (committed with
 * `synchronous=FULL`) before its promise resolves and before any watcher sees it.
 */
import type { KubeObject } from '../apimachinery/object.ts';
import { StartFault } from '../apimachinery/startfault.ts';

export type Revision = number;

/** One committed version of one key. Immutable: `object` is shared by every reader and must not be changed. */
export interface Stored {
  readonly key: string;
  readonly revision: Revision;
  readonly createRevision: Revision;
  /** The object's JSON, resourceVersion included: what goes over the wire as it is. */
  readonly json: string;
  /** Parsed on first use, then kept for a while. */
  readonly object: KubeObject;
  /** True when `object` is at hand: it need not be parsed. */
  readonly parsed?: boolean;
}

export type StoreEvent =
  | { type: 'ADDED' | 'MODIFIED'; stored: Stored; previous: Stored | undefined }
  /** `stored` holds the last state of the object with the revision of its deletion. */
  | { type: 'DELETED'; stored: Stored; previous: Stored };

/** The object of a write; the store sets `metadata.resourceVersion` to the revision it assigns and takes ownership of it. */
export type Writable = KubeObject;

export interface ListOptions {
  /** Read the state at this revision (for `continue` tokens and exact matches); default the current one. */
  revision?: Revision;
  /** Start after this key (exclusive). */
  after?: string;
  limit?: number;
}

export interface ListResult {
  items: Stored[];
  revision: Revision;
  /** More keys follow the last item. */
  more: boolean;
  /** How many keys follow, when `more`. */
  remaining: number;
}

export interface Watcher extends AsyncDisposable {
  /**
   * Batches of events in revision order. Ends after `close`. Throws CompactedError when it cannot go on without a gap
   * (the reader was slower than the ring is long). A watcher has one reader, which either iterates or polls.
   */
  [Symbol.asyncIterator](): AsyncIterator<readonly StoreEvent[]>;
  /** The events to be had without waiting: none when there are none yet, undefined after `close`. Throws as iterating does. */
  poll(): readonly StoreEvent[] | undefined;
  /** Calls `listener` once, when `poll` next may have something to say: at once when it may already. The listener must not poll by itself. */
  notify(listener: () => void): void;
  /** The revision up to which all events have been delivered: for bookmarks. */
  readonly delivered: Revision;
  close(): void;
}

export interface Store {
  readonly currentRevision: Revision;
  readonly compactedRevision: Revision;
  get(key: string): Stored | undefined;
  /** Keys under a prefix (which ends in `/`), in byte order. Throws CompactedError or FutureRevisionError. */
  list(prefix: string, options?: ListOptions): ListResult;
  count(prefix: string): number;
  /** Throws KeyExistsError. */
  create(key: string, object: Writable): Promise<Stored>;
  /** Throws RevisionMismatchError when the key's revision is no longer `expected`, or the key is gone. */
  update(key: string, expected: Revision, object: Writable): Promise<Stored>;
  delete(key: string, expected: Revision): Promise<Stored>;
  /**
   * Events after `from` (exclusive) of the keys under a prefix that ends in `/`, or of one key; 0 or undefined means from now on.
   * Throws CompactedError for what the log no longer holds, FutureRevisionError for what is yet to come.
   */
  watch(prefix: string, from?: Revision): Watcher;
  /** Resolves once `revision` is visible to readers; rejects with FutureRevisionError after `timeoutMs`. */
  waitFor(revision: Revision, timeoutMs: number): Promise<void>;
  /**
   * Writes a consistent copy of the store to a file that does not exist yet, readable by its owner alone; writes go on meanwhile.
   * It holds everything that was acknowledged before the call. Rejects with StoreUnavailableError.
   */
  snapshot(file: string): Promise<void>;
  /** Forget history at or before `revision`, in chunks. */
  compact(revision: Revision): Promise<void>;
  close(): Promise<void>;
}

export class KeyExistsError extends Error { override name = 'KeyExistsError'; }
export class RevisionMismatchError extends Error { override name = 'RevisionMismatchError'; }
export class CompactedError extends Error { override name = 'CompactedError'; }
export class FutureRevisionError extends Error { override name = 'FutureRevisionError'; }
/** The write is not on disk and changed nothing: disk full, I/O error, too many writes waiting, or the store is closed. */
export class StoreUnavailableError extends Error { override name = 'StoreUnavailableError'; }
/** The object's JSON is longer than MAX_VALUE_LENGTH. */
export class ValueTooLargeError extends Error { override name = 'ValueTooLargeError'; }
/** What is on disk is not a store that this version can read: another format, damaged, or in use by another process. */
export class StoreOpenError extends StartFault {
  constructor(why: string, options?: ErrorOptions) {
    super('StoreUnusable', { why }, why, options);
    this.name = 'StoreOpenError';
  }
}
