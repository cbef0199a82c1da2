/** One HTTP request: read, authenticate, hand to the pipeline, write the answer. */
import { constants as http2 } from 'node:http2';
import type { Log } from '../../apimachinery/log.ts';
import { failure, internalError, StatusError, tooLarge, unauthorized } from '../../apimachinery/status.ts';
import { StoreUnavailableError, ValueTooLargeError } from '../../store/store.ts';
import { ANONYMOUS, type Authenticator } from '../authn/authenticate.ts';
import { impersonated, wantsImpersonation } from '../authn/impersonate.ts';
import { isPublicPath } from '../authz/masters.ts';
import { GZIP_THRESHOLD_BYTES, LINGER_MS, MAX_REQUESTS_IN_FLIGHT, MAX_WARNINGS_CHARS, MAX_WATCHES, WRITE_CHUNK_CHARS } from '../limits.ts';
import { serve, type Pipeline } from '../pipeline.ts';
import { route, verbOf } from '../route.ts';
import type { Answer, Body, Call, RequestInfo, RequestVerb, User } from '../types.ts';
import { PageNotFound } from '../verbs/core.ts';
import type { WatchStream } from '../verbs/watchstream.ts';
import { headersOf, replyOf, socketOf, type Reply, type Req, type Res } from './exchange.ts';
import { acceptOf, cannotAccept, JSON_ACCEPT } from './negotiate.ts';
import { splitTarget } from './query.ts';
import { readBody } from './readbody.ts';
import { documentText, includeObjectOf, isPlain, listPieces, listValue, shapeObject, wantsPretty, type View } from './render.ts';
import { sendPieces, sendText, takesGzip, type Head, type Outgoing } from './send.ts';
import { Turns } from './turns.ts';
import { writeWatch } from './watchwriter.ts';

export interface HandlerOptions {
  readonly pipeline: Pipeline;
  readonly authenticator: Authenticator;
  readonly log: Log;
  /** Watches under way, so that a shutdown can end them. */
  readonly watches: Set<WatchStream>;
}

/** What is known of a request before its body. */
export interface Prepared {
  readonly info: RequestInfo;
  readonly verb: RequestVerb;
  readonly query: URLSearchParams;
  readonly user: User;
}

const NO_BODY: Body = { kind: 'none' };
const BODY_METHODS = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

/** Path, verb and user. Throws StatusErrors. */
export function prepare(req: Req, authenticator: Authenticator): Prepared {
  const { path, query } = splitTarget(req.url ?? '/');
  const info = route(path);
  const verb = verbOf(req.method ?? 'GET', info, query);
  if (verb === undefined) {
    throw failure('MethodNotAllowed', 'the server does not allow this method on the requested resource');
  }
  const socket = socketOf(req);
  if (socket === undefined) {
    throw unauthorized();
  }
  const user = authenticator.authenticate(headersOf(req), socket);
  if (user === ANONYMOUS && !(isPublicPath(path) && !info.isResource)) {
    throw unauthorized();
  }
  return { info, verb, query, user };
}

const contentTypeOf = (view: View): string => (view.accept.format === 'yaml' ? 'application/yaml' : 'application/json');

/** One `Warning:` header each, quoted, bounded in all. */
function warningHeaders(warnings: readonly string[]): string[] {
  const headers: string[] = [];
  let size = 0;
  for (const warning of new Set(warnings)) {
    const text = warning.replace(/[^\x20-\x7e]+/g, ' ').replaceAll('\\', '\\\\').replaceAll('"', '\\"');
    size += text.length;
    if (size > MAX_WARNINGS_CHARS) {
      break;
    }
    headers.push(`299 - "${text}"`);
  }
  return headers;
}

/** The Status of whatever went wrong. Surprises are logged and answered as an internal error without their stack. */
export function statusOf(error: unknown, log: Log, path: string): StatusError {
  if (error instanceof StatusError) {
    return error;
  }
  if (error instanceof ValueTooLargeError) {
    return tooLarge(error.message);
  }
  if (error instanceof StoreUnavailableError) {
    log.warn({ path, error: error.message }, 'the store took no write');
    return failure('ServiceUnavailable', error.message);
  }
  log.error({ path, error: error instanceof Error ? error.stack ?? error.message : String(error) }, 'a request failed unexpectedly');
  return internalError(error instanceof Error ? error.message : 'unknown error');
}

const tooMany = (): StatusError => failure('TooManyRequests', 'Too many requests, please try again later.', { retryAfterSeconds: 1 });

export class Handler {
  readonly #options: HandlerOptions;
  readonly #turns = new Turns();
  #inFlight = 0;

