/**
 * Work that many connections want done at once: in rounds, each in short turns of the event loop between which requests are looked at. A round
 * begins at once when the last one is past, else after a moment; what comes for a connection meanwhile is done in one go. So a lone event
 * goes out at once, before whoever caused it is answered, and the busier the server, the more events go out with one write.
 */
import { performance } from 'node:perf_hooks';
import { QUIET_MS, QUIET_TURN_MS, ROUND_MS, TURN_MS } from '../limits.ts';

export class Turns {
  /** To be done in this round. */
  #now = new Set<() => void>();
  /** To be done in the next round. */
  #next = new Set<() => void>();
  #scheduled = false;
  #begun = -Infinity;

  /** `work` is done once, soon; asking again before that changes nothing. It must not throw. */
  ask(work: () => void): void {
    this.#next.add(work);
    this.#schedule();
  }

  /** For work that has more to do and should not wait for a round. */
  goOn(work: () => void): void {
    this.#now.add(work);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) {
      return;
    }
    this.#scheduled = true;
    const past = this.#now.size > 0 ? ROUND_MS : performance.now() - this.#begun;
    if (past >= QUIET_MS) {
      // Whoever caused a lone event is answered once it is out.
      queueMicrotask(() => this.#run(QUIET_TURN_MS));
    } else if (past >= ROUND_MS) {
      setImmediate(() => this.#run(TURN_MS));
    } else {
      setTimeout(() => this.#run(TURN_MS), Math.ceil(ROUND_MS - past));
    }
  }

  #run(turn: number): void {
    this.#scheduled = false;
    const start = performance.now();
    if (this.#now.size === 0) {
      [this.#now, this.#next] = [this.#next, this.#now];
      this.#begun = start;
    }
    for (const work of this.#now) {
      this.#now.delete(work);
      work();
      if (performance.now() - start >= turn) {
        break;
      }
    }
    if (this.#now.size > 0 || this.#next.size > 0) {
      this.#schedule();
    }
  }
}
