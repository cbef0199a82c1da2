/** Objects that Kubernetes makes by itself, as one table: priority classes, flow schemas with their levels, the range of services. */
import type { FlowSchemaSpec, PriorityLevelConfigurationSpec, Subject } from '../kinds/generated/flowcontrol.ts';
import { EVERYTHING, groups, MANDATORY_LEVELS, MANDATORY_SCHEMAS } from '../kinds/flowcontrol/mandatory.ts';

/** One object that must be there. */
export interface SystemObject {
  /** Group, version and plural of its kind. */
  readonly resource: readonly [group: string, version: string, plural: string];
  readonly object: Record<string, unknown> & { metadata: Record<string, unknown> & { name: string } };
  /** Members put back when somebody has changed them. */
  readonly enforced: readonly string[];
  /** Conditions of the status, where it has none yet; times are filled in. */
  readonly conditions?: readonly Readonly<Record<'type' | 'status' | 'reason' | 'message', string>>[];
}

/** Priority classes that Kubernetes itself makes. */
const PRIORITIES = {
  'system-cluster-critical': { value: 2_000_000_000, description: 'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.' },
  'system-node-critical': { value: 2_000_001_000, description: 'Used for system critical pods that must not be moved from their current node.' },
} as const;

const queue = (queues: number, handSize: number): { type: string; queuing: { queues: number; handSize: number; queueLengthLimit: number } } =>
  ({ type: 'Queue', queuing: { queues, handSize, queueLengthLimit: 50 } });

const limited = (nominalConcurrencyShares: number, lendablePercent: number, limitResponse = queue(128, 6)): PriorityLevelConfigurationSpec =>
  ({ type: 'Limited', limited: { nominalConcurrencyShares, lendablePercent, limitResponse } });

/** Priority levels that users may change, beside the mandatory ones. */
const LEVELS: Readonly<Record<string, PriorityLevelConfigurationSpec>> = {
  system: limited(30, 33, queue(64, 6)),
  'node-high': limited(40, 25, queue(64, 6)),
  'leader-election': limited(10, 0, queue(16, 4)),
  'workload-high': limited(40, 50),
  'workload-low': limited(100, 90),
  'global-default': limited(20, 50),
};

const users = (...names: string[]): Subject[] => names.map((name) => ({ kind: 'User', user: { name } }));
const systemAccounts = (...names: string[]): Subject[] => names.map((name) => ({ kind: 'ServiceAccount', serviceAccount: { name, namespace: 'kube-system' } }));
const EVERYBODY = groups('system:unauthenticated', 'system:authenticated');
const LEASES = [{ verbs: ['get', 'create', 'update'], apiGroups: ['coordination.k8s.io'], resources: ['leases'], namespaces: ['*'] }];

/** A schema's line: level, precedence, how flows are told apart, whose requests and which. */
type Line = readonly [level: string, matchingPrecedence: number, type: '' | 'ByUser' | 'ByNamespace', rule: NonNullable<FlowSchemaSpec['rules']>[number]];

