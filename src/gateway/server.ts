/** The DNS server: sockets, and what happens to each message. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, type Server, type Socket } from 'node:net';
import { answerFromZone, isOurs } from './answer.ts';
import type { Forwarder } from './forwarder.ts';
import { aliasAnswers, encodeQuery, encodeRefusal, encodeResponse, HEADER_BYTES, parseQuestion, RCODES, responseLimit, WireError, type Question } from './wire.ts';
import type { Zone } from './zone.ts';

/** Connections at a time; a client keeps one for a question or two. */
const MAX_CONNECTIONS = 256;
/** A connection without a question for this long is closed. */
const IDLE_MS = 10_000;
/** What a connection may have sent beyond the question that is being answered; it is not read further meanwhile. */
const MAX_BUFFERED_BYTES = 65_537 * 2;

export interface DnsServerOptions {
  address: string;
  port: number;
  zone: () => Zone;
  forwarder: Forwarder;
  /** Told of what should not happen. */
  onError: (error: unknown, what: string) => void;
}

export class DnsServer {
  readonly #options: DnsServerOptions;
  readonly #sockets = new Set<Socket>();
  #udp: UdpSocket | undefined;
  #tcp: Server | undefined;

  constructor(options: DnsServerOptions) {
    this.#options = options;
  }

  /** Resolves when both sockets are bound; rejects with the system's error, EADDRINUSE or EADDRNOTAVAIL mostly. */
  async listen(): Promise<void> {
    const { address, port, onError } = this.#options;
    const tcp = createServer((socket) => { this.#connection(socket); });
    tcp.maxConnections = MAX_CONNECTIONS;
    await new Promise<void>((resolve, reject) => {
      tcp.once('error', reject);
      tcp.listen(port, address, () => { resolve(); });
    });
    tcp.on('error', (error) => { onError(error, 'TCP socket'); });
    this.#tcp = tcp;
    const udp = createSocket('udp4');
    await new Promise<void>((resolve, reject) => {
      udp.once('error', reject);
      udp.bind(port, address, () => { resolve(); });
    });
    udp.on('error', (error) => { onError(error, 'UDP socket'); });
    udp.on('message', (message, from) => {
      this.#answer(message, false)
        .then((answer) => (answer === undefined ? undefined : udp.send(answer, from.port, from.address, () => undefined)))
        .catch((error: unknown) => { onError(error, 'UDP question'); });
    });
    this.#udp = udp;
  }

  async close(): Promise<void> {
    this.#sockets.forEach((socket) => socket.destroy());
    const [udp, tcp] = [this.#udp, this.#tcp];
    await Promise.all([
      udp === undefined ? undefined : new Promise<void>((resolve) => { udp.close(() => { resolve(); }); }),
      tcp === undefined ? undefined : new Promise<void>((resolve) => { tcp.close(() => { resolve(); }); }),
    ]);
  }

  #connection(socket: Socket): void {
    let buffer = Buffer.alloc(0);
    let answering = false;
    this.#sockets.add(socket);
    socket.setTimeout(IDLE_MS, () => { socket.destroy(); });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => { this.#sockets.delete(socket); });
    // One question after the other, as they came.
    const answerAll = async (): Promise<void> => {
      while (buffer.length >= 2 && buffer.length >= buffer.readUInt16BE(0) + 2) {
        const length = buffer.readUInt16BE(0);
        const message = buffer.subarray(2, length + 2);
        buffer = buffer.subarray(length + 2);
        const answer = await this.#answer(message, true);
        if (answer === undefined) {
          socket.destroy();
          return;
        }
        const head = Buffer.alloc(2);
        head.writeUInt16BE(answer.length);
        socket.write(Buffer.concat([head, answer]));
        if (((answer[3] ?? 0) & 15) === RCODES.FORMERR) {
          // Out of step: what follows would be read wrongly too.
          socket.end();
          return;
        }
      }
      answering = false;
      socket.resume();
    };
    socket.on('data', (chunk: Buffer) => {
      buffer = Buffer.concat([buffer, chunk]);
      if (buffer.length > MAX_BUFFERED_BYTES) {
        socket.pause();
      }
      if (!answering) {
        answering = true;
        answerAll().catch((error: unknown) => {
          this.#options.onError(error, 'TCP question');
          socket.destroy();
        });
      }
    });
  }

  /** The answer to a message, or undefined where silence is right. */
  async #answer(message: Buffer, tcp: boolean): Promise<Buffer | undefined> {
    let question: Question;
    try {
      question = parseQuestion(message);
    } catch (error) {
      if (!(error instanceof WireError)) {
        throw error;
      }
      return error.rcode === undefined ? undefined : encodeRefusal(message, error.rcode);
    }
    const limit = responseLimit(question, tcp);
    const zone = this.#options.zone();
    if (isOurs(zone, question.name)) {
      const answer = answerFromZone(zone, question.name, question.type);
      const rawAnswers = answer.follow === undefined ? [] : await this.#follow(answer.follow, question.type);
      return encodeResponse(question, { ...answer, authoritative: true, rawAnswers }, limit);
    }
    if (!question.recursionDesired) {
      return encodeResponse(question, { rcode: 'REFUSED', authoritative: false }, limit);
    }
    try {
      return await this.#options.forwarder.exchange(message, question.section, tcp);
    } catch {
      // Why is the resolvers' matter; a client only needs to know that it may ask again.
      return encodeResponse(question, { rcode: 'SERVFAIL', authoritative: false }, limit);
    }
  }

  /** Addresses of an ExternalName's target: stub resolvers do not follow aliases themselves. */
  async #follow(name: string, type: string): Promise<Buffer[]> {
    if (type !== 'A' && type !== 'AAAA') {
      return [];
    }
    try {
      const query = encodeQuery(name, type);
      return aliasAnswers(await this.#options.forwarder.exchange(query, query.subarray(HEADER_BYTES), false));
    } catch {
      // The alias alone is the truth as far as we know it.
      return [];
    }
  }
}
