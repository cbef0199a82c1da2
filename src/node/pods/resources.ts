/** CPU and memory of containers as cgroup values, and the pod's quality of service. */
import { quantityToMilli, quantityToNumber } from '../../apimachinery/quantity.ts';
import type { Container, Pod } from '../../kinds/generated/core.ts';
import type { ResourceLimits } from '../podman/spec.ts';

/** Microseconds over which the CPU quota is counted. */
const CPU_PERIOD = 100_000;
const MIN_QUOTA = 1_000;
const SHARES_PER_CORE = 1024;
const MIN_SHARES = 2;
const MAX_SHARES = 262_144;
/** The smallest memory limit with which a container's own processes can start; below it runc itself is killed. */
const MIN_MEMORY_BYTES = 6 * 1024 * 1024;

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

const limitOf = (container: Container, name: string): string | undefined => container.resources?.limits?.[name];
/** A request that is not given is its limit. */
const requestOf = (container: Container, name: string): string | undefined => container.resources?.requests?.[name] ?? limitOf(container, name);

function isZero(quantity: string | undefined): boolean {
  return quantity === undefined || quantityToNumber(quantity) === 0;
}

export function qosClass(pod: Pod): QosClass {
  const containers = [...pod.spec?.containers ?? [], ...pod.spec?.initContainers ?? []];
  let some = false;
  let guaranteed = true;
  for (const container of containers) {
    for (const name of ['cpu', 'memory']) {
      const [limit, request] = [limitOf(container, name), requestOf(container, name)];
      some ||= !isZero(limit) || !isZero(request);
      guaranteed &&= limit !== undefined && !isZero(limit) && request !== undefined && quantityToNumber(limit) === quantityToNumber(request);
    }
  }
  return !some ? 'BestEffort' : guaranteed ? 'Guaranteed' : 'Burstable';
}

export function cpuShares(milli: number): number {
  return Math.min(MAX_SHARES, Math.max(MIN_SHARES, Math.floor(milli * SHARES_PER_CORE / 1000)));
}

/** Milli-cores that the pod's containers ask for together; init containers run before the others. */
export function podCpuRequest(pod: Pod): number {
  const of = (container: Container): number => quantityToMilli(requestOf(container, 'cpu') ?? '0');
  const initContainers = pod.spec?.initContainers ?? [];
  const sidecars = initContainers.filter((container) => container.restartPolicy === 'Always').reduce((sum, one) => sum + of(one), 0);
  const app = (pod.spec?.containers ?? []).reduce((sum, container) => sum + of(container), 0);
  return Math.max(app + sidecars, ...initContainers.map(of));
}

export interface LimitOptions {
  /** Bytes above the spec's limit. */
  extraMemory: number;
  pidsLimit: number;
}

export function resourceLimits(container: Container, options: LimitOptions): ResourceLimits {
  const cpuLimit = limitOf(container, 'cpu');
  const memoryLimit = limitOf(container, 'memory');
  const request = requestOf(container, 'cpu');
  const memory = memoryLimit === undefined || isZero(memoryLimit) ? undefined
    : Math.max(MIN_MEMORY_BYTES, Math.floor(quantityToNumber(memoryLimit)) + options.extraMemory);
  return {
    cpu: {
      shares: cpuShares(request === undefined ? 0 : quantityToMilli(request)),
      ...(cpuLimit === undefined || isZero(cpuLimit) ? {}
        : { period: CPU_PERIOD, quota: Math.max(MIN_QUOTA, Math.round(quantityToMilli(cpuLimit) * CPU_PERIOD / 1000)) }),
    },
    // Swap equal to memory means none: a limit that swapping gets round holds nothing.
    ...(memory === undefined ? {} : { memory: { limit: memory, swap: memory } }),
    pids: { limit: options.pidsLimit },
  };
}

/** The kernel's preference when memory runs out, as the kubelet sets it. */
export function oomScore(pod: Pod, container: Container, capacityBytes: number): number {
  const qos = qosClass(pod);
  if (qos !== 'Burstable') {
    return qos === 'Guaranteed' ? -997 : 1000;
  }
  const request = quantityToNumber(requestOf(container, 'memory') ?? '0');
  const score = 1000 - Math.floor(1000 * request / capacityBytes);
  return Math.min(999, Math.max(3, score));
}
