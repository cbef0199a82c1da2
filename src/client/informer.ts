/**
 * A cache of one resource kept current by list and watch. Handlers run synchronously, after the cache holds the
 * new state. Objects are shared with everybody, in process even with the server: READ-ONLY (deepClone before changing).
 */
import { setTimeout as delay } from 'node:timers/promises';
import { keyOf, type KubeObject } from '../apimachinery/object.ts';
import { silentLog, type Log } from '../apimachinery/log.ts';
import { StatusError, isStatusError } from '../apimachinery/status.ts';
import { Cache, NAMESPACE_INDEX, type IndexFunction } from './cache.ts';
import type { Client } from './client.ts';
import { resourceName, type Resource } from './resource.ts';

export interface InformerOptions<T extends KubeObject> {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  indexers?: Record<string, IndexFunction<T>>;
  log?: Log;
}

export interface Handlers<T> {
  /** Also called for every object of the first list, and for what is cached when the handler comes late. */
  added?(object: T): void;
  updated?(object: T, old: T): void;
  /** With the last state known; after a gap in the watch that may be an older one than was deleted. */
  deleted?(object: T): void;
}

/** First pause after a failed list or watch, milliseconds; doubles up to the maximum, with up to as much again of jitter. */
const BACKOFF_BASE_MS = 100;
const BACKOFF_MAX_MS = 30_000;
/** A watch that lived this long was healthy: the next failure starts the back-off anew. */
const HEALTHY_WATCH_MS = 10_000;
/** The server is asked to end each watch after five to ten minutes, so that watches spread over time. */
const WATCH_MIN_SECONDS = 300;

export class Informer<T extends KubeObject> {
  readonly resource: Resource<T>;
  readonly #client: Client;
  readonly #options: InformerOptions<T>;
  readonly #log: Log;
  readonly #cache = new Cache<T>();
  readonly #handlers: Handlers<T>[] = [];
  #revision = '';
  #synced = false;
  #started: Promise<void> | undefined;
  readonly #stop = new AbortController();

  constructor(client: Client, resource: Resource<T>, options: InformerOptions<T> = {}) {
    this.#client = client;
    this.resource = resource;
    this.#options = options;
    this.#log = (options.log ?? silentLog).child({ informer: resourceName(resource) });
    for (const [name, of] of Object.entries(options.indexers ?? {})) {
      this.#cache.addIndex(name, of);
    }
  }

  /** True once the first list is in the cache. */
  get synced(): boolean {
    return this.#synced;
  }

  get size(): number {
    return this.#cache.size;
  }

  on(handlers: Handlers<T>): void {
    this.#handlers.push(handlers);
    if (this.#synced) {
      for (const object of this.#cache.values()) {
        this.#call(() => handlers.added?.(object));
      }
    }
  }

  /** May be called at any time; an index of that name that exists already stays as it is. */
  addIndex(name: string, of: IndexFunction<T>): void {
    this.#cache.addIndex(name, of);
  }

  /** By `namespace/name`, or `name` for what has no namespace. */
  get(key: string): T | undefined {
    return this.#cache.get(key);
  }

  list(namespace?: string): T[] {
    return namespace === undefined ? this.#cache.values() : this.#cache.byIndex(NAMESPACE_INDEX, namespace);
  }

  byIndex(index: string, value: string): T[] {
    return this.#cache.byIndex(index, value);
  }

  /**
   * Whether this cache reflects everything up to a resourceVersion (as an answer to a write gave it).
   * Undefined when the server's versions are not numbers and so cannot be compared.
   */
  hasSeen(resourceVersion: string): boolean | undefined {
    if (!/^\d+$/.test(resourceVersion) || !/^\d+$/.test(this.#revision)) {
      return undefined;
    }
    const [a, b] = [this.#revision, resourceVersion];
    return a.length === b.length ? a >= b : a.length > b.length;
  }

  /** Resolves when synced; rejects when `signal` aborts before. Later calls return the first one's promise. */
  start(signal: AbortSignal): Promise<void> {
    this.#started ??= this.#begin(AbortSignal.any([signal, this.#stop.signal]));
    return this.#started;
  }

  /** For good: its resource is served no more. */
  stop(): void {
    this.#stop.abort();
  }

  get stopped(): boolean {
    return this.#stop.signal.aborted;
  }

  async #begin(signal: AbortSignal): Promise<void> {
    const synced = Promise.withResolvers<void>();
    const run = this.#run(signal, synced.resolve);
    // A run ends only by an abort.
    await Promise.race([synced.promise, run]);
    if (!this.#synced) {
      throw signal.reason instanceof Error ? signal.reason : new Error('informer stopped');
    }
  }

  async #run(signal: AbortSignal, onSync: () => void): Promise<void> {
    let failures = 0;
    let relist = true;
    while (!signal.aborted) {
      const began = performance.now();
      try {
        if (relist) {
          await this.#relist(signal);
          relist = false;
          onSync();
        }
        await this.#watch(signal);
        // The server ended the watch, as it does every few minutes. Ending at once every time must not spin.
        failures = performance.now() - began >= HEALTHY_WATCH_MS ? 0 : failures + 1;
      } catch (error) {
        if (signal.aborted) {
          return;
        }
        failures = performance.now() - began >= HEALTHY_WATCH_MS ? 1 : failures + 1;
        if (isGone(error)) {
          relist = true;
          this.#revision = '';
          this.#log.debug({ err: error }, 'watch fell behind, listing anew');
        } else if (this.#synced && isStatusError(error, 'NotFound')) {
          this.#log.debug({ err: error, failures }, 'not served any more, will look again');
        } else {
          this.#log.warn({ err: error, failures }, 'list or watch failed, will retry');
        }
      }
      if (failures > 0) {
        await pause(failures, signal);
      }
    }
  }

