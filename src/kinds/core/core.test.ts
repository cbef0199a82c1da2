import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../apimachinery/object.ts';
import { eventV1 } from '../events/event.ts';
import { at, create, objectOf, set, texts, update } from '../testing.ts';
import { configMap } from './configmap.ts';
import { event } from './event.ts';
import { namespace } from './namespace.ts';
import { node } from './node.ts';
import { persistentVolumeClaim } from './persistentvolumeclaim.ts';
import { secret } from './secret.ts';
import { service } from './service.ts';

test('a namespace is labelled with its name, active, and held by the namespace controller', () => {
  const { object, errors } = create(namespace, {});
  assert.deepEqual(errors, []);
  assert.deepEqual(at(object, 'metadata.labels'), { 'kubernetes.io/metadata.name': 'x' });
  assert.deepEqual([at(object, 'spec'), at(object, 'status')], [{ finalizers: ['kubernetes'] }, { phase: 'Active' }]);
  const next = update(namespace, object, (changed) => { set(changed, 'spec.finalizers', []); });
  assert.deepEqual(at(next.object, 'spec.finalizers'), ['kubernetes']);
});

test('a secret folds stringData into data, has a type, and keeps it', () => {
  const { object, errors } = create(secret, { data: { a: 'eA==' }, stringData: { a: 'y', b: 'z' } });
  assert.deepEqual(errors, []);
  assert.deepEqual(at(object, 'data'), { a: 'eQ==', b: 'eg==' });
  assert.equal(at(object, 'stringData'), undefined);
  assert.equal(at(object, 'type'), 'Opaque');
  assert.deepEqual(update(secret, object, (changed) => { set(changed, 'type', 'other'); }).errors, ['type: Invalid value: "other": field is immutable']);
});

test('secrets of known types must have their keys', () => {
  const cases: [JsonObject, string[]][] = [
    [{ type: 'kubernetes.io/tls', data: { 'tls.crt': '' } }, ['data[tls.key]: Required value']],
    [{ type: 'kubernetes.io/basic-auth' }, ['data[username]: Required value', 'data[password]: Required value']],
    [{ type: 'kubernetes.io/basic-auth', data: { password: '' } }, []],
    [{ type: 'kubernetes.io/ssh-auth' }, ['data[ssh-privatekey]: Required value']],
    [{ type: 'kubernetes.io/dockerconfigjson', stringData: { '.dockerconfigjson': '{}' } }, []],
    [{ type: 'kubernetes.io/service-account-token' }, ['metadata.annotations[kubernetes.io/service-account.name]: Required value']],
  ];
  for (const [content, errors] of cases) {
    assert.deepEqual(create(secret, content).errors, errors);
  }
  assert.match(create(secret, { type: 'kubernetes.io/dockerconfigjson', stringData: { '.dockerconfigjson': 'x' } }).errors.join(), /^data\[\.dockerconfigjson\]: Invalid value: "<secret contents redacted>"/);
});

test('config maps: keys, duplicates, size, immutability', () => {
  assert.deepEqual(create(configMap, { data: { '..': '' } }).errors, ["data[..]: Invalid value: \"..\": must not be '..'"]);
  assert.deepEqual(create(configMap, { data: { a: '' }, binaryData: { a: '' } }).errors, ['data[a]: Invalid value: "a": duplicate of key present in binaryData']);
  assert.match(create(configMap, { data: { a: 'x'.repeat(1024 * 1024 + 1) } }).errors.join(), /Too long/);
  const { object } = create(configMap, { data: { a: '1' }, immutable: true });
  assert.deepEqual(update(configMap, object, (changed) => { set(changed, 'data.a', '2'); }).errors, ['data: Forbidden: field is immutable when `immutable` is set']);
  assert.deepEqual(update(configMap, object, (changed) => { set(changed, 'immutable', undefined); }).errors, ['immutable: Forbidden: field is immutable when `immutable` is set']);
});

const port = (extra: JsonObject = {}): JsonObject => ({ port: 80, ...extra });
const serviceErrors = (spec: JsonObject): string[] => create(service, { spec }).errors;

test('a service gets its defaults', () => {
  const { object, errors } = create(service, { spec: { ports: [port()], selector: { a: 'b' } } });
  assert.deepEqual(errors, []);
  assert.deepEqual(at(object, 'spec'), {
    ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }], selector: { a: 'b' }, type: 'ClusterIP', sessionAffinity: 'None', internalTrafficPolicy: 'Cluster',
  });
  const affine = create(service, { spec: { ports: [port()], type: 'NodePort', sessionAffinity: 'ClientIP' } }).object;
  assert.equal(at(affine, 'spec.sessionAffinityConfig.clientIP.timeoutSeconds'), 10800);
  assert.equal(at(affine, 'spec.externalTrafficPolicy'), 'Cluster');
});

