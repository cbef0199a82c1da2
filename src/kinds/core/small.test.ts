/** The rules of the smaller kinds of the core group, one by one. */
import { limitRange } from './limitrange.ts';
import { resourceQuota } from './resourcequota.ts';
import { endpoints } from './endpoints.ts';
import { endpointSlice } from '../discovery/endpointslice.ts';
import { node } from './node.ts';
import { replicationController } from './replicationcontroller.ts';
import { LABEL, QUALIFIED, SUBDOMAIN, testRules } from '../ruletable.ts';

testRules(limitRange, {
  base: { spec: { limits: [{ type: 'Container', max: { cpu: '2' }, min: { cpu: '100m' } }] } },
  create: [
    ['spec.limits.0.type', '', 'spec.limits[0].type: Invalid value: "": name part must be non-empty', `spec.limits[0].type: Invalid value: "": ${QUALIFIED}`],
    ['spec.limits.0.type', 'House', 'spec.limits[0].type: Invalid value: "House": must be a standard limit type or fully qualified'],
    ['spec.limits.0.min', { cpu: '3' },
      'spec.limits[0].min[cpu]: Invalid value: "3": min value 3 is greater than max value 2',
      'spec.limits[0].defaultRequest[cpu]: Invalid value: "2": min value 3 is greater than default request value 2',
      'spec.limits[0].default[cpu]: Invalid value: "2": min value 3 is greater than default value 2'],
    ['spec.limits.0.default', { cpu: '3' },
      'spec.limits[0].defaultRequest[cpu]: Invalid value: "3": default request value 3 is greater than max value 2',
      'spec.limits[0].default[cpu]: Invalid value: "3": default value 3 is greater than max value 2'],
    ['spec.limits.0.default', { cpu: '50m' },
      'spec.limits[0].defaultRequest[cpu]: Invalid value: "50m": min value 100m is greater than default request value 50m',
      'spec.limits[0].default[cpu]: Invalid value: "50m": min value 100m is greater than default value 50m'],
    ['spec.limits.0.defaultRequest', { cpu: '3' },
      'spec.limits[0].defaultRequest[cpu]: Invalid value: "3": default request value 3 is greater than max value 2',
      'spec.limits[0].defaultRequest[cpu]: Invalid value: "3": default request value 3 is greater than default limit value 2'],
    ['spec.limits.0.defaultRequest', { cpu: '50m' },
      'spec.limits[0].defaultRequest[cpu]: Invalid value: "50m": min value 100m is greater than default request value 50m'],
    ['spec.limits.0', { type: 'Container', default: { cpu: '1' }, defaultRequest: { cpu: '2' } },
      'spec.limits[0].defaultRequest[cpu]: Invalid value: "2": default request value 2 is greater than default limit value 1'],
    ['spec.limits.0.maxLimitRequestRatio', { cpu: '0.5' }, 'spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "500m": ratio 500m is less than 1'],
    ['spec.limits.0.maxLimitRequestRatio', { cpu: '30' }, 'spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "30": ratio 30 is greater than max/min = 20.000000'],
    ['spec.limits.0', { type: 'Pod', default: { cpu: '1' } }, "spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'"],
    ['spec.limits.0', { type: 'PersistentVolumeClaim' },
      'spec.limits[0].limits: Required value: either minimum or maximum storage value is required, but neither was provided'],
    ['spec.limits.0', { type: 'Container', max: { '-': '1' } },
      `spec.limits[0].max[-]: Invalid value: "-": ${QUALIFIED}`,
      `spec.limits[0].default[-]: Invalid value: "-": ${QUALIFIED}`,
      `spec.limits[0].defaultRequest[-]: Invalid value: "-": ${QUALIFIED}`],
    ['spec.limits.0', { type: 'Container', default: { 'example.com/gpu': '2' }, defaultRequest: { 'example.com/gpu': '1' } },
      'spec.limits[0].defaultRequest[example.com/gpu]: Invalid value: "1": default value 2 must equal to defaultRequest value 1 in example.com/gpu'],
    ['spec.limits', [{ type: 'Pod' }, { type: 'Pod' }], 'spec.limits[1].type: Duplicate value: "Pod"'],
  ],
});

