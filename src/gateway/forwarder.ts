/** Questions about other names, passed to the machine's resolvers as they are: options, flags and answers stay the client's and theirs. */
import { createSocket } from 'node:dgram';
import { randomInt } from 'node:crypto';
import { connect, isIPv6 } from 'node:net';
import { HEADER_BYTES, MAX_TCP_BYTES } from './wire.ts';
import type { Upstream } from './upstreams.ts';

/** Questions under way; more are refused with SERVFAIL, which clients repeat. */
const MAX_IN_FLIGHT = 512;
/** The same question under way this often: a resolver that asks us what we asked it. */
const MAX_SAME = 8;
/** Patience per try, and in all; stub resolvers give up after five seconds. */
const TRY_MS = 1500;
const TOTAL_MS = 4500;
const MIN_TRIES = 2;

export class ForwardError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'ForwardError';
  }
}

function isAnswerTo(answer: Buffer, query: Buffer, section: Buffer): boolean {
  return answer.length >= HEADER_BYTES + section.length && answer.readUInt16BE(0) === query.readUInt16BE(0) && (answer.readUInt16BE(2) & 0x8000) !== 0
    // Resolvers may answer in another case, and echo the question or not when they refuse.
    && (answer.readUInt16BE(4) === 0 || answer.subarray(HEADER_BYTES, HEADER_BYTES + section.length).toString('latin1').toLowerCase() === section.toString('latin1').toLowerCase());
}

function overUdp(query: Buffer, section: Buffer, upstream: Upstream, milliseconds: number): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  // A socket each: a port that nobody can guess, and nothing to mix up.
  const socket = createSocket(isIPv6(upstream.address.split('%')[0] ?? '') ? 'udp6' : 'udp4');
  const timer = setTimeout(() => { reject(new ForwardError(`${upstream.address} does not answer`)); }, milliseconds);
  socket.on('error', reject);
  socket.on('message', (answer) => {
    if (isAnswerTo(answer, query, section)) {
      resolve(answer);
    }
  });
  socket.connect(upstream.port, upstream.address, () => {
    socket.send(query, (error) => {
      if (error) {
        reject(error);
      }
    });
  });
  return promise.finally(() => {
    clearTimeout(timer);
    socket.removeAllListeners('error').on('error', () => undefined).close();
  });
}

function overTcp(query: Buffer, section: Buffer, upstream: Upstream, milliseconds: number): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const socket = connect(upstream.port, upstream.address);
  let received = Buffer.alloc(0);
  const timer = setTimeout(() => { reject(new ForwardError(`${upstream.address} does not answer`)); }, milliseconds);
  socket.on('error', reject);
  socket.on('end', () => { reject(new ForwardError(`${upstream.address} hung up`)); });
  socket.on('connect', () => {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(query.length);
    socket.write(Buffer.concat([length, query]));
  });
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    const length = received.length < 2 ? MAX_TCP_BYTES : received.readUInt16BE(0);
    if (received.length >= length + 2) {
      const answer = received.subarray(2, length + 2);
      if (isAnswerTo(answer, query, section)) {
        resolve(answer);
      } else {
        reject(new ForwardError(`${upstream.address} answered something else`));
      }
    }
  });
  return promise.finally(() => {
    clearTimeout(timer);
    socket.removeAllListeners('error').on('error', () => undefined).destroy();
  });
}

export class Forwarder {
  readonly #upstreams: () => readonly Upstream[];
  readonly #same = new Map<string, number>();
  #inFlight = 0;
  /** The resolver that answered last is asked first. */
  #preferred: string | undefined;

  constructor(upstreams: () => readonly Upstream[]) {
    this.#upstreams = upstreams;
  }

  /** The upstream's answer, with the query's id. Throws ForwardError when none came. `section` is the query's question section. */
  async exchange(query: Buffer, section: Buffer, tcp: boolean): Promise<Buffer> {
    const key = section.toString('latin1').toLowerCase();
    const same = this.#same.get(key) ?? 0;
    if (this.#inFlight >= MAX_IN_FLIGHT || same >= MAX_SAME) {
      throw new ForwardError(same >= MAX_SAME ? 'the same question is under way too often: a loop of resolvers?' : `more than ${MAX_IN_FLIGHT} questions are under way`);
    }
    this.#inFlight++;
    this.#same.set(key, same + 1);
    try {
      const own = Buffer.from(query);
      own.writeUInt16BE(randomInt(65_536), 0);
      const answer = Buffer.from(await this.#try(own, section, tcp));
      query.copy(answer, 0, 0, 2);
      return answer;
    } finally {
      this.#inFlight--;
      const left = (this.#same.get(key) ?? 1) - 1;
      if (left > 0) {
        this.#same.set(key, left);
      } else {
        this.#same.delete(key);
      }
    }
  }

  async #try(query: Buffer, section: Buffer, tcp: boolean): Promise<Buffer> {
    const all = this.#upstreams();
    const order = [...all.filter(({ address }) => address === this.#preferred), ...all.filter(({ address }) => address !== this.#preferred)];
    const end = performance.now() + TOTAL_MS;
    let failure: unknown = new ForwardError('this machine has no resolvers (/etc/resolv.conf)');
    let refusal: Buffer | undefined;
    for (let attempt = 0; attempt < Math.max(MIN_TRIES, order.length); attempt++) {
      const upstream = order[attempt % Math.max(order.length, 1)];
      const left = Math.min(TRY_MS, end - performance.now());
      if (upstream === undefined || left <= 0) {
        break;
      }
      try {
        const answer = await (tcp ? overTcp : overUdp)(query, section, upstream, left);
        const rcode = (answer[3] ?? 0) & 15;
        if (rcode !== 2 && rcode !== 5) {
          this.#preferred = upstream.address;
          return answer;
        }
        // SERVFAIL or REFUSED: another may know better, but if none does, that is the answer.
        refusal = answer;
      } catch (error) {
        failure = error;
      }
    }
    if (refusal !== undefined) {
      return refusal;
    }
    throw failure instanceof ForwardError ? failure : new ForwardError('no resolver could be reached', failure);
  }
}
