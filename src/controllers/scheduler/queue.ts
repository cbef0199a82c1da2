/** Pods that wait for a node: ready by priority and arrival, backing off after a failure, or parked until the world changes. */
import { keyOf } from '../../apimachinery/object.ts';
import type { Pod } from '../../kinds/generated/core.ts';

/** Pause after a failed attempt, milliseconds; doubles up to the maximum. One look costs microseconds, so it starts short. */
const BACKOFF_BASE_MS = 100;
const BACKOFF_MAX_MS = 10_000;
/** A parked pod is tried again after so long even if nothing seems to have changed. */
const PARKED_MAX_MS = 300_000;

interface Entry {
  pod: Pod;
  key: string;
  priority: number;
  arrival: number;
  attempts: number;
  lastAttempt: number;
  state: 'ready' | 'backoff' | 'parked' | 'busy';
}

const before = (a: Entry, b: Entry): boolean =>
  (a.priority === b.priority ? a.arrival < b.arrival : a.priority > b.priority);

export class SchedulingQueue {
  readonly #entries = new Map<string, Entry>();
  /** Binary heap; an entry that left the ready state is skipped when it comes up. */
  #heap: Entry[] = [];
  #arrivals = 0;
  #timer: NodeJS.Timeout | undefined;
  #due = Infinity;
  readonly #onReady: () => void;

  /** `onReady` is called when a timer made pods ready. */
  constructor(onReady: () => void) {
    this.#onReady = onReady;
  }

  get size(): number {
    return this.#entries.size;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** A new pod, or a newer version of one that waits. `changed`: what it asks for is different, so try at once. */
  add(pod: Pod, changed: boolean, priority = pod.spec.priority ?? 0): void {
    const key = keyOf(pod);
    const known = this.#entries.get(key);
    if (known === undefined || known.pod.metadata.uid !== pod.metadata.uid) {
      this.#arrivals += 1;
      const entry: Entry = { pod, key, priority, arrival: this.#arrivals, attempts: 0, lastAttempt: 0, state: 'ready' };
      this.#entries.set(key, entry);
      this.#push(entry);
      return;
    }
    known.pod = pod;
    if (changed && (known.state === 'parked' || known.state === 'backoff')) {
      known.state = 'ready';
      this.#push(known);
    }
  }

  remove(key: string): void {
    this.#entries.delete(key);
  }

  /** The next pod; the caller answers with `remove`, `park` or `backOff`. */
  take(now: number): Pod | undefined {
    for (let entry = this.#pop(); entry !== undefined; entry = this.#pop()) {
      if (entry.state === 'ready' && this.#entries.get(entry.key) === entry) {
        entry.state = 'busy';
        entry.attempts += 1;
        entry.lastAttempt = now;
        return entry.pod;
      }
    }
    return undefined;
  }

  /** No node can take it: wait for the world to change. */
  park(key: string, now: number): void {
    this.#settle(key, 'parked', now);
  }

  /** Something failed that may go better next time. */
  backOff(key: string, now: number): void {
    this.#settle(key, 'backoff', now);
  }

  /** The world changed: parked pods are tried again, after their back-off. */
  wake(now: number): void {
    for (const entry of this.#entries.values()) {
      if (entry.state === 'parked') {
        entry.state = 'backoff';
        this.#release(entry, now);
      }
    }
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#entries.clear();
    this.#heap = [];
  }

  #settle(key: string, state: 'parked' | 'backoff', now: number): void {
    const entry = this.#entries.get(key);
    if (entry !== undefined) {
      entry.state = state;
      this.#arm(this.#dueOf(entry), now);
    }
  }

  #dueOf(entry: Entry): number {
    return entry.lastAttempt + (entry.state === 'parked' ? PARKED_MAX_MS
      : Math.min(BACKOFF_BASE_MS * 2 ** (entry.attempts - 1), BACKOFF_MAX_MS));
  }

  #release(entry: Entry, now: number): boolean {
    const due = this.#dueOf(entry);
    if (due > now) {
      this.#arm(due, now);
      return false;
    }
    entry.state = 'ready';
    this.#push(entry);
    return true;
  }

  #arm(due: number, now: number): void {
    if (due >= this.#due) {
      return;
    }
    clearTimeout(this.#timer);
    this.#due = due;
    this.#timer = setTimeout(() => {
      this.#ring(performance.now());
    }, Math.max(1, due - now));
  }

  #ring(now: number): void {
    this.#due = Infinity;
    let any = false;
    for (const entry of this.#entries.values()) {
      if (entry.state === 'parked' || entry.state === 'backoff') {
        any = this.#release(entry, now) || any;
      }
    }
    if (any) {
      this.#onReady();
    }
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = heap[up];
      if (parent === undefined || !before(entry, parent)) {
        break;
      }
      heap[at] = parent;
      at = up;
    }
    heap[at] = entry;
  }

  #pop(): Entry | undefined {
    const heap = this.#heap;
    const [top] = heap;
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) {
      return top;
    }
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const [a, b] = [heap[left], heap[left + 1]];
      const child = a !== undefined && b !== undefined && before(b, a) ? left + 1 : left;
      const entry = heap[child];
      if (entry === undefined || !before(entry, last)) {
        break;
      }
      heap[at] = entry;
      at = child;
    }
    heap[at] = last;
    return top;
  }
}
