/**
 * The instance's nft table as text: what holds for every pod and service. Pure.
 *
 * Per-pod state there is none: anti-spoofing asks the routing table, and the hairpin set lists every address of the node's range.
 * Services live in maps and chains of the same table, which `services/` fills; their names are fixed here.
 */
import type { Instance } from '../../apimachinery/instance.ts';
import { formatAddress, formatRange, nodeRange, parseRange } from './address.ts';
import { nodeLink, podLinkPattern, tableName } from './names.ts';

/** Address, protocol and port of a service → its chain. */
export const SERVICE_MAP = 'service-addresses';
/** Protocol and node port → its service's chain. */
export const NODE_PORT_MAP = 'node-ports';
/** Protocol and host port → the pod and port that asked for it, on every local address. */
export const HOST_PORT_MAP = 'host-ports';
/** The same for host ports with a hostIP: address, protocol and port. */
export const HOST_ADDRESS_PORT_MAP = 'host-address-ports';
/** External addresses of services without an endpoint. ClusterIPs need no entry: what is left of their range is refused. */
export const REJECTED_SERVICES = 'rejected-addresses';
/** Node ports of services without an endpoint. */
export const REJECTED_NODE_PORTS = 'rejected-node-ports';
/** Endpoints that are no pods of this node: packets to them carry the machine's address, so that answers come back. */
export const REMOTE_ENDPOINTS = 'remote-endpoints';

export type BaseRulesInstance = Pick<Instance, 'id' | 'podCidr' | 'serviceCidr' | 'nodeAddress' | 'dnsAddress'>;

const REJECT = ['meta l4proto tcp reject with tcp reset', 'reject with icmp port-unreachable'] as const;

/** Base chains: name → [hook line, rules]. */
function baseChains(instance: BaseRulesInstance): Record<string, { hook?: string; rules: string[] }> {
  const pods = `"${podLinkPattern(instance)}"`;
  const ours = `"${nodeLink(instance)}*"`;
  const node = formatRange(nodeRange(instance.podCidr, instance.nodeAddress));
  const services = formatRange(parseRange(instance.serviceCidr));
  const podRange = formatRange(parseRange(instance.podCidr));
  const reach = [
    `ip daddr . meta l4proto . th dport vmap @${SERVICE_MAP}`,
    `fib daddr type local meta l4proto . th dport vmap @${NODE_PORT_MAP}`,
    `meta l4proto { tcp, udp, sctp } dnat ip to ip daddr . meta l4proto . th dport map @${HOST_ADDRESS_PORT_MAP}`,
    `fib daddr type local ip daddr != ${instance.dnsAddress} meta l4proto { tcp, udp, sctp } dnat ip to meta l4proto . th dport map @${HOST_PORT_MAP}`,
  ];
  const refused = [
    `ip daddr ${services} ip daddr != ${instance.dnsAddress} goto refuse`,
    `ip daddr . meta l4proto . th dport @${REJECTED_SERVICES} goto refuse`,
  ];
  return {
    refuse: { rules: [...REJECT] },
    // Before connection tracking: a pod sends from its own address only, and never to the machine's loopback, which
    // route_localnet on the pods' links (node ports on 127.0.0.1) would otherwise let in.
    'guard-pods': {
      hook: 'type filter hook prerouting priority raw; policy accept;',
      rules: [
        `iifname != ${pods} accept`,
        'meta nfproto ipv6 drop',
        'ip daddr 127.0.0.0/8 drop',
        'fib saddr . iif oif missing drop',
      ],
    },
    'dnat-arriving': { hook: 'type nat hook prerouting priority dstnat; policy accept;', rules: reach },
    'dnat-local': { hook: 'type nat hook output priority -100; policy accept;', rules: reach },
    'refuse-forwarded': { hook: 'type filter hook forward priority filter; policy accept;', rules: refused },
    'refuse-arriving': {
      hook: 'type filter hook input priority filter; policy accept;',
      rules: [
        'ct status dnat accept',
        `ip daddr . meta l4proto . th dport @${REJECTED_SERVICES} goto refuse`,
        `fib daddr type local meta l4proto . th dport @${REJECTED_NODE_PORTS} goto refuse`,
      ],
    },
    'refuse-local': {
      hook: 'type filter hook output priority filter; policy accept;',
      rules: [
        // A pod that reaches itself through a service comes back by the link it came from: no reason to redirect it.
        `oifname ${pods} icmp type redirect drop`,
        ...refused,
      ],
    },
    'source-leaving': {
      hook: 'type nat hook postrouting priority srcnat; policy accept;',
      rules: [
        `ip saddr . ip daddr @hairpin snat ip to ${instance.nodeAddress}`,
        `ip saddr 127.0.0.0/8 oifname ${pods} snat ip to ${instance.nodeAddress}`,
        `ip saddr ${node} ip daddr != ${podRange} oifname != "lo" oifname != ${ours} masquerade fully-random`,
        `ct status dnat ip daddr . meta l4proto . th dport @${REMOTE_ENDPOINTS} oifname != "lo" masquerade fully-random`,
      ],
    },
  };
}

/** One transaction that makes the table as it should be, whatever it was: maps and the services' chains keep their content. */
export function renderBaseRules(instance: BaseRulesInstance): string {
  const table = `inet ${tableName(instance)}`;
  const range = nodeRange(instance.podCidr, instance.nodeAddress);
  const key = 'type ipv4_addr . inet_proto . inet_service';
  const lines = [
    `add table ${table}`,
    `add set ${table} hairpin { type ipv4_addr . ipv4_addr; }`,
    `add map ${table} ${SERVICE_MAP} { ${key} : verdict; }`,
    `add map ${table} ${NODE_PORT_MAP} { type inet_proto . inet_service : verdict; }`,
    `add map ${table} ${HOST_PORT_MAP} { type inet_proto . inet_service : ipv4_addr . inet_service; }`,
    `add map ${table} ${HOST_ADDRESS_PORT_MAP} { ${key} : ipv4_addr . inet_service; }`,
    `add set ${table} ${REJECTED_SERVICES} { ${key}; }`,
    `add set ${table} ${REJECTED_NODE_PORTS} { type inet_proto . inet_service; }`,
    `add set ${table} ${REMOTE_ENDPOINTS} { ${key}; }`,
  ];
  const pairs: string[] = [];
  for (let address = range.first + 1; address < range.last; address++) {
    const text = formatAddress(address);
    if (text !== instance.nodeAddress) {
      pairs.push(`${text} . ${text}`);
    }
  }
  lines.push(`add element ${table} hairpin { ${pairs.join(', ')} }`);
  const chains = Object.entries(baseChains(instance));
  for (const [name, { hook }] of chains) {
    lines.push(`add chain ${table} ${name}${hook === undefined ? '' : ` { ${hook} }`}`, `flush chain ${table} ${name}`);
  }
  for (const [name, { rules }] of chains) {
    lines.push(...rules.map((rule) => `add rule ${table} ${name} ${rule}`));
  }
  return `${lines.join('\n')}\n`;
}

/** Names of the chains that are not a service's. */
export function baseChainNames(instance: BaseRulesInstance): ReadonlySet<string> {
  return new Set(Object.keys(baseChains(instance)));
}

/** Succeeds whether or not the table exists. */
export function renderRemoval(instance: Pick<Instance, 'id'>): string {
  const table = `inet ${tableName(instance)}`;
  return `add table ${table}\ndelete table ${table}\n`;
}
