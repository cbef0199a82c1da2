/** `telar user`: certificates for people and programs, whose rights roles and bindings then say. */
import type { Command } from 'commander';
import type { Instance } from '../../apimachinery/instance.ts';
import { renderTable } from '../../apimachinery/tables.ts';
import { CliError } from '../errors.ts';
import { dataDirOf, findInstance, urlOf } from '../instance/record.ts';
import { text } from '../messages/index.ts';
import type { UserRecord, Wiring } from '../wiring.ts';

const DEFAULT_DAYS = 365;
const MAX_DAYS = 3650;
const DAY_LENGTH = 'YYYY-MM-DD'.length;
/** Names that a certificate can carry and a person can type. */
const NAME = /^[^\s,"\\/][^\s"\\]{0,252}$/;

interface Flags {
  dataDir?: string;
  group?: string[];
  days?: string;
  server?: string;
}

const several = (value: string, before: string[] = []): string[] => [...before, value];

async function instanceOf(flags: Flags): Promise<Instance> {
  const dataDir = dataDirOf(flags.dataDir);
  const instance = await findInstance(dataDir);
  if (instance === undefined) {
    throw new CliError(text('status.none', { dataDir }));
  }
  return instance;
}

function checked(name: string): string {
  if (!NAME.test(name)) {
    throw new CliError(text('user.error.name', { name }));
  }
  return name;
}

function daysOf(value: string | undefined): number {
  const days = value === undefined ? DEFAULT_DAYS : Number(value);
  if (!Number.isInteger(days) || days < 1 || days > MAX_DAYS) {
    throw new CliError(text('user.error.days', { value: value ?? '', most: MAX_DAYS }));
  }
  return days;
}

const day = (time: string): string => time.slice(0, DAY_LENGTH);

function stateOf({ removed, expires }: UserRecord): string {
  if (removed !== undefined) {
    return text('user.state.removed', { day: day(removed) });
  }
  return Date.parse(expires) < Date.now() ? text('user.state.expired') : text('user.state.valid');
}

export function addUser(program: Command, wiring: Wiring): void {
  const user = program.command('user').description(text('user.description'));
  user.command('add <name>').description(text('user.add.description'))
    .option('--data-dir <dir>', text('option.dataDir'))
    .option('--group <group>', text('user.option.group'), several)
    .option('--days <days>', text('user.option.days'))
    .option('--server <url>', text('user.option.server'))
    .action(async (name: string, flags: Flags) => {
      const instance = await instanceOf(flags);
      const server = flags.server ?? urlOf(instance);
      const groups = (flags.group ?? []).map(checked);
      process.stdout.write(await wiring.users(instance).add({ name: checked(name), groups, days: daysOf(flags.days), server }));
      process.stderr.write(`${text(groups.includes('system:masters') ? 'user.added.master' : 'user.added', { name })}\n`);
    });
  user.command('list').description(text('user.list.description'))
    .option('--data-dir <dir>', text('option.dataDir'))
    .action(async (flags: Flags) => {
      const users = await wiring.users(await instanceOf(flags)).list();
      const columns = ['name', 'groups', 'issued', 'expires', 'state'] as const;
      const rows = users.map((one) => [one.name, one.groups.join(','), day(one.issued), day(one.expires), stateOf(one)]);
      process.stdout.write(users.length === 0 ? `${text('user.none')}\n` : renderTable(columns.map((column) => text(`user.column.${column}`)), rows));
    });
  user.command('remove <name>').description(text('user.remove.description'))
    .option('--data-dir <dir>', text('option.dataDir'))
    .action(async (name: string, flags: Flags) => {
      if (await wiring.users(await instanceOf(flags)).remove(name) === 0) {
        throw new CliError(text('user.error.unknown', { name }));
      }
      process.stdout.write(`${text('user.removed', { name })}\n`);
    });
}
