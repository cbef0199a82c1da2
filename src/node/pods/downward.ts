/** Fields of a pod and resources of its containers as text, for environment variables and downwardAPI files. */
import type { Container, ObjectFieldSelector, Pod, PodSpec, ResourceFieldSelector } from '../../kinds/generated/core.ts';
import { parseQuantity, quantityToNumber } from '../../apimachinery/quantity.ts';

/** What the node knows of a pod beyond its object. */
export interface PodAddresses {
  podIp: string;
  hostIp: string;
  nodeName: string;
}

/** Capacity used where a container has no limit, as Kubernetes does. */
export interface NodeAllocatable {
  /** Cores. */
  cpu: number;
  /** Bytes. */
  memory: number;
}

/** `key="escaped value"` lines, sorted, as the kubelet writes labels and annotations. */
function formatMap(map: Record<string, string> | undefined): string {
  return Object.keys(map ?? {}).sort().map((key) => `${key}=${JSON.stringify(map?.[key] ?? '')}`).join('\n');
}

const SUBSCRIPT = /^(metadata\.(?:labels|annotations))\['(.+)'\]$/;

const FIELDS: Readonly<Record<string, (pod: Pod, addresses: PodAddresses) => string>> = {
  'metadata.name': (pod) => pod.metadata.name,
  'metadata.namespace': (pod) => pod.metadata.namespace ?? '',
  'metadata.uid': (pod) => pod.metadata.uid ?? '',
  'metadata.labels': (pod) => formatMap(pod.metadata.labels),
  'metadata.annotations': (pod) => formatMap(pod.metadata.annotations),
  'spec.nodeName': (_pod, addresses) => addresses.nodeName,
  'spec.serviceAccountName': (pod) => pod.spec?.serviceAccountName ?? '',
  'status.hostIP': (_pod, addresses) => addresses.hostIp,
  'status.hostIPs': (_pod, addresses) => addresses.hostIp,
  'status.podIP': (_pod, addresses) => addresses.podIp,
  'status.podIPs': (_pod, addresses) => addresses.podIp,
};

/** Undefined for a path that Kubernetes does not know. */
export function fieldValue(pod: Pod, selector: ObjectFieldSelector, addresses: PodAddresses): string | undefined {
  const subscript = SUBSCRIPT.exec(selector.fieldPath);
  if (subscript?.[1] !== undefined && subscript[2] !== undefined) {
    const map = subscript[1] === 'metadata.labels' ? pod.metadata.labels : pod.metadata.annotations;
    return map?.[subscript[2]] ?? '';
  }
  return Object.hasOwn(FIELDS, selector.fieldPath) ? FIELDS[selector.fieldPath]?.(pod, addresses) : undefined;
}

/** Whole units of the divisor, rounded up. */
function divide(quantity: string, divisor: string | undefined, cpu: boolean): string {
  const unit = divisor === undefined || divisor === '' || divisor === '0' ? '1' : divisor;
  parseQuantity(quantity);
  const amount = quantityToNumber(quantity) / quantityToNumber(unit);
  // Binary fractions of decimal amounts (0.1 + 0.2) must not add a unit.
  return String(cpu || !Number.isInteger(amount) ? Math.ceil(Number(amount.toFixed(9))) : amount);
}

const findContainer = (spec: PodSpec | undefined, name: string): Container | undefined =>
  [...spec?.containers ?? [], ...spec?.initContainers ?? []].find((container) => container.name === name);

/** Undefined when the container or the resource is unknown. `own` is the container that asks. */
export function resourceValue(
  pod: Pod, selector: ResourceFieldSelector, own: Container | undefined, allocatable: NodeAllocatable,
): string | undefined {
  const container = selector.containerName === undefined || selector.containerName === '' ? own : findContainer(pod.spec, selector.containerName);
  const match = /^(limits|requests)\.(.+)$/.exec(selector.resource);
  if (container === undefined || match === null) {
    return undefined;
  }
  const [, list, name = ''] = match;
  const { limits, requests } = container.resources ?? {};
  const whole: Record<string, string> = { cpu: String(allocatable.cpu), memory: String(allocatable.memory), 'ephemeral-storage': '0' };
  const amount = list === 'limits' ? limits?.[name] ?? whole[name] : requests?.[name] ?? limits?.[name] ?? '0';
  return amount === undefined ? undefined : divide(amount, selector.divisor, name === 'cpu');
}
