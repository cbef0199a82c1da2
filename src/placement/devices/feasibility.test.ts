import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node, PodSpec } from '../../kinds/generated/core.ts';
import type { Device, ResourceClaim, ResourceClaimTemplate } from '../../kinds/generated/resource.ts';
import { NodeInfo } from '../nodeinfo.ts';
import { Planner, type Plan, type PlannedPodSet, type Reservation } from './feasibility.ts';
import { DeviceInventory } from './inventory.ts';

const DRIVER = 'gpu.nvidia.com';

const node = (name: string, more: Partial<Node['spec']> = {}): Node => ({
  apiVersion: 'v1', kind: 'Node', metadata: { name, labels: { 'kubernetes.io/hostname': name } }, spec: { ...more }, status: { allocatable: { cpu: '8', memory: '32Gi', pods: '10' } },
});
const gpu = (index: number): Device => ({
  name: `gpu-${index}`, allowMultipleAllocations: true, attributes: { type: { string: 'gpu' } }, capacity: { memory: { value: '80Gi' }, cores: { value: '100' } },
});

function world(nodes: Node[], devices: Record<string, number> = {}, objects: { claims?: ResourceClaim[]; templates?: ResourceClaimTemplate[] } = {}) {
  const inventory = new DeviceInventory();
  for (const [name, count] of Object.entries(devices)) {
    inventory.setSlice({
      apiVersion: 'resource.k8s.io/v1', kind: 'ResourceSlice', metadata: { name },
      spec: { driver: DRIVER, nodeName: name, pool: { name, generation: 1, resourceSliceCount: 1 }, devices: Array.from({ length: count }, (_, index) => gpu(index)) },
    });
  }
  inventory.setClass({ apiVersion: 'resource.k8s.io/v1', kind: 'DeviceClass', metadata: { name: DRIVER }, spec: { extendedResourceName: 'nvidia.com/gpu' } });
  const infos = nodes.map((one) => new NodeInfo(one));
  const find = <T extends { metadata: { name: string } }>(list: T[] | undefined, key: string): T | undefined => list?.find(({ metadata }) => `d/${metadata.name}` === key);
  const planner = new Planner({
    nodes: () => infos, inventory, namespaceLabels: () => ({}), claim: (key) => find(objects.claims, key), claimTemplate: (key) => find(objects.templates, key),
  });
  return { planner, inventory, infos };
}

const set = (count: number, resources: Record<string, string>, { spec = {}, annotations, labels, ...more }: Partial<PlannedPodSet> & { spec?: Partial<PodSpec>; annotations?: Record<string, string>; labels?: Record<string, string> } = {}): PlannedPodSet => ({
  name: 'main', namespace: 'd', count,
  template: { metadata: { name: '', ...(annotations === undefined ? {} : { annotations }), ...(labels === undefined ? {} : { labels }) }, spec: { containers: [{ name: 'c', resources: { requests: resources, limits: resources } }], ...spec } },
  ...more,
});
const message = (plan: Plan): string => (plan.ok ? 'ok' : plan.message);
function reserve(plan: Plan): Reservation {
  if (!plan.ok) {
    throw new Error(plan.message);
  }
  return plan.reserve();
}

test('what is promised counts until it is released or there', () => {
  const { planner } = world([node('a'), node('b')]);
  const six = [set(3, { cpu: '4' })];
  const first = reserve(planner.plan(six));
  assert.equal(message(planner.plan([set(2, { cpu: '4' })])), 'only 1 of 2 pods of set main can be placed: 0/2 nodes are available: 2 Insufficient cpu.');
  assert.equal(message(planner.plan([set(1, { cpu: '4' })])), 'ok');
  first.arrived('main', 1, 'a');
  assert.equal(message(planner.plan([set(2, { cpu: '4' })])), 'ok');
  first.release();
  first.release();
  assert.equal(message(planner.plan([set(4, { cpu: '4' })])), 'ok');
});

