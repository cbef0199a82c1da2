/**
 * Debian packages as raw material: downloaded through apt (which checks them against the archive's signature) into a
 * cache folder, checked again by their SHA-256 each time they are used, and never installed.
 */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from '../../../apimachinery/errno.ts';
import type { Progress } from './progress.ts';
import { run, stream, ToolError } from './run.ts';
import { readTar } from './tar.ts';
import type { TarFile } from './tar.ts';

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
  readonly #folder: string;
  readonly #progress: Progress;
  #updated = false;

  /** `folder` is made when missing and may be shared by builders running at the same time. */
  constructor(folder: string, progress: Progress) {
    this.#folder = folder;
    this.#progress = progress;
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
      throw new ToolError(`starter images are made from Debian's packages, and apt here does not offer "${name}"; `
        + 'add Debian\'s archive to /etc/apt/sources.list and run "apt-get update"', undefined);
    }
    return found;
  }

  /** The wanted files of a package, e.g. `bin/busybox`, with their paths as they would be installed. */
  async files(found: Package, wanted: (path: string) => boolean): Promise<TarFile[]> {
    const file = await this.#fetch(found);
    return stream('dpkg-deb', ['--fsys-tarfile', file], (output) => readTar(output, wanted));
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
      return parsePackage(name, await run('apt-cache', ['show', '--no-all-versions', '--', name]));
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
    this.#progress('refreshing apt\'s package lists');
    await run('apt-get', ['-q', 'update']);
  }

  /** Path of the package's file, checked. */
  async #fetch(found: Package): Promise<string> {
    const target = join(this.#folder, `${found.name}_${encodeURIComponent(found.version)}.deb`);
    if (await matches(target, found.sha256)) {
      return target;
    }
    this.#progress(`downloading ${found.name} ${found.version}`);
    await mkdir(this.#folder, { recursive: true });
    const scratch = await mkdtemp(join(this.#folder, 'download-'));
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
    const args = ['-q', '-o', 'APT::Sandbox::User=root', 'download', `${found.name}=${found.version}`];
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
