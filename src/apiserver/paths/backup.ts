/**
 * `GET /telar/backup`: everything an instance needs to come back, as a tar archive. The store is copied first, consistently and while
 * writes go on; then the archive is streamed, its length known beforehand. Its last entry lists every file with its SHA-256.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { TAR_END, tarHeader, tarLength, tarPadding } from '../../apimachinery/tar.ts';
import { failure } from '../../apimachinery/status.ts';
import type { Store } from '../../store/store.ts';
import { isGone, replyOf, type Reply } from '../http/exchange.ts';
import { drained } from '../http/send.ts';
import { BACKUP_CHUNK_BYTES } from '../limits.ts';
import type { Answer, Call } from '../types.ts';

export const BACKUP_PATH = '/telar/backup';
/** Version of the archive's layout. */
export const BACKUP_FORMAT = 1;
const MANIFEST = 'manifest.json';
const STORE_ENTRY = 'store/log.sqlite';
const COPY = /^backup-[0-9a-f-]{36}\.sqlite$/;
const HASH_DIGITS = 64;

export interface BackupSource {
  /** A directory on the store's disk for the copy, readable by its owner alone. */
  readonly scratch: string;
  /** Small files beside the store, by their name in the archive. */
  files(): Promise<readonly { name: string; path: string }[]>;
  /** What else the manifest says, e.g. the instance's id. */
  readonly about: Readonly<Record<string, string>>;
}

interface Entry {
  name: string;
  size: number;
  /** The content, or the file it is read from. */
  content: Buffer | { path: string };
  sha256: string;
}

export class Backups {
  readonly #source: BackupSource;
  readonly #store: Store;
  #busy = false;

  constructor(source: BackupSource, store: Store) {
    this.#source = source;
    this.#store = store;
  }

  /** Answers on the call's own connection. Throws TooManyRequests while another backup is made. */
  async answer(call: Call): Promise<Answer> {
    if (call.http === undefined) {
      throw failure('BadRequest', 'a backup can only be taken over HTTP');
    }
    if (this.#busy) {
      throw failure('TooManyRequests', 'another backup is being made', { retryAfterSeconds: 10 });
    }
    this.#busy = true;
    try {
      await this.#serve(replyOf(call.http.res), call.method === 'HEAD');
    } finally {
      this.#busy = false;
    }
    return { type: 'taken' };
  }

  async #serve(reply: Reply, headOnly: boolean): Promise<void> {
    const { scratch } = this.#source;
    // Only one is made at a time: what lies there was left by a process that ended.
    for (const name of (await readdir(scratch)).filter((one) => COPY.test(one))) {
      await rm(join(scratch, name));
    }
    const copy = join(scratch, `backup-${randomUUID()}.sqlite`);
    try {
      const revision = this.#store.currentRevision;
      await this.#store.snapshot(copy);
      const entries = await this.#entries(copy);
      const manifest = (): Buffer => Buffer.from(`${JSON.stringify({
        format: BACKUP_FORMAT, created: new Date().toISOString(), revision, ...this.#source.about,
        files: entries.map(({ name, size, sha256 }) => ({ name, size, sha256 })),
      }, null, 2)}\n`);
      const length = entries.reduce((sum, { size }) => sum + tarLength(size), 0) + tarLength(manifest().length) + TAR_END.length;
      reply.writeHead(200, { 'content-type': 'application/x-tar', 'content-length': length, 'cache-control': 'no-store' });
      if (!headOnly) {
        for (const entry of entries) {
          entry.sha256 = await writeEntry(reply, entry);
        }
        await writeEntry(reply, { name: MANIFEST, ...ofBuffer(manifest()) });
        await write(reply, TAR_END);
      }
      reply.end();
    } finally {
      await rm(copy, { force: true });
    }
  }

  async #entries(copy: string): Promise<Entry[]> {
    const placeholder = '0'.repeat(HASH_DIGITS);
    const small = await Promise.all((await this.#source.files()).map(async ({ name, path }): Promise<Entry> => ({ name, ...ofBuffer(await readFile(path)) })));
    const { size } = await stat(copy);
    return [...small, { name: STORE_ENTRY, size, content: { path: copy }, sha256: placeholder }];
  }
}

const ofBuffer = (content: Buffer): Omit<Entry, 'name'> => ({ size: content.length, content, sha256: '0'.repeat(HASH_DIGITS) });

async function write(reply: Reply, bytes: Uint8Array): Promise<void> {
  if (isGone(reply)) {
    throw new Error('the client went away during the backup');
  }
  if (bytes.length > 0 && !reply.write(bytes)) {
    await drained(reply);
  }
}

/** Answers the content's SHA-256, hexadecimal. */
async function writeEntry(reply: Reply, { name, size, content }: Entry): Promise<string> {
  const hash = createHash('sha256');
  await write(reply, tarHeader({ path: name, size, mode: 0o600, mtime: Date.now() / 1000 }));
  let written = 0;
  const parts: AsyncIterable<Buffer> | Iterable<Buffer> = Buffer.isBuffer(content) ? [content] : createReadStream(content.path, { highWaterMark: BACKUP_CHUNK_BYTES });
  for await (const part of parts) {
    hash.update(part);
    written += part.length;
    await write(reply, part);
  }
  if (written !== size) {
    throw new Error(`${basename(name)} changed while it was read`);
  }
  await write(reply, new Uint8Array(tarPadding(size)));
  return hash.digest('hex');
}
