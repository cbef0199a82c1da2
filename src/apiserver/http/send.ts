/** Writing bytes to a client: compressed when it pays, in pieces, never faster than the client reads. */
import { promisify } from 'node:util';
import { constants, createGzip, gzip, type Gzip } from 'node:zlib';
import { GZIP_THRESHOLD_BYTES, STALLED_WRITE_MS } from '../limits.ts';
import { Pace } from '../pace.ts';
import { isGone, type Reply, type Waitable } from './exchange.ts';

const gzipped = promisify(gzip);
const GZIP_LEVEL = constants.Z_BEST_SPEED;
const GZIP_CHUNK_BYTES = 256 * 1024;
const NO_CACHE = 'no-cache, private';

export const takesGzip = (acceptEncoding: string | string[] | undefined): boolean =>
  acceptEncoding !== undefined && /\bgzip\b/.test(String(acceptEncoding)) && !/\bgzip\s*;\s*q=0(\.0*)?\s*(,|$)/.test(String(acceptEncoding));

/** Resolves when the client has taken what was written, or is gone. A client that takes nothing for too long is cut off. */
export function drained(reply: Waitable): Promise<void> {
  if (isGone(reply)) {
    return Promise.resolve();
  }
  return new Promise((resolve) => {
    const timer = setTimeout(() => reply.destroy(new Error('the client reads too slowly')), STALLED_WRITE_MS);
    const done = (): void => {
      clearTimeout(timer);
      reply.off('drain', done);
      reply.off('close', done);
      resolve();
    };
    reply.once('drain', done);
    reply.once('close', done);
  });
}

/** Headers of an answer, names in lower case. */
export type Head = Record<string, number | string | string[]>;

export interface Outgoing {
  readonly reply: Reply;
  readonly gzip: boolean;
  /** Answer to HEAD: headers only. */
  readonly headOnly: boolean;
}

/** A whole text. */
export function sendText(out: Outgoing, status: number, headers: Head, text: string | Uint8Array): void | Promise<void> {
  const length = typeof text === 'string' ? Buffer.byteLength(text) : text.length;
  if (out.gzip && length > GZIP_THRESHOLD_BYTES) {
    return sendGzipped(out, status, headers, text);
  }
  headers['content-length'] = length;
  headers['cache-control'] ??= NO_CACHE;
  out.reply.writeHead(status, headers);
  if (out.headOnly) {
    out.reply.end();
  } else {
    out.reply.end(text);
  }
  return undefined;
}

async function sendGzipped(out: Outgoing, status: number, headers: Head, text: string | Uint8Array): Promise<void> {
  const bytes = await gzipped(text, { level: GZIP_LEVEL });
  await sendText({ ...out, gzip: false }, status, { ...headers, 'content-encoding': 'gzip', vary: headers['vary'] ?? 'Accept-Encoding' }, bytes);
}

/** Pieces of a text, written as the client reads. `estimate` decides about compression. */
export async function sendPieces(out: Outgoing, status: number, headers: Head, pieces: Iterable<string>, estimate: number): Promise<void> {
  headers['cache-control'] ??= NO_CACHE;
  if (out.headOnly) {
    out.reply.writeHead(status, headers);
    out.reply.end();
    return;
  }
  if (out.gzip && estimate > GZIP_THRESHOLD_BYTES) {
    await sendGzippedPieces(out, status, headers, pieces);
    return;
  }
  out.reply.writeHead(status, headers);
  const pace = new Pace();
  for (const piece of pieces) {
    if (!out.reply.write(piece)) {
      await drained(out.reply);
    }
    // A socket that takes everything at once drains without a turn of the event loop.
    if (pace.due) {
      await pace.rest();
    }
    if (out.reply.writableEnded || isGone(out.reply)) {
      return;
    }
  }
  out.reply.end();
}

/** Resolves when the compressor wants more, or has been given up. */
function wantsMore(compressor: Gzip): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      compressor.off('drain', done);
      compressor.off('close', done);
      resolve();
    };
    compressor.once('drain', done);
    compressor.once('close', done);
  });
}

async function feed(compressor: Gzip, pieces: Iterable<string>): Promise<void> {
  const pace = new Pace();
  for (const piece of pieces) {
    if (!compressor.write(piece)) {
      await wantsMore(compressor);
    }
    if (pace.due) {
      await pace.rest();
    }
    if (compressor.destroyed) {
      return;
    }
  }
  compressor.end();
}

async function sendGzippedPieces(out: Outgoing, status: number, headers: Head, pieces: Iterable<string>): Promise<void> {
  const { reply } = out;
  reply.writeHead(status, { ...headers, 'content-encoding': 'gzip', vary: 'Accept-Encoding' });
  const compressor = createGzip({ level: GZIP_LEVEL, chunkSize: GZIP_CHUNK_BYTES });
  let gone = false;
  reply.once('close', () => {
    gone = true;
    compressor.destroy();
  });
  const fed = feed(compressor, pieces);
  try {
    for await (const chunk of compressor) {
      const bytes: Buffer = chunk;
      if (!reply.write(bytes)) {
        await drained(reply);
      }
    }
  } catch (error) {
    if (!gone) {
      throw error;
    }
  }
  await fed;
  if (!gone) {
    reply.end();
  }
}
