/** One HTTP request: read, authenticate, hand to the pipeline, write the answer. */
import { constants as http2 } from 'node:http2';
import { performance } from 'node:perf_hooks';
import type { Log } from '../../apimachinery/log.ts';
import { failure, internalError, StatusError, tooLarge, unauthorized } from '../../apimachinery/status.ts';
import { StoreUnavailableError, ValueTooLargeError, type Stored } from '../../store/store.ts';
import { LEVEL_HEADER, SCHEMA_HEADER, type Flow } from '../fairness/fairness.ts';
import { ANONYMOUS, type Authenticator } from '../authn/authenticate.ts';
import { impersonated, wantsImpersonation } from '../authn/impersonate.ts';
import { isPublicPath } from '../authz/masters.ts';
import { GZIP_THRESHOLD_BYTES, LINGER_MS, MAX_REQUESTS_IN_FLIGHT, MAX_WARNINGS_CHARS, MAX_WATCHES, WRITE_CHUNK_CHARS } from '../limits.ts';
import { serve, type Pipeline } from '../pipeline.ts';
import { route, verbOf } from '../route.ts';
import type { Answer, Body, Call, HttpExchange, RequestInfo, RequestVerb, User } from '../types.ts';
import { PageNotFound } from '../verbs/core.ts';
import type { WatchStream } from '../verbs/watchstream.ts';
import { headersOf, replyOf, socketOf, type Reply, type Req, type Res } from './exchange.ts';
import { acceptOf, cannotAccept, JSON_ACCEPT } from './negotiate.ts';
import { splitTarget } from './query.ts';
import { readBody } from './readbody.ts';
import { documentPieces, documentText, includeObjectOf, isPlain, listPieces, shapeObject, wantsPretty, type View } from './render.ts';
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

/** What a request is about, before it is known who asks. */
export interface Prepared {
  readonly info: RequestInfo;
  readonly verb: RequestVerb;
  readonly query: URLSearchParams;
}

/** Who asks; `actor` is who it really is, where that differs. */
export interface Asking {
  readonly user: User;
  readonly actor?: User;
}

const NO_BODY: Body = { kind: 'none' };
const UNREAD = route('/');
const BODY_METHODS = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

/** Path and verb. Throws StatusErrors. */
export function prepare(req: Req): Prepared {
  const { path, query } = splitTarget(req.url ?? '/');
  const info = route(path);
  const verb = verbOf(req.method ?? 'GET', info, query);
  if (verb === undefined) {
    throw failure('MethodNotAllowed', 'the server does not allow this method on the requested resource');
  }
  return { info, verb, query };
}

/** The user of a request: at once where nobody has to be asked for it. Throws or rejects with Unauthorized, Forbidden or BadRequest. */
export function identify(req: Req, info: RequestInfo, { authenticator, pipeline }: HandlerOptions): Asking | Promise<Asking> {
  const socket = socketOf(req);
  if (socket === undefined) {
    throw unauthorized();
  }
  const user = authenticator.authenticate(headersOf(req), socket);
  const impersonates = wantsImpersonation(headersOf(req));
  if (user instanceof Promise || impersonates) {
    return identifyLater(req, user, impersonates, pipeline);
  }
  if (user === ANONYMOUS && !(isPublicPath(info.path) && !info.isResource)) {
    throw unauthorized();
  }
  return { user };
}

