/** Carries bytes between a WebSocket and what a guest offers, by KubeVirt's rules: binary frames only, no prefixes, 1000 for a clean end. */
import type { IncomingMessage } from 'node:http';
import type { Socket as UdpSocket } from 'node:dgram';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import type { Console } from './console.ts';

const SUBPROTOCOL = 'plain.kubevirt.io';
/** Largest message taken from a client, bytes. */
const MESSAGE_MAX = 1 << 20;
/** Beyond this many unsent bytes the source is not read on. */
const HIGH_WATER = 1 << 20;
/** A console's viewer with this many unsent bytes is too slow and is let go. */
const VIEWER_MAX = 4 << 20;
const PING_MS = 1000;
/** A client silent for this long is gone. */
const SILENCE_MS = 60_000;

const CLOSE_NORMAL = 1000;
const CLOSE_ERROR = 1011;
const CLOSE_SLOW = 1013;

const server = new WebSocketServer({
  noServer: true, perMessageDeflate: false, maxPayload: MESSAGE_MAX,
  // Browsers carry a token as a second protocol, which is never answered.
  handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
});

export function acceptWebSocket(req: IncomingMessage, socket: Duplex, head: Buffer): Promise<WebSocket> {
  return new Promise((resolve) => {
    server.handleUpgrade(req, socket, head, resolve);
  });
}

function bytesOf(data: RawData): Buffer {
  if (Array.isArray(data)) {
    return Buffer.concat(data);
  }
  return Buffer.isBuffer(data) ? data : Buffer.from(data);
}

/** Pings, and ends a connection whose client answers nothing for a minute. */
function keepAlive(ws: WebSocket): void {
  let heard = performance.now();
  const listen = (): void => {
    heard = performance.now();
  };
  const timer = setInterval(() => {
    if (performance.now() - heard > SILENCE_MS) {
      ws.terminate();
    } else {
      ws.ping();
    }
  }, PING_MS);
  ws.on('pong', listen);
  ws.on('message', listen);
  ws.on('close', () => {
    clearInterval(timer);
  });
}

/** Until either side ends. */
export function relayStream(ws: WebSocket, stream: Duplex): void {
  keepAlive(ws);
  ws.on('message', (data, isBinary) => {
    if (isBinary && !stream.write(bytesOf(data))) {
      ws.pause();
    }
  });
  stream.on('drain', () => {
    ws.resume();
  });
  stream.on('data', (chunk: Buffer) => {
    ws.send(chunk, { binary: true }, () => {
      if (stream.isPaused() && ws.bufferedAmount < HIGH_WATER) {
        stream.resume();
      }
    });
    if (ws.bufferedAmount >= HIGH_WATER) {
      stream.pause();
    }
  });
  stream.on('end', () => {
    ws.close(CLOSE_NORMAL);
  });
  stream.on('error', () => {
    ws.close(CLOSE_ERROR);
  });
  stream.on('close', () => {
    ws.close(CLOSE_NORMAL);
  });
  ws.on('close', () => {
    stream.destroy();
  });
  ws.on('error', () => {
    stream.destroy();
  });
}

/** One datagram per message. */
export function relayDatagrams(ws: WebSocket, socket: UdpSocket): void {
  keepAlive(ws);
  socket.on('message', (datagram) => {
    if (ws.bufferedAmount < HIGH_WATER) {
      ws.send(datagram, { binary: true });
    }
  });
  socket.on('error', () => {
    ws.close(CLOSE_ERROR);
  });
  ws.on('message', (data, isBinary) => {
    if (isBinary) {
      socket.send(bytesOf(data));
    }
  });
  const end = (): void => {
    socket.close();
  };
  ws.once('close', end);
  ws.on('error', () => {
    ws.terminate();
  });
}

/** Throws ConsoleFullError before anything is sent. */
export function relayConsole(ws: WebSocket, console: Console): void {
  const detach = console.attach({
    output(bytes) {
      if (ws.bufferedAmount > VIEWER_MAX) {
        ws.close(CLOSE_SLOW, 'the viewer is too slow');
        return;
      }
      ws.send(bytes, { binary: true });
    },
    closed() {
      ws.close(CLOSE_NORMAL);
    },
  });
  keepAlive(ws);
  ws.on('message', (data, isBinary) => {
    if (isBinary) {
      console.input(bytesOf(data));
    }
  });
  ws.on('close', detach);
  ws.on('error', () => {
    ws.terminate();
  });
}
