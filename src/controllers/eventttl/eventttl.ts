/** Deletes Events an hour after they were last seen, as kube-apiserver lets them expire: nothing else bounds their number. */
import type { Controller } from '../../client/controller.ts';
import { EVENTS } from '../../client/resources.ts';
import { isStatusError } from '../../apimachinery/status.ts';
import type { Event } from '../../kinds/generated/core.ts';
import type { ControllerContext } from '../context.ts';

export const EVENT_TTL_MS = 3_600_000;
const SWEEP_MS = 300_000;
/** Events read at once. */
const PAGE = 500;
/** Deletions under way at once. */
const PARALLEL = 8;

/** When the event was last seen, milliseconds of the epoch. */
export function lastSeen(event: Event): number {
  const times = [event.lastTimestamp, event.series?.lastObservedTime, event.eventTime, event.metadata.creationTimestamp];
  return Math.max(0, ...times.map((time) => Date.parse(time ?? '') || 0));
}

/** One pass over all events; returns how many went. */
export async function sweepEvents({ client }: Pick<ControllerContext, 'client'>, now: number, signal: AbortSignal): Promise<number> {
  let gone = 0;
  let next: string | undefined;
  do {
    const page = await client.list(EVENTS, { limit: PAGE, signal, ...(next === undefined ? {} : { continue: next }) });
    const old = page.items.filter((event) => now - lastSeen(event) > EVENT_TTL_MS);
    for (let from = 0; from < old.length && !signal.aborted; from += PARALLEL) {
      await Promise.all(old.slice(from, from + PARALLEL).map(async ({ metadata: { name, namespace, resourceVersion } }) => {
        try {
          // Only in the version that was judged: it may be counted up at this moment.
          await client.delete(EVENTS, name, namespace, resourceVersion === undefined ? {} : { preconditions: { resourceVersion } });
          gone += 1;
        } catch (error) {
          if (!isStatusError(error, 'NotFound') && !isStatusError(error, 'Conflict')) {
            throw error;
          }
        }
      }));
    }
    next = page.metadata.continue || undefined;
  } while (next !== undefined && !signal.aborted);
  return gone;
}

export function eventTtlController(context: ControllerContext): Controller {
  const log = context.log.child({ controller: 'eventttl' });
  const ended = Promise.withResolvers<void>();
  let sweeping: Promise<void> | undefined;
  const sweep = async (signal: AbortSignal): Promise<void> => {
    try {
      const gone = await sweepEvents(context, Date.now(), signal);
      if (gone > 0) {
        log.debug({ events: gone }, 'old events deleted');
      }
    } catch (error) {
      if (!signal.aborted) {
        log.warn({ err: error }, 'could not delete old events, will retry');
      }
    }
    sweeping = undefined;
  };
  return {
    name: 'eventttl',
    stopped: ended.promise,
    start(signal) {
      const timer = setInterval(() => { sweeping ??= sweep(signal); }, SWEEP_MS);
      timer.unref();
      signal.addEventListener('abort', () => {
        clearInterval(timer);
        ended.resolve(sweeping);
      }, { once: true });
      return Promise.resolve();
    },
  };
}
