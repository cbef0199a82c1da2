/** The objects of an informer by key, with indexes kept in step. Objects are shared and read-only. */
import { keyOf, type KubeObject } from '../apimachinery/object.ts';

export type IndexFunction<T> = (object: T) => readonly string[];

/** Every cache has this index: objects by `metadata.namespace`. */
export const NAMESPACE_INDEX = 'namespace';

interface Index<T> {
  of: IndexFunction<T>;
  values: Map<string, Map<string, T>>;
}

export class Cache<T extends KubeObject> {
  readonly #objects = new Map<string, T>();
  readonly #indexes = new Map<string, Index<T>>();

  constructor() {
    this.addIndex(NAMESPACE_INDEX, (object) => [object.metadata.namespace ?? '']);
  }

  get size(): number {
    return this.#objects.size;
  }

  /** A second index of the same name is ignored: the first one's function counts. */
  addIndex(name: string, of: IndexFunction<T>): void {
    if (this.#indexes.has(name)) {
      return;
    }
    const index: Index<T> = { of, values: new Map() };
    this.#indexes.set(name, index);
    for (const [key, object] of this.#objects) {
      insert(index, key, object);
    }
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  keys(): string[] {
    return [...this.#objects.keys()];
  }

  values(): T[] {
    return [...this.#objects.values()];
  }

  /** Throws for an index nobody added: a mistake in the program, not in the data. */
  byIndex(name: string, value: string): T[] {
    const index = this.#indexes.get(name);
    if (index === undefined) {
      throw new Error(`no index ${name}`);
    }
    const found = index.values.get(value);
    return found === undefined ? [] : [...found.values()];
  }

  /** Stores the object and returns what it replaced. */
  set(object: T): T | undefined {
    const key = keyOf(object);
    const old = this.#objects.get(key);
    for (const index of this.#indexes.values()) {
      if (old !== undefined) {
        remove(index, key, old);
      }
      insert(index, key, object);
    }
    this.#objects.set(key, object);
    return old;
  }

  delete(key: string): T | undefined {
    const old = this.#objects.get(key);
    if (old !== undefined) {
      this.#objects.delete(key);
      for (const index of this.#indexes.values()) {
        remove(index, key, old);
      }
    }
    return old;
  }
}

function insert<T>(index: Index<T>, key: string, object: T): void {
  for (const value of index.of(object)) {
    const found = index.values.get(value);
    if (found) {
      found.set(key, object);
    } else {
      index.values.set(value, new Map([[key, object]]));
    }
  }
}

function remove<T>(index: Index<T>, key: string, object: T): void {
  for (const value of index.of(object)) {
    const found = index.values.get(value);
    found?.delete(key);
    if (found?.size === 0) {
      index.values.delete(value);
    }
  }
}
