/** Publishes one pod's status: one write at a time, the newest state only, nothing when nothing changed. */
import { deepEqual } from '../../apimachinery/values.ts';
import { isStatusError } from '../../apimachinery/status.ts';
import type { Log } from '../../apimachinery/log.ts';
import type { Client } from '../../client/client.ts';
import { PODS } from '../../client/resources.ts';
import type { Pod, PodStatus } from '../../kinds/generated/core.ts';

const MAX_CONFLICTS = 8;
const RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;

export class StatusWriter {
  readonly #client: Client;
  readonly #compute: (pod: Pod) => PodStatus;
  readonly #log: Log;
  #latest: Pod;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #again = false;
  #gone = false;
  #retryMs = RETRY_MS;
  #published = false;

  constructor(client: Client, pod: Pod, compute: (pod: Pod) => PodStatus, log: Log) {
    this.#client = client;
    this.#latest = pod;
    this.#compute = compute;
    this.#log = log;
  }

  /** The newest state of the object that is known. */
  get latest(): Pod {
    return this.#latest;
  }

  /**
   * The informer saw a state; one older than this writer's own last write is not taken. Conditions that somebody else wrote
   * (readiness gates, or over this writer's own) make the status another.
   */
  observe(pod: Pod): void {
    const [seen, known] = [Number(pod.metadata.resourceVersion), Number(this.#latest.metadata.resourceVersion)];
    if (seen < known) {
      return;
    }
    const foreign = !deepEqual(pod.status?.conditions ?? [], this.#latest.status?.conditions ?? []);
    this.#latest = pod;
    if (foreign && this.#published) {
      this.publish();
    }
  }

  /** The object is gone: write no more. */
  forget(): void {
    this.#gone = true;
    clearTimeout(this.#timer);
  }

  /** Publish within `delayMs`: what changes meanwhile is one write. */
  publish(delayMs = 0): void {
    if (this.#gone) {
      return;
    }
    if (delayMs > 0) {
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        this.publish();
      }, delayMs);
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#writing !== undefined) {
      this.#again = true;
      return;
    }
    this.#writing = this.#writeAll().catch((error: unknown) => {
      this.#log.warn({ error: String(error) }, 'the status of a pod could not be written; trying again');
      this.#retryMs = Math.min(this.#retryMs * 2, LONGEST_RETRY_MS);
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.publish();
      }, this.#retryMs);
    }).finally(() => {
      this.#writing = undefined;
      if (this.#again) {
        this.publish();
      }
    });
  }

  /** Resolves when the current state is published, or cannot be. */
  async flush(): Promise<void> {
    this.publish();
    await this.#writing;
  }

  async #writeAll(): Promise<void> {
    do {
      this.#again = false;
      await this.#write();
    } while (this.#again && !this.#gone);
    this.#retryMs = RETRY_MS;
    this.#published = true;
  }

  async #write(): Promise<void> {
    for (let conflicts = 0; ; conflicts += 1) {
      const status = this.#compute(this.#latest);
      if (deepEqual(status, this.#latest.status ?? {})) {
        return;
      }
      try {
        this.#latest = await this.#client.updateStatus(PODS, { ...this.#latest, status });
        return;
      } catch (error) {
        if (isStatusError(error, 'NotFound')) {
          this.#gone = true;
          return;
        }
        if (!isStatusError(error, 'Conflict') || conflicts === MAX_CONFLICTS) {
          throw error;
        }
      }
      const { name, namespace, uid } = this.#latest.metadata;
      try {
        const fresh = await this.#client.get(PODS, name, namespace);
        if (fresh.metadata.uid !== uid) {
          this.#gone = true;
          return;
        }
        this.#latest = fresh;
      } catch (error) {
        if (isStatusError(error, 'NotFound')) {
          this.#gone = true;
          return;
        }
        throw error;
      }
    }
  }
}
