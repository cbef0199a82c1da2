/** LimitRange: what containers, pods and claims of a namespace ask for when they do not say, and the least and most they may. */
import type { KubeObject } from '../../apimachinery/object.ts';
import { formatQuantity, parseQuantity, type Quantity } from '../../apimachinery/quantity.ts';
import { amountsOf, type Amounts } from '../../apimachinery/quota/amounts.ts';
import { podAmounts } from '../../apimachinery/quota/podamounts.ts';
import { forbidden } from '../../apimachinery/status.ts';
import type { Container, LimitRangeItem, PersistentVolumeClaim, Pod } from '../../kinds/generated/core.ts';
import { typed } from '../../kinds/typed.ts';
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts';

const ANNOTATION = 'kubernetes.io/limit-ranger';

/** Requests and limits of the thing that is checked. */
interface Resources {
  readonly requests: Amounts;
  readonly limits: Amounts;
}

const textOf = (quantity: Quantity): string => formatQuantity(quantity);

function minErrors(type: string, name: string, least: Quantity, { requests, limits }: Resources): string[] {
  const [request, limit] = [requests[name], limits[name]];
  const rule = `minimum ${name} usage per ${type} is ${textOf(least)}`;
  if (request === undefined) {
    return [`${rule}.  No request is specified`];
  }
  if (request.nanos < least.nanos) {
    return [`${rule}, but request is ${textOf(request)}`];
  }
  return limit !== undefined && limit.nanos < least.nanos ? [`${rule}, but limit is ${textOf(limit)}`] : [];
}

function maxErrors(type: string, name: string, most: Quantity, { requests, limits }: Resources): string[] {
  const [request, limit] = [requests[name], limits[name]];
  const rule = `maximum ${name} usage per ${type} is ${textOf(most)}`;
  if (limit === undefined) {
    return [`${rule}.  No limit is specified`];
  }
  if (limit.nanos > most.nanos) {
    return [`${rule}, but limit is ${textOf(limit)}`];
  }
  return request !== undefined && request.nanos > most.nanos ? [`${rule}, but request is ${textOf(request)}`] : [];
}

/** Claims have requests alone. */
function maxRequestErrors(type: string, name: string, most: Quantity, requests: Amounts): string[] {
  const request = requests[name];
  const rule = `maximum ${name} usage per ${type} is ${textOf(most)}`;
  if (request === undefined) {
    return [`${rule}.  No request is specified`];
  }
  return request.nanos > most.nanos ? [`${rule}, but request is ${textOf(request)}`] : [];
}

function ratioErrors(type: string, name: string, most: Quantity, { requests, limits }: Resources): string[] {
  const [request, limit] = [requests[name], limits[name]];
  const rule = `${name} max limit to request ratio per ${type} is ${textOf(most)}`;
  if (request === undefined || request.nanos === 0n) {
    return [`${rule}, but no request is specified or request is 0`];
  }
  if (limit === undefined || limit.nanos === 0n) {
    return [`${rule}, but no limit is specified or limit is 0`];
  }
  // limit / request > most, without dividing: all three are in thousand-millionths.
  return limit.nanos * 1_000_000_000n > most.nanos * request.nanos
    ? [`${rule}, but provided ratio is ${(Number(limit.nanos) / Number(request.nanos)).toFixed(6)}`] : [];
}

type Check = (type: string, name: string, bound: Quantity, resources: Resources) => string[];

function boundErrors(type: string, bounds: Readonly<Record<string, string>> | undefined, resources: Resources, check: Check): string[] {
  return Object.entries(bounds ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([name, text]) => check(type, name, parseQuantity(text), resources));
}

const itemErrors = ({ type, min, max, maxLimitRequestRatio }: LimitRangeItem, resources: Resources): string[] => [
  ...boundErrors(type, min, resources, minErrors), ...boundErrors(type, max, resources, maxErrors),
  ...boundErrors(type, maxLimitRequestRatio, resources, ratioErrors),
];

const containerResources = ({ resources }: Container): Resources => ({ requests: amountsOf(resources?.requests), limits: amountsOf(resources?.limits) });

function podErrors(items: readonly LimitRangeItem[], pod: Pod): string[] {
  return items.flatMap((item) => {
    switch (item.type) {
      case 'Container':
        return [...pod.spec.containers, ...pod.spec.initContainers ?? []].flatMap((container) => itemErrors(item, containerResources(container)));
      case 'Pod': return itemErrors(item, { requests: podAmounts(pod, 'requests'), limits: podAmounts(pod, 'limits') });
      default: return [];
    }
  });
}