  async #relist(signal: AbortSignal): Promise<void> {
    // From the server's memory at first, but never older than what was seen; after an expiry the newest.
    const resourceVersion = this.#synced ? this.#revision : '0';
    const list = await this.#client.list(this.resource, {
      ...this.#selection(), signal, ...(resourceVersion === '' ? {} : { resourceVersion }),
    });
    const stale = new Set(this.#cache.keys());
    for (const object of list.items) {
      stale.delete(keyOf(object));
      this.#store(object);
    }
    this.#revision = list.metadata.resourceVersion ?? '';
    for (const key of stale) {
      this.#remove(key);
    }
    this.#synced = true;
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const events = this.#client.watch(this.resource, {
      ...this.#selection(), signal, allowWatchBookmarks: true, resourceVersion: this.#revision,
      timeoutSeconds: WATCH_MIN_SECONDS + Math.floor(Math.random() * WATCH_MIN_SECONDS),
    });
    for await (const { type, object } of events) {
      const { resourceVersion } = object.metadata;
      if (resourceVersion !== undefined) {
        this.#revision = resourceVersion;
      }
      if (type === 'DELETED') {
        // The event carries the object's last state, newer than the cached one.
        if (this.#cache.delete(keyOf(object)) !== undefined) {
          this.#each((handlers) => handlers.deleted?.(object));
        }
      } else if (type !== 'BOOKMARK') {
        this.#store(object);
      }
      if (signal.aborted) {
        return;
      }
    }
  }

  #store(object: T): void {
    const cached = this.#cache.get(keyOf(object));
    if (cached !== undefined && cached.metadata.uid !== object.metadata.uid) {
      // Deleted and made anew while nobody looked: two objects, so two events.
      this.#remove(keyOf(object));
    } else if (cached !== undefined && cached.metadata.resourceVersion === object.metadata.resourceVersion) {
      return;
    }
    const old = this.#cache.set(object);
    if (old === undefined) {
      this.#each((handlers) => handlers.added?.(object));
    } else {
      this.#each((handlers) => handlers.updated?.(object, old));
    }
  }

  #remove(key: string): void {
    const old = this.#cache.delete(key);
    if (old !== undefined) {
      this.#each((handlers) => handlers.deleted?.(old));
    }
  }

  #each(call: (handlers: Handlers<T>) => void): void {
    for (const handlers of this.#handlers) {
      this.#call(() => {
        call(handlers);
      });
    }
  }

  /** One handler's mistake must not cost the others their event. */
  #call(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#log.error({ err: error }, 'event handler failed');
    }
  }

  #selection(): { namespace?: string; labelSelector?: string; fieldSelector?: string } {
    const { namespace, labelSelector, fieldSelector } = this.#options;
    return {
      ...(namespace === undefined ? {} : { namespace }),
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
    };
  }
}

/** The watch cannot go on from where it was: what it needs is compacted, or the server knows no such version. */
function isGone(error: unknown): boolean {
  if (!(error instanceof StatusError)) {
    return false;
  }
  const tooLarge = error.status.details?.causes?.some((cause) => cause.reason === 'ResourceVersionTooLarge') === true;
  return error.code === 410 || isStatusError(error, 'Expired') || isStatusError(error, 'Gone') || tooLarge;
}

async function pause(failures: number, signal: AbortSignal): Promise<void> {
  const base = Math.min(BACKOFF_BASE_MS * 2 ** (failures - 1), BACKOFF_MAX_MS);
  try {
    await delay(base * (1 + Math.random()), undefined, { signal });
  } catch (error) {
    if (!signal.aborted) {
      throw error;
    }
  }
}
