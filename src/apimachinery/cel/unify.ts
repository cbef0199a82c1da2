/** Which types fit which, with type parameters filled in on the way: cel-go's rules of assignability. */
import { DYN, type CelType } from './types.ts';

const isLoose = (type: CelType): boolean => type.kind === 'dyn' || type.kind === 'error';
/** Types whose values may be null. */
const NULLABLE: ReadonlySet<string> = new Set(['null', 'object', 'timestamp', 'duration', 'opaque']);

export class Types {
  #next = 0;
  readonly #bound = new Map<number, CelType>();
  /** Variables in the order in which they were bound, each once: what is undone when something does not fit after all. */
  readonly #trail: number[] = [];

  fresh(): CelType {
    this.#next += 1;
    return { kind: 'var', id: this.#next };
  }

  /** What is known of a type: variables replaced as far as they are bound, at the outermost level. */
  resolve(type: CelType): CelType {
    let at = type;
    while (at.kind === 'var') {
      const next = this.#bound.get(at.id);
      if (next === undefined) {
        return at;
      }
      at = next;
    }
    return at;
  }

  /** The type with all variables replaced; those never bound become dyn. */
  final(type: CelType): CelType {
    const at = this.resolve(type);
    switch (at.kind) {
      case 'var': return DYN;
      case 'list': return { ...at, element: this.final(at.element) };
      case 'map': return { ...at, key: this.final(at.key), value: this.final(at.value) };
      case 'opaque': return at.params.length === 0 ? at : { ...at, params: at.params.map((one) => this.final(one)) };
      case 'type': return { ...at, of: this.final(at.of) };
      default: return at;
    }
  }

  /** The declared type with its parameters replaced by fresh variables, the same within one `names`. */
  instantiate(type: CelType, names: Map<string, CelType>): CelType {
    switch (type.kind) {
      case 'param': {
        const known = names.get(type.name) ?? this.fresh();
        names.set(type.name, known);
        return known;
      }
      case 'list': return { ...type, element: this.instantiate(type.element, names) };
      case 'map': return { ...type, key: this.instantiate(type.key, names), value: this.instantiate(type.value, names) };
      case 'opaque': return type.params.length === 0 ? type : { ...type, params: type.params.map((one) => this.instantiate(one, names)) };
      case 'type': return { ...type, of: this.instantiate(type.of, names) };
      default: return type;
    }
  }

  /** True when all fit, in which case what they say of variables is kept; else nothing is. */
  allAssignable(targets: readonly CelType[], actuals: readonly CelType[]): boolean {
    if (targets.length !== actuals.length) {
      return false;
    }
    const before = this.#trail.length;
    const fits = targets.every((target, index) => this.#assignable(target, actuals[index] ?? DYN));
    if (!fits) {
      for (const id of this.#trail.splice(before)) {
        this.#bound.delete(id);
      }
    }
    return fits;
  }

  assignable(target: CelType, actual: CelType): boolean {
    return this.allAssignable([target], [actual]);
  }

  #bind(id: number, type: CelType): boolean {
    if (type.kind !== 'var' || type.id !== id) {
      if (this.#mentions(type, id)) {
        return false;
      }
      this.#bound.set(id, type);
      this.#trail.push(id);
    }
    return true;
  }

  #mentions(type: CelType, id: number): boolean {
    const at = this.resolve(type);
    switch (at.kind) {
      case 'var': return at.id === id;
      case 'list': return this.#mentions(at.element, id);
      case 'map': return this.#mentions(at.key, id) || this.#mentions(at.value, id);
      case 'opaque': return at.params.some((one) => this.#mentions(one, id));
      case 'type': return this.#mentions(at.of, id);
      default: return false;
    }
  }

  #assignable(target: CelType, actual: CelType): boolean {
    const [to, from] = [this.resolve(target), this.resolve(actual)];
    if (to.kind === 'var') {
      return this.#bind(to.id, from);
    }
    if (from.kind === 'var') {
      return this.#bind(from.id, to);
    }
    if (isLoose(to) || isLoose(from)) {
      return true;
    }
    if (from.kind === 'null') {
      return NULLABLE.has(to.kind);
    }
    return this.#sameShape(to, from);
  }

  #sameShape(to: CelType, from: CelType): boolean {
    switch (to.kind) {
      case 'list': return from.kind === 'list' && this.#assignable(to.element, from.element);
      case 'map': return from.kind === 'map' && this.#assignable(to.key, from.key) && this.#assignable(to.value, from.value);
      case 'object': return from.kind === 'object' && to.name === from.name;
      case 'opaque': return from.kind === 'opaque' && from.name === to.name && to.params.every((one, index) => this.#assignable(one, from.params[index] ?? DYN));
      case 'type': return from.kind === 'type';
      default: return to.kind === from.kind;
    }
  }

  /** The type of a list that holds both: the common one, or dyn. */
  join(a: CelType, b: CelType): CelType {
    if (this.assignable(a, b)) {
      return isLoose(this.resolve(b)) ? DYN : a;
    }
    return this.assignable(b, a) ? b : DYN;
  }
}

/** True for types that say nothing about the value: calls on them are resolved when they are run. */
export function isLooseType(type: CelType | undefined): boolean {
  return type === undefined || isLoose(type) || type.kind === 'var' || (type.kind === 'opaque' && type.params.some(isLooseType));
}
