import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Container, PersistentVolumeClaim, Pod, PodSpec, ResourceQuotaSpec, Service } from '../../kinds/generated/core.ts';
import { amountsOf, greatest, minus, plus, shown, textsOf } from './amounts.ts';
import { podAmounts } from './podamounts.ts';
import { inScope } from './scopes.ts';
import { countsFor, resourceCounted, unsaid, usageOf } from './usage.ts';

const PODS = { group: '', plural: 'pods' };
const NOW = Date.parse('2026-01-01T00:00:00Z');

const container = (name: string, requests: Record<string, string> = {}, limits: Record<string, string> = {}, rest: Partial<Container> = {}): Container =>
  ({ name, resources: { requests, limits }, ...rest });
const pod = (spec: PodSpec, status?: Pod['status'], metadata: Partial<Pod['metadata']> = {}): Pod =>
  ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', ...metadata }, spec, ...(status === undefined ? {} : { status }) });

describe('amounts', () => {
  it('are exact, and keep the format of the first that is not zero', () => {
    const [a, b] = [amountsOf({ cpu: '100m', memory: '1Gi' }), amountsOf({ cpu: '1', memory: '500M', pods: '2' })];
    assert.deepEqual(textsOf(plus(a, b)), { cpu: '1100m', memory: '1573741824', pods: '2' });
    assert.deepEqual(textsOf(minus(a, b)), { cpu: '-900m', memory: '573741824', pods: '-2' });
    assert.deepEqual(textsOf(greatest(a, b)), { cpu: '1', memory: '1Gi', pods: '2' });
    assert.equal(shown(a), 'cpu=100m,memory=1Gi');
  });
});

describe('a pod as a whole', () => {
  it('asks for its containers together, or for the greatest of its beginnings', () => {
    const spec: PodSpec = {
      containers: [container('a', { cpu: '1' }), container('b', { cpu: '500m', 'example.com/gpu': '1' })],
      initContainers: [container('big', { cpu: '3' }), container('side', { cpu: '250m' }, {}, { restartPolicy: 'Always' }), container('late', { cpu: '2' })],
      overhead: { cpu: '10m', memory: '5Mi' },
    };
    assert.deepEqual(textsOf(podAmounts({ spec }, 'requests')), { cpu: '3010m', 'example.com/gpu': '1', memory: '5Mi' });
    assert.deepEqual(textsOf(podAmounts({ spec: { ...spec, initContainers: [container('side', { cpu: '250m' }, {}, { restartPolicy: 'Always' })] } }, 'requests')),
      { cpu: '1760m', 'example.com/gpu': '1', memory: '5Mi' });
  });

  it('is limited by overhead only in what is limited, and by what is said of the whole', () => {
    const spec: PodSpec = { containers: [container('a', {}, { cpu: '1' })], overhead: { cpu: '10m', memory: '5Mi' } };
    assert.deepEqual(textsOf(podAmounts({ spec }, 'limits')), { cpu: '1010m' });
    assert.deepEqual(textsOf(podAmounts({ spec: { ...spec, overhead: {}, resources: { limits: { cpu: '4' } } } }, 'limits')), { cpu: '4' });
  });
});

