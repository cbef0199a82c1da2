/**
 * A client of QEMU's machine protocol: JSON lines over a unix socket (docs/interop/qmp-spec in QEMU). QEMU is treated as
 * hostile: a guest that broke out of it controls every byte that arrives here, so lines and queues are limited.
 */
import { lstat } from 'node:fs/promises';
import { connect, type OnReadOpts, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { codeOf } from '../../apimachinery/errno.ts';
import type { Json, JsonObject } from '../../apimachinery/object.ts';
import { isObject } from '../../apimachinery/values.ts';

/** Longest line accepted, bytes; a longer one ends the connection. */
const LINE_MAX = 1 << 20;
/** Commands waiting for their answer. */
const PENDING_MAX = 64;
/** A command unanswered for this long is given up, milliseconds. */
const COMMAND_TIMEOUT_MS = 10_000;
/** Pause between attempts to connect while QEMU has not made its socket yet. */
const CONNECT_RETRY_MS = 15;

export interface QmpEvent {
  event: string;
  data: JsonObject;
}

export interface QmpListeners {
  event(event: QmpEvent): void;
  /** The connection ended, by either side or by an error; called once. */
  closed(): void;
}

/** QEMU refused a command. `class` is QEMU's own, e.g. `GenericError` or `CommandNotFound`. */
export class QmpError extends Error {
  readonly class: string;

  constructor(command: string, errorClass: string, description: string) {
    super(`${command}: ${description}`);
    this.name = 'QmpError';
    this.class = errorClass;
  }
}

interface Pending {
  command: string;
  resolve: (value: Json) => void;
  reject: (error: Error) => void;
  timer: NodeJS.Timeout;
}

/** Connects to a unix socket in a folder another user may write to: what is not itself a socket is refused, links above all. */
async function connectOnce(path: string, onread?: OnReadOpts): Promise<Socket> {
  const stat = await lstat(path);
  if (!stat.isSocket()) {
    throw new Error(`${path} is not a socket`);
  }
  const socket = connect({ path, ...(onread === undefined ? {} : { onread }) });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  return socket;
}

/**
 * Connects as soon as something listens at `path`; throws the last error once `timeoutMs` are over or `signal` aborts. With `onread` the
 * socket's bytes go there instead of to `data` listeners.
 */
export async function connectSocket(path: string, timeoutMs: number, signal?: AbortSignal, onread?: OnReadOpts): Promise<Socket> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await connectOnce(path, onread);
    } catch (error) {
      const early = ['ENOENT', 'ECONNREFUSED'].includes(codeOf(error));
      if (!early || performance.now() > deadline || signal?.aborted === true) {
        throw error;
      }
    }
    await delay(CONNECT_RETRY_MS);
  }
}

export class Qmp {
  readonly #socket: Socket;
  readonly #listeners: QmpListeners;
  readonly #pending = new Map<number, Pending>();
  readonly #greeting = Promise.withResolvers<void>();
  #sequence = 0;
  #buffer = '';
  #closed = false;

  private constructor(socket: Socket, listeners: QmpListeners) {
    this.#socket = socket;
    this.#listeners = listeners;
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      this.#read(chunk);
    });
    socket.on('error', () => {
      socket.destroy();
    });
    socket.on('close', () => {
      this.#end();
    });
  }

  /** Waits for the greeting and leaves capability negotiation behind. QEMU serves one client at a time. */
  static async connect(path: string, listeners: QmpListeners, timeoutMs: number, signal?: AbortSignal): Promise<Qmp> {
    const socket = await connectSocket(path, timeoutMs, signal);
    const qmp = new Qmp(socket, listeners);
    const timer = setTimeout(() => {
      qmp.#greeting.reject(new Error('QEMU does not greet: another client may hold its monitor'));
    }, timeoutMs);
    try {
      await qmp.#greeting.promise;
      await qmp.execute('qmp_capabilities');
    } catch (error) {
      qmp.close();
      throw error;
    } finally {
      clearTimeout(timer);
    }
    return qmp;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** The command's `return` value. Throws QmpError when QEMU refuses, Error on time-out or a lost connection. */
  execute(command: string, args?: JsonObject, timeoutMs: number = COMMAND_TIMEOUT_MS): Promise<Json> {
    if (this.#closed) {
      return Promise.reject(new Error(`${command}: QEMU's monitor is not connected`));
    }
    if (this.#pending.size >= PENDING_MAX) {
      return Promise.reject(new Error(`${command}: ${PENDING_MAX} commands wait for QEMU already`));
    }
    const id = ++this.#sequence;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(new Error(`${command}: QEMU did not answer within ${timeoutMs} ms`));
      }, timeoutMs);
      this.#pending.set(id, { command, resolve, reject, timer });
      this.#socket.write(`${JSON.stringify({ execute: command, id, ...(args === undefined ? {} : { arguments: args }) })}\n`);
    });
  }

  close(): void {
    this.#socket.destroy();
    this.#end();
  }

  #end(): void {
    if (this.#closed) {
      return;
    }
    this.#closed = true;
    this.#buffer = '';
    const lost = new Error('QEMU closed its monitor');
    this.#greeting.reject(lost);
    // A promise nobody waits for any more must not count as unhandled.
    this.#greeting.promise.catch(() => undefined);
    for (const { command, reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject(new Error(`${command}: ${lost.message}`));
    }
    this.#pending.clear();
    this.#listeners.closed();
  }

  #read(chunk: string): void {
    this.#buffer += chunk;
    for (let end = this.#buffer.indexOf('\n'); end >= 0; end = this.#buffer.indexOf('\n')) {
      const line = this.#buffer.slice(0, end);
      this.#buffer = this.#buffer.slice(end + 1);
      if (line.length > LINE_MAX || !this.#line(line)) {
        this.close();
        return;
      }
    }
    if (this.#buffer.length > LINE_MAX) {
      this.close();
    }
  }

  /** False for what is not the protocol. */
  #line(line: string): boolean {
    let message: unknown;
    try {
      message = JSON.parse(line);
    } catch {
      return false;
    }
    if (!isObject(message)) {
      return false;
    }
    if ('QMP' in message) {
      this.#greeting.resolve();
    } else if (typeof message['event'] === 'string') {
      // Parsed JSON, so an object's members are JSON values.
      const data = isObject(message['data']) ? (message['data'] as JsonObject) : {};
      this.#listeners.event({ event: message['event'], data });
    } else if (typeof message['id'] === 'number') {
      this.#answer(message['id'], message);
    }
    return true;
  }

  #answer(id: number, message: Record<string, unknown>): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) {
      return;
    }
    this.#pending.delete(id);
    clearTimeout(pending.timer);
    const error = message['error'];
    if (isObject(error)) {
      pending.reject(new QmpError(pending.command, String(error['class']), String(error['desc'])));
    } else {
      // As above: a member of parsed JSON.
      pending.resolve((message['return'] ?? null) as Json);
    }
  }
}
