/**
 * A SPDY/3.1 session over any connection. Kubernetes' clients do not count what they send and never say how much they take, so a window
 * binds us only once a peer has shown that it counts (WINDOW_UPDATE or an initial window in SETTINGS); back-pressure is the connection's.
 */
import type { Duplex } from 'node:stream';
import { dataHead, FrameDecoder, FrameEncoder, GOAWAY, RST, SETTING_INITIAL_WINDOW, SpdyError } from '../../../apimachinery/spdy/index.ts';
import type { ControlFrame, Frame, Headers } from '../../../apimachinery/spdy/index.ts';
import { INITIAL_WINDOW_BYTES, MAX_DATA_FRAME_BYTES, MAX_WINDOW_BYTES } from '../../../apimachinery/spdy/limits.ts';
import { IDLE_MS, LINGER_MS, MAX_STREAMS, MAX_UNSENT_BYTES, SESSION_BUFFER_BYTES, SESSION_RELIEF_MS, SESSION_SUM_BYTES } from './limits.ts';
import { SpdyStream } from './stream.ts';
import type { StreamOwner } from './stream.ts';

export interface SessionOptions {
  /** Clients open streams with odd numbers, servers with even ones. */
  role: 'server' | 'client';
  /** The peer opened a stream. What it throws refuses it. */
  stream?(stream: SpdyStream): void;
  /** The connection is over. Called once. */
  closed(): void;
  /** Bytes that came with the upgrade. */
  head?: Buffer;
}

/** A write that waits for a window or for the connection. */
interface Waiting {
  stream: SpdyStream;
  data: Buffer;
  done: (error?: Error) => void;
}

export class SpdySession implements StreamOwner {
  readonly #transport: Duplex;
  readonly #options: SessionOptions;
  readonly #decoder = new FrameDecoder();
  readonly #encoder = new FrameEncoder();
  readonly #streams = new Map<number, SpdyStream>();
  /** Streams whose takers have too much to read. */
  readonly #full = new Set<SpdyStream>();
  /** Bytes received since the streams' buffers were last summed up. */
  #unsummed = 0;
  /** Set while the streams together hold too much. */
  #relief: NodeJS.Timeout | undefined;
  #waiting: Waiting[] = [];
  #idle: NodeJS.Timeout | undefined;
  #linger: NodeJS.Timeout | undefined;
  /** The peer counts windows. */
  #counted = false;
  #initialWindow = INITIAL_WINDOW_BYTES;
  #allowed = INITIAL_WINDOW_BYTES;
  #sent = 0;
  #uncredited = 0;
  #lastPeerStream = 0;
  #nextStream: number;
  #ending = false;
  #closed = false;

