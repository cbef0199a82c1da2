/** Host ports: `containers[].ports[].hostPort`, for pods with a network of their own. Pure but for the look at who listens. */
import type { Instance } from '../../apimachinery/instance.ts';
import { parseAddress } from './address.ts';
import { tableName } from './names.ts';
import { HOST_ADDRESS_PORT_MAP, HOST_PORT_MAP } from './rules.ts';
import { describeHolder, holderOf, readListeners } from './services/ports.ts';

export interface HostPort {
  /** `TCP`, `UDP` or `SCTP`. */
  protocol: string;
  hostPort: number;
  containerPort: number;
  /** IPv4 address of this machine; every local one when absent or 0.0.0.0. */
  hostIP?: string;
}

export class HostPortTaken extends Error {
  constructor(port: HostPort, holder: string) {
    super(`host port ${port.hostPort}/${port.protocol} is used by ${holder}: stop it, or choose another hostPort`);
    this.name = 'HostPortTaken';
  }
}

interface Claim {
  ip: string;
  hostPorts: readonly HostPort[];
}

const anywhere = ({ hostIP = '' }: HostPort): boolean => hostIP === '' || hostIP === '0.0.0.0';
const clash = (a: HostPort, b: HostPort): boolean => a.protocol === b.protocol && a.hostPort === b.hostPort && (anywhere(a) || anywhere(b) || a.hostIP === b.hostIP);

/** Throws HostPortTaken when another pod or a process of the machine has one of the ports, RangeError for an address that is none. */
export async function checkHostPorts(wanted: readonly HostPort[], others: ReadonlyMap<string, readonly HostPort[]>): Promise<void> {
  if (wanted.length === 0) {
    return;
  }
  const listeners = await readListeners();
  for (const port of wanted) {
    if (!anywhere(port) && parseAddress(port.hostIP ?? '') === undefined) {
      throw new RangeError(`hostIP ${port.hostIP} is not an IPv4 address`);
    }
    const pod = [...others].find(([, held]) => held.some((one) => clash(one, port)));
    if (pod !== undefined) {
      throw new HostPortTaken(port, `pod ${pod[0]}`);
    }
    const inode = holderOf(listeners, { protocol: port.protocol.toLowerCase(), port: port.hostPort });
    if (inode !== undefined) {
      throw new HostPortTaken(port, await describeHolder(inode));
    }
  }
}

/** Commands that make the maps hold exactly these, the first of two that want the same port; part of one transaction. */
export function renderHostPorts(instance: Pick<Instance, 'id'>, claims: Iterable<Claim>): string {
  const table = `inet ${tableName(instance)}`;
  const lines = [HOST_PORT_MAP, HOST_ADDRESS_PORT_MAP].map((map) => `flush map ${table} ${map}`);
  const taken: HostPort[] = [];
  for (const { ip, hostPorts } of claims) {
    for (const port of hostPorts.filter((one) => !taken.some((other) => clash(one, other)))) {
      taken.push(port);
      const key = `${port.protocol.toLowerCase()} . ${port.hostPort}`;
      const target = `${ip} . ${port.containerPort}`;
      lines.push(anywhere(port)
        ? `add element ${table} ${HOST_PORT_MAP} { ${key} : ${target} }`
        : `add element ${table} ${HOST_ADDRESS_PORT_MAP} { ${port.hostIP} . ${key} : ${target} }`);
    }
  }
  return `${lines.join('\n')}\n`;
}
