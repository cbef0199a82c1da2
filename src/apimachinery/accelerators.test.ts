import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PodSpec } from '../kinds/generated/core.ts';
import { acceleratorConvention, acceleratorErrors, AcceleratorRequestError, acceleratorRequests, acceleratorUpdateErrors } from './accelerators.ts';

const pod = (limits: Record<string, string>, annotations: Record<string, string> = {}, spec: Partial<PodSpec> = {}) =>
  ({ metadata: { annotations }, spec: { containers: [{ name: 'c', resources: { limits } }], ...spec } });
const parts = (of: ReturnType<typeof pod>): unknown[] => acceleratorRequests(of).map(({ resource, count, part }) => [resource, count, part]);
const errors = (of: ReturnType<typeof pod>, prefix?: string): string[] => acceleratorErrors(of, prefix).map(({ field, detail }) => `${field}: ${detail}`);

test('reads every convention into one form', () => {
  assert.deepEqual(parts(pod({ cpu: '1' })), []);
  assert.deepEqual(parts(pod({ 'nvidia.com/gpu': '2' })), [['nvidia.com/gpu', 2, undefined]]);
  assert.deepEqual(parts(pod({ 'nvidia.com/mig-1g.10gb': '3' })), [['nvidia.com/mig-1g.10gb', 3, undefined]]);
  assert.deepEqual(parts(pod({ 'nvidia.com/gpu': '2', 'nvidia.com/gpumem': '4096', 'nvidia.com/gpucores': '30' })),
    [['nvidia.com/gpu', 2, { memoryMib: 4096, coreMilli: 300 }]]);
  assert.deepEqual(parts(pod({ 'nvidia.com/gpumem': '4096' })), [['nvidia.com/gpu', 1, { memoryMib: 4096, coreMilli: 0 }]]);
  assert.deepEqual(parts(pod({ 'nvidia.com/gpumem-percentage': '25' })), [['nvidia.com/gpu', 1, { memoryMilli: 250, coreMilli: 0 }]]);
  assert.deepEqual(parts(pod({ 'nvidia.com/gpucores': '50' })), [['nvidia.com/gpu', 1, { memoryMilli: 1000, coreMilli: 500 }]]);
  assert.deepEqual(parts(pod({}, { 'gpu-fraction': '0.5', 'gpu-fraction-num-devices': '2' })), [['nvidia.com/gpu', 2, { memoryMilli: 500, coreMilli: 500 }]]);
  assert.deepEqual(parts(pod({}, { 'gpu-memory': '2000' })), [['nvidia.com/gpu', 1, { memoryMib: 2000 }]]);
});

test('knows whose devices they are and which devices may serve', () => {
  const two = pod({}, { 'gpu-fraction': '.25', 'gpu-fraction-container-name': 'b', 'nvidia.com/use-gputype': 'A100, h100' }, { containers: [{ name: 'a' }, { name: 'b' }] });
  assert.deepEqual(acceleratorRequests(two).map(({ container, filter }) => [container, filter?.types]), [['b', ['A100', 'h100']]]);
  const init = pod({}, {}, { initContainers: [{ name: 'i', resources: { limits: { 'nvidia.com/gpu': '1' } } }, { name: 's', restartPolicy: 'Always', resources: { limits: { 'nvidia.com/gpu': '1' } } }] });
  assert.deepEqual(acceleratorRequests(init).map((one) => [one.container, one.init]), [['i', true], ['s', false]]);
});

test('refuses a mix, naming both fields', () => {
  assert.deepEqual(errors(pod({ 'nvidia.com/gpu': '1' }, { 'gpu-fraction': '0.5' })), [
    'metadata.annotations[gpu-fraction]: Forbidden: a pod asks for accelerators in one way: fractions of devices may not be asked for beside whole devices '
    + '(spec.containers[0].resources.limits[nvidia.com/gpu])']);
  assert.deepEqual(errors(pod({ 'nvidia.com/gpu': '1', 'nvidia.com/mig-1g.5gb': '1' }), 'spec.template.'), [
    'spec.template.spec.containers[0].resources.limits[nvidia.com/gpu]: Forbidden: a pod asks for accelerators in one way: whole devices may not be asked for beside '
    + 'partitions of devices (spec.template.spec.containers[0].resources.limits[nvidia.com/mig-1g.5gb])']);
  const claims = pod({ 'nvidia.com/gpumem': '1000' }, {}, { resourceClaims: [{ name: 'gpu', resourceClaimName: 'mine' }] });
  assert.equal(errors(claims).length, 1);
  assert.match(errors(claims)[0] ?? '', /^spec\.resourceClaims: Forbidden: .*parts of devices by memory and cores/);
  assert.throws(() => acceleratorRequests(claims), AcceleratorRequestError);
  const both = pod({ 'nvidia.com/gpu': '1' }, {}, { containers: [{ name: 'a', resources: { limits: { 'nvidia.com/gpu': '1' } } }, { name: 'b', resources: { limits: { 'nvidia.com/gpumem': '5' } } }] });
  assert.deepEqual(errors(both), []);
  assert.equal(acceleratorConvention(both), 'parts');
  assert.equal(acceleratorConvention(pod({})), undefined);
});

test('refuses what it cannot honour', () => {
  const bad: [ReturnType<typeof pod>, RegExp][] = [
    [pod({}, { 'gpu-fraction': '1.5' }), /gpu-fraction\]: Invalid value: "1\.5"/], [pod({}, { 'gpu-fraction': '0' }), /Invalid/], [pod({}, { 'gpu-fraction': 'NaN' }), /Invalid/],
    [pod({}, { 'gpu-fraction': '0.5', 'gpu-memory': '5' }), /gpu-memory\]: Forbidden/], [pod({}, { 'gpu-memory': '-5' }), /whole number of MiB/],
    [pod({}, { 'gpu-fraction': '0.5', 'gpu-fraction-num-devices': '0' }), /num-devices/], [pod({}, { 'gpu-fraction-num-devices': '2' }), /means nothing without/],
    [pod({}, { 'gpu-fraction': '0.5', 'gpu-fraction-container-name': 'x' }), /Not found: "x"/],
    [pod({ 'nvidia.com/gpucores': '101' }), /between 0 and 100/], [pod({ 'nvidia.com/gpumem': '5', 'nvidia.com/gpumem-percentage': '5' }), /may not be set beside nvidia.com\/gpumem/],
    [pod({ 'nvidia.com/gpu': '33' }), /at most 32 devices/], [pod({}, { 'nvidia.com/vgpu-mode': 'mig' }), /Unsupported value: "mig": supported values: "hami-core"/],
  ];
  for (const [one, expected] of bad) {
    assert.match(errors(one).join('\n'), expected);
  }
});

test('keeps what a pod with a node asked for', () => {
  const placed = (annotations: Record<string, string>) => pod({}, annotations, { nodeName: 'n' });
  assert.deepEqual(acceleratorUpdateErrors(placed({ 'gpu-fraction': '0.6', other: 'b' }), placed({ 'gpu-fraction': '0.5', other: 'a' })).map(({ field }) => field),
    ['metadata.annotations[gpu-fraction]']);
  assert.deepEqual(acceleratorUpdateErrors(pod({}, { 'gpu-fraction': '0.6' }), pod({}, { 'gpu-fraction': '0.5' })), []);
});
