/**
 * One service's rules as data: entries of the table's maps and sets. Pure.
 *
 * A service is a few map elements, not a chain: its address leads to the chain for its NUMBER of endpoints (`chains.ts`),
 * and its endpoints stand in the maps that those chains read. So a change costs the same with
 * ten services and with ten thousand. Only sessionAffinity needs chains of a service's own: their names carry their content.
 */
import { createHash } from 'node:crypto';
import type { Service, ServicePort } from '../../../kinds/generated/core.ts';
import type { EndpointSlice } from '../../../kinds/generated/discovery.ts';
import { inRange, parseAddress, type Range } from '../address.ts';
import { NODE_PORT_MAP, REJECTED_NODE_PORTS, REJECTED_SERVICES, REMOTE_ENDPOINTS, SERVICE_MAP } from '../rules.ts';
import { portBackends, type Backend } from './endpoints.ts';
import { endpointMap, spreadChain, stickyChains, type StickyChain } from './chains.ts';

export interface Entry {
  /** Name of a map or set of the table. */
  collection: string;
  /** As nft writes it, e.g. `10.43.0.7 . tcp . 80`. */
  key: string;
  /** `goto CHAIN` or `ADDRESS . PORT`; empty in sets. */
  value: string;
}

export interface NodePort {
  protocol: string;
  port: number;
}

export interface Desired {
  entries: Entry[];
  sticky: StickyChain[];
  /** Addresses and ports under which UDP is offered, with where it may go now: what else connection tracking remembers is stale. */
  udp: UdpTarget[];
}

export interface UdpTarget {
  /** Address, or `*` for a node port. */
  address: string;
  port: number;
  backends: Backend[];
}

export interface DesireContext {
  nodeName: string;
  /** Addresses of this node's pods. */
  pods: Range;
  dnsAddress: string;
  /** Endpoints under a key by index, as they are now: who stays keeps its place. */
  places(key: string, nodePort: boolean): readonly string[];
  /** False while something else on the machine holds the port. */
  nodePortFree(port: NodePort): boolean;
}

/** kube-proxy's default for sessionAffinityConfig.clientIP.timeoutSeconds. */
const DEFAULT_AFFINITY_SECONDS = 10_800;

const DNS_PORT = 53;

const text = ({ ip, port }: Backend): string => `${ip} . ${port}`;

/** Place `wanted` so that what stays keeps its index; the rest fills the gaps. */
export function keepPlaces(current: readonly string[], wanted: readonly string[]): string[] {
  const left = new Set(wanted);
  const places: (string | undefined)[] = Array.from({ length: wanted.length }, (_, index) => {
    const held = current[index];
    return held !== undefined && left.delete(held) ? held : undefined;
  });
  const rest = [...left].toSorted();
  return places.map((held) => held ?? rest.shift() ?? '');
}

/** What a ServicePort offers under one key: a cluster or external address, or a node port. */
interface Front {
  key: string;
  nodePort: boolean;
  backends: Backend[];
}

class Builder {
  readonly desired: Desired = { entries: [], sticky: [], udp: [] };
  readonly #context: DesireContext;
  readonly #service: Service;

  constructor(service: Service, context: DesireContext) {
    this.#service = service;
    this.#context = context;
  }

  front(front: Front, protocol: string, id: string): void {
    const { key, nodePort, backends } = front;
    if (backends.length === 0) {
      return;
    }
    const map = nodePort ? NODE_PORT_MAP : SERVICE_MAP;
    if (this.#service.spec.sessionAffinity === 'ClientIP') {
      const seconds = this.#service.spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? DEFAULT_AFFINITY_SECONDS;
      const sticky = stickyChains({ id, protocol, seconds, backends: backends.map(text).toSorted() });
      this.desired.sticky.push(sticky);
      this.#add(map, key, `goto ${sticky.chain}`);
    } else {
      keepPlaces(this.#context.places(key, nodePort), backends.map(text)).forEach((backend, index) => {
        this.#add(endpointMap(index, nodePort), key, backend);
      });
      this.#add(map, key, `goto ${spreadChain(backends.length, nodePort)}`);
    }
    for (const backend of backends) {
      const address = parseAddress(backend.ip);
      if (address !== undefined && !inRange(this.#context.pods, address)) {
        this.#add(REMOTE_ENDPOINTS, `${backend.ip} . ${protocol} . ${backend.port}`, '');
      }
    }
  }

