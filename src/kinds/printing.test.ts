import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject, KubeObject } from '../apimachinery/object.ts';
import { deployment } from './apps/deployment.ts';
import { replicaSet } from './apps/replicaset.ts';
import { job } from './batch/job.ts';
import { configMap } from './core/configmap.ts';
import { event } from './core/event.ts';
import { namespace } from './core/namespace.ts';
import { node } from './core/node.ts';
import { pod } from './core/pod.ts';
import { secret } from './core/secret.ts';
import { service } from './core/service.ts';
import { endpointSlice } from './discovery/endpointslice.ts';
import type { AnyKind } from './kind.ts';
import { virtualMachine } from './kubevirt/virtualmachine.ts';
import { virtualMachineInstance } from './kubevirt/virtualmachineinstance.ts';
import { toTable } from './printing.ts';
import { KINDS } from './registry.ts';
import { cells, objectOf } from './testing.ts';

const NOW = Date.parse('2026-01-02T00:00:00Z');
const ago = (seconds: number): string => `${new Date(NOW - seconds * 1000).toISOString().slice(0, 19)}Z`;

/** Column names, those of `-o wide` with a star. */
const columns = (kind: AnyKind): string => kind.columns.map(({ name, priority }) => (priority ? `${name}*` : name)).join(' | ');

test('columns are those of a real server', () => {
  const expected: [AnyKind, string][] = [
    [pod, 'Name | Ready | Status | Restarts | Age | IP* | Node* | Nominated Node* | Readiness Gates*'],
    [service, 'Name | Type | Cluster-IP | External-IP | Port(s) | Age | Selector*'],
    [deployment, 'Name | Ready | Up-to-date | Available | Age | Containers* | Images* | Selector*'],
    [replicaSet, 'Name | Desired | Current | Ready | Age | Containers* | Images* | Selector*'],
    [job, 'Name | Status | Completions | Duration | Age | Containers* | Images* | Selector*'],
    [node, 'Name | Status | Roles | Age | Version | Internal-IP* | External-IP* | OS-Image* | Kernel-Version* | Container-Runtime*'],
    [event, 'Last Seen | Type | Reason | Object | Subobject* | Source* | Message | First Seen* | Count* | Name*'],
    [namespace, 'Name | Status | Age'],
    [secret, 'Name | Type | Data | Age'],
    [configMap, 'Name | Data | Age'],
    [endpointSlice, 'Name | AddressType | Ports | Endpoints | Age'],
    [virtualMachine, 'Name | Age | Status | Ready'],
    [virtualMachineInstance, 'Name | Age | Phase | IP | NodeName | Ready | Live-Migratable* | Paused*'],
  ];
  for (const [kind, text] of expected) {
    assert.equal(columns(kind), text);
  }
});

interface Shown { Ready: string; Status: string; Restarts: string }

function shownPod(status: JsonObject, extra: { spec?: JsonObject; metadata?: JsonObject } = {}): Shown {
  const object = objectOf(pod, {
    metadata: { creationTimestamp: ago(90), ...extra.metadata }, spec: { containers: [{ name: 'a' }, { name: 'b' }], ...extra.spec }, status,
  });
  const { Ready, Status, Restarts } = cells(pod, object, NOW);
  return { Ready: String(Ready), Status: String(Status), Restarts: String(Restarts) };
}

const running = (name: string, rest: JsonObject = {}): JsonObject => ({ name, ready: true, restartCount: 0, state: { running: {} }, ...rest });

test('a pod in one word', () => {
  const back = { name: 'b', ready: false, restartCount: 3, state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: { terminated: { exitCode: 1, finishedAt: ago(300) } } };
  const cases: [Shown, Shown][] = [
    [shownPod({ phase: 'Pending' }), { Ready: '0/2', Status: 'Pending', Restarts: '0' }],
    [shownPod({ phase: 'Running', containerStatuses: [running('a'), running('b')] }), { Ready: '2/2', Status: 'Running', Restarts: '0' }],
    [shownPod({ phase: 'Running', containerStatuses: [running('a'), back] }), { Ready: '1/2', Status: 'CrashLoopBackOff', Restarts: '3 (5m ago)' }],
    [shownPod({ phase: 'Succeeded', containerStatuses: ['a', 'b'].map((name) => ({ name, restartCount: 0, state: { terminated: { exitCode: 0, reason: 'Completed' } } })) }),
      { Ready: '0/2', Status: 'Completed', Restarts: '0' }],
    [shownPod({ phase: 'Failed', containerStatuses: [{ name: 'a', restartCount: 0, state: { terminated: { exitCode: 3 } } }] }), { Ready: '0/2', Status: 'ExitCode:3', Restarts: '0' }],
    [shownPod({ phase: 'Failed', reason: 'Evicted' }), { Ready: '0/2', Status: 'Evicted', Restarts: '0' }],
    [shownPod({ phase: 'Running', containerStatuses: [running('a')] }, { metadata: { deletionTimestamp: ago(1) } }), { Ready: '1/2', Status: 'Terminating', Restarts: '0' }],
    [shownPod({ phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] }), { Ready: '0/2', Status: 'SchedulingGated', Restarts: '0' }],
    [shownPod({ phase: 'Pending', initContainerStatuses: [{ name: 'i', restartCount: 0, state: { running: {} } }] }, { spec: { initContainers: [{ name: 'i' }, { name: 'j' }] } }),
      { Ready: '0/2', Status: 'Init:0/2', Restarts: '0' }],
    [shownPod({ phase: 'Pending', initContainerStatuses: [{ name: 'i', restartCount: 2, state: { waiting: { reason: 'CrashLoopBackOff' } } }] }, { spec: { initContainers: [{ name: 'i' }] } }),
      { Ready: '0/2', Status: 'Init:CrashLoopBackOff', Restarts: '2' }],
    [shownPod({ phase: 'Pending', initContainerStatuses: [{ name: 'i', restartCount: 0, state: { terminated: { exitCode: 1, reason: 'Error' } } }] }, { spec: { initContainers: [{ name: 'i' }] } }),
      { Ready: '0/2', Status: 'Init:Error', Restarts: '0' }],
  ];
  for (const [shown, expected] of cases) {
    assert.deepEqual(shown, expected);
  }
  const sidecar = shownPod({
    phase: 'Running', containerStatuses: [running('a'), running('b')], initContainerStatuses: [running('s', { started: true })],
  }, { spec: { initContainers: [{ name: 's', restartPolicy: 'Always' }] } });
  assert.deepEqual(sidecar, { Ready: '3/3', Status: 'Running', Restarts: '0' });
});

