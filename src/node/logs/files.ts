/** Files of one container attempt's log: `3.log` as conmon writes it, `3.log.20260101-120000` what was rotated away, oldest first. */
import { constants } from 'node:fs';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** A log is rotated when it is larger, bytes; so many files are kept of each attempt, the current one included. As the kubelet's defaults. */
export const MAX_LOG_BYTES = 10 * 1024 * 1024;
export const MAX_LOG_FILES = 5;
/** conmon's control message "open the log file again". */
const REOPEN_LOG = '2 0 0\n';

/** What a promise yields; `otherwise` when the file or folder it is about does not exist. Other failures are the caller's. */
export async function unlessMissing<T, U>(promise: Promise<T>, otherwise: U): Promise<T | U> {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return otherwise;
    }
    throw error;
  }
}

/** Oldest first; empty when nothing was ever logged. */
export async function logFilesOf(folder: string, attempt: number): Promise<string[]> {
  const names = await unlessMissing(readdir(folder), []);
  const current = `${attempt}.log`;
  const rotated = names.filter((name) => name.startsWith(`${current}.`)).sort();
  return [...rotated, ...names.filter((name) => name === current)].map((name) => join(folder, name));
}

function stamp(now: Date): string {
  return now.toISOString().slice(0, 19).replaceAll('-', '').replaceAll(':', '').replace('T', '-');
}

/** Tells the container's monitor to open its log anew. `bundle` is the container's folder with the FIFO `ctl`. */
async function reopen(bundle: string): Promise<void> {
  // Non-blocking: a monitor that is gone must not hold us up.
  const fifo = await open(join(bundle, 'ctl'), constants.O_WRONLY | constants.O_NONBLOCK);
  try {
    await fifo.write(REOPEN_LOG);
  } finally {
    await fifo.close();
  }
}

/** Rotates the log when it has grown too large; answers whether it did. */
export async function rotateLog(folder: string, attempt: number, bundle: string, now = new Date()): Promise<boolean> {
  const file = join(folder, `${attempt}.log`);
  const found = await unlessMissing(stat(file), undefined);
  if (found === undefined || found.size <= MAX_LOG_BYTES) {
    return false;
  }
  await rename(file, `${file}.${stamp(now)}`);
  await reopen(bundle);
  const files = await logFilesOf(folder, attempt);
  const rotated = files.filter((one) => one !== file);
  await Promise.all(rotated.slice(0, Math.max(0, rotated.length - (MAX_LOG_FILES - 1))).map((one) => rm(one, { force: true })));
  return true;
}

/** Attempts older than the one before the current are forgotten. */
export async function pruneAttempts(folder: string, attempt: number): Promise<void> {
  const names = await unlessMissing(readdir(folder), []);
  await Promise.all(names.filter((name) => Number.parseInt(name, 10) < attempt - 1).map((name) => rm(join(folder, name), { force: true })));
}
