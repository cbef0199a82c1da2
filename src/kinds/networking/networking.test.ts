/** The rules of networking.k8s.io, one by one. */
import { ingress } from './ingress.ts';
import { ingressClass } from './ingressclass.ts';
import { networkPolicy } from './networkpolicy.ts';
import { ipAddress } from './ipaddress.ts';
import { serviceCidr } from './servicecidr.ts';
import { LABEL, QUALIFIED, SUBDOMAIN, testRules } from '../ruletable.ts';

testRules(ingress, {
  base: { metadata: { annotations: { 'kubernetes.io/ingress.class': 'a' } }, spec: { ingressClassName: 'a', rules: [{ host: 'a.example.com', http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } } }] } }] } },
  create: [
    ['spec.rules', [], 'spec: Invalid value: []: either `defaultBackend` or `rules` must be specified'],
    ['spec.ingressClassName', 'b', 'annotations.kubernetes.io/ingress.class: Invalid value: "a": must match `ingressClassName` when both are specified'],
    ['spec.ingressClassName', 'B_',
      `spec.ingressClassName: Invalid value: "B_": ${SUBDOMAIN}`,
      'annotations.kubernetes.io/ingress.class: Invalid value: "a": must match `ingressClassName` when both are specified'],
    ['spec.rules.0.host', '10.0.0.1', 'spec.rules[0].host: Invalid value: "10.0.0.1": must be a DNS name, not an IP address'],
    ['spec.rules.0.host', 'A', `spec.rules[0].host: Invalid value: "A": ${SUBDOMAIN}`],
    ['spec.rules.0.host', 'a.*',
      "spec.rules[0].host: Invalid value: \"a.*\": a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"],
    ['spec.rules.0.http.paths', [], 'spec.rules[0].http.paths: Required value'],
    ['spec.rules.0.http.paths.0.pathType', undefined, 'spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified'],
    ['spec.rules.0.http.paths.0.pathType', 'Regex',
      'spec.rules[0].http.paths[0].pathType: Unsupported value: "Regex": supported values: "Exact", "ImplementationSpecific", "Prefix"'],
    ['spec.rules.0.http.paths.0.path', 'x', 'spec.rules[0].http.paths[0].path: Invalid value: "x": must be an absolute path'],
    ['spec.rules.0.http.paths.0.path', '/a//b', "spec.rules[0].http.paths[0].path: Invalid value: \"/a//b\": must not contain '//'"],
    ['spec.rules.0.http.paths.0.path', '/a/..', "spec.rules[0].http.paths[0].path: Invalid value: \"/a/..\": cannot end with '/..'"],
    ['spec.rules.0.http.paths.0.path', '/%2f', "spec.rules[0].http.paths[0].path: Invalid value: \"/%2f\": must not contain '%2f'"],
    ['spec.rules.0.http.paths.0.backend', {}, 'spec.rules[0].http.paths[0].backend: Invalid value: "": resource or service backend is required'],
    ['spec.rules.0.http.paths.0.backend.resource', { kind: 'A', name: 'b' },
      'spec.rules[0].http.paths[0].backend: Invalid value: "": cannot set both resource and service backends'],
    ['spec.rules.0.http.paths.0.backend', { resource: { kind: '', name: 'a/b', apiGroup: '_' } },
      `spec.rules[0].http.paths[0].backend.resource.apiGroup: Invalid value: "_": ${SUBDOMAIN}`,
      'spec.rules[0].http.paths[0].backend.resource.kind: Required value',
      "spec.rules[0].http.paths[0].backend.resource.name: Invalid value: \"a/b\": may not contain '/'"],
    ['spec.rules.0.http.paths.0.backend.service.name', undefined, 'spec.rules[0].http.paths[0].backend.service.name: Required value'],
    ['spec.rules.0.http.paths.0.backend.service.name', 'A', `spec.rules[0].http.paths[0].backend.service.name: Invalid value: "A": ${LABEL}`],
    ['spec.rules.0.http.paths.0.backend.service.port', {}, 'spec.rules[0].http.paths[0].backend: Required value: port name or number is required'],
    ['spec.rules.0.http.paths.0.backend.service.port', { number: 70000 },
      'spec.rules[0].http.paths[0].backend.service.port.number: Invalid value: 70000: must be between 1 and 65535, inclusive'],
    ['spec.rules.0.http.paths.0.backend.service.port', { name: 'a_b' },
      'spec.rules[0].http.paths[0].backend.service.port.name: Invalid value: "a_b": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)'],
    ['spec.rules.0.http.paths.0.backend.service.port', { name: 'a', number: 1 },
      'spec.rules[0].http.paths[0].backend: Invalid value: "": cannot set both port name & port number'],
    ['spec.defaultBackend', { service: { name: 'a' } }, 'spec.defaultBackend: Required value: port name or number is required'],
    ['spec.tls', [{ hosts: ['A', '*.b'] }], `spec.tls[0].hosts[0]: Invalid value: "A": ${SUBDOMAIN}`],
    ['spec.tls', [{ secretName: 'A' }], `spec.tls[0].secretName: Invalid value: "A": ${SUBDOMAIN}`],
  ],
  status: [
    ['status', { loadBalancer: { ingress: [{ ip: 'x' }] } },
      'status.loadBalancer.ingress[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'],
    ['status', { loadBalancer: { ingress: [{ hostname: '10.0.0.1' }] } },
      'status.loadBalancer.ingress[0].hostname: Invalid value: "10.0.0.1": must be a DNS name, not an IP address'],
    ['status', { loadBalancer: { ingress: [{ hostname: 'A' }] } }, `status.loadBalancer.ingress[0].hostname: Invalid value: "A": ${SUBDOMAIN}`],
  ],
});

