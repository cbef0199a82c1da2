/**
 * An API server small enough to break on purpose: a Transport over maps with the verbs, resourceVersions, finalizers and
 * watch semantics that client and controllers rely on. No defaults, no validation. For tests.
 */
import { randomUUID } from 'node:crypto';
import { formatTime, parseApiVersion, type KubeObject } from '../../apimachinery/object.ts';
import { matchesLabels, parseLabelSelector } from '../../apimachinery/selectors.ts';
import { alreadyExists, badRequest, conflict, expired, notFound, unsupportedMediaType, type StatusError } from '../../apimachinery/status.ts';
import { deepClone, deepEqual, isObject } from '../../apimachinery/values.ts';
import { resourceApiVersion, resourceName, type Resource } from '../resource.ts';
import type { ApiRequest, ApiWatchEvent, Transport } from '../transport.ts';

type Loose = KubeObject & { spec?: Record<string, unknown>; status?: Record<string, unknown> };

interface LogEntry {
  revision: number;
  resource: Resource;
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  object: Loose;
}

interface Target {
  resource: Resource;
  namespace: string;
  name: string;
  subresource: string;
}

interface Watch {
  closed: boolean;
  wake: () => void;
}

const PATH = /^\/(?:api\/(v1)|apis\/([^/]+)\/([^/]+))(?:\/namespaces\/([^/]+)(?=\/[^/]+)(?!\/(?:status|finalize)$))?\/([^/]+)(?:\/([^/]+))?(?:\/(.+))?$/;

export class MemoryTransport implements Transport {
  /** Every request made, newest last: `POST /api/v1/namespaces/a/pods`. */
  readonly requests: string[] = [];
  /** Called before a request acts; throw to make it fail. */
  intercept: ((request: ApiRequest) => void | Promise<void>) | undefined;
  readonly #held = new Set<string>();
  readonly #resources: readonly Resource[];
  readonly #objects = new Map<string, Map<string, Loose>>();
  readonly #watches = new Set<Watch>();
  #log: LogEntry[] = [];
  #revision = 100;
  #compacted = 0;

  constructor(resources: readonly Resource[]) {
    this.#resources = resources;
  }

  get revision(): string {
    return String(this.#revision);
  }

  get watchers(): number {
    return this.#watches.size;
  }

  /** Forget history: watches from before get 410. */
  compact(): void {
    this.#compacted = this.#revision;
    this.#log = [];
  }

  /** The watches of a resource deliver nothing until `release`: caches fall behind. */
  hold(plural: string): void {
    this.#held.add(plural);
  }

  release(plural: string): void {
    this.#held.delete(plural);
    for (const watch of this.#watches) {
      watch.wake();
    }
  }

  /** Every watch ends, as when a server restarts. */
  endWatches(): void {
    for (const watch of this.#watches) {
      watch.closed = true;
      watch.wake();
    }
  }

  async request(request: ApiRequest): Promise<unknown> {
    this.requests.push(`${request.method} ${request.path}`);
    await this.intercept?.(request);
    const discovered = this.#discovery(request.path);
    if (discovered !== undefined) {
      return discovered;
    }
    const target = this.#target(request.path);
    switch (request.method) {
      case 'GET': return target.name === '' ? this.#list(target, request) : this.#must(target);
      case 'POST': return target.subresource === 'binding' ? this.#bind(target, request.body) : this.#create(target, bodyOf(request.body));
      case 'PUT': return this.#update(target, bodyOf(request.body));
      case 'PATCH': return this.#patch(target, request);
      case 'DELETE': return target.name === '' ? this.#deleteAll(target, request) : this.#delete(target, request.body);
      default: return request.method satisfies never;
    }
  }

  async *watch(request: ApiRequest): AsyncGenerator<ApiWatchEvent, void, undefined> {
    this.requests.push(`WATCH ${request.path}`);
    await this.intercept?.(request);
    const { resource, namespace } = this.#target(request.path);
    let revision = Number(request.query?.['resourceVersion'] ?? this.#revision);
    if (revision < this.#compacted) {
      throw expired(`too old resource version: ${revision} (${this.#compacted})`);
    }
    const watch: Watch = { closed: false, wake: () => {} };
    this.#watches.add(watch);
    const abort = (): void => {
      watch.closed = true;
      watch.wake();
    };
    request.signal?.addEventListener('abort', abort);
    const matches = matcher(request, namespace);
    try {
      for (;;) {
        const held = this.#held.has(resource.plural);
        for (const entry of this.#since(revision, held)) {
          revision = entry.revision;
          if (entry.resource === resource && matches(entry.object)) {
            yield { type: entry.type, object: entry.object };
          }
        }
        if (watch.closed || request.signal?.aborted === true) {
          return;
        }
        if (held || revision >= this.#revision) {
          await new Promise<void>((resolve) => {
            watch.wake = resolve;
          });
        }
      }
    } finally {
      this.#watches.delete(watch);
      request.signal?.removeEventListener('abort', abort);
    }
  }

  #since(revision: number, held: boolean): LogEntry[] {
    return held ? [] : this.#log.filter((one) => one.revision > revision);
  }

  #target(path: string): Target {
    const match = PATH.exec(path);
    const [, core, group, version, namespace, plural, name, subresource] = match ?? [];
    const resource = this.#resources.find((one) => one.plural === plural && one.group === (group ?? '') && one.version === (core ?? version));
    if (resource === undefined) {
      throw notFound({ group: group ?? '', resource: plural ?? path });
    }
    return { resource, namespace: namespace ?? '', name: name === undefined ? '' : decodeURIComponent(name), subresource: subresource ?? '' };
  }

