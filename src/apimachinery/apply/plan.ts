/** Shapes prepared for the walks that every write takes: each field's shape and key are looked up once. */
import type { Json } from '../object.ts';
import { isObject } from '../values.ts';
import type { FieldSet } from './fieldset.ts';
import { fieldKey, tryKeyOfElement } from './pathelement.ts';
import { DEDUCED, type Shape } from './shape.ts';

/** Declared members kept of one shape; the others are asked for each time. */
const MAX_MEMBERS = 1024;
/** Sets kept of one shape: objects written one after another, and the elements of one list, have the same few. */
const MAX_KEPT_SETS = 4;
/** Keys kept of one list's elements, which are mostly named alike from object to object. */
const MAX_ELEMENT_KEYS = 256;
/** Sets with more members than this are not kept. */
const MAX_KEPT_MEMBERS = 64;

export interface Member {
  readonly key: string;
  readonly plan: Plan;
  /** By name, rather than as data. */
  readonly declared: boolean;
}

interface KeptSet {
  readonly keys: readonly string[];
  readonly nodes: readonly FieldSet[];
  readonly set: FieldSet;
}

export class Plan {
  readonly shape: Shape;
  /** Whether members or elements have owners of their own. */
  readonly granular: 'none' | 'map' | 'list';
  readonly deduced: boolean;
  readonly #members = new Map<string, Member>();
  /** Elements that one text tells apart: that text → key. */
  readonly #elementKeys = new Map<string, string>();
  readonly #identity: string | undefined;
  readonly #kept: KeptSet[] = [];
  #oldest = 0;
  #item: Plan | undefined;

  constructor(shape: Shape) {
    this.shape = shape;
    this.deduced = shape.type === 'deduced';
    this.#identity = shape.type === 'associative' && shape.keys?.length === 1 ? shape.keys[0] : undefined;
    switch (shape.type) {
      case 'scalar': case 'atomic': this.granular = 'none'; break;
      case 'set': case 'associative': this.granular = 'list'; break;
      default: this.granular = 'map';
    }
  }

  /** Of maps, sets and associative lists. */
  get item(): Plan | undefined {
    if (this.#item === undefined) {
      const item = this.deduced ? DEDUCED : this.shape.item;
      this.#item = item === undefined ? undefined : planOf(item);
    }
    return this.#item;
  }

  /** Undefined for a name that a struct does not have. */
  member(name: string): Member | undefined {
    const known = this.#members.get(name);
    if (known !== undefined) {
      return known;
    }
    const declared = this.shape.field?.(name);
    if (declared === undefined) {
      const item = this.granular === 'map' ? this.item : undefined;
      return item === undefined ? undefined : { key: fieldKey(name), plan: item, declared: false };
    }
    const member: Member = { key: fieldKey(name), plan: planOf(declared), declared: true };
    if (this.#members.size < MAX_MEMBERS) {
      this.#members.set(name, member);
    }
    return member;
  }

  /** The key of an element; undefined for one that has none. */
  elementKey(element: Json): string | undefined {
    const value = this.#identity !== undefined && isObject(element) ? element[this.#identity] : undefined;
    if (typeof value !== 'string') {
      return tryKeyOfElement(element, this.shape);
    }
    let key = this.#elementKeys.get(value);
    if (key === undefined) {
      key = tryKeyOfElement(element, this.shape);
      if (this.#elementKeys.size >= MAX_ELEMENT_KEYS) {
        this.#elementKeys.clear();
      }
      if (key !== undefined) {
        this.#elementKeys.set(value, key);
      }
    }
    return key;
  }

  /** The set of these keys and what is below each: one that was made before where there is one, so that most writes make none. */
  setOf(keys: readonly string[], nodes: readonly FieldSet[]): FieldSet {
    for (const kept of this.#kept) {
      if (same(kept.keys, keys) && same(kept.nodes, nodes)) {
        return kept.set;
      }
    }
    const set: FieldSet = {};
    keys.forEach((key, index) => {
      const node = nodes[index];
      if (node !== undefined) {
        set[key] = node;
      }
    });
    if (keys.length <= MAX_KEPT_MEMBERS) {
      this.#kept[this.#oldest] = { keys, nodes, set };
      this.#oldest = (this.#oldest + 1) % MAX_KEPT_SETS;
    }
    return set;
  }
}

function same<T>(a: readonly T[], b: readonly T[]): boolean {
  if (a.length !== b.length) {
    return false;
  }
  for (let index = 0; index < a.length; index += 1) {
    if (a[index] !== b[index]) {
      return false;
    }
  }
  return true;
}

const plans = new WeakMap<Shape, Plan>();

export function planOf(shape: Shape): Plan {
  let plan = plans.get(shape);
  if (plan === undefined) {
    plan = new Plan(shape);
    plans.set(shape, plan);
  }
  return plan;
}
