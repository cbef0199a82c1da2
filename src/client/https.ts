/**
 * The transport over HTTPS (or plain HTTP, for `kubectl proxy`): keep-alive connections, no library. One request a
 * connection at a time, so a slow list never holds up a watch.
 */
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import type { Agent } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import { StatusError, failure, internalError, type Reason, REASON_CODES } from '../apimachinery/status.ts';
import { statusErrorOf } from './client.ts';
import type { ApiRequest, ApiWatchEvent, Transport } from './transport.ts';

/** Whom to speak to and as whom. `ca`, `cert` and `key` are PEM texts. */
export interface Connection {
  /** `https://host:port`, with an optional path prefix. */
  server: string;
  ca?: string;
  cert?: string;
  key?: string;
  /** A function is asked before every request, for tokens that change. */
  token?: string | (() => Promise<string | undefined>);
  insecureSkipTlsVerify?: boolean;
  /** User to act as, by leave of whom the credentials are of. */
  impersonate?: string;
  /** Name to verify the server's certificate against, if not the host of `server`. */
  tlsServerName?: string;
}

export interface HttpsTransport extends Transport {
  /** The answer itself, for logs and other streams. Throws StatusError for an answer of 400 and above. */
  open(request: StreamRequest): Promise<IncomingMessage>;
  /** Ends idle connections; those in use end with their request. */
  close(): void;
}

export interface StreamRequest extends Omit<ApiRequest, 'body'> {
  /** JSON value or, as an async iterable, raw bytes. */
  body?: unknown;
  headers?: Record<string, string>;
}

/** Largest answer taken into memory, bytes. */
const RESPONSE_MAX = 512 * 1024 * 1024;
/** Longest line of a watch, bytes: an object is at most 3 MiB, and its escaped form a few times that. */
const WATCH_LINE_MAX = 32 * 1024 * 1024;
/** Connections kept open when idle. */
const IDLE_SOCKETS_MAX = 32;
/** A request whose connection carries nothing for this long has failed, milliseconds. */
const REQUEST_IDLE_MS = 60_000;
/** The same for a watch: longer than the ten minutes a server is asked to end it after. */
const WATCH_IDLE_MS = 660_000;
/** First TCP keep-alive probe, milliseconds: finds dead peers under quiet watches. */
const TCP_KEEPALIVE_MS = 30_000;
/** Times a request is repeated when the server asks for it with Retry-After. */
const RETRY_AFTER_MAX = 10;
const USER_AGENT = 'telar';

type Sender = (options: RequestOptions, callback: (response: IncomingMessage) => void) => ClientRequest;

export function httpsTransport(connection: Connection): HttpsTransport {
  return new HttpsConnection(connection);
}

class HttpsConnection implements HttpsTransport {
  readonly #base: URL;
  readonly #connection: Connection;
  #agent: Agent | undefined;
  #sender: Promise<Sender> | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#base = new URL(connection.server);
  }

  async request(request: ApiRequest): Promise<unknown> {
    const response = await this.open(request);
    const text = await readAll(response);
    if (text === '') {
      return undefined;
    }
    if (!(response.headers['content-type'] ?? '').includes('json')) {
      return text;
    }
    const parsed: unknown = JSON.parse(text);
    return parsed;
  }

  async *watch(request: ApiRequest): AsyncGenerator<ApiWatchEvent, void, undefined> {
    const response = await this.#send(request, WATCH_IDLE_MS);
    try {
      await rejectFailure(response);
      for await (const line of lines(response)) {
        yield parseEvent(line);
      }
    } catch (error) {
      if (request.signal?.aborted !== true) {
        throw error;
      }
    } finally {
      response.destroy();
    }
  }

  async open(request: StreamRequest): Promise<IncomingMessage> {
    for (let attempt = 0; ; attempt += 1) {
      const response = await this.#sendPatiently(request);
      const wait = Number(response.headers['retry-after']);
      if (!(response.statusCode === 429 || response.statusCode === 503) || !(wait >= 0) || attempt >= RETRY_AFTER_MAX || isStream(request.body)) {
        await rejectFailure(response);
        return response;
      }
      response.resume();
      await delay(wait * 1000, undefined, request.signal ? { signal: request.signal } : {});
    }
  }

  /** A kept-alive connection may have been closed under a request; reading again is safe, writing again is not. */
  async #sendPatiently(request: StreamRequest): Promise<IncomingMessage> {
    try {
      return await this.#send(request, REQUEST_IDLE_MS);
    } catch (error) {
      if (request.method === 'GET' && error instanceof StaleConnectionError) {
        return await this.#send(request, REQUEST_IDLE_MS);
      }
      throw error;
    }
  }

  async #send(request: StreamRequest, idleMs: number): Promise<IncomingMessage> {
    this.#sender ??= this.#connect();
    const send = await this.#sender;
    const headers = await this.#headers(request);
    const body = request.body === undefined || isStream(request.body) ? undefined : Buffer.from(JSON.stringify(request.body));
    if (body) {
      headers['content-length'] = String(body.length);
    }
    const query = new URLSearchParams(request.query).toString();
    const options: RequestOptions = {
      protocol: this.#base.protocol, hostname: this.#base.hostname.replace(/^\[|\]$/g, ''), port: this.#base.port,
      path: `${this.#base.pathname.replace(/\/$/, '')}${request.path}${query === '' ? '' : `?${query}`}`,
      method: request.method, headers, timeout: idleMs,
      ...(this.#agent ? { agent: this.#agent } : {}), ...(request.signal ? { signal: request.signal } : {}),
    };
    return await new Promise((resolve, reject) => {
      const outgoing = send(options, resolve);
      outgoing.on('timeout', () => {
        outgoing.destroy(new Error(`no answer from ${this.#base.host} for ${idleMs / 1000} s`));
      });
      outgoing.on('error', (error) => {
        reject(outgoing.reusedSocket && 'code' in error && error.code === 'ECONNRESET'
          ? new StaleConnectionError('the connection was closed', { cause: error }) : error);
      });
      if (isStream(request.body)) {
        pump(request.body, outgoing).catch((error: unknown) => {
          outgoing.destroy(error instanceof Error ? error : new Error(String(error)));
        });
      } else {
        outgoing.end(body);
      }
    });
  }

  async #connect(): Promise<Sender> {
    const { ca, cert, key, insecureSkipTlsVerify, tlsServerName } = this.#connection;
    if (this.#base.protocol === 'http:') {
      const http = await import('node:http');
      return http.request;
    }
    const https = await import('node:https');
    this.#agent = new https.Agent({
      keepAlive: true, keepAliveMsecs: TCP_KEEPALIVE_MS, maxFreeSockets: IDLE_SOCKETS_MAX, scheduling: 'lifo',
      ...(ca === undefined ? {} : { ca }), ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }),
      ...(insecureSkipTlsVerify === true ? { rejectUnauthorized: false } : {}),
      ...(tlsServerName === undefined ? {} : { servername: tlsServerName }),
    });
    return https.request;
  }

  async #headers(request: StreamRequest): Promise<Record<string, string>> {
    const { token, impersonate } = this.#connection;
    const bearer = typeof token === 'function' ? await token() : token;
    return {
      accept: 'application/json', 'user-agent': USER_AGENT,
      ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
      ...(impersonate === undefined ? {} : { 'impersonate-user': impersonate }),
      ...(request.body === undefined ? {} : { 'content-type': request.contentType ?? 'application/json' }),
      ...request.headers,
    };
  }

  close(): void {
    this.#agent?.destroy();
  }
}

