/**
 * Preemption by priority as Kubernetes does it: on which node the fewest and least important pods would have to go for one that fits nowhere,
 * disruption budgets respected where possible.
 */
import { matchesLabels, selectorFromObject } from '../apimachinery/selectors.ts';
import type { Pod } from '../kinds/generated/core.ts';
import type { PodDisruptionBudget } from '../kinds/generated/policy.ts';
import type { NodeInfo, PlacedPod } from './nodeinfo.ts';

/** Nodes looked at for one pod: enough to choose well, few enough to be quick. */
const MAX_NODES = 100;

export interface PreemptionWorld {
  /** Nodes where room could be made: the pod is welcome there. */
  readonly nodes: readonly NodeInfo[];
  readonly priorityOf: (pod: Pod) => number;
  readonly budgets: readonly PodDisruptionBudget[];
  /** Whether the pod fits on a node as it is just now. */
  readonly fits: (info: NodeInfo) => boolean;
  /** Takes a pod and what it holds off its node until the answer is called. */
  readonly without: (info: NodeInfo, placed: PlacedPod) => () => void;
}

export interface Preemption {
  readonly info: NodeInfo;
  /** The most important first. */
  readonly victims: readonly PlacedPod[];
  /** Victims whose budgets allow no disruption. */
  readonly violations: number;
}

const startOf = ({ status, metadata }: Pod): string => status?.startTime ?? metadata.creationTimestamp ?? '';

/** Pods whose disruption the budgets do not allow any more, those before them having gone. */
function violating(pods: readonly PlacedPod[], budgets: readonly PodDisruptionBudget[]): Set<PlacedPod> {
  const left = budgets.map(({ status }) => status?.disruptionsAllowed ?? 0);
  return new Set(pods.filter(({ pod }) => {
    let violates = false;
    budgets.forEach(({ metadata, spec, status }, index) => {
      const covers = metadata.namespace === pod.metadata.namespace && spec.selector !== undefined && pod.metadata.labels !== undefined
        && matchesLabels(selectorFromObject(spec.selector), pod.metadata.labels);
      if (covers && status?.disruptedPods?.[pod.metadata.name] === undefined) {
        left[index] = (left[index] ?? 0) - 1;
        violates ||= (left[index] ?? 0) < 0;
      }
    });
    return violates;
  }));
}

/** The victims on one node; undefined when the pod would not even fit without all that are less important. */
function victimsOn(info: NodeInfo, priority: number, world: PreemptionWorld): Preemption | undefined {
  const lower = [...info.pods.values()].filter(({ pod }) => world.priorityOf(pod) < priority)
    .sort((a, b) => world.priorityOf(b.pod) - world.priorityOf(a.pod) || startOf(a.pod).localeCompare(startOf(b.pod)));
  if (lower.length === 0) {
    return undefined;
  }
  const restore = new Map(lower.map((placed) => [placed, world.without(info, placed)]));
  try {
    if (!world.fits(info)) {
      return undefined;
    }
    const protectedOnes = violating(lower, world.budgets);
    // As many as possible stay: first those whose budgets would be violated, then the more important.
    for (const placed of [...lower.filter((one) => protectedOnes.has(one)), ...lower.filter((one) => !protectedOnes.has(one))]) {
      restore.get(placed)?.();
      if (world.fits(info)) {
        restore.delete(placed);
      } else {
        restore.set(placed, world.without(info, placed));
      }
    }
    const victims = lower.filter((one) => restore.has(one));
    return { info, victims, violations: victims.filter((one) => protectedOnes.has(one)).length };
  } finally {
    restore.forEach((put) => { put(); });
  }
}

/** Which node, by Kubernetes' order: fewest violations, least important victim, least importance in all, fewest victims, the youngest. */
function better(a: Preemption, b: Preemption, priorityOf: (pod: Pod) => number): boolean {
  const highest = ({ victims: [first] }: Preemption): number => (first === undefined ? Number.NEGATIVE_INFINITY : priorityOf(first.pod));
  // Shifted so that many unimportant pods never count for less than few.
  const sum = ({ victims }: Preemption): number => victims.reduce((total, { pod }) => total + priorityOf(pod) + 2 ** 31, 0);
  const youngest = ({ victims: [first] }: Preemption): string => (first === undefined ? '' : startOf(first.pod));
  for (const order of [a.violations - b.violations, highest(a) - highest(b), sum(a) - sum(b), a.victims.length - b.victims.length]) {
    if (order !== 0) {
      return order < 0;
    }
  }
  return youngest(a) > youngest(b);
}

/** Where to make room for a pod of that priority; undefined when nothing helps. The world is as before afterwards. */
export function choosePreemption(priority: number, world: PreemptionWorld): Preemption | undefined {
  let best: Preemption | undefined;
  let looked = 0;
  for (const info of world.nodes) {
    const found = victimsOn(info, priority, world);
    if (found !== undefined && (best === undefined || better(found, best, world.priorityOf))) {
      best = found;
    }
    looked += found === undefined ? 0 : 1;
    if (looked >= MAX_NODES) {
      break;
    }
  }
  return best;
}
