/**
 * Programs and libraries of Debian packages for tests that want the real thing: the machine's own where it is there, else the package's files,
 * fetched with apt (which checks them against the archive's signature) and unpacked into the user's cache. Nothing is installed.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const LIMIT_MS = 300_000;

/** The folder that the packages' files were unpacked into: `usr/bin/…` and so on. Throws when they cannot be had. */
export function debianFolder(packages: readonly string[]): string {
  const parent = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'telar', 'tools');
  const folder = join(parent, `debian-${packages[0] ?? ''}`);
  if (existsSync(folder)) {
    return folder;
  }
  mkdirSync(parent, { recursive: true });
  const scratch = mkdtempSync(join(parent, 'download-'));
  try {
    // apt gives up its rights and must be able to write here.
    chmodSync(scratch, 0o777);
    execFileSync('apt-get', ['download', ...packages], { cwd: scratch, timeout: LIMIT_MS, stdio: ['ignore', 'ignore', 'pipe'] });
    const archives = readdirSync(scratch).filter((name) => name.endsWith('.deb'));
    if (archives.length !== packages.length) {
      throw new Error(`apt-get download ${packages.join(' ')} left ${archives.join(' ')}`);
    }
    for (const archive of archives) {
      execFileSync('dpkg', ['-x', join(scratch, archive), join(scratch, 'files')], { timeout: LIMIT_MS });
    }
    renameSync(join(scratch, 'files'), folder);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return folder;
}

export interface Tool {
  file: string;
  env: NodeJS.ProcessEnv;
}

const runs = (file: string, env: NodeJS.ProcessEnv): boolean => spawnSync(file, ['--version'], { env, timeout: 10_000, stdio: 'ignore' }).status === 0;

/** A program that answers `--version`, and the environment it wants. `packages` bring it and the libraries it may lack. */
export function debianTool(name: string, packages: readonly string[]): Tool {
  if (runs(name, process.env)) {
    return { file: name, env: process.env };
  }
  const folder = debianFolder(packages);
  const libraries = join(folder, 'usr', 'lib', `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`);
  const env = { ...process.env, LD_LIBRARY_PATH: [libraries, process.env['LD_LIBRARY_PATH'] ?? ''].filter((path) => path !== '').join(':') };
  const file = join(folder, 'usr', 'bin', name);
  if (!runs(file, env)) {
    throw new Error(`${file} of ${packages.join(' ')} does not run`);
  }
  return { file, env };
}
