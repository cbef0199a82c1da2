/** What a Service may say (k8s.io/kubernetes/pkg/apis/core/validation, ValidateService). */
import { validateDns1123Label, validateDns1123Subdomain, validateQualifiedName } from '../../apimachinery/names.ts';
import { validateLabels } from '../../apimachinery/objectmeta.ts';
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { duplicates, ipAddress, isCidr, isIp, nameErrors, oneOf, portNumber, portOrName, requiredOneOf } from '../checks.ts';
import type { LoadBalancerIngress, Service, ServicePort, ServiceSpec } from '../generated/core.ts';
import { balancerPointErrors } from '../namechecks.ts';

const TYPES = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
const MAX_AFFINITY_SECONDS = 86_400;
const HEADLESS = 'None';
const KUBELET_PORT = 10_250;
/** One of each family. */
const MAX_FAMILIES = 2;
const TOO_MANY = `may only hold up to ${MAX_FAMILIES} values`;

const isHeadless = ({ clusterIP, clusterIPs }: ServiceSpec): boolean => (clusterIPs?.[0] ?? clusterIP) === HEADLESS;
const reachesOutside = ({ type }: ServiceSpec): boolean => type === 'NodePort' || type === 'LoadBalancer';

function port(field: string, one: ServicePort, spec: ServiceSpec, needsName: boolean): FieldError[] {
  const errors: FieldError[] = [];
  if (one.name) {
    errors.push(...nameErrors(`${field}.name`, one.name, validateDns1123Label));
  } else if (needsName) {
    errors.push(fieldError.required(`${field}.name`));
  }
  errors.push(
    ...portNumber(`${field}.port`, one.port),
    ...requiredOneOf(`${field}.protocol`, one.protocol, ['SCTP', 'TCP', 'UDP']),
    ...portOrName(`${field}.targetPort`, one.targetPort),
    ...(one.appProtocol ? nameErrors(`${field}.appProtocol`, one.appProtocol, validateQualifiedName) : []),
  );
  if (spec.type === 'LoadBalancer' && one.port === KUBELET_PORT) {
    errors.push(fieldError.invalid(`${field}.port`, one.port, 'may not expose port 10250 externally since it is used by kubelet'));
  }
  if (one.nodePort) {
    errors.push(...(reachesOutside(spec) ? portNumber(`${field}.nodePort`, one.nodePort)
      : [fieldError.forbidden(`${field}.nodePort`, `may not be used when \`type\` is '${spec.type ?? ''}'`)]));
  }
  return errors;
}

function ports(spec: ServiceSpec): FieldError[] {
  const list = spec.ports ?? [];
  if (list.length === 0) {
    return isHeadless(spec) || spec.type === 'ExternalName' ? [] : [fieldError.required('spec.ports')];
  }
  return [
    ...list.flatMap((one, index) => port(`spec.ports[${index}]`, one, spec, list.length > 1)),
    ...duplicates(list.map(({ name }) => name ?? ''), (index) => `spec.ports[${index}].name`),
    ...duplicates(list.map((one) => `${one.port}/${one.protocol ?? ''}`), (index) => `spec.ports[${index}]`),
    ...duplicates(list.map(({ nodePort, protocol }) => (nodePort ? `${nodePort}/${protocol ?? ''}` : '')), (index) => `spec.ports[${index}].nodePort`),
  ];
}

function clusterIps(spec: ServiceSpec): FieldError[] {
  const list = spec.clusterIPs ?? [];
  if (spec.type === 'ExternalName') {
    return list.length > 0 ? [fieldError.forbidden('spec.clusterIPs', 'may not be set for ExternalName services')] : [];
  }
  if (isHeadless(spec)) {
    const errors = list.length > 1 ? [fieldError.invalid('spec.clusterIPs', list, "'None' must be the first and only value")] : [];
    return reachesOutside(spec)
      ? [...errors, fieldError.invalid('spec.clusterIPs[0]', HEADLESS, `may not be set to 'None' for ${spec.type ?? ''} services`)] : errors;
  }
  return [
    ...(spec.clusterIP && list[0] !== spec.clusterIP ? [fieldError.invalid('spec.clusterIPs', list, 'first value must match `clusterIP`')] : []),
    ...list.flatMap((one, index) => ipAddress(`spec.clusterIPs[${index}]`, one)),
    ...(list.length > MAX_FAMILIES ? [fieldError.invalid('spec.clusterIPs', list, TOO_MANY)] : []),
  ];
}

