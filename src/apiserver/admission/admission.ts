/**
 * Admission: what may be written, and what the server adds to it. A chain of plugins sees every write of
 * every caller, in-process ones included. New policy is a new plugin; nothing else learns of it.
 */
import type { KubeObject } from '../../apimachinery/object.ts';
import type { AnyKind } from '../../kinds/kind.ts';
import type { User } from '../types.ts';

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';

export interface AdmissionRequest {
  readonly operation: Operation;
  readonly kind: AnyKind;
  readonly namespace: string;
  readonly name: string;
  readonly subresource: string;
  /** The object to be stored; plugins may change it in `admit` and `reserve`. Absent for DELETE and CONNECT. */
  readonly object: KubeObject | undefined;
  /** The stored object (read-only); absent for CREATE. */
  readonly old: KubeObject | undefined;
  readonly user: User;
  readonly dryRun: boolean;
  readonly warnings: string[];
}

/** Something held for a write under way (an address, a port); always released, after a successful write to its owner's account. */
export interface Reservation {
  release(): void;
}

export interface AdmissionPlugin {
  readonly name: string;
  /** Changes `object` in place; throws a StatusError to refuse. Runs before defaults are complete and before validation. */
  admit?(request: AdmissionRequest): void | Promise<void>;
  /** Throws a StatusError to refuse; changes nothing. Runs after validation. */
  validate?(request: AdmissionRequest): void | Promise<void>;
  /** Takes what the object needs from an allocator and writes it into `object`. The last step before the store. */
  reserve?(request: AdmissionRequest): Reservation | undefined;
  /** A write has been committed: `now` undefined after a deletion, `before` undefined after a creation. */
  committed?(kind: AnyKind, now: KubeObject | undefined, before: KubeObject | undefined): void;
}

export class Admission {
  readonly #admitting: readonly AdmissionPlugin[];
  readonly #validating: readonly AdmissionPlugin[];
  readonly #reserving: readonly AdmissionPlugin[];
  readonly #observing: readonly AdmissionPlugin[];

  constructor(plugins: readonly AdmissionPlugin[]) {
    this.#admitting = plugins.filter((plugin) => plugin.admit !== undefined);
    this.#validating = plugins.filter((plugin) => plugin.validate !== undefined);
    this.#reserving = plugins.filter((plugin) => plugin.reserve !== undefined);
    this.#observing = plugins.filter((plugin) => plugin.committed !== undefined);
  }

  async admit(request: AdmissionRequest): Promise<void> {
    for (const plugin of this.#admitting) {
      const pending = plugin.admit?.(request);
      if (pending !== undefined) {
        await pending;
      }
    }
  }

  async validate(request: AdmissionRequest): Promise<void> {
    for (const plugin of this.#validating) {
      const pending = plugin.validate?.(request);
      if (pending !== undefined) {
        await pending;
      }
    }
  }

  /** What is held until `release`; what one plugin took is given back when a later one refuses. */
  reserve(request: AdmissionRequest): Reservation {
    const held: Reservation[] = [];
    const release = (): void => {
      for (const reservation of held) {
        reservation.release();
      }
    };
    try {
      for (const plugin of this.#reserving) {
        const reservation = plugin.reserve?.(request);
        if (reservation !== undefined) {
          held.push(reservation);
        }
      }
    } catch (error) {
      release();
      throw error;
    }
    return { release };
  }

  committed(kind: AnyKind, now: KubeObject | undefined, before: KubeObject | undefined): void {
    for (const plugin of this.#observing) {
      plugin.committed?.(kind, now, before);
    }
  }
}