describe('what counts', () => {
  const spec: PodSpec = { containers: [container('a', { cpu: '1', 'example.com/gpu': '2', 'hugepages-2Mi': '4Mi' }, { memory: '1Gi' })] };

  it('of a pod is what it asks for and may use, while it runs', () => {
    assert.deepEqual(textsOf(usageOf(PODS, pod(spec), NOW)), {
      'count/pods': '1', cpu: '1', 'hugepages-2Mi': '4Mi', 'limits.memory': '1Gi', pods: '1', 'requests.cpu': '1', 'requests.example.com/gpu': '2', 'requests.hugepages-2Mi': '4Mi',
    });
    assert.deepEqual(textsOf(usageOf(PODS, pod(spec, { phase: 'Failed' }), NOW)), { 'count/pods': '1' });
    const going = (deletionTimestamp: string): Pod => pod(spec, { phase: 'Running' }, { deletionTimestamp, deletionGracePeriodSeconds: 30 });
    assert.equal(textsOf(usageOf(PODS, going('2025-12-31T23:59:40Z'), NOW))['pods'], '1', 'it may still be running');
    assert.equal(textsOf(usageOf(PODS, going('2025-12-31T23:59:00Z'), NOW))['pods'], undefined, 'its node has been silent for longer than it had');
  });

  it('of services and claims are their ports, balancers, sizes and classes', () => {
    const service = (fields: Service['spec']): Service => ({ apiVersion: 'v1', kind: 'Service', metadata: { name: 's' }, spec: fields });
    const counts = (fields: Service['spec']): unknown => {
      const texts = textsOf(usageOf({ group: '', plural: 'services' }, service(fields), NOW));
      return [texts['services.nodeports'], texts['services.loadbalancers']];
    };
    const ports = [{ port: 1 }, { port: 2, nodePort: 30_001 }];
    assert.deepEqual(counts({ type: 'NodePort', ports }), ['2', '0']);
    assert.deepEqual(counts({ type: 'LoadBalancer', ports }), ['2', '1']);
    assert.deepEqual(counts({ type: 'LoadBalancer', ports, allocateLoadBalancerNodePorts: false }), ['1', '1']);
    assert.deepEqual(counts({ type: 'ClusterIP', ports: [{ port: 1 }] }), ['0', '0']);
    const claim: PersistentVolumeClaim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'c' }, spec: { storageClassName: 'gold', resources: { requests: { storage: '2Gi' } } } };
    assert.deepEqual(textsOf(usageOf({ group: '', plural: 'persistentvolumeclaims' }, claim, NOW)), {
      'count/persistentvolumeclaims': '1', 'gold.storageclass.storage.k8s.io/persistentvolumeclaims': '1', 'gold.storageclass.storage.k8s.io/requests.storage': '2Gi',
      persistentvolumeclaims: '1', 'requests.storage': '2Gi',
    });
  });

  it('is found by name, custom resources included', () => {
    assert.deepEqual(resourceCounted('count/widgets.example.com'), { group: 'example.com', plural: 'widgets' });
    assert.deepEqual(resourceCounted('requests.example.com/gpu'), PODS);
    assert.deepEqual(resourceCounted('requests.storage'), { group: '', plural: 'persistentvolumeclaims' });
    assert.deepEqual(resourceCounted('secrets'), { group: '', plural: 'secrets' });
    assert.equal(resourceCounted('deployments'), undefined);
    assert.equal(countsFor(PODS, 'requests.storage'), false);
    assert.equal(countsFor({ group: 'apps', plural: 'deployments' }, 'count/deployments.apps'), true);
  });

  it('must be said where it is limited', () => {
    const half = pod({ containers: [container('b'), container('a', { cpu: '1' })], initContainers: [container('i')] });
    assert.equal(unsaid(half, ['requests.cpu', 'limits.memory', 'pods']), 'must specify limits.memory for: a,b,i; requests.cpu for: b,i');
    assert.equal(unsaid(half, ['pods', 'requests.example.com/gpu']), undefined);
  });
});

describe('scopes', () => {
  const within = (quota: ResourceQuotaSpec, spec: Partial<PodSpec>): boolean => inScope(quota, pod({ containers: [container('a')], ...spec }));
  const byClass = (operator: string, values?: string[]): ResourceQuotaSpec =>
    ({ scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator, ...(values === undefined ? {} : { values }) }] } });

  it('tell pods by how they end, what they ask for, their class and whom they keep to', () => {
    assert.equal(within({ scopes: ['Terminating'] }, { activeDeadlineSeconds: 5 }), true);
    assert.equal(within({ scopes: ['NotTerminating'] }, { activeDeadlineSeconds: 5 }), false);
    assert.equal(within({ scopes: ['BestEffort'] }, {}), true);
    assert.equal(within({ scopes: ['BestEffort'] }, { containers: [container('a', { cpu: '0' })] }), true, 'nothing is nothing');
    assert.equal(within({ scopes: ['NotBestEffort'] }, { containers: [container('a', {}, { memory: '1' })] }), true);
    assert.equal(within({ scopes: ['BestEffort', 'Terminating'] }, {}), false, 'all of them must hold');
    assert.equal(within(byClass('In', ['high']), { priorityClassName: 'high' }), true);
    assert.equal(within(byClass('NotIn', ['high']), { priorityClassName: 'high' }), false);
    assert.equal(within(byClass('Exists'), {}), false);
    assert.equal(within(byClass('DoesNotExist'), {}), true);
    const term = { topologyKey: 'zone' };
    const near = (extra: Record<string, unknown>): Partial<PodSpec> => ({ affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ ...term, ...extra }] } } });
    assert.equal(within({ scopes: ['CrossNamespacePodAffinity'] }, near({})), false);
    assert.equal(within({ scopes: ['CrossNamespacePodAffinity'] }, near({ namespaces: ['other'] })), true);
    assert.equal(within({ scopes: ['CrossNamespacePodAffinity'] }, near({ namespaceSelector: {} })), true);
  });

  it('of volume attributes are for claims alone', () => {
    const quota: ResourceQuotaSpec = { scopeSelector: { matchExpressions: [{ scopeName: 'VolumeAttributesClass', operator: 'In', values: ['fast'] }] } };
    const claim: PersistentVolumeClaim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'c' }, spec: { volumeAttributesClassName: 'fast' } };
    assert.equal(inScope(quota, claim), true);
    assert.equal(within(quota, {}), false);
    assert.equal(inScope({ scopes: ['BestEffort'] }, claim), false);
  });
});