/** One family, IPv4: what the embedded network has. */
function families(spec: ServiceSpec): FieldError[] {
  const list = spec.ipFamilies ?? [];
  if (spec.type === 'ExternalName') {
    return [
      ...(list.length > 0 ? [fieldError.forbidden('spec.ipFamilies', 'may not be set for ExternalName services')] : []),
      ...(spec.ipFamilyPolicy === undefined ? [] : [fieldError.forbidden('spec.ipFamilyPolicy', 'may not be set for ExternalName services')]),
    ];
  }
  return [
    ...oneOf('spec.ipFamilyPolicy', spec.ipFamilyPolicy, ['PreferDualStack', 'RequireDualStack', 'SingleStack']),
    ...(spec.ipFamilyPolicy === 'RequireDualStack'
      ? [fieldError.invalid('spec.ipFamilyPolicy', spec.ipFamilyPolicy, 'this cluster is not configured for dual-stack services')] : []),
    ...(list.length > MAX_FAMILIES ? [fieldError.invalid('spec.ipFamilies', list, TOO_MANY)] : []),
    ...duplicates(list, (index) => `spec.ipFamilies[${index}]`),
    ...list.flatMap((family, index) => (family === 'IPv6'
      ? [fieldError.invalid(`spec.ipFamilies[${index}]`, family, 'not configured on this cluster')]
      : oneOf(`spec.ipFamilies[${index}]`, family, ['IPv4', 'IPv6']))),
  ];
}

function affinity(spec: ServiceSpec): FieldError[] {
  const errors = requiredOneOf('spec.sessionAffinity', spec.sessionAffinity, ['ClientIP', 'None']);
  const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds;
  if (spec.sessionAffinity === 'ClientIP' && (seconds === undefined || seconds <= 0 || seconds > MAX_AFFINITY_SECONDS)) {
    errors.push(fieldError.invalid('spec.sessionAffinityConfig.clientIP.timeoutSeconds', seconds ?? 0, `must be greater than 0 and less than ${MAX_AFFINITY_SECONDS}`));
  }
  return errors;
}

function externalTraffic(spec: ServiceSpec): FieldError[] {
  const policy = spec.externalTrafficPolicy;
  const errors: FieldError[] = [];
  if (policy && !reachesOutside(spec) && !spec.externalIPs?.length) {
    errors.push(fieldError.invalid('spec.externalTrafficPolicy', policy, 'may only be set for externally-accessible services'));
  }
  if (spec.healthCheckNodePort && !(spec.type === 'LoadBalancer' && policy === 'Local')) {
    errors.push(fieldError.invalid('spec.healthCheckNodePort', spec.healthCheckNodePort,
      "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"));
  }
  return [...errors, ...oneOf('spec.externalTrafficPolicy', policy, ['Cluster', 'Local'])];
}

