/** `telar backup`, `telar restore` and `telar verify`: the instance's state in a file, back again, and whether it is well. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import { formatBytes } from '../../apimachinery/quantity.ts';
import { STORE_ENTRY } from '../backup/archive.ts';
import { restore } from '../backup/restore.ts';
import { fetchBackup, readBackup, takeBackup, type Progress } from '../backup/take.ts';
import { CliError } from '../errors.ts';
import { currentHolder } from '../instance/lock.ts';
import { dataDirOf } from '../instance/record.ts';
import { text } from '../messages/index.ts';
import { withServer } from '../server.ts';
import type { StoreReport, Wiring } from '../wiring.ts';

const FORMATS = ['json'];
const EXIT_PROBLEMS = 1;
/** Between two lines of progress on a terminal, ms. */
const PROGRESS_EVERY_MS = 200;

const print = (line: string): void => { process.stdout.write(`${line}\n`); };

/** One line that is written over, for people only. */
function progressLine(): Progress & { end(): void } {
  let last = 0;
  const shown = process.stderr.isTTY;
  const show: Progress = (done, total) => {
    if (shown && (Date.now() - last > PROGRESS_EVERY_MS || done === total)) {
      last = Date.now();
      process.stderr.write(`\r\u001b[K${text('backup.progress', { done: formatBytes(done), total: formatBytes(total) })}`);
    }
  };
  return Object.assign(show, { end: () => { process.stderr.write(shown && last > 0 ? '\r\u001b[K' : ''); } });
}

function formatOf(value: string): string {
  if (!FORMATS.includes(value)) {
    throw new InvalidArgumentError(text('option.output', { formats: FORMATS.join(', ') }));
  }
  return value;
}

async function backup(file: string, dataDir: string | undefined): Promise<void> {
  const path = resolve(file);
  if (existsSync(path)) {
    throw new CliError(text('backup.error.exists', { file: path }));
  }
  const progress = progressLine();
  try {
    const { manifest, bytes } = await withServer(dataDir, (server) => takeBackup(server, path, progress));
    progress.end();
    print(text('backup.done', { file: path, size: formatBytes(bytes), revision: manifest.revision }));
    print(text('backup.secret'));
  } finally {
    progress.end();
  }
}

/** In a folder of its own that goes when the work is done. */
async function inScratch<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'telar-verify-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

interface Examination {
  wiring: Wiring;
  file: string | undefined;
  dataDir: string;
  encryptionKey: string | undefined;
}

/** A backup's file, a copy of the running instance, or the directory of one that does not run. */
async function examined({ wiring, file, dataDir, encryptionKey }: Examination): Promise<StoreReport> {
  if (file !== undefined) {
    return inScratch(async (folder) => {
      await readBackup(resolve(file), folder);
      return wiring.verify(join(folder, STORE_ENTRY), encryptionKey);
    });
  }
  if (await currentHolder(dataDir) !== undefined) {
    return inScratch(async (folder) => {
      const progress = progressLine();
      await withServer(dataDir, (server) => fetchBackup(server, { into: folder }, progress));
      progress.end();
      return wiring.verify(join(folder, STORE_ENTRY), encryptionKey);
    });
  }
  const store = join(dataDir, STORE_ENTRY);
  if (!existsSync(store)) {
    throw new CliError(text('status.none', { dataDir }));
  }
  return wiring.verify(store, encryptionKey);
}

function tell(report: StoreReport): void {
  for (const problem of report.problems) {
    print(text('verify.problem', { problem }));
  }
  if (report.moreProblems > 0) {
    print(text('verify.more', { count: report.moreProblems }));
  }
  const { objects, versions, revision, compacted, format } = report;
  print(text('verify.summary', { objects, versions, revision, compacted, format }));
  if (report.encrypted > 0) {
    print(text('verify.encrypted', { count: report.encrypted }));
  }
  print(report.problems.length === 0 ? text('verify.good') : text('verify.bad', { count: report.problems.length + report.moreProblems }));
}

export function addBackup(program: Command, wiring: Wiring): void {
  program.command('backup').description(text('backup.description')).argument('<file>', text('backup.argument.file'))
    .option('--data-dir <dir>', text('option.dataDir'))
    .action((file: string, flags: { dataDir?: string }) => backup(file, flags.dataDir));

  program.command('restore').description(text('restore.description')).argument('<file>', text('backup.argument.file'))
    .option('--data-dir <dir>', text('option.dataDir'))
    .action(async (file: string, flags: { dataDir?: string }) => {
      const dataDir = dataDirOf(flags.dataDir);
      const { manifest, report, aside } = await restore(wiring, resolve(file), dataDir);
      print(text('restore.done', { dataDir, objects: report.objects, revision: report.revision, created: manifest.created }));
      if (aside !== undefined) {
        print(text('restore.aside', { aside }));
      }
      print(text('restore.next', { dataDir }));
    });

  program.command('verify').description(text('verify.description')).argument('[file]', text('verify.argument.file'))
    .option('--data-dir <dir>', text('option.dataDir'))
    .option('-o, --output <format>', text('option.output', { formats: FORMATS.join(', ') }), formatOf)
    .option('--encryption-key <file>', text('verify.option.encryptionKey'))
    .action(async (file: string | undefined, flags: { dataDir?: string; output?: string; encryptionKey?: string }) => {
      const encryptionKey = flags.encryptionKey === undefined ? undefined : resolve(flags.encryptionKey);
      const report = await examined({ wiring, file, dataDir: dataDirOf(flags.dataDir), encryptionKey });
      if (flags.output === 'json') {
        print(JSON.stringify(report, null, 2));
      } else {
        tell(report);
      }
      process.exitCode = report.problems.length === 0 ? 0 : EXIT_PROBLEMS;
    });
}
