/** Answers for cluster names, by the DNS-based service discovery specification 1.1. Pure but for the shuffle it is given. */
import { addressNumber, type Zone, type ZoneEndpoint, type ZonePort, type ZoneService } from './zone.ts';

/** Seconds an answer may be kept. */
export const TTL_SECONDS = 5;
/** CNAMEs followed inside the zone. */
const MAX_ALIASES = 8;

export type DnsRecord =
  | { type: 'A'; name: string; data: string }
  | { type: 'CNAME' | 'PTR' | 'NS'; name: string; data: string }
  | { type: 'SRV'; name: string; data: { priority: number; weight: number; port: number; target: string } }
  | { type: 'TXT'; name: string; data: string }
  | { type: 'SOA'; name: string; data: { mname: string; rname: string; serial: number; refresh: number; retry: number; expire: number; minimum: number } };

export interface ZoneAnswer {
  rcode: 'NOERROR' | 'NXDOMAIN';
  answers: DnsRecord[];
  authorities: DnsRecord[];
  additionals: DnsRecord[];
  /** Name outside the zone that the last CNAME points to: the caller resolves it and adds what it gets. */
  follow?: string;
}

/** What a name is: nothing, a name without such records, or records. */
type Found = { kind: 'missing' } | { kind: 'empty' } | { kind: 'records'; records: DnsRecord[]; additionals?: DnsRecord[] } | { kind: 'alias'; target: string };

const MISSING: Found = { kind: 'missing' };
const EMPTY: Found = { kind: 'empty' };

function records(found: DnsRecord[], additionals: DnsRecord[] = []): Found {
  return found.length === 0 ? EMPTY : { kind: 'records', records: found, additionals };
}

function soa(zone: Zone): DnsRecord {
  return {
    type: 'SOA', name: zone.domain,
    data: { mname: `ns.dns.${zone.domain}`, rname: `hostmaster.${zone.domain}`, serial: zone.serial, refresh: 7200, retry: 1800, expire: 86_400, minimum: TTL_SECONDS },
  };
}

/** Whether the name is answered here and never forwarded. */
export function isOurs(zone: Zone, name: string): boolean {
  const lower = name.toLowerCase();
  if (lower === zone.domain || lower.endsWith(`.${zone.domain}`)) {
    return true;
  }
  const address = addressNumber(reverseAddress(lower) ?? '');
  return address !== undefined && zone.ranges.some(([first, last]) => address >= first && address <= last);
}

/** `4.3.2.1.in-addr.arpa` → `1.2.3.4`. */
function reverseAddress(name: string): string | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa$/.exec(name);
  return match === null ? undefined : `${match[4]}.${match[3]}.${match[2]}.${match[1]}`;
}

interface Query {
  zone: Zone;
  /** As asked, without a final dot. */
  name: string;
  type: string;
  shuffle: <T>(items: readonly T[]) => T[];
}

const wants = (query: Query, type: string): boolean => query.type === type || query.type === 'ANY';

function addresses(query: Query, ips: readonly string[]): Found {
  return wants(query, 'A') ? records(query.shuffle(ips).map((data) => ({ type: 'A', name: query.name, data }))) : EMPTY;
}

interface Target {
  port: number;
  target: string;
  ip: string;
}

function targets(service: ZoneService, matches: (port: ZonePort) => boolean): Target[] {
  if (service.endpoints === undefined) {
    return service.ports.filter(matches).map(({ port }) => ({ port, target: service.fqdn, ip: service.ip ?? '' }));
  }
  return service.endpoints.flatMap(({ ip, label, ports }) => ports.filter(matches).map(({ port }) => ({ port, target: `${label}.${service.fqdn}`, ip })));
}

function services(query: Query, found: readonly Target[]): Found {
  const unique = new Map(found.map(({ ip, target }) => [target, ip]));
  return records(
    query.shuffle(found).map(({ port, target }) => ({ type: 'SRV', name: query.name, data: { priority: 0, weight: 100, port, target } })),
    [...unique].filter(([, ip]) => ip !== '').map(([name, data]) => ({ type: 'A', name, data })),
  );
}

function ofEndpoints(query: Query, service: ZoneService, label: string): Found {
  const endpoints = (service.endpoints ?? []).filter((endpoint: ZoneEndpoint) => endpoint.label === label);
  return endpoints.length === 0 ? MISSING : addresses(query, endpoints.map(({ ip }) => ip));
}

/** `labels` stand before `<service>.<namespace>.svc.<domain>`. */
function underService(query: Query, service: ZoneService, labels: readonly string[]): Found {
  if (service.externalName !== undefined) {
    return labels.length === 0 ? { kind: 'alias', target: service.externalName.replace(/\.$/, '') } : MISSING;
  }
  if (labels.length === 0) {
    return query.type === 'SRV'
      ? services(query, targets(service, () => true))
      : addresses(query, service.endpoints?.map(({ ip }) => ip) ?? [service.ip ?? '']);
  }
  const [first = ''] = labels;
  return labels.length === 1 && !first.startsWith('_') ? ofEndpoints(query, service, first) : ofPorts(query, service, labels);
}

