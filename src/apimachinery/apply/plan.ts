/** Shapes prepared for the walks that every write takes: each field's shape and key are looked up once. */
import type { Json } from '../object.ts';
import { isObject } from '../values.ts';
import { LEAF, SELF, type FieldSet } from './fieldset.ts';
import { fieldKey, tryKeyOfElement } from './pathelement.ts';
import { DEDUCED, type Shape } from './shape.ts';

/** Declared members kept of one shape; the others are asked for each time. */
const MAX_MEMBERS = 1024;
/** Sets kept of one shape: objects written one after another, and the elements of one list, have the same few. */
const MAX_KEPT_SETS = 4;
/** Keys kept of one list's elements, which are mostly named alike from object to object. */
const MAX_ELEMENT_KEYS = 256;
/** Sets with more members than this, or with longer keys (characters), are not kept: they come from outside. */
const MAX_KEPT_MEMBERS = 64;
const MAX_KEPT_KEY_LENGTH = 256;

export interface Member {
  readonly key: string;
  readonly plan: Plan;
  /** By name, rather than as data. */
  readonly declared: boolean;
}

/** A set that was made before: its keys and what is below each, in the order of the value. */
interface KeptSet {
  readonly keys: readonly string[];
  readonly nodes: readonly FieldSet[];
  readonly set: FieldSet;
}

/** The sets of one shape and one way of walking it. */
class KeptSets {
  readonly #sets: KeptSet[] = [];
  #next = 0;
  /** The one used last, which the next value is most likely to have too. */
  last: KeptSet | undefined;

  find(keys: readonly string[], nodes: readonly FieldSet[]): KeptSet | undefined {
    return this.#sets.find((kept) => same(kept.keys, keys) && same(kept.nodes, nodes));
  }

  keep(kept: KeptSet): void {
    if (kept.keys.length <= MAX_KEPT_MEMBERS && kept.keys.every((key) => key.length <= MAX_KEPT_KEY_LENGTH)) {
      this.#sets[this.#next] = kept;
      this.#next = (this.#next + 1) % MAX_KEPT_SETS;
      this.last = kept;
    }
  }
}

/** A set under construction, which may turn out to be one that there is already: then its keys are not even written down. */
export class SetBuilder {
  readonly #kept: KeptSets;
  readonly #self: boolean;
  readonly #last: KeptSet | undefined;
  /** How many members are those of `last`, as long as all are. */
  #matched = 0;
  /** Once they are not. */
  #own: { keys: string[]; nodes: FieldSet[] } | undefined;

  constructor(kept: KeptSets, self: boolean) {
    this.#kept = kept;
    this.#self = self;
    this.#last = kept.last;
  }

  add(key: string, node: FieldSet): void {
    const last = this.#last;
    if (this.#own === undefined && last !== undefined && last.keys[this.#matched] === key && last.nodes[this.#matched] === node) {
      this.#matched += 1;
      return;
    }
    this.#own ??= this.#diverge();
    this.#own.keys.push(key);
    this.#own.nodes.push(node);
  }

  #diverge(): { keys: string[]; nodes: FieldSet[] } {
    return { keys: this.#last?.keys.slice(0, this.#matched) ?? [], nodes: this.#last?.nodes.slice(0, this.#matched) ?? [] };
  }

  /** The set; undefined without members. Of a key added twice only that it is there can be owned. */
  done(): FieldSet | undefined {
    if (this.#own === undefined && this.#last !== undefined && this.#matched === this.#last.keys.length) {
      return this.#last.set;
    }
    const { keys, nodes } = this.#own ?? this.#diverge();
    if (keys.length === 0) {
      return undefined;
    }
    const known = this.#kept.find(keys, nodes);
    if (known !== undefined) {
      this.#kept.last = known;
      return known.set;
    }
    const set: FieldSet = this.#self ? { [SELF]: LEAF } : {};
    for (let index = 0; index < keys.length; index += 1) {
      const [key, node] = [keys[index], nodes[index]];
      if (key !== undefined && node !== undefined) {
        set[key] = set[key] === undefined ? node : LEAF;
      }
    }
    this.#kept.keep({ keys, nodes, set });
    return set;
  }
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
  readonly #claimed = new KeptSets();
  readonly #new = new KeptSets();
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
    if (this.#members.size < MAX_MEMBERS && name.length <= MAX_KEPT_KEY_LENGTH) {
      this.#members.set(name, member);
    }
    return member;
  }

  /** The key of an element; undefined for one that has none. */
  elementKey(element: Json): string | undefined {
    const value = this.#identity !== undefined && isObject(element) ? element[this.#identity] : undefined;
    if (typeof value !== 'string' || value.length > MAX_KEPT_KEY_LENGTH) {
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

  /** For a set of this shape: `self` when the path to it is a member too. Sets that were made before are used again: most writes need no other. */
  builder(self: boolean): SetBuilder {
    return new SetBuilder(self ? this.#new : this.#claimed, self);
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
