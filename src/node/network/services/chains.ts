/**
 * Chains that pick an endpoint. Pure.
 *
 * `spread-3` draws one of `pick-0` to `pick-2`, and `pick-1` looks the service's second endpoint up in the map `endpoints-1`. They are
 * shared by all services with that many endpoints; node ports have a set of their own, since their key lacks the address.
 */
import { createHash } from 'node:crypto';

/** Clients that one endpoint's affinity remembers; the kernel refuses to learn more. */
const MAX_CLIENTS = 65_536;

const TRANSPORTS = 'meta l4proto { tcp, udp, sctp }';
const NODE_PORT = 'node-port-';

/** Name of the chain that spreads over `count` endpoints. */
export function spreadChain(count: number, nodePort: boolean): string {
  return `${nodePort ? NODE_PORT : ''}spread-${count}`;
}

/** Name of the map that holds every service's `index`th endpoint. */
export function endpointMap(index: number, nodePort: boolean): string {
  return `${nodePort ? NODE_PORT : ''}endpoints-${index}`;
}

export function isEndpointMap(name: string): boolean {
  return /^(?:node-port-)?endpoints-\d+$/.test(name);
}

export interface SharedChain {
  chain: string;
  rule: string;
  /** Map that the rule reads, with its declaration. */
  map?: { name: string; body: string };
}

/** The chains that a spreading chain needs, itself last; none when the name is none of theirs. */
export function spreadParts(chain: string): SharedChain[] {
  const match = /^(node-port-)?spread-(\d+)$/.exec(chain);
  if (match === null) {
    return [];
  }
  const nodePort = match[1] !== undefined;
  const count = Number(match[2]);
  const [key, type] = nodePort
    ? ['meta l4proto . th dport', 'inet_proto . inet_service']
    : ['ip daddr . meta l4proto . th dport', 'ipv4_addr . inet_proto . inet_service'];
  const picks = Array.from({ length: count }, (_, index): SharedChain => {
    const name = endpointMap(index, nodePort);
    return {
      chain: `${nodePort ? NODE_PORT : ''}pick-${index}`,
      rule: `${TRANSPORTS} dnat ip to ${key} map @${name}`,
      map: { name, body: `type ${type} : ipv4_addr . inet_service;` },
    };
  });
  return [...picks, { chain, rule: `numgen random mod ${count} vmap { ${picks.map((pick, index) => `${index} : goto ${pick.chain}`).join(', ')} }` }];
}

export interface StickyChain {
  /** Where the service's address leads. */
  chain: string;
  rules: string[];
  /** One chain and one set of clients per endpoint; they outlive changes of the other endpoints. */
  endpoints: { chain: string; rules: string[]; set: string; setBody: string }[];
}

/** sessionAffinity ClientIP: known clients first, then a draw; each endpoint's chain remembers who came. */
export function stickyChains(options: { id: string; protocol: string; seconds: number; backends: readonly string[] }): StickyChain {
  const { id, protocol, seconds, backends } = options;
  const endpoints = backends.map((backend) => {
    const name = `${id}-${seconds}-${backend.replace(' . ', '-')}`;
    return {
      chain: `sticky-endpoint-${name}`,
      rules: [`update @clients-${name} { ip saddr }`, `meta l4proto ${protocol} dnat ip to ${backend.replace(' . ', ':')}`],
      set: `clients-${name}`,
      setBody: `type ipv4_addr; flags dynamic,timeout; timeout ${seconds}s; size ${MAX_CLIENTS};`,
    };
  });
  const content = createHash('sha256').update(backends.join(',')).digest('hex').slice(0, 12);
  return {
    chain: `sticky-${id}-${seconds}-${content}`,
    rules: [
      ...endpoints.map(({ chain, set }) => `ip saddr @${set} goto ${chain}`),
      `numgen random mod ${endpoints.length} vmap { ${endpoints.map(({ chain }, index) => `${index} : goto ${chain}`).join(', ')} }`,
    ],
    endpoints,
  };
}

/** Chains and sets that belong to services, by their names: what a resync may remove. */
export function isServiceChain(name: string): boolean {
  return /^(?:sticky-|(?:node-port-)?(?:spread|pick)-\d+$)/.test(name);
}

export function isServiceSet(name: string): boolean {
  return name.startsWith('clients-');
}
