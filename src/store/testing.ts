/** Helpers of this room's tests. */
import type { KubeObject } from '../apimachinery/object.ts';
import type { Backend, LogState, Row } from './backend.ts';
import type { Revision, StoreEvent, Watcher } from './store.ts';

export interface TestObject extends KubeObject {
  data: Record<string, string>;
}

export function configMap(name: string, data: Record<string, string> = {}): TestObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' }, data };
}

export const keyOfName = (name: string, namespace: string = 'default'): string => `/core/configmaps/${namespace}/${name}`;

/** Reads events until there are `count` of them. */
export async function take(watcher: Watcher, count: number): Promise<StoreEvent[]> {
  const events: StoreEvent[] = [];
  for await (const batch of watcher) {
    events.push(...batch);
    if (events.length >= count) {
      break;
    }
  }
  return events;
}

export const summary = (events: readonly StoreEvent[]): string[] =>
  events.map(({ type, stored }) => `${type} ${stored.key.split('/').at(-1) ?? ''} ${stored.revision}`);

/** A back end that fails or holds its appends on request. */
export class FaultyBackend implements Backend {
  readonly #inner: Backend;
  #failures = 0;
  #gate: PromiseWithResolvers<void> | undefined;

  constructor(inner: Backend) {
    this.#inner = inner;
  }

  failNext(appends: number): void {
    this.#failures = appends;
  }

  hold(): void {
    this.#gate = Promise.withResolvers();
  }

  release(): void {
    this.#gate?.resolve();
    this.#gate = undefined;
  }

  async append(rows: readonly Row[]): Promise<void> {
    const fails = this.#failures > 0;
    if (fails) {
      this.#failures -= 1;
    }
    await this.#gate?.promise;
    if (fails) {
      throw new Error('database or disk is full');
    }
    await this.#inner.append(rows);
  }

  after(revision: Revision, limit: number): Promise<Row[]> {
    return this.#inner.after(revision, limit);
  }

  list(prefix: string): Promise<Row[]> {
    return this.#inner.list(prefix);
  }

  count(prefix: string): Promise<number> {
    return this.#inner.count(prefix);
  }

  compact(revision: Revision, superseded: readonly Revision[]): Promise<void> {
    return this.#inner.compact(revision, superseded);
  }

  rewrite(rows: readonly Row[]): Promise<void> {
    return this.#inner.rewrite(rows);
  }

  scrub(): Promise<void> {
    return this.#inner.scrub();
  }

  snapshot(file: string): Promise<void> {
    return this.#inner.snapshot(file);
  }

  currentRevision(): Promise<LogState> {
    return this.#inner.currentRevision();
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}