/** Flow schemas that users may change, beside the mandatory ones. */
const SCHEMAS: Readonly<Record<string, Line>> = {
  probes: ['exempt', 2, '', { subjects: EVERYBODY, nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/readyz', '/livez'] }] }],
  'system-leader-election': ['leader-election', 100, 'ByUser', {
    subjects: [...users('system:kube-controller-manager', 'system:kube-scheduler'), ...systemAccounts('*')], resourceRules: LEASES,
  }],
  'endpoint-controller': ['workload-high', 150, 'ByUser', {
    subjects: [...users('system:kube-controller-manager'), ...systemAccounts('endpoint-controller', 'endpointslicemirroring-controller')],
    resourceRules: [{ verbs: ['get', 'create', 'update'], apiGroups: [''], resources: ['endpoints'], namespaces: ['*'] }],
  }],
  'workload-leader-election': ['leader-election', 200, 'ByUser', { subjects: systemAccounts('*'), resourceRules: LEASES }],
  'system-node-high': ['node-high', 400, 'ByUser', {
    subjects: groups('system:nodes'),
    resourceRules: [
      { verbs: ['*'], apiGroups: [''], resources: ['nodes', 'nodes/status'], clusterScope: true, namespaces: ['*'] },
      { verbs: ['*'], apiGroups: ['coordination.k8s.io'], resources: ['leases'], namespaces: ['*'] },
    ],
  }],
  'system-nodes': ['system', 500, 'ByUser', { subjects: groups('system:nodes'), ...EVERYTHING }],
  'kube-controller-manager': ['workload-high', 800, 'ByNamespace', { subjects: users('system:kube-controller-manager'), ...EVERYTHING }],
  'kube-scheduler': ['workload-high', 800, 'ByNamespace', { subjects: users('system:kube-scheduler'), ...EVERYTHING }],
  'kube-system-service-accounts': ['workload-high', 900, 'ByNamespace', { subjects: systemAccounts('*'), ...EVERYTHING }],
  'service-accounts': ['workload-low', 9000, 'ByUser', { subjects: groups('system:serviceaccounts'), ...EVERYTHING }],
  'global-default': ['global-default', 9900, 'ByUser', { subjects: EVERYBODY, ...EVERYTHING }],
};

const FLOWCONTROL = ['flowcontrol.apiserver.k8s.io', 'v1'] as const;
/** Says that a newer version of the server may change the object; users set it to `false` to keep theirs. */
const AUTOUPDATE = 'apf.kubernetes.io/autoupdate-spec';

const schemaSpec = ([level, matchingPrecedence, type, rule]: Line): FlowSchemaSpec => ({
  matchingPrecedence, priorityLevelConfiguration: { name: level }, ...(type === '' ? {} : { distinguisherMethod: { type } }), rules: [rule],
});

function flowObjects(): SystemObject[] {
  const object = (plural: string, name: string, spec: object): SystemObject => ({
    resource: [...FLOWCONTROL, plural], object: { metadata: { name, annotations: { [AUTOUPDATE]: 'true' } }, spec }, enforced: [],
  });
  const level = ([name, spec]: readonly [string, PriorityLevelConfigurationSpec]): SystemObject => object('prioritylevelconfigurations', name, spec);
  const schema = ([name, spec]: readonly [string, FlowSchemaSpec]): SystemObject => ({
    ...object('flowschemas', name, spec), conditions: [{
      type: 'Dangling', status: 'False', reason: 'Found',
      message: `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(spec.priorityLevelConfiguration.name)} and it exists`,
    }],
  });
  return [
    ...Object.entries({ ...MANDATORY_LEVELS, ...LEVELS }).map(level),
    ...Object.entries(MANDATORY_SCHEMAS).map(schema),
    ...Object.entries(SCHEMAS).map(([name, line]) => schema([name, schemaSpec(line)])),
  ];
}

const serviceRange = (cidr: string): SystemObject => ({
  resource: ['networking.k8s.io', 'v1', 'servicecidrs'],
  object: { metadata: { name: 'kubernetes' }, spec: { cidrs: [cidr] } }, enforced: [],
  conditions: [{ type: 'Ready', status: 'True', reason: '', message: 'Kubernetes default Service CIDR is ready' }],
});

/** Deprecated, and asked for all the same: the store is well as long as somebody answers. */
const STORE_STATUS: SystemObject = {
  resource: ['', 'v1', 'componentstatuses'],
  object: { metadata: { name: 'etcd-0' }, conditions: [{ type: 'Healthy', status: 'True', message: 'ok' }] }, enforced: [],
};

/** Everything cluster-wide that must stand before the first client comes; `serviceCidr` is the range of the services' addresses. */
export function systemObjects(serviceCidr: string): SystemObject[] {
  return [
    ...Object.entries(PRIORITIES).map(([name, { value, description }]): SystemObject => ({
      resource: ['scheduling.k8s.io', 'v1', 'priorityclasses'], object: { metadata: { name }, value, description }, enforced: [],
    })),
    ...flowObjects(),
    serviceRange(serviceCidr), STORE_STATUS,
  ];
}
