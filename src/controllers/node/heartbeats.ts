/**
 * Which nodes have gone silent. Measured by this process's own monotonic clock from the moment a heartbeat was *seen* to change: clocks of
 * other machines do not matter, and a process that was suspended or starved forgives everybody the time it did not look.
 */

/** A node silent for so long is unknown. */
export const GRACE_MS = 40_000;
/** How often silence is looked for. */
export const TICK_MS = 5000;
/** A tick later than this means this process slept, not the nodes. */
const LATE_MS = 3 * TICK_MS;

interface Beat {
  mark: string;
  at: number;
}

export class Heartbeats {
  readonly #beats = new Map<string, Beat>();
  #lastTick: number;

  constructor(now: number) {
    this.#lastTick = now;
  }

  /** `mark` is anything that changes with every sign of life. */
  seen(node: string, mark: string, now: number): void {
    if (this.#beats.get(node)?.mark !== mark) {
      this.#beats.set(node, { mark, at: now });
    }
  }

  forget(node: string): void {
    this.#beats.delete(node);
  }

  isSilent(node: string, now: number): boolean {
    const beat = this.#beats.get(node);
    return beat !== undefined && now - beat.at > GRACE_MS;
  }

  /** The nodes that are silent now. */
  tick(now: number): string[] {
    const late = now - this.#lastTick > LATE_MS;
    this.#lastTick = now;
    if (late) {
      for (const beat of this.#beats.values()) {
        beat.at = now;
      }
    }
    return [...this.#beats.keys()].filter((node) => this.isSilent(node, now));
  }
}
