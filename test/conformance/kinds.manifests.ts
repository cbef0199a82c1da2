/** One object of every GA kind that is stored, and the columns under which a real server shows it with `-o wide`. */

export interface Sample {
  /** Resource as kubectl takes it: plural, with its group where the plural is not its own. */
  resource: string;
  name: string;
  /** Header of `kubectl get -o wide`, spaces collapsed. */
  wide: string;
  /** YAML without `metadata`, which every sample has alike. */
  body: string;
  clusterScoped?: boolean;
}

const template = (restartPolicy = 'Always'): string => `template:
    metadata: {labels: {app: sample}}
    spec: {restartPolicy: ${restartPolicy}, containers: [{name: c, image: "example.com/x:1"}]}`;

const workload = `selector: {matchLabels: {app: sample}}
  ${template()}`;

const webhook = (more = ''): string => `webhooks:
- name: check.example.com
  clientConfig: {url: "https://hooks.example.com/check"}
  rules: [{operations: [CREATE], apiGroups: [""], apiVersions: [v1], resources: [nothings]}]
  sideEffects: None
  admissionReviewVersions: [v1]
  failurePolicy: Ignore${more}`;

/** A certificate request for CN=sample, made once with openssl. */
const REQUEST = 'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlITE1ITUNBUUF3RVRFUE1BMEdBMVVFQXd3R2MyRnRjR3hsTUZrd0V3WUhLb1pJemowQ0FRWUlLb1pJemowRApBUWNEUWdBRWRJRHNpVEtWZmtYYlJ5MkxEakRsRGhvcTdXWEY5VGVoRVIwN0NpZCtybmJ0R3JQNFdkZURoQ3d3'
  + 'CnIzbno1MEhEL1hXM29IamlOMGJtUTRkVjdnMzdnNkFBTUFvR0NDcUdTTTQ5QkFNQ0EwZ0FNRVVDSUZUVjBDS0IKcTRmTE9nK25iVmZxZFVJanM4SFRRVytwajdkWjFlb3R2eHExQWlFQW8vVElaY1FDVTIzR3VaKzVOUkRyZ3J3SApxRTB6ODFwTnptaitTK0pOTk9NPQotLS0tLUVORCBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0K';

const sample = (resource: string, [apiVersion, kind]: readonly [apiVersion: string, kind: string], wide: string, rest: string, options: Partial<Sample> = {}): Sample => ({
  resource, name: 'sample', wide, ...options, body: `apiVersion: ${apiVersion}\nkind: ${kind}\n${rest}`,
});

const cluster = (resource: string, type: readonly [apiVersion: string, kind: string], wide: string, rest: string, name = 'sample'): Sample =>
  sample(resource, type, wide, rest, { clusterScoped: true, name });

const ADMISSION = 'admissionregistration.k8s.io/v1';
const RBAC = 'rbac.authorization.k8s.io/v1';
const STORAGE = 'storage.k8s.io/v1';
const FLOW = 'flowcontrol.apiserver.k8s.io/v1';
const DRA = 'resource.k8s.io/v1';
const NET = 'networking.k8s.io/v1';

const CONSTRAINTS = 'matchConstraints: {resourceRules: [{operations: [CREATE], apiGroups: [""], apiVersions: [v1], resources: [nothings]}]}';

