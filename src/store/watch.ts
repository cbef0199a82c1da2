/**
 * Watchers, found by prefix: an event costs one look-up per path segment of its key and one array per prefix and commit,
 * however many watch. A watcher starts, and falls back when its reader is slow, by reading history; only one that has fallen
 * out of history ends with an error.
 */
import type { History } from './history.ts';
import { CompactedError, type Revision, type StoreEvent, type Watcher } from './store.ts';

/** Events waiting for one reader before it is sent back to history. */
export const MAX_QUEUED_EVENTS = 1_000;
/** Events handed out at once from history. */
export const MAX_BATCH = 500;

/** What watchers need to know of the store. */
export interface WatchSource {
  readonly history: History;
  readonly currentRevision: Revision;
  readonly compactedRevision: Revision;
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };
const NONE: readonly StoreEvent[] = [];

class PrefixWatcher implements Watcher {
  readonly #source: WatchSource;
  readonly #matches: (key: string) => boolean;
  readonly #detach: (watcher: PrefixWatcher) => void;
  #queue: StoreEvent[][] = [];
  #queued = 0;
  /** False while the next events have to be read from history. */
  #live: boolean;
  #delivered: Revision;
  #closed = false;
  #listener: (() => void) | undefined;

  constructor(source: WatchSource, prefix: string, from: Revision, detach: (watcher: PrefixWatcher) => void) {
    this.#source = source;
    this.#matches = prefix.endsWith('/') ? (key) => key.startsWith(prefix) : (key) => key === prefix;
    this.#detach = detach;
    this.#delivered = from;
    this.#live = from === source.currentRevision;
  }

  get delivered(): Revision {
    return this.#live && this.#queued === 0 ? this.#source.currentRevision : this.#delivered;
  }

  /** The hub's: events of one commit. The array is shared between watchers. */
  push(events: StoreEvent[]): void {
    if (!this.#live) {
      return;
    }
    if (this.#queued === 0) {
      // Everything before these events has been delivered, or was none of this watcher's.
      this.#delivered = Math.max(this.#delivered, (events[0]?.stored.revision ?? 0) - 1);
    }
    if (this.#queued + events.length > MAX_QUEUED_EVENTS) {
      // Back to history; it goes on from #delivered when the reader comes for more.
      this.#live = false;
      this.#queue = [];
      this.#queued = 0;
    } else {
      this.#queue.push(events);
      this.#queued += events.length;
    }
    this.#tell();
  }

  #tell(): void {
    const listener = this.#listener;
    this.#listener = undefined;
    listener?.();
  }

  #handOut(events: readonly StoreEvent[]): readonly StoreEvent[] {
    this.#delivered = events.at(-1)?.stored.revision ?? this.#delivered;
    return events;
  }

  #fromHistory(): readonly StoreEvent[] {
    if (this.#delivered < this.#source.compactedRevision) {
      this.close();
      throw new CompactedError(`the watch fell behind: revision ${this.#delivered} is no longer in history`);
    }
    const { events, complete } = this.#source.history.read(this.#delivered, this.#matches, MAX_BATCH);
    this.#live = complete;
    return this.#handOut(events);
  }

  poll(): readonly StoreEvent[] | undefined {
    if (this.#closed) {
      return undefined;
    }
    if (!this.#live) {
      const events = this.#fromHistory();
      if (events.length > 0) {
        return events;
      }
    }
    const [first = NONE, second] = this.#queue;
    const events = second === undefined ? first : this.#queue.flat();
    if (events.length > 0) {
      this.#queue = [];
      this.#queued = 0;
    }
    return this.#handOut(events);
  }

  notify(listener: () => void): void {
    if (this.#closed || !this.#live || this.#queued > 0) {
      listener();
    } else {
      this.#listener = listener;
    }
  }

  async next(): Promise<IteratorResult<readonly StoreEvent[]>> {
    for (;;) {
      const events = this.poll();
      if (events === undefined) {
        return DONE;
      }
      if (events.length > 0) {
        return { done: false, value: events };
      }
      await new Promise<void>((resolve) => { this.notify(resolve); });
    }
  }

  [Symbol.asyncIterator](): AsyncIterator<readonly StoreEvent[]> {
    return {
      next: () => this.next(),
      return: async () => {
        this.close();
        return DONE;
      },
    };
  }

  close(): void {
    if (!this.#closed) {
      this.#closed = true;
      this.#queue = [];
      this.#queued = 0;
      this.#detach(this);
      this.#tell();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}

interface Group {
  watchers: Set<PrefixWatcher>;
  /** Events of the commit being dispatched. */
  batch: StoreEvent[] | undefined;
}

export class WatchHub {
  readonly #source: WatchSource;
  readonly #groups = new Map<string, Group>();

  constructor(source: WatchSource) {
    this.#source = source;
  }

  watch(prefix: string, from: Revision): Watcher {
    const group = this.#groups.get(prefix) ?? { watchers: new Set(), batch: undefined };
    this.#groups.set(prefix, group);
    const watcher = new PrefixWatcher(this.#source, prefix, from, (closed) => {
      group.watchers.delete(closed);
      if (group.watchers.size === 0) {
        this.#groups.delete(prefix);
      }
    });
    group.watchers.add(watcher);
    return watcher;
  }

  /** The events of one commit, already in history. */
  dispatch(events: readonly StoreEvent[]): void {
    if (this.#groups.size === 0) {
      return;
    }
    const touched: Group[] = [];
    for (const event of events) {
      const { key } = event.stored;
      for (let slash = key.indexOf('/'); slash >= 0; slash = key.indexOf('/', slash + 1)) {
        this.#collect(key.slice(0, slash + 1), event, touched);
      }
      this.#collect(key, event, touched);
    }
    for (const group of touched) {
      const batch = group.batch ?? [];
      group.batch = undefined;
      for (const watcher of group.watchers) {
        watcher.push(batch);
      }
    }
  }

  #collect(prefix: string, event: StoreEvent, touched: Group[]): void {
    const group = this.#groups.get(prefix);
    if (group === undefined) {
      return;
    }
    if (group.batch === undefined) {
      group.batch = [];
      touched.push(group);
    }
    group.batch.push(event);
  }

  close(): void {
    for (const group of this.#groups.values()) {
      for (const watcher of group.watchers) {
        watcher.close();
      }
    }
  }
}
