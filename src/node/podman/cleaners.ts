/**
 * The processes conmon starts when a container ends (`podman container cleanup`). They mount the storage for their work, so whoever wants
 * to take it away waits for them first.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { missingAs } from '../../apimachinery/errno.ts';
import type { PodmanPaths } from './config.ts';

/** A cleaner lives for a tenth of a second, after an exec session some seconds more. */
const PATIENCE_MS = 15_000;
const LOOK_MS = 50;

async function isCleaner(pid: string, storage: string): Promise<boolean> {
  const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(missingAs(''))).split('\0');
  // conmon names the same arguments, each after an --exit-command-arg; once its container is gone it is about to start a cleaner.
  return command.includes(storage) && (command.includes('cleanup') || command[0]?.endsWith('conmon') === true);
}

/** Resolves when none is at work on this storage, or after some patience. Containers must have been removed before. */
export async function cleanersDone(paths: Pick<PodmanPaths, 'root'>): Promise<void> {
  const storage = join(paths.root, 'storage');
  const deadline = Date.now() + PATIENCE_MS;
  while (Date.now() < deadline) {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
    const found = await Promise.all(pids.map((pid) => isCleaner(pid, storage)));
    if (!found.includes(true)) {
      return;
    }
    await sleep(LOOK_MS);
  }
}