testRules(resourceQuota, {
  base: { spec: { hard: { pods: '5' }, scopes: ['BestEffort'] } },
  create: [
    ['spec.hard', { rooms: '1' },
      'spec.hard[rooms]: Invalid value: "rooms": must be a standard resource for quota',
      'spec.scopes: Invalid value: ["BestEffort"]: unsupported scope applied to resource'],
    ['spec.hard', { '-': '1' }, `spec.hard[-]: Invalid value: "-": ${QUALIFIED}`, 'spec.scopes: Invalid value: ["BestEffort"]: unsupported scope applied to resource'],
    ['spec.hard', { pods: '-1' }, 'spec.hard[pods]: Invalid value: "-1": must be greater than or equal to 0'],
    ['spec.hard', { pods: '100m' }, 'spec.hard[pods]: Invalid value: "100m": must be an integer'],
    ['spec.hard', { cpu: '1' }, 'spec.scopes: Invalid value: ["BestEffort"]: unsupported scope applied to resource'],
    ['spec.scopes', ['Sunny'], 'spec.scopes: Invalid value: ["Sunny"]: unsupported scope'],
    ['spec.scopes', ['BestEffort', 'NotBestEffort'], 'spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: conflicting scopes'],
    ['spec.scopes', ['Terminating', 'NotTerminating'], 'spec.scopes: Invalid value: ["Terminating","NotTerminating"]: conflicting scopes'],
    ['spec.scopeSelector', { matchExpressions: [{ scopeName: 'Sunny', operator: 'Exists' }] },
      'spec.scopeSelector.matchExpressions[0].scopeName: Invalid value: "Sunny": unsupported scope'],
    ['spec.scopeSelector', { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In' }] },
      "spec.scopeSelector.matchExpressions[0].values: Required value: must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"],
    ['spec.scopeSelector', { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'Exists', values: ['a'] }] },
      "spec.scopeSelector.matchExpressions[0].values: Invalid value: [\"a\"]: must be no value when `operator` is 'Exists' or 'DoesNotExist' for scope selector"],
    ['spec.scopeSelector', { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'Near' }] },
      'spec.scopeSelector.matchExpressions[0].operator: Invalid value: "Near": not a valid selector operator'],
    ['spec.scopeSelector', { matchExpressions: [{ scopeName: 'Terminating', operator: 'In', values: ['a'] }] },
      "spec.scopeSelector.matchExpressions[0].operator: Invalid value: \"In\": must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"],
  ],
  update: [
    ['spec.scopes', ['Terminating'], 'spec.scopes: Invalid value: ["Terminating"]: field is immutable'],
  ],
});

testRules(endpoints, {
  base: { subsets: [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 80 }] }] },
  create: [
    ['subsets.0.addresses', [], 'subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`'],
    ['subsets.0.addresses.0.ip', 'x', 'subsets[0].addresses[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'],
    ['subsets.0.addresses.0.ip', '127.0.0.1', 'subsets[0].addresses[0].ip: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)'],
    ['subsets.0.addresses.0.ip', '169.254.0.1',
      'subsets[0].addresses[0].ip: Invalid value: "169.254.0.1": may not be in the link-local range (169.254.0.0/16, fe80::/10)'],
    ['subsets.0.addresses.0.ip', '0.0.0.0', 'subsets[0].addresses[0].ip: Invalid value: "0.0.0.0": may not be unspecified (0.0.0.0)'],
    ['subsets.0.addresses.0.ip', '224.0.0.1',
      'subsets[0].addresses[0].ip: Invalid value: "224.0.0.1": may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)'],
    ['subsets.0.addresses.0.hostname', 'A', `subsets[0].addresses[0].hostname: Invalid value: "A": ${LABEL}`],
    ['subsets.0.addresses.0.nodeName', 'A', `subsets[0].addresses[0].nodeName: Invalid value: "A": ${SUBDOMAIN}`],
    ['subsets.0.ports.0.port', 0, 'subsets[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive'],
    ['subsets.0.ports.0.name', 'A', `subsets[0].ports[0].name: Invalid value: "A": ${LABEL}`],
    ['subsets.0.ports.0.protocol', 'ICMP', 'subsets[0].ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"'],
    ['subsets.0.ports.0.appProtocol', '-', `subsets[0].ports[0].appProtocol: Invalid value: "-": ${QUALIFIED}`],
    ['subsets.0.ports', [{ port: 80 }, { port: 81 }], 'subsets[0].ports[0].name: Required value', 'subsets[0].ports[1].name: Required value'],
  ],
});