  constructor(options: HandlerOptions) {
    this.#options = options;
  }

  /** Answers one request; never throws. */
  handle(req: Req, res: Res): void {
    const { log } = this.#options;
    try {
      if (this.#inFlight >= MAX_REQUESTS_IN_FLIGHT) {
        throw tooMany();
      }
      const pending = this.#serve(req, res);
      if (pending !== undefined) {
        this.#settle(req, res, pending);
      }
    } catch (error) {
      if (replyOf(res).headersSent) {
        log.error({ error: String(error) }, 'an answer failed after it had begun');
      }
      this.#fail(req, res, error);
    }
  }

  /** Counts a request that is not answered at once until it is. */
  #settle(req: Req, res: Res, pending: Promise<void>): void {
    this.#inFlight += 1;
    pending.catch((error: unknown) => this.#fail(req, res, error)).finally(() => {
      this.#inFlight -= 1;
    });
  }

  #serve(req: Req, res: Res): Promise<void> | undefined {
    const prepared = prepare(req, this.#options.authenticator);
    if (wantsImpersonation(headersOf(req))) {
      return this.#impersonated(req, res, prepared);
    }
    return BODY_METHODS.has(req.method ?? '') ? this.#withBody(req, res, prepared) : this.#answer(req, res, prepared, NO_BODY);
  }

  async #impersonated(req: Req, res: Res, prepared: Prepared): Promise<void> {
    const user = await impersonated(this.#options.pipeline.core.authorizer, prepared.user, headersOf(req));
    const acting = { ...prepared, user };
    await (BODY_METHODS.has(req.method ?? '') ? this.#withBody(req, res, acting) : this.#answer(req, res, acting, NO_BODY));
  }

  async #withBody(req: Req, res: Res, prepared: Prepared): Promise<void> {
    // What a node answers it also reads.
    const body = isProxied(prepared.info) ? NO_BODY : await readBody(req);
    await this.#answer(req, res, prepared, body);
  }

  #answer(req: Req, res: Res, { info, verb, query, user }: Prepared, body: Body): Promise<void> | undefined {
    const headers = headersOf(req);
    const accept = info.isResource ? acceptOf(headers.accept) : JSON_ACCEPT;
    if (accept === undefined && !isProxied(info)) {
      throw cannotAccept();
    }
    const call: Call = { method: req.method ?? 'GET', verb, info, query, user, body, accept: accept ?? JSON_ACCEPT, warnings: [], http: { req, res } };
    const answer = serve(this.#options.pipeline, call);
    return answer instanceof Promise ? answer.then((settled) => this.#write(req, res, call, settled)) : this.#write(req, res, call, answer);
  }

  #write(req: Req, res: Res, call: Call, answer: Answer): Promise<void> | undefined {
    const reply = replyOf(res);
    const { metrics } = this.#options.pipeline.paths;
    if (answer.type === 'taken') {
      return undefined;
    }
    if (reply.writableEnded) {
      if (answer.type === 'watch') {
        answer.stream.close();
      }
      return undefined;
    }
    metrics.request(call.verb, call.info, 'code' in answer ? answer.code : 200);
    const headers = headersOf(req);
    const out: Outgoing = { reply, gzip: takesGzip(headers['accept-encoding']), headOnly: call.method === 'HEAD' };
    if (answer.type === 'raw') {
      return this.#raw(out, call, answer);
    }
    const view: View = { accept: call.accept, includeObject: includeObjectOf(call.query), pretty: wantsPretty(call.query, headers['user-agent']) };
    if (answer.type === 'watch') {
      return this.#watch(answer.stream, res, view);
    }
    const head: Head = { 'content-type': contentTypeOf(view) };
    if (call.warnings.length > 0) {
      head['warning'] = warningHeaders(call.warnings);
    }
    return render(out, head, answer, view);
  }

  #raw(out: Outgoing, call: Call, answer: Extract<Answer, { type: 'raw' }>): Promise<void> | undefined {
    const headers: Head = { ...answer.headers };
    if (call.warnings.length > 0) {
      headers['warning'] = warningHeaders(call.warnings);
    }
    if (answer.code === 304) {
      out.reply.writeHead(304, headers);
      out.reply.end();
      return undefined;
    }
    return sendText({ ...out, gzip: out.gzip && headers['content-encoding'] === undefined }, answer.code, headers, answer.body) ?? undefined;
  }

  async #watch(stream: WatchStream, res: Res, view: View): Promise<void> {
    const { watches, pipeline: { paths: { metrics } } } = this.#options;
    if (watches.size >= MAX_WATCHES) {
      stream.close();
      throw tooMany();
    }
    watches.add(stream);
    metrics.watching(1);
    // A watch is counted among the watches from here on.
    this.#inFlight -= 1;
    try {
      await writeWatch(stream, res, view, this.#turns);
    } finally {
      this.#inFlight += 1;
      watches.delete(stream);
      metrics.watching(-1);
    }
  }

  #fail(req: Req, res: Res, error: unknown): void {
    const reply = replyOf(res);
    if (reply.headersSent) {
      // Half an answer must not look like a whole one.
      reply.destroy();
      return;
    }
    sendError(req, reply, error, this.#options.log);
  }
}

