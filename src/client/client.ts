/** The one Kubernetes client: typed verbs over a Transport. Answers may be shared with caches: treat them as read-only. */
import type { KubeList, KubeObject, ListMeta } from '../apimachinery/object.ts';
import { StatusError, internalError, type Status } from '../apimachinery/status.ts';
import { resourceApiVersion, resourcePath, type Resource } from './resource.ts';
import type { ApiRequest, Transport } from './transport.ts';

export interface ListOptions {
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  limit?: number;
  continue?: string;
  /** `'0'`: whatever the server has in memory. Absent: the newest. */
  resourceVersion?: string;
  signal?: AbortSignal;
}

export interface WatchOptions {
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  resourceVersion?: string;
  allowWatchBookmarks?: boolean;
  /** The server ends the watch after this many seconds. */
  timeoutSeconds?: number;
  signal?: AbortSignal;
}

export interface DeleteOptions {
  /** Seconds. */
  gracePeriodSeconds?: number;
  propagationPolicy?: 'Orphan' | 'Background' | 'Foreground';
  preconditions?: { uid?: string; resourceVersion?: string };
}

export interface PatchRequest {
  name: string;
  namespace?: string | undefined;
  type: 'json' | 'merge' | 'strategic';
  body: unknown;
  subresource?: string;
}

/** One event of a watch. A bookmark's object holds only `metadata.resourceVersion`. */
export interface WatchEvent<T extends KubeObject> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  object: T;
}

const PATCH_TYPES: Record<PatchRequest['type'], string> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
};

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * An object as the server answered it. The server validates what it stores against the resource's
 * schema, so beyond "an object with a name" the shape is the server's word.
 */
function parseObject<T extends KubeObject>(value: unknown, resource: Resource<T>): T {
  if (!isRecord(value) || !isRecord(value['metadata'])) {
    throw internalError(`the server's answer is no ${resource.kind}`);
  }
  return value as unknown as T;
}

function parseList<T extends KubeObject>(value: unknown, resource: Resource<T>): KubeList<T> {
  if (!isRecord(value) || !(Array.isArray(value['items']) || value['items'] === null || value['items'] === undefined)) {
    throw internalError(`the server's answer is no list of ${resource.plural}`);
  }
  const apiVersion = resourceApiVersion(resource);
  const items = (Array.isArray(value['items']) ? value['items'] : []).map((item: unknown) => {
    const object = parseObject(item, resource);
    // Items of a list carry no apiVersion and kind of their own on a real server.
    return object.kind === undefined ? { ...object, apiVersion, kind: resource.kind } : object;
  });
  const metadata: ListMeta = isRecord(value['metadata']) ? value['metadata'] : {};
  return { apiVersion, kind: `${resource.kind}List`, metadata, items };
}

/** A Status as a server sent it, as an error to throw. */
export function statusErrorOf(value: unknown, fallback: string): StatusError {
  if (isRecord(value) && value['kind'] === 'Status') {
    // Status is the server's own wire type; StatusError keeps whatever fields it has.
    const status = value as unknown as Status;
    return new StatusError({ ...status, status: 'Failure' });
  }
  return internalError(fallback);
}

function selectorQuery(options: ListOptions | WatchOptions): Record<string, string> {
  const query: Record<string, string> = {};
  if (options.labelSelector) {
    query['labelSelector'] = options.labelSelector;
  }
  if (options.fieldSelector) {
    query['fieldSelector'] = options.fieldSelector;
  }
  if (options.resourceVersion !== undefined) {
    query['resourceVersion'] = options.resourceVersion;
  }
  return query;
}

function deleteBody(options: DeleteOptions): unknown {
  return { apiVersion: 'v1', kind: 'DeleteOptions', ...options };
}

export class Client {
  readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  async get<T extends KubeObject>(resource: Resource<T>, name: string, namespace?: string): Promise<T> {
    return parseObject(await this.transport.request({ method: 'GET', path: resourcePath(resource, { namespace, name }) }), resource);
  }