export const SAMPLES: readonly Sample[] = [
  sample('configmaps', ['v1', 'ConfigMap'], 'NAME DATA AGE', 'data: {a: "1"}'),
  sample('endpoints', ['v1', 'Endpoints'], 'NAME ENDPOINTS AGE', 'subsets: [{addresses: [{ip: 192.0.2.1}], ports: [{port: 80}]}]'),
  sample('events', ['v1', 'Event'], 'LAST SEEN TYPE REASON OBJECT SUBOBJECT SOURCE MESSAGE FIRST SEEN COUNT NAME',
    'involvedObject: {kind: ConfigMap, namespace: default, name: sample}\nreason: Tried\nmessage: it was tried\ntype: Normal\nsource: {component: test}'),
  sample('limitranges', ['v1', 'LimitRange'], 'NAME CREATED AT', 'spec: {limits: [{type: Container, max: {cpu: "900"}}]}'),
  cluster('namespaces', ['v1', 'Namespace'], 'NAME STATUS AGE', '', 'sample-namespace'),
  cluster('nodes', ['v1', 'Node'], 'NAME STATUS ROLES AGE VERSION INTERNAL-IP EXTERNAL-IP OS-IMAGE KERNEL-VERSION CONTAINER-RUNTIME', 'spec: {podCIDR: 10.1.0.0/24, podCIDRs: [10.1.0.0/24]}'),
  cluster('persistentvolumes', ['v1', 'PersistentVolume'],
    'NAME CAPACITY ACCESS MODES RECLAIM POLICY STATUS CLAIM STORAGECLASS VOLUMEATTRIBUTESCLASS REASON AGE VOLUMEMODE',
    'spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], hostPath: {path: /srv}}'),
  sample('persistentvolumeclaims', ['v1', 'PersistentVolumeClaim'], 'NAME STATUS VOLUME CAPACITY ACCESS MODES STORAGECLASS VOLUMEATTRIBUTESCLASS AGE VOLUMEMODE',
    'spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}'),
  sample('pods', ['v1', 'Pod'], 'NAME READY STATUS RESTARTS AGE IP NODE NOMINATED NODE READINESS GATES', 'spec: {containers: [{name: c, image: "example.com/x:1"}]}'),
  sample('podtemplates', ['v1', 'PodTemplate'], 'NAME CONTAINERS IMAGES POD LABELS AGE', template().replaceAll('\n  ', '\n')),
  sample('replicationcontrollers', ['v1', 'ReplicationController'], 'NAME DESIRED CURRENT READY AGE CONTAINERS IMAGES SELECTOR',
    `spec:\n  replicas: 0\n  selector: {app: sample}\n  ${template()}`),
  sample('resourcequotas', ['v1', 'ResourceQuota'], 'NAME REQUEST LIMIT AGE', 'spec: {hard: {services.loadbalancers: "100"}}'),
  sample('secrets', ['v1', 'Secret'], 'NAME TYPE DATA AGE', 'type: Opaque\nstringData: {a: b}'),
  sample('serviceaccounts', ['v1', 'ServiceAccount'], 'NAME SECRETS AGE', ''),
  sample('services', ['v1', 'Service'], 'NAME TYPE CLUSTER-IP EXTERNAL-IP PORT(S) AGE SELECTOR', 'spec: {selector: {app: sample}, ports: [{port: 80}]}'),
  sample('controllerrevisions', ['apps/v1', 'ControllerRevision'], 'NAME CONTROLLER REVISION AGE', 'revision: 1\ndata: {a: 1}'),
  sample('daemonsets', ['apps/v1', 'DaemonSet'], 'NAME DESIRED CURRENT READY UP-TO-DATE AVAILABLE NODE SELECTOR AGE CONTAINERS IMAGES SELECTOR', `spec:\n  ${workload}`),
  sample('deployments', ['apps/v1', 'Deployment'], 'NAME READY UP-TO-DATE AVAILABLE AGE CONTAINERS IMAGES SELECTOR', `spec:\n  replicas: 0\n  ${workload}`),
  sample('replicasets', ['apps/v1', 'ReplicaSet'], 'NAME DESIRED CURRENT READY AGE CONTAINERS IMAGES SELECTOR', `spec:\n  replicas: 0\n  ${workload}`),
  sample('statefulsets', ['apps/v1', 'StatefulSet'], 'NAME READY AGE CONTAINERS IMAGES', `spec:\n  replicas: 0\n  serviceName: sample\n  ${workload}`),
  sample('horizontalpodautoscalers.v2.autoscaling', ['autoscaling/v2', 'HorizontalPodAutoscaler'], 'NAME REFERENCE TARGETS MINPODS MAXPODS REPLICAS AGE',
    'spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: sample}, maxReplicas: 3}'),
  sample('cronjobs', ['batch/v1', 'CronJob'], 'NAME SCHEDULE TIMEZONE SUSPEND ACTIVE LAST SCHEDULE AGE CONTAINERS IMAGES SELECTOR',
    `spec:\n  schedule: "*/5 * * * *"\n  jobTemplate:\n   spec:\n    ${template('Never').replaceAll('\n', '\n  ')}`),
  sample('jobs', ['batch/v1', 'Job'], 'NAME STATUS COMPLETIONS DURATION AGE CONTAINERS IMAGES SELECTOR', `spec:\n  suspend: true\n  ${template('Never')}`),
  cluster('certificatesigningrequests', ['certificates.k8s.io/v1', 'CertificateSigningRequest'], 'NAME AGE SIGNERNAME REQUESTOR REQUESTEDDURATION CONDITION',
    `spec: {request: ${REQUEST}, signerName: example.com/signer, usages: [client auth], expirationSeconds: 3600}`),
  sample('leases', ['coordination.k8s.io/v1', 'Lease'], 'NAME HOLDER AGE', 'spec: {holderIdentity: me, leaseDurationSeconds: 15}'),
  sample('endpointslices', ['discovery.k8s.io/v1', 'EndpointSlice'], 'NAME ADDRESSTYPE PORTS ENDPOINTS AGE',
    'addressType: IPv4\nendpoints: [{addresses: [192.0.2.1]}]\nports: [{name: http, port: 80}]'),
  sample('events.events.k8s.io', ['events.k8s.io/v1', 'Event'], 'LAST SEEN TYPE REASON OBJECT SUBOBJECT SOURCE MESSAGE FIRST SEEN COUNT NAME',
    'eventTime: "2026-01-01T00:00:00.000000Z"\nreportingController: example.com/test\nreportingInstance: one\naction: Trying\nreason: Tried\ntype: Normal\nregarding: {kind: ConfigMap, namespace: default, name: sample}\nnote: it was tried',
    { name: 'sample-v1' }),
  sample('ingresses', [NET, 'Ingress'], 'NAME CLASS HOSTS ADDRESS PORTS AGE', 'spec: {rules: [{host: a.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: sample, port: {number: 80}}}}]}}]}'),
  cluster('ingressclasses', [NET, 'IngressClass'], 'NAME CONTROLLER PARAMETERS AGE', 'spec: {controller: example.com/ingress}'),
  cluster('ipaddresses', [NET, 'IPAddress'], 'NAME PARENTREF AGE', 'spec: {parentRef: {resource: services, namespace: default, name: sample}}', '192.0.2.7'),
  sample('networkpolicies', [NET, 'NetworkPolicy'], 'NAME POD-SELECTOR AGE', 'spec: {podSelector: {matchLabels: {app: sample}}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}]}]}'),
  cluster('servicecidrs', [NET, 'ServiceCIDR'], 'NAME CIDRS AGE', 'spec: {cidrs: [192.0.2.0/24]}'),
  cluster('runtimeclasses', ['node.k8s.io/v1', 'RuntimeClass'], 'NAME HANDLER AGE', 'handler: runc'),
  sample('poddisruptionbudgets', ['policy/v1', 'PodDisruptionBudget'], 'NAME MIN AVAILABLE MAX UNAVAILABLE ALLOWED DISRUPTIONS AGE', 'spec: {minAvailable: 1, selector: {matchLabels: {app: sample}}}'),
  cluster('clusterroles', [RBAC, 'ClusterRole'], 'NAME CREATED AT', 'rules: [{verbs: [get], apiGroups: [""], resources: [pods]}]'),
  cluster('clusterrolebindings', [RBAC, 'ClusterRoleBinding'], 'NAME ROLE AGE USERS GROUPS SERVICEACCOUNTS',
    'roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: sample}\nsubjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: jane}]'),
  sample('roles', [RBAC, 'Role'], 'NAME CREATED AT', 'rules: [{verbs: [get], apiGroups: [""], resources: [pods]}]'),
  sample('rolebindings', [RBAC, 'RoleBinding'], 'NAME ROLE AGE USERS GROUPS SERVICEACCOUNTS',
    'roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: sample}\nsubjects: [{kind: ServiceAccount, namespace: default, name: default}]'),
  cluster('priorityclasses', ['scheduling.k8s.io/v1', 'PriorityClass'], 'NAME VALUE GLOBAL-DEFAULT AGE PREEMPTIONPOLICY', 'value: 1000'),
  cluster('csidrivers', [STORAGE, 'CSIDriver'], 'NAME ATTACHREQUIRED PODINFOONMOUNT STORAGECAPACITY TOKENREQUESTS REQUIRESREPUBLISH MODES AGE', 'spec: {attachRequired: false}'),
  cluster('csinodes', [STORAGE, 'CSINode'], 'NAME DRIVERS AGE', 'spec: {drivers: [{name: csi.example.com, nodeID: one}]}'),
  sample('csistoragecapacities', [STORAGE, 'CSIStorageCapacity'], 'NAME STORAGECLASSNAME CAPACITY', 'storageClassName: sample\ncapacity: 1Gi'),
  cluster('storageclasses', [STORAGE, 'StorageClass'], 'NAME PROVISIONER RECLAIMPOLICY VOLUMEBINDINGMODE ALLOWVOLUMEEXPANSION AGE', 'provisioner: example.com/disk'),
  cluster('volumeattachments', [STORAGE, 'VolumeAttachment'], 'NAME ATTACHER PV NODE ATTACHED AGE', 'spec: {attacher: csi.example.com, nodeName: sample, source: {persistentVolumeName: sample}}'),
  cluster('volumeattributesclasses', [STORAGE, 'VolumeAttributesClass'], 'NAME DRIVERNAME AGE', 'driverName: csi.example.com\nparameters: {iops: "100"}'),
  cluster('mutatingadmissionpolicies', [ADMISSION, 'MutatingAdmissionPolicy'], 'NAME MUTATIONS PARAMKIND AGE',
    `spec: {${CONSTRAINTS}, reinvocationPolicy: Never, mutations: [{patchType: JSONPatch, jsonPatch: {expression: "[JSONPatch{op: 'test', path: '/kind', value: 'x'}]"}}]}`),
  cluster('mutatingadmissionpolicybindings', [ADMISSION, 'MutatingAdmissionPolicyBinding'], 'NAME POLICYNAME PARAMREF AGE', 'spec: {policyName: absent}'),
  cluster('mutatingwebhookconfigurations', [ADMISSION, 'MutatingWebhookConfiguration'], 'NAME WEBHOOKS AGE', webhook('\n  reinvocationPolicy: IfNeeded')),
  cluster('validatingadmissionpolicies', [ADMISSION, 'ValidatingAdmissionPolicy'], 'NAME VALIDATIONS PARAMKIND AGE', `spec: {${CONSTRAINTS}, validations: [{expression: "true"}]}`),
  cluster('validatingadmissionpolicybindings', [ADMISSION, 'ValidatingAdmissionPolicyBinding'], 'NAME POLICYNAME PARAMREF AGE', 'spec: {policyName: absent, validationActions: [Deny]}'),
  cluster('validatingwebhookconfigurations', [ADMISSION, 'ValidatingWebhookConfiguration'], 'NAME WEBHOOKS AGE', webhook()),
  cluster('apiservices', ['apiregistration.k8s.io/v1', 'APIService'], 'NAME SERVICE AVAILABLE AGE',
    'spec: {group: sample.example.com, version: v1, groupPriorityMinimum: 100, versionPriority: 10, insecureSkipTLSVerify: true, service: {namespace: default, name: sample}}', 'v1.sample.example.com'),
  cluster('customresourcedefinitions', ['apiextensions.k8s.io/v1', 'CustomResourceDefinition'], 'NAME CREATED AT',
    `spec:
  group: things.example.com
  scope: Namespaced
  names: {plural: samples, singular: sample, kind: Sample}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]`, 'samples.things.example.com'),
  cluster('flowschemas', [FLOW, 'FlowSchema'], 'NAME PRIORITYLEVEL MATCHINGPRECEDENCE DISTINGUISHERMETHOD AGE MISSINGPL',
    'spec: {priorityLevelConfiguration: {name: workload-low}, matchingPrecedence: 5000, rules: [{subjects: [{kind: User, user: {name: jane}}], nonResourceRules: [{verbs: [get], nonResourceURLs: [/x/*]}]}]}'),
  cluster('prioritylevelconfigurations', [FLOW, 'PriorityLevelConfiguration'], 'NAME TYPE NOMINALCONCURRENCYSHARES QUEUES HANDSIZE QUEUELENGTHLIMIT AGE',
    'spec: {type: Limited, limited: {limitResponse: {type: Queue, queuing: {}}}}'),
  cluster('deviceclasses', [DRA, 'DeviceClass'], 'NAME AGE', 'spec: {selectors: [{cel: {expression: "device.driver == \'gpu.example.com\'"}}]}'),
  sample('resourceclaims', [DRA, 'ResourceClaim'], 'NAME STATE AGE', 'spec: {devices: {requests: [{name: gpu, exactly: {deviceClassName: sample}}]}}'),
  sample('resourceclaimtemplates', [DRA, 'ResourceClaimTemplate'], 'NAME AGE', 'spec: {spec: {devices: {requests: [{name: gpu, exactly: {deviceClassName: sample}}]}}}'),
  cluster('resourceslices', [DRA, 'ResourceSlice'], 'NAME NODE DRIVER POOL AGE',
    'spec: {driver: gpu.example.com, nodeName: sample, pool: {name: one, generation: 1, resourceSliceCount: 1}, devices: [{name: gpu-0, attributes: {model: {string: a}}, capacity: {memory: {value: 16Gi}}}]}'),
];

/** The whole manifest of a sample: its label is what the test edits. */
export const manifest = ({ body, name, clusterScoped }: Sample): string =>
  `${body}\nmetadata: {name: "${name}", ${clusterScoped === true ? '' : 'namespace: default, '}labels: {edited: "no"}}\n`;
