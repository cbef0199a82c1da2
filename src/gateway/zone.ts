/**
 * What cluster names mean, from `<runDir>/dns.json`. Pure.
 *
 * The file is written by `src/node/network/services/dnszone.ts`:
 * `{format: 1, domain, listen, ranges: [CIDR…], services: [{namespace, name, ip?, externalName?, ports?, endpoints?: [{ip, hostname?, ports}]}]}`.
 */

/** Format this program reads; a file of another is refused, the last good one stays. */
const FORMAT = 1;

export interface ZonePort {
  name: string;
  /** `tcp`, `udp` or `sctp`. */
  protocol: string;
  port: number;
}

export interface ZoneEndpoint {
  ip: string;
  /** First label of its own name: its hostname, or its address with dashes. */
  label: string;
  ports: ZonePort[];
}

export interface ZoneService {
  /** `web.default.svc.cluster.local` */
  fqdn: string;
  ip?: string;
  externalName?: string;
  ports: ZonePort[];
  /** Present for headless services. */
  endpoints?: ZoneEndpoint[];
}

export interface Zone {
  /** Lower case, without a final dot. */
  domain: string;
  /** Address to serve on. */
  listen: string;
  /** `namespace/name`, lower case. */
  services: ReadonlyMap<string, ZoneService>;
  namespaces: ReadonlySet<string>;
  /** Address → name for PTR. */
  reverse: ReadonlyMap<string, string>;
  /** Ranges whose reverse names are ours: [first, last] as numbers. */
  ranges: readonly (readonly [number, number])[];
  /** Changes with the content; the SOA's serial. */
  serial: number;
}

export class ZoneError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ZoneError';
  }
}

export function addressNumber(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) {
    return undefined;
  }
  return parts.reduce((value, part) => value * 256 + Number(part), 0);
}

type Fields = ReadonlyMap<string, unknown>;

function fields(value: unknown): Fields {
  return new Map<string, unknown>(typeof value === 'object' && value !== null ? Object.entries(value) : []);
}

function text(from: Fields, key: string): string {
  const value = from.get(key);
  return typeof value === 'string' ? value : '';
}

function list(from: Fields, key: string): unknown[] {
  const value = from.get(key);
  return Array.isArray(value) ? value : [];
}

function ports(from: Fields): ZonePort[] {
  return list(from, 'ports').flatMap((item) => {
    const port = fields(item);
    const number = port.get('port');
    return typeof number === 'number' ? [{ name: text(port, 'name').toLowerCase(), protocol: text(port, 'protocol'), port: number }] : [];
  });
}

function range(cidr: unknown): [number, number][] {
  const [address, bits] = typeof cidr === 'string' ? cidr.split('/') : [];
  const first = addressNumber(address ?? '');
  const prefix = Number(bits);
  return first === undefined || !(prefix >= 0 && prefix <= 32) ? [] : [[first, first + 2 ** (32 - prefix) - 1]];
}

/** Throws ZoneError (or SyntaxError) when the file is not what this program reads. */
export function parseZone(json: string, serial: number): Zone {
  const root = fields(JSON.parse(json));
  if (root.get('format') !== FORMAT || text(root, 'domain') === '') {
    throw new ZoneError(`dns.json is not of format ${FORMAT}`);
  }
  const domain = text(root, 'domain').toLowerCase().replace(/\.$/, '');
  const services = new Map<string, ZoneService>();
  const namespaces = new Set<string>();
  const reverse = new Map<string, string>();
  for (const item of list(root, 'services')) {
    const entry = fields(item);
    const [namespace, name, ip, externalName] = [text(entry, 'namespace'), text(entry, 'name'), text(entry, 'ip'), text(entry, 'externalName')];
    const fqdn = `${name}.${namespace}.svc.${domain}`;
    const service: ZoneService = { fqdn, ports: ports(entry), ...(ip === '' ? {} : { ip }), ...(externalName === '' ? {} : { externalName }) };
    if (entry.has('endpoints')) {
      service.endpoints = list(entry, 'endpoints').map((each) => {
        const endpoint = fields(each);
        const address = text(endpoint, 'ip');
        return { ip: address, label: text(endpoint, 'hostname').toLowerCase() || address.replaceAll('.', '-'), ports: ports(endpoint) };
      });
      service.endpoints.forEach((endpoint) => reverse.set(endpoint.ip, `${endpoint.label}.${fqdn}`));
    }
    if (ip !== '') {
      reverse.set(ip, fqdn);
    }
    services.set(`${namespace}/${name}`.toLowerCase(), service);
    namespaces.add(namespace.toLowerCase());
  }
  return { domain, listen: text(root, 'listen'), services, namespaces, reverse, ranges: list(root, 'ranges').flatMap(range), serial };
}
