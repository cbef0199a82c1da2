/** One listening address: TLS, HTTP/1.1 and HTTP/2 on the same port, bounded in every direction. */
import { constants } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { SecureContextOptions, TLSSocket } from 'node:tls';
import {
  GRACEFUL_CLOSE_MS, HANDSHAKE_TIMEOUT_MS, HEADERS_TIMEOUT_MS, KEEP_ALIVE_MS, MAX_BODY_BYTES, MAX_CONNECTIONS, MAX_HEADER_BYTES,
  MAX_HTTP2_STREAMS, TCP_KEEP_ALIVE_MS,
} from '../limits.ts';
import type { KeyPair } from '../pki/index.ts';
import { rememberSocket, type Req, type Res } from './exchange.ts';
import { Sessions } from './sessions.ts';

/** What a listener shows, and whom it believes. */
export type Certificates = Pick<ListenerOptions, 'serving' | 'clientCas'>;

const contextOf = ({ serving, clientCas }: Certificates): SecureContextOptions => ({
  key: serving.key, cert: serving.cert, ca: clientCas, minVersion: 'TLSv1.2',
  // A resumed session would skip the check of the client's certificate.
  secureOptions: constants.SSL_OP_NO_TICKET,
});

export interface ListenerOptions {
  serving: KeyPair;
  /** PEM of one or several: client certificates are checked against them. */
  clientCas: string;
  onRequest(req: Req, res: Res): void;
  onUpgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void;
}

/** Node documents these for HTTP/1 servers; a secure HTTP/2 server that allows HTTP/1 takes them too. */
interface Http1Limits {
  headersTimeout: number;
  requestTimeout: number;
  keepAliveTimeout: number;
}

export class Listener {
  readonly #server: Http2SecureServer;
  readonly #sockets = new Set<TLSSocket>();
  readonly #sessions = new Sessions();
  readonly #sweeper: NodeJS.Timeout;

  constructor(options: ListenerOptions) {
    const http1: Http1Limits & { maxHeaderSize: number; noDelay: boolean; keepAlive: boolean; keepAliveInitialDelay: number } = {
      headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: 0, keepAliveTimeout: KEEP_ALIVE_MS, maxHeaderSize: MAX_HEADER_BYTES, noDelay: true,
      keepAlive: true, keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
    };
    this.#server = createSecureServer({
      ...http1,
      allowHTTP1: true,
      ...contextOf(options),
      requestCert: true, rejectUnauthorized: false,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      maxSessionMemory: 64,
      settings: { maxConcurrentStreams: MAX_HTTP2_STREAMS, maxHeaderListSize: MAX_HEADER_BYTES, initialWindowSize: MAX_BODY_BYTES },
    });
    const limits = this.#server as unknown as Http1Limits;
    limits.headersTimeout = HEADERS_TIMEOUT_MS;
    // Bodies have a limit of their own, which does not apply to what is streamed to a node.
    limits.requestTimeout = 0;
    limits.keepAliveTimeout = KEEP_ALIVE_MS;
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#server.on('request', (req, res) => options.onRequest(req, res));
    this.#server.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => options.onUpgrade(req, socket, head));
    // Before Node's own listener, which begins the HTTP/2 session.
    this.#server.prependListener('secureConnection', (socket) => this.#track(socket));
    this.#server.on('session', (session) => this.#trackSession(session));
    // Broken handshakes and protocol errors are the client's affair; the socket is already gone.
    this.#server.on('tlsClientError', (_error, socket) => socket.destroy());
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => answerClientError(error, socket));
    this.#server.on('sessionError', () => undefined);
    this.#sweeper = setInterval(() => { this.#sessions.sweep(); }, HEADERS_TIMEOUT_MS).unref();
  }

  /** Certificates for connections from now on. */
  renew(certificates: Certificates): void {
    this.#server.setSecureContext(contextOf(certificates));
  }

  #track(socket: TLSSocket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  #trackSession(session: ServerHttp2Session): void {
    const socket = this.#socketOf(session);
    if (socket !== undefined) {
      rememberSocket(session, socket);
    }
    this.#sessions.add(session);
    session.on('error', () => session.destroy());
  }

  /** A session shows its socket only through a proxy: find the real one by its address. */
  #socketOf(session: ServerHttp2Session): TLSSocket | undefined {
    const { remoteAddress, remotePort, localPort } = session.socket;
    return [...this.#sockets].find((socket) =>
      socket.remotePort === remotePort && socket.remoteAddress === remoteAddress && socket.localPort === localPort);
  }

  listen(host: string, port: number): Promise<{ port: number }> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        // listen() with a port yields an AddressInfo.
        const address = this.#server.address() as AddressInfo;
        resolve({ port: address.port });
      });
    });
  }

  /** Whether this listens on all addresses at a port. */
  covers(port: number): boolean {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null && address.port === port && (address.address === '0.0.0.0' || address.address === '::');
  }

  /** Takes no new connections, lets requests under way end, then cuts what is left. */
  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    for (const session of this.#sessions) {
      session.close();
    }
    const timer = setTimeout(() => {
      for (const socket of this.#sockets) {
        socket.destroy();
      }
    }, GRACEFUL_CLOSE_MS);
    await closed;
    clearTimeout(timer);
  }
}

function answerClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (socket.destroyed || !socket.writable) {
    return;
  }
  const code = error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request';
  socket.end(`HTTP/1.1 ${code}\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n${code}`);
}
