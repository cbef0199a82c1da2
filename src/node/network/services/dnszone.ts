/** What the DNS gateway serves, as one file: `<runDir>/dns.json`. The format is `src/gateway/zone.ts`'s, which reads it. */
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Instance } from '../../../apimachinery/instance.ts';
import type { Service } from '../../../kinds/generated/core.ts';
import type { EndpointSlice } from '../../../kinds/generated/discovery.ts';
import { parseAddress } from '../address.ts';
import { isReady } from './endpoints.ts';

export const DNS_FILE = 'dns.json';
/** Raised when the format changes so that an older gateway must not read it. */
export const DNS_FORMAT = 1;
/** The file is written at most this often; what changes meanwhile is in the next one. */
const WRITE_PAUSE_MS = 25;

interface ZonePort {
  name?: string;
  protocol: string;
  port: number;
}

interface ZoneEndpoint {
  ip: string;
  hostname?: string;
  ports: ZonePort[];
}

interface ZoneService {
  namespace: string;
  name: string;
  ip?: string;
  externalName?: string;
  ports?: ZonePort[];
  /** Of headless services. */
  endpoints?: ZoneEndpoint[];
}

const zonePort = (port: { name?: string; protocol?: string; port?: number }): ZonePort[] => (port.port === undefined
  ? []
  : [{ ...(port.name ? { name: port.name } : {}), protocol: (port.protocol ?? 'TCP').toLowerCase(), port: port.port }]);

function headlessEndpoints(service: Service, slices: readonly EndpointSlice[]): ZoneEndpoint[] {
  const found = new Map<string, ZoneEndpoint>();
  for (const slice of slices) {
    const ports = (slice.ports ?? []).flatMap(zonePort);
    for (const endpoint of slice.addressType === 'IPv4' ? slice.endpoints ?? [] : []) {
      const ip = endpoint.addresses[0] ?? '';
      if (parseAddress(ip) !== undefined && (isReady(endpoint) || service.spec.publishNotReadyAddresses === true)) {
        const known = found.get(ip);
        found.set(ip, { ip, ...(endpoint.hostname ? { hostname: endpoint.hostname } : {}), ports: [...(known?.ports ?? []), ...ports] });
      }
    }
  }
  return [...found.values()];
}

/** A service's part of the file as JSON text, or undefined when it has no name to answer for. */
export function zoneText(service: Service, slices: readonly EndpointSlice[]): string | undefined {
  const base: ZoneService = { namespace: service.metadata.namespace ?? '', name: service.metadata.name };
  const { clusterIP, type, externalName } = service.spec;
  if (type === 'ExternalName') {
    return externalName ? JSON.stringify({ ...base, externalName }) : undefined;
  }
  if (clusterIP === 'None') {
    return JSON.stringify({ ...base, endpoints: headlessEndpoints(service, slices) });
  }
  if (clusterIP === undefined || parseAddress(clusterIP) === undefined) {
    return undefined;
  }
  return JSON.stringify({ ...base, ip: clusterIP, ports: (service.spec.ports ?? []).flatMap(zonePort) });
}

/** Keeps the file current; only what DNS can tell apart causes a write. */
export class ZoneFile {
  readonly #instance: Pick<Instance, 'runDir' | 'clusterDomain' | 'dnsAddress' | 'serviceCidr' | 'podCidr'>;
  readonly #services = new Map<string, string>();
  #dirty = true;
  #writing: Promise<void> | undefined;
  #onError: (error: unknown) => void;

  constructor(instance: Pick<Instance, 'runDir' | 'clusterDomain' | 'dnsAddress' | 'serviceCidr' | 'podCidr'>, onError: (error: unknown) => void) {
    this.#instance = instance;
    this.#onError = onError;
  }

  set(key: string, text: string | undefined): void {
    if (this.#services.get(key) === text) {
      return;
    }
    if (text === undefined) {
      this.#services.delete(key);
    } else {
      this.#services.set(key, text);
    }
    this.#dirty = true;
  }

  /** Write what changed, soon. Resolves when the file holds everything set before the call. */
  async flush(): Promise<void> {
    while (this.#dirty || this.#writing !== undefined) {
      this.#writing ??= this.#write().finally(() => { this.#writing = undefined; });
      await this.#writing;
    }
  }

  /** As flush, in the background. */
  flushSoon(): void {
    if (this.#dirty && this.#writing === undefined) {
      this.flush().catch(this.#onError);
    }
  }

  async #write(): Promise<void> {
    this.#dirty = false;
    const { runDir, clusterDomain, dnsAddress, serviceCidr, podCidr } = this.#instance;
    const head = JSON.stringify({ format: DNS_FORMAT, domain: clusterDomain, listen: dnsAddress, ranges: [serviceCidr, podCidr] });
    const path = join(runDir, DNS_FILE);
    try {
      await writeFile(`${path}.new`, `${head.slice(0, -1)},"services":[${[...this.#services.values()].join(',\n')}]}\n`);
      await rename(`${path}.new`, path);
    } catch (error) {
      this.#dirty = true;
      throw error;
    }
    await new Promise((resolve) => { setTimeout(resolve, WRITE_PAUSE_MS); });
  }
}