  async list<T extends KubeObject>(resource: Resource<T>, options: ListOptions = {}): Promise<KubeList<T>> {
    const query = selectorQuery(options);
    if (options.limit !== undefined) {
      query['limit'] = String(options.limit);
    }
    if (options.continue) {
      query['continue'] = options.continue;
    }
    const answer = await this.transport.request({
      method: 'GET', path: resourcePath(resource, { namespace: options.namespace }), query,
      ...(options.signal ? { signal: options.signal } : {}),
    });
    return parseList(answer, resource);
  }

  async create<T extends KubeObject>(resource: Resource<T>, object: T): Promise<T> {
    const { namespace } = object.metadata;
    return parseObject(await this.transport.request({
      method: 'POST', path: resourcePath(resource, { namespace }), body: typed(resource, object),
    }), resource);
  }

  /** POST to a subresource such as `binding`, `eviction` or `token`; the answer is whatever that subresource gives. */
  async createSubresource(resource: Resource, subresource: string, object: KubeObject): Promise<unknown> {
    const { namespace, name } = object.metadata;
    return await this.transport.request({ method: 'POST', path: resourcePath(resource, { namespace, name, subresource }), body: object });
  }

  async update<T extends KubeObject>(resource: Resource<T>, object: T, subresource?: string): Promise<T> {
    const { namespace, name } = object.metadata;
    return parseObject(await this.transport.request({
      method: 'PUT', path: resourcePath(resource, { namespace, name, subresource }), body: typed(resource, object),
    }), resource);
  }

  async updateStatus<T extends KubeObject>(resource: Resource<T>, object: T): Promise<T> {
    return await this.update(resource, object, 'status');
  }

  async patch<T extends KubeObject>(resource: Resource<T>, patch: PatchRequest): Promise<T> {
    return parseObject(await this.transport.request({
      method: 'PATCH', path: resourcePath(resource, patch), body: patch.body, contentType: PATCH_TYPES[patch.type],
    }), resource);
  }

  /** The answer is the object (still there with a deletionTimestamp, or as it was) or a success Status. */
  async delete(resource: Resource, name: string, namespace?: string, options: DeleteOptions = {}): Promise<unknown> {
    return await this.transport.request({
      method: 'DELETE', path: resourcePath(resource, { namespace, name }), body: deleteBody(options),
    });
  }

  async deleteCollection(resource: Resource, selection: ListOptions = {}, options: DeleteOptions = {}): Promise<unknown> {
    return await this.transport.request({
      method: 'DELETE', path: resourcePath(resource, { namespace: selection.namespace }),
      query: selectorQuery(selection), body: deleteBody(options),
    });
  }

  /** Events until the server ends the watch or `signal` aborts. Throws the StatusError of an ERROR event. */
  async *watch<T extends KubeObject>(resource: Resource<T>, options: WatchOptions = {}): AsyncGenerator<WatchEvent<T>, void, undefined> {
    const query: Record<string, string> = { ...selectorQuery(options), watch: 'true' };
    if (options.allowWatchBookmarks === true) {
      query['allowWatchBookmarks'] = 'true';
    }
    if (options.timeoutSeconds !== undefined) {
      query['timeoutSeconds'] = String(options.timeoutSeconds);
    }
    const events = this.transport.watch({
      method: 'GET', path: resourcePath(resource, { namespace: options.namespace }), query,
      ...(options.signal ? { signal: options.signal } : {}),
    });
    for await (const event of events) {
      if (event.type === 'ERROR') {
        throw statusErrorOf(event.object, 'the watch ended with an error');
      }
      yield { type: event.type, object: parseObject(event.object, resource) };
    }
  }

  async raw(request: ApiRequest): Promise<unknown> {
    return await this.transport.request(request);
  }
}

function typed<T extends KubeObject>(resource: Resource<T>, object: T): T {
  return object.kind === resource.kind && object.apiVersion !== undefined
    ? object
    : { ...object, apiVersion: resourceApiVersion(resource), kind: resource.kind };
}