  constructor(transport: Duplex, options: SessionOptions) {
    this.#transport = transport;
    this.#options = options;
    this.#nextStream = options.role === 'client' ? 1 : 2;
    transport.on('data', (chunk: Buffer) => { this.#received(chunk); });
    transport.on('drain', () => { this.#drained(); });
    transport.on('end', () => { this.destroy(); });
    transport.on('close', () => { this.destroy(); });
    // What broke the connection shows as its end.
    transport.on('error', () => { this.destroy(); });
    this.#touch();
    if (options.head !== undefined && options.head.length > 0) {
      const { head } = options;
      queueMicrotask(() => { this.#received(head); });
    }
    transport.resume();
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Opens a stream towards the peer. */
  open(headers: Headers): SpdyStream {
    const stream = new SpdyStream(this.#nextStream, headers, this, this.#initialWindow);
    this.#nextStream += 2;
    this.#streams.set(stream.id, stream);
    this.#control({ type: 'synStream', streamId: stream.id, associatedTo: 0, priority: 0, headers, fin: false, unidirectional: false });
    return stream;
  }

  /** Everything written goes out, then the connection ends. Streams that are still open are reset. */
  end(status: number = GOAWAY.ok): void {
    if (this.#ending || this.#closed) {
      return;
    }
    for (const stream of this.#streams.values()) {
      stream.destroy();
    }
    this.#control({ type: 'goAway', lastStreamId: this.#lastPeerStream, status });
    this.#ending = true;
    this.#transport.end();
    this.#transport.resume();
    this.#linger = setTimeout(() => { this.destroy(); }, LINGER_MS);
  }

  /** Cuts the connection. */
  destroy(): void {
    if (this.#closed) {
      return;
    }
    this.#closed = true;
    clearTimeout(this.#idle);
    clearTimeout(this.#linger);
    clearInterval(this.#relief);
    const broken = new Error('the connection is gone');
    for (const { done } of this.#waiting.splice(0)) {
      done(broken);
    }
    for (const stream of this.#streams.values()) {
      if (stream.receivedEnd) {
        // All that the peer had to say is here: whoever reads it may take the time.
        stream.end();
      } else {
        stream.receiveEnd();
        stream.destroy();
      }
    }
    this.#streams.clear();
    this.#transport.destroy();
    this.#options.closed();
  }

  // What streams ask for

  send(stream: SpdyStream, data: Buffer, done: (error?: Error) => void): void {
    if (this.#ending || this.#closed) {
      done(new Error('the connection is gone'));
      return;
    }
    let rest = data;
    while (rest.length > 0) {
      const room = this.#counted ? Math.min(stream.allowed - stream.sent, this.#allowed - this.#sent) : rest.length;
      if (room <= 0) {
        this.#waiting.push({ stream, data: rest, done });
        return;
      }
      const piece = rest.subarray(0, Math.min(room, MAX_DATA_FRAME_BYTES));
      rest = rest.subarray(piece.length);
      stream.sent += piece.length;
      this.#sent += piece.length;
      if (!this.#transport.write(Buffer.concat([dataHead(stream.id, piece.length, false), piece]))) {
        this.#waiting.push({ stream, data: rest, done });
        return;
      }
    }
    this.#touch();
    done();
  }

  sendEnd(stream: SpdyStream): void {
    if (!this.#ending && !this.#closed) {
      this.#transport.write(dataHead(stream.id, 0, true));
    }
  }

  reset(stream: SpdyStream): void {
    if (!this.#streams.has(stream.id)) {
      // The peer has reset it.
      return;
    }
    this.#forget(stream);
    this.#control({ type: 'rstStream', streamId: stream.id, status: RST.cancel });
  }

  fill(stream: SpdyStream, full: boolean): void {
    if (full) {
      this.#full.add(stream);
      this.#transport.pause();
      return;
    }
    if (this.#full.delete(stream)) {
      this.#credit(stream, stream.takeCredit());
      this.#resume();
    }
  }

  #resume(): void {
    if (this.#full.size === 0 && this.#relief === undefined && !this.#closed) {
      this.#transport.resume();
    }
  }

  /** Many streams that each hold less than their share may together hold too much. */
  #sum(received: number): void {
    this.#unsummed += received;
    if (this.#unsummed < SESSION_SUM_BYTES || this.#relief !== undefined) {
      return;
    }
    this.#unsummed = 0;
    if (this.#buffered() > SESSION_BUFFER_BYTES) {
      this.#transport.pause();
      this.#relief = setInterval(() => {
        if (this.#buffered() <= SESSION_BUFFER_BYTES / 2) {
          clearInterval(this.#relief);
          this.#relief = undefined;
          this.#resume();
        }
      }, SESSION_RELIEF_MS);
    }
  }

  #buffered(): number {
    let bytes = 0;
    for (const { readableLength } of this.#streams.values()) {
      bytes += readableLength;
    }
    return bytes;
  }

  // What the peer sends

  #received(chunk: Buffer): void {
    if (this.#closed || this.#ending) {
      return;
    }
    this.#touch();
    try {
      for (const frame of this.#decoder.push(chunk)) {
        this.#frame(frame);
      }
    } catch (error) {
      if (!(error instanceof SpdyError)) {
        throw error;
      }
      // The peer does not speak SPDY: say so, and end.
      this.end(GOAWAY.protocolError);
    }
  }

  #frame(frame: Frame): void {
    if (this.#closed) {
      return;
    }
    switch (frame.type) {
      case 'synStream': this.#opened(frame); break;
      case 'data': this.#data(frame); break;
      case 'ping': this.#pinged(frame.id); break;
      case 'settings': this.#settings(frame.settings); break;
      case 'windowUpdate': this.#windowUpdate(frame.streamId, frame.delta); break;
      case 'rstStream': this.#wasReset(frame.streamId); break;
      case 'synReply': case 'headers':
        if (frame.fin) {
          this.#streams.get(frame.streamId)?.receiveEnd();
        }
        break;
      // The peer opens no more streams; those that stand go on.
      default: break;
    }
  }

  #opened(frame: Extract<Frame, { type: 'synStream' }>): void {
    const { streamId } = frame;
    const odd = streamId % 2 === 1;
    if (streamId <= this.#lastPeerStream || odd !== (this.#options.role === 'server')) {
      throw new SpdyError(`stream ${streamId} is out of turn`);
    }
    this.#lastPeerStream = streamId;
    if (this.#streams.size >= MAX_STREAMS || this.#options.stream === undefined) {
      this.#control({ type: 'rstStream', streamId, status: RST.refusedStream });
      return;
    }
    const stream = new SpdyStream(streamId, frame.headers, this, this.#initialWindow);
    this.#streams.set(streamId, stream);
    // A stream that breaks is over; its taker hears of it by `close`.
    stream.on('error', () => { stream.destroy(); });
    try {
      this.#options.stream(stream);
    } catch {
      // The taker refuses it; why is between the taker and its log. The peer sees the reset, as with the kubelet.
      stream.destroy();
      return;
    }
    this.#control({ type: 'synReply', streamId, headers: new Map(), fin: false });
    if (frame.fin) {
      stream.receiveEnd();
    }
  }

  #data({ streamId, data, fin }: Extract<Frame, { type: 'data' }>): void {
    const stream = this.#streams.get(streamId);
    const ours = streamId % 2 === this.#nextStream % 2;
    if (stream === undefined && (ours ? streamId >= this.#nextStream : streamId > this.#lastPeerStream)) {
      throw new SpdyError(`data of stream ${streamId}, which nobody opened`);
    }
    this.#creditSession(data.length);
    // What was under way when a stream was reset is nobody's.
    if (stream === undefined || stream.destroyed) {
      return;
    }
    if (stream.receivedEnd) {
      stream.destroy();
      return;
    }
    this.#credit(stream, stream.receive(data));
    this.#sum(data.length);
    if (fin) {
      stream.receiveEnd();
    }
  }

  #pinged(id: number): void {
    // Ours would have the other parity; we send none.
    if (id % 2 === (this.#options.role === 'server' ? 1 : 0)) {
      this.#control({ type: 'ping', id });
    }
  }

  #settings(settings: Extract<Frame, { type: 'settings' }>['settings']): void {
    for (const { id, value } of settings) {
      if (id === SETTING_INITIAL_WINDOW) {
        if (value > MAX_WINDOW_BYTES) {
          throw new SpdyError(`a window of ${value} bytes`);
        }
        for (const stream of this.#streams.values()) {
          stream.allowed += value - this.#initialWindow;
        }
        this.#initialWindow = value;
        this.#counted = true;
      }
    }
    this.#drained();
  }

  #windowUpdate(streamId: number, delta: number): void {
    this.#counted = true;
    if (streamId === 0) {
      this.#allowed += delta;
    } else {
      const stream = this.#streams.get(streamId);
      if (stream !== undefined) {
        stream.allowed += delta;
      }
    }
    this.#drained();
  }

  #wasReset(streamId: number): void {
    const stream = this.#streams.get(streamId);
    if (stream !== undefined) {
      this.#forget(stream);
      stream.destroy();
    }
  }

  // Sending

  #credit(stream: SpdyStream, delta: number): void {
    if (delta > 0 && !stream.receivedEnd) {
      this.#control({ type: 'windowUpdate', streamId: stream.id, delta });
    }
  }

  #creditSession(bytes: number): void {
    this.#uncredited += bytes;
    if (this.#uncredited >= INITIAL_WINDOW_BYTES / 2) {
      this.#control({ type: 'windowUpdate', streamId: 0, delta: this.#uncredited });
      this.#uncredited = 0;
    }
  }

