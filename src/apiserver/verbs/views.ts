/** Stored values as kinds of another shape show them: made when they are asked for, the latest kept. */
import type { AnyKind } from '../../kinds/kind.ts';
import type { Stored } from '../../store/store.ts';
import { MAX_KEPT_VIEWS } from '../limits.ts';

type Generation = Map<Stored, Map<AnyKind, Stored>>;

export class Views {
  /** Two generations: when the young one is full it becomes the old one, so what is in use is never all forgotten at once. */
  #young: Generation = new Map();
  #old: Generation = new Map();
  #size = 0;
  /** Of a view, the kind it is a view of: seen once more it stays as it is. */
  readonly #made = new WeakMap<Stored, AnyKind>();

  /** The view of a value, or the value itself when it is one; undefined when it must be made. */
  get(kind: AnyKind, stored: Stored): Stored | undefined {
    if (this.#made.get(stored) === kind) {
      return stored;
    }
    return this.#young.get(stored)?.get(kind) ?? this.#old.get(stored)?.get(kind);
  }

  set(kind: AnyKind, stored: Stored, view: Stored): void {
    if (this.#size >= MAX_KEPT_VIEWS) {
      [this.#old, this.#young, this.#size] = [this.#young, new Map(), 0];
    }
    const views = this.#young.get(stored) ?? new Map<AnyKind, Stored>();
    views.set(kind, view);
    this.#young.set(stored, views);
    this.#size += 1;
    this.#made.set(view, kind);
  }
}
