/**
 * Debian packages as raw material: downloaded through apt (which checks them against the archive's signature) into a
 * cache folder, checked again by their SHA-256 each time they are used, and never installed.
 */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMissing } from '../../../apimachinery/errno.ts';
import type { Progress } from './progress.ts';
import { run, stream, ToolError } from './run.ts';
import { aptOptions, suiteSources } from './suites.ts';
import { readTar } from './tar.ts';
import type { TarFile } from './tar.ts';

/** How often, and how far apart, apt is asked again while another process holds the lists of a suite. */
const LOCK_TRIES = 60;
const LOCK_PAUSE_MS = 500;

export interface Package {
  name: string;
  version: string;
  sha256: string;
  depends: string[];
}

function parsePackage(name: string, text: string): Package | undefined {
  const paragraph = text.split('\n\n')[0] ?? '';
  const value = (key: string): string => new RegExp(`^${key}: (.*)$`, 'm').exec(paragraph)?.[1]?.trim() ?? '';
  const version = value('Version');
  const sha256 = value('SHA256');
  if (version === '' || !/^[0-9a-f]{64}$/.test(sha256)) {
    return undefined;
  }
  const depends = value('Depends').split(/[,|]/).map((one) => one.trim().split(' ')[0] ?? '').filter((one) => one !== '');
  return { name, version, sha256, depends };
}

export class Packages {
  /** Where what was downloaded is kept. */
  readonly folder: string;
  readonly #progress: Progress;
  readonly #suite: string | undefined;
  #updated = false;
  /** apt's options for another suite than the machine's, once it has been set up. */
  #options: readonly string[] | undefined;

  /**
   * `folder` is made when missing and may be shared by builders running at the same time. `suite` names one of Debian's that is not the
   * machine's own, e.g. `forky`: its lists are kept in `folder` and checked against Debian's keys, and the machine's apt never learns of them.
   */
  constructor(folder: string, progress: Progress, suite?: string) {
    this.folder = folder;
    this.#progress = progress;
    this.#suite = suite;
  }

  /** The same cache with the packages of another suite. */
  ofSuite(suite: string): Packages {
    return new Packages(this.folder, this.#progress, suite);
  }

  /** What apt knows of a package; refreshes apt's lists once when it knows nothing. */
  async find(name: string): Promise<Package> {
    const known = await this.#show(name);
    if (known !== undefined) {
      return known;
    }
    await this.#update();
    const found = await this.#show(name);
    if (found === undefined) {
      throw new ToolError(this.#suite === undefined
        ? `starter images are made from Debian's packages, and apt here does not offer "${name}"; add Debian's archive to /etc/apt/sources.list and run "apt-get update"`
        : `Debian's suite ${this.#suite} does not offer the package "${name}"`, undefined);
    }
    return found;
  }

  /** Fetches the lists anew, once in this object's life; false when that had been done already. */
  async refresh(): Promise<boolean> {
    const first = !this.#updated;
    await this.#update();
    return first;
  }

  /** The wanted files of a package, e.g. `bin/busybox`, with their paths as they would be installed. */
  async files(found: Package, wanted: (path: string) => boolean): Promise<TarFile[]> {
    const file = await this.#fetch(found);
    return stream('dpkg-deb', ['--fsys-tarfile', file], (output) => readTar(output, wanted));
  }

  /** As `files`, with the symbolic links. */
  async filesAndLinks(found: Package, wanted: (path: string) => boolean): Promise<TarFile[]> {
    const file = await this.#fetch(found);
    return stream('dpkg-deb', ['--fsys-tarfile', file], (output) => readTar(output, wanted, { links: true }));
  }

  /** One file of a package; an error when the package lacks it. */
  async file(found: Package, path: string): Promise<TarFile> {
    const [file] = await this.files(found, (one) => one === path || one === `usr/${path}`);
    if (file === undefined) {
      throw new ToolError(`the package ${found.name} ${found.version} has no /${path}`, undefined);
    }
    return file;
  }

  async #show(name: string): Promise<Package | undefined> {
    try {
      return parsePackage(name, await run('apt-cache', [...await this.#apt(), 'show', '--no-all-versions', '--', name]));
    } catch (error) {
      if (error instanceof ToolError && error.exitCode !== undefined) {
        return undefined;
      }
      throw new ToolError('starter images are made from Debian\'s packages, and this machine has no apt', undefined, { cause: error });
    }
  }

  async #update(): Promise<void> {
    if (this.#updated) {
      return;
    }
    this.#updated = true;
    this.#progress(this.#suite === undefined ? 'refreshing apt\'s package lists' : `fetching the package lists of Debian's suite ${this.#suite}`);
    const options = await this.#apt();
    await (this.#suite === undefined ? run('apt-get', ['-q', 'update']) : withRetries(() => run('apt-get', [...options, '-q', 'update'])));
  }

  /** Options of apt's programs that make them see this suite alone; none for the machine's own. */
  async #apt(): Promise<readonly string[]> {
    if (this.#suite === undefined) {
      return [];
    }
    this.#options ??= await aptOptions(join(this.folder, `suite-${this.#suite}`), await suiteSources(this.#suite));
    return this.#options;
  }

  /** Path of the package's file, checked. */
  async #fetch(found: Package): Promise<string> {
    const target = join(this.folder, `${found.name}_${encodeURIComponent(found.version)}.deb`);
    if (await matches(target, found.sha256)) {
      return target;
    }
    this.#progress(`downloading ${found.name} ${found.version}`);
    await mkdir(this.folder, { recursive: true });
    const scratch = await mkdtemp(join(this.folder, 'download-'));
    try {
      await this.#download(found, scratch);
      const [file] = (await readdir(scratch)).filter((name) => name.endsWith('.deb'));
      if (file === undefined || !(await matches(join(scratch, file), found.sha256))) {
        throw new ToolError(`the package ${found.name} ${found.version} did not arrive as apt's lists describe it; run "apt-get update" and try again`, undefined);
      }
      await rename(join(scratch, file), target);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
    return target;
  }

  async #download(found: Package, folder: string): Promise<void> {
    // apt's own sandbox user could not write into the folder; the package is only stored, never run by apt.
    const args = [...await this.#apt(), '-q', '-o', 'APT::Sandbox::User=root', 'download', `${found.name}=${found.version}`];
    try {
      await run('apt-get', args, { cwd: folder });
    } catch (error) {
      // Stale lists name files that the archive has since replaced.
      if (this.#updated || !(error instanceof ToolError)) {
        throw error;
      }
      await this.#update();
      await run('apt-get', args, { cwd: folder });
    }
  }
}

/** Another builder may hold apt's lock on the same lists for a moment. */
async function withRetries(action: () => Promise<unknown>): Promise<void> {
  for (let left = LOCK_TRIES; ; left -= 1) {
    try {
      await action();
      return;
    } catch (error) {
      if (left === 0 || !(error instanceof ToolError) || !/lock/.test(error.message)) {
        throw error;
      }
      await sleep(LOCK_PAUSE_MS);
    }
  }
}

async function matches(file: string, sha256: string): Promise<boolean> {
  try {
    return createHash('sha256').update(await readFile(file)).digest('hex') === sha256;
  } catch (error) {
    if (isMissing(error)) {
      return false;
    }
    throw error;
  }
}
