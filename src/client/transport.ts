/** How a client reaches an API server: over HTTPS or, in one process, by direct call. Controllers never know which. */
import type { KubeObject, WatchEventType } from '../apimachinery/object.ts';

export interface ApiRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Absolute path without query, segments already percent-encoded. */
  path: string;
  query?: Readonly<Record<string, string>>;
  /** JSON value sent as the body. */
  body?: unknown;
  /** Default `application/json`. */
  contentType?: string;
  signal?: AbortSignal;
}

export interface ApiWatchEvent {
  type: WatchEventType;
  /** In process this is the store's own object: read-only. */
  object: KubeObject;
}

export interface Transport {
  /** The parsed JSON answer. Throws StatusError for a failure Status, or the network's error. */
  request(request: ApiRequest): Promise<unknown>;
  /** The events of a `?watch=true` request until the server ends it or `signal` aborts. */
  watch(request: ApiRequest): AsyncIterable<ApiWatchEvent>;
}
