import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node, NodeSpec, Pod, PodSpec } from '../kinds/generated/core.ts';
import { fitNodes, unschedulableMessage } from './fit.ts';
import type { Cluster } from './interpod.ts';
import { matchesTerm, tolerates } from './nodeaffinity.ts';
import { NodeInfo, placedPod } from './nodeinfo.ts';
import { podRequests } from './resources.ts';
import { bestNode } from './score.ts';

const node = (name: string, options: { labels?: Record<string, string>; spec?: NodeSpec; allocatable?: Record<string, string> } = {}): Node => ({
  apiVersion: 'v1', kind: 'Node', metadata: { name, labels: { 'kubernetes.io/hostname': name, ...options.labels } }, spec: options.spec ?? {},
  status: { allocatable: { cpu: '2', memory: '4Gi', pods: '10', ...options.allocatable } },
});
const pod = (name: string, spec: Partial<PodSpec> = {}, labels: Record<string, string> = {}): Pod => ({
  apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default', labels }, spec: { containers: [{ name: 'c', image: 'i' }], ...spec },
});
const asking = (cpu: string, memory = '0') => ({ containers: [{ name: 'c', image: 'i', resources: { requests: { cpu, memory } } }] });
const cluster = (...nodes: Node[]): Cluster & { nodes: NodeInfo[] } => ({ nodes: nodes.map((one) => new NodeInfo(one)), namespaceLabels: () => ({ team: 'a' }) });

function place(world: Cluster, one: Pod): string {
  const placed = placedPod(one);
  const fit = fitNodes(placed, world);
  const best = bestNode(placed, fit.feasible, world);
  if (best === undefined) {
    return unschedulableMessage(world.nodes.length, fit.reasons);
  }
  best.place(placed);
  return best.name;
}

test('requests: containers together, init containers in turn, sidecars throughout, overhead on top', () => {
  const container = (cpu: string, more: object = {}) => ({ name: 'c', image: 'i', resources: { requests: { cpu } }, ...more });
  assert.deepEqual(podRequests({ containers: [container('1'), container('500m')] }), { cpu: 1500 });
  assert.deepEqual(podRequests({ containers: [container('1')], initContainers: [container('3'), container('2')] }), { cpu: 3000 });
  assert.deepEqual(podRequests({
    containers: [container('1')], initContainers: [container('200m', { restartPolicy: 'Always' }), container('1')], overhead: { cpu: '100m' },
  }), { cpu: 1300 });
  assert.deepEqual(podRequests({ containers: [container('1')], resources: { requests: { cpu: '4', memory: '1Ki' } } }), { cpu: 4000, memory: 1024 });
});

test('what is full is full, and Kubernetes would say it so', () => {
  const world = cluster(node('a'), node('b', { allocatable: { pods: '0' } }));
  assert.equal(place(world, pod('1', asking('1500m'))), 'a');
  assert.equal(place(world, pod('2', asking('1', '8Gi'))), '0/2 nodes are available: 1 Insufficient cpu, 1 Too many pods, 2 Insufficient memory.');
  assert.equal(place(cluster(), pod('3')), 'no nodes available to schedule pods');
  world.nodes[0]?.remove('default/1');
  assert.equal(place(world, pod('4', asking('2', '4Gi'))), 'a');
});

test('taints, cordons, selectors and ports', () => {
  const taint = { key: 'dedicated', value: 'gpu', effect: 'NoSchedule' };
  const world = cluster(node('a', { spec: { taints: [taint] }, labels: { disk: 'ssd' } }), node('b', { spec: { unschedulable: true } }));
  assert.equal(place(world, pod('1')), '0/2 nodes are available: 1 node(s) had untolerated taint {dedicated: gpu}, 1 node(s) were unschedulable.');
  const tolerations = [{ key: 'dedicated', operator: 'Exists' }];
  assert.equal(place(world, pod('2', { tolerations, nodeSelector: { disk: 'hdd' } })),
    "0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) were unschedulable.");
  const ports = { tolerations, containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 80, hostPort: 80 }] }] };
  assert.equal(place(world, pod('3', ports)), 'a');
  assert.match(place(world, pod('4', ports)), /1 node\(s\) didn't have free ports for the requested pod ports/);
  assert.equal(tolerates({ operator: 'Exists' }, taint), true);
  assert.equal(tolerates({ key: 'dedicated', value: 'cpu' }, taint), false);
  assert.equal(tolerates({ key: 'dedicated', operator: 'Exists', effect: 'NoExecute' }, taint), false);
});

