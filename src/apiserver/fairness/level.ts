/**
 * One priority level: so many requests at a time, and behind them one queue for each flow, served in turn. A flow (usually: a user) that asks for
 * much waits for itself; one that asks for little is next but one.
 */
import { performance } from 'node:perf_hooks';
import { failure, type StatusError } from '../../apimachinery/status.ts';
import { MAX_WAIT_MS, RETRY_AFTER_SECONDS, SLICE_MS, SWEEP_MS } from './limits.ts';

export interface LevelOptions {
  readonly name: string;
  /** UID of the PriorityLevelConfiguration; empty when it is not stored. */
  readonly uid: string;
  /** Requests worked on at a time; undefined for a level without limits. */
  readonly seats: number | undefined;
  /** Requests that may wait, of one flow and in all; 0 refuses what finds no seat. */
  readonly flowQueue: number;
  readonly queue: number;
}

interface Waiting {
  readonly since: number;
  /** Begins the work; what comes of it goes to whoever waits. */
  begin(): void;
  refuse(error: StatusError): void;
}

export const tooManyRequests = (): StatusError =>
  failure('TooManyRequests', 'Too many requests, please try again later.', { retryAfterSeconds: RETRY_AFTER_SECONDS });

export interface LevelCounts {
  readonly name: string;
  /** Requests that may be under way; 0 for a level without limits. */
  readonly seats: number;
  readonly executing: number;
  readonly waiting: number;
  readonly rejected: number;
  readonly dispatched: number;
}

export class PriorityLevel {
  readonly options: LevelOptions;
  /** Flows with waiting requests, the next one first. */
  readonly #flows = new Map<string, Waiting[]>();
  #executing = 0;
  #waiting = 0;
  #rejected = 0;
  #dispatched = 0;
  /** Seats of requests that were answered at once: given back when this turn of the event loop ends, so that one turn cannot serve a flow alone. */
  #atTurnEnd = 0;
  #sweeper: NodeJS.Timeout | undefined;

  constructor(options: LevelOptions) {
    this.options = options;
  }

  get counts(): LevelCounts {
    return { name: this.options.name, seats: this.options.seats ?? 0, executing: this.#executing, waiting: this.#waiting, rejected: this.#rejected, dispatched: this.#dispatched };
  }

  /** Does the work as soon as it is the flow's turn. Throws or rejects with TooManyRequests when too many wait. */
  run<T>(flow: string, work: () => T | Promise<T>): T | Promise<T> {
    const { seats } = this.options;
    if (seats === undefined) {
      return work();
    }
    return this.#waiting === 0 && this.#executing < seats ? this.#start(work) : this.#enqueue(flow, work);
  }

  #start<T>(work: () => T | Promise<T>): T | Promise<T> {
    this.#executing += 1;
    this.#dispatched += 1;
    let result: T | Promise<T>;
    try {
      result = work();
    } catch (error) {
      this.#releaseAtTurnEnd();
      throw error;
    }
    if (result instanceof Promise) {
      const release = (): void => this.#release(1);
      // A seat is free however the work ends; whoever asked for it sees the error.
      result.then(release, release);
    } else {
      this.#releaseAtTurnEnd();
    }
    return result;
  }

  #releaseAtTurnEnd(): void {
    this.#atTurnEnd += 1;
    if (this.#atTurnEnd === 1) {
      setImmediate(() => {
        const seats = this.#atTurnEnd;
        this.#atTurnEnd = 0;
        this.#release(seats);
      });
    }
  }

  #release(seats: number): void {
    this.#executing -= seats;
    const limit = this.options.seats ?? Infinity;
    const start = performance.now();
    while (this.#waiting > 0 && this.#executing < limit) {
      this.#next()?.begin();
      if (performance.now() - start >= SLICE_MS) {
        // Others want the event loop too.
        setImmediate(() => this.#release(0));
        break;
      }
    }
    if (this.#waiting === 0) {
      clearInterval(this.#sweeper);
      this.#sweeper = undefined;
    }
  }

  /** The oldest request of the flow whose turn it is; the flow goes to the end of the round. */
  #next(): Waiting | undefined {
    for (const [flow, queue] of this.#flows) {
      const waiting = queue.shift();
      this.#flows.delete(flow);
      if (queue.length > 0) {
        this.#flows.set(flow, queue);
      }
      if (waiting !== undefined) {
        this.#waiting -= 1;
        return waiting;
      }
    }
    return undefined;
  }

  #enqueue<T>(flow: string, work: () => T | Promise<T>): Promise<T> {
    const queue = this.#flows.get(flow) ?? [];
    if (this.#waiting >= this.options.queue || queue.length >= this.options.flowQueue) {
      this.#rejected += 1;
      throw tooManyRequests();
    }
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    queue.push({
      since: Date.now(),
      begin: () => {
        try {
          resolve(this.#start(work));
        } catch (error) {
          reject(error);
        }
      },
      refuse: reject,
    });
    this.#flows.set(flow, queue);
    this.#waiting += 1;
    this.#sweeper ??= setInterval(() => this.sweep(Date.now()), SWEEP_MS).unref();
    return promise;
  }

  /** Refuses what has waited too long. `now` in milliseconds. */
  sweep(now: number): void {
    for (const [flow, queue] of this.#flows) {
      const late = queue.filter(({ since }) => now - since >= MAX_WAIT_MS);
      if (late.length > 0) {
        const rest = queue.filter((waiting) => !late.includes(waiting));
        if (rest.length > 0) {
          this.#flows.set(flow, rest);
        } else {
          this.#flows.delete(flow);
        }
        this.#waiting -= late.length;
        this.#rejected += late.length;
        late.forEach((waiting) => waiting.refuse(tooManyRequests()));
      }
    }
  }
}
