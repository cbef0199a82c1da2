/** One client's watch: initial objects, then the store's events seen through a selector. Knows nothing of HTTP. */
import type { JsonObject, KubeObject, WatchEventType } from '../../apimachinery/object.ts';
import { StatusError, type Status } from '../../apimachinery/status.ts';
import type { AnyKind } from '../../kinds/kind.ts';
import { apiVersionOf } from '../../apimachinery/object.ts';
import { CompactedError, type Revision, type Stored, type StoreEvent, type Watcher } from '../../store/store.ts';
import type { Core } from './core.ts';
import type { Filter } from './filter.ts';
import { watchTooOld } from './revisions.ts';

/** `stored` for ADDED, MODIFIED and DELETED, `object` for BOOKMARK and ERROR. */
export type WatchItem =
  | { readonly type: Exclude<WatchEventType, 'BOOKMARK' | 'ERROR'>; readonly stored: Stored }
  | { readonly type: 'BOOKMARK'; readonly object: JsonObject }
  | { readonly type: 'ERROR'; readonly object: Status };

export interface WatchOptions {
  kind: AnyKind;
  filter: Filter | undefined;
  /** Objects to begin with, as ADDED. */
  initial: readonly Stored[];
  /** The state the watch begins with: `initial` is of this revision. */
  from: Revision;
  bookmarks: boolean;
  /** Say with a bookmark that the initial objects are complete. */
  announceInitialEnd: boolean;
  /** The server ends the watch after this; undefined leaves it open. */
  timeoutMs: number | undefined;
}

/** Initial objects are handed out this many at a time. */
const INITIAL_BATCH = 500;
const INITIAL_EVENTS_END = 'k8s.io/initial-events-end';

export class WatchStream {
  readonly kind: AnyKind;
  readonly bookmarks: boolean;
  readonly #core: Core;
  readonly #options: WatchOptions;
  readonly #source: Watcher;
  readonly #timer: NodeJS.Timeout | undefined;
  #given = 0;
  #announced: boolean;
  #ended = false;

  constructor(core: Core, source: Watcher, options: WatchOptions) {
    this.#core = core;
    this.kind = options.kind;
    this.bookmarks = options.bookmarks;
    this.#options = options;
    this.#source = source;
    this.#announced = !options.announceInitialEnd;
    this.#timer = options.timeoutMs === undefined ? undefined : setTimeout(() => this.close(), options.timeoutMs).unref();
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Ends the watch; a pending `next` resolves with undefined. */
  close(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#source.close();
  }

  /** A bookmark of what `next` has handed out so far. */
  bookmark(): WatchItem {
    return this.#bookmark(Math.max(this.#source.delivered, this.#options.from), undefined);
  }

  #bookmark(revision: Revision, annotations: Record<string, string> | undefined): WatchItem {
    const metadata: JsonObject = { resourceVersion: String(revision), creationTimestamp: null, ...(annotations === undefined ? {} : { annotations }) };
    return { type: 'BOOKMARK', object: { kind: this.kind.kind, apiVersion: apiVersionOf(this.kind), metadata } };
  }

  /**
   * The items to be had without waiting, in order: undefined when the watch is over. There may be more when `notify` calls back at once,
   * also after none (a selector passed over some events). An ERROR item is the last one.
   */
  poll(): readonly WatchItem[] | undefined {
    if (this.#ended) {
      return undefined;
    }
    const { initial, from } = this.#options;
    if (this.#given < initial.length) {
      const batch = initial.slice(this.#given, this.#given + INITIAL_BATCH);
      this.#given += batch.length;
      return batch.map((stored) => ({ type: 'ADDED', stored }));
    }
    if (!this.#announced) {
      this.#announced = true;
      return [this.#bookmark(from, { [INITIAL_EVENTS_END]: 'true' })];
    }
    return this.#pollEvents();
  }

  #pollEvents(): readonly WatchItem[] | undefined {
    try {
      const events = this.#source.poll();
      if (events === undefined) {
        this.close();
        return undefined;
      }
      return this.#options.filter === undefined && this.kind.storedAs === undefined ? events : this.#filtered(events);
    } catch (error) {
      this.close();
      if (error instanceof CompactedError) {
        return [{ type: 'ERROR', object: watchTooOld(this.#source.delivered, this.#core.store.compactedRevision).status }];
      }
      if (error instanceof StatusError) {
        return [{ type: 'ERROR', object: error.status }];
      }
      throw error;
    }
  }

  /** Calls `listener` once, when `poll` next may have something to say. The listener must not poll by itself. */
  notify(listener: () => void): void {
    if (this.#ended || this.#given < this.#options.initial.length || !this.#announced) {
      listener();
    } else {
      this.#source.notify(listener);
    }
  }

  /** The next items in order, never empty; undefined when the watch is over. */
  async next(): Promise<readonly WatchItem[] | undefined> {
    for (;;) {
      const items = this.poll();
      if (items === undefined || items.length > 0) {
        return items;
      }
      await new Promise<void>((resolve) => { this.notify(resolve); });
    }
  }

  #filtered(events: readonly StoreEvent[]): WatchItem[] {
    const items: WatchItem[] = [];
    for (const event of events) {
      const item = this.#seen(event);
      if (item !== undefined) {
        items.push(item);
      }
    }
    return items;
  }

  /** What a selector makes of an event: an object that stops matching is gone for this watcher, one that starts is new. */
  #seen(event: StoreEvent): WatchItem | undefined {
    const { filter } = this.#options;
    const stored = this.#core.view(this.kind, event.stored);
    if (filter === undefined) {
      return { type: event.type, stored };
    }
    const before = event.previous === undefined ? undefined : this.#core.view(this.kind, event.previous);
    const matched = before !== undefined && filter.matches(before.object);
    if (event.type === 'DELETED') {
      return matched ? { type: 'DELETED', stored } : undefined;
    }
    if (filter.matches(stored.object)) {
      return { type: matched ? 'MODIFIED' : 'ADDED', stored };
    }
    return matched ? { type: 'DELETED', stored: atRevision(before, stored.revision) } : undefined;
  }
}

/** The earlier state with a later resourceVersion: how Kubernetes shows an object that left a selector. */
function atRevision(stored: Stored, revision: Revision): Stored {
  const object: KubeObject = { ...stored.object, metadata: { ...stored.object.metadata, resourceVersion: String(revision) } };
  return { key: stored.key, revision, createRevision: stored.createRevision, object, json: JSON.stringify(object) };
}
