/** `telar down`: the control plane ends; what it runs goes on unless asked otherwise. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { CliError } from '../errors.ts';
import { alive, currentHolder, type LockName } from '../instance/lock.ts';
import { openLog } from '../instance/logfile.ts';
import { dataDirOf, findInstance, logPath } from '../instance/record.ts';
import { text } from '../messages/index.ts';
import type { Wiring } from '../wiring.ts';

const STOP_LIMIT_MS = 30_000;
const STOP_CHECK_MS = 25;

/** Ends the process that has a lock; answers whether there was one. */
async function stop(dataDir: string, lock: LockName): Promise<boolean> {
  const holder = await currentHolder(dataDir, lock);
  if (holder === undefined) {
    return false;
  }
  process.kill(holder.pid, 'SIGTERM');
  const end = Date.now() + STOP_LIMIT_MS;
  while (await alive(holder)) {
    if (Date.now() > end) {
      throw new CliError(text('down.error.slow', { pid: holder.pid, log: logPath(dataDir) }));
    }
    await sleep(STOP_CHECK_MS);
  }
  return true;
}

export function addDown(program: Command, wiring: Wiring): void {
  program.command('down').description(text('down.description'))
    .option('--data-dir <dir>', text('option.dataDir'))
    .option('--workloads', text('down.option.workloads'))
    .action(async (flags: { dataDir?: string; workloads?: boolean }) => {
      const dataDir = dataDirOf(flags.dataDir);
      const instance = await findInstance(dataDir);
      if (instance === undefined) {
        throw new CliError(text('status.none', { dataDir }));
      }
      // The node first, while there is a server to tell of it; of `telar up` both are one process.
      const stopped = [await stop(dataDir, 'node.lock'), await stop(dataDir, 'lock')].includes(true);
      if (flags.workloads === true) {
        process.stdout.write(`${text('down.removing')}\n`);
        await wiring.teardown(instance, openLog(logPath(dataDir), true));
        process.stdout.write(`${text('down.workloads', { dataDir })}\n`);
        return;
      }
      process.stdout.write(`${stopped ? text('down.stopped') : text('down.notRunning', { dataDir })}\n`);
    });
}
