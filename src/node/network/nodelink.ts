/** The instance's own link on the machine: the node's and the DNS's addresses, the way to the service range, and what may stand in their way. */
import type { Instance } from '../../apimachinery/instance.ts';
import type { Log } from '../../apimachinery/log.ts';
import { StartFault } from '../../apimachinery/startfault.ts';
import { formatRange, nodeRange, overlaps, parseRange, type Range } from './address.ts';
import { command, CommandError } from './command.ts';
import { hostRoutes, type HostLinks, type HostRoute } from './iproute.ts';
import { nodeLink } from './names.ts';
import { linkExists } from './sysctl.ts';

/** Metric of the route that refuses unused pod addresses: below any route of a living pod, and recognisable as Telar's. */
const UNUSED_METRIC = 42_042;

export class RangeConflict extends StartFault {
  constructor(what: string, range: Range, route: HostRoute, flag: string) {
    const details = { what, range: formatRange(range), other: route.dst, via: route.dev ?? route.type ?? 'another route', flag };
    super('RangeTaken', details, `the ${what} range ${details.range} overlaps ${details.other}, which this machine reaches by ${details.via}: choose another with ${flag}`);
    this.name = 'RangeConflict';
  }
}

/** Throws RangeConflict when a route of somebody else (another Telar, k3s, a VPN) covers addresses the instance would use. */
export function checkRanges(instance: Pick<Instance, 'id' | 'podCidr' | 'serviceCidr' | 'nodeAddress'>, routes: readonly HostRoute[]): void {
  const pods = nodeRange(instance.podCidr, instance.nodeAddress);
  const services = parseRange(instance.serviceCidr);
  if (overlaps(pods, services)) {
    throw new RangeConflict('pod', pods, { dst: instance.serviceCidr, type: 'the service range' }, '--pod-cidr');
  }
  const mine = (route: HostRoute): boolean => route.dev?.startsWith(nodeLink(instance)) === true
    || (route.type === 'unreachable' && route.dst === formatRange(pods));
  for (const route of routes) {
    if (route.dst === 'default' || mine(route)) {
      continue;
    }
    const range = parseRange(route.dst);
    if (range.prefix > 0 && overlaps(range, pods)) {
      throw new RangeConflict('pod', pods, route, '--pod-cidr');
    }
    if (range.prefix > 0 && overlaps(range, services)) {
      throw new RangeConflict('service', services, route, '--service-cidr');
    }
  }
}

/** A link that exists for its addresses only. A kernel without the dummy driver gets a bridge without ports, which serves as well. */
async function addLink(name: string, log: Log): Promise<void> {
  for (const type of ['dummy', 'bridge']) {
    try {
      await command('ip', ['link', 'add', 'name', name, 'type', type]);
      return;
    } catch (error) {
      if (error instanceof CommandError && /File exists/.test(error.stderr)) {
        return;
      }
      if (type === 'bridge' || !(error instanceof CommandError) || !/Unknown device type|not supported/.test(error.stderr)) {
        throw error;
      }
      log.debug({ link: name }, 'this kernel has no dummy links; a bridge without ports takes its place');
    }
  }
}

export async function ensureNodeLink(instance: Instance, links: HostLinks, log: Log): Promise<void> {
  checkRanges(instance, await hostRoutes());
  const name = nodeLink(instance);
  if (!linkExists(name)) {
    await addLink(name, log);
  }
  const pods = nodeRange(instance.podCidr, instance.nodeAddress);
  await links.apply([
    `link set dev ${name} up`,
    `addr replace ${instance.nodeAddress}/32 dev ${name}`,
    `addr replace ${instance.dnsAddress}/32 dev ${name}`,
    // Gives the machine's own packets to a service their source address and a way even without a default route; the
    // table turns them round before they would leave, or refuses them.
    `route replace ${formatRange(parseRange(instance.serviceCidr))} dev ${name} src ${instance.nodeAddress}`,
    // What no pod has is refused here instead of being sent to the machine's default gateway.
    `route replace unreachable ${formatRange(pods)} metric ${UNUSED_METRIC}`,
  ]);
}

/** Commands that remove what ensureNodeLink made, the link itself apart. */
export function unusedRouteRemoval(instance: Pick<Instance, 'podCidr' | 'nodeAddress'>): string {
  return `route del unreachable ${formatRange(nodeRange(instance.podCidr, instance.nodeAddress))} metric ${UNUSED_METRIC}`;
}