test('node affinity terms', () => {
  const one = node('a', { labels: { size: '8' } });
  assert.equal(matchesTerm({ matchExpressions: [{ key: 'size', operator: 'Gt', values: ['7'] }] }, one), true);
  assert.equal(matchesTerm({ matchExpressions: [{ key: 'size', operator: 'NotIn', values: ['8'] }] }, one), false);
  assert.equal(matchesTerm({ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['a'] }] }, one), true);
  assert.equal(matchesTerm({}, one), false);
});

test('pods together and apart', () => {
  const zones = () => cluster(node('a', { labels: { zone: '1' } }), node('b', { labels: { zone: '1' } }), node('c', { labels: { zone: '2' } }));
  const term = { topologyKey: 'zone', labelSelector: { matchLabels: { app: 'x' } } };
  const apart = { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } };
  const together = { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } };
  const world = zones();
  assert.equal(place(world, pod('1', together, { app: 'y' })), "0/3 nodes are available: 3 node(s) didn't match pod affinity rules.");
  assert.equal(place(world, pod('2', apart, { app: 'x' })), 'a');
  assert.equal(place(world, pod('3', {}, { app: 'x' })), 'c');
  assert.equal(place(world, pod('4', apart, { app: 'y' })), "0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules.");
  assert.match(place(world, pod('5', { nodeSelector: { zone: '1' } }, { app: 'x' })), /2 node\(s\) didn't satisfy existing pods anti-affinity rules/);
  assert.match(place(world, pod('6', together, { app: 'y' })), /^[abc]$/);
  assert.equal(place(zones(), pod('7', together, { app: 'x' })), 'a');
});

test('spread: hard constraints hold, siblings go apart by themselves', () => {
  const world = cluster(node('a'), node('b'));
  const spread = {
    topologySpreadConstraints: [{
      maxSkew: 1, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: { app: 'x' } },
    }],
  };
  assert.equal(place(world, pod('1', { ...spread, nodeSelector: {} }, { app: 'x' })), 'a');
  assert.equal(place(world, pod('2', spread, { app: 'x' })), 'b');
  world.nodes[1]?.remove('default/2');
  world.nodes[1]?.update(node('b', { spec: { unschedulable: true } }));
  assert.match(place(world, pod('3', spread, { app: 'x' })), /1 node\(s\) didn't match pod topology spread constraints/);
  const owned = (name: string): Pod => {
    const one = pod(name);
    return { ...one, metadata: { ...one.metadata, ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'r', uid: 'r', controller: true }] } };
  };
  const even = cluster(node('a'), node('b'), node('c'));
  assert.deepEqual(new Set(['1', '2', '3'].map((name) => place(even, owned(name)))), new Set(['a', 'b', 'c']));
});

test('the emptiest node, preferences first', () => {
  const world = cluster(node('a'), node('b'), node('c', { labels: { disk: 'ssd' } }));
  assert.equal(place(world, pod('1', asking('1'))), 'a');
  assert.equal(place(world, pod('2', asking('1'))), 'b');
  assert.equal(place(world, pod('3', asking('500m'))), 'c');
  const preference = { matchExpressions: [{ key: 'disk', operator: 'In', values: ['ssd'] }] };
  const choosy = { affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 50, preference }] } } };
  assert.equal(place(world, pod('4', { ...asking('1'), ...choosy })), 'c');
});