testRules(endpointSlice, {
  base: { addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.1'] }], ports: [{ name: 'http', port: 80 }] },
  create: [
    ['addressType', 'IPX', 'addressType: Unsupported value: "IPX": supported values: "FQDN", "IPv4", "IPv6"'],
    ['endpoints.0.addresses', [], 'endpoints[0].addresses: Required value: must contain at least 1 address'],
    ['endpoints.0.addresses', ['::2'], 'endpoints[0].addresses[0]: Invalid value: "::2": must be an IPv4 address'],
    ['endpoints.0.addresses', ['127.0.0.1'], 'endpoints[0].addresses[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)'],
    ['endpoints.0.hostname', 'A', `endpoints[0].hostname: Invalid value: "A": ${LABEL}`],
    ['endpoints.0.nodeName', 'A', `endpoints[0].nodeName: Invalid value: "A": ${SUBDOMAIN}`],
    ['endpoints.0.hints', { forZones: [{ name: '' }] }, 'endpoints[0].hints.forZones[0].name: Required value'],
    ['endpoints.0.hints', { forZones: [{ name: 'a' }, { name: 'a' }] }, 'endpoints[0].hints.forZones[1]: Duplicate value: "a"'],
    ['endpoints.0.hints', { forZones: [{ name: 'a' }, { name: 'b' }, { name: 'c' }, { name: 'd' }, { name: 'e' }, { name: 'f' }, { name: 'g' }, { name: 'h' }, { name: 'i' }] },
      'endpoints[0].hints.forZones: Too many: 9: must have at most 8 items'],
    ['ports.0.name', 'A', `ports[0].name: Invalid value: "A": ${LABEL}`],
    ['ports.0.port', 0, 'ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive'],
    ['ports.0.protocol', 'ICMP', 'ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"'],
    ['ports.0.appProtocol', '-', `ports[0].appProtocol: Invalid value: "-": ${QUALIFIED}`],
    ['ports', [{ name: 'a', port: 1 }, { name: 'a', port: 2 }], 'ports[1].name: Duplicate value: "a"'],
  ],
  update: [
    ['addressType', 'FQDN', 'addressType: Invalid value: "FQDN": field is immutable'],
  ],
});

testRules(node, {
  base: { spec: { podCIDR: '10.0.0.0/24', podCIDRs: ['10.0.0.0/24'], providerID: 'a' } },
  create: [
    ['spec.taints', [{ key: '-', effect: 'NoSchedule' }], `spec.taints[0].key: Invalid value: "-": ${QUALIFIED}`],
    ['spec.taints', [{ key: 'a', value: '-', effect: 'Burn' }],
      "spec.taints[0].value: Invalid value: \"-\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
      'spec.taints[0].effect: Unsupported value: "Burn": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"'],
    ['spec.taints', [{ key: 'a', effect: 'NoSchedule' }, { key: 'a', effect: 'NoSchedule' }], 'spec.taints[1]: Duplicate value: {"key":"a","effect":"NoSchedule"}'],
    ['spec.podCIDRs', ['x'], 'spec.podCIDRs[0]: Invalid value: "x": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'],
  ],
  update: [
    ['spec.podCIDRs', ['10.1.0.0/24'], 'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid'],
    ['spec.providerID', 'b', 'spec.providerID: Forbidden: node updates may not change providerID except from "" to valid'],
  ],
});

testRules(replicationController, {
  base: { spec: { selector: { app: 'a' }, template: { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image: 'i' }] } } } },
  create: [
    ['spec.selector', {}, 'spec.selector: Required value'],
    ['spec.selector', { app: 'b' }, 'spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`'],
    ['spec.replicas', -1, 'spec.replicas: Invalid value: -1: must be greater than or equal to 0'],
    ['spec.minReadySeconds', -1, 'spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0'],
    ['spec.template.spec.restartPolicy', 'Never', 'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'],
  ],
});
