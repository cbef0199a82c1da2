/** A plain HTTP server whose upgrades go to a function, and clients that take its connections over. For tests. */
import { createServer, request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { refuseUpgrade } from './answers.ts';
import { SpdySession } from './spdy/session.ts';
import type { Upgrade } from './upgrades.ts';

export interface UpgradeServer {
  port: number;
  close(): void;
}

export function serveUpgrades(handle: (upgrade: Upgrade, query: URLSearchParams) => Promise<void>): Promise<UpgradeServer> {
  const server = createServer();
  const sockets = new Set<Duplex>();
  server.on('upgrade', (req, socket, head) => {
    sockets.add(socket);
    // Clients of tests break off as they like.
    socket.on('error', () => { socket.destroy(); });
    handle({ req, socket, head }, new URL(req.url ?? '/', 'http://x').searchParams).catch((error: unknown) => { refuseUpgrade(socket, error); });
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve({
        port: typeof address === 'object' && address !== null ? address.port : 0,
        close: () => {
          sockets.forEach((socket) => { socket.destroy(); });
          server.close();
        },
      });
    });
  });
}

export interface Taken {
  status: number;
  headers: IncomingMessage['headers'];
  /** Text of a refusal. */
  body: string;
  socket?: Duplex;
  head?: Buffer;
}

export function takeOver(port: number, headers: Record<string, string>, path = '/'): Promise<Taken> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, method: 'POST', agent: false, headers: { connection: 'Upgrade', ...headers } });
    asked.on('upgrade', (incoming, socket, head) => { resolve({ status: 101, headers: incoming.headers, body: '', socket, head }); });
    asked.on('response', (incoming) => {
      let body = '';
      incoming.on('data', (chunk: Buffer) => { body += chunk.toString(); });
      incoming.on('end', () => { resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body }); });
    });
    asked.on('error', reject);
    asked.end();
  });
}

/** A SPDY client on a connection that was taken over. */
export async function spdyClient(port: number, protocols: string, path = '/'): Promise<{ session: SpdySession; protocol: string; closed: Promise<void> }> {
  const { socket, head, headers, body } = await takeOver(port, { upgrade: 'SPDY/3.1', 'x-stream-protocol-version': protocols }, path);
  if (socket === undefined) {
    throw new Error(`refused: ${body}`);
  }
  const { promise: closed, resolve } = Promise.withResolvers<undefined>();
  const session = new SpdySession(socket, { role: 'client', closed: () => { resolve(undefined); }, ...(head === undefined ? {} : { head }) });
  return { session, protocol: String(headers['x-stream-protocol-version']), closed };
}
