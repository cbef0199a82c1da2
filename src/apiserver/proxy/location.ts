/** Where `pods/{name}/proxy` and `services/{name}/proxy` lead: `name`, `name:port` or `scheme:name:port`, as in Kubernetes. */
import { BlockList, isIP } from 'node:net';
import { badRequest, failure } from '../../apimachinery/status.ts';
import type { EndpointSlice } from '../../kinds/generated/discovery.ts';
import type { Service } from '../../kinds/generated/core.ts';
import { typed } from '../../kinds/typed.ts';
import type { Core, Target } from '../verbs/core.ts';

export interface Location {
  secure: boolean;
  host: string;
  port: number;
}

export interface Asked {
  secure: boolean;
  name: string;
  /** A number, a name of a service's port, or empty. */
  port: string;
}

const SERVICE_LABEL = 'kubernetes.io/service-name';

/** Undefined when the text has another form. */
export function splitSchemeNamePort(text: string): Asked | undefined {
  const parts = text.split(':');
  const [first = '', second = '', third = ''] = parts;
  const asked = parts.length === 1 ? { secure: false, name: first, port: '' }
    : parts.length === 2 ? { secure: false, name: first, port: second }
      : parts.length === 3 && (first === '' || first === 'http' || first === 'https') ? { secure: first === 'https', name: second, port: third } : undefined;
  return asked === undefined || asked.name === '' ? undefined : asked;
}

/** Behind these are others than pods: this machine's own loopback, the link (with clouds' metadata), many at once. */
const NOT_PODS = ((): BlockList => {
  const list = new BlockList();
  for (const [net, bits] of [['0.0.0.0', 8], ['127.0.0.0', 8], ['169.254.0.0', 16], ['224.0.0.0', 3]] as const) {
    list.addSubnet(net, bits, 'ipv4');
  }
  for (const [net, bits] of [['::', 127], ['fe80::', 10], ['ff00::', 8]] as const) {
    list.addSubnet(net, bits, 'ipv6');
  }
  return list;
})();

/** However the address is written: IPv4 within IPv6 counts as IPv4. */
function isProxyable(ip: string): boolean {
  const version = isIP(ip);
  return version !== 0 && !ip.includes('%') && !NOT_PODS.check(ip, version === 4 ? 'ipv4' : 'ipv6');
}

function portNumber(text: string): number | undefined {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port > 0 && port <= 65_535 ? port : undefined;
}

const DEFAULT_PORTS = { http: 80, https: 443 } as const;

/** Throws Status errors in Kubernetes' words. */
function podLocation(core: Core, target: Target, asked: Asked): Location {
  const pod = typed('v1 Pod', core.require({ ...target, name: asked.name }).object);
  const declared = (pod.spec.containers ?? []).find(({ ports = [] }) => ports.length > 0)?.ports?.[0]?.containerPort;
  const wanted = asked.port === '' ? declared ?? DEFAULT_PORTS[asked.secure ? 'https' : 'http'] : portNumber(asked.port);
  const host = pod.status?.podIPs?.[0]?.ip ?? pod.status?.podIP ?? '';
  if (!isProxyable(host)) {
    throw badRequest('address not allowed');
  }
  if (wanted === undefined) {
    throw badRequest(`invalid port ${JSON.stringify(asked.port)}`);
  }
  return { secure: asked.secure, host, port: wanted };
}

function portName(service: Service, asked: Asked): string {
  const number = portNumber(asked.port);
  if (number === undefined) {
    return asked.port;
  }
  const found = service.spec?.ports?.find(({ port }) => port === number);
  if (found === undefined) {
    throw failure('ServiceUnavailable', `no service port ${number} found for service ${JSON.stringify(asked.name)}`);
  }
  return found.name ?? '';
}

/** Ready addresses of a slice that are those of the pods they name: others' slices must not lead the server elsewhere. */
function addressesOf(core: Core, namespace: string, slice: EndpointSlice): string[] {
  return (slice.endpoints ?? []).flatMap(({ addresses, conditions, targetRef }) => {
    const pods = core.registry.byResource('', 'v1', 'pods');
    if (conditions?.ready === false || targetRef?.kind !== 'Pod' || targetRef.name === undefined || (targetRef.namespace ?? namespace) !== namespace || pods === undefined) {
      return [];
    }
    const stored = core.get({ kind: pods, namespace, name: targetRef.name });
    const status = stored === undefined ? undefined : typed('v1 Pod', stored.object).status;
    const own = new Set([status?.podIP, ...(status?.podIPs ?? []).map(({ ip }) => ip)]);
    return addresses.filter((ip) => own.has(ip) && isProxyable(ip));
  });
}

function slicesOf(core: Core, namespace: string, service: string): EndpointSlice[] {
  const kind = core.registry.byResource('discovery.k8s.io', 'v1', 'endpointslices');
  return kind === undefined ? [] : core.store.list(core.registry.storagePrefix(kind, namespace)).items
    .filter(({ object }) => object.metadata.labels?.[SERVICE_LABEL] === service)
    .map(({ object }) => typed('discovery.k8s.io/v1 EndpointSlice', object));
}

/** One of the ready endpoints, at random. Throws Status errors in Kubernetes' words. */
function serviceLocation(core: Core, target: Target, asked: Asked): Location {
  const service = typed('v1 Service', core.require({ ...target, name: asked.name }).object);
  const name = portName(service, asked);
  const endpoints = slicesOf(core, target.namespace, asked.name).flatMap((slice) => {
    const port = slice.ports?.find((one) => (one.name ?? '') === name)?.port;
    return port === undefined ? [] : addressesOf(core, target.namespace, slice).map((host) => ({ host, port }));
  });
  const chosen = endpoints[Math.floor(Math.random() * endpoints.length)];
  if (chosen === undefined) {
    throw failure('ServiceUnavailable', `no endpoints available for service ${JSON.stringify(target.name)}`);
  }
  return { secure: asked.secure, ...chosen };
}

/** Throws Status errors in Kubernetes' words. */
export function locate(core: Core, target: Target): Location {
  const asked = splitSchemeNamePort(target.name);
  if (asked === undefined) {
    throw badRequest(`invalid ${target.kind.singular} request ${JSON.stringify(target.name)}`);
  }
  return target.kind.plural === 'pods' ? podLocation(core, target, asked) : serviceLocation(core, target, asked);
}
