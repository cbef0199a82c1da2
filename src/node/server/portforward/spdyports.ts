/**
 * `portforward.k8s.io` over SPDY: for each connection the client opens an error stream and a data stream with the same request id and port.
 * Any number of connections share the session.
 */
import type { Duplex } from 'node:stream';
import type { Log } from '../../../apimachinery/log.ts';
import { SpdySession } from '../spdy/session.ts';
import type { SpdyStream } from '../spdy/stream.ts';
import { join } from './join.ts';
import { forwardFailure, parsePort } from './target.ts';
import type { PortTarget } from './target.ts';

export const PORT_FORWARD_PROTOCOL = 'portforward.k8s.io';
/** A connection whose second stream does not come is given up after this long, ms: the kubelet's own. */
const PAIR_TIMEOUT_MS = 30_000;

interface Pair {
  error?: SpdyStream;
  data?: SpdyStream;
  port: number;
  timer: NodeJS.Timeout;
}

/** Clients older than request ids open the data stream right after the error stream. */
function requestIdOf(stream: SpdyStream, type: string): string {
  return stream.headers.get('requestid') ?? String(type === 'error' ? stream.id : stream.id - 2);
}

export class PortForwardSession {
  readonly #target: PortTarget;
  readonly #log: Log;
  readonly #pairs = new Map<string, Pair>();
  readonly closed: Promise<void>;

  /** Takes the connection, which speaks SPDY already. */
  constructor(transport: Duplex, head: Buffer, target: PortTarget, log: Log) {
    this.#target = target;
    this.#log = log;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.closed = promise;
    const session = new SpdySession(transport, {
      role: 'server', head,
      stream: (stream) => { this.#opened(stream); },
      closed: () => {
        for (const { timer } of this.#pairs.values()) {
          clearTimeout(timer);
        }
        this.#pairs.clear();
        resolve(undefined);
      },
    });
    if (session.closed) {
      resolve(undefined);
    }
  }

  /** Throws to refuse the stream, in Kubernetes' words. */
  #opened(stream: SpdyStream): void {
    const { headers } = stream;
    const portText = headers.get('port') ?? '';
    if (portText === '') {
      throw new Error('"port" header is required');
    }
    const port = parsePort(portText);
    const type = headers.get('streamtype') ?? '';
    if (type === '') {
      throw new Error('"streamType" header is required');
    }
    if (type !== 'error' && type !== 'data') {
      throw new Error(`invalid stream type ${JSON.stringify(type)}`);
    }
    const id = requestIdOf(stream, type);
    const pair = this.#pairs.get(id) ?? this.#begin(id, port);
    if (pair[type] !== undefined) {
      throw new Error(`${type} stream already assigned for request ${id}`);
    }
    pair[type] = stream;
    stream.once('close', () => { this.#gone(id, pair); });
    pair.port = type === 'data' ? port : pair.port;
    if (pair.error !== undefined && pair.data !== undefined) {
      clearTimeout(pair.timer);
      this.#pairs.delete(id);
      void this.#forward(pair.port, pair.data, pair.error);
    }
  }

  /** A stream that went before it had its other waits for nothing. */
  #gone(id: string, pair: Pair): void {
    if (this.#pairs.get(id) === pair) {
      clearTimeout(pair.timer);
      this.#pairs.delete(id);
    }
  }

  #begin(id: string, port: number): Pair {
    const timer = setTimeout(() => {
      this.#pairs.delete(id);
      pair.data?.destroy();
      pair.error?.end(`timed out waiting for streams for request ${id}`);
    }, PAIR_TIMEOUT_MS);
    const pair: Pair = { port, timer };
    this.#pairs.set(id, pair);
    return pair;
  }

  /** Never rejects: what fails is told on the error stream. */
  async #forward(port: number, data: SpdyStream, error: SpdyStream): Promise<void> {
    // The client says nothing on it.
    error.resume();
    try {
      const socket = await this.#target.dial(port);
      if (data.destroyed) {
        socket.destroy();
      } else {
        await join(data, socket);
      }
      error.end();
    } catch (reason) {
      const text = forwardFailure(this.#target, port, reason);
      this.#log.debug({ pod: this.#target.pod, port, error: text }, 'a port could not be forwarded');
      error.end(text);
      data.resume();
      data.end();
    }
  }
}
