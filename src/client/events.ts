/** Tells users what happened to an object: core/v1 Events, counted instead of repeated, limited per object. */
import { formatTime, type KubeObject } from '../apimachinery/object.ts';
import { silentLog, type Log } from '../apimachinery/log.ts';
import { isStatusError } from '../apimachinery/status.ts';
import type { Event, ObjectReference } from '../kinds/generated/core.ts';
import type { Client } from './client.ts';
import { EVENTS } from './resources.ts';

export type EventType = 'Normal' | 'Warning';

/** Events known well enough to be counted further; the least recently used is forgotten. */
const KNOWN_EVENTS_MAX = 4096;
/** Events waiting to be sent; more are dropped. */
const PENDING_MAX = 1000;
/** An object may have this many events at once, then one every five minutes (client-go's spam filter). */
const BURST = 25;
const REFILL_MS = 300_000;
/** From this many different messages of one reason within the interval on, they are combined. */
const SIMILAR_MAX = 10;
const SIMILAR_INTERVAL_MS = 600_000;
const MESSAGE_MAX = 1024;
const NAME_MAX = 253;

interface Known {
  name: string;
  namespace: string;
  count: number;
}

interface Budget {
  tokens: number;
  at: number;
}

interface Similar {
  messages: Set<string>;
  at: number;
}

/** What an Event is about. Any stored object is one. */
export type EventSubject = Pick<KubeObject, 'apiVersion' | 'kind' | 'metadata'>;

export interface EventDetails {
  /** The part of the object, e.g. `spec.containers{web}`. */
  fieldPath?: string;
}

export class EventRecorder {
  readonly #client: Client;
  readonly #component: string;
  readonly #host: string | undefined;
  readonly #log: Log;
  readonly #known = new Lru<Known>(KNOWN_EVENTS_MAX);
  readonly #budgets = new Lru<Budget>(KNOWN_EVENTS_MAX);
  readonly #similar = new Lru<Similar>(KNOWN_EVENTS_MAX);
  readonly #pending: Event[] = [];
  #sending: Promise<void> | undefined;
  #sequence = 0;

  constructor(client: Client, component: string, host?: string, log: Log = silentLog) {
    this.#client = client;
    this.#component = component;
    this.#host = host;
    this.#log = log;
  }

  /** The same recorder's client speaking as another component, e.g. `default-scheduler`. */
  as(component: string): EventRecorder {
    return new EventRecorder(this.#client, component, this.#host, this.#log);
  }

  /** Never throws and never waits: an event that cannot be sent is logged and lost. */
  event(object: EventSubject, type: EventType, reason: string, message: string, details: EventDetails = {}): void {
    const involvedObject = referenceTo(object, details);
    const subject = [involvedObject.uid ?? '', involvedObject.namespace ?? '', object.kind, involvedObject.name ?? ''].join('/');
    if (!this.#allowed(subject)) {
      return;
    }
    if (this.#pending.length >= PENDING_MAX) {
      this.#log.warn({ reason, object: subject }, 'too many events wait, one is dropped');
      return;
    }
    const text = this.#combined(`${subject}/${details.fieldPath ?? ''}/${type}/${reason}`, message.slice(0, MESSAGE_MAX));
    const now = formatTime();
    this.#pending.push({
      apiVersion: 'v1', kind: 'Event',
      metadata: { name: this.#name(involvedObject.name ?? ''), namespace: object.metadata.namespace ?? 'default' },
      involvedObject, reason, message: text, type, count: 1, firstTimestamp: now, lastTimestamp: now,
      source: { component: this.#component, ...(this.#host === undefined ? {} : { host: this.#host }) },
      reportingComponent: this.#component, reportingInstance: this.#host ?? '',
    });
    this.#sending ??= this.#send();
  }

  /** Resolves when everything recorded so far is sent or lost. */
  async flush(): Promise<void> {
    await this.#sending;
  }

  #allowed(subject: string): boolean {
    const now = performance.now();
    const budget = this.#budgets.get(subject) ?? { tokens: BURST, at: now };
    const tokens = Math.min(BURST, budget.tokens + (now - budget.at) / REFILL_MS);
    const allowed = tokens >= 1;
    this.#budgets.set(subject, { tokens: allowed ? tokens - 1 : tokens, at: now });
    return allowed;
  }

  #combined(key: string, message: string): string {
    const now = performance.now();
    let similar = this.#similar.get(key);
    if (similar === undefined || now - similar.at > SIMILAR_INTERVAL_MS) {
      similar = { messages: new Set(), at: now };
    }
    if (similar.messages.size < SIMILAR_MAX) {
      similar.messages.add(message);
    }
    this.#similar.set(key, similar);
    return similar.messages.has(message) ? message : `(combined from similar events): ${message}`;
  }

  #name(base: string): string {
    this.#sequence += 1;
    // Nanosecond-like and rising, as client-go names its events.
    const suffix = (BigInt(Date.now()) * 1_000_000n + BigInt(this.#sequence % 1_000_000)).toString(16);
    return `${base.slice(0, NAME_MAX - suffix.length - 1)}.${suffix}`;
  }

  async #send(): Promise<void> {
    // Let the caller's own work go first.
    await Promise.resolve();
    for (let event = this.#pending.shift(); event !== undefined; event = this.#pending.shift()) {
      try {
        await this.#write(event);
      } catch (error) {
        this.#log.debug({ err: error, reason: event.reason, object: event.involvedObject.name }, 'event lost');
      }
    }
    this.#sending = undefined;
  }

  async #write(event: Event): Promise<void> {
    const combined = event.message?.startsWith('(combined from similar events)') === true;
    const { uid, kind, namespace, name, fieldPath } = event.involvedObject;
    const key = JSON.stringify([uid, kind, namespace, name, fieldPath, event.type, event.reason, combined ? '' : event.message]);
    const known = this.#known.get(key);
    if (known !== undefined) {
      try {
        await this.#client.patch(EVENTS, {
          name: known.name, namespace: known.namespace, type: 'merge',
          body: { count: known.count + 1, lastTimestamp: event.lastTimestamp, message: event.message },
        });
        this.#known.set(key, { ...known, count: known.count + 1 });
        return;
      } catch (error) {
        if (!isStatusError(error, 'NotFound')) {
          throw error;
        }
        // Its time to live is over: a new one starts counting at one.
      }
    }
    const stored = await this.#client.create(EVENTS, event);
    this.#known.set(key, { name: stored.metadata.name, namespace: stored.metadata.namespace ?? 'default', count: 1 });
  }
}

function referenceTo(object: EventSubject, details: EventDetails): ObjectReference {
  const { name, namespace, uid, resourceVersion } = object.metadata;
  return {
    apiVersion: object.apiVersion, kind: object.kind, name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...(details.fieldPath === undefined ? {} : { fieldPath: details.fieldPath }),
  };
}

/** A map that forgets its least recently used entry beyond `max`. */
class Lru<V> {
  readonly #entries = new Map<string, V>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  get(key: string): V | undefined {
    const value = this.#entries.get(key);
    if (value !== undefined) {
      this.#entries.delete(key);
      this.#entries.set(key, value);
    }
    return value;
  }

  set(key: string, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size > this.#max) {
      for (const oldest of this.#entries.keys()) {
        this.#entries.delete(oldest);
        break;
      }
    }
  }
}
