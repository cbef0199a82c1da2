/** What differs between two states of an object, in each of the versions in which somebody owns fields of it. */
import type { Json } from '../object.ts';
import { compare, type Comparison } from './compare.ts';
import { union, type FieldSet } from './fieldset.ts';
import type { Shape } from './shape.ts';

/** Another version of the same kind. */
export interface OtherVersion {
  readonly shape: Shape;
  /** An object of the version that is written, in this one. Returns a new object. */
  convert(object: Json): Json;
}

/** By apiVersion; undefined for one that is not served. */
export type Versions = (apiVersion: string) => OtherVersion | undefined;

export interface Difference extends Comparison {
  /** Both: what somebody else may no longer own. */
  readonly taken: FieldSet;
}

export interface States {
  readonly old: Json;
  readonly next: Json;
  readonly shape: Shape;
  /** Of `old`, `next` and `shape`. */
  readonly apiVersion: string;
  /** Without it every version is taken for the one that is written. */
  readonly versions: Versions | undefined;
}

const differenceOf = (old: Json, next: Json, shape: Shape): Difference => {
  const { changed, removed } = compare(old, next, shape);
  return { changed, removed, taken: union(changed, removed) };
};

export class Comparisons {
  /** In the version that is written. */
  readonly own: Difference;
  readonly #states: States;
  readonly #others = new Map<string, Difference | undefined>();

  constructor(states: States) {
    this.#states = states;
    this.own = differenceOf(states.old, states.next, states.shape);
  }

  /** Undefined for a version that is not served. */
  in(apiVersion: string): Difference | undefined {
    const { old, next, apiVersion: own, versions } = this.#states;
    if (apiVersion === own || versions === undefined) {
      return this.own;
    }
    if (!this.#others.has(apiVersion)) {
      const other = versions(apiVersion);
      this.#others.set(apiVersion, other && differenceOf(other.convert(old), other.convert(next), other.shape));
    }
    return this.#others.get(apiVersion);
  }
}
