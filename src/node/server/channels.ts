/**
 * Kubernetes' remote command protocols over WebSocket: frames that begin with a channel number, as bytes or as base64 text.
 * v5 adds a way to end standard input; before v4 the error channel carries plain text.
 */
import { WebSocketServer } from 'ws';
import type { RawData, WebSocket } from 'ws';
import { badRequest } from '../../apimachinery/status.ts';
import { ERROR, outcomeText, RESIZE, STDIN, terminalSize } from './clientstreams.ts';
import type { ChannelListeners, ClientStreams, Outcome, STDERR, STDOUT } from './clientstreams.ts';
import { IDLE_MS } from './spdy/limits.ts';
import { offeredProtocols } from './upgrades.ts';
import type { Upgrade } from './upgrades.ts';

/** v5: the payload names the channel that the sender closes. */
const CLOSE = 255;

/** Output not yet sent to a slow client, bytes; above it the container has to wait. */
const MAX_BUFFERED_BYTES = 1024 * 1024;
/** Largest frame a client may send, bytes. */
const MAX_FRAME_BYTES = 1024 * 1024;
const PING_MS = 30_000;
const NORMAL_CLOSURE = 1000;

const PROTOCOLS = ['v5.channel.k8s.io', 'v4.channel.k8s.io', 'v3.channel.k8s.io', 'v2.channel.k8s.io', 'channel.k8s.io', 'v4.base64.channel.k8s.io', 'base64.channel.k8s.io'];

const server = new WebSocketServer({
  noServer: true, maxPayload: MAX_FRAME_BYTES, clientTracking: false,
  handleProtocols: (offered) => PROTOCOLS.find((protocol) => offered.has(protocol)) ?? false,
});

export function bytesOf(data: RawData): Buffer {
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.isBuffer(data) ? data : Buffer.from(data);
}

/** Whether the client speaks a protocol of ours; throws a Status error otherwise. */
function checkProtocol(offered: readonly string[]): void {
  if (offered.length > 0 && !offered.some((name) => PROTOCOLS.includes(name))) {
    throw badRequest(`unable to upgrade: none of the protocols ${offered.join(', ')} is supported; supported are ${PROTOCOLS.join(', ')}`);
  }
}

export class Channels implements ClientStreams {
  readonly #socket: WebSocket;
  readonly #protocol: string;
  readonly #base64: boolean;
  readonly #ping: NodeJS.Timeout;
  readonly #idle: NodeJS.Timeout;
  #listeners: ChannelListeners | undefined;
  #drained: (() => void) | undefined;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    this.#protocol = socket.protocol;
    this.#base64 = socket.protocol.includes('base64');
    // Proxies on the way drop what is silent.
    this.#ping = setInterval(() => { socket.ping(); }, PING_MS);
    this.#idle = setTimeout(() => { socket.terminate(); }, IDLE_MS);
    this.#idle.unref();
    socket.on('message', (data) => { this.#received(bytesOf(data)); });
    socket.on('close', () => {
      clearInterval(this.#ping);
      clearTimeout(this.#idle);
      this.#listeners?.closed();
    });
    // A frame that breaks the rules, or a broken connection: `close` follows and tells the container's side.
    socket.on('error', () => { socket.terminate(); });
    socket.pause();
  }

  /** Throws a Status error when the client speaks no protocol of ours. */
  static accept({ req, socket, head }: Upgrade): Promise<Channels> {
    checkProtocol(offeredProtocols(req));
    return new Promise((resolve) => {
      server.handleUpgrade(req, socket, head, (accepted) => { resolve(new Channels(accepted)); });
    });
  }

  listen(listeners: ChannelListeners): void {
    this.#listeners = listeners;
    if (this.#socket.readyState !== this.#socket.OPEN) {
      listeners.closed();
      return;
    }
    this.#socket.resume();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  send(channel: typeof STDOUT | typeof STDERR | typeof ERROR, data: Buffer, drained: () => void): boolean {
    if (this.#socket.readyState !== this.#socket.OPEN) {
      return true;
    }
    this.#idle.refresh();
    const frame = this.#base64 ? `${channel}${data.toString('base64')}` : Buffer.concat([Buffer.from([channel]), data]);
    this.#socket.send(frame, () => {
      if (this.#socket.bufferedAmount < MAX_BUFFERED_BYTES) {
        const waiting = this.#drained;
        this.#drained = undefined;
        waiting?.();
      }
    });
    if (this.#socket.bufferedAmount < MAX_BUFFERED_BYTES) {
      return true;
    }
    this.#drained = drained;
    return false;
  }

  finish(outcome: Outcome): void {
    const text = outcomeText(Number(/^v(\d)\./.exec(this.#protocol)?.[1] ?? 1), outcome);
    if (text !== '') {
      this.send(ERROR, Buffer.from(text), () => undefined);
    }
    this.#socket.close(NORMAL_CLOSURE);
  }

  #received(data: Buffer): void {
    this.#idle.refresh();
    const bytes = this.#base64 ? Buffer.concat([Buffer.from([(data[0] ?? 0) - 48]), Buffer.from(data.subarray(1).toString('latin1'), 'base64')]) : data;
    const channel = bytes[0];
    const payload = bytes.subarray(1);
    if (channel === STDIN) {
      this.#listeners?.stdin(payload);
    } else if (channel === RESIZE) {
      const size = terminalSize(payload.toString());
      if (size !== undefined) {
        this.#listeners?.resize(size.width, size.height);
      }
    } else if (channel === CLOSE && payload[0] === STDIN) {
      this.#listeners?.stdinEnd();
    }
  }
}
