/** Installing what is missing: on Debian and its kin as root, otherwise saying how. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { CliError } from '../errors.ts';
import { text } from '../messages/index.ts';

/** What is kept of apt's words for when it fails, characters. */
const OUTPUT_MAX = 16_384;
const TAIL_LINES = 12;
/** Another apt may be at work: how long to wait for it, seconds. */
const LOCK_WAIT_SECONDS = 300;

const INSTALL_OPTIONS = ['install', '--yes', '--no-install-recommends'];

/** Debian, Ubuntu, or something made from them. */
export function hasApt(osRelease = '/etc/os-release'): boolean {
  let content: string;
  try {
    content = readFileSync(osRelease, 'utf8');
  } catch {
    // No such file: some other system.
    return false;
  }
  const words = [...content.matchAll(/^ID(?:_LIKE)?=(.*)$/gm)].flatMap(([, value]) => (value ?? '').replace(/"/g, '').split(/\s+/));
  return words.includes('debian') || words.includes('ubuntu');
}

/** What a person would type. */
export function installCommand(packages: readonly string[], root = process.getuid?.() === 0): string {
  const sudo = root ? '' : 'sudo ';
  return `${sudo}apt-get update && ${sudo}apt-get ${INSTALL_OPTIONS.join(' ')} ${packages.join(' ')}`;
}

/** Standard error is for people: standard output may be someone's JSON. */
const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

async function agreed(packages: readonly string[]): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = (await lines.question(text('doctor.install.ask', { packages: packages.join(', ') }))).trim().toLowerCase();
    return answer === '' || ['y', 'yes', 's', 'si', 'sí'].includes(answer);
  } finally {
    lines.close();
  }
}

/** The end of what apt said when it failed; undefined when it did not. */
function apt(args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const child = spawn('apt-get', ['-q', '-o', `DPkg::Lock::Timeout=${LOCK_WAIT_SECONDS}`, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', NEEDRESTART_SUSPEND: '1', LC_ALL: 'C' },
    });
    let said = '';
    const hear = (chunk: Buffer): void => {
      said = (said + chunk.toString()).slice(-OUTPUT_MAX);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('error', reject);
    child.once('close', (code) => resolve(code === 0 ? undefined : said.trim().split('\n').slice(-TAIL_LINES).join('\n')));
  });
}

/**
 * Installs packages, or throws a CliError that says how a person can. `yes` (or CI=true) installs without asking; else a terminal is asked.
 */
export async function installPackages(packages: readonly string[], yes: boolean): Promise<void> {
  const list = packages.join(' ');
  if (!hasApt()) {
    throw new CliError(text('doctor.install.other', { packages: list }));
  }
  if (process.getuid?.() !== 0) {
    throw new CliError(text('doctor.install.how', { command: installCommand(packages) }));
  }
  const unasked = yes || process.env['CI'] === 'true' || process.env['CI'] === '1';
  if (!unasked && !(process.stdin.isTTY && process.stderr.isTTY && await agreed(packages))) {
    throw new CliError(text('doctor.error.notAsked', { command: installCommand(packages) }));
  }
  say(text('doctor.install.updating'));
  const update = await apt(['update']);
  say(text('doctor.install.installing', { packages: packages.join(', ') }));
  const failed = await apt([...INSTALL_OPTIONS, ...packages]);
  if (failed !== undefined) {
    throw new CliError(text('doctor.error.install', { packages: list, tail: update === undefined ? failed : `${update}\n${failed}` }));
  }
}