const shown = (kind: AnyKind, content: JsonObject): Record<string, unknown> => cells(kind, objectOf(kind, content), NOW);
const pick = (row: Record<string, unknown>, ...names: string[]): unknown[] => names.map((name) => row[name]);

test('cells of the other kinds', () => {
  const external = ['Type', 'Cluster-IP', 'External-IP', 'Port(s)'];
  assert.deepEqual(pick(shown(service, { spec: { type: 'NodePort', clusterIP: '10.43.0.1', ports: [{ port: 80, nodePort: 30080, protocol: 'TCP' }] } }), ...external), ['NodePort', '10.43.0.1', '<none>', '80:30080/TCP']);
  assert.deepEqual(pick(shown(service, { spec: { type: 'LoadBalancer' } }), ...external), ['LoadBalancer', '<none>', '<pending>', '<none>']);
  const labels = { 'node-role.kubernetes.io/worker': '', 'node-role.kubernetes.io/control-plane': '' };
  assert.deepEqual(pick(shown(node, { metadata: { labels }, spec: { unschedulable: true }, status: { conditions: [{ type: 'Ready', status: 'True' }], addresses: [{ type: 'InternalIP', address: '10.0.0.1' }] } }), 'Status', 'Roles', 'Internal-IP'),
    ['Ready,SchedulingDisabled', 'control-plane,worker', '10.0.0.1']);
  assert.deepEqual(pick(shown(job, { spec: { completions: 3, template: {} }, status: { succeeded: 1, startTime: ago(60) } }), 'Status', 'Completions', 'Duration'), ['Running', '1/3', '60s']);
  assert.deepEqual(pick(shown(job, { spec: { completions: 1, template: {} }, status: { succeeded: 1, startTime: ago(60), completionTime: ago(50), conditions: [{ type: 'Complete', status: 'True' }] } }), 'Status', 'Duration'), ['Complete', '10s']);
  assert.deepEqual(pick(shown(event, { involvedObject: { kind: 'Pod', name: 'p' }, lastTimestamp: ago(5), message: ' m\n' }), 'Last Seen', 'Object', 'Message', 'Count'), ['5s', 'pod/p', 'm', 1]);
  const slice = { addressType: 'IPv4', endpoints: [1, 2, 3, 4].map((n) => ({ addresses: [`10.42.0.${n}`] })), ports: [{ port: 80 }, {}] };
  assert.deepEqual(pick(shown(endpointSlice, slice), 'Ports', 'Endpoints'), ['80,*', '10.42.0.1,10.42.0.2,10.42.0.3 + 1 more...']);
  assert.deepEqual(pick(shown(virtualMachine, { metadata: { creationTimestamp: ago(180) }, spec: { template: {} } }), 'Age', 'Status', 'Ready'), ['3m', null, null]);
});

test('every column of every kind has an answer for an object that is all but empty', () => {
  for (const kind of KINDS) {
    const object: KubeObject = { apiVersion: 'v1', kind: kind.kind, metadata: { name: 'x', namespace: 'default' } };
    kind.rules.defaults?.(object);
    for (const column of kind.columns) {
      assert.notEqual(column.value(object, NOW), undefined, `${kind.kind} ${column.name}`);
    }
    assert.ok(kind.columns.some(({ format }) => format === 'name'), kind.kind);
  }
});

test('a table carries definitions once, and with each row what was asked for', () => {
  const object = objectOf(configMap, { metadata: { creationTimestamp: ago(60) }, data: { a: '' } });
  const options = { now: NOW, listMeta: { resourceVersion: '7', continue: 'next' }, columns: true } as const;
  const table = toTable(configMap, [object], { ...options, includeObject: 'Metadata' });
  assert.deepEqual([table['kind'], table['apiVersion'], table['metadata']], ['Table', 'meta.k8s.io/v1', { resourceVersion: '7', continue: 'next' }]);
  assert.deepEqual(table['rows'], [{ cells: ['x', 1, '60s'], object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata } }]);
  const later = toTable(configMap, [object], { ...options, columns: false, includeObject: 'None' });
  assert.deepEqual([later['columnDefinitions'], later['rows']], [null, [{ cells: ['x', 1, '60s'] }]]);
  assert.deepEqual(toTable(configMap, [object], { ...options, includeObject: 'Object', version: 'v1beta1' })['apiVersion'], 'meta.k8s.io/v1beta1');
});
