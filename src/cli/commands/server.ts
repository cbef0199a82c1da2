/** `telar server`: the API server and its store alone, for controllers and nodes that run elsewhere. */
import type { Command } from 'commander';
import { dataDirOf } from '../instance/record.ts';
import { addServerOptions, instanceOptions, serveDetached, serveHere, type ServerFlags } from '../instance/serving.ts';
import { text } from '../messages/index.ts';
import type { Wiring } from '../wiring.ts';

interface Flags extends ServerFlags {
  detach?: boolean;
}

export function addServer(program: Command, wiring: Wiring): void {
  addServerOptions(program.command('server').description(text('server.description')))
    .option('-d, --detach', text('up.option.detach'))
    .action(async (flags: Flags) => {
      const dataDir = dataDirOf(flags.dataDir);
      process.stdout.write(`${text('up.starting', { dataDir })}\n`);
      const words = process.argv.slice(2).filter((word) => word !== '--detach' && word !== '-d');
      await (flags.detach === true
        ? serveDetached(dataDir, instanceOptions(flags), words)
        : serveHere({ wiring, dataDir, flags, roles: ['server'], controllers: '' }));
    });
}
