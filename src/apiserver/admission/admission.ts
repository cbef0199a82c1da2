/**
 * Admission: what may be written, and what the server adds to it. A chain of plugins sees every write of
 * every caller, in-process ones included. New policy is a new plugin; nothing else learns of it.
 */
import type { GroupVersionKind, GroupVersionResource, JsonObject, KubeObject } from '../../apimachinery/object.ts';
import type { AnyKind } from '../../kinds/kind.ts';
import type { User } from '../types.ts';

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';

/** One write (or connection) as plugins see it: k8s.io/apiserver admission.Attributes. Made by `newRequest` in request.ts. */
export interface AdmissionRequest {
  /** Of this request alone, random: `request.uid` of an AdmissionReview. */
  readonly id: string;
  readonly operation: Operation;
  /** The kind written to, also when a subresource takes another one (a Scale, a Binding). */
  readonly kind: AnyKind;
  readonly namespace: string;
  /** Also of a new object with generateName: its name is settled before. */
  readonly name: string;
  readonly subresource: string;
  /** What `object` is: the subresource's own kind, e.g. `policy/v1 Eviction` for pods/eviction, else that of `kind`. */
  readonly objectKind: GroupVersionKind;
  /** What the client asked for, before any conversion: here always the same as `objectKind`, the kind's resource and `subresource`. */
  readonly requestKind: GroupVersionKind;
  readonly requestResource: GroupVersionResource;
  readonly requestSubresource: string;
  /** The object to be stored; plugins may change it in `admit` and `reserve`, also by assigning another one in `admit`. Absent for DELETE; for CONNECT the options. */
  object: KubeObject | undefined;
  /** The stored object (read-only); absent for CREATE. */
  readonly old: KubeObject | undefined;
  readonly user: User;
  readonly dryRun: boolean;
  /** CreateOptions, UpdateOptions (of patches too) or DeleteOptions of meta.k8s.io/v1 with what the client asked for; undefined for CONNECT. */
  readonly options: JsonObject | undefined;
  /** Texts for the `Warning:` header are added here. */
  readonly warnings: string[];
  /** True in the second pass of mutating plugins, which one of them asked for by `reinvoke`. */
  readonly reinvoked: boolean;
  /** Asks that all mutating plugins see the object once more: one of them changed it after others had looked. */
  reinvoke(): void;
  /** Adds to the annotations of the audit event. Keys are `<plugin>.k8s.io/<what>`-like; a later value replaces an earlier one. */
  annotate(key: string, value: string): void;
  /** What a plugin keeps from its `admit` for the second pass or for its `validate`, by the plugin's name. */
  readonly notes: Map<string, unknown>;
}

/** The chain's own side of a request. */
export interface MutableRequest extends AdmissionRequest {
  reinvoked: boolean;
  readonly wantsReinvocation: boolean;
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

  /** Mutating plugins in order, and once more when one of them asks for it. */
  async admit(request: MutableRequest): Promise<void> {
    await this.#pass(request);
    if (request.wantsReinvocation) {
      request.reinvoked = true;
      await this.#pass(request);
    }
  }

  async #pass(request: AdmissionRequest): Promise<void> {
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