async function identifyLater(req: Req, pending: User | Promise<User>, impersonates: boolean, { core }: Pipeline): Promise<Asking> {
  const actor = await pending;
  if (actor === ANONYMOUS) {
    throw unauthorized();
  }
  return impersonates ? { user: await impersonated(core.authorizer, actor, req), actor } : { user: actor };
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

/** Tells the client where its request belonged. */
function markFlow(reply: Reply, { schemaUid, level }: Flow): void {
  if (!reply.headersSent) {
    reply.setHeader(SCHEMA_HEADER, schemaUid);
    reply.setHeader(LEVEL_HEADER, level.options.uid);
  }
}

const tooMany = (): StatusError => failure('TooManyRequests', 'Too many requests, please try again later.', { retryAfterSeconds: 1 });

/** One request on its way, for whoever counts it. */
interface Exchange extends HttpExchange {
  /** By performance.now(). */
  readonly begun: number;
  prepared?: Prepared;
}

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
    const exchange: Exchange = { req, res, begun: performance.now() };
    try {
      if (this.#inFlight >= MAX_REQUESTS_IN_FLIGHT) {
        throw tooMany();
      }
      const pending = this.#serve(exchange);
      if (pending !== undefined) {
        this.#settle(exchange, pending);
      }
    } catch (error) {
      if (replyOf(res).headersSent) {
        log.error({ error: String(error) }, 'an answer failed after it had begun');
      }
      this.#fail(exchange, error);
    }
  }

  /** Counts a request that is not answered at once until it is. */
  #settle(exchange: Exchange, pending: Promise<void>): void {
    const { metrics } = this.#options.pipeline.paths;
    const mutates = BODY_METHODS.has(exchange.req.method ?? '');
    this.#inFlight += 1;
    metrics.inFlight(mutates, 1);
    pending.catch((error: unknown) => this.#fail(exchange, error)).finally(() => {
      this.#inFlight -= 1;
      metrics.inFlight(mutates, -1);
    });
  }

  #serve(exchange: Exchange): Promise<void> | undefined {
    const { req } = exchange;
    const prepared = prepare(req);
    exchange.prepared = prepared;
    const asking = this.#identify(exchange, prepared);
    if (asking instanceof Promise) {
      return this.#later(exchange, prepared, asking);
    }
    return this.#asked(exchange, prepared, asking);
  }

  /** As `identify`, telling of those who are not let in where requests are told of. */
  #identify(exchange: Exchange, prepared: Prepared): Asking | Promise<Asking> {
    const { pipeline: { audit } } = this.#options;
    if (audit === undefined) {
      return identify(exchange.req, prepared.info, this.#options);
    }
    const refused = (error: unknown): never => {
      audit.turnedAway({ ...prepared, method: exchange.req.method ?? 'GET', http: exchange }, error);
      throw error;
    };
    try {
      const asking = identify(exchange.req, prepared.info, this.#options);
      return asking instanceof Promise ? asking.catch(refused) : asking;
    } catch (error) {
      return refused(error);
    }
  }

  async #later(exchange: Exchange, prepared: Prepared, pending: Promise<Asking>): Promise<void> {
    await this.#asked(exchange, prepared, await pending);
  }

  #asked(exchange: Exchange, prepared: Prepared, asking: Asking): Promise<void> | undefined {
    return BODY_METHODS.has(exchange.req.method ?? '') ? this.#withBody(exchange, prepared, asking) : this.#answer(exchange, prepared, asking, NO_BODY);
  }

  /** Another API server answers, and reads. */
  #isRemote(info: RequestInfo): boolean {
    return this.#options.pipeline.aggregation.extraOf(info) !== undefined;
  }

  async #withBody(exchange: Exchange, prepared: Prepared, asking: Asking): Promise<void> {
    // What a node answers it also reads.
    const body = isProxied(prepared.info) || this.#isRemote(prepared.info) ? NO_BODY : await readBody(exchange.req);
    await this.#answer(exchange, prepared, asking, body);
  }

  #answer(exchange: Exchange, { info, verb, query }: Prepared, { user, actor }: Asking, body: Body): Promise<void> | undefined {
    const { req, res } = exchange;
    const headers = headersOf(req);
    const accept = info.isResource ? acceptOf(headers.accept) : JSON_ACCEPT;
    if (accept === undefined && !isProxied(info) && !this.#isRemote(info)) {
      throw cannotAccept();
    }
    const call: Call = {
      method: req.method ?? 'GET', verb, info, query, user, actor, body, accept: accept ?? JSON_ACCEPT, warnings: [], http: exchange,
    };
    const { pipeline } = this.#options;
    const flow = pipeline.fairness.flowOf(call);
    const marked = (error: unknown): never => {
      markFlow(replyOf(res), flow);
      throw error;
    };
    try {
      const answer = pipeline.fairness.run(flow, call, () => serve(pipeline, call));
      return answer instanceof Promise ? answer.then((settled) => this.#write(exchange, call, settled, flow), marked) : this.#write(exchange, call, answer, flow);
    } catch (error) {
      return marked(error);
    }
  }

  #write(exchange: Exchange, call: Call, answer: Answer, flow: Flow): Promise<void> | undefined {
    const { req, res } = exchange;
    const reply = replyOf(res);
    if (answer.type === 'taken') {
      return undefined;
    }
    if (reply.writableEnded) {
      if (answer.type === 'watch') {
        answer.stream.close();
      }
      return undefined;
    }
    const headers = headersOf(req);
    const out: Outgoing = { reply, gzip: takesGzip(headers['accept-encoding']), headOnly: call.method === 'HEAD' };
    if (answer.type === 'raw') {
      markFlow(reply, flow);
      return this.#counted(exchange, call, answer.code, this.#raw(out, call, answer));
    }
    const view: View = { accept: call.accept, includeObject: includeObjectOf(call.query), pretty: wantsPretty(call.query, headers['user-agent']) };
    if (answer.type === 'watch') {
      markFlow(reply, flow);
      return this.#watch(answer.stream, call, res, view);
    }
    // With the rest of the head, which is cheaper than headers set beforehand.
    const head: Head = { 'content-type': contentTypeOf(view), [SCHEMA_HEADER]: flow.schemaUid, [LEVEL_HEADER]: flow.level.options.uid };
    if (call.warnings.length > 0) {
      head['warning'] = warningHeaders(call.warnings);
    }
    return this.#counted(exchange, call, 'code' in answer ? answer.code : 200, render(out, head, answer, view));
  }

  /** Counts a request when its answer has been handed to the network. */
  #counted({ begun }: Exchange, call: Call, code: number, writing: Promise<void> | undefined): Promise<void> | undefined {
    const { metrics } = this.#options.pipeline.paths;
    if (writing === undefined) {
      metrics.request(call, code, performance.now() - begun);
      return undefined;
    }
    return writing.then(() => metrics.request(call, code, performance.now() - begun));
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

  async #watch(stream: WatchStream, call: Call, res: Res, view: View): Promise<void> {
    const { watches, pipeline: { paths: { metrics } } } = this.#options;
    if (watches.size >= MAX_WATCHES) {
      stream.close();
      throw tooMany();
    }
    watches.add(stream);
    metrics.request(call, 200, undefined);
    const watched = metrics.watching(call);
    // A watch is counted among the watches from here on.
    this.#inFlight -= 1;
    metrics.inFlight(false, -1);
    try {
      await writeWatch(stream, res, view, { turns: this.#turns, onEvents: (count) => { watched.events += count; } });
    } finally {
      this.#inFlight += 1;
      metrics.inFlight(false, 1);
      watches.delete(stream);
      watched.watchers -= 1;
    }
  }

  #fail({ req, res, begun, prepared }: Exchange, error: unknown): void {
    const reply = replyOf(res);
    if (reply.headersSent) {
      // Half an answer must not look like a whole one.
      reply.destroy();
      return;
    }
    const code = sendError(req, reply, error, this.#options.log);
    this.#options.pipeline.paths.metrics.request(prepared ?? unreadable(req), code, performance.now() - begun);
  }
}

