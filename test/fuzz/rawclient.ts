/** HTTP/1.1 over one TLS connection, written by hand, so that nothing keeps a test from sending nonsense. */
import { connect, type TLSSocket } from 'node:tls';

export interface RawAnswer {
  status: number;
  /** Names in lower case. */
  headers: ReadonlyMap<string, string>;
  body: string;
  /** The server closed the connection without an answer. */
  closed: boolean;
}

const CLOSED: RawAnswer = { status: 0, headers: new Map(), body: '', closed: true };
/** Longer than any answer may take: what has not come by then never will. */
const STALL_MS = 30_000;

export class StallError extends Error { override name = 'StallError'; }

interface Parsed {
  answer: RawAnswer;
  /** Bytes used. */
  length: number;
}

function chunked(bytes: Buffer, from: number): { body: Buffer; length: number } | undefined {
  const parts: Buffer[] = [];
  let at = from;
  for (;;) {
    const end = bytes.indexOf('\r\n', at);
    if (end < 0) {
      return undefined;
    }
    const size = Number.parseInt(bytes.toString('latin1', at, end), 16);
    if (size === 0) {
      return bytes.length >= end + 4 ? { body: Buffer.concat(parts), length: end + 4 } : undefined;
    }
    if (bytes.length < end + 2 + size + 2) {
      return undefined;
    }
    parts.push(bytes.subarray(end + 2, end + 2 + size));
    at = end + 2 + size + 2;
  }
}

/** Undefined while the answer is not complete. */
function parse(bytes: Buffer, headOnly: boolean, ended: boolean): Parsed | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) {
    return undefined;
  }
  const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const headers = new Map(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]));
  const status = Number(first.split(' ')[1]);
  const start = end + 4;
  const whole = (body: Buffer, length: number): Parsed => ({ answer: { status, headers, body: body.toString(), closed: false }, length });
  if (headOnly || status === 204 || status === 304) {
    return whole(Buffer.alloc(0), start);
  }
  if (headers.get('transfer-encoding') === 'chunked') {
    const found = chunked(bytes, start);
    return found === undefined ? undefined : whole(found.body, found.length);
  }
  const length = headers.get('content-length');
  if (length === undefined) {
    return ended ? whole(bytes.subarray(start), bytes.length) : undefined;
  }
  return bytes.length < start + Number(length) ? undefined : whole(bytes.subarray(start, start + Number(length)), start + Number(length));
}

export class RawClient {
  readonly #port: number;
  readonly #ca: string;
  #socket: TLSSocket | undefined;
  #bytes: Buffer = Buffer.alloc(0);
  #ended = false;
  #wake: () => void = () => {};

  constructor(port: number, ca: string) {
    this.#port = port;
    this.#ca = ca;
  }

  async #connected(): Promise<TLSSocket> {
    if (this.#socket !== undefined && !this.#ended && !this.#socket.destroyed) {
      return this.#socket;
    }
    const socket = connect({ host: '127.0.0.1', port: this.#port, ca: this.#ca, ALPNProtocols: ['http/1.1'] });
    this.#socket = socket;
    this.#bytes = Buffer.alloc(0);
    this.#ended = false;
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve);
      socket.once('error', reject);
    });
    socket.on('data', (data: Buffer) => {
      this.#bytes = this.#bytes.length === 0 ? data : Buffer.concat([this.#bytes, data]);
      this.#wake();
    });
    const over = (): void => {
      if (this.#socket === socket) {
        this.#ended = true;
        this.#wake();
      }
    };
    socket.on('error', over);
    socket.on('close', over);
    socket.on('end', over);
    return socket;
  }

  /** Sends these bytes and reads one answer. Throws StallError. */
  async send(request: string | Buffer, headOnly = false): Promise<RawAnswer> {
    const socket = await this.#connected();
    socket.write(request);
    const end = Date.now() + STALL_MS;
    for (;;) {
      const found = parse(this.#bytes, headOnly, this.#ended);
      if (found !== undefined) {
        this.#bytes = this.#bytes.subarray(found.length);
        if (found.answer.headers.get('connection') === 'close') {
          this.close();
        }
        return found.answer;
      }
      if (this.#ended) {
        return CLOSED;
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.max(0, end - Date.now()));
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      if (Date.now() >= end && !this.#ended) {
        this.close();
        throw new StallError(`no answer within ${STALL_MS / 1000} s`);
      }
    }
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
    this.#ended = true;
  }
}
