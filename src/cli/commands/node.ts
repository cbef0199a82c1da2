/** `telar node`: what runs pods and virtual machines of this machine, for a server that is another process. */
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { StatusError } from '../../apimachinery/status.ts';
import { codeOf } from '../../apimachinery/errno.ts';
import { defaultKubeconfigPath, loadKubeconfig } from '../../client/kubeconfig.ts';
import { ensurePrograms } from '../doctor/quick.ts';
import { CliError } from '../errors.ts';
import { openTerminalLog } from '../instance/logfile.ts';
import { dataDirOf, ensureInstance } from '../instance/record.ts';
import { explained, instanceOptions, lockNode, untilSignalled } from '../instance/serving.ts';
import { text } from '../messages/index.ts';
import type { Wiring } from '../wiring.ts';

interface Flags {
  kubeconfig?: string;
  dataDir?: string;
  podCidr?: string;
  serviceCidr?: string;
  nodeName?: string;
  yes?: boolean;
}

const UNREACHABLE: readonly string[] = ['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT'];

async function run(wiring: Wiring, flags: Flags, kubeconfig: string): Promise<void> {
  const dataDir = dataDirOf(flags.dataDir);
  await ensurePrograms(wiring, { dataDir, yes: flags.yes === true });
  const instance = await ensureInstance(dataDir, instanceOptions(flags));
  const url = (await loadKubeconfig(kubeconfig)).connection.server;
  const release = await lockNode(dataDir, url);
  try {
    await wiring.node({
      instance, kubeconfig, log: openTerminalLog(), signal: untilSignalled().signal,
      ready: (server) => { process.stdout.write(`${text('node.ready', { name: instance.nodeName, server })}\n`); },
    });
  } catch (error) {
    throw !(error instanceof StatusError) && UNREACHABLE.includes(codeOf(error))
      ? new CliError(text('error.noServer', { url }), { cause: error })
      : explained(error, instance.listen, instance.port);
  } finally {
    await release();
  }
}

export function addNode(program: Command, wiring: Wiring): void {
  program.command('node').description(text('node.description'))
    .option('--kubeconfig <file>', text('node.option.kubeconfig'))
    .option('--data-dir <dir>', text('option.dataDir'))
    .option('--pod-cidr <range>', text('up.option.podCidr'))
    .option('--service-cidr <range>', text('up.option.serviceCidr'))
    .option('--node-name <name>', text('up.option.nodeName'))
    .option('-y, --yes', text('option.yes'))
    .action(async (flags: Flags) => {
      if (process.getuid?.() !== 0) {
        throw new CliError(text('up.error.root', { command: 'node' }));
      }
      const kubeconfig = flags.kubeconfig ?? defaultKubeconfigPath();
      if (!existsSync(kubeconfig)) {
        throw new CliError(text('controllers.error.kubeconfig', { file: kubeconfig }));
      }
      await run(wiring, flags, kubeconfig);
    });
}
