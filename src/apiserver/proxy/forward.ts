/** Passing a request on to another HTTP server, byte for byte: nodes, pods and services. Upgrades become a pair of joined sockets. */
import { request as httpRequest, STATUS_CODES } from 'node:http';
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { pipeline, type Duplex, type Transform } from 'node:stream';
import type { StatusError } from '../../apimachinery/status.ts';
import { replyOf, type Req, type Res } from '../http/exchange.ts';
import { NODE_CONNECT_TIMEOUT_MS } from '../limits.ts';

/** Where a request goes. */
export interface Backend {
  readonly secure: boolean;
  /** Host, port and, when secure, what the TLS connection needs. */
  readonly options: RequestOptions;
  /** The backend cannot be reached: what the client is told. */
  unreachable(error: Error): StatusError;
  /** Headers for the backend beyond the client's. */
  readonly headers?: Readonly<Record<string, string | string[]>>;
  /** May change an answer's headers on their way back, and answer a stream that its body has to pass. */
  answered?(headers: Record<string, string | string[]>): Transform | undefined;
}

/** Headers that belong to one connection, and HTTP/2's own. */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'host']);

/** Headers as they are passed on: without those of the connection, and without those it names as its own (RFC 9110, 7.6.1). */
function passedOn(headers: IncomingHttpHeaders, upgrade: boolean): Record<string, string | string[]> {
  const passed: Record<string, string | string[]> = {};
  const named = upgrade ? [] : (headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase());
  for (const [name, value] of Object.entries(headers)) {
    const keep = !name.startsWith(':') && (!HOP_BY_HOP.has(name) || (upgrade && name === 'connection')) && (upgrade || name !== 'upgrade') && !named.includes(name);
    if (value !== undefined && keep) {
      // What the client wants dropped on the way is its own affair, not that of the headers set here.
      passed[name] = name === 'connection' ? 'Upgrade' : value;
    }
  }
  return passed;
}

function send(backend: Backend, target: string, req: Req, upgrade: boolean): ClientRequest {
  const headers: OutgoingHttpHeaders = { ...passedOn(req.headers, upgrade), ...backend.headers };
  const options: RequestOptions = { ...backend.options, path: target, method: req.method ?? 'GET', headers };
  const outgoing = backend.secure ? httpsRequest(options) : httpRequest(options);
  const timer = setTimeout(() => outgoing.destroy(new Error('i/o timeout')), NODE_CONNECT_TIMEOUT_MS);
  const connected = (): void => { clearTimeout(timer); };
  outgoing.once('socket', (socket) => {
    if (!socket.connecting) {
      connected();
    }
    socket.once(backend.secure ? 'secureConnect' : 'connect', connected);
  });
  outgoing.once('close', connected);
  return outgoing;
}

/** A plain request: the backend's answer goes to the client as it comes. Never throws. */
export function forwardRequest(backend: Backend, target: string, req: Req, res: Res): void {
  const reply = replyOf(res);
  const outgoing = send(backend, target, req, false);
  outgoing.on('error', (error) => {
    if (reply.headersSent) {
      // Half an answer must not look like a whole one.
      reply.destroy();
      return;
    }
    const failed = backend.unreachable(error);
    reply.writeHead(failed.code, { 'content-type': 'application/json' });
    reply.end(JSON.stringify(failed.status));
  });
  outgoing.on('response', (incoming) => {
    const headers = passedOn(incoming.headers, false);
    const change = backend.answered?.(headers);
    reply.writeHead(incoming.statusCode ?? 502, headers);
    // Both kinds of answer are writable streams.
    const body = res as NodeJS.WritableStream;
    const cut = (error: Error | null): void => {
      if (error !== null) {
        // Half an answer must not look like a whole one.
        reply.destroy();
      }
    };
    if (change === undefined) {
      pipeline(incoming, body, (error) => { cut(error ?? null); });
    } else {
      pipeline(incoming, change, body, (error) => { cut(error ?? null); });
    }
  });
  reply.once('close', () => outgoing.destroy());
  if (req.readableEnded) {
    // Somebody has read the body already, which then is not the backend's affair.
    outgoing.end();
  } else {
    req.pipe(outgoing);
  }
}

function statusAnswer(error: StatusError): string {
  const body = JSON.stringify(error.status);
  return `HTTP/1.1 ${error.code} ${STATUS_CODES[error.code] ?? 'Error'}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`;
}

const headLines = (headers: Record<string, string | string[]>): string =>
  Object.entries(headers).flatMap(([name, value]) => [value].flat().map((one) => `${name}: ${one}\r\n`)).join('');

/** A request that takes its connection over. Never throws. */
export function forwardUpgrade(backend: Backend, target: string, { req, socket, head }: { req: IncomingMessage; socket: Duplex; head: Buffer }): void {
  const outgoing = send(backend, target, req, true);
  outgoing.on('error', (error) => {
    if (!socket.destroyed) {
      socket.end(statusAnswer(backend.unreachable(error)));
    }
  });
  outgoing.on('response', (incoming) => {
    // Refused: the answer is an ordinary one, ended by the connection's end.
    const headers = passedOn(incoming.headers, false);
    backend.answered?.(headers);
    socket.write(`HTTP/1.1 ${incoming.statusCode ?? 502} ${incoming.statusMessage ?? ''}\r\n${headLines(headers)}connection: close\r\n\r\n`);
    incoming.pipe(socket);
  });
  outgoing.on('upgrade', (incoming, remote, remoteHead) => {
    const lines = incoming.rawHeaders.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${incoming.rawHeaders[index + 1] ?? ''}`] : []));
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('\r\n')}\r\n\r\n`);
    socket.write(remoteHead);
    remote.write(head);
    joinSockets(socket, remote);
  });
  socket.once('close', () => outgoing.destroy());
  outgoing.end();
}

/** What one sends the other gets; the break of one is the end of both. */
function joinSockets(left: Duplex, right: Duplex): void {
  left.pipe(right).pipe(left);
  const closeBoth = (): void => {
    left.destroy();
    right.destroy();
  };
  for (const end of [left, right]) {
    end.on('error', closeBoth);
    end.on('close', closeBoth);
  }
}
