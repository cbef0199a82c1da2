/** The functions an environment has, by name. */
import type { Overload } from './overload.ts';

const NONE: readonly Overload[] = [];

export class FunctionTable {
  readonly #byName = new Map<string, Overload[]>();
  /** Names of library types, which are also values: `type(x) == net.IP`. */
  readonly typeNames: ReadonlySet<string>;

  constructor(overloads: readonly Overload[]) {
    const names = new Set<string>();
    for (const one of overloads) {
      const known = this.#byName.get(one.name);
      if (known === undefined) {
        this.#byName.set(one.name, [one]);
      } else {
        known.push(one);
      }
      for (const type of [...one.params, one.result]) {
        if (type.kind === 'opaque') {
          names.add(type.name);
        }
      }
    }
    this.typeNames = names;
  }

  find(name: string): readonly Overload[] {
    return this.#byName.get(name) ?? NONE;
  }
}
