/**
 * Another of Debian's suites than the one this machine runs: its own list of sources and package lists in a folder of Telar's cache, from
 * the same mirror, signed by the same keys. Nothing of it is ever installed here.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run, ToolError } from './run.ts';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** The mirror of Debian's archive that apt uses here. */
async function mirror(): Promise<string> {
  const targets = await run('apt-get', ['indextargets', '--format', '$(CREATED_BY)\t$(ORIGIN)\t$(REPO_URI)\t$(RELEASE)']);
  const own = targets.split('\n').map((line) => line.split('\t'))
    .find(([kind, origin, uri = '', release = '']) => kind === 'Packages' && origin === 'Debian' && uri !== '' && !/-(?:security|updates|backports)/.test(release));
  if (own?.[2] === undefined) {
    throw new ToolError('this image is made from Debian\'s packages, and apt here knows no mirror of Debian; add one to /etc/apt/sources.list and run "apt-get update"', undefined);
  }
  return own[2];
}

/** One line of apt's sources for a suite. */
export async function suiteSources(suite: string): Promise<string> {
  return `deb [signed-by=${KEYRING}] ${await mirror()} ${suite} main\n`;
}

/** Writes the sources under `folder` and answers the options that make apt use them alone. */
export async function aptOptions(folder: string, sources: string): Promise<string[]> {
  await Promise.all([mkdir(join(folder, 'lists', 'partial'), { recursive: true }), mkdir(join(folder, 'cache', 'archives', 'partial'), { recursive: true })]);
  const list = join(folder, 'sources.list');
  // apt's cache of the lists is worth half a second a question, and is void when the sources are newer.
  if (!existsSync(list) || await readFile(list, 'utf8') !== sources) {
    await writeFile(list, sources);
  }
  const options = {
    'Dir::Etc::SourceList': list, 'Dir::Etc::SourceParts': '/dev/null',
    'Dir::State::Lists': join(folder, 'lists'), 'Dir::Cache': join(folder, 'cache'),
    'Dir::Cache::pkgcache': 'pkgcache.bin', 'Dir::Cache::srcpkgcache': '',
    // apt's own sandbox user cannot read the folder of the cache.
    'APT::Sandbox::User': 'root', 'Acquire::Languages': 'none',
  };
  return Object.entries(options).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
}
