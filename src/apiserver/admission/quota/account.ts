/** What one ResourceQuota has given out: the objects that count for it, and what is held for writes under way. */
import type { KubeObject } from '../../../apimachinery/object.ts';
import { amountOf, amountsOf, minus, only, plus, type Amounts } from '../../../apimachinery/quota/amounts.ts';
import { inScope } from '../../../apimachinery/quota/scopes.ts';
import { countsFor, usageOf, type GroupResource } from '../../../apimachinery/quota/usage.ts';
import type { ResourceQuotaSpec } from '../../../kinds/generated/core.ts';

interface Entry {
  readonly revision: number;
  readonly usage: Amounts;
}

const revisionOf = (object: KubeObject): number => Number(object.metadata.resourceVersion ?? 0);

const NOTHING: Amounts = {};

export class Account {
  readonly spec: ResourceQuotaSpec;
  readonly hard: Amounts;
  readonly #names: readonly string[];
  /** Objects that count, by storage key. Knowing each makes the account immune to hearing of a write twice. */
  readonly #entries = new Map<string, Entry>();
  /** Held by uid of the object about to be written, and by reservation. */
  readonly #held = new Map<string, Amounts[]>();
  #used: Amounts = NOTHING;
  #reserved: Amounts = NOTHING;

  constructor(spec: ResourceQuotaSpec) {
    this.spec = spec;
    this.hard = amountsOf(spec.hard);
    this.#names = Object.keys(this.hard);
  }

  get used(): Amounts {
    return this.#used;
  }

  /** The names of `hard` that objects of a resource count for. */
  namesFor(resource: GroupResource): string[] {
    return this.#names.filter((name) => countsFor(resource, name));
  }

  /** What an object counts for here; nothing when it is out of scope. */
  usageOf(resource: GroupResource, object: KubeObject): Amounts {
    return inScope(this.spec, object) ? only(usageOf(resource, object, Date.now()), this.#names) : NOTHING;
  }

  /** Takes note of an object's present state. Older news than what is known changes nothing. */
  note(key: string, resource: GroupResource, object: KubeObject): void {
    const known = this.#entries.get(key);
    const revision = revisionOf(object);
    if (known !== undefined && known.revision > revision) {
      return;
    }
    const usage = this.usageOf(resource, object);
    this.#used = plus(minus(this.#used, known?.usage ?? NOTHING), usage);
    this.#entries.set(key, { revision, usage });
  }

  /** An object is gone; `before` is the state that was deleted. */
  forget(key: string, before: KubeObject): void {
    const known = this.#entries.get(key);
    if (known !== undefined && known.revision <= revisionOf(before)) {
      this.#used = minus(this.#used, known.usage);
      this.#entries.delete(key);
    }
  }

  /** Of what `wanted` asks for more, that which does not fit beside what is used and held. */
  exceeded(wanted: Amounts): string[] {
    return Object.keys(wanted).sort().filter((name) => {
      const more = amountOf(wanted, name).nanos;
      return more > 0n && amountOf(this.#used, name).nanos + amountOf(this.#reserved, name).nanos + more > amountOf(this.hard, name).nanos;
    });
  }

  /** What counts as used for somebody else now. */
  usedAndHeld(names: Iterable<string>): Amounts {
    return only(plus(this.#used, this.#reserved), names);
  }

  /** Holds what a write may add until it is committed (`settle`) or given up (the returned function; both may be called). */
  hold(uid: string, wanted: Amounts): () => void {
    const increase = Object.fromEntries(Object.entries(wanted).filter(([, { nanos }]) => nanos > 0n));
    this.#reserved = plus(this.#reserved, increase);
    this.#held.set(uid, [...this.#held.get(uid) ?? [], increase]);
    return () => this.#release(uid, increase);
  }

  /** The write of this object has been noted: what was held for it is used now. Of several writes of one object only one can succeed. */
  settle(uid: string): void {
    const [first] = this.#held.get(uid) ?? [];
    if (first !== undefined) {
      this.#release(uid, first);
    }
  }

  #release(uid: string, increase: Amounts): void {
    const held = this.#held.get(uid) ?? [];
    if (!held.includes(increase)) {
      return;
    }
    this.#reserved = minus(this.#reserved, increase);
    const rest = held.filter((one) => one !== increase);
    if (rest.length === 0) {
      this.#held.delete(uid);
    } else {
      this.#held.set(uid, rest);
    }
  }
}