function claimErrors(items: readonly LimitRangeItem[], claim: PersistentVolumeClaim): string[] {
  const requests = amountsOf(claim.spec.resources?.requests);
  return items.filter(({ type }) => type === 'PersistentVolumeClaim').flatMap(({ type, min, max }) => [
    ...boundErrors(type, min, { requests, limits: {} }, minErrors),
    ...boundErrors(type, max, { requests, limits: {} }, (of, name, most) => maxRequestErrors(of, name, most, requests)),
  ]);
}

/** Gives a container what it does not say; the sentences that tell of it. */
function fill(container: Container, what: string, defaults: Required<Pick<LimitRangeItem, 'default' | 'defaultRequest'>>): string[] {
  const told: string[] = [];
  const resources = { ...container.resources };
  for (const [side, from] of [['requests', defaults.defaultRequest], ['limits', defaults.default]] as const) {
    const missing = Object.keys(from).filter((name) => !Object.hasOwn(resources[side] ?? {}, name)).sort();
    if (missing.length > 0) {
      resources[side] = { ...resources[side], ...Object.fromEntries(missing.map((name) => [name, from[name] ?? '0'])) };
      told.push(`${missing.join(', ')} ${side.slice(0, -1)} for ${what} ${container.name}`);
    }
  }
  if (told.length > 0) {
    container.resources = resources;
  }
  return told;
}

function fillPod(items: readonly LimitRangeItem[], pod: Pod): void {
  const own = items.filter(({ type }) => type === 'Container');
  const defaults = {
    default: Object.fromEntries(own.flatMap((item) => Object.entries(item.default ?? {}))),
    defaultRequest: Object.fromEntries(own.flatMap((item) => Object.entries(item.defaultRequest ?? {}))),
  };
  const told = [
    ...pod.spec.containers.flatMap((container) => fill(container, 'container', defaults)),
    ...(pod.spec.initContainers ?? []).flatMap((container) => fill(container, 'init container', defaults)),
  ];
  if (told.length > 0) {
    pod.metadata.annotations = { ...pod.metadata.annotations, [ANNOTATION]: `LimitRanger plugin set: ${told.join('; ')}` };
  }
}

type Subject = 'pods' | 'persistentvolumeclaims';

/** Pods are looked at when they are made or resized, claims at every write. */
function subjectOf({ operation, kind, subresource, object }: AdmissionRequest): Subject | undefined {
  if (kind.group !== '' || object === undefined || object.metadata.deletionTimestamp !== undefined) {
    return undefined;
  }
  if (kind.plural === 'pods') {
    return (operation === 'CREATE' && subresource === '') || (operation === 'UPDATE' && subresource === 'resize') ? 'pods' : undefined;
  }
  return kind.plural === 'persistentvolumeclaims' && subresource === '' && (operation === 'CREATE' || operation === 'UPDATE') ? kind.plural : undefined;
}

/** `rangesOf` gives the LimitRanges of a namespace. */
export function limitRanger(rangesOf: (namespace: string) => readonly KubeObject[]): AdmissionPlugin {
  const itemsFor = (request: AdmissionRequest): LimitRangeItem[] =>
    rangesOf(request.namespace).flatMap((range) => typed('v1 LimitRange', range).spec.limits ?? []);
  return {
    name: 'LimitRanger',
    admit(request): void {
      const { object } = request;
      if (object === undefined || subjectOf(request) !== 'pods') {
        return;
      }
      const items = itemsFor(request);
      if (items.length > 0) {
        fillPod(items, typed('v1 Pod', object));
      }
    },
    validate(request): void {
      const subject = subjectOf(request);
      const { object } = request;
      if (subject === undefined || object === undefined) {
        return;
      }
      const items = itemsFor(request);
      if (items.length === 0) {
        return;
      }
      const errors = [...new Set(subject === 'pods' ? podErrors(items, typed('v1 Pod', object)) : claimErrors(items, typed('v1 PersistentVolumeClaim', object)))];
      if (errors.length > 0) {
        throw forbidden({ group: '', resource: subject, name: request.name }, errors.length === 1 ? errors.join('') : `[${errors.join(', ')}]`);
      }
    },
  };
}