/** What a request that could not be read is counted as. */
const unreadable = ({ method }: Req): Pick<Prepared, 'info' | 'verb'> =>
  ({ info: UNREAD, verb: method === 'POST' ? 'post' : method === 'PUT' ? 'put' : method === 'DELETE' ? 'delete' : method === 'PATCH' ? 'patch' : 'get' });

/** Whether a node, a pod or an extra group may want the body as a stream. */
function isProxied(info: RequestInfo): boolean {
  return info.isResource && info.group === '' && (info.subresource === 'proxy'
    || (info.resource === 'pods' && (info.subresource === 'log' || info.subresource === 'exec' || info.subresource === 'attach' || info.subresource === 'portforward')));
}

/** An error as Kubernetes answers it: a Status, or plain text for a path that is not there. Answers the code. */
export function sendError(req: Req, reply: Reply, error: unknown, log: Log): number {
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
    return 404;
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
  return failed.code;
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

/** Characters of the entries; of a long list only as many as tell that it is long. */
function lengthOf(items: readonly Stored[]): number {
  let length = 0;
  for (let index = 0; index < items.length && length < WRITE_CHUNK_CHARS; index += 1) {
    length += items[index]?.json.length ?? 0;
  }
  return length;
}

function sendList(out: Outgoing, head: Head, answer: Extract<Answer, { type: 'list' }>, view: View): Promise<void> | undefined {
  const { kind, items, meta } = answer;
  const estimate = lengthOf(items);
  if (view.accept.format === 'yaml' || view.pretty) {
    return documentPieces(kind, items, meta, view).then((pieces) => sendPieces(out, 200, head, pieces, estimate));
  }
  const pieces = listPieces(kind, items, meta, view);
  if (estimate < WRITE_CHUNK_CHARS && !(out.gzip && estimate > GZIP_THRESHOLD_BYTES)) {
    return sendText(out, 200, head, [...pieces].join('')) ?? undefined;
  }
  return sendPieces(out, 200, head, pieces, estimate);
}
