/** The two ways in which clients take over a connection: WebSocket, and SPDY/3.1 for kubectl before 1.30 and as everybody's second choice. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { badRequest, failure } from '../../apimachinery/status.ts';

/** A connection that its client wants to take over, as Node hands it out. */
export interface Upgrade {
  req: IncomingMessage;
  socket: Duplex;
  head: Buffer;
}

const STREAM_PROTOCOL = 'x-stream-protocol-version';
const SPDY = 'SPDY/3.1';

const words = (value: string | string[] | undefined): string[] =>
  [value ?? ''].flat().join(',').split(',').map((word) => word.trim()).filter((word) => word !== '');

/** Throws BadRequest when the client wants something else. */
export function upgradeKind(req: IncomingMessage): 'websocket' | 'spdy' {
  const asked = req.headers.upgrade ?? '';
  if (asked.toLowerCase() === 'websocket') {
    return 'websocket';
  }
  if (asked.toLowerCase() === SPDY.toLowerCase()) {
    return 'spdy';
  }
  throw badRequest(`unable to upgrade: expected SPDY/3.1 or websocket, got ${JSON.stringify(asked)}`);
}

/** Subprotocols that a WebSocket client offers. */
export const offeredProtocols = (req: IncomingMessage): string[] => words(req.headers['sec-websocket-protocol']);

/** The first of the client's protocols that is ours too. Throws in Kubernetes' words. */
export function negotiateSpdy(req: IncomingMessage, supported: readonly string[]): string {
  const asked = words(req.headers[STREAM_PROTOCOL]);
  if (asked.length === 0) {
    throw badRequest('unable to upgrade: X-Stream-Protocol-Version is required');
  }
  const chosen = asked.find((protocol) => supported.includes(protocol));
  if (chosen === undefined) {
    throw failure('Forbidden', `unable to upgrade: unable to negotiate protocol: client supports [${asked.join(' ')}], server accepts [${supported.join(' ')}]`);
  }
  return chosen;
}

/** Answers a SPDY upgrade: from here on the connection speaks SPDY. */
export function acceptSpdy(socket: Duplex, protocol: string): void {
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${SPDY}\r\nX-Stream-Protocol-Version: ${protocol}\r\n\r\n`);
}