  reject(collection: string, key: string): void {
    this.#add(collection, key, '');
  }

  udp(address: string, port: number, protocol: string, backends: Backend[]): void {
    if (protocol === 'udp') {
      this.desired.udp.push({ address, port, backends });
    }
  }

  #add(collection: string, key: string, value: string): void {
    this.desired.entries.push({ collection, key, value });
  }
}

function externalAddresses(service: Service): string[] {
  const balancer = (service.status?.loadBalancer?.ingress ?? []).filter(({ ipMode }) => ipMode !== 'Proxy').map(({ ip }) => ip ?? '');
  return [...new Set([...(service.spec.externalIPs ?? []), ...balancer])].filter((ip) => parseAddress(ip) !== undefined);
}

function describePort(builder: Builder, service: Service, port: ServicePort, slices: readonly EndpointSlice[], context: DesireContext): void {
  const protocol = (port.protocol ?? 'TCP').toLowerCase();
  const { internal, external } = portBackends(service, port, slices, context.nodeName);
  const hash = createHash('sha256')
    .update(`${service.metadata.namespace ?? ''}/${service.metadata.name}/${port.name ?? ''}/${protocol}/${port.port}`).digest('hex').slice(0, 12);
  const clusterIp = service.spec.clusterIP ?? '';
  // The DNS address is the gateway's own, whatever Service claims it.
  if (parseAddress(clusterIp) !== undefined && clusterIp !== context.dnsAddress) {
    builder.front({ key: `${clusterIp} . ${protocol} . ${port.port}`, nodePort: false, backends: internal }, protocol, `${hash}i`);
    builder.udp(clusterIp, port.port, protocol, internal);
  }
  for (const address of externalAddresses(service)) {
    const key = `${address} . ${protocol} . ${port.port}`;
    builder.front({ key, nodePort: false, backends: external }, protocol, `${hash}e`);
    builder.udp(address, port.port, protocol, external);
    if (external.length === 0) {
      builder.reject(REJECTED_SERVICES, key);
    }
  }
  const { nodePort } = port;
  if (nodePort !== undefined && nodePort > 0 && context.nodePortFree({ protocol, port: nodePort })) {
    const key = `${protocol} . ${nodePort}`;
    builder.front({ key, nodePort: true, backends: external }, protocol, `${hash}n`);
    builder.udp('*', nodePort, protocol, external);
    if (external.length === 0) {
      builder.reject(REJECTED_NODE_PORTS, key);
    }
  }
}

/** Headless and ExternalName services have no rules: they are answered by DNS alone. */
export function desiredOf(service: Service, slices: readonly EndpointSlice[], context: DesireContext): Desired {
  const builder = new Builder(service, context);
  const { clusterIP, type } = service.spec;
  if (type !== 'ExternalName' && clusterIP !== undefined && clusterIP !== '' && clusterIP !== 'None') {
    for (const port of service.spec.ports ?? []) {
      describePort(builder, service, port, slices, context);
    }
  }
  return builder.desired;
}

/** The DNS address's port 53, led to where the gateway serves; nothing when that is port 53 itself. */
export function dnsDesired(address: string, port: number): Desired {
  const entries = port === DNS_PORT ? [] : ['udp', 'tcp'].flatMap((protocol): Entry[] => {
    const key = `${address} . ${protocol} . ${DNS_PORT}`;
    return [
      { collection: endpointMap(0, false), key, value: `${address} . ${port}` },
      { collection: SERVICE_MAP, key, value: `goto ${spreadChain(1, false)}` },
    ];
  });
  return { entries, sticky: [], udp: [] };
}
