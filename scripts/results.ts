/** Counting what node's test runner reports, and showing it: a line per file, failures in full. */
import { relative, resolve } from 'node:path';
import type { TestsStream } from 'node:test';

/** What is kept of a file's own output for when one of its tests fails, characters. */
const OUTPUT_MAX = 20_000;

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

interface FileRun {
  counts: Counts;
  failures: string[];
  output: string;
}

interface Outcome {
  name: string;
  file?: string | undefined;
  details: { duration_ms: number; type?: string | undefined; error?: Error };
  skip?: boolean | string | undefined;
  todo?: boolean | string | undefined;
}

function errorText(error: Error | undefined): string {
  const cause = error?.cause instanceof Error ? error.cause : error;
  return cause === undefined ? '' : cause.stack ?? cause.message;
}

const indent = (words: string): string => words.split('\n').map((line) => `      ${line}`).join('\n');

/** Follows a run to its end. `root` shortens the names of files. */
export async function follow(stream: TestsStream, root: string): Promise<Counts> {
  const files = new Map<string, FileRun>();
  const shown = new Set<string>();
  const total = noCounts();
  const runOf = (file: string | undefined): FileRun => {
    const key = file ?? '';
    const run = files.get(key) ?? { counts: noCounts(), failures: [], output: '' };
    files.set(key, run);
    return run;
  };
  const record = (outcome: Outcome, kind: keyof Counts): void => {
    const run = runOf(outcome.file);
    // A file without tests passes as one; a file that cannot be loaded fails as one.
    if (kind === 'passed' && outcome.file !== undefined && resolve(outcome.name) === outcome.file) {
      return;
    }
    // A suite counts through its tests; one that fails by itself (a hook, a file that cannot be loaded) has no failed test to show for it.
    const childFailed = outcome.details.error?.message.includes('subtest') === true;
    if (outcome.details.type === 'suite' && (kind !== 'failed' || childFailed)) {
      return;
    }
    run.counts[kind] += 1;
    if (kind === 'failed') {
      run.failures.push(`  ✗ ${outcome.name}\n${indent(errorText(outcome.details.error))}`);
    }
  };
  const hear = ({ file, message }: { file?: string | undefined; message: string }): void => {
    const run = runOf(file);
    run.output = (run.output + message).slice(-OUTPUT_MAX);
  };
  stream.on('test:stdout', hear);
  stream.on('test:stderr', hear);
  stream.on('test:pass', (data) => record(data, data.skip !== undefined || data.todo !== undefined ? 'skipped' : 'passed'));
  stream.on('test:fail', (data) => record(data, data.todo === undefined ? 'failed' : 'skipped'));
  stream.on('test:summary', ({ file }) => {
    if (file !== undefined) {
      show(file, runOf(file), root);
      shown.add(file);
    }
  });
  for await (const _ of stream) {
    // The events above are what matters; the stream must be read for them to come.
  }
  for (const [file, run] of files) {
    add(total, run.counts);
    // A file that could not be loaded, or was ended, has no summary of its own.
    if (!shown.has(file) && (run.counts.failed > 0 || run.counts.passed > 0)) {
      show(file, run, root);
    }
  }
  return total;
}

function show(file: string, { counts, failures, output }: FileRun, root: string): void {
  const { passed, failed, skipped } = counts;
  const mark = failed > 0 ? '✗' : passed > 0 ? '✓' : '-';
  process.stdout.write(`${mark} ${relative(root, file)}: ${passed} passed${failed > 0 ? `, ${failed} failed` : ''}${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
  for (const failure of failures) {
    process.stdout.write(`${failure}\n`);
  }
  if (failed > 0 && output.trim() !== '') {
    process.stdout.write(`  what it printed last:\n${indent(output.trim())}\n`);
  }
}
