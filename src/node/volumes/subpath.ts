/**
 * Mounting a part of a volume. What is inside a volume may have been written by a hostile container: a link there must
 * never lead outside it, not even one exchanged at the wrong moment. So the path is walked one name at a time through
 * open descriptors that follow no link, and what the last descriptor holds, not a path, is bind-mounted.
 */
import { constants } from 'node:fs';
import { mkdir, open, realpath, writeFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { isMissing } from '../../apimachinery/errno.ts';
import { runProgram } from './command.ts';
import { badVolumePath } from './atomic.ts';
import { isMountPoint } from './mounts.ts';

/** From <fcntl.h>; Node does not name it. */
const O_PATH = 0o10000000;
const NEW_FOLDER_MODE = 0o750;

export class SubPathError extends Error {
  constructor(subPath: string, why: string, options?: ErrorOptions) {
    super(`subPath ${JSON.stringify(subPath)}: ${why}`, options);
    this.name = 'SubPathError';
  }
}


/** Names from the volume's root to the target once links inside the volume are resolved; a missing tail is kept as it is. */
async function resolveInside(root: string, subPath: string): Promise<string[]> {
  const parts = subPath.split('/').filter((part) => part !== '' && part !== '.');
  for (let known = parts.length; known >= 0; known -= 1) {
    const head = join(root, ...parts.slice(0, known));
    let real: string;
    try {
      real = await realpath(head);
    } catch (error) {
      if (isMissing(error)) {
        continue;
      }
      throw new SubPathError(subPath, error instanceof Error ? error.message : String(error), { cause: error });
    }
    const inside = relative(root, real);
    if (inside === '..' || inside.startsWith(`..${sep}`)) {
      throw new SubPathError(subPath, 'a link leads out of the volume');
    }
    return [...inside.split(sep).filter((part) => part !== ''), ...parts.slice(known)];
  }
  throw new SubPathError(subPath, 'the volume does not exist');
}

async function step(from: FileHandle, name: string, subPath: string): Promise<FileHandle> {
  const path = `/proc/self/fd/${from.fd}/${name}`;
  let next: FileHandle;
  try {
    next = await open(path, O_PATH | constants.O_NOFOLLOW);
  } catch (error) {
    if (!isMissing(error)) {
      throw error;
    }
    await mkdir(path, { mode: NEW_FOLDER_MODE });
    next = await open(path, O_PATH | constants.O_NOFOLLOW);
  }
  if ((await next.stat()).isSymbolicLink()) {
    await next.close();
    throw new SubPathError(subPath, 'a link appeared in the path while it was walked');
  }
  return next;
}

/**
 * Bind-mounts `subPath` of the volume at `root` onto `target`, making what is missing. Does nothing when `target`
 * is mounted already.
 */
export async function mountSubPath(root: string, subPath: string, target: string): Promise<void> {
  const why = badVolumePath(subPath);
  if (why !== undefined) {
    throw new SubPathError(subPath, why);
  }
  if (await isMountPoint(target)) {
    return;
  }
  const realRoot = await realpath(root);
  let current = await open(realRoot, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    for (const name of await resolveInside(realRoot, subPath)) {
      const next = await step(current, name, subPath);
      await current.close();
      current = next;
    }
    await mkdir(dirname(target), { recursive: true });
    if ((await current.stat()).isDirectory()) {
      await mkdir(target, { recursive: true });
    } else {
      await writeFile(target, '', { flag: 'a' });
    }
    await runProgram('mount', ['--no-canonicalize', '--bind', `/proc/${process.pid}/fd/${current.fd}`, target]);
  } finally {
    await current.close();
  }
}
