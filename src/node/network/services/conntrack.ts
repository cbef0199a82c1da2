/**
 * Forgetting stale UDP flows. A UDP client that keeps its port would go on being sent to an endpoint that is gone, since
 * connection tracking decides once per flow. The kernel offers deletion by netlink only, which Node cannot speak:
 * the `conntrack` tool where it is installed is not needed, perl (in every Debian) speaks netlink with what it is born with.
 */
import { networkInterfaces } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Log } from '../../../apimachinery/log.ts';
import { command, CommandError } from '../command.ts';
import type { UdpTarget } from './desired.ts';

const SCRIPT = fileURLToPath(new URL('forget-udp.pl', import.meta.url));

/** One line an address: address, port, then where it may go. A node port is every one of the machine's own addresses. */
export function renderTargets(targets: readonly UdpTarget[], local: readonly string[]): string {
  return targets.flatMap(({ address, port, backends }) => (address === '*' ? local : [address])
    .map((each) => `${[each, port, ...backends.map((backend) => `${backend.ip}:${backend.port}`)].join(' ')}\n`)).join('');
}

function localAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []).filter(({ family }) => family === 'IPv4').map(({ address }) => address);
}

export class UdpFlows {
  readonly #log: Log;
  #complained = false;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Forget the flows to these addresses that lead elsewhere than to their present backends. Best effort: it never throws for want of a tool. */
  async forget(targets: readonly UdpTarget[]): Promise<void> {
    if (targets.length === 0) {
      return;
    }
    try {
      const count = (await command('perl', [SCRIPT], { input: renderTargets(targets, localAddresses()) })).trim();
      this.#log.debug({ count, targets: targets.length }, 'forgot stale UDP flows');
    } catch (error) {
      if (!(error instanceof CommandError)) {
        throw error;
      }
      if (!this.#complained) {
        this.#complained = true;
        this.#log.warn({ err: error }, 'cannot forget UDP flows of removed endpoints: clients that keep their port lose up to two minutes (install perl)');
      }
    }
  }
}
