/** The table as the kernel has it: read once at start, and after a failure, so that only differences are written. */
import { command } from '../command.ts';
import { isServiceChain, isServiceSet } from './chains.ts';

export interface KernelState {
  /** Collection → key → value, in the words of `desired.ts`. */
  collections: Map<string, Map<string, string>>;
  /** Services' chains. */
  chains: Set<string>;
  /** Services' sets of clients. */
  sets: Set<string>;
}

/** nft names protocols by /etc/protocols, which a machine may lack. */
const PROTOCOLS: Readonly<Record<string, string>> = { 6: 'tcp', 17: 'udp', 132: 'sctp' };

function field(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? new Map<string, unknown>(Object.entries(value)).get(key) : undefined;
}

function part(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

/** `{"concat": ["10.43.0.7", "tcp", 80]}` → `10.43.0.7 . tcp . 80`, a protocol's number turned into its name. */
function keyText(value: unknown, protocolAt: number): string {
  const parts = field(value, 'concat');
  if (!Array.isArray(parts)) {
    return part(value);
  }
  return parts.map((item: unknown, index) => (index === protocolAt ? PROTOCOLS[part(item)] ?? part(item) : part(item))).join(' . ');
}

function valueText(value: unknown): string {
  const target = field(field(value, 'goto'), 'target');
  return typeof target === 'string' ? `goto ${target}` : keyText(value, -1);
}

function elements(collection: unknown): Map<string, string> {
  const list = field(collection, 'elem');
  const type = field(collection, 'type');
  // Node ports' keys begin with the protocol, all others have it after the address.
  const protocolAt = Array.isArray(type) && type[0] === 'inet_proto' ? 0 : 1;
  const found = new Map<string, string>();
  for (const item of Array.isArray(list) ? list : []) {
    if (Array.isArray(item)) {
      found.set(keyText(item[0], protocolAt), valueText(item[1]));
    } else {
      found.set(keyText(item, protocolAt), '');
    }
  }
  return found;
}

/** `nft -j list table` → what services have in it. */
export function parseTable(json: string): KernelState {
  const state: KernelState = { collections: new Map(), chains: new Set(), sets: new Set() };
  const items = field(JSON.parse(json), 'nftables');
  for (const item of Array.isArray(items) ? items : []) {
    const chain = part(field(field(item, 'chain'), 'name'));
    if (isServiceChain(chain)) {
      state.chains.add(chain);
    }
    const collection = field(item, 'map') ?? field(item, 'set');
    const name = part(field(collection, 'name'));
    if (isServiceSet(name)) {
      state.sets.add(name);
    } else if (name !== '') {
      state.collections.set(name, elements(collection));
    }
  }
  return state;
}

export async function readTable(table: string): Promise<KernelState> {
  return parseTable(await command('nft', ['-j', 'list', 'table', 'inet', table]));
}
