import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json, JsonObject } from '../../apimachinery/object.ts';
import { at, create, set, texts, update } from '../testing.ts';
import { pod } from './pod.ts';

const spec = (container: JsonObject = {}, rest: JsonObject = {}): JsonObject =>
  ({ spec: { containers: [{ name: 'c', image: 'nginx', ...container }], ...rest } });

const errorsOf = (container: JsonObject, rest: JsonObject = {}): string[] => create(pod, spec(container, rest)).errors;

test('a minimal pod gets Kubernetes\' defaults', () => {
  const { object, errors } = create(pod, spec());
  assert.deepEqual(errors, []);
  assert.deepEqual(at(object, 'spec'), {
    containers: [{
      name: 'c', image: 'nginx', imagePullPolicy: 'Always', terminationMessagePath: '/dev/termination-log', terminationMessagePolicy: 'File', resources: {},
    }],
    restartPolicy: 'Always', dnsPolicy: 'ClusterFirst', schedulerName: 'default-scheduler', terminationGracePeriodSeconds: 30, securityContext: {},
    enableServiceLinks: true,
  });
  assert.deepEqual(at(object, 'status'), { phase: 'Pending', qosClass: 'BestEffort' });
});

test('a pod behind gates says that it is not scheduled yet', () => {
  const { object, errors } = create(pod, spec({}, { schedulingGates: [{ name: 'example.com/wait' }] }));
  assert.deepEqual(errors, []);
  assert.deepEqual(at(object, 'status.conditions'), [
    { type: 'PodScheduled', status: 'False', reason: 'SchedulingGated', message: 'Scheduling is blocked due to non-empty scheduling gates' },
  ]);
});

test('defaults are idempotent', () => {
  const content = spec({
    ports: [{ containerPort: 80 }], livenessProbe: { httpGet: { port: 80 } }, env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
  }, { volumes: [{ name: 'a' }, { name: 'b', secret: { secretName: 's' } }, { name: 'd', hostPath: { path: '/x' } }] });
  const { object, errors } = create(pod, content);
  assert.deepEqual(errors, []);
  const before = JSON.stringify(object);
  pod.rules.defaults?.(object);
  assert.equal(JSON.stringify(object), before);
  assert.deepEqual(at(object, 'spec.volumes'), [
    { name: 'a', emptyDir: {} }, { name: 'b', secret: { secretName: 's', defaultMode: 420 } }, { name: 'd', hostPath: { path: '/x', type: '' } },
  ]);
  assert.deepEqual(at(object, 'spec.containers.0.livenessProbe'), {
    httpGet: { port: 80, path: '/', scheme: 'HTTP' }, timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3,
  });
});

test('the pull policy follows the tag', () => {
  const images = { 'a:1': 'IfNotPresent', 'a:latest': 'Always', 'h:5000/a': 'Always', 'h:5000/a:2': 'IfNotPresent', 'a@sha256:1': 'IfNotPresent' };
  for (const [image, policy] of Object.entries(images)) {
    assert.equal(at(create(pod, spec({ image })).object, 'spec.containers.0.imagePullPolicy'), policy, image);
  }
});

test('requests follow limits, and make the quality of service', () => {
  const limits = { cpu: '1', memory: '1Gi' };
  const { object } = create(pod, spec({ resources: { limits } }));
  assert.deepEqual(at(object, 'spec.containers.0.resources.requests'), limits);
  assert.equal(at(object, 'status.qosClass'), 'Guaranteed');
  assert.equal(at(create(pod, spec({ resources: { requests: { cpu: '1' } } })).object, 'status.qosClass'), 'Burstable');
});

