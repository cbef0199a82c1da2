/** What every verb works on: the store seen through the table of kinds. Knows nothing of HTTP. */
import { failure, notFound, type ResourceRef, type StatusError } from '../../apimachinery/status.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import type { Log } from '../../apimachinery/log.ts';
import type { NodeConnector } from '../../apimachinery/nodehandler.ts';
import type { AnyKind } from '../../kinds/kind.ts';
import type { Registry } from '../../kinds/registry.ts';
import type { Store, Stored } from '../../store/store.ts';
import type { Admission } from '../admission/admission.ts';
import type { Authorizer } from '../authz/authorizer.ts';
import type { ServiceAccountTokens } from '../authn/serviceaccounts.ts';
import type { Lookup } from '../lookup.ts';
import type { RequestInfo } from '../types.ts';

/** No such path: answered as Go's ServeMux does, in plain text. */
export class PageNotFound extends Error { override name = 'PageNotFound'; }

export interface CoreOptions {
  store: Store;
  registry: Registry;
  lookup: Lookup;
  admission: Admission;
  authorizer: Authorizer;
  tokens: ServiceAccountTokens;
  nodes: NodeConnector;
  log: Log;
}

/** One object's place: its kind, namespace (empty for cluster-scoped kinds) and name. */
export interface Target {
  readonly kind: AnyKind;
  readonly namespace: string;
  readonly name: string;
}

export const refOf = (kind: AnyKind, name?: string): ResourceRef =>
  ({ group: kind.group, resource: kind.plural, ...(name === undefined ? {} : { name }) });

export class Core {
  readonly store: Store;
  readonly registry: Registry;
  /** Stored objects for the server's own decisions. */
  readonly lookup: Lookup;
  readonly admission: Admission;
  readonly authorizer: Authorizer;
  readonly tokens: ServiceAccountTokens;
  readonly nodes: NodeConnector;
  readonly log: Log;
  /** Groups with built-in kinds: an unknown resource there is a Status, elsewhere a plain 404. */
  readonly #builtinGroups: ReadonlySet<string>;
  /** Objects of aliased kinds (events.k8s.io Event), decoded from what is stored. */
  readonly #views = new WeakMap<Stored, Map<AnyKind, Stored>>();

  constructor(options: CoreOptions) {
    this.store = options.store;
    this.registry = options.registry;
    this.lookup = options.lookup;
    this.admission = options.admission;
    this.authorizer = options.authorizer;
    this.tokens = options.tokens;
    this.nodes = options.nodes;
    this.log = options.log;
    this.#builtinGroups = new Set(options.registry.list().filter((kind) => kind.origin === 'builtin').map((kind) => kind.group));
  }

  /** The kind a resource path names. Throws PageNotFound or a NotFound status as Kubernetes does. */
  kindOf(info: RequestInfo): AnyKind {
    const kind = this.registry.byResource(info.group, info.version, info.resource);
    if (kind !== undefined && !kind.namespaced && info.namespace !== '' && info.resource !== 'namespaces') {
      throw resourceNotFound();
    }
    if (kind === undefined) {
      throw this.#builtinGroups.has(info.group) && this.#hasVersion(info) ? resourceNotFound() : new PageNotFound(info.path);
    }
    return kind;
  }

  #hasVersion(info: RequestInfo): boolean {
    return this.registry.list().some((kind) => kind.group === info.group && kind.version === info.version);
  }

  key(target: Target): string {
    return this.registry.storageKey(target.kind, target.namespace, target.name);
  }

  /** The object as this kind shows it; undefined when there is none. */
  get(target: Target): Stored | undefined {
    const stored = this.store.get(this.key(target));
    return stored === undefined ? undefined : this.view(target.kind, stored);
  }

  /** Throws NotFound. */
  require(target: Target): Stored {
    const stored = this.get(target);
    if (stored === undefined) {
      throw notFound(refOf(target.kind, target.name));
    }
    return stored;
  }

  /** What is stored, as `kind` shows it: the same unless the kind is an alias. */
  view(kind: AnyKind, stored: Stored): Stored {
    const alias = kind.storedAs;
    if (alias === undefined) {
      return stored;
    }
    let views = this.#views.get(stored);
    if (views === undefined) {
      views = new Map();
      this.#views.set(stored, views);
    }
    let view = views.get(kind);
    if (view === undefined) {
      const object = alias.decode(stored.object);
      view = { key: stored.key, revision: stored.revision, createRevision: stored.createRevision, object, json: JSON.stringify(object) };
      views.set(kind, view);
    }
    return view;
  }

  /** The shape in which an object of `kind` is stored. */
  encode(kind: AnyKind, object: KubeObject): KubeObject {
    return kind.storedAs === undefined ? object : kind.storedAs.encode(object);
  }
}

/** A resource that a served group does not have. */
export const resourceNotFound = (): StatusError => failure('NotFound', 'the server could not find the requested resource', {});

