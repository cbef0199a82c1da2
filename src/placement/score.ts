/** Scores: of the nodes that can take a pod, which should. Each score is 0–100 before its weight. */
import { controllerOf } from '../apimachinery/object.ts';
import { interPodPreference, spreadCounts, type Cluster } from './interpod.ts';
import { matchesTerm, untolerated } from './nodeaffinity.ts';
import type { NodeInfo, PlacedPod } from './nodeinfo.ts';

type Score = (info: NodeInfo) => number;

const MAX = 100;

/** Spreads raw numbers over 0–100; `reverse` when fewer is better. All equal: all the same. */
function normalized(nodes: readonly NodeInfo[], raw: Score, reverse = false): Score {
  const values = new Map(nodes.map((info) => [info, raw(info)]));
  const [low, high] = [Math.min(...values.values()), Math.max(...values.values())];
  return (info) => {
    const value = values.get(info) ?? low;
    const share = high === low ? 0 : (MAX * (value - low)) / (high - low);
    return reverse ? MAX - share : share;
  };
}

/** How much of the node would still be free. */
function leastAllocated(placed: PlacedPod): Score {
  return (info) => {
    const shares = ['cpu', 'memory'].map((name) => {
      const capacity = info.allocatable[name] ?? 0;
      const used = (info.weight[name] ?? 0) + (placed.weight[name] ?? 0);
      return capacity === 0 || used > capacity ? 0 : (MAX * (capacity - used)) / capacity;
    });
    return shares.reduce((sum, share) => sum + share, 0) / shares.length;
  };
}

/** Whether CPU and memory would be used alike. */
function balanced(placed: PlacedPod): Score {
  return (info) => {
    const [cpu = 0, memory = 0] = ['cpu', 'memory'].map((name) => {
      const capacity = info.allocatable[name] ?? 0;
      return capacity === 0 ? 1 : Math.min(1, ((info.weight[name] ?? 0) + (placed.weight[name] ?? 0)) / capacity);
    });
    return MAX * (1 - Math.abs(cpu - memory) / 2);
  };
}

function preferredNodes({ pod }: PlacedPod): Score {
  const preferred = pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return (info) => preferred.reduce((sum, { weight, preference }) => sum + (matchesTerm(preference, info.node) ? weight : 0), 0);
}

function softTaints({ pod }: PlacedPod): Score {
  return (info) => untolerated(info.node.spec?.taints, pod.spec.tolerations, ['PreferNoSchedule']).length;
}

/** Pods of the same controller on the node. */
function siblings({ pod }: PlacedPod): Score {
  const owner = controllerOf(pod)?.uid;
  return (info) => (owner === undefined ? 0
    : [...info.pods.values()].filter((other) => controllerOf(other.pod)?.uid === owner).length);
}

function softSpread({ pod }: PlacedPod, cluster: Cluster): Score {
  const counted = (pod.spec.topologySpreadConstraints ?? []).filter((one) => one.whenUnsatisfiable === 'ScheduleAnyway')
    .map((constraint) => ({ constraint, perDomain: spreadCounts(constraint, pod, cluster) }));
  return (info) => counted.reduce((sum, { constraint, perDomain }) => sum + (perDomain.get(info.labels[constraint.topologyKey] ?? '') ?? 0), 0);
}

/** What the pod itself, or a node, says it would rather have. Where nothing is said all nodes have the same. */
const wishes = (placed: PlacedPod, feasible: readonly NodeInfo[], cluster: Cluster): [number, Score][] => [
  [3, normalized(feasible, softTaints(placed), true)],
  [2, normalized(feasible, preferredNodes(placed))],
  [2, normalized(feasible, interPodPreference(placed.pod, cluster))],
  [2, normalized(feasible, softSpread(placed, cluster), true)],
];

const total = (scores: readonly [number, Score][]): Score => (info) => scores.reduce((sum, [weight, of]) => sum + weight * of(info), 0);

/** The same for pods with devices: what is wished for goes before how well devices are packed, spreading does not. */
export function wishScore(placed: PlacedPod, feasible: readonly NodeInfo[], cluster: Cluster): Score {
  return feasible.length <= 1 ? () => 0 : total(wishes(placed, feasible, cluster));
}

/** Keeps pods without devices off nodes that have some, as long as others will do. */
const SPARED_WEIGHT = 4;

/**
 * The best of the feasible nodes; on a tie the first by name, so that the same world gives the same choice. `spared`: how much each had rather
 * be left alone, 0 for nodes that had not.
 */
export function bestNode(placed: PlacedPod, feasible: readonly NodeInfo[], cluster: Cluster, spared?: Score): NodeInfo | undefined {
  const [only] = feasible;
  if (feasible.length <= 1) {
    return only;
  }
  const scores: [number, Score][] = [
    ...wishes(placed, feasible, cluster),
    ...(spared === undefined ? [] : [[SPARED_WEIGHT, normalized(feasible, spared, true)] satisfies [number, Score]]),
    [2, normalized(feasible, siblings(placed), true)],
    [1, leastAllocated(placed)],
    [1, balanced(placed)],
  ];
  const of = total(scores);
  let best: { info: NodeInfo; score: number } | undefined;
  for (const info of feasible) {
    const score = of(info);
    if (best === undefined || score > best.score || (score === best.score && info.name < best.info.name)) {
      best = { info, score };
    }
  }
  return best?.info;
}
