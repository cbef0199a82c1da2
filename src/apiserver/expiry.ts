/** Events are news: they are forgotten an hour after they were last told, as in Kubernetes. */
import type { KubeObject } from '../apimachinery/object.ts';
import { isObject } from '../apimachinery/values.ts';
import { RevisionMismatchError } from '../store/store.ts';
import { EVENT_LIFETIME_MS, EXPIRY_BATCH, EXPIRY_INTERVAL_MS } from './limits.ts';
import type { Core, Target } from './verbs/core.ts';
import { removeStored } from './verbs/writes.ts';

/** When an event was last told, in milliseconds; 0 for one without any time. */
function lastTold(event: KubeObject): number {
  const series: unknown = Reflect.get(event, 'series');
  const times = [
    event.metadata.creationTimestamp, Reflect.get(event, 'lastTimestamp'), Reflect.get(event, 'eventTime'), isObject(series) ? series['lastObservedTime'] : undefined,
  ];
  return Math.max(0, ...times.map((time) => (typeof time === 'string' ? Date.parse(time) : Number.NaN)).filter((time) => !Number.isNaN(time)));
}

/** Deletes what is old; resolves with how many there were. */
export async function expireEvents(core: Core, now: number = Date.now()): Promise<number> {
  const kind = core.registry.byResource('', 'v1', 'events');
  if (kind === undefined) {
    return 0;
  }
  const old = core.store.list(core.registry.storagePrefix(kind)).items.filter(({ object }) => lastTold(object) + EVENT_LIFETIME_MS < now);
  for (let at = 0; at < old.length; at += EXPIRY_BATCH) {
    await Promise.all(old.slice(at, at + EXPIRY_BATCH).map(async (stored) => {
      const { namespace = '', name } = stored.object.metadata;
      const target: Target = { kind, namespace, name };
      try {
        await removeStored(core, target, stored);
      } catch (error) {
        // Told again, or deleted, a moment ago.
        if (!(error instanceof RevisionMismatchError)) {
          throw error;
        }
      }
    }));
  }
  return old.length;
}

/** Looks from time to time, until the returned function is called. */
export function startExpiry(core: Core): () => void {
  const timer = setInterval(() => {
    expireEvents(core).catch((error: unknown) => {
      core.log.warn({ error: error instanceof Error ? error.message : String(error) }, 'old events could not be deleted');
    });
  }, EXPIRY_INTERVAL_MS).unref();
  return () => clearInterval(timer);
}
