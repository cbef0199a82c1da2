import { validateDns1123Label, validateDns1123Subdomain } from '../../apimachinery/names.ts';
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { isIp, nameErrors, portName, portNumber, requiredOneOf } from '../checks.ts';
import { AGE, column, NAME, NONE } from '../columns.ts';
import type { HTTPIngressPath, Ingress, IngressBackend, IngressRule, IngressStatus } from '../generated/networking.ts';
import { inert } from '../inert.ts';
import { defineKind } from '../kind.ts';
import { ownStatus } from '../strategy.ts';

const TYPES = ['Exact', 'ImplementationSpecific', 'Prefix'];
const MAX_HOSTS = 3;

function backend(field: string, one: IngressBackend): FieldError[] {
  if (one.service !== undefined && one.resource !== undefined) {
    return [fieldError.invalid(field, '', 'cannot set both resource and service backends')];
  }
  if (one.service === undefined) {
    return one.resource === undefined ? [fieldError.invalid(field, '', 'resource or service backend is required')] : [];
  }
  const { name, port } = one.service;
  const at = `${field}.service`;
  const errors = name ? nameErrors(`${at}.name`, name, validateDns1123Label) : [fieldError.required(`${at}.name`)];
  if (port?.name) {
    errors.push(...(port.number ? [fieldError.invalid(at, '', 'cannot set both port name & port number')] : nameErrors(`${at}.port.name`, port.name, portName)));
  } else if (port?.number) {
    errors.push(...portNumber(`${at}.port.number`, port.number));
  } else {
    errors.push(fieldError.required(at, 'port name or number is required'));
  }
  return errors;
}

function httpPath(field: string, one: HTTPIngressPath): FieldError[] {
  const errors = one.pathType === undefined ? [fieldError.required(`${field}.pathType`, 'pathType must be specified')]
    : requiredOneOf(`${field}.pathType`, one.pathType, TYPES);
  const path = one.path ?? '';
  if (one.pathType !== 'ImplementationSpecific' && !path.startsWith('/')) {
    errors.push(fieldError.invalid(`${field}.path`, path, 'must be an absolute path'));
  }
  return [...errors, ...backend(`${field}.backend`, one.backend ?? {})];
}

function host(field: string, name: string): FieldError[] {
  if (isIp(name)) {
    return [fieldError.invalid(field, name, 'must be a DNS name, not an IP address')];
  }
  return nameErrors(field, name.startsWith('*.') ? name.slice(2) : name, validateDns1123Subdomain);
}

const rule = (field: string, one: IngressRule): FieldError[] => [
  ...(one.host ? host(`${field}.host`, one.host) : []),
  ...(one.http !== undefined && !one.http.paths?.length ? [fieldError.required(`${field}.http.paths`)] : []),
  ...(one.http?.paths ?? []).flatMap((path, index) => httpPath(`${field}.http.paths[${index}]`, path)),
];

function validate({ spec }: Ingress): FieldError[] {
  const rules = spec.rules ?? [];
  return [
    ...(rules.length === 0 && spec.defaultBackend === undefined ? [fieldError.invalid('spec', [], 'either `defaultBackend` or `rules` must be specified')] : []),
    ...(spec.defaultBackend === undefined ? [] : backend('spec.defaultBackend', spec.defaultBackend)),
    ...rules.flatMap((one, index) => rule(`spec.rules[${index}]`, one)),
    ...(spec.tls ?? []).flatMap(({ hosts }, index) => (hosts ?? []).flatMap((name, at) => host(`spec.tls[${index}].hosts[${at}]`, name))),
    ...(spec.ingressClassName ? nameErrors('spec.ingressClassName', spec.ingressClassName, validateDns1123Subdomain) : []),
  ];
}

function hosts({ spec }: Ingress): string {
  const names = [...new Set((spec.rules ?? []).map((one) => one.host).filter(Boolean))];
  const rest = names.length - MAX_HOSTS;
  return rest > 0 ? `${names.slice(0, MAX_HOSTS).join(',')} + ${rest} more...` : names.join(',') || '*';
}

export const ingress = defineKind<Ingress>({
  group: 'networking.k8s.io', version: 'v1', kind: 'Ingress', plural: 'ingresses', singular: 'ingress',
  namespaced: true, type: 'networking/v1.Ingress', origin: 'builtin',
  shortNames: ['ing'], status: true,
  columns: [
    NAME,
    column('Class', ({ spec, metadata }) => spec.ingressClassName || metadata.annotations?.['kubernetes.io/ingress.class'] || NONE),
    column('Hosts', hosts),
    column('Address', ({ status }) => (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname).join(',')),
    column('Ports', ({ spec }) => (spec.tls?.length ? '80, 443' : '80')),
    AGE,
  ],
  rules: {
    ...ownStatus<IngressStatus>(() => ({ loadBalancer: {} })),
    defaults(object) { object.spec ??= {}; },
    validate,
    warnings: inert('Ingress', 'there is no ingress controller here yet'),
  },
});
