import { validateDns1123Label, validateDns1123Subdomain } from '../../apimachinery/names.ts';
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { nameErrors, portName, portNumber } from '../checks.ts';
import { AGE, column, NAME, NONE } from '../columns.ts';
import type { TypedLocalObjectReference } from '../generated/core.ts';
import type { HTTPIngressPath, Ingress, IngressBackend, IngressRule, IngressStatus } from '../generated/networking.ts';
import { inert } from '../inert.ts';
import { defineKind } from '../kind.ts';
import { balancerPointErrors, notAddress, requiredPathName } from '../namechecks.ts';
import { ownStatus } from '../strategy.ts';

const TYPES = ['Exact', 'ImplementationSpecific', 'Prefix'];
const MAX_HOSTS = 3;
const CLASS_ANNOTATION = 'kubernetes.io/ingress.class';

const BAD_SEQUENCES = ['//', '/./', '/../', '%2f', '%2F'];
const BAD_ENDS = ['/..', '/.'];
const WILDCARD = /^\*\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;
const WILDCARD_WORDS = "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case "
  + "alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is "
  + "'\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

function resourceBackend(field: string, { apiGroup, kind, name }: TypedLocalObjectReference): FieldError[] {
  return [
    ...(apiGroup === undefined ? [] : nameErrors(`${field}.apiGroup`, apiGroup, validateDns1123Subdomain)),
    ...requiredPathName(`${field}.kind`, kind), ...requiredPathName(`${field}.name`, name),
  ];
}

function backend(field: string, { service, resource }: IngressBackend): FieldError[] {
  if (service !== undefined && resource !== undefined) {
    return [fieldError.invalid(field, '', 'cannot set both resource and service backends')];
  }
  if (service === undefined) {
    return resource === undefined ? [fieldError.invalid(field, '', 'resource or service backend is required')] : resourceBackend(`${field}.resource`, resource);
  }
  const { name, port } = service;
  const at = `${field}.service`;
  const errors = name ? nameErrors(`${at}.name`, name, validateDns1123Label) : [fieldError.required(`${at}.name`)];
  if (port?.name) {
    errors.push(...(port.number ? [fieldError.invalid(field, '', 'cannot set both port name & port number')] : nameErrors(`${at}.port.name`, port.name, portName)));
  } else if (port?.number) {
    errors.push(...portNumber(`${at}.port.number`, port.number));
  } else {
    errors.push(fieldError.required(field, 'port name or number is required'));
  }
  return errors;
}

function pathErrors(field: string, path: string, pathType: string): FieldError[] {
  const invalid = (why: string): FieldError => fieldError.invalid(field, path, why);
  const loose = pathType === 'ImplementationSpecific';
  const errors = path.startsWith('/') || (loose && path === '') ? [] : [invalid('must be an absolute path')];
  return loose ? errors : [
    ...errors,
    ...BAD_SEQUENCES.filter((one) => path.includes(one)).map((one) => invalid(`must not contain '${one}'`)),
    ...BAD_ENDS.filter((one) => path.endsWith(one)).map((one) => invalid(`cannot end with '${one}'`)),
  ];
}

function httpPath(field: string, { pathType, path = '', backend: to }: Partial<HTTPIngressPath>): FieldError[] {
  if (pathType === undefined) {
    return [fieldError.required(`${field}.pathType`, 'pathType must be specified')];
  }
  return [
    ...(TYPES.includes(pathType) ? pathErrors(`${field}.path`, path, pathType) : [fieldError.notSupported(`${field}.pathType`, pathType, TYPES)]),
    ...backend(`${field}.backend`, to ?? {}),
  ];
}

const dnsName = (field: string, name: string): FieldError[] => (name.includes('*')
  ? WILDCARD.test(name) ? [] : [fieldError.invalid(field, name, WILDCARD_WORDS)] : nameErrors(field, name, validateDns1123Subdomain));


const host = (field: string, name: string): FieldError[] => [...notAddress(field, name), ...dnsName(field, name)];

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
    ...(spec.tls ?? []).flatMap(({ hosts, secretName }, index) => [
      ...(hosts ?? []).flatMap((name, at) => dnsName(`spec.tls[${index}].hosts[${at}]`, name)),
      ...(secretName ? nameErrors(`spec.tls[${index}].secretName`, secretName, validateDns1123Subdomain) : []),
    ]),
    ...(spec.ingressClassName ? nameErrors('spec.ingressClassName', spec.ingressClassName, validateDns1123Subdomain) : []),
  ];
}

/** The old annotation and the field must agree. */
function classErrors({ metadata, spec }: Ingress): FieldError[] {
  const annotation = metadata.annotations?.[CLASS_ANNOTATION];
  return annotation !== undefined && spec.ingressClassName !== undefined && annotation !== spec.ingressClassName
    ? [fieldError.invalid(`annotations.${CLASS_ANNOTATION}`, annotation, 'must match `ingressClassName` when both are specified')] : [];
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
    column('Class', ({ spec, metadata }) => spec.ingressClassName || metadata.annotations?.[CLASS_ANNOTATION] || NONE),
    column('Hosts', hosts),
    column('Address', ({ status }) => (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname).join(',')),
    column('Ports', ({ spec }) => (spec.tls?.length ? '80, 443' : '80')),
    AGE,
  ],
  rules: {
    ...ownStatus<IngressStatus>(() => ({ loadBalancer: {} })),
    defaults(object) { object.spec ??= {}; },
    validate,
    validateCreate: classErrors,
    validateStatus: ({ status }) => (status?.loadBalancer?.ingress ?? []).flatMap((one, index) => balancerPointErrors(`status.loadBalancer.ingress[${index}]`, one)),
    warnings: inert('Ingress', 'there is no ingress controller here yet'),
  },
});