  #control(frame: ControlFrame): void {
    if (this.#closed || this.#ending || !this.#transport.writable) {
      return;
    }
    if (this.#transport.writableLength > MAX_UNSENT_BYTES) {
      this.destroy();
      return;
    }
    this.#transport.write(this.#encoder.encode(frame));
  }

  #drained(): void {
    for (const { stream, data, done } of this.#waiting.splice(0)) {
      if (stream.destroyed) {
        done(new Error('the stream is gone'));
      } else if (data.length === 0 && this.#transport.writableNeedDrain) {
        this.#waiting.push({ stream, data, done });
      } else {
        this.send(stream, data, done);
      }
    }
  }

  over(stream: SpdyStream): void {
    this.#forget(stream);
  }

  #forget(stream: SpdyStream): void {
    this.#streams.delete(stream.id);
    this.#full.delete(stream);
    for (const waiting of this.#waiting.filter((one) => one.stream === stream)) {
      waiting.done(new Error('the stream is gone'));
    }
    this.#waiting = this.#waiting.filter((one) => one.stream !== stream);
  }

  #touch(): void {
    if (this.#idle === undefined) {
      this.#idle = setTimeout(() => { this.destroy(); }, IDLE_MS);
      this.#idle.unref();
    } else {
      this.#idle.refresh();
    }
  }
}
