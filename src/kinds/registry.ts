/** The look-ups over all kinds that are served: those of `table.ts`, and those of CustomResourceDefinitions. */
import type { TypeTable } from '../apimachinery/typetable.ts';
import type { AnyKind } from './kind.ts';
import { KINDS } from './table.ts';
import { loadTypes } from './types.ts';

export { KINDS };

const key = (...parts: string[]): string => parts.join('/');

/** A resource of another server, or with `sub` one of its subresources, as that server's discovery tells of it. */
export interface RemoteResource {
  readonly resource: string;
  readonly sub?: string;
  readonly singular: string;
  readonly namespaced: boolean;
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly verbs: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
}

/** A group-version that an APIService leads to another server for. */
export interface RemoteVersion {
  readonly group: string;
  readonly version: string;
  /** Empty while that server does not answer. */
  readonly resources: readonly RemoteResource[];
  /** Hash of its OpenAPI v3 document; undefined when it publishes none. */
  readonly openApiHash: string | undefined;
  /** Whether the server answered when it was last asked. */
  readonly fresh: boolean;
}

const resourceKey = ({ group, version, plural }: AnyKind): string => key(group, version, plural);

/**
 * Look-ups over a set of kinds and the message types they are made of. The kinds it was made with stay for good; those of
 * CustomResourceDefinitions come and go.
 */
export class Registry {
  readonly types: TypeTable;
  readonly #static: readonly AnyKind[];
  readonly #staticResources: ReadonlySet<string>;
  #kinds: readonly AnyKind[];
  #resources = new Map<string, AnyKind>();
  #kindNames = new Map<string, AnyKind>();
  #generation = 0;
  #remote: readonly RemoteVersion[] = [];

  constructor(kinds: readonly AnyKind[], types: TypeTable) {
    this.#static = kinds;
    this.#staticResources = new Set(kinds.map(resourceKey));
    this.#kinds = kinds;
    this.types = types;
    this.#index();
  }

  #index(): void {
    this.#resources = new Map();
    this.#kindNames = new Map();
    for (const kind of this.#kinds) {
      this.#resources.set(resourceKey(kind), kind);
      this.#kindNames.set(key(kind.group, kind.version, kind.kind), kind);
    }
  }

  /** Rises whenever the kinds change: what is made from the registry (discovery, OpenAPI) is good for one generation. */
  get generation(): number {
    return this.#generation;
  }

  /** Replaces all kinds of CustomResourceDefinitions, in serving order. Those that are built in stay as they are. */
  setCustomKinds(kinds: readonly AnyKind[]): void {
    this.#kinds = [...this.#static, ...kinds.filter((kind) => !this.#staticResources.has(resourceKey(kind)))];
    this.#index();
    this.#generation += 1;
  }

  /** Group-versions of other servers, for discovery: their requests never come here. */
  get remote(): readonly RemoteVersion[] {
    return this.#remote;
  }

  setRemoteVersions(versions: readonly RemoteVersion[]): void {
    this.#remote = versions;
    this.#generation += 1;
  }

  /** Whether a resource is built in, in any version. */
  isStatic(group: string, plural: string): boolean {
    return this.#static.some((kind) => kind.group === group && kind.plural === plural);
  }

  /** E.g. `('apps', 'v1', 'deployments')`; the core group is `''`. */
  byResource(group: string, version: string, plural: string): AnyKind | undefined {
    return this.#resources.get(key(group, version, plural));
  }

  byKind(group: string, version: string, kind: string): AnyKind | undefined {
    return this.#kindNames.get(key(group, version, kind));
  }

  list(): readonly AnyKind[] {
    return this.#kinds;
  }

  /** Groups in serving order, the core group (`''`) first. */
  groups(): string[] {
    return [...new Set(this.#kinds.map((kind) => kind.group))];
  }

  /** The kind in whose shape and key space objects of `kind` are stored: itself unless it is an alias. */
  storageKind(kind: AnyKind): AnyKind {
    const alias = kind.storedAs;
    if (alias === undefined) {
      return kind;
    }
    const target = this.byResource(alias.group, alias.version, alias.plural);
    if (target === undefined && kind.custom !== undefined) {
      // A storage version need not be served.
      return kind;
    }
    if (target === undefined) {
      throw new Error(`${kind.plural}.${kind.group} is stored as ${alias.plural}.${alias.group}, which is not served`);
    }
    return target;
  }

  /** `/apps/deployments/default/web`; cluster-scoped: `/core/nodes/one`. */
  storageKey(kind: AnyKind, namespace: string, name: string): string {
    return this.storagePrefix(kind, namespace) + name;
  }

  /** Prefix of all objects of a kind, or of those in one namespace; ends in `/`. */
  storagePrefix(kind: AnyKind, namespace = ''): string {
    const { group, plural } = kind.storedAs ?? kind;
    const all = `/${group === '' ? 'core' : group}/${plural}/`;
    return kind.namespaced && namespace !== '' ? `${all}${namespace}/` : all;
  }
}

/** The registry of everything Telar serves. Takes a few milliseconds; hold on to the result. */
export function loadRegistry(): Registry {
  return new Registry(KINDS, loadTypes());
}
