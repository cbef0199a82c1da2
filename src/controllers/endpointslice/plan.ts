/** Which slices to write so that a service's endpoints are as wanted, touching as few as possible. Pure. */
import { controllerReference } from '../../apimachinery/object.ts';
import { deepEqual } from '../../apimachinery/values.ts';
import type { Service } from '../../kinds/generated/core.ts';
import type { Endpoint, EndpointPort, EndpointSlice } from '../../kinds/generated/discovery.ts';
import { isHeadless, type AddressType, type PortGroup } from './endpoints.ts';

export const SERVICE_NAME = 'kubernetes.io/service-name';
export const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by';
export const MANAGER = 'endpointslice-controller.k8s.io';
const HEADLESS = 'service.kubernetes.io/headless';
/** Endpoints of one slice. */
export const ENDPOINTS_MAX = 100;

export interface SlicePlan {
  create: EndpointSlice[];
  update: EndpointSlice[];
  remove: EndpointSlice[];
}

const identity = (endpoint: Endpoint): string => endpoint.targetRef?.uid ?? endpoint.addresses.join();
const portKey = (ports: readonly EndpointPort[] | undefined): string => JSON.stringify(ports ?? []);

function labelsOf(service: Service): Record<string, string> {
  const labels = { ...service.metadata.labels, [SERVICE_NAME]: service.metadata.name, [MANAGED_BY]: MANAGER };
  Reflect.deleteProperty(labels, HEADLESS);
  return isHeadless(service) ? { ...labels, [HEADLESS]: '' } : labels;
}

function emptySlice(service: Service, type: AddressType, ports: EndpointPort[]): EndpointSlice {
  const { name, namespace } = service.metadata;
  return {
    apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice',
    metadata: {
      name: '', generateName: `${name}-`, ...(namespace === undefined ? {} : { namespace }), labels: labelsOf(service),
      ownerReferences: [controllerReference(service)],
    },
    addressType: type, endpoints: [], ports,
  };
}

/** Slices of one address type. Without any endpoint one empty slice stays, so that watchers know the service has none. */
export function planSlices(service: Service, type: AddressType, existing: readonly EndpointSlice[], groups: readonly PortGroup[]): SlicePlan {
  const plan: SlicePlan = { create: [], update: [], remove: [] };
  const wanted = groups.length > 0 ? groups : [{ ports: [], endpoints: [] }];
  const byPorts = new Map<string, EndpointSlice[]>();
  for (const slice of existing) {
    const key = portKey(slice.ports);
    byPorts.set(key, [...byPorts.get(key) ?? [], slice]);
  }
  for (const group of wanted) {
    const key = portKey(group.ports);
    planGroup(plan, service, { type, slices: byPorts.get(key) ?? [], group, keepEmpty: groups.length === 0 });
    byPorts.delete(key);
  }
  for (const slices of byPorts.values()) {
    plan.remove.push(...slices);
  }
  return plan;
}

interface GroupState {
  type: AddressType;
  slices: readonly EndpointSlice[];
  group: PortGroup;
  keepEmpty: boolean;
}

function planGroup(plan: SlicePlan, service: Service, { type, slices, group, keepEmpty }: GroupState): void {
  const missing = new Map(group.endpoints.map((endpoint) => [identity(endpoint), endpoint]));
  const kept = slices.map((slice) => {
    const endpoints: Endpoint[] = [];
    for (const old of slice.endpoints ?? []) {
      const now = missing.get(identity(old));
      if (now !== undefined) {
        endpoints.push(now);
        missing.delete(identity(old));
      }
    }
    return { slice, endpoints };
  });
  const rest = [...missing.values()];
  for (const { endpoints } of kept) {
    endpoints.push(...rest.splice(0, Math.max(0, ENDPOINTS_MAX - endpoints.length)));
  }
  let left = kept.length;
  for (const { slice, endpoints } of kept) {
    if (endpoints.length === 0 && (left > 1 || !keepEmpty)) {
      left -= 1;
      plan.remove.push(slice);
    } else {
      const next = { ...slice, metadata: { ...slice.metadata, labels: labelsOf(service) }, endpoints };
      if (!deepEqual(next.endpoints, slice.endpoints ?? []) || !deepEqual(next.metadata.labels, slice.metadata.labels)) {
        plan.update.push(next);
      }
    }
  }
  while (rest.length > 0 || (keepEmpty && left === 0)) {
    left += 1;
    plan.create.push({ ...emptySlice(service, type, group.ports), endpoints: rest.splice(0, ENDPOINTS_MAX) });
  }
}
