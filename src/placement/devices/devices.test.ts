import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node } from '../../kinds/generated/core.ts';
import type { Device, DeviceClaim, ResourceClaim, ResourceSlice } from '../../kinds/generated/resource.ts';
import { allocate, MAX_STEPS, type Outcome } from './allocate.ts';
import { asksOfClaim } from './asks.ts';
import { DeviceInventory } from './inventory.ts';
import { allocationResult } from './result.ts';
import { Usage } from './usage.ts';

const DRIVER = 'gpu.nvidia.com';
const NODE: Node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n', labels: { zone: 'a' } }, spec: {} };

function slice(devices: Device[], spec: Partial<ResourceSlice['spec']> = {}, name = 's'): ResourceSlice {
  return { apiVersion: 'resource.k8s.io/v1', kind: 'ResourceSlice', metadata: { name }, spec: { driver: DRIVER, nodeName: 'n', pool: { name: 'n', generation: 1, resourceSliceCount: 1 }, devices, ...spec } };
}

function inventoryOf(...slices: ResourceSlice[]): DeviceInventory {
  const inventory = new DeviceInventory();
  slices.forEach((one) => { inventory.setSlice(one); });
  inventory.setClass({ apiVersion: 'resource.k8s.io/v1', kind: 'DeviceClass', metadata: { name: 'any' }, spec: { config: [{ opaque: { driver: DRIVER, parameters: { from: 'class' } } }] } });
  inventory.setClass({
    apiVersion: 'resource.k8s.io/v1', kind: 'DeviceClass', metadata: { name: 'mig' },
    spec: { selectors: [{ cel: { expression: `device.attributes['${DRIVER}'].type == 'mig'` } }] },
  });
  return inventory;
}

let made = 0;
const claimOf = (devices: DeviceClaim): ResourceClaim => ({ apiVersion: 'resource.k8s.io/v1', kind: 'ResourceClaim', metadata: { name: `c${made += 1}`, namespace: 'd' }, spec: { devices } });

/** Devices a claim gets, and keeps; or why it gets none. */
function give(inventory: DeviceInventory, devices: DeviceClaim, node = NODE): string[] | string {
  const ask = asksOfClaim(claimOf(devices), inventory);
  const outcome: Outcome = allocate([ask], { node, inventory, usage: inventory.usage });
  return outcome.ok ? [...outcome.allocation.values()].flat().map((one) => `${one.ask.name}=${one.device.name}`) : outcome.reason;
}

const plain = (name: string, more: Partial<Device> = {}): Device => ({ name, ...more });
const one = (name: string, more: object = {}): { name: string; exactly: { deviceClassName: string; count: number } } => ({ name, exactly: { deviceClassName: 'any', count: 1, ...more } });
const cel = (expression: string): { cel: { expression: string } }[] => [{ cel: { expression } }];

test('exact counts, all, and no more than there are', () => {
  const inventory = inventoryOf(slice(['a', 'b', 'c'].map((name) => plain(name))));
  assert.deepEqual(give(inventory, { requests: [one('r', { count: 2 })] }), ['r=a', 'r=b']);
  assert.equal(give(inventory, { requests: [one('r', { allocationMode: 'All', count: 0 })] }), 'not all devices of class any are free');
  assert.deepEqual(give(inventory, { requests: [one('r')] }), ['r=c']);
  assert.equal(give(inventory, { requests: [one('r')] }), 'no free device of class any');
  assert.deepEqual(give(inventory, { requests: [one('r', { allocationMode: 'All', adminAccess: true })] }), ['r=a', 'r=b', 'r=c']);
  assert.deepEqual(give(inventoryOf(slice([plain('a'), plain('b')])), { requests: [one('r', { allocationMode: 'All' })] }), ['r=a', 'r=b']);
});

test('what is tried and fails is taken back', () => {
  const inventory = inventoryOf(slice([plain('a'), plain('b')]));
  assert.match(String(give(inventory, { requests: [one('r'), one('q', { count: 2 })] })), /no free device/);
  assert.equal(inventory.usage.inUse(`${DRIVER}/n/a`), false);
  assert.deepEqual(give(inventory, { requests: [one('r'), one('q')] }), ['r=a', 'q=b']);
});

