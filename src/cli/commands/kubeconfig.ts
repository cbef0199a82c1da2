/** `telar kubeconfig`: the administrator's way in. */
import { existsSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { parse, stringify } from 'yaml';
import { CliError } from '../errors.ts';
import { dataDirOf, kubeconfigPath } from '../instance/record.ts';
import { text } from '../messages/index.ts';

const CONTEXT = 'telar';

interface Named { name: string; [key: string]: unknown }
interface Config { clusters: Named[]; users: Named[]; contexts: Named[]; 'current-context'?: string; [key: string]: unknown }

function isNamed(value: unknown): value is Named {
  return typeof value === 'object' && value !== null && 'name' in value && typeof value.name === 'string';
}

function read(content: string, file: string): Config {
  let value: unknown;
  try {
    value = parse(content) ?? {};
  } catch (error) {
    throw new CliError(text('kubeconfig.error.unreadable', { file }), { cause: error });
  }
  if (typeof value !== 'object' || value === null) {
    throw new CliError(text('kubeconfig.error.unreadable', { file }));
  }
  const list = (key: string): Named[] => {
    const entries: unknown = Reflect.get(value, key) ?? [];
    if (!Array.isArray(entries) || !entries.every(isNamed)) {
      throw new CliError(text('kubeconfig.error.unreadable', { file }));
    }
    return entries;
  };
  return { ...value, clusters: list('clusters'), users: list('users'), contexts: list('contexts') };
}

/** The lists with the entries of ours in place of any of the same name. */
const replaced = (list: readonly Named[], entry: Named): Named[] => [...list.filter(({ name }) => name !== entry.name), entry];

/** Adds the administrator's cluster, user and context under one name to another kubeconfig. */
export function merged(into: Config, admin: Config): Config {
  const [cluster, user] = [admin.clusters[0], admin.users[0]];
  return {
    apiVersion: 'v1', kind: 'Config', ...into,
    clusters: replaced(into.clusters, { ...cluster, name: CONTEXT }),
    users: replaced(into.users, { ...user, name: CONTEXT }),
    contexts: replaced(into.contexts, { name: CONTEXT, context: { cluster: CONTEXT, user: CONTEXT } }),
    'current-context': into['current-context'] || CONTEXT,
  };
}

export function addKubeconfig(program: Command): void {
  program.command('kubeconfig').description(text('kubeconfig.description'))
    .option('--data-dir <dir>', text('option.dataDir'))
    .option('--path', text('kubeconfig.option.path'))
    .option('--merge <file>', text('kubeconfig.option.merge'))
    .action(async (flags: { dataDir?: string; path?: boolean; merge?: string }) => {
      const dataDir = dataDirOf(flags.dataDir);
      const own = kubeconfigPath(dataDir);
      if (!existsSync(own)) {
        throw new CliError(text('status.none', { dataDir }));
      }
      if (flags.path === true) {
        process.stdout.write(`${own}\n`);
        return;
      }
      const content = await readFile(own, 'utf8');
      if (flags.merge === undefined) {
        process.stdout.write(content);
        return;
      }
      const file = resolve(flags.merge);
      const into = read(existsSync(file) ? await readFile(file, 'utf8') : '', file);
      const temporary = `${file}.${process.pid}`;
      await writeFile(temporary, stringify(merged(into, read(content, own))), { mode: 0o600 });
      await rename(temporary, file);
      process.stdout.write(`${text('kubeconfig.merged', { file })}\n`);
    });
}
