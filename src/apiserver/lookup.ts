/**
 * Stored objects for the server's own use: namespaces, classes, quotas, role bindings, policies. Synchronous, no copies:
 * what is returned is the store's own and read-only.
 */
import type { KubeObject } from '../apimachinery/object.ts';
import type { AnyKind } from '../kinds/kind.ts';
import type { Registry } from '../kinds/registry.ts';
import type { Store } from '../store/store.ts';
import type { AdmissionPlugin } from './admission/admission.ts';

/** Group (`''` for core), version and plural, e.g. `['apps', 'v1', 'deployments']`. */
export type ResourcePath = readonly [group: string, version: string, plural: string];

/** What is known of one resource that somebody asks about. */
interface Tracked {
  version: number;
  /** Lists by namespace (`''` for all), of the present version. */
  readonly lists: Map<string, readonly KubeObject[]>;
  readonly listeners: (() => void)[];
}

const NOTHING: readonly KubeObject[] = [];
/** Lists kept for one resource; a client that names many namespaces must not fill the memory. */
const MAX_KEPT_LISTS = 1024;

/**
 * A view of the store that knows when a resource has changed. It is one of the admission plugins, which are told of every
 * write before its client hears of it: whoever was told that a policy is stored finds it applied.
 */
export class Lookup implements AdmissionPlugin {
  readonly name = 'Lookup';
  readonly #store: Store;
  readonly #registry: Registry;
  readonly #tracked = new Map<string, Tracked>();
  /** The entry of `#tracked` that a kind's writes concern, so that a write costs one look. */
  readonly #ofKind = new WeakMap<AnyKind, Tracked>();

  constructor(store: Store, registry: Registry) {
    this.#store = store;
    this.#registry = registry;
  }

  /** The stored object; undefined when it or its kind is missing. `namespace` is ignored for cluster-scoped kinds. */
  get(resource: ResourcePath, namespace: string, name: string): KubeObject | undefined {
    const kind = this.#registry.byResource(...resource);
    return kind === undefined ? undefined : this.#store.get(this.#registry.storageKey(kind, kind.namespaced ? namespace : '', name))?.object;
  }

  /** All objects in the order of their keys, of one namespace or of all of them. The same array until one of them changes. */
  list(resource: ResourcePath, namespace = ''): readonly KubeObject[] {
    const kind = this.#registry.byResource(...resource);
    if (kind === undefined) {
      return NOTHING;
    }
    const { lists } = this.#track(kind);
    const known = lists.get(namespace);
    if (known !== undefined) {
      return known;
    }
    if (lists.size >= MAX_KEPT_LISTS) {
      lists.clear();
    }
    const found = this.#store.list(this.#registry.storagePrefix(kind, namespace)).items.map(({ object }) => object);
    lists.set(namespace, found);
    return found;
  }

  /** A number that is another one after every change of any object of the resource; 0 for a resource that is not served. For what is compiled from objects. */
  version(resource: ResourcePath): number {
    const kind = this.#registry.byResource(...resource);
    return kind === undefined ? 0 : this.#track(kind).version;
  }

  /** `listener` is called at once after every change of any object of a resource that is served. It must not throw. */
  onChange(resource: ResourcePath, listener: () => void): void {
    const kind = this.#registry.byResource(...resource);
    if (kind !== undefined) {
      this.#track(kind).listeners.push(listener);
    }
  }

  committed(kind: AnyKind): void {
    const tracked = this.#ofKind.get(kind) ?? this.#track(kind);
    tracked.version += 1;
    for (const listener of tracked.listeners) {
      listener();
    }
    if (tracked.lists.size > 0) {
      tracked.lists.clear();
    }
  }

  /** Versions and aliases of a kind share one entry: their objects are the same. */
  #track(kind: AnyKind): Tracked {
    const known = this.#ofKind.get(kind);
    if (known !== undefined) {
      return known;
    }
    const key = this.#registry.storagePrefix(kind);
    const tracked = this.#tracked.get(key) ?? { version: 1, lists: new Map<string, readonly KubeObject[]>(), listeners: [] };
    this.#tracked.set(key, tracked);
    this.#ofKind.set(kind, tracked);
    return tracked;
  }
}
