/** Two connections joined: what one sends the other gets, and the ends of their halves too. */
import type { Duplex } from 'node:stream';

/** Resolves when both are over. A break of one cuts the other, so that nobody takes the part for the whole. */
export function join(left: Duplex, right: Duplex): Promise<void> {
  left.pipe(right);
  right.pipe(left);
  return new Promise((resolve) => {
    let open = 2;
    const over = (one: Duplex, other: Duplex) => (): void => {
      if (!one.readableEnded || !one.writableFinished) {
        other.destroy();
      }
      open -= 1;
      if (open === 0) {
        resolve();
      }
    };
    for (const [one, other] of [[left, right], [right, left]] as const) {
      // Why it broke shows as its close.
      one.on('error', () => { one.destroy(); });
      one.once('close', over(one, other));
    }
  });
}