function balancer(spec: ServiceSpec): FieldError[] {
  const isBalancer = spec.type === 'LoadBalancer';
  const ranges = spec.loadBalancerSourceRanges ?? [];
  const errors: FieldError[] = [];
  if (ranges.length > 0 && !isBalancer) {
    errors.push(fieldError.forbidden('spec.loadBalancerSourceRanges', "may only be used when `type` is 'LoadBalancer'"));
  }
  for (const [index, range] of ranges.entries()) {
    if (!isCidr(range.trim())) {
      errors.push(fieldError.invalid(`spec.loadBalancerSourceRanges[${index}]`, range, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'));
    }
  }
  for (const name of ['loadBalancerClass', 'allocateLoadBalancerNodePorts'] as const) {
    if (spec[name] !== undefined && !isBalancer) {
      errors.push(fieldError.forbidden(`spec.${name}`, "may only be used when `type` is 'LoadBalancer'"));
    }
  }
  if (isBalancer && spec.loadBalancerClass !== undefined) {
    errors.push(...nameErrors('spec.loadBalancerClass', spec.loadBalancerClass, validateQualifiedName));
  }
  return errors;
}

function externalIps(spec: ServiceSpec): FieldError[] {
  return (spec.externalIPs ?? []).flatMap((address, index) => {
    const field = `spec.externalIPs[${index}]`;
    if (!isIp(address)) {
      return ipAddress(field, address);
    }
    if (address === '0.0.0.0' || address === '::') {
      return [fieldError.invalid(field, address, 'may not be unspecified (0.0.0.0 or ::)')];
    }
    return address.startsWith('127.') || address === '::1' ? [fieldError.invalid(field, address, 'may not be in the loopback range (127.0.0.0/8, ::1/128)')] : [];
  });
}

function externalName(spec: ServiceSpec): FieldError[] {
  if (spec.type !== 'ExternalName') {
    return [];
  }
  return spec.externalName
    ? nameErrors('spec.externalName', spec.externalName.replace(/\.$/, ''), validateDns1123Subdomain) : [fieldError.required('spec.externalName')];
}

export function validateService({ spec }: Service): FieldError[] {
  return [
    ...ports(spec),
    ...requiredOneOf('spec.type', spec.type, TYPES),
    ...externalName(spec),
    ...clusterIps(spec),
    ...families(spec),
    ...validateLabels(spec.selector, 'spec.selector'),
    ...affinity(spec),
    ...externalIps(spec),
    ...externalTraffic(spec),
    ...oneOf('spec.internalTrafficPolicy', spec.internalTrafficPolicy, ['Cluster', 'Local']),
    ...balancer(spec),
    ...oneOf('spec.trafficDistribution', spec.trafficDistribution, ['PreferClose', 'PreferSameNode', 'PreferSameZone']),
  ];
}

export function validateServiceUpdate({ spec }: Service, { spec: old }: Service): FieldError[] {
  const errors: FieldError[] = [];
  if (spec.type !== 'ExternalName' && old.type !== 'ExternalName' && old.clusterIP && spec.clusterIP !== old.clusterIP) {
    errors.push(fieldError.invalid('spec.clusterIPs[0]', spec.clusterIPs ?? [], 'may not change once set'));
  }
  if (spec.type === 'LoadBalancer' && old.type === 'LoadBalancer' && spec.loadBalancerClass !== old.loadBalancerClass) {
    errors.push(fieldError.invalid('spec.loadBalancerClass', spec.loadBalancerClass, 'may not change once set'));
  }
  return errors;
}

const modeErrors = (field: string, { ip, ipMode: mode }: LoadBalancerIngress): FieldError[] => {
  if (!ip) {
    return mode === undefined ? [] : [fieldError.forbidden(field, 'may not be specified when `ip` is not set')];
  }
  return mode === undefined ? [fieldError.required(field, 'must be specified when `ip` is set')] : oneOf(field, mode, ['Proxy', 'VIP']);
};

export function validateServiceStatus({ spec, status }: Service): FieldError[] {
  const points = status?.loadBalancer?.ingress ?? [];
  if (spec.type !== 'LoadBalancer') {
    return points.length > 0 ? [fieldError.forbidden('status.loadBalancer.ingress', "may only be used when `spec.type` is 'LoadBalancer'")] : [];
  }
  return points.flatMap((one, index) => {
    const field = `status.loadBalancer.ingress[${index}]`;
    return [...modeErrors(`${field}.ipMode`, one), ...balancerPointErrors(field, one)];
  });
}
