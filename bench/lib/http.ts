/**
 * A client that costs little beside the server it measures: HTTP/1.1 with keep-alive over one TLS connection a worker,
 * one request at a time, answers counted but not parsed.
 */
import { connect, type TLSSocket } from 'node:tls';

export interface Target {
  host: string;
  port: number;
  ca: string;
  /** One of the two ways in. */
  token?: string;
  cert?: string;
  key?: string;
}

export interface Answer {
  status: number;
  /** Bytes of the body as they came over the wire. */
  bytes: number;
  /** The body, when it was asked for. */
  body: string;
}

export interface Ask {
  method: string;
  path: string;
  body?: string;
  accept?: string;
  contentType?: string;
  gzip?: boolean;
  /** Keep this many bytes of the body, or somewhat more (uncompressed answers only). */
  keep?: number;
}

const HEAD_END = Buffer.from('\r\n\r\n');
const MAX_HEAD_BYTES = 64 * 1024;
/** For short answers that are wanted whole. */
export const WHOLE = 1024 * 1024;

/** What has been read of the answer in flight. */
interface Reading {
  resolve(answer: Answer): void;
  reject(error: Error): void;
  keep: number;
  status: number;
  /** Bytes of the body still to come; -1 while in chunked encoding, undefined before the head is read. */
  left: number | undefined;
  /** In chunked encoding: bytes of the chunk still to come, its line end included; 0 when a size line is next. */
  chunk: number;
  bytes: number;
  parts: Buffer[];
}

export class Connection {
  readonly #target: Target;
  #socket: TLSSocket | undefined;
  #pending: Buffer = Buffer.alloc(0);
  #reading: Reading | undefined;

  constructor(target: Target) {
    this.#target = target;
  }

  async open(): Promise<void> {
    const { host, port, ca, cert, key } = this.#target;
    const socket = connect({ host, port, ca, ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }), ALPNProtocols: ['http/1.1'] });
    socket.setNoDelay(true);
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve);
      socket.once('error', reject);
    });
    socket.on('error', (error) => { this.#fail(error); });
    socket.on('close', () => { this.#fail(new Error('the server closed the connection')); });
    socket.on('data', (data: Buffer) => { this.#take(data); });
    this.#socket = socket;
  }

  close(): void {
    this.#socket?.destroy();
  }

  send(ask: Ask): Promise<Answer> {
    const socket = this.#socket;
    if (socket === undefined || this.#reading !== undefined) {
      return Promise.reject(new Error('one request at a time on an open connection'));
    }
    const { token, host, port } = this.#target;
    const body = ask.body ?? '';
    const head = `${ask.method} ${ask.path} HTTP/1.1\r\nhost: ${host}:${port}\r\naccept: ${ask.accept ?? 'application/json'}\r\n`
      + (token === undefined ? '' : `authorization: Bearer ${token}\r\n`)
      + (ask.gzip === true ? 'accept-encoding: gzip\r\n' : '')
      + (body === '' ? '' : `content-type: ${ask.contentType ?? 'application/json'}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n`);
    return new Promise((resolve, reject) => {
      this.#reading = { resolve, reject, keep: ask.keep ?? 0, status: 0, left: undefined, chunk: 0, bytes: 0, parts: [] };
      socket.write(`${head}\r\n${body}`);
    });
  }

  #fail(error: Error): void {
    const reading = this.#reading;
    this.#reading = undefined;
    reading?.reject(error);
  }

  #take(data: Buffer): void {
    this.#pending = this.#pending.length === 0 ? data : Buffer.concat([this.#pending, data]);
    const reading = this.#reading;
    if (reading === undefined) {
      return;
    }
    if (reading.left === undefined && !this.#readHead(reading)) {
      return;
    }
    const done = reading.left === -1 ? this.#readChunks(reading) : this.#readLength(reading);
    if (done) {
      this.#reading = undefined;
      reading.resolve({ status: reading.status, bytes: reading.bytes, body: Buffer.concat(reading.parts).toString('utf8') });
    }
  }

  #readHead(reading: Reading): boolean {
    const end = this.#pending.indexOf(HEAD_END);
    if (end < 0) {
      if (this.#pending.length > MAX_HEAD_BYTES) {
        this.#fail(new Error('the head of the answer does not end'));
      }
      return false;
    }
    const head = this.#pending.subarray(0, end).toString('latin1').toLowerCase();
    this.#pending = this.#pending.subarray(end + 4);
    reading.status = Number(head.slice(9, 12));
    const length = /\ncontent-length: *(\d+)/.exec(head)?.[1];
    reading.left = length === undefined ? -1 : Number(length);
    return true;
  }

  #body(reading: Reading, part: Buffer): void {
    if (reading.bytes < reading.keep) {
      reading.parts.push(part);
    }
    reading.bytes += part.length;
  }

  #readLength(reading: Reading): boolean {
    const part = this.#pending;
    this.#pending = Buffer.alloc(0);
    this.#body(reading, part);
    reading.left = (reading.left ?? 0) - part.length;
    return reading.left <= 0;
  }

  #readChunks(reading: Reading): boolean {
    for (;;) {
      if (reading.chunk > 0) {
        const part = this.#pending.subarray(0, reading.chunk);
        this.#pending = this.#pending.subarray(part.length);
        // The chunk's own line end is no part of the body.
        this.#body(reading, part.subarray(0, Math.max(0, part.length - Math.max(0, 2 - (reading.chunk - part.length)))));
        reading.chunk -= part.length;
        if (reading.chunk > 0) {
          return false;
        }
      }
      const end = this.#pending.indexOf('\r\n');
      if (end < 0) {
        return false;
      }
      const size = Number.parseInt(this.#pending.subarray(0, end).toString('latin1'), 16);
      if (size === 0) {
        if (this.#pending.length < end + 4) {
          return false;
        }
        this.#pending = this.#pending.subarray(end + 4);
        return true;
      }
      this.#pending = this.#pending.subarray(end + 2);
      reading.chunk = size + 2;
    }
  }
}

export async function openMany(target: Target, count: number): Promise<Connection[]> {
  const connections = Array.from({ length: count }, () => new Connection(target));
  await Promise.all(connections.map((connection) => connection.open()));
  return connections;
}
