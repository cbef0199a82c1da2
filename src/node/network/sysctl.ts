/** Kernel settings, by file: no process is needed. /proc/sys/net shows the network namespace of the reader. */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';

const IPV4_CONF = '/proc/sys/net/ipv4/conf';
export const IP_FORWARD = '/proc/sys/net/ipv4/ip_forward';

/** Whether a link of this name exists in this network namespace. */
export function linkExists(name: string): boolean {
  return existsSync(`${IPV4_CONF}/${name}`);
}

/**
 * Settings of a pod's host side: packets from 127.0.0.1 may leave by it (node ports on the loopback; the table drops
 * what a pod itself sends there), and no router of IPv6 noise.
 */
export async function tunePodLink(name: string): Promise<void> {
  await writeFile(`${IPV4_CONF}/${name}/route_localnet`, '1');
  // Strict or off is the machine's choice (the larger of `all` and this counts); routes are symmetric either way.
  await writeFile(`${IPV4_CONF}/${name}/forwarding`, '1');
  const ipv6 = `/proc/sys/net/ipv6/conf/${name}/disable_ipv6`;
  if (existsSync(ipv6)) {
    await writeFile(ipv6, '1');
  }
}

/** Let the machine forward IPv4; answers whether it already did. */
export async function enableForwarding(): Promise<boolean> {
  if ((await readFile(IP_FORWARD, 'utf8')).trim() === '1') {
    return true;
  }
  await writeFile(IP_FORWARD, '1');
  return false;
}
