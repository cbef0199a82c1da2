/**
 * Removing containers that ended. Podman's own clean-up process works on the same container at that moment, and mounts may be
 * busy while another container starts, so a removal that fails is simply tried again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../../apimachinery/log.ts';
import type { PodmanClient } from '../podman/client.ts';
import { PodmanError } from '../podman/errors.ts';

const FIRST_PAUSE_MS = 100;
const TRIES_WAITED_FOR = 4;
const LONGEST_PAUSE_MS = 30_000;
const MAX_TRIES = 40;
/** A replaced container is removed once the new one has settled, milliseconds. */
const LATER_MS = 1_000;

export class ContainerRemover {
  readonly #podman: PodmanClient;
  readonly #log: Log;
  readonly #abort = new AbortController();
  readonly #pending = new Set<string>();

  constructor(podman: PodmanClient, log: Log) {
    this.#podman = podman;
    this.#log = log;
  }

  /** Resolves when it is removed, or after some tries, which then go on by themselves. */
  async remove(id: string): Promise<void> {
    let pause = FIRST_PAUSE_MS;
    for (let tries = 1; tries <= TRIES_WAITED_FOR; tries += 1) {
      try {
        await this.#podman.removeContainer(id);
        return;
      } catch (error) {
        if (!(error instanceof PodmanError)) {
          throw error;
        }
        this.#log.debug({ id, error: error.message, tries }, 'a container cannot be removed yet');
      }
      await sleep(pause, undefined, { signal: this.#abort.signal });
      pause *= 2;
    }
    this.removeLater(id);
  }

  /** Removes it when there is time. */
  removeLater(id: string): void {
    if (this.#pending.has(id)) {
      return;
    }
    this.#pending.add(id);
    this.#insist(id).catch((error: unknown) => {
      if (!this.#abort.signal.aborted) {
        this.#log.warn({ id, error: String(error) }, 'a container could not be removed; the next start tries again');
      }
    }).finally(() => { this.#pending.delete(id); });
  }

  close(): void {
    this.#abort.abort();
  }

  async #insist(id: string): Promise<void> {
    let pause = LATER_MS;
    for (let tries = 1; ; tries += 1) {
      await sleep(pause, undefined, { signal: this.#abort.signal, ref: false });
      try {
        await this.#podman.removeContainer(id);
        return;
      } catch (error) {
        if (tries === MAX_TRIES) {
          throw error;
        }
      }
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    }
  }
}