  #discovery(path: string): unknown {
    if (path === '/apis') {
      const groups = new Map(this.#resources.filter((one) => one.group !== '').map((one) => [one.group, one.version]));
      return {
        kind: 'APIGroupList',
        groups: [...groups].map(([name, version]) => ({ name, preferredVersion: { version, groupVersion: `${name}/${version}` } })),
      };
    }
    const groupVersion = /^\/(?:api\/(v1)|apis\/([^/]+\/[^/]+))$/.exec(path);
    if (groupVersion === null) {
      return undefined;
    }
    const wanted = parseApiVersion(groupVersion[1] ?? groupVersion[2] ?? '');
    return {
      kind: 'APIResourceList', groupVersion: groupVersion[1] ?? groupVersion[2],
      resources: this.#resources.filter((one) => one.group === wanted.group && one.version === wanted.version).map((one) => ({
        name: one.plural, kind: one.kind, namespaced: one.namespaced, verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
      })),
    };
  }

  #of(resource: Resource): Map<string, Loose> {
    const name = resourceName(resource);
    const objects = this.#objects.get(name) ?? new Map<string, Loose>();
    this.#objects.set(name, objects);
    return objects;
  }

  #must({ resource, namespace, name }: Target): Loose {
    const found = this.#of(resource).get(`${namespace}/${name}`);
    if (found === undefined) {
      throw notFound({ group: resource.group, resource: resource.plural, name });
    }
    return found;
  }

  #list({ resource, namespace }: Target, request: ApiRequest): unknown {
    const matches = matcher(request, namespace);
    const items = [...this.#of(resource).values()].filter((one) => matches(one));
    return { apiVersion: resourceApiVersion(resource), kind: `${resource.kind}List`, metadata: { resourceVersion: this.revision }, items };
  }

  #create({ resource, namespace }: Target, body: Loose): Loose {
    const object = deepClone(body);
    const base = object.metadata.generateName;
    object.metadata.name ||= base === undefined ? '' : `${base}${randomUUID().slice(0, 5)}`;
    object.metadata.uid = randomUUID();
    object.metadata.creationTimestamp = formatTime();
    object.metadata.generation = 1;
    if (namespace !== '') {
      object.metadata.namespace = namespace;
    }
    if (resource.plural === 'namespaces') {
      object.spec = { finalizers: ['kubernetes'] };
    }
    if (this.#of(resource).has(`${namespace}/${object.metadata.name}`)) {
      throw alreadyExists({ group: resource.group, resource: resource.plural, name: object.metadata.name });
    }
    return this.#store(resource, 'ADDED', object);
  }

  #update(target: Target, body: Loose): Loose {
    const old = this.#must(target);
    const { resourceVersion } = body.metadata;
    if (resourceVersion !== undefined && resourceVersion !== old.metadata.resourceVersion) {
      throw this.#outdated(target);
    }
    const object = deepClone(body);
    if (target.subresource === 'status') {
      return this.#settle(target, old, { ...old, ...(object.status === undefined ? {} : { status: object.status }) });
    }
    // Status has its own subresource; what the server sets stays.
    const { uid, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds, generation } = old.metadata;
    const metadata = { ...object.metadata };
    for (const [key, value] of Object.entries({ uid, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds, generation })) {
      if (value !== undefined) {
        Object.assign(metadata, { [key]: value });
      }
    }
    // KubeVirt's instances alone have none: their status is written with the whole.
    const kept = old.status === undefined || target.resource.plural === 'virtualmachineinstances' ? {} : { status: old.status };
    const next: Loose = { ...object, metadata, ...kept };
    return this.#settle(target, old, next);
  }

  #patch(target: Target, request: ApiRequest): Loose {
    if (request.contentType !== 'application/merge-patch+json') {
      throw unsupportedMediaType('this server knows merge patches only');
    }
    const old = this.#must(target);
    const merged = merge(old, request.body);
    return this.#update(target, bodyOf(merged));
  }

  /** Stores an update, or finishes a deletion whose last finalizer it removed. */
  #settle(target: Target, old: Loose, next: Loose): Loose {
    if (deepEqual(old, next)) {
      return old;
    }
    const changed = target.resource.plural !== 'namespaces' && !deepEqual(old.spec, next.spec);
    const object: Loose = changed ? { ...next, metadata: { ...next.metadata, generation: (old.metadata.generation ?? 1) + 1 } } : next;
    const free = (object.metadata.finalizers ?? []).length === 0 && (target.resource.plural !== 'namespaces' || !hasItems(object.spec?.['finalizers']));
    const graceful = (object.metadata.deletionGracePeriodSeconds ?? 0) > 0;
    return this.#store(target.resource, object.metadata.deletionTimestamp !== undefined && free && !graceful ? 'DELETED' : 'MODIFIED', object);
  }

  #delete(target: Target, options: unknown): unknown {
    const old = this.#must(target);
    const read = isObject(options) ? options : {};
    const preconditions = isObject(read['preconditions']) ? read['preconditions'] : {};
    if (preconditions['uid'] !== undefined && preconditions['uid'] !== old.metadata.uid) {
      throw this.#outdated(target);
    }
    const finalizers = [...old.metadata.finalizers ?? []];
    const wanted = { Orphan: 'orphan', Foreground: 'foregroundDeletion' }[String(read['propagationPolicy'])];
    if (wanted !== undefined && !finalizers.includes(wanted)) {
      finalizers.push(wanted);
    }
    const grace = typeof read['gracePeriodSeconds'] === 'number' ? read['gracePeriodSeconds'] : 30;
    const isPod = target.resource.plural === 'pods' && old.spec?.['nodeName'] !== undefined;
    const seconds = isPod ? Math.min(grace, old.metadata.deletionGracePeriodSeconds ?? grace) : 0;
    const object: Loose = {
      ...old,
      metadata: {
        ...old.metadata, deletionTimestamp: old.metadata.deletionTimestamp ?? formatTime(), deletionGracePeriodSeconds: seconds,
        ...(finalizers.length > 0 ? { finalizers } : {}),
      },
      ...(target.resource.plural === 'namespaces' ? { status: { ...old.status, phase: 'Terminating' } } : {}),
    };
    return this.#settle(target, old, object);
  }

  #deleteAll(target: Target, request: ApiRequest): unknown {
    const matches = matcher(request, target.namespace);
    for (const one of this.#of(target.resource).values()) {
      if (matches(one)) {
        this.#delete({ ...target, name: one.metadata.name }, request.body);
      }
    }
    return { kind: 'Status', status: 'Success' };
  }

  #bind(target: Target, body: unknown): unknown {
    const pod = this.#must(target);
    const node = isObject(body) && isObject(body['target']) ? body['target']['name'] : undefined;
    if (pod.spec?.['nodeName'] !== undefined) {
      throw conflict({ group: '', resource: 'pods/binding', name: target.name }, `pod ${target.name} is already assigned to node`);
    }
    this.#store(target.resource, 'MODIFIED', {
      ...pod, spec: { ...pod.spec, nodeName: node }, status: { ...pod.status, conditions: [{ type: 'PodScheduled', status: 'True' }] },
    });
    return { kind: 'Status', status: 'Success' };
  }

  #outdated({ resource, name }: Target): StatusError {
    return conflict({ group: resource.group, resource: resource.plural, name },
      'the object has been modified; please apply your changes to the latest version and try again');
  }

  #store(resource: Resource, type: LogEntry['type'], next: Loose): Loose {
    this.#revision += 1;
    const object: Loose = { ...next, apiVersion: resourceApiVersion(resource), kind: resource.kind, metadata: { ...next.metadata, resourceVersion: this.revision } };
    // Whoever changes a shared object finds out.
    freeze(object);
    const key = `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
    if (type === 'DELETED') {
      this.#of(resource).delete(key);
    } else {
      this.#of(resource).set(key, object);
    }
    this.#log.push({ revision: this.#revision, resource, type, object });
    for (const watch of this.#watches) {
      watch.wake();
    }
    return object;
  }
}

function freeze(value: unknown): void {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(freeze);
  }
}

function hasItems(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0;
}

function bodyOf(body: unknown): Loose {
  if (!isObject(body) || !isObject(body['metadata'])) {
    throw badRequest('the body is no object');
  }
  // Test code sends whole objects.
  return body as unknown as Loose;
}

function matcher(request: ApiRequest, namespace: string): (object: Loose) => boolean {
  const selector = parseLabelSelector(request.query?.['labelSelector'] ?? '');
  return (object) => (namespace === '' || object.metadata.namespace === namespace) && matchesLabels(selector, object.metadata.labels);
}

function merge(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) {
    return patch;
  }
  const result: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) {
      delete result[key];
    } else {
      result[key] = merge(result[key], value);
    }
  }
  return result;
}
