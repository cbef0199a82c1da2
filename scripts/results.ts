/** Runs one file of tests in a process of its own, counts what its reporter says, and shows it: a line, and failures in full. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Line } from './reporter.ts';

const REPORTER = fileURLToPath(new URL('./reporter.ts', import.meta.url));
/** What is kept of a file's own output for when one of its tests fails, characters. */
const OUTPUT_MAX = 20_000;
/** A file that is told to end gets this long to clean up. */
const GRACE_MS = 5_000;
/** Output may be held open by something a test left behind: it is not waited for longer. */
const OUTPUT_WAIT_MS = 1_000;

export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

export const noCounts = (): Counts => ({ passed: 0, failed: 0, skipped: 0 });

export function add(to: Counts, more: Counts): void {
  to.passed += more.passed;
  to.failed += more.failed;
  to.skipped += more.skipped;
}

interface Ended {
  code: number | null;
  output: string;
  /** It had to be ended. */
  late: boolean;
}

/** Ends the file's process and what it started in its group: first kindly, then not. */
function end(pid: number): NodeJS.Timeout {
  const kill = (signal: NodeJS.Signals): void => {
    try {
      process.kill(-pid, signal);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) {
        throw error;
      }
    }
  };
  kill('SIGTERM');
  return setTimeout(() => kill('SIGKILL'), GRACE_MS);
}

function execute(file: string, report: string, limitMs: number, signal: AbortSignal): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [
      '--disable-warning=ExperimentalWarning', `--test-reporter=${REPORTER}`, `--test-reporter-destination=${report}`, file,
    ], { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    let output = '';
    let late = false;
    let kill: NodeJS.Timeout | undefined;
    const hear = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-OUTPUT_MAX);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    const stop = (): void => {
      if (child.pid !== undefined && !late) {
        late = true;
        kill = end(child.pid);
      }
    };
    const timer = setTimeout(stop, limitMs);
    signal.addEventListener('abort', stop, { once: true });
    const done = (code: number | null): void => {
      signal.removeEventListener('abort', stop);
      clearTimeout(kill);
      resolve({ code, output, late });
    };
    child.once('error', reject);
    child.once('exit', (code) => {
      clearTimeout(timer);
      const wait = setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
      }, OUTPUT_WAIT_MS);
      child.once('close', () => {
        clearTimeout(wait);
        done(code);
      });
    });
  });
}

function isLine(value: unknown): value is Line {
  return typeof value === 'object' && value !== null && 'outcome' in value && 'name' in value && 'error' in value;
}

function readLines(report: string): Line[] {
  const lines: Line[] = [];
  for (const text of readFileSync(report, { encoding: 'utf8', flag: 'a+' }).split('\n')) {
    if (!text.endsWith('}')) {
      // Nothing, or a line cut short when the process was ended.
      continue;
    }
    const line: unknown = JSON.parse(text);
    if (isLine(line)) {
      lines.push(line);
    }
  }
  return lines;
}

const indent = (words: string): string => words.split('\n').map((line) => `      ${line}`).join('\n');

/** Counts and failures of a file. A suite counts through its tests, unless it failed by itself (a hook did). */
function judge(lines: readonly Line[], ended: Ended, limitMs: number): { counts: Counts; failures: string[] } {
  const counts = noCounts();
  const failures: string[] = [];
  const fail = (name: string, why: string): void => {
    counts.failed += 1;
    failures.push(`  ✗ ${name}\n${indent(why)}`);
  };
  for (const { outcome, name, suite, skipped, inner, error } of lines) {
    if (suite && (outcome === 'pass' || inner)) {
      continue;
    }
    if (skipped) {
      counts.skipped += 1;
    } else if (outcome === 'pass') {
      counts.passed += 1;
    } else {
      fail(name, error);
    }
  }
  if (ended.late) {
    fail('the file as a whole', `it did not end within ${Math.round(limitMs / 1000)} s and was ended`);
  } else if (ended.code !== 0 && counts.failed === 0) {
    fail('the file as a whole', `it ended with exit code ${ended.code ?? 'of a signal'}`);
  }
  return { counts, failures };
}

export interface FileOptions {
  /** Shortens the file's name. */
  root: string;
  limitMs: number;
  /** Ends the file early. */
  signal: AbortSignal;
}

/** Runs and shows one file. */
export async function runFile(file: string, { root, limitMs, signal }: FileOptions): Promise<Counts> {
  const folder = mkdtempSync(join(tmpdir(), 'telar-report-'));
  const began = performance.now();
  try {
    const ended = await execute(file, join(folder, 'report'), limitMs, signal);
    const { counts, failures } = judge(readLines(join(folder, 'report')), ended, limitMs);
    const { passed, failed, skipped } = counts;
    const mark = failed > 0 ? '✗' : passed > 0 ? '✓' : '-';
    const seconds = Math.round((performance.now() - began) / 1000);
    const rest = `${failed > 0 ? `, ${failed} failed` : ''}${skipped > 0 ? `, ${skipped} skipped` : ''}`;
    const said = failed > 0 && ended.output.trim() !== '' ? `  what it printed last:\n${indent(ended.output.trim())}\n` : '';
    process.stdout.write(`${mark} ${relative(root, file)}: ${passed} passed${rest} (${seconds} s)\n${failures.map((one) => `${one}\n`).join('')}${said}`);
    return counts;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs files, `beside` of them at a time. */
export async function runFiles(files: readonly string[], beside: number, options: FileOptions): Promise<Counts> {
  const total = noCounts();
  const queue = [...files];
  const worker = async (): Promise<void> => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      add(total, options.signal.aborted ? { passed: 0, failed: 1, skipped: 0 } : await runFile(file, options));
    }
  };
  await Promise.all(Array.from({ length: beside }, worker));
  return total;
}
