/**
 * telar.local/llama-server: llama.cpp's server with the libraries it needs and busybox' shell for the script that finds the model. Debian
 * packages llama.cpp in newer suites than the one most machines run, so that everything but busybox comes from one of those.
 */
import { readFileSync } from 'node:fs';
import { imageParts } from './archive.ts';
import type { ImageSettings } from './archive.ts';
import { checkLibraries, entryOf, LIBRARY_FOLDER, systemEntries, withFolders, withLibraries } from './libraries.ts';
import { RUNTIME_USER } from './noderuntime.ts';
import type { Packages } from './packages.ts';
import { ToolError } from './run.ts';
import type { TarEntry } from './tar.ts';
import { busybox } from './userland.ts';

/** The suites that have it, the steadiest first. */
const SUITES = ['forky', 'sid'];
const PACKAGE = 'llama.cpp-tools';
const LAUNCHER = new URL('../../../runtimes/llama/serve.sh', import.meta.url);
/** The tools the launcher uses, and enough of a shell to look around with. */
const APPLETS = ['basename', 'cat', 'cut', 'dirname', 'env', 'find', 'grep', 'head', 'id', 'ls', 'ps', 'sed', 'sh', 'sleep', 'sort', 'tr', 'wget'];

interface Collected {
  entries: TarEntry[];
  built: number;
  version: string;
}

const wanted = (path: string): boolean => path === 'usr/bin/llama-server'
  || (/^(?:usr\/)?lib(?:64)?\/.*\.so(?:\.[^/]*)?$/.test(path) && !/\/(?:gconv|engines-3|ossl-modules|audit|llama\/libllama-(?:bench|cli|completion|quantize)-impl)/.test(path));

async function collect(packages: Packages): Promise<Collected> {
  const found = await withLibraries(packages, PACKAGE);
  const lists = [];
  for (const one of found) {
    lists.push(await packages.filesAndLinks(one, wanted));
  }
  const files = lists.flat();
  return {
    entries: files.map(entryOf), built: Math.max(...files.map(({ mtime }) => mtime)), version: found.find(({ name }) => name === PACKAGE)?.version ?? '',
  };
}

/** Testing moves on from day to day: what old lists name may be gone from the mirror, and all packages have to be of one state. */
async function fresh(packages: Packages): Promise<Collected> {
  try {
    return await collect(packages);
  } catch (error) {
    if (!(error instanceof ToolError) || !(await packages.refresh())) {
      throw error;
    }
    return collect(packages);
  }
}

async function fromSuites(packages: Packages): Promise<Collected> {
  const failures: string[] = [];
  for (const suite of SUITES) {
    try {
      return await fresh(packages.ofSuite(suite));
    } catch (error) {
      if (!(error instanceof ToolError)) {
        throw error;
      }
      failures.push(`${suite}: ${error.message}`);
    }
  }
  throw new ToolError(`no suite of Debian gave llama.cpp (${failures.join('; ')})`, undefined);
}

export async function llamaImage(packages: Packages, settings: Pick<ImageSettings, 'name' | 'labels'>): Promise<Uint8Array[]> {
  const { entries, built, version } = await fromSuites(packages);
  const box = await busybox(packages);
  const layer = withFolders([
    ...entries, ...await systemEntries(packages),
    { type: 'file', path: 'usr/bin/busybox', mode: 0o755, data: box.data },
    ...APPLETS.filter((name) => box.applets.includes(name)).map((name): TarEntry => ({ type: 'symlink', path: `usr/bin/${name}`, target: 'busybox' })),
    { type: 'file', path: 'usr/bin/telar-llama', mode: 0o755, data: readFileSync(LAUNCHER) },
  ]);
  checkLibraries([layer]);
  return imageParts({
    ...settings, labels: { ...settings.labels, 'telar.local/llama.cpp': version }, created: built, user: RUNTIME_USER, workingDir: '/tmp',
    env: ['PATH=/usr/bin', 'HOME=/tmp', 'LLAMA_CACHE=/tmp', `LD_LIBRARY_PATH=/${LIBRARY_FOLDER}:/${LIBRARY_FOLDER}/llama`],
    entrypoint: ['/usr/bin/telar-llama'], exposedPorts: ['8080/tcp'],
  }, [layer]);
}
