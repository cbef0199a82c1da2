/**
 * The API server as a client sees it in the same process: the same stages, without bytes. Objects that come back are
 * the store's own and read-only; bodies that go in are copied by the decoder.
 */
import type { KubeObject, WatchEventType } from '../apimachinery/object.ts';
import { failure, type StatusError } from '../apimachinery/status.ts';
import { JSON_ACCEPT } from './http/negotiate.ts';
import { listValue, type View } from './http/render.ts';
import { statusOf } from './http/handler.ts';
import { Pace } from './pace.ts';
import { serve, type Pipeline } from './pipeline.ts';
import { route, verbOf } from './route.ts';
import type { Answer, Body, Call, User } from './types.ts';
import { PageNotFound, resourceNotFound } from './verbs/core.ts';
import type { WatchItem, WatchStream } from './verbs/watchstream.ts';

/** Structurally the client room's ApiRequest, which this room may not import. */
export interface InProcessRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  query?: Readonly<Record<string, string>>;
  body?: unknown;
  contentType?: string;
  signal?: AbortSignal;
}

export interface InProcessEvent {
  type: WatchEventType;
  object: KubeObject;
}

export interface InProcessTransport {
  request(request: InProcessRequest): Promise<unknown>;
  watch(request: InProcessRequest): AsyncIterable<InProcessEvent>;
}

const NO_QUERY = new URLSearchParams();
const NO_BODY: Body = { kind: 'none' };
const PLAIN: View = { accept: JSON_ACCEPT, includeObject: 'Metadata', pretty: false };

function callOf(user: User, request: InProcessRequest): Call {
  const info = route(request.path);
  const query = request.query === undefined ? NO_QUERY : new URLSearchParams(Object.entries(request.query));
  const verb = verbOf(request.method, info, query);
  if (verb === undefined) {
    throw failure('MethodNotAllowed', 'the server does not allow this method on the requested resource');
  }
  const body: Body = request.body === undefined ? NO_BODY : { kind: 'value', value: request.body, contentType: request.contentType ?? '' };
  const warnings: string[] = [];
  return { method: request.method, verb, info, query, user, accept: JSON_ACCEPT, body, warnings };
}

/** The same errors that HTTP would carry, as StatusErrors. */
function thrown(error: unknown, pipeline: Pipeline, path: string): StatusError {
  if (error instanceof PageNotFound) {
    return resourceNotFound();
  }
  return statusOf(error, pipeline.core.log, path);
}

/** Objects that are not at hand have to be parsed, which takes long when there are many: not all of it in one go. */
async function listOf({ kind, items, meta }: Extract<Answer, { type: 'list' }>): Promise<unknown> {
  const pace = new Pace();
  const objects: KubeObject[] = [];
  for (const item of items) {
    objects.push(item.object);
    if (pace.due) {
      await pace.rest();
    }
  }
  return { ...listValue(kind, [], meta, PLAIN) as object, items: objects };
}

/** Resolved by the caller when it is a promise. */
function valueOf(answer: Answer): unknown {
  switch (answer.type) {
    case 'stored': return answer.stored.object;
    case 'object': return answer.object;
    case 'list': return listOf(answer);
    case 'raw': {
      const text = typeof answer.body === 'string' ? answer.body : Buffer.from(answer.body).toString();
      const value: unknown = (answer.headers['content-type'] ?? '').includes('json') ? JSON.parse(text) : text;
      return value;
    }
    case 'watch':
      answer.stream.close();
      throw failure('BadRequest', 'a watch is opened by watch(), not by request()');
    default: throw failure('BadRequest', 'this path can only be reached over HTTP');
  }
}

const eventOf = (item: WatchItem): InProcessEvent => (item.type === 'BOOKMARK' || item.type === 'ERROR'
  // Bookmarks and errors are shown where objects are expected, as on the wire.
  ? { type: item.type, object: item.object as unknown as KubeObject }
  : { type: item.type, object: item.stored.object });

async function* events(stream: WatchStream, signal: AbortSignal | undefined): AsyncGenerator<InProcessEvent, void, undefined> {
  const stop = (): void => stream.close();
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted === true) {
    stop();
  }
  try {
    for (;;) {
      const items = await stream.next();
      if (items === undefined) {
        return;
      }
      for (const item of items) {
        yield eventOf(item);
      }
    }
  } finally {
    signal?.removeEventListener('abort', stop);
    stream.close();
  }
}

export function inProcessTransport(pipeline: Pipeline, user: User): InProcessTransport {
  return {
    async request(request): Promise<unknown> {
      try {
        request.signal?.throwIfAborted();
        return await valueOf(await serve(pipeline, callOf(user, request)));
      } catch (error) {
        throw request.signal?.aborted === true ? error : thrown(error, pipeline, request.path);
      }
    },
    async* watch(request): AsyncGenerator<InProcessEvent, void, undefined> {
      let answer: Answer;
      try {
        answer = await serve(pipeline, callOf(user, { ...request, query: { ...request.query, watch: 'true' } }));
      } catch (error) {
        throw thrown(error, pipeline, request.path);
      }
      if (answer.type !== 'watch') {
        throw failure('MethodNotAllowed', 'this path cannot be watched');
      }
      yield* events(answer.stream, request.signal);
    },
  };
}
