/** SPDY inside a WebSocket's binary messages, as kubectl forwards ports since 1.30. */
import { createWebSocketStream, WebSocketServer } from 'ws';
import type { Duplex } from 'node:stream';
import type { Upgrade } from '../upgrades.ts';

export const TUNNEL_PROTOCOL = 'SPDY/3.1+portforward.k8s.io';
/** Largest message a client may send, bytes; kubectl's are at most the size of its buffers. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
const PING_MS = 30_000;

const server = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES, clientTracking: false, perMessageDeflate: false });
server.on('headers', (headers) => { headers.push(`Sec-WebSocket-Protocol: ${TUNNEL_PROTOCOL}`); });

/** The protocol's name has a slash, which `ws` takes for an error: it is taken off before and put back into the answer. */
export function acceptTunnel({ req, socket, head }: Upgrade): Promise<Duplex> {
  delete req.headers['sec-websocket-protocol'];
  return new Promise((resolve) => {
    server.handleUpgrade(req, socket, head, (accepted) => {
      // Proxies on the way drop what is silent.
      const ping = setInterval(() => { accepted.ping(); }, PING_MS);
      accepted.once('close', () => { clearInterval(ping); });
      resolve(createWebSocketStream(accepted));
    });
  });
}
