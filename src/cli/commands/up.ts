/** `telar up`: everything on this machine, in the foreground or left running. */
import type { Command } from 'commander';
import { ensurePrograms } from '../doctor/quick.ts';
import { CliError } from '../errors.ts';
import { dataDirOf } from '../instance/record.ts';
import { addServerOptions, instanceOptions, serveDetached, serveHere, type ServerFlags } from '../instance/serving.ts';
import { text } from '../messages/index.ts';
import type { Wiring } from '../wiring.ts';

interface UpFlags extends ServerFlags {
  controllers: string;
  detach?: boolean;
  yes?: boolean;
}

export function addUp(program: Command, wiring: Wiring): void {
  addServerOptions(program.command('up').description(text('up.description')))
    .option('--controllers <list>', text('up.option.controllers'), '*')
    .option('-d, --detach', text('up.option.detach'))
    .option('-y, --yes', text('option.yes'))
    .action(async (flags: UpFlags) => {
      const dataDir = dataDirOf(flags.dataDir);
      if (process.getuid?.() !== 0) {
        throw new CliError(text('up.error.root', { command: 'up' }));
      }
      process.stdout.write(`${text('up.starting', { dataDir })}\n`);
      await ensurePrograms(wiring, { dataDir, yes: flags.yes === true });
      const words = process.argv.slice(2).filter((word) => word !== '--detach' && word !== '-d');
      await (flags.detach === true
        ? serveDetached(dataDir, instanceOptions(flags), words)
        : serveHere({ wiring, dataDir, flags, roles: ['server', 'controllers', 'node'], controllers: flags.controllers }));
    });
}
