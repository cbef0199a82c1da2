/** Chains that pick an endpoint. Pure. */
import { createHash } from 'node:crypto';

/** (address, protocol, port, index) → endpoint of a service. */
export const ENDPOINT_MAP = 'service-endpoints';
/** (protocol, port, index) → endpoint of a node port. */
export const NODE_PORT_ENDPOINT_MAP = 'node-port-endpoints';
/** Clients that one endpoint's affinity remembers; the kernel refuses to learn more. */
const MAX_CLIENTS = 65_536;

const TRANSPORTS = 'meta l4proto { tcp, udp, sctp }';

/** Name of the chain that spreads over `count` endpoints. */
export function spreadChain(count: number, nodePort: boolean): string {
  return `${nodePort ? 'node-port-spread' : 'spread'}-${count}`;
}

/** The rule of a spreading chain, or undefined when the name is none of theirs. */
export function spreadRule(chain: string): string | undefined {
  const match = /^(node-port-)?spread-(\d+)$/.exec(chain);
  if (match === null) {
    return undefined;
  }
  const [map, key] = match[1] === undefined ? [ENDPOINT_MAP, 'ip daddr . meta l4proto . th dport'] : [NODE_PORT_ENDPOINT_MAP, 'meta l4proto . th dport'];
  return `${TRANSPORTS} dnat ip to ${key} . numgen random mod ${match[2]} map @${map}`;
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
  return name.startsWith('sticky-') || spreadRule(name) !== undefined;
}

export function isServiceSet(name: string): boolean {
  return name.startsWith('clients-');
}
