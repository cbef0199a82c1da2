/** What every verb works on: the store seen through the table of kinds. Knows nothing of HTTP. */
import { failure, notFound, type ResourceRef, type StatusError } from '../../apimachinery/status.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { deepEqual } from '../../apimachinery/values.ts';
import type { Log } from '../../apimachinery/log.ts';
import type { NodeConnector } from '../../apimachinery/nodehandler.ts';
import type { AnyKind, RemoteConversion } from '../../kinds/kind.ts';
import type { Registry } from '../../kinds/registry.ts';
import type { Store, Stored } from '../../store/store.ts';
import type { Admission } from '../admission/admission.ts';
import type { Authorizer } from '../authz/authorizer.ts';
import type { TokenChain } from '../authn/chain.ts';
import type { ServiceAccountTokens } from '../authn/serviceaccounts.ts';
import type { Lookup } from '../lookup.ts';
import type { RequestInfo } from '../types.ts';
import { Views } from './views.ts';

/** No such path: answered as Go's ServeMux does, in plain text. */
export class PageNotFound extends Error { override name = 'PageNotFound'; }

export interface CoreOptions {
  store: Store;
  registry: Registry;
  lookup: Lookup;
  admission: Admission;
  authorizer: Authorizer;
  tokens: ServiceAccountTokens;
  /** Bearer tokens of every kind. */
  bearers: TokenChain;
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
  readonly bearers: TokenChain;
  readonly nodes: NodeConnector;
  readonly log: Log;
  /** Groups with built-in kinds: an unknown resource there is a Status, elsewhere a plain 404. */
  readonly #builtinGroups: ReadonlySet<string>;
  /** Objects of aliased kinds (events.k8s.io Event), decoded from what is stored. */
  readonly #views = new Views();

  constructor(options: CoreOptions) {
    this.store = options.store;
    this.registry = options.registry;
    this.lookup = options.lookup;
    this.admission = options.admission;
    this.authorizer = options.authorizer;
    this.tokens = options.tokens;
    this.bearers = options.bearers;
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

  /** As `require`, also where a webhook must be asked first. Throws or rejects with StatusErrors. */
  fetch(target: Target): Stored | Promise<Stored> {
    if (target.kind.storedAs?.remote === undefined) {
      return this.require(target);
    }
    const stored = this.store.get(this.key(target));
    if (stored === undefined) {
      throw notFound(refOf(target.kind, target.name));
    }
    const shown = this.prepare(target.kind, [stored]);
    return shown instanceof Promise ? shown.then(([view = stored]) => view) : shown?.[0] ?? stored;
  }

  /**
   * What is stored, as `kind` shows it: the same unless the kind is an alias. `shown`: the object that was just stored, which spares
   * asking a webhook for it. Where a webhook converts, values come from `prepare`.
   */
  view(kind: AnyKind, stored: Stored, shown?: KubeObject): Stored {
    const alias = kind.storedAs;
    if (alias === undefined || alias.isCurrent?.(stored) === true) {
      return stored;
    }
    const known = this.#views.get(kind, stored);
    if (known !== undefined) {
      return known;
    }
    if (alias.remote !== undefined && shown === undefined) {
      throw new Error(`${stored.key} is looked at before its webhook has converted it`);
    }
    const object = shown !== undefined && alias.remote !== undefined ? withRevision(shown, stored) : alias.decode(stored.object);
    // What has its present shape already goes out as it is.
    const view = kind.custom !== undefined && deepEqual(object, stored.object) ? stored : viewOf(stored, object);
    this.#views.set(kind, stored, view);
    return view;
  }

  /** As `kind` shows these values where a webhook converts, in the same order; undefined where none does. Rejects with StatusErrors. */
  prepare(kind: AnyKind, values: readonly Stored[]): readonly Stored[] | Promise<readonly Stored[]> | undefined {
    const alias = kind.storedAs;
    if (alias?.remote === undefined) {
      return undefined;
    }
    const shown = values.map((stored) => (alias.isCurrent?.(stored) === true ? stored : this.#views.get(kind, stored)));
    const known = shown.filter((view) => view !== undefined);
    return known.length === values.length ? known : this.#convert(kind, alias.remote, values, shown);
  }

  async #convert(kind: AnyKind, remote: RemoteConversion, values: readonly Stored[], shown: readonly (Stored | undefined)[]): Promise<readonly Stored[]> {
    const missing = values.filter((_, index) => shown[index] === undefined);
    const objects = (await remote.decode(missing.map(({ object }) => object))).values();
    return values.map((stored, index) => {
      const known = shown[index];
      const object = known === undefined ? objects.next().value : undefined;
      if (object === undefined) {
        return known ?? stored;
      }
      const view = viewOf(stored, object);
      this.#views.set(kind, stored, view);
      return view;
    });
  }

  /** The shape in which an object of `kind` is stored. Rejects with StatusErrors where a webhook converts. */
  encode(kind: AnyKind, object: KubeObject): KubeObject | Promise<KubeObject> {
    const alias = kind.storedAs;
    if (alias?.remote !== undefined) {
      return alias.remote.encode([object]).then(([encoded]) => encoded ?? object);
    }
    return alias === undefined ? object : alias.encode(object);
  }

  /** Whether writing the same object once more would change what is stored: it is of an older version or lacks newer defaults. */
  isStale(target: Target, current: Stored): boolean {
    const alias = target.kind.storedAs;
    if (alias?.isStale === undefined) {
      return false;
    }
    const raw = this.store.get(this.key(target));
    return raw !== undefined && (alias.isStale(raw) || (alias.version === target.kind.version && raw.json !== current.json));
  }
}

const viewOf = ({ key, revision, createRevision }: Stored, object: KubeObject): Stored =>
  ({ key, revision, createRevision, object, json: JSON.stringify(object) });

const withRevision = (object: KubeObject, { revision }: Stored): KubeObject =>
  ({ ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } });

/** A resource that a served group does not have. */
export const resourceNotFound = (): StatusError => failure('NotFound', 'the server could not find the requested resource', {});