test('services are checked', () => {
  const cases: [JsonObject, string][] = [
    [{}, 'spec.ports: Required value'],
    [{ ports: [port({ port: 0, targetPort: 80 })] }, 'spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive'],
    [{ ports: [port(), port({ port: 81, name: 'b' })] }, 'spec.ports[0].name: Required value'],
    [{ ports: [port({ nodePort: 30000 })] }, "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
    [{ ports: [port()], type: 'Weird' }, 'spec.type: Unsupported value: "Weird": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"'],
    [{ type: 'ExternalName' }, 'spec.externalName: Required value'],
    [{ ports: [port()], type: 'NodePort', clusterIP: 'None' }, 'spec.clusterIPs[0]: Invalid value: "None": may not be set to \'None\' for NodePort services'],
    [{ ports: [port()], clusterIP: 'x' }, 'spec.clusterIPs[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'],
    [{ ports: [port()], externalTrafficPolicy: 'Local' }, 'spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services'],
    [{ ports: [port()], sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 0 } } }, 'spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 0: must be greater than 0 and less than 86400'],
    [{ ports: [port()], ipFamilyPolicy: 'RequireDualStack' }, 'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services'],
    [{ ports: [port()], loadBalancerClass: 'x/y' }, "spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'"],
    [{ ports: [port()], externalIPs: ['127.0.0.1'] }, 'spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)'],
  ];
  for (const [spec, message] of cases) {
    assert.deepEqual(serviceErrors(spec), [message]);
  }
  assert.deepEqual(serviceErrors({ clusterIP: 'None', selector: { a: 'b' } }), []);
});

test('a service keeps what it was given until its type has no use for it', () => {
  const { object } = create(service, { spec: { type: 'NodePort', ports: [port({ nodePort: 30080 })], clusterIP: '10.43.0.9' } });
  const kept = update(service, object, (changed) => {
    set(changed, 'spec', { type: 'NodePort', ports: [port()] });
  });
  assert.deepEqual([kept.errors, at(kept.object, 'spec.clusterIPs'), at(kept.object, 'spec.ports.0.nodePort')], [[], ['10.43.0.9'], 30080]);
  const inner = update(service, object, (changed) => { set(changed, 'spec.type', 'ClusterIP'); });
  assert.deepEqual([inner.errors, at(inner.object, 'spec.ports.0.nodePort'), at(inner.object, 'spec.externalTrafficPolicy')], [[], undefined, undefined]);
  assert.deepEqual(update(service, object, (changed) => { set(changed, 'spec.clusterIP', '10.43.0.10'); }).errors,
    ['spec.clusterIPs[0]: Invalid value: ["10.43.0.10"]: may not change once set']);
  const alias = update(service, object, (changed) => { set(changed, 'spec', { ...Object(at(object, 'spec')), type: 'ExternalName', externalName: 'a.b' }); });
  assert.deepEqual([alias.errors, at(alias.object, 'spec.clusterIP')], [[], undefined]);
});

test('nodes bring their status when they register, and keep it afterwards', () => {
  const { object, errors } = create(node, { status: { capacity: { cpu: '2' } }, spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } });
  assert.deepEqual([errors, at(object, 'status.capacity.cpu')], [[], '2']);
  assert.equal(at(update(node, object, (changed) => { set(changed, 'status', {}); }).object, 'status.capacity.cpu'), '2');
  assert.match(create(node, { spec: { taints: [{ key: 'a', effect: 'x' }] } }).errors.join(), /spec.taints\[0\].effect: Unsupported value: "x"/);
});

test('events of both groups are one and the same', () => {
  const content = { involvedObject: { kind: 'Pod', namespace: 'default', name: 'p' }, reason: 'R', message: 'M', reportingComponent: 'c', count: 2 };
  const stored = create(event, content);
  assert.deepEqual(stored.errors, []);
  const seen = eventV1.storedAs?.decode(stored.object);
  assert.ok(seen !== undefined);
  assert.deepEqual([seen.apiVersion, at(seen, 'note'), at(seen, 'regarding.name'), at(seen, 'reportingController'), at(seen, 'deprecatedCount')],
    ['events.k8s.io/v1', 'M', 'p', 'c', 2]);
  assert.deepEqual(eventV1.storedAs?.encode(seen), stored.object);
  assert.deepEqual(create(event, { involvedObject: { namespace: 'other' } }).errors, ['involvedObject.namespace: Invalid value: "other": does not match event.namespace']);
  assert.match(create(eventV1, { eventTime: '2026-01-01T00:00:00.000000Z' }).errors.join(), /reportingController: Required value/);
});

test('claims must say what they want, and then keep it', () => {
  const { errors } = create(persistentVolumeClaim, { spec: {} });
  assert.deepEqual(errors, ['spec.accessModes: Required value: at least 1 access mode is required', 'spec.resources[storage]: Required value']);
  const { object } = create(persistentVolumeClaim, { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } });
  assert.match(update(persistentVolumeClaim, object, (changed) => { set(changed, 'spec.resources.requests.storage', '2Gi'); }).errors.join(), /spec is immutable/);
  set(object, 'status.phase', 'Bound');
  assert.deepEqual(update(persistentVolumeClaim, object, (changed) => { set(changed, 'spec.resources.requests.storage', '2Gi'); }).errors, []);
});

test('selectable fields answer for objects that lack them', () => {
  const bare = objectOf(event, { involvedObject: {} });
  for (const value of Object.values(event.selectableFields ?? {})) {
    assert.equal(value(bare), '');
  }
  assert.deepEqual(texts([]), []);
});