test('selectors see attributes, versions, capacities and domains that are not there', () => {
  const inventory = inventoryOf(slice([
    plain('a', { attributes: { productName: { string: 'A100' }, driverVersion: { version: '1.2.3' }, cores: { int: 4 } }, capacity: { memory: { value: '40Gi' } } }),
    plain('b', { attributes: { productName: { string: 'H100' }, driverVersion: { version: '2.0.0' }, 'other.io/fast': { bool: true } }, capacity: { memory: { value: '80Gi' } } }),
  ]));
  const found = (expression: string): string[] | string => {
    const outcome = allocate([asksOfClaim(claimOf({ requests: [one('r', { selectors: cel(expression) })] }), inventory)], { node: NODE, inventory, usage: new Usage() });
    return outcome.ok ? [...outcome.allocation.values()].flat().map(({ device }) => device.name) : outcome.reason;
  };
  assert.deepEqual(found(`device.capacity['${DRIVER}'].memory.compareTo(quantity('50Gi')) > 0`), ['b']);
  assert.deepEqual(found(`device.attributes['${DRIVER}'].driverVersion.isLessThan(semver('2.0.0'))`), ['a']);
  assert.deepEqual(found("'fast' in device.attributes['other.io'] && device.attributes['other.io'].fast"), ['b']);
  assert.deepEqual(found(`device.driver == '${DRIVER}' && !device.allowMultipleAllocations && device.attributes['${DRIVER}'].?cores.orValue(0) == 4`), ['a']);
  assert.throws(() => found('device.attributes[0]'), /does not compile|failed/);
});

test('the first alternative that works', () => {
  const inventory = inventoryOf(slice([plain('small', { attributes: { type: { string: 'mig' } } }), plain('other', { attributes: { type: { string: 'gpu' } } })]));
  const claim: DeviceClaim = { requests: [{ name: 'r', firstAvailable: [{ name: 'two', deviceClassName: 'any', count: 3 }, { name: 'mig', deviceClassName: 'mig', count: 1 }, { name: 'any', deviceClassName: 'any', count: 1 }] }] };
  assert.deepEqual(give(inventory, claim), ['r/mig=small']);
  assert.deepEqual(give(inventory, claim), ['r/any=other']);
});

test('constraints: the same attribute, different ones, of the requests they name', () => {
  const at = (name: string, root: string): Device => plain(name, { attributes: { root: { string: root } } });
  const devices = [at('a', 'x'), at('b', 'y'), at('c', 'x'), at('d', 'y'), plain('none')];
  const same: DeviceClaim = { requests: [one('r', { selectors: cel(`device.attributes['${DRIVER}'].?root.orValue('') == 'y'`) }), one('q')], constraints: [{ matchAttribute: `${DRIVER}/root` }] };
  assert.deepEqual(give(inventoryOf(slice(devices)), same), ['r=b', 'q=d']);
  assert.deepEqual(give(inventoryOf(slice(devices)), { requests: [one('r', { count: 2 })], constraints: [{ distinctAttribute: `${DRIVER}/root` }] }), ['r=a', 'r=b']);
  assert.equal(give(inventoryOf(slice(devices)), { requests: [one('r', { count: 3 })], constraints: [{ distinctAttribute: `${DRIVER}/root` }] }), 'no devices that meet the constraints of the claim');
  assert.deepEqual(give(inventoryOf(slice(devices)), { requests: [one('r'), one('q')], constraints: [{ matchAttribute: `${DRIVER}/root`, requests: ['r'] }] }), ['r=a', 'q=b']);
});

test('taints are tolerated, or kept off; none of them forbids nothing', () => {
  const tainted = plain('t', { taints: [{ key: 'broken', value: 'yes', effect: 'NoSchedule' }] });
  assert.equal(give(inventoryOf(slice([tainted])), { requests: [one('r')] }), 'device t has a taint that is not tolerated');
  assert.deepEqual(give(inventoryOf(slice([tainted])), { requests: [one('r', { tolerations: [{ key: 'broken', operator: 'Exists' }] })] }), ['r=t']);
  assert.equal(give(inventoryOf(slice([tainted])), { requests: [one('r', { tolerations: [{ key: 'broken', operator: 'Equal', value: 'no' }] })] }), 'device t has a taint that is not tolerated');
  assert.deepEqual(give(inventoryOf(slice([plain('t', { taints: [{ key: 'k', effect: 'None' }] })])), { requests: [one('r')] }), ['r=t']);
});

