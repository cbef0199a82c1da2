/** `telar support-bundle`: what to hand to somebody who helps. */
import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Command } from 'commander';
import { codeOf } from '../../apimachinery/errno.ts';
import { formatBytes } from '../../apimachinery/quantity.ts';
import { TAR_END, tarHeader, tarPadding } from '../../apimachinery/tar.ts';
import { CliError } from '../errors.ts';
import { dataDirOf } from '../instance/record.ts';
import { text } from '../messages/index.ts';
import { collect, type BundleFile } from '../support/bundle.ts';
import type { Wiring } from '../wiring.ts';

const compressed = promisify(gzip);
const FOLDER = 'telar-support';

function archive(files: readonly BundleFile[]): Buffer {
  const mtime = Date.now() / 1000;
  return Buffer.concat([
    ...files.flatMap(({ name, content }) => [tarHeader({ path: `${FOLDER}/${name}`, size: content.length, mode: 0o600, mtime }), content, new Uint8Array(tarPadding(content.length))]),
    TAR_END,
  ]);
}

export function addSupport(program: Command, wiring: Wiring): void {
  program.command('support-bundle').description(text('support.description')).argument('[file]', text('support.argument.file'))
    .option('--data-dir <dir>', text('option.dataDir'))
    .action(async (wanted: string | undefined, flags: { dataDir?: string }) => {
      const file = resolve(wanted ?? `${FOLDER}-${new Date().toISOString().slice(0, 19).replace(/[:T]/g, '-')}.tar.gz`);
      const files = await collect(wiring, dataDirOf(flags.dataDir), program.version() ?? '');
      const bytes = await compressed(archive(files));
      try {
        const handle = await open(file, 'wx', 0o600);
        await handle.writeFile(bytes);
        await handle.close();
      } catch (error) {
        throw codeOf(error) === 'EEXIST' ? new CliError(text('backup.error.exists', { file }), { cause: error }) : error;
      }
      process.stdout.write(`${text('support.done', { file, size: formatBytes(bytes.length), files: files.length })}\n${text('support.secret')}\n`);
    });
}
