/** A watcher of objects that a webhook must convert: hands events out when they are converted, in order. */
import type { AnyKind } from '../../kinds/kind.ts';
import type { Revision, Stored, StoreEvent, Watcher } from '../../store/store.ts';
import type { Core } from '../verbs/core.ts';

/** Events with the views of their values, which come in the order of the events: the new value, then the old one if there is one. */
function shownAs(events: readonly StoreEvent[], views: readonly Stored[]): StoreEvent[] {
  const next = views.values();
  return events.map((event) => {
    const stored = next.next().value ?? event.stored;
    const previous = event.previous === undefined ? undefined : next.next().value ?? event.previous;
    return event.type === 'DELETED' ? { type: 'DELETED', stored, previous: previous ?? event.previous } : { type: event.type, stored, previous };
  });
}

export class PreparedWatcher implements Watcher {
  readonly #core: Core;
  readonly #kind: AnyKind;
  readonly #source: Watcher;
  #ready: readonly StoreEvent[] = [];
  #isBusy = false;
  #failure: { readonly error: unknown } | undefined;
  #listener: (() => void) | undefined;
  /** Up to which everything was handed out, while something is held back. */
  #before: Revision;

  constructor(core: Core, kind: AnyKind, source: Watcher) {
    this.#core = core;
    this.#kind = kind;
    this.#source = source;
    this.#before = source.delivered;
  }

  get delivered(): Revision {
    return this.#isBusy || this.#ready.length > 0 ? this.#before : this.#source.delivered;
  }

  poll(): readonly StoreEvent[] | undefined {
    if (this.#failure !== undefined) {
      throw this.#failure.error;
    }
    if (this.#ready.length > 0) {
      const events = this.#ready;
      this.#ready = [];
      return events;
    }
    if (this.#isBusy) {
      return [];
    }
    this.#before = this.#source.delivered;
    const events = this.#source.poll();
    if (events === undefined) {
      return undefined;
    }
    const values = events.flatMap(({ stored, previous }) => (previous === undefined ? [stored] : [stored, previous]));
    const views = this.#core.prepare(this.#kind, values);
    if (!(views instanceof Promise)) {
      return views === undefined ? events : shownAs(events, views);
    }
    void this.#await(views, events);
    return [];
  }

  /** Never rejects. */
  async #await(pending: Promise<readonly Stored[]>, events: readonly StoreEvent[]): Promise<void> {
    this.#isBusy = true;
    try {
      this.#ready = shownAs(events, await pending);
    } catch (error) {
      // Thrown to the reader at its next look.
      this.#failure = { error };
    }
    this.#isBusy = false;
    const listener = this.#listener;
    this.#listener = undefined;
    listener?.();
  }

  notify(listener: () => void): void {
    if (this.#failure !== undefined || this.#ready.length > 0) {
      listener();
    } else if (this.#isBusy) {
      this.#listener = listener;
    } else {
      this.#source.notify(listener);
    }
  }

  async* [Symbol.asyncIterator](): AsyncGenerator<readonly StoreEvent[], void, undefined> {
    for (;;) {
      const events = this.poll();
      if (events === undefined) {
        return;
      }
      if (events.length > 0) {
        yield events;
      } else {
        await new Promise<void>((resolve) => { this.notify(resolve); });
      }
    }
  }

  close(): void {
    this.#source.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#source[Symbol.asyncDispose]();
  }
}
