/**
 * What a controller did to its children and its cache does not show yet. Until it does, counting children from
 * the cache would create or delete too many.
 */
import type { KubeObject } from '../../apimachinery/object.ts';
import { keyOf } from '../../apimachinery/object.ts';
import type { Informer } from '../../client/informer.ts';

/** After so long the cache is believed, whatever was expected (client-go waits as long). */
const TIMEOUT_MS = 300_000;

interface Pending {
  key: string;
  uid: string | undefined;
  revision: string | undefined;
  what: 'created' | 'deleted';
  at: number;
}

export class Expectations<T extends KubeObject> {
  readonly #children: Informer<T>;
  readonly #pending = new Map<string, Pending[]>();

  constructor(children: Informer<T>) {
    this.#children = children;
  }

  created(owner: string, child: T): void {
    this.#expect(owner, child, 'created');
  }

  deleted(owner: string, child: T): void {
    this.#expect(owner, child, 'deleted');
  }

  /** True when the cache shows everything this controller did for the owner. */
  satisfied(owner: string): boolean {
    const open = (this.#pending.get(owner) ?? []).filter((one) => !this.#fulfilled(one));
    if (open.length === 0) {
      this.#pending.delete(owner);
      return true;
    }
    this.#pending.set(owner, open);
    return false;
  }

  forget(owner: string): void {
    this.#pending.delete(owner);
  }

  #expect(owner: string, child: T, what: Pending['what']): void {
    const pending: Pending = {
      key: keyOf(child), uid: child.metadata.uid, revision: child.metadata.resourceVersion, what, at: performance.now(),
    };
    const all = this.#pending.get(owner);
    if (all) {
      all.push(pending);
    } else {
      this.#pending.set(owner, [pending]);
    }
  }

  #fulfilled(pending: Pending): boolean {
    if (performance.now() - pending.at > TIMEOUT_MS) {
      return true;
    }
    const cached = this.#children.get(pending.key);
    const same = cached !== undefined && cached.metadata.uid === pending.uid;
    if (pending.what === 'deleted') {
      return !same || cached.metadata.deletionTimestamp !== undefined;
    }
    // Not cached and yet seen: created and deleted again.
    return same || (pending.revision !== undefined && this.#children.hasSeen(pending.revision) === true);
  }
}