testRules(ingressClass, {
  base: { spec: { controller: 'example.com/ingress', parameters: { kind: 'Settings', name: 'a', apiGroup: 'example.com', scope: 'Namespace', namespace: 'default' } } },
  create: [
    ['spec.controller', undefined, 'spec.controller: Required value'],
    ['spec.controller', 'ingress', 'spec.controller: Invalid value: "ingress": must be a domain-prefixed path (such as "acme.io/foo")'],
    ['spec.controller', 'A/ingress', `spec.controller: Invalid value: "A": ${SUBDOMAIN}`],
    ['spec.controller', 'example.com/a b',
      "spec.controller: Invalid value: \"a b\": Invalid path (e.g. 'foo/bar', regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')"],
    ['spec.controller', `example.com/${'x'.repeat(250)}`, 'spec.controller: Too long: may not be more than 250 bytes'],
    ['spec.parameters.kind', undefined, 'spec.parameters.kind: Required value'],
    ['spec.parameters.kind', 'a/b', "spec.parameters.kind: Invalid value: \"a/b\": may not contain '/'"],
    ['spec.parameters.name', undefined, 'spec.parameters.name: Required value'],
    ['spec.parameters.apiGroup', '_', `spec.parameters.apiGroup: Invalid value: "_": ${SUBDOMAIN}`],
    ['spec.parameters.scope', 'World', 'spec.parameters.scope: Unsupported value: "World": supported values: "Cluster", "Namespace"'],
    ['spec.parameters.namespace', undefined, "spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'"],
    ['spec.parameters.namespace', 'A', `spec.parameters.namespace: Invalid value: "A": ${LABEL}`],
    ['spec.parameters.scope', 'Cluster', "spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'"],
  ],
  update: [
    ['spec.controller', 'example.com/other', 'spec.controller: Invalid value: "example.com/other": field is immutable'],
  ],
});

