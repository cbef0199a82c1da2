/** Random requests: mostly well-formed in HTTP's eyes, seldom in Kubernetes'. */
import { hostileString, hostileValue, mutated, type Random } from './random.ts';

export interface FuzzRequest {
  method: string;
  /** Path and query, as they go over the wire. */
  target: string;
  headers: readonly (readonly [string, string])[];
  body: Buffer | undefined;
}

interface Subject {
  /** `/api/v1`, `/apis/apps/v1`. */
  root: string;
  plural: string;
  namespaced: boolean;
  valid: (name: string) => Record<string, unknown>;
  subresources: readonly [string, ...string[]];
}

const template = (name: string): object => ({ metadata: { labels: { app: name } }, spec: podSpec });
const podSpec = { containers: [{ name: 'c', image: 'example.com/x:1', ports: [{ containerPort: 80 }], env: [{ name: 'A', value: 'b' }], resources: { limits: { cpu: '1', memory: '1Gi' } } }] };

/** Kinds whose objects the requests are about. Namespaces' own life is left alone: it would take the others with it. */
export const SUBJECTS: readonly [Subject, ...Subject[]] = [
  { root: '/api/v1', plural: 'configmaps', namespaced: true, subresources: ['status'], valid: (name) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels: { app: 'a' } }, data: { k: 'v', 'a.b': 'x' } }) },
  { root: '/api/v1', plural: 'secrets', namespaced: true, subresources: ['status'], valid: (name) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, type: 'Opaque', data: { k: 'dg==' }, stringData: { s: 't' } }) },
  { root: '/api/v1', plural: 'pods', namespaced: true, subresources: ['status', 'binding', 'eviction', 'ephemeralcontainers', 'resize', 'nothing'], valid: (name) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { app: 'a' } }, spec: podSpec }) },
  { root: '/api/v1', plural: 'services', namespaced: true, subresources: ['status'], valid: (name) => ({ apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { selector: { app: 'a' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }], type: 'ClusterIP' } }) },
  { root: '/api/v1', plural: 'persistentvolumeclaims', namespaced: true, subresources: ['status'], valid: (name) => ({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } }) },
  { root: '/apis/apps/v1', plural: 'deployments', namespaced: true, subresources: ['status', 'scale'], valid: (name) => ({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name }, spec: { replicas: 2, selector: { matchLabels: { app: name } }, template: { metadata: { labels: { app: name } }, spec: podSpec } } }) },
  { root: '/apis/apps/v1', plural: 'statefulsets', namespaced: true, subresources: ['status', 'scale'], valid: (name) => ({ apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name }, spec: { serviceName: 's', selector: { matchLabels: { app: name } }, template: template(name), volumeClaimTemplates: [{ metadata: { name: 'd' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } }] } }) },
  { root: '/apis/apps/v1', plural: 'daemonsets', namespaced: true, subresources: ['status'], valid: (name) => ({ apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name }, spec: { selector: { matchLabels: { app: name } }, template: template(name), updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '10%' } } } }) },
  { root: '/apis/batch/v1', plural: 'cronjobs', namespaced: true, subresources: ['status'], valid: (name) => ({ apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name }, spec: { schedule: '*/5 * * * *', timeZone: 'Europe/Madrid', jobTemplate: { spec: { template: { spec: { ...podSpec, restartPolicy: 'Never' } } } } } }) },
  { root: '/apis/networking.k8s.io/v1', plural: 'networkpolicies', namespaced: true, subresources: ['status'], valid: (name) => ({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name }, spec: { podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } }], ports: [{ port: 80, endPort: 90 }] }] } }) },
  { root: '/apis/discovery.k8s.io/v1', plural: 'endpointslices', namespaced: true, subresources: ['status'], valid: (name) => ({ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { name }, addressType: 'IPv4', endpoints: [{ addresses: ['10.1.2.3'], conditions: { ready: true } }], ports: [{ name: 'p', port: 80 }] }) },
  { root: '/apis/policy/v1', plural: 'poddisruptionbudgets', namespaced: true, subresources: ['status'], valid: (name) => ({ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name }, spec: { minAvailable: '50%', selector: { matchLabels: { app: 'a' } } } }) },
  { root: '/apis/rbac.authorization.k8s.io/v1', plural: 'rolebindings', namespaced: true, subresources: ['status'], valid: (name) => ({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata: { name }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'a' }, subjects: [{ kind: 'User', name: 'bob', apiGroup: 'rbac.authorization.k8s.io' }] }) },
  { root: '/api/v1', plural: 'serviceaccounts', namespaced: true, subresources: ['token', 'status'], valid: (name) => ({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name }, automountServiceAccountToken: false }) },
  { root: '/api/v1', plural: 'events', namespaced: true, subresources: ['status'], valid: (name) => ({ apiVersion: 'v1', kind: 'Event', metadata: { name }, involvedObject: { kind: 'Pod', name: 'a' }, reason: 'X', message: 'm', type: 'Normal' }) },
  { root: '/api/v1', plural: 'limitranges', namespaced: true, subresources: ['status'], valid: (name) => ({ apiVersion: 'v1', kind: 'LimitRange', metadata: { name }, spec: { limits: [{ type: 'Container', max: { cpu: '64' }, default: { cpu: '1' } }] } }) },
  { root: '/apis/batch/v1', plural: 'jobs', namespaced: true, subresources: ['status'], valid: (name) => ({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name }, spec: { template: { spec: { ...podSpec, restartPolicy: 'Never' } } } }) },
  { root: '/apis/networking.k8s.io/v1', plural: 'ingresses', namespaced: true, subresources: ['status'], valid: (name) => ({ apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name }, spec: { rules: [{ host: 'x.example', http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 's', port: { number: 80 } } } }] } }] } }) },
  { root: '/apis/autoscaling/v2', plural: 'horizontalpodautoscalers', namespaced: true, subresources: ['status'], valid: (name) => ({ apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata: { name }, spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' } } }) },
  { root: '/apis/rbac.authorization.k8s.io/v1', plural: 'roles', namespaced: true, subresources: ['status'], valid: (name) => ({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name }, rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] }) },
  { root: '/apis/coordination.k8s.io/v1', plural: 'leases', namespaced: true, subresources: ['status'], valid: (name) => ({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name }, spec: { holderIdentity: 'x', leaseDurationSeconds: 10 } }) },
  { root: '/apis/kubevirt.io/v1', plural: 'virtualmachines', namespaced: true, subresources: ['status'], valid: (name) => ({ apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachine', metadata: { name }, spec: { runStrategy: 'Halted', template: { spec: { domain: { devices: {}, memory: { guest: '1Gi' } }, networks: [{ name: 'default', pod: {} }] } } } }) },
  { root: '/apis/fuzz.example.com/v1', plural: 'gadgets', namespaced: true, subresources: ['status', 'scale'], valid: (name) => ({ apiVersion: 'fuzz.example.com/v1', kind: 'Gadget', metadata: { name }, spec: { size: 3, tags: ['a'], inner: { deep: 'x' } } }) },
];

/** A kind of the test's own, with rules. */
export const GADGETS = {
  apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'gadgets.fuzz.example.com' },
  spec: {
    group: 'fuzz.example.com', scope: 'Namespaced', names: { plural: 'gadgets', singular: 'gadget', kind: 'Gadget' },
    versions: [{
      name: 'v1', served: true, storage: true, subresources: { status: {}, scale: { specReplicasPath: '.spec.size', statusReplicasPath: '.status.size' } },
      schema: { openAPIV3Schema: { type: 'object', required: ['spec'], properties: {
        // Without it `/scale` has nothing to say, which Kubernetes answers with 500.
        spec: {
          type: 'object', required: ['size'], 'x-kubernetes-validations': [{ rule: '!has(self.size) || self.size >= 0', message: 'not below zero' }],
          properties: {
            size: { type: 'integer' }, tags: { type: 'array', maxItems: 10, items: { type: 'string', maxLength: 64, pattern: '^[a-z]*$' } },
            inner: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
          },
        },
        status: { type: 'object', properties: { size: { type: 'integer' } } },
      } } },
    }],
  },
};

const definition = (name: string): Record<string, unknown> => ({
  apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: `${name}s.made.example.com` },
  spec: {
    group: 'made.example.com', scope: 'Namespaced', names: { plural: `${name}s`, singular: name, kind: `Made${name.toUpperCase()}`, shortNames: [`mm${name}`], categories: ['all'] },
    versions: [{
      name: 'v1', served: true, storage: true, subresources: { status: {} }, additionalPrinterColumns: [{ name: 'S', type: 'string', jsonPath: '.spec.s' }],
      schema: { openAPIV3Schema: { type: 'object', properties: { spec: {
        type: 'object', required: ['s'], 'x-kubernetes-validations': [{ rule: "self.s.matches('^(a+)+$') && self.l.all(x, self.l.exists(y, x == y))", message: 'm', fieldPath: '.s' }],
        properties: {
          s: { type: 'string', default: 'x', pattern: '^(([a-z])+.)+[A-Z]([a-z])+$', maxLength: 100 }, l: { type: 'array', maxItems: 20, 'x-kubernetes-list-type': 'set', items: { type: 'string', maxLength: 20 } },
          i: { 'x-kubernetes-int-or-string': true }, m: { type: 'object', additionalProperties: { type: 'integer', minimum: 0, format: 'int32' } }, o: { anyOf: [{ required: ['a'] }, { required: ['b'] }], type: 'object', properties: { a: { type: 'string' }, b: { type: 'string' } } },
        },
      } } } },
    }],
  },
});

