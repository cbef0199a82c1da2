/**
 * A guest's serial console, shared: QEMU's socket takes one client, this fans it out. Whoever comes late gets what was shown last.
 * The socket is always drained, or the guest's output would stall.
 */
import type { Socket } from 'node:net';
import { connectSocket } from './qmp.ts';

/** Bytes of output a new viewer gets. */
export const SCROLLBACK_MAX = 64 * 1024;
const FIRST_BYTES = 4096;
export const VIEWERS_MAX = 32;
/** Bytes typed ahead that QEMU has not taken yet; more are dropped, as a serial line would. */
const INPUT_MAX = 64 * 1024;
/** A connection that ends while QEMU lives is made anew after this long. */
const RECONNECT_MS = 500;
/**
 * QEMU writes letter by letter: after each read it may gather this long, so that a guest that prints without end costs little. Not
 * longer: the kernel holds fewer than 300 such letters, and a line that is full slows the guest to a crawl.
 */
const GATHER_MS = 1;
/** Bytes read at once. */
const READ_BYTES = 16 * 1024;
/** Bytes kept to find text that arrives in pieces. */
const TAIL_BYTES = 256;

export interface Viewer {
  output(bytes: Buffer): void;
  /** The guest is gone. */
  closed(): void;
}

export class ConsoleFullError extends Error {
  override name = 'ConsoleFullError';
}

export interface ConsoleOptions {
  path: string;
  /** How long the first connection may take. */
  timeoutMs: number;
  /** What was shown before this process was there. */
  scrollback: Buffer;
  /** Complete lines are not promised: the text of the latest output, with a little of what came before. */
  watch?(text: string): void;
}

export class Console {
  readonly #options: ConsoleOptions;
  readonly #viewers = new Set<Viewer>();
  /** The last output: grows to the scroll-back's size, then moves on in it. */
  #kept = Buffer.alloc(0);
  #used = 0;
  #tail = '';
  #socket: Socket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #gather: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: ConsoleOptions) {
    this.#options = options;
    this.#keep(options.scrollback);
  }

  /** Resolves once connected; rejects when QEMU does not listen in time. */
  async open(): Promise<void> {
    await this.#connect(this.#options.timeoutMs);
  }

  get viewers(): number {
    return this.#viewers.size;
  }

  /** Shows the scroll-back at once. Throws ConsoleFullError. */
  attach(viewer: Viewer): () => void {
    if (this.#viewers.size >= VIEWERS_MAX) {
      throw new ConsoleFullError(`the console has ${VIEWERS_MAX} viewers already`);
    }
    if (this.#used > 0) {
      viewer.output(Buffer.from(this.#kept.subarray(Math.max(this.#used - SCROLLBACK_MAX, 0), this.#used)));
    }
    this.#viewers.add(viewer);
    return () => {
      this.#viewers.delete(viewer);
    };
  }

  input(bytes: Buffer): void {
    if (this.#socket !== undefined && this.#socket.writableLength + bytes.length <= INPUT_MAX) {
      this.#socket.write(bytes);
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#gather);
    this.#socket?.destroy();
    for (const viewer of this.#viewers) {
      viewer.closed();
    }
    this.#viewers.clear();
  }

  async #connect(timeoutMs: number): Promise<void> {
    // Read by hand: a stream would hold every letter as a chunk of its own, and go on reading while paused.
    let reading: Socket | undefined;
    const socket = await connectSocket(this.#options.path, timeoutMs, undefined, {
      buffer: Buffer.alloc(READ_BYTES),
      callback: (bytes, buffer) => {
        this.#received(Buffer.from(buffer.subarray(0, bytes)));
        this.#gather = setTimeout(() => reading?.resume(), GATHER_MS);
        return false;
      },
    });
    reading = socket;
    if (this.#closed) {
      socket.destroy();
      return;
    }
    this.#socket = socket;
    socket.on('error', () => {
      socket.destroy();
    });
    socket.on('close', () => {
      this.#lost(socket);
    });
  }

  #lost(socket: Socket): void {
    if (this.#socket === socket) {
      this.#socket = undefined;
    }
    if (this.#closed) {
      return;
    }
    this.#timer = setTimeout(() => {
      this.#connect(RECONNECT_MS).catch(() => {
        // QEMU is ending, or its exit is about to be reported: whoever owns the console closes it then.
        this.#lost(socket);
      });
    }, RECONNECT_MS);
  }

  #received(chunk: Buffer): void {
    this.#keep(chunk);
    if (this.#options.watch !== undefined) {
      const text = this.#tail + chunk.toString('latin1');
      this.#tail = text.slice(-TAIL_BYTES);
      this.#options.watch(text);
    }
    for (const viewer of this.#viewers) {
      viewer.output(chunk);
    }
  }

  /** Twice the scroll-back is the most that is held; every byte is moved at most once more. */
  #keep(chunk: Buffer): void {
    const bytes = chunk.length > SCROLLBACK_MAX ? chunk.subarray(-SCROLLBACK_MAX) : chunk;
    const most = SCROLLBACK_MAX * 2;
    if (this.#used + bytes.length > most) {
      const from = Math.max(this.#used - (SCROLLBACK_MAX - bytes.length), 0);
      this.#kept.copy(this.#kept, 0, from, this.#used);
      this.#used -= from;
    }
    if (this.#used + bytes.length > this.#kept.length) {
      const larger = Buffer.alloc(Math.min(Math.max((this.#used + bytes.length) * 2, FIRST_BYTES), most));
      this.#kept.copy(larger, 0, 0, this.#used);
      this.#kept = larger;
    }
    bytes.copy(this.#kept, this.#used);
    this.#used += bytes.length;
  }
}
