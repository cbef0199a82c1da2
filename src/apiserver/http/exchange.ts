/** The two protocols' requests and answers behind one structural type each. */
import type { IncomingHttpHeaders } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { HttpExchange } from '../types.ts';

export type Req = HttpExchange['req'];
export type Res = HttpExchange['res'];

/** Something that is written to faster than it may take it: an answer, a socket, an HTTP/2 stream. */
export interface Waitable {
  once(event: 'drain' | 'close', listener: () => void): unknown;
  off(event: 'drain' | 'close', listener: () => void): unknown;
  destroy(error?: Error): unknown;
  /** Of HTTP/1.1 answers and of sockets. */
  readonly destroyed?: boolean;
  /** Of HTTP/2 answers. */
  readonly stream?: { readonly destroyed: boolean };
}

/** What is used of a `ServerResponse` or an `Http2ServerResponse`. */
export interface Reply extends Waitable {
  writeHead(status: number, headers: Record<string, number | string | string[]>): unknown;
  setHeader(name: string, value: string): unknown;
  write(chunk: string | Uint8Array): boolean;
  end(chunk?: string | Uint8Array): unknown;
  readonly headersSent: boolean;
  readonly writableEnded: boolean;
}

/** Nobody is there to read any more; `close` may already have been told. */
export const isGone = (reply: Waitable): boolean => reply.destroyed === true || reply.stream?.destroyed === true;

/** Both classes have these members. */
export const replyOf = (res: Res): Reply => res;

export const headersOf = (req: Req): IncomingHttpHeaders => req.headers;

export const isHttp2 = (req: Req): boolean => req.httpVersionMajor === 2;

const sockets = new WeakMap<object, TLSSocket>();

/** The connection's TLS socket, the same object for every request of a connection. Undefined when it is already gone. */
export function socketOf(req: Req): TLSSocket | undefined {
  if ('stream' in req) {
    const { session } = req.stream;
    return session === undefined ? undefined : sockets.get(session);
  }
  return req.socket instanceof TLSSocket ? req.socket : undefined;
}

/** HTTP/2 hides its sockets behind proxies: remember the real one when a session begins. */
export function rememberSocket(session: object, socket: TLSSocket): void {
  sockets.set(session, socket);
}