/** Whether a node, a pod or an extra group may want the body as a stream. */
function isProxied(info: RequestInfo): boolean {
  return info.isResource && info.group === '' && (info.subresource === 'proxy'
    || (info.resource === 'pods' && (info.subresource === 'log' || info.subresource === 'exec' || info.subresource === 'attach' || info.subresource === 'portforward')));
}

/** An error as Kubernetes answers it: a Status, or plain text for a path that is not there. */
export function sendError(req: Req, reply: Reply, error: unknown, log: Log): void {
  const unread = BODY_METHODS.has(req.method ?? '') && !req.readableEnded;
  // A body nobody reads would be taken for the next request, or in HTTP/2 be kept waiting.
  const close: Head = unread && !('stream' in req) ? { connection: 'close' } : {};
  if (unread && 'stream' in req) {
    const { stream } = req;
    stream.once('finish', () => stream.close(http2.NGHTTP2_NO_ERROR));
  }
  if (error instanceof PageNotFound) {
    const body = '404 page not found\n';
    reply.writeHead(404, { ...close, 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff', 'content-length': body.length });
    finish(req, reply, body, unread);
    return;
  }
  const failed = statusOf(error, log, req.url ?? '');
  const pretty = wantsPretty(splitTarget(req.url ?? '/').query, headersOf(req)['user-agent']);
  const body = pretty ? `${JSON.stringify(failed.status, null, 2)}\n` : JSON.stringify(failed.status);
  const retry = failed.status.details?.retryAfterSeconds;
  reply.writeHead(failed.code, {
    ...close, 'content-type': 'application/json', 'cache-control': 'no-cache, private', 'content-length': Buffer.byteLength(body),
    ...(retry === undefined ? {} : { 'retry-after': String(retry) }),
  });
  finish(req, reply, body, unread);
}

/** Ends an answer; while the client is still sending, only after a moment: closing at once would take the answer away from it. */
function finish(req: Req, reply: Reply, body: string, unread: boolean): void {
  if (!unread || 'stream' in req) {
    reply.end(body);
    return;
  }
  reply.write(body);
  const end = (): void => {
    clearTimeout(timer);
    reply.end();
  };
  const timer = setTimeout(end, LINGER_MS);
  req.once('end', end);
  req.once('close', end);
  req.resume();
}

type Rendered = Extract<Answer, { type: 'stored' | 'object' | 'list' }>;

/** Objects and lists in the shape and encoding asked for. */
function render(out: Outgoing, head: Head, answer: Rendered, view: View): Promise<void> | undefined {
  switch (answer.type) {
    case 'stored':
      return isPlain(view) ? sendText(out, answer.code, head, answer.stored.json) ?? undefined
        : sendDocument(out, answer.code, head, shapeObject(answer.kind, answer.stored.object, view), view);
    case 'object':
      return sendDocument(out, answer.code, head, shapeObject(answer.kind, answer.object, view), view);
    default: return sendList(out, head, answer, view);
  }
}

function sendDocument(out: Outgoing, code: number, head: Head, value: unknown, view: View): Promise<void> | undefined {
  if (view.accept.format === 'json' && !view.pretty) {
    return sendText(out, code, head, JSON.stringify(value)) ?? undefined;
  }
  return documentText(value, view).then((text) => sendText(out, code, head, text));
}

function sendList(out: Outgoing, head: Head, answer: Extract<Answer, { type: 'list' }>, view: View): Promise<void> | undefined {
  const { kind, items, meta } = answer;
  if (view.accept.format === 'yaml' || view.pretty) {
    return sendDocument(out, 200, head, listValue(kind, items, meta, view), view);
  }
  const pieces = listPieces(kind, items, meta, view);
  const estimate = items.reduce((sum, item) => sum + item.json.length, 0);
  if (estimate < WRITE_CHUNK_CHARS && !(out.gzip && estimate > GZIP_THRESHOLD_BYTES)) {
    return sendText(out, 200, head, [...pieces].join('')) ?? undefined;
  }
  return sendPieces(out, 200, head, pieces, estimate);
}
