import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { isCidr, labelSelector, oneOf, portOrName } from '../checks.ts';
import { AGE, column, formatSelector, NAME } from '../columns.ts';
import type { NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from '../generated/networking.ts';
import { inert } from '../inert.ts';
import { defineKind } from '../kind.ts';

function port(field: string, one: NetworkPolicyPort): FieldError[] {
  const errors = [...oneOf(`${field}.protocol`, one.protocol, ['SCTP', 'TCP', 'UDP']), ...(one.port === undefined ? [] : portOrName(`${field}.port`, one.port))];
  if (one.endPort !== undefined) {
    if (typeof one.port !== 'number') {
      errors.push(fieldError.required(`${field}.port`, 'must be specified as a number when endPort is specified'));
    } else if (one.endPort < one.port) {
      errors.push(fieldError.invalid(`${field}.endPort`, one.port, 'must be greater than or equal to `port`'));
    }
  }
  return errors;
}

function peer(field: string, one: NetworkPolicyPeer): FieldError[] {
  const { podSelector, namespaceSelector, ipBlock } = one;
  const errors = [...labelSelector(`${field}.podSelector`, podSelector), ...labelSelector(`${field}.namespaceSelector`, namespaceSelector)];
  if (ipBlock === undefined) {
    return podSelector === undefined && namespaceSelector === undefined ? [fieldError.required(field, 'must specify a peer')] : errors;
  }
  if (podSelector !== undefined || namespaceSelector !== undefined) {
    errors.push(fieldError.forbidden(field, 'may not specify both ipBlock and another peer'));
  }
  for (const [name, cidr] of [['cidr', ipBlock.cidr ?? ''], ...(ipBlock.except ?? []).map((one, index) => [`except[${index}]`, one])] as const) {
    if (!isCidr(cidr ?? '')) {
      errors.push(fieldError.invalid(`${field}.ipBlock.${name}`, cidr, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'));
    }
  }
  return errors;
}

function validate({ spec }: NetworkPolicy): FieldError[] {
  const ingress = (spec.ingress ?? []).map(({ ports, from }, index) => ({ at: `spec.ingress[${index}]`, ports, peers: from, name: 'from' }));
  const egress = (spec.egress ?? []).map(({ ports, to }, index) => ({ at: `spec.egress[${index}]`, ports, peers: to, name: 'to' }));
  return [
    ...labelSelector('spec.podSelector', spec.podSelector),
    ...[...ingress, ...egress].flatMap(({ at, ports, peers, name }) => [
      ...(ports ?? []).flatMap((one, index) => port(`${at}.ports[${index}]`, one)),
      ...(peers ?? []).flatMap((one, index) => peer(`${at}.${name}[${index}]`, one)),
    ]),
    ...(spec.policyTypes ?? []).flatMap((type, index) => oneOf(`spec.policyTypes[${index}]`, type, ['Egress', 'Ingress'])),
  ];
}

export const networkPolicy = defineKind<NetworkPolicy>({
  group: 'networking.k8s.io', version: 'v1', kind: 'NetworkPolicy', plural: 'networkpolicies', singular: 'networkpolicy',
  namespaced: true, type: 'networking/v1.NetworkPolicy', origin: 'builtin',
  shortNames: ['netpol'],
  columns: [NAME, column('Pod-Selector', ({ spec }) => formatSelector(spec.podSelector)), AGE],
  rules: {
    defaults(object) {
      object.spec ??= {};
      object.spec.podSelector ??= {};
      object.spec.policyTypes ??= object.spec.egress === undefined ? ['Ingress'] : ['Ingress', 'Egress'];
      for (const { ports } of [...object.spec.ingress ?? [], ...object.spec.egress ?? []]) {
        for (const one of ports ?? []) {
          one.protocol ||= 'TCP';
        }
      }
    },
    validate,
    warnings: inert('NetworkPolicy', 'policies are not enforced here yet: traffic is not restricted'),
  },
});
