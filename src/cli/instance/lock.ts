/** One control plane a directory: a lock file that names its holder and is taken over when the holder is dead. */
import { link, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from '../../apimachinery/errno.ts';

export interface Holder {
  pid: number;
  /** Clock ticks since boot at which the process started: with the id it names a process for good. */
  startTicks: string;
  /** Boot the ticks belong to. */
  boot: string;
  url: string;
  /** RFC 3339. */
  since: string;
}

/** Attempts at a lock that others take and leave at the same moment. */
const MAX_ATTEMPTS = 20;

/** A directory's server, with whatever runs in its process; and its node, wherever that runs. */
export type LockName = 'lock' | 'node.lock';

async function readOr(path: string, otherwise: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    // A process or lock that is gone reads as nothing.
    return otherwise;
  }
}

async function startTicks(pid: number): Promise<string> {
  const stat = await readOr(`/proc/${pid}/stat`, '');
  const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // A zombie only waits to be read by its parent: it holds nothing any more.
  return state === 'Z' || state === 'X' ? '' : fields[18] ?? '';
}

const bootId = async (): Promise<string> => (await readOr('/proc/sys/kernel/random/boot_id', '')).trim();

function parseHolder(content: string): Holder | undefined {
  try {
    const value: unknown = JSON.parse(content);
    if (typeof value === 'object' && value !== null && 'pid' in value && typeof value.pid === 'number') {
      const word = (name: string): string => String(Reflect.get(value, name) ?? '');
      return { pid: value.pid, startTicks: word('startTicks'), boot: word('boot'), url: word('url'), since: word('since') };
    }
  } catch {
    // A lock cut short by a power loss holds nothing.
  }
  return undefined;
}

/** Whether the process that took the lock still lives, also after it has given the lock back. */
export async function alive(holder: Holder): Promise<boolean> {
  return holder.startTicks !== '' && holder.boot === await bootId() && await startTicks(holder.pid) === holder.startTicks;
}

/** Who runs the directory's control plane (or node) now; undefined when nobody does. */
export async function currentHolder(dataDir: string, name: LockName = 'lock'): Promise<Holder | undefined> {
  const holder = parseHolder(await readOr(join(dataDir, name), ''));
  return holder !== undefined && await alive(holder) ? holder : undefined;
}

/** Takes the lock for this process. Answers the release, or the holder that has it. */
export async function acquireLock(dataDir: string, url: string, name: LockName = 'lock'): Promise<{ release(): Promise<void> } | { holder: Holder }> {
  const path = join(dataDir, name);
  const mine = JSON.stringify({ pid: process.pid, startTicks: await startTicks(process.pid), boot: await bootId(), url, since: new Date().toISOString() } satisfies Holder);
  const temporary = `${path}.${process.pid}`;
  await writeFile(temporary, mine, { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      try {
        await link(temporary, path);
        return { release: () => release(path, mine) };
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) {
          throw error;
        }
      }
      const holder = await currentHolder(dataDir, name);
      if (holder !== undefined) {
        return { holder };
      }
      await takeAway(path);
    }
    throw new Error(`${path} is taken and left by others all the time`);
  } finally {
    await unlink(temporary);
  }
}

/** Moves a dead holder's lock aside. Between reading and moving another may have taken it: then it is put back. */
async function takeAway(path: string): Promise<void> {
  const aside = `${path}.dead.${process.pid}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (isMissing(error)) {
      return;
    }
    throw error;
  }
  const holder = parseHolder(await readOr(aside, ''));
  if (holder !== undefined && await alive(holder)) {
    await rename(aside, path);
    return;
  }
  await unlink(aside);
}

async function release(path: string, mine: string): Promise<void> {
  if (await readOr(path, '') === mine) {
    await unlink(path);
  }
}
