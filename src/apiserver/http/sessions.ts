/** HTTP/2 sessions that nobody uses: Node closes idle HTTP/1 connections by itself, but not these, and connections are limited in number. */
import type { ServerHttp2Session } from 'node:http2';
import { HEADERS_TIMEOUT_MS, KEEP_ALIVE_MS } from '../limits.ts';

interface Use {
  /** Streams under way. */
  open: number;
  /** When the last one ended, or the session began; by performance.now(). */
  since: number;
  /** There never was one: whoever connects has to ask for something soon. */
  fresh: boolean;
}

export class Sessions {
  readonly #uses = new Map<ServerHttp2Session, Use>();

  add(session: ServerHttp2Session, now: number = performance.now()): void {
    const use: Use = { open: 0, since: now, fresh: true };
    this.#uses.set(session, use);
    session.once('close', () => this.#uses.delete(session));
    session.on('stream', (stream) => {
      use.open += 1;
      use.fresh = false;
      stream.once('close', () => {
        use.open -= 1;
        use.since = performance.now();
      });
    });
  }

  /** Those there are now; they may go while one looks through them. */
  [Symbol.iterator](): Iterator<ServerHttp2Session> {
    return this.#uses.keys();
  }

  /** Ends those that have been idle for too long. */
  sweep(now: number = performance.now()): void {
    for (const [session, { open, since, fresh }] of this.#uses) {
      if (open > 0 || now - since < (fresh ? HEADERS_TIMEOUT_MS : KEEP_ALIVE_MS)) {
        continue;
      }
      if (fresh) {
        session.destroy();
      } else {
        // A request on its way meanwhile is told that it was not looked at, and may be sent again.
        session.close();
      }
    }
  }
}