/** A device that can be cut: whole, or up to seven slices of 10Gi and one each of the counters. */
const cuttable = (index: number): Device[] => {
  const parts = (memory: string, slices: string): Device['consumesCounters'] => [{ counterSet: `gpu-${index}`, counters: { memory: { value: memory }, slices: { value: slices } } }];
  return [
    plain(`gpu-${index}`, { attributes: { type: { string: 'gpu' } }, consumesCounters: parts('80Gi', '7') ?? [] }),
    ...[0, 1, 2].map((part) => plain(`gpu-${index}-mig-${part}`, { attributes: { type: { string: 'mig' }, profile: { string: '3g.40gb' } }, consumesCounters: parts('40Gi', '3') ?? [] })),
  ];
};
const counters = (...indices: number[]): ResourceSlice => slice([], { pool: { name: 'n', generation: 1, resourceSliceCount: 2 }, sharedCounters: indices.map((index) => ({ name: `gpu-${index}`, counters: { memory: { value: '80Gi' }, slices: { value: '7' } } })) }, 'counters');

test('partitions share what their device has', () => {
  const inventory = inventoryOf(slice([...cuttable(0)], { pool: { name: 'n', generation: 1, resourceSliceCount: 2 } }), counters(0));
  const mig = { requests: [{ name: 'r', exactly: { deviceClassName: 'mig', count: 1 } }] };
  assert.deepEqual(give(inventory, mig), ['r=gpu-0-mig-0']);
  assert.deepEqual(give(inventory, mig), ['r=gpu-0-mig-1']);
  assert.equal(give(inventory, mig), 'no free device of class mig');
  assert.match(String(give(inventory, { requests: [one('r', { selectors: cel(`device.attributes['${DRIVER}'].type == 'gpu'`) })] })), /no free device/);
});

test('a pool counts when it is complete, and its newest generation alone', () => {
  const pool = { name: 'n', generation: 1, resourceSliceCount: 2 };
  const inventory = inventoryOf(slice([plain('a')], { pool }));
  assert.equal(give(inventory, { requests: [one('r')] }), 'no device of class any that matches');
  assert.deepEqual(inventory.faults(), ['pool n is not complete: 1 of 2 slices']);
  inventory.setSlice(slice([plain('b')], { pool }, 's2'));
  assert.deepEqual(give(inventory, { requests: [one('r', { count: 2 })] }), ['r=a', 'r=b']);
  inventory.setSlice(slice([plain('c')], { pool: { name: 'n', generation: 2, resourceSliceCount: 1 } }, 's3'));
  assert.deepEqual(inventory.devicesOf(NODE).map(({ name }) => name), ['c']);
  inventory.setSlice(slice([plain('c'), plain('c')], { pool: { name: 'n', generation: 3, resourceSliceCount: 1 } }, 's3'));
  assert.deepEqual(inventory.faults(), ['pool n names a device twice']);
});

test('shares: amounts by policy, until nothing is left', () => {
  const shared = plain('g', { allowMultipleAllocations: true, capacity: {
    memory: { value: '80Gi', requestPolicy: { default: '10Gi', validRange: { min: '4Gi', step: '4Gi', max: '40Gi' } } }, cores: { value: '100', requestPolicy: { default: '0', validValues: ['0', '25', '50', '100'] } },
  } });
  const inventory = inventoryOf(slice([shared]));
  const share = (requests: Record<string, string>): DeviceClaim => ({ requests: [one('r', { capacity: { requests } })] });
  const consumed = (devices: DeviceClaim): unknown => {
    const claim = claimOf(devices);
    const outcome = allocate([asksOfClaim(claim, inventory)], { node: NODE, inventory, usage: inventory.usage });
    const [choices] = outcome.ok ? outcome.allocation.values() : [];
    const [result] = choices === undefined ? [] : allocationResult(choices, { inventory, node: NODE, claim }).devices?.results ?? [];
    return result === undefined ? outcome.ok || outcome.reason : [/^[0-9a-f-]{36}$/.test(result.shareID ?? ''), result.consumedCapacity];
  };
  assert.deepEqual(consumed(share({})), [true, { memory: '10Gi', cores: '0' }]);
  assert.deepEqual(consumed(share({ memory: '9Gi', cores: '30' })), [true, { memory: '12Gi', cores: '50' }]);
  assert.equal(consumed(share({ memory: '41Gi' })), 'no free device of class any');
  assert.equal(consumed(share({ disk: '1' })), 'no device of class any that matches');
  assert.deepEqual(consumed(share({ memory: '40Gi', cores: '50' })), [true, { memory: '40Gi', cores: '50' }]);
  assert.equal(consumed(share({ memory: '4Gi', cores: '25' })), 'no free device of class any');
  assert.deepEqual(consumed(share({ memory: '4Gi' })), [true, { memory: '4Gi', cores: '0' }]);
});

