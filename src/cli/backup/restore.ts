/** Putting a backup in place of what an instance has: unpacked and checked beside it first, the old kept aside. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isObject } from '../../apimachinery/values.ts';
import { CliError } from '../errors.ts';
import { acquireLock } from '../instance/lock.ts';
import { findInstance, recordPath } from '../instance/record.ts';
import { text } from '../messages/index.ts';
import type { StoreReport, Wiring } from '../wiring.ts';
import { RECORD_ENTRY, STORE_ENTRY, type Manifest } from './archive.ts';
import { readBackup } from './take.ts';

/** What of a data directory a backup replaces. */
const REPLACED = ['instance.json', 'pki', 'store', 'admin.kubeconfig'] as const;
const STAGING = '.restore-';

export interface Restored {
  manifest: Manifest;
  report: StoreReport;
  /** Where the old state is now; undefined when there was none. */
  aside: string | undefined;
}

async function sync(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The machine's links and rules carry the instance's id: of two ids one would be left behind. */
async function checkInstance(dataDir: string, staging: string): Promise<void> {
  const record: unknown = JSON.parse(await readFile(join(staging, RECORD_ENTRY), 'utf8'));
  const present = await findInstance(dataDir);
  if (present !== undefined && existsSync(present.runDir) && (!isObject(record) || record['id'] !== present.id)) {
    throw new CliError(text('restore.error.other', { dataDir, id: present.id }));
  }
}

async function moveAside(dataDir: string, names: readonly string[]): Promise<string> {
  const aside = await mkdtemp(join(dataDir, `before-restore-${new Date().toISOString().replace(/[:.]/g, '-')}-`));
  for (const name of names) {
    await rename(join(dataDir, name), join(aside, name));
  }
  return aside;
}

async function place(dataDir: string, staging: string): Promise<string | undefined> {
  const present = REPLACED.filter((name) => existsSync(join(dataDir, name)));
  const aside = present.length === 0 ? undefined : await moveAside(dataDir, present);
  // The record last: a directory without one is no instance yet, should the machine fail in between.
  for (const name of ['pki', 'store', RECORD_ENTRY]) {
    if (existsSync(join(staging, name))) {
      await rename(join(staging, name), join(dataDir, name));
    }
  }
  await sync(dataDir);
  return aside;
}

/** Throws CliError when the instance runs, or the backup is not whole. */
export async function restore(wiring: Wiring, file: string, dataDir: string): Promise<Restored> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const lock = await acquireLock(dataDir, 'restore');
  if ('holder' in lock) {
    throw new CliError(text('restore.error.running', { dataDir, pid: lock.holder.pid }));
  }
  try {
    for (const left of (await readdir(dataDir)).filter((name) => name.startsWith(STAGING))) {
      await rm(join(dataDir, left), { recursive: true });
    }
    const staging = await mkdtemp(join(dataDir, STAGING));
    try {
      const manifest = await readBackup(file, staging);
      const report = await wiring.verify(join(staging, STORE_ENTRY));
      if (report.problems.length > 0) {
        throw new CliError(text('backup.error.damaged', { file, why: report.problems[0] ?? '' }));
      }
      await checkInstance(dataDir, staging);
      const aside = await place(dataDir, staging);
      if (!existsSync(recordPath(dataDir))) {
        throw new CliError(text('backup.error.damaged', { file, why: RECORD_ENTRY }));
      }
      return { manifest, report, aside };
    } finally {
      await rm(staging, { recursive: true, force: true });
    }
  } finally {
    await lock.release();
  }
}
