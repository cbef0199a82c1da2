/**
 * Which OCI runtime to use, and with which limits on open files and processes: found by running a container with each
 * candidate, because what is installed and what works differ (crun refuses hybrid cgroups; Podman's default of
 * 1048576 open files fails under a lower hard limit). The answer is kept until a runtime or the kernel changes.
 */
import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { constants, existsSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { missingAs } from '../../apimachinery/errno.ts';
import { StartFault } from '../../apimachinery/startfault.ts';
import { unmountBelow } from '../volumes/mounts.ts';
import { removeCgroup } from './cgroups.ts';
import { privateEnvironment, ulimitLines } from './config.ts';
import type { RuntimeSettings, Ulimits } from './config.ts';
import { isFields, numberOf, textOf } from './parse.ts';

/** In order of preference: crun starts containers faster. */
const CANDIDATES = ['crun', 'runc'] as const;
const SEARCH_PATH = ['/usr/bin', '/usr/sbin', '/usr/local/bin', '/usr/local/sbin', '/bin', '/sbin'];
/** A probe's container that has not ended by then does not work. */
const PROBE_TIMEOUT_MS = 30_000;
/** Podman lowers its own limit to this, and nothing may exceed it. */
const PODMAN_NPROC = 32_768;
const PODMAN_NOFILE = 1_048_576;
/** Known to work under low limits. */
const MODEST = 16_384;
const PROBE_CGROUP = '/telar-probe';
const CACHE_FILE = 'oci-runtime.json';
/** A cleaner of Podman's may still write while its folder goes: tries, with a growing pause in milliseconds. */
const REMOVE_TRIES = 8;
const REMOVE_PAUSE_MS = 50;

export interface RuntimeTrial {
  runtime: string;
  ulimits?: Ulimits;
  ok: boolean;
  /** Podman's words when it failed. */
  error: string;
}

export interface RuntimeChoice extends RuntimeSettings {
  /** What was tried, in order; empty when the answer was known already. */
  trials: RuntimeTrial[];
}

/** No candidate ran a container. */
export class NoRuntimeError extends StartFault {
  readonly trials: RuntimeTrial[];

  constructor(trials: RuntimeTrial[]) {
    const why = trials.map((trial) => `${trial.runtime}: ${trial.error}`).join('; ');
    const found = why === '' ? 'neither crun nor runc is installed (apt install podman runc)' : why;
    super('NoRuntime', { why: found }, `no OCI runtime runs a container: ${found}`);
    this.name = 'NoRuntimeError';
    this.trials = trials;
  }
}

async function findProgram(name: string): Promise<string | undefined> {
  for (const folder of SEARCH_PATH) {
    const path = join(folder, name);
    try {
      await access(path, constants.X_OK);
      return path;
    } catch {
      // Not here, or not to be run: the next folder may have one that is.
      continue;
    }
  }
  return undefined;
}

async function hardLimits(): Promise<Ulimits> {
  const text = await readFile('/proc/self/limits', 'utf8');
  const hard = (name: string): number => {
    const match = new RegExp(`^${name}\\s+\\S+\\s+(\\S+)`, 'm').exec(text);
    return match?.[1] === undefined || match[1] === 'unlimited' ? Infinity : Number(match[1]);
  };
  return { nofile: hard('Max open files'), nproc: hard('Max processes') };
}

/** Changes when a program, the kernel or the hard limits do. */
async function cacheKey(programs: string[], limits: Ulimits): Promise<string> {
  const parts = [release(), String(limits.nofile), String(limits.nproc), existsSync('/sys/fs/cgroup/cgroup.controllers') ? 'v2' : 'v1'];
  for (const program of programs) {
    const { size, mtimeMs } = await stat(program);
    parts.push(`${program}:${size}:${mtimeMs}`);
  }
  return parts.join(' ');
}

async function readCache(file: string, key: string): Promise<RuntimeSettings | undefined> {
  const text = await readFile(file, 'utf8').catch(missingAs(''));
  if (text === '') {
    return undefined;
  }
  try {
    const parsed: unknown = JSON.parse(text);
    if (!isFields(parsed) || textOf(parsed, 'key') !== key || textOf(parsed, 'runtime') === '') {
      return undefined;
    }
    const { ulimits } = parsed;
    return {
      runtime: textOf(parsed, 'runtime'),
      ...(isFields(ulimits) ? { ulimits: { nofile: numberOf(ulimits, 'nofile'), nproc: numberOf(ulimits, 'nproc') } } : {}),
    };
  } catch {
    // A half-written cache is as good as none.
    return undefined;
  }
}

/** Limits to try, most generous first; undefined is Podman's default. */
export function limitsToTry(hard: Ulimits): (Ulimits | undefined)[] {
  const clamped = { nofile: Math.min(hard.nofile, PODMAN_NOFILE), nproc: Math.min(hard.nproc, PODMAN_NPROC) };
  const modest = { nofile: Math.min(hard.nofile, MODEST), nproc: Math.min(hard.nproc, MODEST) };
  return hard.nofile >= PODMAN_NOFILE ? [undefined, clamped, modest] : [clamped, modest];
}

/** A root file system of links into the host's /usr, so that the probe needs no image. */
async function makeRootfs(folder: string): Promise<string> {
  const rootfs = join(folder, 'rootfs');
  for (const dir of ['usr', 'proc', 'sys', 'dev', 'etc', 'tmp', 'run']) {
    await mkdir(join(rootfs, dir), { recursive: true });
  }
  for (const link of ['bin', 'lib', 'lib64', 'sbin']) {
    await symlink(`usr/${link}`, join(rootfs, link));
  }
  return rootfs;
}

async function tryRuntime(folder: string, rootfs: string, settings: RuntimeSettings): Promise<RuntimeTrial> {
  const config = join(folder, 'containers.conf');
  await writeFile(config, `[containers]\n${ulimitLines(settings.ulimits)}[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "none"\n` +
    `lock_type = "file"\nruntime = ${JSON.stringify(settings.runtime)}\ntmp_dir = ${JSON.stringify(join(folder, 'libpod'))}\n`);
  const args = [
    'run', '--rm', '--network', 'none', '--memory', '64m',
    '--pids-limit', '64', '--cgroup-parent', PROBE_CGROUP, '--log-driver', 'none', '--volume', '/usr:/usr:ro', '--rootfs', rootfs, '/usr/bin/true',
  ];
  const env = privateEnvironment(folder, { CONTAINERS_CONF: config, CONTAINERS_STORAGE_CONF: join(folder, 'storage.conf') });
  await writeFile(join(folder, 'storage.conf'), 
    `[storage]\ndriver = "overlay"\ngraphroot = ${JSON.stringify(join(folder, 'root'))}\nrunroot = ${JSON.stringify(join(folder, 'run'))}\n`);
  return new Promise((resolve) => {
    execFile('podman', args, { env, timeout: PROBE_TIMEOUT_MS }, (error, _stdout, stderr) => {
      const lines = stderr.trim().split('\n').filter((line) => line.startsWith('Error'));
      resolve({
        runtime: settings.runtime, ...(settings.ulimits === undefined ? {} : { ulimits: settings.ulimits }),
        ok: error === null, error: error === null ? '' : lines.at(-1) ?? error.message,
      });
    });
  });
}

async function probe(folder: string, runtimes: string[], hard: Ulimits): Promise<RuntimeChoice> {
  const rootfs = await makeRootfs(folder);
  const trials: RuntimeTrial[] = [];
  for (const runtime of runtimes) {
    for (const ulimits of limitsToTry(hard)) {
      const trial = await tryRuntime(folder, rootfs, { runtime, ...(ulimits === undefined ? {} : { ulimits }) });
      trials.push(trial);
      if (trial.ok) {
        return { runtime, ...(ulimits === undefined ? {} : { ulimits }), trials };
      }
      if (!/rlimit/i.test(trial.error)) {
        break;
      }
    }
  }
  throw new NoRuntimeError(trials);
}

/**
 * The runtime that works here. `dataDir` keeps the answer; without it every call tries anew.
 * Throws NoRuntimeError with what was tried.
 */
export async function chooseRuntime(dataDir?: string): Promise<RuntimeChoice> {
  const found = await Promise.all([...CANDIDATES, 'podman'].map(findProgram));
  const programs = found.filter((path) => path !== undefined);
  const runtimes = CANDIDATES.filter((_, index) => found[index] !== undefined);
  const hard = await hardLimits();
  const key = await cacheKey(programs, hard);
  const cacheFile = dataDir === undefined ? undefined : join(dataDir, CACHE_FILE);
  const cached = cacheFile === undefined ? undefined : await readCache(cacheFile, key);
  if (cached !== undefined) {
    return { ...cached, trials: [] };
  }
  // Below /var: Podman mounts overlays there, which a tmpfs on /tmp may not carry.
  const folder = await mkdtemp('/var/tmp/telar-probe-');
  try {
    const choice = await probe(folder, runtimes, hard);
    if (cacheFile !== undefined && dataDir !== undefined) {
      await mkdir(dataDir, { recursive: true });
      await writeFile(`${cacheFile}.new`, JSON.stringify({ key, runtime: choice.runtime, ulimits: choice.ulimits }));
      await rename(`${cacheFile}.new`, cacheFile);
    }
    return choice;
  } finally {
    removeCgroup(PROBE_CGROUP);
    await unmountBelow(folder);
    await rm(folder, { recursive: true, force: true, maxRetries: REMOVE_TRIES, retryDelay: REMOVE_PAUSE_MS });
  }
}
