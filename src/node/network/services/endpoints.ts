/** Which endpoints a service port has, from its slices. Pure; the rules are kube-proxy's for one node. */
import type { Service, ServicePort } from '../../../kinds/generated/core.ts';
import type { Endpoint, EndpointSlice } from '../../../kinds/generated/discovery.ts';
import { parseAddress } from '../address.ts';

/** The label that ties a slice to its service. */
export const SERVICE_NAME_LABEL = 'kubernetes.io/service-name';

export interface Backend {
  ip: string;
  port: number;
}

export interface PortBackends {
  /** For the cluster address, by internalTrafficPolicy. */
  internal: Backend[];
  /** For node ports and external addresses, by externalTrafficPolicy. */
  external: Backend[];
}

interface Candidate extends Backend {
  ready: boolean;
  /** Terminating but still answering: used when nothing else is left, so that a last connection is not refused. */
  leaving: boolean;
  local: boolean;
}

export function isReady(endpoint: Endpoint): boolean {
  // The API says that an unknown condition counts as ready.
  return endpoint.conditions?.ready !== false;
}

function candidates(port: ServicePort, slices: readonly EndpointSlice[], nodeName: string): Candidate[] {
  const found = new Map<string, Candidate>();
  for (const slice of slices) {
    const number = slice.addressType === 'IPv4'
      ? slice.ports?.find(({ name = '', protocol = 'TCP' }) => name === (port.name ?? '') && protocol === (port.protocol ?? 'TCP'))?.port
      : undefined;
    if (number === undefined) {
      continue;
    }
    for (const endpoint of slice.endpoints ?? []) {
      const ip = endpoint.addresses[0] ?? '';
      if (parseAddress(ip) !== undefined) {
        const serving = endpoint.conditions?.serving ?? isReady(endpoint);
        found.set(`${ip}:${number}`, {
          ip, port: number, ready: isReady(endpoint), leaving: serving && endpoint.conditions?.terminating === true, local: endpoint.nodeName === nodeName,
        });
      }
    }
  }
  return [...found.values()];
}

function usable(all: readonly Candidate[]): Backend[] {
  const ready = all.filter(({ ready }) => ready);
  return (ready.length > 0 ? ready : all.filter(({ leaving }) => leaving)).map(({ ip, port }) => ({ ip, port }));
}

export function portBackends(service: Service, port: ServicePort, slices: readonly EndpointSlice[], nodeName: string): PortBackends {
  const all = candidates(port, slices, nodeName);
  const local = all.filter((candidate) => candidate.local);
  return {
    internal: usable(service.spec.internalTrafficPolicy === 'Local' ? local : all),
    external: usable(service.spec.externalTrafficPolicy === 'Local' ? local : all),
  };
}
