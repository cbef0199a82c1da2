/**
 * The store: assigns revisions, lets a back end make writes durable, and only then shows them to readers and watchers. One
 * instance owns its log; everything but the durability happens on the calling thread.
 */
import type { Backend, Row } from './backend.ts';
import { Compactor, type Forgotten } from './compactor.ts';
import { History, type HistoryLimits } from './history.ts';
import type { KeyIndex } from './keyindex.ts';
import { Loader } from './loader.ts';
import {
  CompactedError, FutureRevisionError, KeyExistsError, RevisionMismatchError, StoreOpenError, StoreUnavailableError, ValueTooLargeError,
  type ListOptions, type ListResult, type Revision, type Store, type Stored, type StoreEvent, type Watcher, type Writable,
} from './store.ts';
import { DeletedVersion, LiveVersion, type Version } from './version.ts';
import { WatchHub } from './watch.ts';

/** Writes waiting for their commit; more are refused. */
export const MAX_PENDING_WRITES = 50_000;
/** Events of history forgotten in one go: a few milliseconds. */
const FORGET_EVENTS = 2_000;
/** Characters of one object's JSON. */
export const MAX_VALUE_LENGTH = 4 * 1024 * 1024;

export interface LogStoreOptions {
  history?: HistoryLimits;
  /** How often history is compacted to where it stood one interval ago, in milliseconds; 0 for never. Default five minutes. */
  compactEveryMs?: number;
  /**
   * Told of a compaction that failed (it is tried again at the next interval) and of a back end that is lost (every later write
   * fails). Default: a warning of the process.
   */
  onError?: (error: Error) => void;
}

interface Pending {
  version: Version;
  /** Settled when the write is committed or has failed; never rejects. */
  settled: Promise<void>;
  settle(): void;
  resolve(stored: Stored): void;
  reject(error: Error): void;
}

interface RevisionWaiter {
  revision: Revision;
  resolve(): void;
}

export class LogStore implements Store {
  readonly history: History;
  readonly #backend: Backend;
  readonly #index: KeyIndex;
  readonly #hub: WatchHub;
  readonly #compactor: Compactor;
  /** Keys with a write under way: the next writer of the key waits for it and looks again. */
  readonly #inFlight = new Map<string, Pending>();
  readonly #waiters = new Set<RevisionWaiter>();
  #queue: Pending[] = [];
  #pending = 0;
  #flushing = false;
  #assigned: Revision;
  #current: Revision;
  #compacted: Revision;
  #closed = false;

