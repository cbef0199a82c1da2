/**
 * All checks in one run: lint, types, unit, conformance and end-to-end tests. `node scripts/test.ts [--long] [--only PART] [PATH…]`.
 * Ends with a line `N passed, N failed, N skipped`; the exit code is not 0 when something failed or nothing ran.
 */
import { spawn } from 'node:child_process';
import { globSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { kubectlFolder } from './kubectl.ts';
import { add, noCounts, runFiles } from './results.ts';
import type { Counts } from './results.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const PARTS = ['lint', 'types', 'unit', 'conformance', 'e2e'] as const;
type Part = (typeof PARTS)[number];

/** One file of tests that takes longer has failed. */
const FILE_LIMIT_MS: Record<'unit' | 'conformance' | 'e2e', number> = { unit: 180_000, conformance: 300_000, e2e: 480_000 };
/** Endurance runs take their time. */
const LONG_FACTOR = 6;
/** What is not done by then is ended and counts as failed; endurance runs have no such end. */
const TOTAL_LIMIT_MS = 24 * 60_000;

const PATTERNS = { unit: 'src/**/*.test.ts', conformance: 'test/{conformance,fuzz}/**/*.test.ts', e2e: 'test/e2e/**/*.test.ts' } as const;

interface Request {
  parts: readonly Part[];
  /** Folders or files to stay within. */
  paths: string[];
  long: boolean;
}

const isPart = (word: string): word is Part => PARTS.some((part) => part === word);

function parse(): Request {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { long: { type: 'boolean' }, only: { type: 'string' } } });
  const [first, ...rest] = positionals;
  const named = values.only ?? (first !== undefined && isPart(first) ? first : undefined);
  if (named !== undefined && !isPart(named)) {
    process.stderr.write(`there is no part "${named}"; there are ${PARTS.join(', ')}\n`);
    process.exit(2);
  }
  const paths = values.only === undefined && named !== undefined ? rest : positionals;
  return { parts: named === undefined ? PARTS : [named], paths: paths.map((path) => resolve(path)), long: values.long === true };
}

/** A tool as one check: it passes when it ends with 0. */
async function tool(name: string, program: string, args: readonly string[]): Promise<Counts> {
  const child = spawn(process.execPath, [join(ROOT, 'node_modules', program), ...args], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  const hear = (chunk: Buffer): void => {
    said += chunk.toString();
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const code = await new Promise<number | null>((resolvePromise, reject) => {
    child.once('error', reject);
    child.once('close', resolvePromise);
  });
  process.stdout.write(code === 0 ? `✓ ${name}\n` : `${said.trim()}\n✗ ${name}\n`);
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 };
}

function filesOf(part: 'unit' | 'conformance' | 'e2e', paths: readonly string[]): string[] {
  const all = globSync(PATTERNS[part], { cwd: ROOT }).map((file) => join(ROOT, file)).sort();
  const within = (file: string): boolean => paths.some((path) => file === path || file.startsWith(`${path}/`));
  return paths.length === 0 ? all : all.filter(within);
}

async function tests(part: 'unit' | 'conformance' | 'e2e', request: Request, signal: AbortSignal): Promise<Counts> {
  const files = filesOf(part, request.paths);
  if (files.length === 0) {
    return noCounts();
  }
  // Units do not meet; the others share ports, ranges and two cores with each other.
  return runFiles(files, part === 'unit' ? 2 : 1, { root: ROOT, limitMs: FILE_LIMIT_MS[part] * (request.long ? LONG_FACTOR : 1), signal });
}

async function runPart(part: Part, request: Request, signal: AbortSignal): Promise<Counts> {
  switch (part) {
    case 'lint': return tool('lint', 'oxlint/bin/oxlint', ['--type-aware', '--deny-warnings']);
    case 'types': return tool('types', 'typescript/bin/tsc', ['--noEmit']);
    default: return tests(part, request, signal);
  }
}

async function main(): Promise<void> {
  const request = parse();
  for (const path of request.paths) {
    statSync(path);
  }
  if (request.long) {
    process.env['TELAR_TEST_LONG'] = '1';
  }
  process.chdir(ROOT);
  const ends = new AbortController();
  const timer = request.long ? undefined : setTimeout(() => {
    process.stdout.write(`✗ not done after ${TOTAL_LIMIT_MS / 60_000} minutes: the rest is ended\n`);
    ends.abort();
  }, TOTAL_LIMIT_MS);
  if (request.parts.includes('conformance') || request.parts.includes('e2e')) {
    const folder = await kubectlFolder();
    process.env['PATH'] = `${folder === undefined ? '' : `${folder}:`}${process.env['PATH'] ?? ''}`;
  }
  const total = noCounts();
  for (const part of request.parts) {
    process.stdout.write(`== ${part}\n`);
    const counts = ends.signal.aborted ? { passed: 0, failed: 1, skipped: 0 } : await runPart(part, request, ends.signal);
    add(total, counts);
  }
  clearTimeout(timer);
  process.stdout.write(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
  process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;
}

await main();