test('containers are checked', () => {
  assert.deepEqual(create(pod, { spec: {} }).errors, ['spec.containers: Required value']);
  const cases: [JsonObject, string][] = [
    [{ name: '' }, 'spec.containers[0].name: Required value'],
    [{ image: '' }, 'spec.containers[0].image: Required value'],
    [{ imagePullPolicy: 'Sometimes' }, 'spec.containers[0].imagePullPolicy: Unsupported value: "Sometimes": supported values: "Always", "IfNotPresent", "Never"'],
    [{ ports: [{ containerPort: 0 }] }, 'spec.containers[0].ports[0].containerPort: Required value'],
    [{ ports: [{ containerPort: 70000 }] }, 'spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive'],
    [{ ports: [{ containerPort: 1, name: 'a' }, { containerPort: 2, name: 'a' }] }, 'spec.containers[0].ports[1].name: Duplicate value: "a"'],
    [{ env: [{ name: 'a=b' }] }, 'spec.containers[0].env[0].name: Invalid value: "a=b": a valid environment variable name must consist only of printable ASCII characters other than \'=\''],
    [{ env: [{ name: 'A', value: 'x', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }] }, 'spec.containers[0].env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty'],
    [{ env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'spec.foo' } } }] }, 'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.foo": error converting fieldPath: field label not supported: spec.foo'],
    [{ volumeMounts: [{ name: 'v', mountPath: '/v' }] }, 'spec.containers[0].volumeMounts[0].name: Not found: "v"'],
    [{ restartPolicy: 'Always' }, 'spec.containers[0].restartPolicy: Forbidden: may not be set for non-init containers'],
    [{ livenessProbe: {} }, 'spec.containers[0].livenessProbe: Required value: must specify a handler type'],
    [{ livenessProbe: { exec: { command: ['a'] }, successThreshold: 2 } }, 'spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1'],
    [{ readinessProbe: { exec: { command: ['a'] }, httpGet: { port: 1 } } }, 'spec.containers[0].readinessProbe.httpGet: Forbidden: may not specify more than 1 handler type'],
    [{ lifecycle: { preStop: {} } }, 'spec.containers[0].lifecycle.preStop: Required value: must specify a handler type'],
    [{ securityContext: { privileged: true, allowPrivilegeEscalation: false } }, 'spec.containers[0].securityContext: Invalid value: {"privileged":true,"allowPrivilegeEscalation":false}: cannot set `allowPrivilegeEscalation` to false and `privileged` to true'],
  ];
  for (const [container, message] of cases) {
    assert.deepEqual(errorsOf(container), [message]);
  }
});

test('resources are checked', () => {
  const cases: [JsonObject, string][] = [
    [{ limits: { cpu: '1' }, requests: { cpu: '2' } }, 'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1'],
    [{ limits: { cpu: '-1' } }, 'spec.containers[0].resources.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0'],
    [{ limits: { 'example.com/gpu': '1.5' } }, 'spec.containers[0].resources.limits[example.com/gpu]: Invalid value: "1500m": must be an integer'],
    [{ requests: { 'example.com/gpu': '1' } }, 'spec.containers[0].resources.limits: Required value: Limit must be set for non overcommitable resources'],
  ];
  for (const [resources, message] of cases) {
    assert.ok(errorsOf({ resources }).includes(message), `${message}\n${errorsOf({ resources }).join('\n')}`);
  }
  assert.match(errorsOf({ resources: { limits: { bananas: '1' } } }).join(), /must be a standard resource for containers/);
});

test('volumes and the rest of the spec are checked', () => {
  const cases: [JsonObject, string][] = [
    [{ volumes: [{ name: 'a' }, { name: 'a' }] }, 'spec.volumes[1].name: Duplicate value: "a"'],
    [{ volumes: [{ name: 'a', emptyDir: {}, hostPath: { path: '/' } }] }, 'spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type'],
    [{ volumes: [{ name: 'a', hostPath: { path: '/a/../b' } }] }, 'spec.volumes[0].hostPath.path: Invalid value: "/a/../b": must not contain \'..\''],
    [{ volumes: [{ name: 'a', configMap: { name: 'c', defaultMode: 8888 } }] }, 'spec.volumes[0].configMap.defaultMode: Invalid value: 8888: must be a number between 0 and 0777 (octal), both inclusive'],
    [{ volumes: [{ name: 'a', secret: { secretName: 's', items: [{ key: 'k', path: '/abs' }] } }] }, 'spec.volumes[0].secret.items[0].path: Invalid value: "/abs": must be a relative path'],
    [{ volumes: [{ name: 'a', projected: { sources: [{ serviceAccountToken: { path: 't', expirationSeconds: 5 } }] } }] }, 'spec.volumes[0].projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 5: may not specify a duration less than 10 minutes'],
    [{ restartPolicy: 'Maybe' }, 'spec.restartPolicy: Unsupported value: "Maybe": supported values: "Always", "OnFailure", "Never"'],
    [{ dnsPolicy: 'None' }, 'spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None'],
    [{ activeDeadlineSeconds: 0 }, 'spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive'],
    [{ hostAliases: [{ ip: 'x' }] }, 'spec.hostAliases[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'],
    [{ tolerations: [{ operator: 'Equal' }] }, 'spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys"'],
    [{ affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } } } }, 'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required value: must have at least one node selector term'],
    [{ topologySpreadConstraints: [{ maxSkew: 0, topologyKey: 'k', whenUnsatisfiable: 'DoNotSchedule' }] }, 'spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero'],
    [{ securityContext: { runAsUser: -1 } }, 'spec.securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive'],
    [{ ephemeralContainers: [{ name: 'd', image: 'i' }] }, 'spec.ephemeralContainers: Forbidden: cannot be set on create'],
    [{ initContainers: [{ name: 'i', image: 'i', readinessProbe: { exec: { command: ['a'] } } }] }, 'spec.initContainers[0].readinessProbe: Forbidden: may not be set for init containers without restartPolicy=Always'],
    [{ hostNetwork: true, initContainers: [{ name: 'c', image: 'i' }] }, 'spec.initContainers[0].name: Duplicate value: "c"'],
  ];
  for (const [rest, message] of cases) {
    assert.deepEqual(errorsOf({}, rest), [message]);
  }
});