test('all sets together or none; nothing is held by a plan that is not reserved', () => {
  const { planner } = world([node('a')]);
  assert.equal(message(planner.plan([set(1, { cpu: '6' }), { ...set(1, { cpu: '4' }), name: 'worker' }])), 'pod of set worker cannot be placed: 0/1 nodes are available: 1 Insufficient cpu.');
  assert.equal(message(planner.plan([set(1, { cpu: '8' })])), 'ok');
});

test('devices: whole, in parts, by claims and templates', () => {
  const template: ResourceClaimTemplate = { apiVersion: 'resource.k8s.io/v1', kind: 'ResourceClaimTemplate', metadata: { name: 't', namespace: 'd' }, spec: { spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: DRIVER, count: 2 } }] } } } };
  const claim: ResourceClaim = { apiVersion: 'resource.k8s.io/v1', kind: 'ResourceClaim', metadata: { name: 'c', namespace: 'd' }, spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: DRIVER, count: 2 } }] } } };
  const { planner } = world([node('a'), node('b'), node('none')], { a: 2, b: 2 }, { claims: [claim], templates: [template] });
  assert.equal(message(planner.plan([set(5, { 'nvidia.com/gpu': '1' })])),
    'only 4 of 5 pods of set main can be placed: 0/3 nodes are available: 1 Insufficient nvidia.com/gpu, 2 no free device of class gpu.nvidia.com.');
  assert.equal(message(planner.plan([set(8, {}, { annotations: { 'gpu-fraction': '0.5' } })])), 'ok');
  assert.match(message(planner.plan([set(9, {}, { annotations: { 'gpu-fraction': '0.5' } })])), /^only 8 of 9/);
  const each = { spec: { resourceClaims: [{ name: 'g', resourceClaimTemplateName: 't' }] } };
  assert.equal(message(planner.plan([set(2, {}, each)])), 'ok');
  assert.match(message(planner.plan([set(3, {}, each)])), /^only 2 of 3/);
  // All share one claim, so all must be where its devices are: a node takes ten.
  const common = { spec: { resourceClaims: [{ name: 'g', resourceClaimName: 'c' }] } };
  assert.equal(message(planner.plan([set(10, {}, common)])), 'ok');
  assert.match(message(planner.plan([set(11, {}, common)])), /^only 10 of 11/);
  assert.equal(message(planner.plan([set(1, {}, { spec: { resourceClaims: [{ name: 'g', resourceClaimName: 'x' }] } })])), 'resourceclaim "x" not found');
  const held = reserve(planner.plan([set(3, { 'nvidia.com/gpu': '1' })]));
  assert.match(message(planner.plan([set(1, { 'nvidia.com/gpu': '2' })])), /cannot be placed/);
  held.arrived('main', 3);
  assert.equal(message(planner.plan([set(1, { 'nvidia.com/gpu': '2' })])), 'ok');
});

test('pods without devices are planned where none are first', () => {
  const { planner } = world([node('a'), node('plain')], { a: 1 });
  reserve(planner.plan([set(1, { cpu: '8' })]));
  assert.equal(message(planner.plan([set(1, { cpu: '8', 'nvidia.com/gpu': '1' })])), 'ok');
});

test('flavors, taints, and pods that keep apart', () => {
  const { planner } = world([node('a'), node('b', { taints: [{ key: 'spot', effect: 'NoSchedule' }] })]);
  assert.match(message(planner.plan([set(3, { cpu: '4' })])), /untolerated taint \{spot: \}/);
  assert.equal(message(planner.plan([set(3, { cpu: '4' }, { tolerations: [{ key: 'spot', operator: 'Exists' }] })])), 'ok');
  assert.match(message(planner.plan([set(1, { cpu: '4' }, { nodeSelector: { 'kubernetes.io/hostname': 'b' } })])), /1 node\(s\) didn't match Pod's node affinity\/selector/);
  const apart = { labels: { app: 'x' }, spec: { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'x' } } }] } } } };
  assert.match(message(planner.plan([set(2, { cpu: '1' }, apart)])), /^only 1 of 2 .*anti-affinity/);
  assert.match(message(planner.plan([set(1, {}, { annotations: { 'gpu-fraction': '0.5', 'gpu-memory': '5' } })])), /may not be set beside gpu-fraction/);
});
