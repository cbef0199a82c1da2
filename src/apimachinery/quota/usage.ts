/**
 * What an object counts for in a ResourceQuota, by the kind it is of: k8s.io/kubernetes/pkg/quota/v1/evaluator/core. Pure, so that
 * admission and the controller that reports usage count alike.
 */
import type { Container, PersistentVolumeClaim, Pod, Service } from '../../kinds/generated/core.ts';
import type { KubeObject } from '../object.ts';
import { amountOf, amountsOf, ONE, plus, whole, type Amounts } from './amounts.ts';
import { podAmounts } from './podamounts.ts';

/** A resource by group (`''` for core) and plural. */
export interface GroupResource {
  readonly group: string;
  readonly plural: string;
}

/** Core resources that may be counted by their bare name as well as by `count/<name>`. */
const BARE_COUNTS = new Set(['configmaps', 'persistentvolumeclaims', 'pods', 'replicationcontrollers', 'resourcequotas', 'secrets', 'services']);
const COMPUTE = ['cpu', 'memory', 'ephemeral-storage'] as const;
const POD_NAMES = new Set(['pods', 'count/pods', ...COMPUTE, ...COMPUTE.map((name) => `requests.${name}`), ...COMPUTE.map((name) => `limits.${name}`)]);
const REQUESTS = 'requests.';
const HUGE_PAGES = 'hugepages-';
const CLASS_STORAGE = '.storageclass.storage.k8s.io/requests.storage';
const CLASS_CLAIMS = '.storageclass.storage.k8s.io/persistentvolumeclaims';

/** `count/deployments.apps`, `count/pods`. */
export const countName = ({ group, plural }: GroupResource): string => `count/${plural}${group === '' ? '' : `.${group}`}`;

const isCore = (resource: GroupResource, plural: string): boolean => resource.group === '' && resource.plural === plural;

/** Extended resources are quota'd by their requests alone. */
const isExtendedRequest = (name: string): boolean =>
  name.startsWith(REQUESTS) && name.includes('/') && !name.slice(REQUESTS.length).split('/', 1).some((domain) => domain.endsWith('kubernetes.io'));

/** Whether objects of a resource count for a name in `spec.hard`. */
export function countsFor(resource: GroupResource, name: string): boolean {
  if (name === countName(resource) || (resource.group === '' && name === resource.plural && BARE_COUNTS.has(name))) {
    return true;
  }
  if (isCore(resource, 'pods')) {
    return POD_NAMES.has(name) || name.startsWith(HUGE_PAGES) || name.startsWith(REQUESTS + HUGE_PAGES) || isExtendedRequest(name);
  }
  if (isCore(resource, 'persistentvolumeclaims')) {
    return name === 'requests.storage' || name.endsWith(CLASS_STORAGE) || name.endsWith(CLASS_CLAIMS);
  }
  return isCore(resource, 'services') && (name === 'services.loadbalancers' || name === 'services.nodeports');
}

/** The resource whose objects count for a name; undefined for a name that means nothing. */
export function resourceCounted(name: string): GroupResource | undefined {
  if (name.startsWith('count/')) {
    const [plural = '', ...group] = name.slice('count/'.length).split('.');
    return plural === '' ? undefined : { plural, group: group.join('.') };
  }
  const core = ['pods', 'persistentvolumeclaims', 'services'].map((plural): GroupResource => ({ group: '', plural }))
    .find((resource) => countsFor(resource, name));
  return core ?? (BARE_COUNTS.has(name) ? { group: '', plural: name } : undefined);
}

/** A pod that has ended, or that should be gone by now, holds nothing any more. `now` in milliseconds. */
export function holdsResources(pod: Pod, now: number): boolean {
  const phase = pod.status?.phase;
  if (phase === 'Succeeded' || phase === 'Failed') {
    return false;
  }
  const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata;
  return deletionTimestamp === undefined || deletionGracePeriodSeconds === undefined
    || now <= Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1000;
}

