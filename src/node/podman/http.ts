/** HTTP over Podman's unix socket: JSON requests, streams, and connections taken over for exec and attach. */
import { Agent, request as httpRequest } from 'node:http';
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { PodmanAnswerError, PodmanError, PodmanUnreachableError } from './errors.ts';
import { isFields, textOf } from './parse.ts';

/** Connections kept to the service for short requests; more wait their turn. */
const MAX_CONNECTIONS = 16;
/** Longest JSON answer accepted, bytes. A list of a thousand containers is about 2 MB. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
/** Longest error text read from a failed answer, bytes. */
const MAX_ERROR_BYTES = 64 * 1024;
/** An ordinary request that takes longer is given up; waiting requests and streams have no limit. */
const REQUEST_TIMEOUT_MS = 120_000;

/** Pauses between tries while the service is away: longer together than its supervisor takes to start it again. */
const RETRY_PAUSES_MS = [100, 200, 400, 800, 1600, 3200];

const API_PREFIX = '/v4.0.0/libpod';

export interface PodmanRequest {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below the libpod prefix, e.g. `/containers/json`; segments already encoded. */
  path: string;
  query?: Readonly<Record<string, string | undefined>>;
  /** JSON value, or a stream sent as it is. */
  body?: unknown;
  stream?: Readable;
  contentType?: string;
  signal?: AbortSignal;
  headers?: Readonly<Record<string, string>>;
}

function targetOf(request: PodmanRequest): string {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(request.query ?? {})) {
    if (value !== undefined) {
      query.set(key, value);
    }
  }
  return query.size === 0 ? `${API_PREFIX}${request.path}` : `${API_PREFIX}${request.path}?${query.toString()}`;
}

const nameOf = (request: PodmanRequest): string => `${request.method} ${request.path}`;

async function readText(message: IncomingMessage, limit: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message) {
    if (!Buffer.isBuffer(chunk)) {
      continue;
    }
    size += chunk.length;
    if (size > limit) {
      message.destroy();
      throw new PodmanAnswerError(`an answer of more than ${limit} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

async function failureOf(message: IncomingMessage): Promise<PodmanError> {
  const status = message.statusCode ?? 0;
  const text = await readText(message, MAX_ERROR_BYTES);
  try {
    const parsed: unknown = JSON.parse(text);
    if (isFields(parsed)) {
      return new PodmanError(status, textOf(parsed, 'message') || text, textOf(parsed, 'cause'));
    }
  } catch (error) {
    return new PodmanError(status, text.trim(), error instanceof Error ? error.name : '');
  }
  return new PodmanError(status, text.trim(), '');
}

export class PodmanHttp {
  readonly #socketPath: string;
  #closed = false;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: MAX_CONNECTIONS, keepAliveMsecs: 30_000 });

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  get socketPath(): string {
    return this.#socketPath;
  }

  close(): void {
    this.#closed = true;
    this.#agent.destroy();
  }

  /**
   * The parsed JSON answer, undefined for an empty one. Throws PodmanError for a failure status. While the service is being started
   * again the request is repeated, so it may be carried out twice: every use of it must bear that.
   */
  async json(request: PodmanRequest, options: { timeoutMs?: number | 'never'; retry?: boolean } = {}): Promise<unknown> {
    const pauses = options.retry === false || request.stream !== undefined ? [] : RETRY_PAUSES_MS;
    for (const pause of pauses) {
      try {
        return await this.#jsonOnce(request, options);
      } catch (error) {
        if (!(error instanceof PodmanUnreachableError) || this.#closed || request.signal?.aborted === true) {
          throw error;
        }
      }
      await sleep(pause);
    }
    return await this.#jsonOnce(request, options);
  }

  async #jsonOnce(request: PodmanRequest, options: { timeoutMs?: number | 'never' }): Promise<unknown> {
    const message = await this.#open(request, options.timeoutMs ?? REQUEST_TIMEOUT_MS);
    const text = await readText(message, MAX_ANSWER_BYTES);
    // Some answers are an empty line.
    if (text.trim() === '') {
      return undefined;
    }
    try {
      const parsed: unknown = JSON.parse(text);
      return parsed;
    } catch {
      throw new PodmanAnswerError(`${nameOf(request)}: ${text.slice(0, 200)}`);
    }
  }

  /** The answer's body as it arrives, on a connection of its own. */
  stream(request: PodmanRequest): Promise<IncomingMessage> {
    return this.#open(request, 'never');
  }

  /**
   * Take over the connection: the socket carries raw or multiplexed bytes of a container's streams.
   * `head` is what came with the answer.
   */
  upgrade(request: PodmanRequest): Promise<{ socket: Duplex; head: Buffer }> {
    return new Promise((resolve, reject) => {
      const outgoing = httpRequest({
        ...this.#options(request), agent: false,
        headers: { ...this.#headers(request), Connection: 'Upgrade', Upgrade: 'tcp' },
      });
      outgoing.on('upgrade', (_message, socket, head) => {
        resolve({ socket, head });
      });
      outgoing.on('response', (message) => {
        failureOf(message).then(reject, reject);
      });
      outgoing.on('error', (cause) => {
        reject(new PodmanUnreachableError(nameOf(request), { cause }));
      });
      outgoing.end(request.body === undefined ? undefined : JSON.stringify(request.body));
    });
  }

  #headers(request: PodmanRequest): Record<string, string> {
    const type = request.contentType ?? (request.stream === undefined ? 'application/json' : 'application/x-tar');
    const headers: Record<string, string> = { ...request.headers };
    if (request.body !== undefined || request.stream !== undefined) {
      headers['Content-Type'] = type;
    }
    return headers;
  }

  #options(request: PodmanRequest): RequestOptions {
    return {
      socketPath: this.#socketPath,
      method: request.method,
      path: targetOf(request),
      ...(request.signal === undefined ? {} : { signal: request.signal }),
    };
  }

  #open(request: PodmanRequest, timeoutMs: number | 'never'): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const payload = request.body === undefined ? undefined : JSON.stringify(request.body);
      const headers = this.#headers(request);
      if (payload !== undefined) {
        headers['Content-Length'] = String(Buffer.byteLength(payload));
      }
      const outgoing: ClientRequest = httpRequest({
        ...this.#options(request),
        agent: timeoutMs === 'never' || request.stream !== undefined ? false : this.#agent,
        headers,
        ...(timeoutMs === 'never' ? {} : { timeout: timeoutMs }),
      });
      outgoing.on('response', (message) => {
        if ((message.statusCode ?? 500) >= 300 && message.statusCode !== 304) {
          failureOf(message).then(reject, reject);
        } else {
          resolve(message);
        }
      });
      outgoing.on('timeout', () => {
        outgoing.destroy(new Error(`no answer within ${String(timeoutMs)} ms`));
      });
      outgoing.on('error', (cause) => {
        reject(new PodmanUnreachableError(nameOf(request), { cause }));
      });
      if (request.stream === undefined) {
        outgoing.end(payload);
      } else {
        pipeline(request.stream, outgoing).catch((cause: unknown) => {
          reject(new PodmanUnreachableError(nameOf(request), { cause }));
        });
      }
    });
  }
}
