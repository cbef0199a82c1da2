import { validateDns1123Label, validateDns1123Subdomain, validateQualifiedName } from '../../apimachinery/names.ts';
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { AGE, column, NAME } from '../columns.ts';
import { ipAddress, nameErrors, notSpecialIp, oneOf, portNumber } from '../checks.ts';
import type { EndpointAddress, EndpointPort, Endpoints, EndpointSubset } from '../generated/core.ts';
import { defineKind } from '../kind.ts';

/** Addresses named before `+ N more...`. */
const SHOWN = 3;

export function firstFew(list: readonly string[]): string {
  const rest = list.length - SHOWN;
  return rest > 0 ? `${list.slice(0, SHOWN).join(',')} + ${rest} more...` : list.join(',');
}

function addresses({ subsets = [] }: Endpoints): string {
  const list = subsets.flatMap((subset) => {
    const ports = subset.ports ?? [];
    return (subset.addresses ?? []).map(({ ip }) => ip ?? '').flatMap((ip) =>
      (ports.length === 0 ? [ip] : ports.map(({ port }) => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`))));
  });
  return list.length === 0 ? '<none>' : firstFew(list);
}

function addressErrors(field: string, { ip = '', hostname, nodeName }: Partial<EndpointAddress>): FieldError[] {
  const wrong = ipAddress(`${field}.ip`, ip);
  return [
    ...(wrong.length > 0 ? wrong : notSpecialIp(`${field}.ip`, ip)),
    ...(hostname ? nameErrors(`${field}.hostname`, hostname, validateDns1123Label) : []),
    ...(nodeName === undefined ? [] : nameErrors(`${field}.nodeName`, nodeName, validateDns1123Subdomain)),
  ];
}

function portErrors(field: string, { port, name, protocol, appProtocol }: EndpointPort, several: boolean): FieldError[] {
  return [
    ...(name ? nameErrors(`${field}.name`, name, validateDns1123Label) : several ? [fieldError.required(`${field}.name`)] : []),
    ...portNumber(`${field}.port`, port),
    ...oneOf(`${field}.protocol`, protocol, ['SCTP', 'TCP', 'UDP']),
    ...(appProtocol === undefined ? [] : nameErrors(`${field}.appProtocol`, appProtocol, validateQualifiedName)),
  ];
}

function subset(field: string, one: EndpointSubset): FieldError[] {
  if (!one.addresses?.length && !one.notReadyAddresses?.length) {
    return [fieldError.required(field, 'must specify `addresses` or `notReadyAddresses`')];
  }
  return [
    ...(['addresses', 'notReadyAddresses'] as const).flatMap((name) =>
      (one[name] ?? []).flatMap((address, index) => addressErrors(`${field}.${name}[${index}]`, address))),
    ...(one.ports ?? []).flatMap((port, index) => portErrors(`${field}.ports[${index}]`, port, (one.ports ?? []).length > 1)),
  ];
}

export const endpoints = defineKind<Endpoints>({
  group: '', version: 'v1', kind: 'Endpoints', plural: 'endpoints', singular: 'endpoints',
  namespaced: true, type: 'core/v1.Endpoints', origin: 'builtin',
  shortNames: ['ep'],
  columns: [NAME, column('Endpoints', addresses), AGE],
  rules: {
    generation: false,
    defaults({ subsets }) {
      for (const port of (subsets ?? []).flatMap((one) => one.ports ?? [])) {
        port.protocol ||= 'TCP';
      }
    },
    validate: ({ subsets }) => (subsets ?? []).flatMap((one, index) => subset(`subsets[${index}]`, one)),
    warnings: () => ['v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice'],
  },
});