function podUsage(pod: Pod, now: number): Amounts {
  if (!holdsResources(pod, now)) {
    return { 'count/pods': ONE };
  }
  const usage: Record<string, ReturnType<typeof whole>> = { 'count/pods': ONE, pods: ONE };
  for (const [name, amount] of Object.entries(podAmounts(pod, 'requests'))) {
    if (COMPUTE.some((one) => one === name) || name.startsWith(HUGE_PAGES)) {
      usage[name] = amount;
    }
    usage[REQUESTS + name] = amount;
  }
  const limits = podAmounts(pod, 'limits');
  for (const name of COMPUTE) {
    if (Object.hasOwn(limits, name)) {
      usage[`limits.${name}`] = amountOf(limits, name);
    }
  }
  return usage;
}

const CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class';

function claimUsage(claim: PersistentVolumeClaim): Amounts {
  const usage: Record<string, ReturnType<typeof whole>> = { 'count/persistentvolumeclaims': ONE, persistentvolumeclaims: ONE };
  const className = claim.metadata.annotations?.[CLASS_ANNOTATION] ?? claim.spec.storageClassName ?? '';
  if (className !== '') {
    usage[className + CLASS_CLAIMS] = ONE;
  }
  const { storage } = amountsOf(claim.spec.resources?.requests);
  if (storage !== undefined) {
    usage['requests.storage'] = storage;
    if (className !== '') {
      usage[className + CLASS_STORAGE] = storage;
    }
  }
  return usage;
}

function serviceUsage(service: Service): Amounts {
  const { type, ports = [], allocateLoadBalancerNodePorts } = service.spec;
  const nodePorts = type === 'NodePort' || (type === 'LoadBalancer' && allocateLoadBalancerNodePorts !== false) ? ports.length
    : ports.filter(({ nodePort }) => nodePort !== undefined && nodePort !== 0).length;
  return {
    'count/services': ONE, services: ONE,
    'services.nodeports': whole(type === 'NodePort' || type === 'LoadBalancer' ? nodePorts : 0),
    'services.loadbalancers': whole(type === 'LoadBalancer' ? 1 : 0),
  };
}

/** Objects of kinds whose usage is more than a count. What is passed has been decoded against its kind. */
export type Countable = KubeObject | Pod | Service | PersistentVolumeClaim;

const isPod = (object: Countable): object is Pod => object.apiVersion === 'v1' && object.kind === 'Pod';
const isClaim = (object: Countable): object is PersistentVolumeClaim => object.apiVersion === 'v1' && object.kind === 'PersistentVolumeClaim';
const isService = (object: Countable): object is Service => object.apiVersion === 'v1' && object.kind === 'Service';

/** What one object counts for, by the names of `spec.hard`. `now` in milliseconds. */
export function usageOf(resource: GroupResource, object: Countable, now: number): Amounts {
  if (isPod(object)) {
    return podUsage(object, now);
  }
  if (isClaim(object)) {
    return claimUsage(object);
  }
  if (isService(object)) {
    return serviceUsage(object);
  }
  const count = { [countName(resource)]: ONE };
  return resource.group === '' && BARE_COUNTS.has(resource.plural) ? plus(count, { [resource.plural]: ONE }) : count;
}

/** Each container must say how much of these it wants where a quota limits them: without that nothing could be counted. */
const MUST_BE_SAID = ['cpu', 'limits.cpu', 'limits.memory', 'memory', 'requests.cpu', 'requests.memory'];

function says(container: Container, name: string): boolean {
  const { requests = {}, limits = {} } = container.resources ?? {};
  const [side, resource] = name.startsWith('limits.') ? [limits, name.slice('limits.'.length)] as const
    : [requests, name.startsWith(REQUESTS) ? name.slice(REQUESTS.length) : name] as const;
  return Object.hasOwn(side, resource);
}

/** `must specify limits.cpu for: a,b; memory for: a` when containers leave out what the quota limits; undefined when nothing is missing. */
export function unsaid(pod: Pod, hard: Iterable<string>): string | undefined {
  const limited = new Set(hard);
  const containers = [...pod.spec.containers ?? [], ...pod.spec.initContainers ?? []];
  const missing = MUST_BE_SAID.filter((name) => limited.has(name)).flatMap((name) => {
    const silent = [...new Set(containers.filter((container) => !says(container, name)).map((container) => container.name))].sort();
    return silent.length === 0 ? [] : [`${name} for: ${silent.join(',')}`];
  });
  return missing.length === 0 ? undefined : `must specify ${missing.join('; ')}`;
}
