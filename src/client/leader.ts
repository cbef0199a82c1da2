/** Leader election on a coordination.k8s.io Lease, as client-go does it: of several processes one works, the others wait. */
import { setTimeout as delay } from 'node:timers/promises';
import { formatMicroTime } from '../apimachinery/object.ts';
import type { Log } from '../apimachinery/log.ts';
import { isStatusError } from '../apimachinery/status.ts';
import type { Lease, LeaseSpec } from '../kinds/generated/coordination.ts';
import type { Client } from './client.ts';
import { LEASES } from './resources.ts';

export interface LeaderOptions {
  client: Client;
  /** The Lease. */
  name: string;
  namespace: string;
  /** Unique to this process. */
  identity: string;
  log: Log;
  /** A holder silent for so long has lost. Default 15 s. */
  leaseMs?: number;
  /** The leader gives up when it could not renew for so long; shorter than `leaseMs`. Default 10 s. */
  renewMs?: number;
  /** Between attempts. Default 2 s. */
  retryMs?: number;
}

/** The last spec seen and when this process's clock saw it change: clocks of other machines are never compared. */
interface Observed {
  spec: string;
  at: number;
}

/**
 * Waits to become the leader, then runs `lead`. The signal given to it aborts when leadership is lost or the
 * outer `signal` aborts. Resolves when `lead` has ended; on a clean end the Lease is released.
 */
export async function runAsLeader(options: LeaderOptions, signal: AbortSignal, lead: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const election = new Election(options);
  while (!await election.attempt()) {
    await delay(jittered(election.retryMs), undefined, { signal });
  }
  options.log.info({ lease: options.name, identity: options.identity }, 'became the leader');
  const lost = new AbortController();
  const over = new AbortController();
  const renewing = election.keep(AbortSignal.any([signal, over.signal]), lost);
  try {
    await lead(AbortSignal.any([signal, lost.signal]));
  } finally {
    over.abort();
    await renewing;
    if (!lost.signal.aborted) {
      await election.release();
    }
  }
}

const jittered = (ms: number): number => ms * (1 + Math.random() * 0.2);

class Election {
  readonly retryMs: number;
  readonly #options: LeaderOptions;
  readonly #leaseMs: number;
  readonly #renewMs: number;
  #observed: Observed | undefined;

  constructor(options: LeaderOptions) {
    this.#options = options;
    this.#leaseMs = options.leaseMs ?? 15_000;
    this.#renewMs = options.renewMs ?? 10_000;
    this.retryMs = options.retryMs ?? 2_000;
  }

  /** One try to take or renew the Lease. False when another holds it or the server cannot be reached. */
  async attempt(): Promise<boolean> {
    try {
      return await this.#take();
    } catch (error) {
      const level = isStatusError(error, 'Conflict') || isStatusError(error, 'AlreadyExists') ? 'debug' : 'warn';
      this.#options.log[level]({ err: error, lease: this.#options.name }, 'could not take the lease');
      return false;
    }
  }

  /** Renews until `signal` aborts; aborts `lost` when it could not for `renewMs`. */
  async keep(signal: AbortSignal, lost: AbortController): Promise<void> {
    let renewed = performance.now();
    while (!signal.aborted) {
      try {
        await delay(this.retryMs, undefined, { signal });
      } catch (error) {
        if (!signal.aborted) {
          throw error;
        }
        return;
      }
      if (await this.attempt()) {
        renewed = performance.now();
      } else if (performance.now() - renewed > this.#renewMs) {
        this.#options.log.error({ lease: this.#options.name }, 'leadership lost');
        lost.abort(new Error('leadership lost'));
        return;
      }
    }
  }

  async release(): Promise<void> {
    const { client, name, namespace, identity, log } = this.#options;
    try {
      const lease = await client.get(LEASES, name, namespace);
      if (lease.spec.holderIdentity === identity) {
        await client.update(LEASES, { ...lease, spec: { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1 } });
      }
    } catch (error) {
      log.debug({ err: error, lease: name }, 'could not release the lease');
    }
  }

  async #take(): Promise<boolean> {
    const { client, name, namespace, identity } = this.#options;
    const now = formatMicroTime();
    const mine: LeaseSpec = {
      holderIdentity: identity, leaseDurationSeconds: Math.max(1, Math.round(this.#leaseMs / 1000)), acquireTime: now, renewTime: now, leaseTransitions: 0,
    };
    const lease = await this.#read();
    if (lease === undefined) {
      await client.create(LEASES, { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name, namespace }, spec: mine });
      return true;
    }
    const { holderIdentity, acquireTime, leaseTransitions } = lease.spec;
    const held = holderIdentity !== undefined && holderIdentity !== '';
    if (held && holderIdentity !== identity && !this.#expired(lease.spec)) {
      return false;
    }
    const spec: LeaseSpec = holderIdentity === identity
      ? { ...mine, acquireTime: acquireTime ?? now, leaseTransitions: leaseTransitions ?? 0 }
      : { ...mine, leaseTransitions: (leaseTransitions ?? 0) + 1 };
    await client.update(LEASES, { ...lease, spec });
    return true;
  }

  async #read(): Promise<Lease | undefined> {
    try {
      return await this.#options.client.get(LEASES, this.#options.name, this.#options.namespace);
    } catch (error) {
      if (isStatusError(error, 'NotFound')) {
        return undefined;
      }
      throw error;
    }
  }

  #expired(spec: LeaseSpec): boolean {
    const text = JSON.stringify(spec);
    const now = performance.now();
    if (this.#observed?.spec !== text) {
      this.#observed = { spec: text, at: now };
      return false;
    }
    return now - this.#observed.at > (spec.leaseDurationSeconds ?? this.#leaseMs / 1000) * 1000;
  }
}
