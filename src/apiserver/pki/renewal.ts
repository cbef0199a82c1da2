/** Certificates of a running server: looked at twice a day, and issued again in good time, without anybody being cut off. */
import type { Log } from '../../apimachinery/log.ts';
import { ensurePki, type Pki, type PkiOptions } from './pki.ts';

/** Certificates are issued again with 60 days left, so that half a day more or less does not matter. */
const CHECK_INTERVAL_MS = 43_200_000;

export interface RenewalOptions {
  /** Directory of the keys and certificates. */
  dir: string;
  pki: PkiOptions;
  current: Pki;
  log: Log;
  /** Called with everything once something is new; its new connections should use it. */
  renewed: (pki: Pki) => Promise<void> | void;
  /** For tests: the clock, ms. */
  now?: () => number;
  everyMs?: number;
}

/** What differs, by name, for the log. */
const changed = (before: Pki, now: Pki): string[] =>
  (['ca', 'serving', 'admin', 'controller', 'kubeletClient', 'kubeletServing', 'apiserverKubeletClient'] as const)
    .filter((name) => before[name].cert !== now[name].cert);

export class Renewal {
  readonly #options: RenewalOptions;
  readonly #timer: NodeJS.Timeout;
  #current: Pki;
  #running: Promise<void> = Promise.resolve();

  constructor(options: RenewalOptions) {
    this.#options = options;
    this.#current = options.current;
    this.#timer = setInterval(() => { void this.check(); }, options.everyMs ?? CHECK_INTERVAL_MS).unref();
  }

  /** Looks now. Never rejects: what went wrong is logged and tried again at the next look. */
  check(): Promise<void> {
    this.#running = this.#running.then(() => this.#check()).catch((error: unknown) => {
      this.#options.log.error({ error: error instanceof Error ? error.message : String(error) }, 'certificates could not be renewed; trying again in half a day');
    });
    return this.#running;
  }

  async #check(): Promise<void> {
    const { dir, pki, now, log, renewed } = this.#options;
    const fresh = await ensurePki(dir, now === undefined ? pki : { ...pki, now: now() });
    const names = changed(this.#current, fresh);
    if (names.length > 0) {
      this.#current = fresh;
      await renewed(fresh);
      log.info({ certificates: names }, 'certificates have been renewed');
    }
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }
}
