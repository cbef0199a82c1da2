/** `telar controllers`: the controllers against any Kubernetes API server, Telar's or another. */
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { defaultKubeconfigPath } from '../../client/kubeconfig.ts';
import { CliError } from '../errors.ts';
import { openTerminalLog } from '../instance/logfile.ts';
import { untilSignalled } from '../instance/serving.ts';
import { text } from '../messages/index.ts';
import type { Wiring } from '../wiring.ts';

interface Flags {
  kubeconfig?: string;
  controllers: string;
  podCidr: string;
  leaderElect: boolean;
}

const DEFAULT_POD_CIDR = '10.42.0.0/16';

export function addControllers(program: Command, wiring: Wiring): void {
  program.command('controllers').description(text('controllers.description'))
    .option('--kubeconfig <file>', text('controllers.option.kubeconfig'))
    .option('--controllers <list>', text('up.option.controllers'), '*')
    .option('--pod-cidr <range>', text('controllers.option.podCidr'), DEFAULT_POD_CIDR)
    .option('--no-leader-elect', text('controllers.option.leaderElect'))
    .action(async (flags: Flags) => {
      const kubeconfig = flags.kubeconfig ?? defaultKubeconfigPath();
      if (!existsSync(kubeconfig)) {
        throw new CliError(text('controllers.error.kubeconfig', { file: kubeconfig }));
      }
      await wiring.control({
        kubeconfig, controllers: flags.controllers, podCidr: flags.podCidr, leaderElect: flags.leaderElect, log: openTerminalLog(),
        signal: untilSignalled().signal,
        ready: (server) => { process.stdout.write(`${text('controllers.ready', { server })}\n`); },
      });
    });
}
