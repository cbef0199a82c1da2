/** What somebody needs who is to find out what is wrong with an instance, and nothing that opens a door. */
import { execFile } from 'node:child_process';
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { release, totalmem, cpus } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { codeOf } from '../../apimachinery/errno.ts';
import { examine, type Finding } from '../doctor/examine.ts';
import { currentHolder } from '../instance/lock.ts';
import { readiness } from '../instance/ready.ts';
import { findInstance } from '../instance/record.ts';
import { connect, type Server } from '../server.ts';
import type { Wiring } from '../wiring.ts';
import { allObjects, getText } from './objects.ts';
import { redacted } from './redact.ts';

const run = promisify(execFile);
const PROGRAM_LIMIT_MS = 10_000;
/** Of each log file the end is taken, bytes. */
const MAX_LOG_BYTES = 8 * 1024 * 1024;
const MAX_LOG_FILES = 20;
const MAX_NAME_CHARS = 65;
/** Files that hold one word are compared with the logs. */
const MAX_WORD_BYTES = 4096;
const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  podman: ['--version'], runc: ['--version'], crun: ['--version'], 'qemu-system-x86_64': ['--version'], nft: ['--version'], kubectl: ['version', '--client'],
};

export interface BundleFile {
  name: string;
  content: Buffer;
}

const json = (name: string, value: unknown): BundleFile => ({ name, content: Buffer.from(`${JSON.stringify(value, null, 2)}\n`) });
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

async function versionOf(program: string, args: readonly string[]): Promise<string> {
  try {
    return (await run(program, [...args], { timeout: PROGRAM_LIMIT_MS })).stdout.trim();
  } catch (error) {
    return codeOf(error) === 'ENOENT' ? 'not installed' : messageOf(error);
  }
}

async function versions(telar: string): Promise<BundleFile> {
  const programs: Record<string, string> = {};
  for (const [program, args] of Object.entries(PROGRAMS)) {
    programs[program] = await versionOf(program, args);
  }
  return json('versions.json', { telar, node: process.version, kernel: release(), processors: cpus().length, memoryBytes: totalmem(), programs });
}

async function doctor(wiring: Wiring, dataDir: string): Promise<BundleFile> {
  const findings: Finding[] = [];
  try {
    await examine(wiring, { dataDir, fix: false, yes: false, show: (finding) => { findings.push(finding); } });
  } catch (error) {
    return json('doctor.json', { findings, error: messageOf(error) });
  }
  return json('doctor.json', { findings });
}

async function status(dataDir: string): Promise<BundleFile> {
  const [instance, holder] = [await findInstance(dataDir), await currentHolder(dataDir)];
  const ready = holder === undefined ? undefined : await readiness(dataDir);
  return json('status.json', { instance, running: holder !== undefined, since: holder?.since, ready: ready === 'ok', ...(ready === undefined || ready === 'ok' ? {} : { notReady: ready.why }) });
}

async function names(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isFile()).map(({ name }) => name).sort();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') {
      return [];
    }
    throw error;
  }
}

/** Words that are nobody's to read: what the instance's own keys are. */
async function ownSecrets(dataDir: string): Promise<string[]> {
  const words: string[] = [];
  for (const name of await names(join(dataDir, 'pki'))) {
    const path = join(dataDir, 'pki', name);
    if ((await stat(path)).size <= MAX_WORD_BYTES) {
      const text = await readFile(path, 'utf8');
      words.push(...text.split(/\s+/).filter((word) => !word.startsWith('-----')));
    }
  }
  return words;
}

async function tail(path: string): Promise<string> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    const length = Math.min(size, MAX_LOG_BYTES);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.subarray(0, bytesRead).toString();
  } finally {
    await handle.close();
  }
}

async function logs(dataDir: string): Promise<BundleFile[]> {
  const secrets = await ownSecrets(dataDir);
  const folder = join(dataDir, 'log');
  const files: BundleFile[] = [];
  for (const name of (await names(folder)).slice(0, MAX_LOG_FILES)) {
    files.push({ name: `log/${name}`, content: Buffer.from(redacted(await tail(join(folder, name)), secrets)) });
  }
  return files;
}

async function sizes(dataDir: string): Promise<BundleFile> {
  const folder = join(dataDir, 'store');
  const files = await Promise.all((await names(folder)).map(async (name) => [name, (await stat(join(folder, name))).size] as const));
  return json('store.json', { files: Object.fromEntries(files) });
}

/** Names of kinds may be longer than an archive's paths. */
const fileNameOf = (name: string, index: number): string => (name.length <= MAX_NAME_CHARS ? name : `${name.slice(0, MAX_NAME_CHARS)}-${index}`);

async function ofServer(server: Server): Promise<BundleFile[]> {
  const all = await allObjects(server);
  return [
    { name: 'metrics.txt', content: Buffer.from(await getText(server, '/metrics')) },
    json('counts.json', Object.fromEntries(all.map(({ name, count, error }) => [name, error ?? count]))),
    ...all.filter(({ objects }) => objects.length > 0).map(({ name, objects }, index) => json(`objects/${fileNameOf(name, index)}.json`, objects)),
  ];
}

/** All files of the bundle. A server that does not answer is said in `server.json`; the rest is collected all the same. */
export async function collect(wiring: Wiring, dataDir: string, telar: string): Promise<BundleFile[]> {
  const files = [await versions(telar), await doctor(wiring, dataDir), await status(dataDir), await sizes(dataDir), ...await logs(dataDir)];
  try {
    const server = await connect(dataDir);
    try {
      files.push(...await ofServer(server));
    } finally {
      server.close();
    }
  } catch (error) {
    files.push(json('server.json', { error: messageOf(error) }));
  }
  return files;
}
