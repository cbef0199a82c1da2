/** `telar images list|import|remove|build`: what the node has, and the starter images. */
import { createReadStream } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { Argument, InvalidArgumentError, type Command } from 'commander';
import { formatBytes } from '../../apimachinery/quantity.ts';
import { humanDuration, renderTable } from '../../apimachinery/tables.ts';
import { CliError } from '../errors.ts';
import { buildImage, importImages, listImages, nodeName, removeImage, RUNTIME_IMAGES, STARTERS, type ListedImage } from '../images/node.ts';
import { text } from '../messages/index.ts';
import { withServer } from '../server.ts';

const FORMATS = ['json'];
const SHORT_ID = 12;

interface ImagesFlags {
  dataDir?: string;
  node?: string;
  output?: string;
}

function formatOf(value: string): string {
  if (!FORMATS.includes(value)) {
    throw new InvalidArgumentError(text('option.output', { formats: FORMATS.join(', ') }));
  }
  return value;
}

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

function rowsOf({ id, names, size, created, containers }: ListedImage): string[][] {
  const age = created === undefined ? '-' : humanDuration(Math.max(0, Date.now() - Date.parse(created)));
  return (names.length === 0 ? [text('images.list.unnamed')] : names).map((name) => [name, id.slice(0, SHORT_ID), formatBytes(size), String(containers), age]);
}

async function list(flags: ImagesFlags): Promise<void> {
  await withServer(flags.dataDir, async (server) => {
    const images = await listImages(server, await nodeName(server, flags.node));
    if (flags.output === 'json') {
      print(JSON.stringify({ items: images }, null, 2));
      return;
    }
    const rows = images.flatMap(rowsOf).sort(([a = ''], [b = '']) => a.localeCompare(b));
    print(rows.length === 0 ? text('images.list.none') : renderTable(['NAME', 'ID', 'SIZE', 'CONTAINERS', 'AGE'], rows).trimEnd());
  });
}

async function importFile(file: string, flags: ImagesFlags): Promise<void> {
  if (file !== '-') {
    await access(file, constants.R_OK).catch((error: unknown) => {
      throw new CliError(text('images.import.error.file', { file, why: error instanceof Error ? error.message : String(error) }), { cause: error });
    });
  }
  await withServer(flags.dataDir, async (server) => {
    const node = await nodeName(server, flags.node);
    for (const image of await importImages(server, node, file === '-' ? process.stdin : createReadStream(file))) {
      print(text('images.import.done', { image }));
    }
  });
}

async function remove(names: readonly string[], flags: ImagesFlags): Promise<void> {
  await withServer(flags.dataDir, async (server) => {
    const node = await nodeName(server, flags.node);
    for (const image of names) {
      await removeImage(server, node, image);
      print(text('images.remove.done', { image }));
    }
  });
}

async function build(names: readonly string[], flags: ImagesFlags): Promise<void> {
  await withServer(flags.dataDir, async (server) => {
    const node = await nodeName(server, flags.node);
    for (const name of names.length === 0 ? STARTERS : names) {
      const { image } = await buildImage(server, node, {
        name, ifMissing: false, progress: (message) => print(text('images.build.name', { name, message })),
      });
      print(text('images.build.done', { image }));
    }
  });
}

/** Options every subcommand has. */
const common = (command: Command): Command => command
  .option('--data-dir <dir>', text('option.dataDir'))
  .option('--node <name>', text('images.option.node'));

export function addImages(program: Command): void {
  const images = program.command('images').description(text('images.description'));
  common(images.command('list').alias('ls').description(text('images.list.description')))
    .option('-o, --output <format>', text('option.output', { formats: FORMATS.join(', ') }), formatOf)
    .action(list);
  common(images.command('import').description(text('images.import.description')).argument('<file>')).action(importFile);
  common(images.command('remove').alias('rm').description(text('images.remove.description')).argument('<name...>')).action(remove);
  common(images.command('build').description(text('images.build.description')).addArgument(new Argument('[name...]').choices([...STARTERS, ...RUNTIME_IMAGES]))).action(build);
}
