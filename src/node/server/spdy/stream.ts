/** One stream of a SPDY session: a Duplex whose halves end separately. */
import { Duplex } from 'node:stream';
import type { Headers } from '../../../apimachinery/spdy/index.ts';
import { INITIAL_WINDOW_BYTES } from '../../../apimachinery/spdy/limits.ts';
import { STREAM_BUFFER_BYTES } from './limits.ts';

/** What a stream needs of its session. */
export interface StreamOwner {
  /** Sends data, in pieces as large as the windows allow; `done` when more may come. */
  send(stream: SpdyStream, data: Buffer, done: (error?: Error) => void): void;
  sendEnd(stream: SpdyStream): void;
  /** The stream was given up before both halves had ended. */
  reset(stream: SpdyStream): void;
  /** Its taker has caught up, or has too much to read (`full`). */
  fill(stream: SpdyStream, full: boolean): void;
  /** Both halves are over. */
  over(stream: SpdyStream): void;
}

export class SpdyStream extends Duplex {
  readonly id: number;
  readonly headers: Headers;
  readonly #owner: StreamOwner;
  /** Bytes that the peer allows to be sent in all, and bytes sent. Counted also for peers that do not count. */
  allowed: number;
  sent = 0;
  /** Received and not yet credited to the peer, bytes. */
  #uncredited = 0;
  #sentEnd = false;
  #receivedEnd = false;

  constructor(id: number, headers: Headers, owner: StreamOwner, window = INITIAL_WINDOW_BYTES) {
    super({ allowHalfOpen: true, readableHighWaterMark: STREAM_BUFFER_BYTES, emitClose: true });
    this.id = id;
    this.headers = headers;
    this.allowed = window;
    this.#owner = owner;
  }

  get receivedEnd(): boolean {
    return this.#receivedEnd;
  }

  /** A DATA frame's piece. Answers how many bytes the peer may be credited now. */
  receive(data: Buffer): number {
    this.#uncredited += data.length;
    if (data.length > 0 && !this.push(data)) {
      this.#owner.fill(this, true);
      return 0;
    }
    return this.takeCredit();
  }

  /** Bytes read and not yet credited, when they are worth a frame. */
  takeCredit(): number {
    if (this.#uncredited < INITIAL_WINDOW_BYTES / 2) {
      return 0;
    }
    const credit = this.#uncredited;
    this.#uncredited = 0;
    return credit;
  }

  /** The peer's FIN. */
  receiveEnd(): void {
    if (!this.#receivedEnd) {
      this.#receivedEnd = true;
      this.push(null);
    }
  }

  override _read(): void {
    this.#owner.fill(this, false);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#owner.send(this, chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#sentEnd = true;
    this.#owner.sendEnd(this);
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#owner.fill(this, false);
    if (this.#sentEnd && this.#receivedEnd) {
      this.#owner.over(this);
    } else {
      this.#owner.reset(this);
    }
    done(error);
  }
}
