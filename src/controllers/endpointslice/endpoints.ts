/** From a Service and its pods to endpoints, grouped by the ports they serve on. Pure. */
import type { Pod, Service, ServicePort } from '../../kinds/generated/core.ts';
import type { Endpoint, EndpointPort } from '../../kinds/generated/discovery.ts';
import { isReady, isTerminal } from '../shared/pods.ts';

export type AddressType = 'IPv4' | 'IPv6';

/** Endpoints that share their ports. */
export interface PortGroup {
  ports: EndpointPort[];
  endpoints: Endpoint[];
}

/** The address families the service wants. */
export function addressTypes(service: Service): AddressType[] {
  const families = service.spec.ipFamilies ?? [];
  const known = families.filter((one): one is AddressType => one === 'IPv4' || one === 'IPv6');
  return known.length > 0 ? known : ['IPv4'];
}

export function isHeadless(service: Service): boolean {
  return service.spec.clusterIP === 'None';
}

function addressOf(pod: Pod, type: AddressType): string | undefined {
  const addresses = [...(pod.status?.podIPs ?? []).map((one) => one.ip), ...(pod.status?.podIP === undefined ? [] : [pod.status.podIP])];
  return addresses.find((ip) => ip.includes(':') === (type === 'IPv6'));
}

/** The number a service's port has on this pod; undefined when the pod has no port of that name. */
function portOn(pod: Pod, port: ServicePort): number | undefined {
  const target = port.targetPort ?? port.port;
  if (typeof target === 'number') {
    return target === 0 ? port.port : target;
  }
  const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? []).filter((one) => one.restartPolicy === 'Always')];
  return containers.flatMap((container) => container.ports ?? [])
    .find((one) => one.name === target && (one.protocol ?? 'TCP') === (port.protocol ?? 'TCP'))?.containerPort;
}

function portsOn(pod: Pod, service: Service): EndpointPort[] {
  return (service.spec.ports ?? []).flatMap((port) => {
    const number = portOn(pod, port);
    return number === undefined ? [] : [{
      name: port.name ?? '', protocol: port.protocol ?? 'TCP', port: number, ...(port.appProtocol === undefined ? {} : { appProtocol: port.appProtocol }),
    }];
  });
}

function endpointOf(pod: Pod, service: Service, address: string, zone: string | undefined): Endpoint {
  const serving = isReady(pod);
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const { hostname, subdomain, nodeName } = pod.spec;
  const { name, namespace, uid } = pod.metadata;
  return {
    addresses: [address],
    conditions: { ready: service.spec.publishNotReadyAddresses === true || (serving && !terminating), serving, terminating },
    ...(hostname && subdomain === service.metadata.name ? { hostname } : {}),
    targetRef: { kind: 'Pod', name, ...(namespace === undefined ? {} : { namespace }), ...(uid === undefined ? {} : { uid }) },
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(zone === undefined ? {} : { zone }),
  };
}

/** `zoneOf`: the zone label of a node by name. */
export function portGroups(
  service: Service, pods: readonly Pod[], type: AddressType, zoneOf: (node: string) => string | undefined,
): PortGroup[] {
  const groups = new Map<string, PortGroup>();
  for (const pod of pods) {
    const address = addressOf(pod, type);
    if (address === undefined || isTerminal(pod)) {
      continue;
    }
    const ports = portsOn(pod, service);
    const key = JSON.stringify(ports);
    const group = groups.get(key) ?? { ports, endpoints: [] };
    group.endpoints.push(endpointOf(pod, service, address, zoneOf(pod.spec.nodeName ?? '')));
    groups.set(key, group);
  }
  return [...groups.values()];
}