const EXPRESSIONS = [
  'object.metadata.name != "x"', 'true', '1/0 == 0', 'object.spec.a.b.c', '[1,2,3].map(x, [1,2,3].map(y, [1,2,3].map(z, x+y+z))).size() > 0', "'a'.matches('((a+)+)+$')", '((((((((', 'has(object.x) ? oldObject == null : request.userInfo.groups.exists(g, g.startsWith("system:"))',
  "quantity('1Gi').isGreaterThan(quantity('1Mi'))", 'authorizer.group("").resource("pods").check("get").allowed()', 'x', "'a' + 1", `${'!'.repeat(500)}true`, `${'['.repeat(300)}${']'.repeat(300)} == []`,
] as const;

/** Kinds without namespace: nobody keeps a model of them, since all workers write them. */
const CLUSTER: readonly [Subject, ...Subject[]] = [
  { root: '/apis/apiextensions.k8s.io/v1', plural: 'customresourcedefinitions', namespaced: false, subresources: ['status'], valid: definition },
  { root: '/apis/admissionregistration.k8s.io/v1', plural: 'validatingadmissionpolicies', namespaced: false, subresources: ['status'], valid: (name) => ({
    apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingAdmissionPolicy', metadata: { name }, spec: {
      failurePolicy: 'Fail', matchConstraints: { resourceRules: [{ apiGroups: ['*'], apiVersions: ['*'], operations: ['CREATE'], resources: ['things'] }] }, variables: [{ name: 'v', expression: '1' }],
      validations: EXPRESSIONS.map((expression) => ({ expression, message: 'm' })).slice(name.charCodeAt(0) % EXPRESSIONS.length).slice(0, 2),
    },
  }) },
  { root: '/apis/rbac.authorization.k8s.io/v1', plural: 'clusterroles', namespaced: false, subresources: ['status'], valid: (name) => ({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: `fuzz-${name}`, labels: { 'fuzz.example.com/aggregate': 'true' } }, aggregationRule: { clusterRoleSelectors: [{ matchLabels: { 'fuzz.example.com/aggregate': 'true' } }] }, rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }, { nonResourceURLs: ['*'], verbs: ['get'] }] }) },
  { root: '/apis/scheduling.k8s.io/v1', plural: 'priorityclasses', namespaced: false, subresources: ['status'], valid: (name) => ({ apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name }, value: 10 }) },
  { root: '/apis/storage.k8s.io/v1', plural: 'storageclasses', namespaced: false, subresources: ['status'], valid: (name) => ({ apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name }, provisioner: 'x.example.com/y', parameters: { a: 'b' } }) },
  { root: '/apis/certificates.k8s.io/v1', plural: 'certificatesigningrequests', namespaced: false, subresources: ['status', 'approval'], valid: (name) => ({ apiVersion: 'certificates.k8s.io/v1', kind: 'CertificateSigningRequest', metadata: { name }, spec: { request: 'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0K', signerName: 'kubernetes.io/kube-apiserver-client', usages: ['client auth'] } }) },
  { root: '/apis/flowcontrol.apiserver.k8s.io/v1', plural: 'flowschemas', namespaced: false, subresources: ['status'], valid: (name) => ({ apiVersion: 'flowcontrol.apiserver.k8s.io/v1', kind: 'FlowSchema', metadata: { name }, spec: { priorityLevelConfiguration: { name: 'workload-low' }, matchingPrecedence: 9000, rules: [{ subjects: [{ kind: 'User', user: { name: 'nobody' } }], nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/x'] }] }] } }) },
  { root: '/apis/authorization.k8s.io/v1', plural: 'subjectaccessreviews', namespaced: false, subresources: ['status'], valid: () => ({ apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec: { user: 'bob', groups: ['x'], resourceAttributes: { verb: 'get', resource: 'pods', namespace: 'default' } } }) },
  { root: '/apis/authentication.k8s.io/v1', plural: 'tokenreviews', namespaced: false, subresources: ['status'], valid: () => ({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: 'eyJhbGciOiJub25lIn0.e30.' } }) },
  { root: '/apis/authorization.k8s.io/v1', plural: 'selfsubjectrulesreviews', namespaced: false, subresources: ['status'], valid: () => ({ apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectRulesReview', spec: { namespace: 'default' } }) },
  { root: '/api/v1', plural: 'persistentvolumes', namespaced: false, subresources: ['status'], valid: (name) => ({ apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name }, spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/x' } } }) },
  { root: '/api/v1', plural: 'nodes', namespaced: false, subresources: ['status'], valid: (name) => ({ apiVersion: 'v1', kind: 'Node', metadata: { name }, spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } }) },
];

const NAMES = ['a', 'b', 'c', 'd', 'e'] as const;
const ACCEPTS = [
  'application/json', '*/*', 'application/yaml', 'application/vnd.kubernetes.protobuf', 'application/vnd.kubernetes.protobuf,application/json', 'text/html', '', 'application/json;as=Table;v=v1;g=meta.k8s.io',
  'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io', 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1', 'application/json;as=Nonsense', 'a/b;q=x,;;,', 'application/json;q=0', 'application/cbor',
] as const;
const PATCHES = ['application/json-patch+json', 'application/merge-patch+json', 'application/strategic-merge-patch+json', 'application/apply-patch+yaml'] as const;
const OTHER_TYPES = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf', 'text/plain', 'application/x-www-form-urlencoded', '', 'a', 'application/json; charset=x', 'application/cbor', 'multipart/form-data; boundary=x'] as const;
const PARAMETERS = [
  'limit', 'continue', 'resourceVersion', 'resourceVersionMatch', 'labelSelector', 'fieldSelector', 'dryRun', 'fieldManager', 'force', 'fieldValidation', 'pretty', 'propagationPolicy', 'gracePeriodSeconds',
  'orphanDependents', 'includeObject', 'sendInitialEvents', 'allowWatchBookmarks', 'preconditions', 'timeoutSeconds', 'ignoreStoreReadErrorWithClusterBreakingPotential', 'x',
] as const;
const SELECTORS = ['app=a', 'app', '!app', 'app in (a,b)', 'app notin (a', 'a=b,c=d', 'app>5', 'x in ()', ',,,', 'metadata.name=a', 'spec.nodeName=', 'status.phase!=Running', 'a\\=b=c', '((((', 'app==a=b', `${'a,'.repeat(200)}b`] as const;

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

function value(random: Random, name: string): string {
  switch (name) {
    case 'labelSelector': case 'fieldSelector': return random.chance(0.7) ? random.pick(SELECTORS) : hostileString(random);
    case 'limit': case 'gracePeriodSeconds': return random.pick(['0', '1', '2', '-1', '500', '1e3', 'x', '9'.repeat(30)]);
    // The future would be waited for.
    case 'resourceVersion': return random.pick(['', '0', '1', '2', '-1', 'x', '00', '1.5']);
    case 'dryRun': return random.pick(['All', 'None', '']);
    case 'fieldValidation': return random.pick(['Strict', 'Warn', 'Ignore', 'x']);
    case 'propagationPolicy': return random.pick(['Orphan', 'Background', 'Foreground', 'x']);
    case 'fieldManager': return random.pick(['m', 'n', '', 'x'.repeat(200), '\u0001']);
    case 'continue': return random.pick(['x', 'eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiIuLi8uLiJ9', 'eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJhXHUwMDAwIn0', '%']);
    default: return random.chance(0.5) ? random.pick(['true', 'false', '1', '0']) : hostileString(random);
  }
}

const encoded = (random: Random, text: string): string => (random.chance(0.9) ? encodeURIComponent(text.toWellFormed()) : text.replaceAll(/[^\x21-\x7e]/g, '%ff'));

function queryOf(random: Random): string {
  const count = random.chance(0.7) ? 0 : 1 + random.below(3);
  const parts = Array.from({ length: count }, () => {
    const name = random.pick(PARAMETERS);
    return `${name}=${encoded(random, value(random, name))}`;
  });
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}

function jsonPatch(random: Random): unknown {
  if (random.chance(0.1)) {
    // Grows by doubling, should nobody stop it.
    return Array.from({ length: 60 }, (_, n) => (n === 0 ? { op: 'add', path: '/metadata/annotations', value: { a: 'x'.repeat(1000) } } : { op: 'copy', from: '/metadata/annotations', path: `/metadata/labels` }));
  }
  const pointer = (): string => random.pick(['/data/k', '/metadata/labels', '/metadata/labels/app', '/spec', '/spec/containers/0', '/spec/containers/-', '', '/', '/metadata/name', '/~2', '/a/b/c', '/metadata/finalizers/-', '/__proto__/x']);
  return Array.from({ length: random.below(4) }, () => ({ op: random.pick(['add', 'remove', 'replace', 'move', 'copy', 'test', 'x']), path: pointer(), ...(random.chance(0.4) ? { from: pointer() } : {}), ...(random.chance(0.7) ? { value: hostileValue(random) } : {}) }));
}

function strategic(random: Random): unknown {
  return mutated(random, random.pick<unknown>([
    { $patch: 'replace', data: { z: '1' } }, { $patch: 'delete' }, { metadata: { labels: { $patch: 'replace', x: 'y' } } }, { spec: { containers: [{ $patch: 'delete', name: 'c' }] } },
    { spec: { '$setElementOrder/containers': [{ name: 'c' }, { name: 'd' }], containers: [{ name: 'd', image: 'y' }] } }, { spec: { $retainKeys: ['type'], type: 'x' } }, { metadata: { '$deleteFromPrimitiveList/finalizers': ['x'] } },
  ]), 0.1);
}

function patchBody(random: Random, subject: Subject, name: string, type: string): Buffer {
  switch (type) {
    case PATCHES[0]: return json(random.chance(0.9) ? jsonPatch(random) : hostileValue(random));
    case PATCHES[2]: return json(random.chance(0.5) ? strategic(random) : mutated(random, subject.valid(name), 0.05));
    case PATCHES[3]: return json(mutated(random, subject.valid(name), 0.03));
    default: return json(random.chance(0.7) ? mutated(random, { metadata: { labels: { m: 'n' }, annotations: { q: 'r' } }, data: { w: null, v: 'u' }, spec: {} }, 0.1) : hostileValue(random));
  }
}

function broken(random: Random, body: Buffer): Buffer {
  switch (random.below(6)) {
    case 0: return body.subarray(0, random.below(body.length + 1));
    case 1: return random.bytes(random.below(400));
    case 2: return Buffer.concat([Buffer.from('k8s\u0000'), random.bytes(random.below(300))]);
    case 3: return Buffer.from('['.repeat(random.below(20_000)));
    case 4: return Buffer.from(`a: &a [x,x]\nb: &b [*a,*a,*a]\nc: &c [*b,*b,*b]\nd: [*c,*c,*c]\nkind: ConfigMap\n`);
    default: {
      const copy = Buffer.from(body);
      for (let n = 0; n < 3 && copy.length > 0; n += 1) {
        copy[random.below(copy.length)] = random.below(256);
      }
      return copy;
    }
  }
}

function deleteOptions(random: Random): Buffer | undefined {
  return random.chance(0.6) ? undefined : json(mutated(random, { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: 0, propagationPolicy: random.pick(['Background', 'Foreground', 'Orphan']), preconditions: { uid: 'x' } }, 0.15));
}

/** Any path at all. */
function wildTarget(random: Random): string {
  const segments = ['api', 'apis', 'v1', 'apps', 'namespaces', 'default', 'pods', 'configmaps', 'a', 'status', 'watch', 'proxy', 'openapi', 'v3', 'version', 'metrics', 'healthz', 'readyz', '..', '.', '', '%2f', '%zz', 'log', 'scale', 'token', 'telar'] as const;
  return `/${Array.from({ length: random.below(9) }, () => (random.chance(0.85) ? random.pick(segments) : encoded(random, hostileString(random)))).join('/')}${queryOf(random)}`;
}

function headersOf(random: Random, token: string, contentType: string | undefined): [string, string][] {
  const headers: [string, string][] = [['authorization', random.chance(0.99) ? `Bearer ${token}` : random.pick(['Bearer x', 'Basic eDp5', 'Bearer', `Bearer eyJ${'a'.repeat(50)}.b.c`])], ['accept', random.chance(0.9) ? 'application/json' : random.pick(ACCEPTS)]];
  if (contentType !== undefined) {
    headers.push(['content-type', contentType]);
  }
  if (random.chance(0.05)) {
    headers.push([random.pick(['impersonate-user', 'impersonate-group', 'impersonate-uid', 'impersonate-extra-x%20y', 'x-remote-user', 'accept-encoding', 'if-none-match', 'user-agent', 'x'.repeat(500)]), hostileString(random).replaceAll(/[^\x20-\x7e]/g, '') || 'x']);
  }
  return headers;
}

function placeOf({ root, plural, namespaced }: Subject, namespace: string, name: string): { collection: string; named: string } {
  const collection = namespaced ? `${root}/namespaces/${namespace}/${plural}` : `${root}/${plural}`;
  const named: Readonly<Record<string, string>> = { customresourcedefinitions: `${name}s.made.example.com`, clusterroles: `fuzz-${name}` };
  return { collection, named: named[plural] ?? name };
}

/** Reading only: what it might write would be in nobody's model. */
const wildRequest = (random: Random, token: string): FuzzRequest => ({
  method: random.pick(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND', 'GET']), target: wildTarget(random).replace(/\bwatch=/g, 'w='), headers: headersOf(random, token, undefined), body: undefined,
});

const bodyType = (random: Random): string => (random.chance(0.95) ? 'application/json' : random.pick(OTHER_TYPES));

/** One request about objects of `namespace`, or, for a tenth of them, about anything. */
export function nextRequest(random: Random, namespace: string, token: string): FuzzRequest {
  if (random.chance(0.1)) {
    return wildRequest(random, token);
  }
  const subject = random.chance(0.15) ? random.pick(CLUSTER) : random.pick(SUBJECTS);
  const name = random.chance(0.93) ? random.pick(NAMES) : hostileString(random);
  const { collection, named } = placeOf(subject, namespace, name);
  const single = `${collection}/${encoded(random, named)}${random.chance(0.15) ? `/${random.pick(subject.subresources)}` : ''}`;
  const valid = (): Buffer => json(random.chance(0.5) ? subject.valid(name) : mutated(random, subject.valid(name), random.pick([0.01, 0.02, 0.05, 0.2])));
  const query = queryOf(random);
  const request = (verb: string, target: string, body?: Buffer, type?: string): FuzzRequest => {
    const sent = body === undefined || random.chance(0.95) ? body : broken(random, body);
    return { method: verb, target: target + query, headers: headersOf(random, token, type), body: sent };
  };
  switch (random.pick(['GET', 'POST', 'POST', 'POST', 'PUT', 'PUT', 'PATCH', 'PATCH', 'PATCH', 'PATCH', 'DELETE', 'DELETE-ALL', 'LIST'])) {
    case 'POST': return request('POST', random.chance(0.97) ? collection : single, valid(), bodyType(random));
    case 'PUT': return request('PUT', single, valid(), bodyType(random));
    case 'PATCH': {
      const type = random.chance(0.97) ? random.pick(PATCHES) : random.pick(OTHER_TYPES);
      return request('PATCH', single, patchBody(random, subject, name, type), type);
    }
    case 'DELETE': return request('DELETE', single, deleteOptions(random), 'application/json');
    // Of kinds without namespace it would take away what the server needs.
    case 'DELETE-ALL': return subject.namespaced && random.chance(0.15) ? request('DELETE', collection, deleteOptions(random), 'application/json') : request('GET', collection);
    case 'LIST': return request('GET', random.chance(0.9) ? collection : `${subject.root}/${subject.plural}`);
    default: return request('GET', single);
  }
}

/** As it goes over the wire. */
export function wire({ method, target, headers, body }: FuzzRequest): Buffer {
  const head = [`${method} ${target} HTTP/1.1`, 'host: 127.0.0.1', ...headers.map(([name, text]) => `${name}: ${text}`), ...(body === undefined ? [] : [`content-length: ${body.length}`]), '', ''].join('\r\n');
  return Buffer.concat([Buffer.from(head, 'latin1'), body ?? Buffer.alloc(0)]);
}
