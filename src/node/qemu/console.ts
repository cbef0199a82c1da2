/**
 * A guest's serial console, shared: QEMU's socket takes one client, this fans it out. Whoever comes late gets what was shown last.
 * The socket is always drained, or the guest's output would stall.
 */
import type { Socket } from 'node:net';
import { connectSocket } from './qmp.ts';

/** Bytes of output a new viewer gets. */
export const SCROLLBACK_MAX = 64 * 1024;
export const VIEWERS_MAX = 32;
/** Bytes typed ahead that QEMU has not taken yet; more are dropped, as a serial line would. */
const INPUT_MAX = 64 * 1024;
/** A connection that ends while QEMU lives is made anew after this long. */
const RECONNECT_MS = 500;
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
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #tail = '';
  #socket: Socket | undefined;
  #timer: NodeJS.Timeout | undefined;
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
    if (this.#bytes > 0) {
      viewer.output(Buffer.concat(this.#chunks));
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
    this.#socket?.destroy();
    for (const viewer of this.#viewers) {
      viewer.closed();
    }
    this.#viewers.clear();
  }

  async #connect(timeoutMs: number): Promise<void> {
    const socket = await connectSocket(this.#options.path, timeoutMs);
    if (this.#closed) {
      socket.destroy();
      return;
    }
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#received(chunk);
    });
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

  #keep(chunk: Buffer): void {
    if (chunk.length === 0) {
      return;
    }
    this.#chunks.push(chunk.length > SCROLLBACK_MAX ? chunk.subarray(-SCROLLBACK_MAX) : chunk);
    this.#bytes += Math.min(chunk.length, SCROLLBACK_MAX);
    if (this.#bytes > SCROLLBACK_MAX * 2) {
      // Many small pieces: joined once in a while, so that neither time nor memory grows with their number.
      const all = Buffer.concat(this.#chunks).subarray(-SCROLLBACK_MAX);
      this.#chunks.splice(0, this.#chunks.length, Buffer.from(all));
      this.#bytes = all.length;
    }
  }
}
