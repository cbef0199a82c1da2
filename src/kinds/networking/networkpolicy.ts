import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { INVALID_CIDR, isCidr, isStrictSubnet, labelSelector, oneOf, portNumber, portOrName } from '../checks.ts';
import { AGE, column, formatSelector, NAME } from '../columns.ts';
import type { IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from '../generated/networking.ts';
import { inert } from '../inert.ts';
import { defineKind } from '../kind.ts';

const PROTOCOLS = ['TCP', 'UDP', 'SCTP'];
const POLICY_TYPES = ['Ingress', 'Egress'];

function port(field: string, { protocol, port: wanted, endPort }: NetworkPolicyPort): FieldError[] {
  const errors = oneOf(`${field}.protocol`, protocol, PROTOCOLS);
  const end = (why: string): FieldError[] => (endPort === undefined ? [] : [fieldError.invalid(`${field}.endPort`, endPort, why)]);
  if (wanted === undefined) {
    return [...errors, ...end('may not be specified when `port` is not specified')];
  }
  if (typeof wanted === 'string') {
    return [...errors, ...end('may not be specified when `port` is non-numeric'), ...portOrName(`${field}.port`, wanted)];
  }
  return [
    ...errors, ...portOrName(`${field}.port`, wanted),
    ...(endPort !== undefined && endPort < wanted ? end('must be greater than or equal to `port`') : []),
    ...(endPort === undefined ? [] : portNumber(`${field}.endPort`, endPort)),
  ];
}

function block(field: string, { cidr, except = [] }: Partial<IPBlock>): FieldError[] {
  if (!cidr) {
    return [fieldError.required(`${field}.cidr`)];
  }
  if (!isCidr(cidr)) {
    return [fieldError.invalid(`${field}.cidr`, cidr, INVALID_CIDR)];
  }
  return except.flatMap((one, index) => {
    const at = `${field}.except[${index}]`;
    if (!isCidr(one)) {
      return [fieldError.invalid(at, one, INVALID_CIDR)];
    }
    return isStrictSubnet(one, cidr) ? [] : [fieldError.invalid(at, one, 'must be a strict subset of `cidr`')];
  });
}

function peer(field: string, { podSelector, namespaceSelector, ipBlock }: NetworkPolicyPeer): FieldError[] {
  const selects = podSelector !== undefined || namespaceSelector !== undefined;
  return [
    ...labelSelector(`${field}.podSelector`, podSelector), ...labelSelector(`${field}.namespaceSelector`, namespaceSelector),
    ...(ipBlock === undefined ? [] : block(`${field}.ipBlock`, ipBlock)),
    ...(ipBlock === undefined && !selects ? [fieldError.required(field, 'must specify a peer')] : []),
    ...(ipBlock !== undefined && selects ? [fieldError.forbidden(field, 'may not specify both ipBlock and another peer')] : []),
  ];
}

function validate({ spec }: NetworkPolicy): FieldError[] {
  const types = spec.policyTypes ?? [];
  const ingress = (spec.ingress ?? []).map(({ ports, from }, index) => ({ at: `spec.ingress[${index}]`, ports, peers: from, name: 'from' }));
  const egress = (spec.egress ?? []).map(({ ports, to }, index) => ({ at: `spec.egress[${index}]`, ports, peers: to, name: 'to' }));
  return [
    ...labelSelector('spec.podSelector', spec.podSelector),
    ...[...ingress, ...egress].flatMap(({ at, ports, peers, name }) => [
      ...(ports ?? []).flatMap((one, index) => port(`${at}.ports[${index}]`, one)),
      ...(peers ?? []).flatMap((one, index) => peer(`${at}.${name}[${index}]`, one)),
    ]),
    ...(types.length > POLICY_TYPES.length ? [fieldError.invalid('spec.policyTypes', types, 'may not specify more than two policyTypes')]
      : types.flatMap((type, index) => oneOf(`spec.policyTypes[${index}]`, type, POLICY_TYPES))),
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
      object.spec.policyTypes ??= object.spec.egress?.length ? ['Ingress', 'Egress'] : ['Ingress'];
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