testRules(networkPolicy, {
  base: { spec: { podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } }], ports: [{ port: 80, endPort: 90 }] }], egress: [{ to: [{ podSelector: {} }], ports: [{ port: 'http' }] }], policyTypes: ['Ingress', 'Egress'] } },
  create: [
    ['spec.podSelector', { matchLabels: { '-': 'a' } }, `spec.podSelector.matchLabels: Invalid value: "-": ${QUALIFIED}`],
    ['spec.ingress.0.ports.0.protocol', 'ICMP', 'spec.ingress[0].ports[0].protocol: Unsupported value: "ICMP": supported values: "TCP", "UDP", "SCTP"'],
    ['spec.ingress.0.ports.0.port', 0, 'spec.ingress[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive'],
    ['spec.ingress.0.ports.0.endPort', 70, 'spec.ingress[0].ports[0].endPort: Invalid value: 70: must be greater than or equal to `port`'],
    ['spec.ingress.0.ports.0.endPort', 70000, 'spec.ingress[0].ports[0].endPort: Invalid value: 70000: must be between 1 and 65535, inclusive'],
    ['spec.ingress.0.ports.0.port', undefined, 'spec.ingress[0].ports[0].endPort: Invalid value: 90: may not be specified when `port` is not specified'],
    ['spec.egress.0.ports.0.endPort', 90, 'spec.egress[0].ports[0].endPort: Invalid value: 90: may not be specified when `port` is non-numeric'],
    ['spec.egress.0.ports.0.port', 'a_b', 'spec.egress[0].ports[0].port: Invalid value: "a_b": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)'],
    ['spec.ingress.0.from', [{}], 'spec.ingress[0].from[0]: Required value: must specify a peer'],
    ['spec.ingress.0.from.0.podSelector', {}, 'spec.ingress[0].from[0]: Forbidden: may not specify both ipBlock and another peer'],
    ['spec.ingress.0.from.0.ipBlock.cidr', undefined, 'spec.ingress[0].from[0].ipBlock.cidr: Required value'],
    ['spec.ingress.0.from.0.ipBlock.cidr', '10.0.0.0',
      'spec.ingress[0].from[0].ipBlock.cidr: Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'],
    ['spec.ingress.0.from.0.ipBlock.except', ['x'],
      'spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: "x": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'],
    ['spec.ingress.0.from.0.ipBlock.except', ['11.0.0.0/16'],
      'spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: "11.0.0.0/16": must be a strict subset of `cidr`'],
    ['spec.ingress.0.from.0.ipBlock.except', ['10.0.0.0/8'], 'spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: "10.0.0.0/8": must be a strict subset of `cidr`'],
    ['spec.egress.0.to.0.namespaceSelector', { matchExpressions: [{ key: 'a', operator: 'In' }] },
      "spec.egress[0].to[0].namespaceSelector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'"],
    ['spec.policyTypes', ['Ingress', 'Sideways'], 'spec.policyTypes[1]: Unsupported value: "Sideways": supported values: "Ingress", "Egress"'],
    ['spec.policyTypes', ['Ingress', 'Egress', 'Ingress'], 'spec.policyTypes: Invalid value: ["Ingress","Egress","Ingress"]: may not specify more than two policyTypes'],
  ],
});

testRules(ipAddress, {
  base: { metadata: { name: '192.0.2.1' }, spec: { parentRef: { resource: 'services', namespace: 'default', name: 'web' } } },
  create: [
    ['metadata.name', 'web', 'metadata.name: Invalid value: "web": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'],
    ['metadata.name', '2001:DB8::1', 'metadata.name: Invalid value: "2001:DB8::1": must be in canonical form ("2001:db8::1")'],
    ['spec.parentRef', undefined, 'spec.parentRef: Required value'],
    ['spec.parentRef.resource', undefined, 'spec.parentRef.resource: Required value'],
    ['spec.parentRef.resource', 'a/b', "spec.parentRef.resource: Invalid value: \"a/b\": may not contain '/'"],
    ['spec.parentRef.name', undefined, 'spec.parentRef.name: Required value'],
    ['spec.parentRef.group', '_', `spec.parentRef.group: Invalid value: "_": ${SUBDOMAIN}`],
    ['spec.parentRef.namespace', 'a%', "spec.parentRef.namespace: Invalid value: \"a%\": may not contain '%'"],
  ],
  update: [
    ['spec.parentRef.name', 'other', 'spec.parentRef: Invalid value: {"resource":"services","namespace":"default","name":"other"}: field is immutable'],
  ],
});

testRules(serviceCidr, {
  base: { spec: { cidrs: ['10.0.0.0/16'] } },
  create: [
    ['spec.cidrs', [], 'spec.cidrs: Required value: at least one CIDR required'],
    ['spec.cidrs', ['x'], 'spec.cidrs[0]: Invalid value: "x": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'],
    ['spec.cidrs', ['10.0.0.0/16', '10.1.0.0/16'],
      'spec.cidrs: Invalid value: ["10.0.0.0/16","10.1.0.0/16"]: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64'],
    ['spec.cidrs', ['10.0.0.0/16', '2001:db8::/64', '10.1.0.0/16'],
      'spec.cidrs: Invalid value: ["10.0.0.0/16","2001:db8::/64","10.1.0.0/16"]: may only hold up to 2 values'],
  ],
  update: [
    ['spec.cidrs', ['10.1.0.0/16'], 'spec.cidrs[0]: Invalid value: "10.1.0.0/16": field is immutable'],
    ['spec.cidrs', ['10.1.0.0/16', '2001:db8::/64'], 'spec.cidrs[0]: Invalid value: "10.1.0.0/16": field is immutable'],
    ['spec.cidrs', ['10.0.0.0/16', '10.1.0.0/16'],
      'spec.cidrs: Invalid value: ["10.0.0.0/16","10.1.0.0/16"]: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64'],
  ],
});