class StaleConnectionError extends Error {
  override name = 'StaleConnectionError';
}

function isStream(body: unknown): body is AsyncIterable<Uint8Array> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body;
}

async function pump(body: AsyncIterable<Uint8Array>, outgoing: ClientRequest): Promise<void> {
  for await (const chunk of body) {
    if (!outgoing.write(chunk)) {
      await new Promise((resolve) => outgoing.once('drain', resolve));
    }
  }
  outgoing.end();
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    const bytes: Buffer = chunk;
    size += bytes.length;
    if (size > RESPONSE_MAX) {
      response.destroy();
      throw internalError(`the server's answer is longer than ${RESPONSE_MAX} bytes`);
    }
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function rejectFailure(response: IncomingMessage): Promise<void> {
  const code = response.statusCode ?? 0;
  if (code >= 200 && code < 300) {
    return;
  }
  const text = await readAll(response);
  throw failureOf(code, text);
}

function failureOf(code: number, text: string): StatusError {
  if (text.startsWith('{')) {
    try {
      const parsed: unknown = JSON.parse(text);
      return statusErrorOf(parsed, `the server answered ${code}`);
    } catch (error) {
      if (!(error instanceof SyntaxError)) {
        throw error;
      }
    }
  }
  for (const [reason, known] of Object.entries(REASON_CODES)) {
    if (known === code && isReason(reason)) {
      return failure(reason, text.trim() === '' ? `the server answered ${code}` : text.trim());
    }
  }
  return new StatusError({ status: 'Failure', message: `the server answered ${code}: ${text.trim()}`, code });
}

function isReason(text: string): text is Reason {
  return Object.hasOwn(REASON_CODES, text);
}

/** The lines of a stream, without their line feeds. */
async function* lines(response: IncomingMessage): AsyncGenerator<string, void, undefined> {
  let parts: Buffer[] = [];
  let held = 0;
  for await (const chunk of response) {
    let rest: Buffer = chunk;
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      parts.push(rest.subarray(0, end));
      const line = Buffer.concat(parts).toString('utf8');
      [parts, held] = [[], 0];
      rest = rest.subarray(end + 1);
      if (line !== '') {
        yield line;
      }
    }
    parts.push(rest);
    held += rest.length;
    if (held > WATCH_LINE_MAX) {
      throw internalError(`a watch event is longer than ${WATCH_LINE_MAX} bytes`);
    }
  }
}

const EVENT_TYPES = new Set(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']);

function isEvent(value: unknown): value is ApiWatchEvent {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string' && EVENT_TYPES.has(value.type)
    && 'object' in value && typeof value.object === 'object' && value.object !== null;
}

function parseEvent(line: string): ApiWatchEvent {
  const parsed: unknown = JSON.parse(line);
  if (!isEvent(parsed)) {
    throw internalError('the server sent something that is no watch event');
  }
  return parsed;
}
