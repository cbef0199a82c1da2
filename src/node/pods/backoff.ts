/** Waiting longer each time before something that failed is tried again, per name. */

/** As the kubelet waits between restarts of a container and between pulls of an image, milliseconds. */
const FIRST_MS = 10_000;
const LONGEST_MS = 300_000;

interface Entry {
  delay: number;
  /** Time of the last failure that lengthened it. */
  since: number;
}

export class BackOff {
  readonly #entries = new Map<string, Entry>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /**
   * Milliseconds still to wait after something ended at `endedAt`; 0 when it may be tried now. What went well for twice the
   * longest delay starts over.
   */
  remaining(name: string, endedAt: number): number {
    const entry = this.#entries.get(name);
    if (entry === undefined || endedAt - entry.since > 2 * LONGEST_MS) {
      return 0;
    }
    return Math.max(0, endedAt + entry.delay - this.#now());
  }

  /** The delay that applies now, milliseconds. */
  delay(name: string): number {
    return this.#entries.get(name)?.delay ?? 0;
  }

  /** It is being tried again: the next wait is twice as long. */
  next(name: string, endedAt: number): void {
    const entry = this.#entries.get(name);
    const fresh = entry === undefined || endedAt - entry.since > 2 * LONGEST_MS;
    this.#entries.set(name, { delay: fresh ? FIRST_MS : Math.min(entry.delay * 2, LONGEST_MS), since: this.#now() });
  }

  forget(name: string): void {
    this.#entries.delete(name);
  }
}

/** `5m0s`, `10s`: Go's Duration, as the kubelet's messages have it. */
export function goDuration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
