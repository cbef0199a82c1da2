/** The controller runtime: a level-based `reconcile(key)` driven by a work queue. */
import type { Log } from '../apimachinery/log.ts';
import { isStatusError } from '../apimachinery/status.ts';
import { WorkQueue, type BackoffOptions } from './workqueue.ts';

export interface Controller {
  readonly name: string;
  /** Resolves once the controller works; it stops when `signal` aborts. Rejects when it was aborted before. */
  start(signal: AbortSignal): Promise<void>;
  /** Resolves when the last reconcile after an abort has ended. */
  readonly stopped?: Promise<void>;
}

/** A failure that trying again cannot mend: logged, not retried until the key changes. */
export class TerminalError extends Error {
  override name = 'TerminalError';
}

export interface Requeue {
  /** Reconcile again after this many milliseconds. */
  requeueAfterMs: number;
}

export interface ControllerOptions {
  name: string;
  /** Brings the world of one key to what its object asks. Idempotent; never called twice at once for one key. */
  reconcile(key: string): Promise<void | Requeue>;
  /** Keys worked on at once. Default 4. */
  concurrency?: number;
  log: Log;
  backoff?: BackoffOptions;
  /** Before the first reconcile: wait for informers here. */
  before?(signal: AbortSignal): Promise<unknown>;
}

export interface QueueController extends Controller {
  readonly queue: WorkQueue;
  readonly stopped: Promise<void>;
}

const DEFAULT_CONCURRENCY = 4;
/** From this many failures in a row on, a conflict is worth a warning. */
const CONFLICTS_EXPECTED = 5;

export function newController(options: ControllerOptions): QueueController {
  const { name } = options;
  const log = options.log.child({ controller: name });
  const queue = new WorkQueue(options.backoff);
  const stopped = Promise.withResolvers<void>();
  let started: Promise<void> | undefined;

  const failed = (key: string, error: unknown): void => {
    if (error instanceof TerminalError) {
      queue.forget(key);
      log.error({ key, err: error }, 'reconcile failed for good');
      return;
    }
    const failures = queue.failures(key);
    // A conflict means the cache was a moment behind: ordinary, and the retry sees the newer state.
    if (isStatusError(error, 'Conflict') && failures < CONFLICTS_EXPECTED) {
      log.debug({ key, err: error }, 'reconcile met a newer version');
    } else {
      log.warn({ key, err: error, failures: failures + 1 }, 'reconcile failed, will retry');
    }
    queue.addRateLimited(key);
  };

  const work = async (): Promise<void> => {
    for (let key = await queue.get(); key !== undefined; key = await queue.get()) {
      try {
        const again = await options.reconcile(key);
        queue.forget(key);
        if (again) {
          queue.addAfter(key, again.requeueAfterMs);
        }
      } catch (error) {
        if (!queue.closed) {
          failed(key, error);
        }
      } finally {
        queue.done(key);
      }
    }
  };

  const start = async (signal: AbortSignal): Promise<void> => {
    signal.addEventListener('abort', () => {
      queue.close();
    }, { once: true });
    try {
      await options.before?.(signal);
      signal.throwIfAborted();
    } catch (error) {
      queue.close();
      stopped.resolve();
      throw error;
    }
    const workers = Array.from({ length: options.concurrency ?? DEFAULT_CONCURRENCY }, () => work());
    stopped.resolve(Promise.all(workers).then(() => undefined));
  };

  return {
    name,
    queue,
    stopped: stopped.promise,
    start(signal) {
      started ??= start(signal);
      return started;
    },
  };
}
