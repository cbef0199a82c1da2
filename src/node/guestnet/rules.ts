/** What a guest's network is made of, as text: KubeVirt's masquerade binding inside the pod's namespace. Pure. */
import { formatAddress, parseRange } from '../network/address.ts';

/** Link of the guest in its pod; QEMU opens it by this name. */
export const TAP = 'k6t-eth0';
/** KubeVirt's default for `networks[].pod.vmNetworkCIDR`. */
export const DEFAULT_GUEST_CIDR = '10.0.2.0/24';
/** MAC of the pod's end of the tap: the guest's router. */
export const ROUTER_MAC = '0a:58:00:00:00:01';
const TABLE = 'inet telar-guest';

export interface GuestAddresses {
  /** The guest's router, .1 of the range. */
  router: string;
  /** The guest itself, .2. */
  guest: string;
  netmask: string;
  prefix: number;
}

export interface GuestPort {
  port: number;
  /** TCP when absent. */
  protocol?: string;
}

/** Throws AddressError for a range without room for router and guest. */
export function guestAddresses(cidr: string = DEFAULT_GUEST_CIDR): GuestAddresses {
  const range = parseRange(cidr);
  if (range.prefix > 30) {
    throw new RangeError(`the guest range ${cidr} has no room for a router and a guest`);
  }
  return {
    router: formatAddress(range.first + 1),
    guest: formatAddress(range.first + 2),
    netmask: formatAddress(2 ** 32 - 2 ** (32 - range.prefix)),
    prefix: range.prefix,
  };
}

/** What of the pod's address goes to the guest: everything, or the ports listed in the interface. */
function forwarded(ports: readonly GuestPort[]): string[] {
  if (ports.length === 0) {
    return [''];
  }
  const byProtocol = new Map<string, Set<number>>();
  for (const { port, protocol = 'TCP' } of ports) {
    const name = protocol.toLowerCase();
    if (!['tcp', 'udp', 'sctp'].includes(name) || !Number.isInteger(port) || port < 1 || port > 65_535) {
      throw new RangeError(`${protocol} port ${port} of a guest cannot be forwarded`);
    }
    byProtocol.set(name, (byProtocol.get(name) ?? new Set()).add(port));
  }
  return [...byProtocol].map(([name, numbers]) => `${name} dport { ${[...numbers].join(', ')} } `);
}

export function renderGuestRules(podIp: string, addresses: GuestAddresses, ports: readonly GuestPort[]): string {
  const { router, guest } = addresses;
  const matches = forwarded(ports);
  const toGuest = (daddr: string): string[] => matches.map((match) => `    ip daddr ${daddr} ${match}dnat ip to ${guest}`);
  return [
    `add table ${TABLE}`,
    `delete table ${TABLE}`,
    `table ${TABLE} {`,
    '  chain guard {',
    '    type filter hook prerouting priority raw; policy accept;',
    `    iifname != "${TAP}" accept`,
    '    meta nfproto ipv6 drop',
    '    ip daddr 127.0.0.0/8 drop',
    // DHCP begins without an address; everything else comes from the one address the guest was given.
    '    ip saddr 0.0.0.0 udp sport 68 udp dport 67 accept',
    `    ip saddr != ${guest} drop`,
    '  }',
    '  chain arriving {',
    '    type nat hook prerouting priority dstnat; policy accept;',
    ...toGuest(podIp),
    '  }',
    '  chain local {',
    '    type nat hook output priority -100; policy accept;',
    // A probe or sidecar in the pod finds the guest where a container would be.
    ...toGuest('127.0.0.1'),
    ...toGuest(podIp),
    '  }',
    '  chain leaving {',
    '    type nat hook postrouting priority srcnat; policy accept;',
    `    ip saddr 127.0.0.0/8 oifname "${TAP}" snat ip to ${router}`,
    `    ip saddr ${podIp} oifname "${TAP}" snat ip to ${router}`,
    `    ip saddr ${guest} ip daddr ${guest} snat ip to ${router}`,
    `    ip saddr ${guest} oifname "eth0" snat ip to ${podIp}`,
    '  }',
    '}',
    '',
  ].join('\n');
}

export interface DhcpOptions {
  addresses: GuestAddresses;
  mac: string;
  hostname: string;
  dnsAddress: string;
  searches: readonly string[];
  mtu: number;
  pidFile: string;
}

/** Arguments of dnsmasq: one lease, by MAC whatever client id the guest's boot stages send, no DNS, no files but the pid's. */
export function dnsmasqArguments(options: DhcpOptions): string[] {
  const { addresses } = options;
  return [
    '--conf-file=/dev/null', '--port=0', '--no-resolv', '--no-hosts', '--no-ping', '--leasefile-ro', '--quiet-dhcp',
    '--user=nobody', '--group=nogroup', `--pid-file=${options.pidFile}`,
    `--interface=${TAP}`, '--except-interface=lo', '--bind-interfaces', '--dhcp-authoritative',
    `--dhcp-range=${addresses.guest},static,${addresses.netmask},infinite`,
    `--dhcp-host=${options.mac},id:*,${addresses.guest},${options.hostname},infinite`,
    `--dhcp-option=option:router,${addresses.router}`,
    `--dhcp-option=option:dns-server,${options.dnsAddress}`,
    `--dhcp-option=option:mtu,${options.mtu}`,
    ...(options.searches.length > 0
      ? [`--dhcp-option=option:domain-name,${options.searches[0]}`, `--dhcp-option=option:domain-search,${options.searches.join(',')}`]
      : []),
  ];
}
