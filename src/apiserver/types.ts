/**
 * What the stages of a request hand one another. A request becomes a `Call` (by HTTP or in process), passes
 * authorisation, and a verb turns it into an `Answer`, which knows nothing of HTTP.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { JsonObject, KubeObject, ListMeta } from '../apimachinery/object.ts';
import type { AnyKind } from '../kinds/kind.ts';
import type { Stored } from '../store/store.ts';
import type { WatchStream } from './verbs/watchstream.ts';

export interface User {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** What a path says, by Kubernetes' grammar: see route.ts. */
export interface RequestInfo {
  readonly path: string;
  /** `/api/<version>/…` and `/apis/<group>/<version>/…` with a resource; all else is a non-resource path. */
  readonly isResource: boolean;
  readonly group: string;
  readonly version: string;
  readonly namespace: string;
  readonly resource: string;
  readonly name: string;
  readonly subresource: string;
  /** What follows the subresource, with its leading slash, still percent-encoded: the path a proxy passes on. */
  readonly rest: string;
  /** The deprecated `/watch/` prefix. */
  readonly watchPrefix: boolean;
}

/** Kubernetes' request verbs, as authorisation names them. */
export type RequestVerb =
  | 'create' | 'get' | 'list' | 'watch' | 'update' | 'patch' | 'delete' | 'deletecollection'
  | 'post' | 'put' | 'head' | 'options';

/** A body as it arrived: bytes from the network, or a value handed over in process (never changed by the server). */
export type Body =
  | { readonly kind: 'none' }
  | { readonly kind: 'bytes'; readonly bytes: Buffer; readonly contentType: string }
  | { readonly kind: 'value'; readonly value: unknown; readonly contentType: string };

/** How the client wants its answer. */
export interface Accept {
  readonly format: 'json' | 'yaml';
  /** Transformation asked for with `as=`; absent for the object as it is. */
  readonly as?: 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList';
  /** Version of meta.k8s.io asked for with `as`. */
  readonly metaVersion: string;
}

export interface Call {
  readonly method: string;
  readonly verb: RequestVerb;
  readonly info: RequestInfo;
  readonly query: URLSearchParams;
  readonly user: User;
  /** Who acts as `user`, where somebody impersonates. */
  readonly actor?: User | undefined;
  readonly accept: Accept;
  readonly body: Body;
  /** Texts for the `Warning:` header, in order. */
  readonly warnings: string[];
  /** Adds to what the audit log says of the request; absent where it says nothing. */
  readonly annotate?: (key: string, value: string) => void;
  /** The HTTP exchange, absent in process. Only proxies to nodes touch it. */
  readonly http?: HttpExchange;
}

export interface HttpExchange {
  readonly req: IncomingMessage | Http2ServerRequest;
  readonly res: ServerResponse | Http2ServerResponse;
}

export type Answer =
  /** One stored object: its JSON goes out as it is. */
  | { type: 'stored'; code: number; kind: AnyKind; stored: Stored }
  /** An object made for this answer. `kind` when it can be shown as a Table. */
  | { type: 'object'; code: number; kind?: AnyKind; object: KubeObject | JsonObject }
  | { type: 'list'; kind: AnyKind; items: readonly Stored[]; meta: ListMeta }
  | { type: 'watch'; kind: AnyKind; stream: WatchStream }
  /** Ready-made bytes with their own headers. */
  | { type: 'raw'; code: number; headers: Readonly<Record<string, string>>; body: string | Uint8Array }
  /** The handler answers on `call.http` itself. */
  | { type: 'taken' };