const change = (path: string, value: Json | undefined, content: JsonObject = spec()): string[] =>
  update(pod, create(pod, content).object, (object) => { set(object, path, value); }).errors;

test('of a pod only images, deadlines, new tolerations and metadata may change', () => {
  assert.deepEqual(change('spec.containers.0.image', 'nginx:2'), []);
  assert.deepEqual(change('metadata.labels', { a: 'b' }), []);
  assert.deepEqual(change('spec.activeDeadlineSeconds', 5), []);
  assert.match(change('spec.containers.0.command', ['x']).join(), /^spec: Forbidden: pod updates may not change fields other than .*\nchanged: spec\.containers\[0\]\.command$/);
  assert.match(change('spec.nodeName', 'n').join(), /pod updates may not change/);
  assert.deepEqual(change('spec.containers', [{ name: 'c', image: 'nginx' }, { name: 'd', image: 'i' }]), ['spec.containers: Forbidden: pod updates may not add or remove containers']);
  assert.deepEqual(change('spec.tolerations', [], spec({}, { tolerations: [{ key: 'k', operator: 'Exists' }] })), ['spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds']);
  assert.deepEqual(change('spec.activeDeadlineSeconds', 9, spec({}, { activeDeadlineSeconds: 5 })),
    ['spec.activeDeadlineSeconds: Invalid value: 9: must be less than or equal to previous value']);
});

test('scheduling gates only go, and while there are any the node selector may change', () => {
  const gated = spec({}, { schedulingGates: [{ name: 'g' }] });
  assert.deepEqual(change('spec.schedulingGates', undefined, gated), []);
  assert.deepEqual(change('spec.nodeSelector', { a: 'b' }, gated), []);
  assert.match(change('spec.schedulingGates', [{ name: 'other' }]).join(), /only deletion is allowed, but found new scheduling gate 'other'/);
});

test('a container that has ended for good stays ended', () => {
  const { object: old } = create(pod, spec({}, { restartPolicy: 'Never' }));
  set(old, 'status.containerStatuses', [{ name: 'c', state: { terminated: { exitCode: 1 } } }]);
  const object = structuredClone(old);
  set(object, 'status.containerStatuses', [{ name: 'c', state: { running: {} } }]);
  assert.deepEqual(texts(pod.rules.validateStatus?.(object, old) ?? []),
    ['status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state']);
});

test('an update of the main resource keeps the status', () => {
  const { object } = create(pod, spec());
  const { object: next } = update(pod, object, (changed) => { set(changed, 'status.phase', 'Running'); });
  assert.equal(at(next, 'status.phase'), 'Pending');
});

test('what is accepted but hardly meant is warned about', () => {
  const { object, errors } = create(pod, {
    metadata: { name: 'a.b' },
    ...spec({
      resources: { limits: { memory: '100m' }, requests: { memory: '100m' } }, env: [{ name: 'A' }, { name: 'A' }],
    }, { terminationGracePeriodSeconds: -1, nodeSelector: { 'beta.kubernetes.io/os': 'linux' } }),
  });
  assert.deepEqual(errors, []);
  const warnings = pod.rules.warnings?.(object) ?? [];
  assert.deepEqual(warnings.slice(0, 5), [
    'spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead',
    'spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1',
    'spec.containers[0].resources.limits[memory]: fractional byte value "100m" is invalid, must be an integer',
    'spec.containers[0].resources.requests[memory]: fractional byte value "100m" is invalid, must be an integer',
    'spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply',
  ]);
  assert.match(warnings[5] ?? '', /^metadata\.name: this is used in the Pod's hostname/);
});

test('limits on the disk a pod fills are taken with a warning', () => {
  const warned = (container: JsonObject, rest: JsonObject): readonly string[] => pod.rules.warnings?.(create(pod, spec(container, rest)).object) ?? [];
  assert.deepEqual(warned({ resources: { limits: { 'ephemeral-storage': '1Gi' } } }, {
    volumes: [{ name: 'a', emptyDir: { sizeLimit: '1Mi', medium: 'Memory' } }, { name: 'b', emptyDir: { sizeLimit: '1Mi' } }, { name: 'c', emptyDir: {} }],
  }), [
    'spec.volumes[1].emptyDir.sizeLimit: is not enforced here yet, except for the medium "Memory"',
    'spec.containers[0].resources.limits[ephemeral-storage]: is not enforced here yet',
  ]);
});
