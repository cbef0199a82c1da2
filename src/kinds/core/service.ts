import { AGE, column, formatLabels, NAME, NONE, wide } from '../columns.ts';
import type { Service, ServiceSpec } from '../generated/core.ts';
import { defineKind } from '../kind.ts';
import { keepStatus } from '../strategy.ts';
import { dropUnused, keepAllocated, reachesOutside } from './service.update.ts';
import { validateService, validateServiceStatus, validateServiceUpdate } from './service.validate.ts';

const AFFINITY_SECONDS = 10_800;

/** `clusterIP` and the first of `clusterIPs` are one value under two names. */
function mirrorClusterIp(spec: ServiceSpec): void {
  if (spec.clusterIP && spec.clusterIPs === undefined) {
    spec.clusterIPs = [spec.clusterIP];
  } else if (!spec.clusterIP && spec.clusterIPs?.[0]) {
    spec.clusterIP = spec.clusterIPs[0];
  }
}

function defaultPolicies(spec: ServiceSpec): void {
  if (reachesOutside(spec)) {
    spec.externalTrafficPolicy ||= 'Cluster';
  }
  if (spec.type !== 'ExternalName') {
    spec.internalTrafficPolicy ||= 'Cluster';
  }
  if (spec.type === 'LoadBalancer') {
    spec.allocateLoadBalancerNodePorts ??= true;
  }
}

/** Packets for a balancer's address arrive unchanged unless it says otherwise. */
function defaultModes({ spec, status }: Service): void {
  for (const point of status?.loadBalancer?.ingress ?? []) {
    if (point.ip && spec.type === 'LoadBalancer') {
      point.ipMode ??= 'VIP';
    }
  }
}

function defaults(service: Service): void {
  const spec = service.spec ?? {};
  service.spec = spec;
  spec.type ||= 'ClusterIP';
  spec.sessionAffinity ||= 'None';
  if (spec.sessionAffinity === 'None') {
    delete spec.sessionAffinityConfig;
  } else if (spec.sessionAffinity === 'ClientIP') {
    spec.sessionAffinityConfig ??= {};
    spec.sessionAffinityConfig.clientIP ??= {};
    spec.sessionAffinityConfig.clientIP.timeoutSeconds ??= AFFINITY_SECONDS;
  }
  for (const port of spec.ports ?? []) {
    port.protocol ||= 'TCP';
    if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '') {
      port.targetPort = port.port;
    }
  }
  defaultPolicies(spec);
  mirrorClusterIp(spec);
}

function externalAddresses({ spec, status }: Service): string {
  const external = spec.externalIPs ?? [];
  switch (spec.type) {
    case 'ExternalName': return spec.externalName ?? '';
    case 'LoadBalancer': {
      const given = (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname || '');
      return [...given, ...external].join(',') || '<pending>';
    }
    default: return external.join(',') || NONE;
  }
}

function ports({ spec }: Service): string {
  return (spec.ports ?? []).map(({ port, nodePort, protocol }) =>
    (nodePort ? `${port}:${nodePort}/${protocol ?? 'TCP'}` : `${port}/${protocol ?? 'TCP'}`)).join(',') || NONE;
}

export const service = defineKind<Service>({
  group: '', version: 'v1', kind: 'Service', plural: 'services', singular: 'service',
  namespaced: true, type: 'core/v1.Service', origin: 'builtin',
  shortNames: ['svc'], categories: ['all'], status: true,
  subresources: { proxy: { kind: 'ServiceProxyOptions', verbs: ['create', 'delete', 'get', 'patch', 'update'] } },
  columns: [
    NAME,
    column('Type', ({ spec }) => spec.type ?? ''),
    column('Cluster-IP', ({ spec }) => spec.clusterIPs?.[0] || spec.clusterIP || NONE),
    column('External-IP', externalAddresses),
    column('Port(s)', ports),
    AGE,
    wide('Selector', ({ spec }) => formatLabels(spec.selector)),
  ],
  selectableFields: {
    'spec.clusterIP': ({ spec }) => spec.clusterIP ?? '',
    'spec.type': ({ spec }) => spec.type ?? '',
  },
  rules: {
    name: 'dns1035label',
    generation: false,
    defaults,
    defaultStatus: defaultModes,
    prepareCreate(object) { object.status = { loadBalancer: {} }; },
    prepareUpdate(object, old) {
      keepStatus(object, old);
      dropUnused(object.spec, old.spec);
      keepAllocated(object.spec, old.spec);
    },
    validate: validateService,
    validateUpdate: validateServiceUpdate,
    validateStatus: validateServiceStatus,
  },
});