  private constructor(backend: Backend, loader: Loader, options: LogStoreOptions) {
    this.#backend = backend;
    this.history = new History(options.history);
    this.#index = loader.index();
    this.#current = loader.current;
    this.#assigned = loader.current;
    this.#compacted = loader.compacted;
    this.#hub = new WatchHub(this);
    for (const event of loader.events) {
      this.history.push(event);
    }
    this.#compactor = new Compactor({
      backend, compacted: loader.compacted, garbage: loader.garbage, everyMs: options.compactEveryMs ?? 300_000,
      current: () => this.#current,
      forget: (revision) => this.#forget(revision),
      onError: options.onError ?? ((error) => process.emitWarning(`compaction of the store: ${error.message}`)),
    });
    this.#limitHistory();
  }

  /** Reads the whole log. The back end is the store's from now on. */
  static async open(backend: Backend, options: LogStoreOptions = {}): Promise<LogStore> {
    try {
      const loader = await Loader.read(backend);
      return new LogStore(backend, loader, options);
    } catch (error) {
      await backend.close();
      if (error instanceof StoreOpenError) {
        throw error;
      }
      throw new StoreOpenError(`the store cannot be read: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }

  get currentRevision(): Revision {
    return this.#current;
  }

  get compactedRevision(): Revision {
    return this.#compacted;
  }

  get(key: string): Stored | undefined {
    const current = this.#index.get(key)?.current;
    return current === undefined || current.deleted ? undefined : current;
  }

  list(prefix: string, options: ListOptions = {}): ListResult {
    const revision = options.revision === undefined || options.revision === 0 ? this.#current : options.revision;
    if (revision > this.#current) {
      throw new FutureRevisionError(`revision ${revision} is in the future: the current one is ${this.#current}`);
    }
    if (revision < this.#compacted) {
      throw new CompactedError(`revision ${revision} is no longer in history, which begins at ${this.#compacted}`);
    }
    return { ...this.#index.range(prefix, revision, options.after ?? '', options.limit ?? Infinity), revision };
  }

  count(prefix: string): number {
    return this.#index.count(prefix, this.#current);
  }

  create(key: string, object: Writable): Promise<Stored> {
    return this.#write(key, (existing) => {
      if (existing !== undefined) {
        throw new KeyExistsError(`${key} exists at revision ${existing.revision}`);
      }
      return this.#live(key, undefined, object);
    });
  }

  update(key: string, expected: Revision, object: Writable): Promise<Stored> {
    return this.#write(key, (existing) => this.#live(key, checked(key, existing, expected), object));
  }

  delete(key: string, expected: Revision): Promise<Stored> {
    return this.#write(key, (existing) => new DeletedVersion(checked(key, existing, expected), this.#assigned + 1));
  }

  #live(key: string, existing: Stored | undefined, object: Writable): LiveVersion {
    const revision = this.#assigned + 1;
    object.metadata.resourceVersion = String(revision);
    const json = JSON.stringify(object);
    if (json.length > MAX_VALUE_LENGTH) {
      throw new ValueTooLargeError(`${key} takes ${json.length} characters; at most ${MAX_VALUE_LENGTH} can be stored`);
    }
    return new LiveVersion(key, revision, existing?.createRevision ?? revision, { json, object });
  }

  /** `next` makes the version from the latest committed one, or throws; it runs when no other write of the key is under way. */
  async #write(key: string, next: (existing: Stored | undefined) => Version): Promise<Stored> {
    for (let before = this.#inFlight.get(key); before !== undefined; before = this.#inFlight.get(key)) {
      await before.settled;
    }
    if (this.#closed) {
      throw new StoreUnavailableError('the store is closed');
    }
    if (this.#pending >= MAX_PENDING_WRITES) {
      throw new StoreUnavailableError(`more than ${MAX_PENDING_WRITES} writes are waiting for the disk`);
    }
    const version = next(this.get(key));
    this.#assigned = version.revision;
    const settled = Promise.withResolvers<void>();
    const result = Promise.withResolvers<Stored>();
    const pending: Pending = { version, settled: settled.promise, settle: settled.resolve, resolve: result.resolve, reject: result.reject };
    this.#inFlight.set(key, pending);
    this.#queue.push(pending);
    this.#pending += 1;
    if (!this.#flushing) {
      this.#flushing = true;
      // Everything written in this turn of the event loop travels to the back end together.
      setImmediate(() => this.#flush());
    }
    return result.promise;
  }

  #flush(): void {
    this.#flushing = false;
    const batch = this.#queue;
    this.#queue = [];
    this.#backend.append(batch.map(({ version }) => rowOf(version))).then(
      () => this.#committed(batch),
      (error: unknown) => this.#failed(batch, error),
    );
  }

  #settle(pending: Pending): void {
    this.#pending -= 1;
    this.#inFlight.delete(pending.version.key);
    pending.settle();
  }

  #committed(batch: readonly Pending[]): void {
    const events: StoreEvent[] = [];
    for (const pending of batch) {
      const event = this.#publish(pending.version);
      events.push(event);
      this.#settle(pending);
      pending.resolve(event.stored);
    }
    this.#hub.dispatch(events);
    for (const waiter of this.#waiters) {
      if (waiter.revision <= this.#current) {
        waiter.resolve();
      }
    }
    this.#limitHistory();
  }

  #publish(version: Version): StoreEvent {
    const previous = this.#index.put(version);
    this.#current = version.revision;
    const event = eventOf(version, previous);
    this.history.push(event);
    return event;
  }

  #failed(batch: readonly Pending[], cause: unknown): void {
    const why = cause instanceof Error ? cause.message : String(cause);
    for (const pending of batch) {
      this.#settle(pending);
      pending.reject(new StoreUnavailableError(`the write could not be made durable: ${why}`, { cause }));
    }
  }

  watch(prefix: string, from?: Revision): Watcher {
    const start = from === undefined || from === 0 ? this.#current : from;
    if (start < this.#compacted) {
      throw new CompactedError(`revision ${start} is no longer in history, which begins at ${this.#compacted}`);
    }
    if (start > this.#current) {
      throw new FutureRevisionError(`revision ${start} is in the future: the current one is ${this.#current}`);
    }
    return this.#hub.watch(prefix, start);
  }

  async waitFor(revision: Revision, timeoutMs: number): Promise<void> {
    if (revision <= this.#current) {
      return;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: RevisionWaiter = { revision, resolve };
    this.#waiters.add(waiter);
    const timer = setTimeout(() => {
      reject(new FutureRevisionError(`revision ${revision} is in the future: the current one is ${this.#current}`));
    }, timeoutMs);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#waiters.delete(waiter);
    }
  }

  snapshot(file: string): Promise<void> {
    return this.#backend.snapshot(file);
  }

  async compact(revision: Revision): Promise<void> {
    if (revision > this.#current) {
      throw new FutureRevisionError(`revision ${revision} is in the future: the current one is ${this.#current}`);
    }
    await this.#compactor.compact(revision);
  }

  /** Drops the oldest part of history at or before `revision` from memory. From the first call on nobody is shown any of it. */
  #forget(revision: Revision): Forgotten {
    this.#compacted = Math.max(this.#compacted, revision);
    const garbage: Revision[] = [];
    for (const { type, stored, previous } of this.history.shift(revision, FORGET_EVENTS)) {
      if (previous !== undefined) {
        garbage.push(previous.revision);
      }
      if (type === 'DELETED') {
        garbage.push(stored.revision);
      }
      this.#index.forget(stored.key, revision);
    }
    return { garbage, more: this.history.first <= revision };
  }

  #limitHistory(): void {
    const excess = this.history.excess;
    if (excess > 0) {
      this.#compactor.shed(excess);
    }
  }

  async close(): Promise<void> {
    if (this.#closed) {
      return;
    }
    this.#closed = true;
    await Promise.all([...this.#inFlight.values()].map((pending) => pending.settled));
    this.#hub.close();
    await this.#compactor.close();
    await this.#backend.close();
  }
}

function checked(key: string, existing: Stored | undefined, expected: Revision): Stored {
  if (existing === undefined) {
    throw new RevisionMismatchError(`${key} no longer exists`);
  }
  if (existing.revision !== expected) {
    throw new RevisionMismatchError(`${key} is at revision ${existing.revision}, not ${expected}`);
  }
  return existing;
}

const rowOf = (version: Version): Row => ({
  revision: version.revision, key: version.key, createRevision: version.createRevision, deleted: version.deleted,
  value: version.deleted ? '' : version.json,
});

/** The event of a version that follows `previous` (a tombstone counts as nothing). */
export function eventOf(version: Version, previous: Version | undefined): StoreEvent {
  const before = previous?.deleted === true ? undefined : previous;
  if (version.deleted && before !== undefined) {
    return { type: 'DELETED', stored: version, previous: before };
  }
  return { type: before === undefined ? 'ADDED' : 'MODIFIED', stored: version, previous: before };
}
