/**
 * Port-forward over WebSocket channels, for clients other than kubectl: the ports stand in the query, each has a channel for data (2n) and
 * one for errors (2n+1), and each channel begins with its port as two bytes, little-endian. One connection per port.
 */
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import type { Socket } from 'node:net';
import { badRequest } from '../../../apimachinery/status.ts';
import { bytesOf } from '../channels.ts';
import { IDLE_MS } from '../spdy/limits.ts';
import type { Upgrade } from '../upgrades.ts';
import { forwardFailure, parsePort } from './target.ts';
import type { PortTarget } from './target.ts';

const PROTOCOLS = ['v4.channel.k8s.io', 'v4.base64.channel.k8s.io', 'portforward.k8s.io'];
/** Ports of one connection: channels are one byte. */
const MAX_PORTS = 64;
const MAX_MESSAGE_BYTES = 1024 * 1024;
/** Not yet sent to a slow client, bytes; above it the pod has to wait. */
const MAX_BUFFERED_BYTES = 1024 * 1024;
const PING_MS = 30_000;
const NORMAL_CLOSURE = 1000;
const ASCII_ZERO = 48;

const server = new WebSocketServer({
  noServer: true, maxPayload: MAX_MESSAGE_BYTES, clientTracking: false,
  handleProtocols: (offered) => PROTOCOLS.find((protocol) => offered.has(protocol)) ?? false,
});

/** Whether a client that offers these wants channels. */
export const speaksChannels = (offered: readonly string[]): boolean => offered.length === 0 || offered.some((name) => PROTOCOLS.includes(name));

/** Throws BadRequest in Kubernetes' words. */
export function portsOf(query: URLSearchParams): number[] {
  const texts = query.getAll('ports').concat(query.getAll('port'));
  if (texts.length === 0) {
    throw badRequest('query parameter "port" is required');
  }
  const ports = texts.flatMap((text) => {
    if (text === '') {
      throw badRequest('query parameter "port" cannot be empty');
    }
    return text.split(',').map((one) => {
      try {
        return parsePort(one);
      } catch (error) {
        throw badRequest(error instanceof Error ? error.message : String(error));
      }
    });
  });
  if (ports.length > MAX_PORTS) {
    throw badRequest(`at most ${MAX_PORTS} ports can be forwarded over one connection`);
  }
  return ports;
}

class Forwarder {
  readonly #socket: WebSocket;
  readonly #base64: boolean;
  readonly #sockets: (Socket | undefined)[];
  readonly #moved: () => void;
  #open: number;

  /** `moved` is called whenever something is received or sent. */
  constructor(socket: WebSocket, target: PortTarget, ports: readonly number[], moved: () => void) {
    this.#socket = socket;
    this.#moved = moved;
    this.#base64 = socket.protocol.includes('base64');
    this.#sockets = ports.map(() => undefined);
    this.#open = ports.length;
    socket.pause();
    ports.forEach((port, index) => {
      const bytes = Buffer.from([port & 255, port >> 8]);
      this.#send(index * 2, bytes);
      this.#send(index * 2 + 1, bytes);
    });
    socket.on('message', (data) => { this.#received(bytesOf(data)); });
    // A frame that breaks the rules, or a broken connection: `close` follows and ends the pod's side.
    socket.on('error', () => { socket.terminate(); });
    void this.#dialAll(target, ports);
  }

  /** Never rejects: what fails is told on the port's error channel. The client is read only once all are connected. */
  async #dialAll(target: PortTarget, ports: readonly number[]): Promise<void> {
    await Promise.all(ports.map(async (port, index) => {
      try {
        this.#joined(index, await target.dial(port));
      } catch (error) {
        this.#send(index * 2 + 1, Buffer.from(forwardFailure(target, port, error)));
        this.#over();
      }
    }));
    this.#socket.resume();
  }

  end(): void {
    for (const socket of this.#sockets) {
      socket?.destroy();
    }
  }

  #joined(index: number, socket: Socket): void {
    if (this.#socket.readyState !== this.#socket.OPEN) {
      socket.destroy();
      return;
    }
    this.#sockets[index] = socket;
    socket.on('data', (data: Buffer) => {
      this.#send(index * 2, data, () => { socket.resume(); });
      if (this.#socket.bufferedAmount >= MAX_BUFFERED_BYTES) {
        socket.pause();
      }
    });
    socket.on('drain', () => { this.#socket.resume(); });
    // Why it broke shows as its close; this protocol has no way to end one channel alone.
    socket.on('error', () => { socket.destroy(); });
    socket.on('end', () => { socket.end(); });
    socket.on('close', () => {
      // A client that waits for the connection to take its bytes waits for nothing.
      this.#socket.resume();
      this.#over();
    });
    socket.resume();
  }

  #over(): void {
    this.#open -= 1;
    if (this.#open === 0) {
      this.#socket.close(NORMAL_CLOSURE);
    }
  }

  #send(channel: number, data: Buffer, sent?: () => void): void {
    if (this.#socket.readyState === this.#socket.OPEN) {
      const frame = this.#base64 ? `${channel}${data.toString('base64')}` : Buffer.concat([Buffer.from([channel]), data]);
      this.#moved();
      this.#socket.send(frame, () => {
        if (this.#socket.bufferedAmount < MAX_BUFFERED_BYTES) {
          sent?.();
        }
      });
    }
  }

  #received(data: Buffer): void {
    this.#moved();
    const channel = (data[0] ?? 1) - (this.#base64 ? ASCII_ZERO : 0);
    const payload = data.subarray(1);
    const socket = channel % 2 === 0 ? this.#sockets[channel / 2] : undefined;
    if (socket?.writable === true && !socket.write(this.#base64 ? Buffer.from(payload.toString('latin1'), 'base64') : payload)) {
      this.#socket.pause();
    }
  }
}

/** Resolves when the connection is over. Throws Status errors while it is HTTP. */
export async function forwardChannels({ req, socket, head }: Upgrade, target: PortTarget, query: URLSearchParams): Promise<void> {
  const ports = portsOf(query);
  await new Promise<void>((resolve) => {
    server.handleUpgrade(req, socket, head, (accepted) => {
      const ping = setInterval(() => { accepted.ping(); }, PING_MS);
      const idle = setTimeout(() => { accepted.terminate(); }, IDLE_MS);
      idle.unref();
      const forwarder = new Forwarder(accepted, target, ports, () => { idle.refresh(); });
      accepted.once('close', () => {
        clearInterval(ping);
        clearTimeout(idle);
        forwarder.end();
        resolve();
      });
    });
  });
}
