/** Taking a backup of a running instance through its API, and reading one back. */
import { createReadStream, createWriteStream } from 'node:fs';
import { link, rm, stat } from 'node:fs/promises';
import { Transform, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { codeOf } from '../../apimachinery/errno.ts';
import { CliError } from '../errors.ts';
import { text } from '../messages/index.ts';
import type { Server } from '../server.ts';
import { BackupError, BackupReader, type Manifest } from './archive.ts';

const PATH = '/telar/backup';

/** Shows every part of an archive to a reader on its way. */
function watched(reader: BackupReader, onBytes: (length: number) => void): Transform {
  return new Transform({
    transform(part: Buffer, _encoding, done) {
      try {
        reader.push(part);
      } catch (error) {
        done(error instanceof Error ? error : new Error(String(error)));
        return;
      }
      onBytes(part.length);
      done(undefined, part);
    },
  });
}

export type Progress = (done: number, total: number) => void;

/** The archive as it comes over the network, checked, into `sink` or, unpacked, below `into`. */
export async function fetchBackup(server: Server, to: { sink: Writable } | { into: string }, progress: Progress): Promise<Manifest> {
  const answer = await server.transport.open({ method: 'GET', path: PATH });
  const total = Number(answer.headers['content-length'] ?? 0);
  const reader = new BackupReader('into' in to ? to.into : undefined);
  let done = 0;
  const tap = watched(reader, (length) => {
    done += length;
    progress(done, total);
  });
  try {
    if ('sink' in to) {
      await pipeline(answer, tap, createGzip({ level: 1 }), to.sink);
    } else {
      tap.resume();
      await pipeline(answer, tap);
    }
    return reader.finish();
  } finally {
    reader.close();
  }
}

/** Into a new file, which has its name only when all of it is on disk. Refuses to overwrite. */
export async function takeBackup(server: Server, file: string, progress: Progress): Promise<{ manifest: Manifest; bytes: number }> {
  const partial = `${file}.partial-${process.pid}`;
  try {
    const manifest = await fetchBackup(server, { sink: createWriteStream(partial, { flags: 'wx', mode: 0o600, flush: true }) }, progress);
    // A link, unlike a renaming, does not take the place of what is there.
    await link(partial, file);
    return { manifest, bytes: (await stat(file)).size };
  } catch (error) {
    throw codeOf(error) === 'EEXIST' ? new CliError(text('backup.error.exists', { file }), { cause: error }) : error;
  } finally {
    await rm(partial, { force: true });
  }
}

/** Reads a backup's file, unpacks it below a folder, and checks it. Throws CliError. */
export async function readBackup(file: string, into: string): Promise<Manifest> {
  const reader = new BackupReader(into);
  const tap = watched(reader, () => {});
  try {
    tap.resume();
    await pipeline(createReadStream(file), createGunzip(), tap);
    return reader.finish();
  } catch (error) {
    const code = codeOf(error);
    if (error instanceof BackupError || code.startsWith('Z_')) {
      throw new CliError(text('backup.error.damaged', { file, why: error instanceof Error ? error.message : '' }), { cause: error });
    }
    throw code === 'ENOENT' || code === 'EACCES' ? new CliError(text('backup.error.unreadable', { file, why: code }), { cause: error }) : error;
  } finally {
    reader.close();
  }
}

