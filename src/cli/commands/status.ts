/** `telar status`: what runs, and where. Exit code 0 when it is ready, 3 when it does not run, 1 otherwise. */
import { InvalidArgumentError, type Command } from 'commander';
import { currentHolder } from '../instance/lock.ts';
import { readiness } from '../instance/ready.ts';
import { dataDirOf, findInstance, kubeconfigPath, logPath, urlOf } from '../instance/record.ts';
import { text } from '../messages/index.ts';

const EXIT_NOT_READY = 1;
const EXIT_NOT_RUNNING = 3;
const FORMATS = ['json'];

function formatOf(value: string): string {
  if (!FORMATS.includes(value)) {
    throw new InvalidArgumentError(text('option.output', { formats: FORMATS.join(', ') }));
  }
  return value;
}

export function addStatus(program: Command): void {
  program.command('status').description(text('status.description'))
    .option('--data-dir <dir>', text('option.dataDir'))
    .option('-o, --output <format>', text('option.output', { formats: FORMATS.join(', ') }), formatOf)
    .action(async (flags: { dataDir?: string; output?: string }) => {
      const dataDir = dataDirOf(flags.dataDir);
      const instance = await findInstance(dataDir);
      const holder = instance === undefined ? undefined : await currentHolder(dataDir);
      const ready = holder === undefined ? undefined : await readiness(dataDir);
      process.exitCode = ready === 'ok' ? 0 : holder === undefined ? EXIT_NOT_RUNNING : EXIT_NOT_READY;
      if (flags.output === 'json') {
        process.stdout.write(`${JSON.stringify({
          dataDir, running: holder !== undefined, ready: ready === 'ok',
          ...(ready === undefined || ready === 'ok' ? {} : { notReady: ready.why }),
          ...(instance === undefined ? {} : { id: instance.id, url: urlOf(instance), kubeconfig: kubeconfigPath(dataDir), log: logPath(dataDir), podCidr: instance.podCidr, serviceCidr: instance.serviceCidr, nodeName: instance.nodeName }),
          ...(holder === undefined ? {} : { pid: holder.pid, since: holder.since }),
        }, null, 2)}\n`);
        return;
      }
      if (instance === undefined || holder === undefined || ready === undefined) {
        process.stdout.write(`${text(instance === undefined ? 'status.none' : 'status.stopped', { dataDir })}\n`);
        return;
      }
      process.stdout.write(`${text('status.running', { dataDir, pid: holder.pid, url: holder.url, since: holder.since })}\n`);
      process.stdout.write(`${ready === 'ok' ? text('status.ready') : text('status.notReady', { why: ready.why })}\n`);
    });
}
