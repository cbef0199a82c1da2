/** What an update of a Service keeps or loses of the addresses and ports it was given. */
import type { ServicePort, ServiceSpec } from '../generated/core.ts';

export const reachesOutside = (spec: ServiceSpec): boolean => spec.type === 'NodePort' || spec.type === 'LoadBalancer';

const sameValue = (a: string | undefined, b: string | undefined): boolean => (a ?? '') === (b ?? '');

/** A type that has no use for what an earlier type was given loses it, unless the client set it anew. */
export function dropUnused(spec: ServiceSpec, old: ServiceSpec): void {
  if (spec.type === 'ExternalName' && old.type !== 'ExternalName') {
    if (sameValue(spec.clusterIP, old.clusterIP)) {
      delete spec.clusterIP;
      delete spec.clusterIPs;
    }
    delete spec.ipFamilies;
    delete spec.ipFamilyPolicy;
    delete spec.internalTrafficPolicy;
  }
  if (!reachesOutside(spec) && reachesOutside(old)) {
    const before = new Set((old.ports ?? []).map(({ nodePort }) => nodePort));
    for (const port of spec.ports ?? []) {
      if (before.has(port.nodePort)) {
        delete port.nodePort;
      }
    }
    delete spec.externalTrafficPolicy;
    delete spec.healthCheckNodePort;
  }
  if (spec.type !== 'LoadBalancer' && old.type === 'LoadBalancer') {
    delete spec.allocateLoadBalancerNodePorts;
    delete spec.loadBalancerClass;
  }
}

const samePort = (a: ServicePort) => (b: ServicePort): boolean => a.port === b.port && (a.protocol ?? 'TCP') === (b.protocol ?? 'TCP');

function keepClusterIp(spec: ServiceSpec, old: ServiceSpec): void {
  if (spec.type === 'ExternalName' || old.type === 'ExternalName') {
    return;
  }
  if (!spec.clusterIP && old.clusterIP) {
    spec.clusterIP = old.clusterIP;
    spec.clusterIPs = old.clusterIPs ?? [old.clusterIP];
  } else if (spec.clusterIP && spec.clusterIPs?.length === 1 && sameValue(spec.clusterIPs[0], old.clusterIPs?.[0])) {
    // Clients of the single field change it alone.
    spec.clusterIPs = [spec.clusterIP];
  }
}

function keepFamilies(spec: ServiceSpec, old: ServiceSpec): void {
  if (spec.type === 'ExternalName') {
    return;
  }
  if (spec.ipFamilies === undefined && old.ipFamilies !== undefined) {
    spec.ipFamilies = old.ipFamilies;
  }
  if (spec.ipFamilyPolicy === undefined && old.ipFamilyPolicy !== undefined) {
    spec.ipFamilyPolicy = old.ipFamilyPolicy;
  }
}

function keepNodePorts(spec: ServiceSpec, old: ServiceSpec): void {
  if (!reachesOutside(spec) || !reachesOutside(old)) {
    return;
  }
  const taken = new Set((spec.ports ?? []).map(({ nodePort }) => nodePort));
  for (const port of spec.ports ?? []) {
    const before = old.ports?.find(samePort(port))?.nodePort;
    if (!port.nodePort && before && !taken.has(before)) {
      port.nodePort = before;
    }
  }
}

/** An update that leaves allocated values out keeps them. */
export function keepAllocated(spec: ServiceSpec, old: ServiceSpec): void {
  keepClusterIp(spec, old);
  keepFamilies(spec, old);
  keepNodePorts(spec, old);
}