/** `_http._tcp`, and `_tcp` as the empty name above it. */
function ofPorts(query: Query, service: ZoneService, labels: readonly string[]): Found {
  const [protocol = '', port] = labels.toReversed();
  const found = targets(service, (each) => `_${each.protocol}` === protocol && (port === undefined || `_${each.name}` === port));
  if (labels.length > 2 || found.length === 0) {
    return MISSING;
  }
  return port !== undefined && wants(query, 'SRV') ? services(query, found) : EMPTY;
}

function underPods(query: Query, labels: readonly string[]): Found {
  if (labels.length < 2) {
    return EMPTY;
  }
  const ip = labels.length === 2 && /^\d+-\d+-\d+-\d+$/.test(labels[0] ?? '') ? (labels[0] ?? '').replaceAll('-', '.') : '';
  const address = addressNumber(ip);
  const known = address !== undefined && query.zone.ranges.some(([first, last]) => address >= first && address <= last);
  return known ? addresses(query, [ip]) : MISSING;
}

function atApex(query: Query): Found {
  const { zone } = query;
  if (wants(query, 'SOA')) {
    return records([soa(zone)]);
  }
  return query.type === 'NS'
    ? records([{ type: 'NS', name: query.name, data: `ns.dns.${zone.domain}` }], [{ type: 'A', name: `ns.dns.${zone.domain}`, data: zone.listen }])
    : EMPTY;
}

function underServices(query: Query, labels: readonly string[]): Found {
  const { zone } = query;
  const [name, namespace] = labels.slice(-2);
  if (labels.length <= 1) {
    return labels.length === 0 || zone.namespaces.has(labels[0] ?? '') ? EMPTY : MISSING;
  }
  const service = zone.services.get(`${namespace}/${name}`);
  return service === undefined ? MISSING : underService(query, service, labels.slice(0, -2));
}

function find(query: Query): Found {
  const { zone } = query;
  const name = query.name.toLowerCase();
  const reverse = reverseAddress(name);
  if (reverse !== undefined) {
    const target = zone.reverse.get(reverse);
    return target === undefined ? MISSING : (wants(query, 'PTR') ? records([{ type: 'PTR', name: query.name, data: target }]) : EMPTY);
  }
  if (name === zone.domain) {
    return atApex(query);
  }
  const labels = name.slice(0, -zone.domain.length - 1).split('.');
  const top = labels.pop();
  if (top === 'svc') {
    return underServices(query, labels);
  }
  if (top === 'pod') {
    return underPods(query, labels);
  }
  if (top === 'dns' && labels.length <= 1) {
    return labels.length === 0 ? EMPTY : (labels[0] === 'ns' ? addresses(query, [zone.listen]) : MISSING);
  }
  if (top === 'dns-version' && labels.length === 0) {
    return wants(query, 'TXT') ? records([{ type: 'TXT', name: query.name, data: '1.1.0' }]) : EMPTY;
  }
  return MISSING;
}

function shuffled<T>(items: readonly T[]): T[] {
  const copy = [...items];
  for (let index = copy.length - 1; index > 0; index--) {
    const other = Math.floor(Math.random() * (index + 1));
    const held = copy[index];
    const taken = copy[other];
    if (held !== undefined && taken !== undefined) {
      copy[index] = taken;
      copy[other] = held;
    }
  }
  return copy;
}

/** Answer a question for which `isOurs` holds. `type` is the record type's name (`A`, `AAAA`, `SRV`, …). */
export function answerFromZone(zone: Zone, name: string, type: string, shuffle: Query['shuffle'] = shuffled): ZoneAnswer {
  const answers: DnsRecord[] = [];
  let current = name;
  for (let step = 0; step <= MAX_ALIASES; step++) {
    const found = find({ zone, name: current, type, shuffle });
    if (found.kind === 'records') {
      return { rcode: 'NOERROR', answers: [...answers, ...found.records], authorities: [], additionals: found.additionals ?? [] };
    }
    if (found.kind !== 'alias') {
      const missing = found.kind === 'missing' && answers.length === 0;
      return { rcode: missing ? 'NXDOMAIN' : 'NOERROR', answers, authorities: [soa(zone)], additionals: [] };
    }
    answers.push({ type: 'CNAME', name: current, data: found.target });
    if (type === 'CNAME' || !isOurs(zone, found.target)) {
      return { rcode: 'NOERROR', answers, authorities: [], additionals: [], ...(type === 'CNAME' ? {} : { follow: found.target }) };
    }
    current = found.target;
  }
  return { rcode: 'NOERROR', answers, authorities: [], additionals: [] };
}
