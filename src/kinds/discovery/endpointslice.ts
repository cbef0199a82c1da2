import { validateDns1123Label, validateDns1123Subdomain, validateLabelValue, validateQualifiedName } from '../../apimachinery/names.ts';
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { deepEqual } from '../../apimachinery/values.ts';
import { AGE, column, NAME } from '../columns.ts';
import { duplicates, immutable, isIp, nameErrors, notSpecialIp, oneOf, portNumber, requiredOneOf } from '../checks.ts';
import { firstFew } from '../core/endpoints.ts';
import type { Endpoint, EndpointPort, EndpointSlice } from '../generated/discovery.ts';
import { defineKind } from '../kind.ts';

const MAX_ENDPOINTS = 1000;
const MAX_ADDRESSES = 100;
const MAX_PORTS = 20_000;
const MAX_ZONES = 8;
const UNSET = '<unset>';

const list = (values: readonly string[]): string => (values.length === 0 ? UNSET : firstFew(values));

function addressErrors(field: string, address: string, type: string): FieldError[] {
  if (type === 'FQDN') {
    return nameErrors(field, address, validateDns1123Subdomain);
  }
  if (type !== 'IPv4' && type !== 'IPv6') {
    return [];
  }
  const family = address.includes(':') ? 'IPv6' : 'IPv4';
  return isIp(address) && family === type ? notSpecialIp(field, address) : [fieldError.invalid(field, address, `must be an ${type} address`)];
}

/** Zones an endpoint is for: each once, and not too many. */
function hintErrors(field: string, zones: readonly { name: string }[]): FieldError[] {
  if (zones.length > MAX_ZONES) {
    return [fieldError.tooMany(field, zones.length, MAX_ZONES)];
  }
  return [
    ...zones.flatMap(({ name }, index) => (name ? nameErrors(`${field}[${index}].name`, name, validateLabelValue) : [fieldError.required(`${field}[${index}].name`)])),
    ...duplicates(zones.map(({ name }) => name ?? ''), (index) => `${field}[${index}]`),
  ];
}

function endpointErrors(field: string, endpoint: Endpoint, type: string): FieldError[] {
  const addresses = endpoint.addresses ?? [];
  const errors: FieldError[] = [];
  if (addresses.length === 0) {
    errors.push(fieldError.required(`${field}.addresses`, 'must contain at least 1 address'));
  } else if (addresses.length > MAX_ADDRESSES) {
    errors.push(fieldError.tooMany(`${field}.addresses`, addresses.length, MAX_ADDRESSES));
  }
  return [
    ...errors,
    ...addresses.flatMap((address, index) => addressErrors(`${field}.addresses[${index}]`, address, type)),
    ...(endpoint.nodeName ? nameErrors(`${field}.nodeName`, endpoint.nodeName, validateDns1123Subdomain) : []),
    ...(endpoint.hostname === undefined ? [] : nameErrors(`${field}.hostname`, endpoint.hostname, validateDns1123Label)),
    ...hintErrors(`${field}.hints.forZones`, endpoint.hints?.forZones ?? []),
  ];
}

function portErrors(ports: readonly EndpointPort[]): FieldError[] {
  return [
    ...(ports.length > MAX_PORTS ? [fieldError.tooMany('ports', ports.length, MAX_PORTS)] : []),
    ...ports.flatMap((one, index) => [
      ...(one.name ? nameErrors(`ports[${index}].name`, one.name, validateDns1123Label) : []),
      ...(one.port === undefined ? [] : portNumber(`ports[${index}].port`, one.port)),
      ...oneOf(`ports[${index}].protocol`, one.protocol, ['SCTP', 'TCP', 'UDP']),
      ...(one.appProtocol ? nameErrors(`ports[${index}].appProtocol`, one.appProtocol, validateQualifiedName) : []),
    ]),
    ...duplicates(ports.map(({ name }) => name ?? ''), (index) => `ports[${index}].name`),
  ];
}

export const endpointSlice = defineKind<EndpointSlice>({
  group: 'discovery.k8s.io', version: 'v1', kind: 'EndpointSlice', plural: 'endpointslices', singular: 'endpointslice',
  namespaced: true, type: 'discovery/v1.EndpointSlice', origin: 'builtin',
  columns: [
    NAME,
    column('AddressType', ({ addressType }) => addressType ?? ''),
    column('Ports', ({ ports }) => list((ports ?? []).map(({ port }) => (port === undefined ? '*' : String(port))))),
    column('Endpoints', ({ endpoints }) => list((endpoints ?? []).flatMap(({ addresses }) => addresses ?? []))),
    AGE,
  ],
  rules: {
    defaults({ ports }) {
      for (const port of ports ?? []) {
        port.name ??= '';
        port.protocol ||= 'TCP';
      }
    },
    validate: ({ addressType, endpoints = [], ports = [] }) => [
      ...requiredOneOf('addressType', addressType, ['FQDN', 'IPv4', 'IPv6']),
      ...(endpoints.length > MAX_ENDPOINTS ? [fieldError.tooMany('endpoints', endpoints.length, MAX_ENDPOINTS)] : []),
      ...endpoints.flatMap((one, index) => endpointErrors(`endpoints[${index}]`, one, addressType)),
      ...portErrors(ports),
    ],
    validateUpdate: (object, old) => immutable('addressType', object.addressType, old.addressType),
    desiredStateChanged: (object, old) => !deepEqual(object.endpoints, old.endpoints) || !deepEqual(object.ports, old.ports)
      || !deepEqual(object.metadata.labels, old.metadata.labels),
  },
});