test('what is not honoured is refused by name', () => {
  assert.equal(give(inventoryOf(slice([plain('g', { bindingConditions: ['ready'], bindingFailureConditions: ['broken'] })])), { requests: [one('r')] }),
    'device g has binding conditions (ready, broken), which are not waited for here');
  assert.match(String(give(inventoryOf(slice([plain('g', { nodeAllocatableResourceMappings: {} })])), { requests: [one('r')] })), /maps to resources of its node/);
});

test('the search is bounded, and says so', () => {
  const devices = Array.from({ length: 24 }, (_, index) => plain(`d${index}`, { attributes: { side: { int: index } } }));
  const hopeless: DeviceClaim = { requests: [one('r', { count: 11 }), one('q', { count: 11 }), one('z', { selectors: cel(`device.attributes['${DRIVER}'].side > 90`) })] };
  assert.equal(give(inventoryOf(slice(devices)), hopeless), `the search for devices was given up after ${MAX_STEPS} choices: ask for fewer devices or in fewer ways`);
});

test('devices of the network, where their selector reaches; configuration of class and claim', () => {
  const term = { matchExpressions: [{ key: 'zone', operator: 'In', values: ['a'] }] };
  const { nodeName: _, ...spec } = slice([plain('g')]).spec;
  const inventory = inventoryOf({ ...slice([]), spec: { ...spec, nodeSelector: { nodeSelectorTerms: [term] }, devices: [plain('g')] } });
  assert.deepEqual(inventory.devicesOf({ ...NODE, metadata: { name: 'm', labels: { zone: 'b' } } }), []);
  const claim = claimOf({ requests: [one('r')], config: [{ requests: ['r'], opaque: { driver: DRIVER, parameters: { from: 'claim' } } }, { requests: ['x'], opaque: { driver: DRIVER, parameters: 1 } }] });
  const outcome = allocate([asksOfClaim(claim, inventory)], { node: NODE, inventory, usage: inventory.usage });
  const [choices = []] = outcome.ok ? outcome.allocation.values() : [];
  const result = allocationResult(choices, { inventory, node: NODE, claim });
  assert.deepEqual(result.nodeSelector?.nodeSelectorTerms, [term]);
  assert.deepEqual(result.devices?.config?.map(({ source, opaque }) => [source, opaque?.parameters]), [['FromClass', { from: 'class' }], ['FromClaim', { from: 'claim' }]]);
});

test('what claims hold is counted again when devices come back', () => {
  const inventory = inventoryOf(slice([plain('a')]));
  const held: ResourceClaim = { ...claimOf({ requests: [one('r')] }), status: { allocation: { devices: { results: [{ request: 'r', driver: DRIVER, pool: 'n', device: 'a' }] } } } };
  inventory.setClaim(held);
  assert.match(String(give(inventory, { requests: [one('r')] })), /no free/);
  inventory.removeSlice(slice([plain('a')]));
  inventory.setSlice(slice([plain('a'), plain('b')]));
  assert.deepEqual(give(inventory, { requests: [one('r')] }), ['r=b']);
  inventory.removeClaim(`d/${held.metadata.name}`);
  assert.deepEqual(give(inventory, { requests: [one('r')] }), ['r=a']);
});
