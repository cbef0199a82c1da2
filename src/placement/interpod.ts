/** Rules between pods: affinity, anti-affinity and topology spread over the domains that node labels make. */
import { matchesLabels, selectorFromObject } from '../apimachinery/selectors.ts';
import type { Pod, PodAffinityTerm, TopologySpreadConstraint } from '../kinds/generated/core.ts';
import { matchesNodeAffinity, untolerated } from './nodeaffinity.ts';
import type { NodeInfo } from './nodeinfo.ts';

/** The labels of a namespace, for terms with a namespaceSelector. */
export type NamespaceLabels = (namespace: string) => Readonly<Record<string, string>> | undefined;

export interface Cluster {
  nodes: readonly NodeInfo[];
  namespaceLabels: NamespaceLabels;
}

/** Whether a term of `owner` speaks of `pod`. */
function termMatches(term: PodAffinityTerm, owner: Pod, pod: Pod, namespaceLabels: NamespaceLabels): boolean {
  const namespace = pod.metadata.namespace ?? '';
  const named = term.namespaces ?? [];
  const byName = named.length === 0 && term.namespaceSelector === undefined ? namespace === owner.metadata.namespace : named.includes(namespace);
  const bySelector = term.namespaceSelector !== undefined && matchesLabels(selectorFromObject(term.namespaceSelector), namespaceLabels(namespace));
  return (byName || bySelector) && matchesLabels(selectorFromObject(term.labelSelector), pod.metadata.labels);
}

/** Domain (value of the topology label) → pods the term matches there. */
function domains(term: PodAffinityTerm, owner: Pod, cluster: Cluster): Map<string, number> {
  const counts = new Map<string, number>();
  for (const info of cluster.nodes) {
    const domain = info.labels[term.topologyKey];
    if (domain !== undefined) {
      let count = counts.get(domain) ?? 0;
      for (const { pod } of info.pods.values()) {
        count += pod.metadata.deletionTimestamp === undefined && termMatches(term, owner, pod, cluster.namespaceLabels) ? 1 : 0;
      }
      counts.set(domain, count);
    }
  }
  return counts;
}

export type NodeVerdict = (info: NodeInfo) => string | undefined;

const accept: NodeVerdict = () => undefined;

/** Judges nodes by the pod's required affinity: every term has a match in the node's domain. */
function affinityVerdict(pod: Pod, cluster: Cluster): NodeVerdict {
  const terms = pod.spec.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  if (terms.length === 0) {
    return accept;
  }
  const counted = terms.map((term) => ({ term, counts: domains(term, pod, cluster) }));
  // The first pod of a group that wants to be together may go anywhere.
  const first = counted.every(({ term, counts }) =>
    [...counts.values()].every((count) => count === 0) && termMatches(term, pod, pod, cluster.namespaceLabels));
  return (info) => (counted.every(({ term, counts }) => {
    const domain = info.labels[term.topologyKey];
    return domain !== undefined && (first || (counts.get(domain) ?? 0) > 0);
  }) ? undefined : "node(s) didn't match pod affinity rules");
}

function antiAffinityVerdict(pod: Pod, cluster: Cluster): NodeVerdict {
  const terms = pod.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  if (terms.length === 0) {
    return accept;
  }
  const counted = terms.map((term) => ({ term, counts: domains(term, pod, cluster) }));
  return (info) => (counted.some(({ term, counts }) => (counts.get(info.labels[term.topologyKey] ?? '') ?? 0) > 0)
    ? "node(s) didn't match pod anti-affinity rules" : undefined);
}

/** Pods that are there already may not want this one near. */
function existingAntiAffinityVerdict(pod: Pod, cluster: Cluster): NodeVerdict {
  const forbidden = new Set<string>();
  for (const info of cluster.nodes) {
    for (const placed of info.pods.values()) {
      for (const term of placed.antiAffinity) {
        const domain = info.labels[term.topologyKey];
        if (domain !== undefined && termMatches(term, placed.pod, pod, cluster.namespaceLabels)) {
          forbidden.add(`${term.topologyKey}=${domain}`);
        }
      }
    }
  }
  return forbidden.size === 0 ? accept : (info) =>
    (Object.entries(info.labels).some(([key, value]) => forbidden.has(`${key}=${value}`))
      ? "node(s) didn't satisfy existing pods anti-affinity rules" : undefined);
}

/** Nodes that count for a constraint, by its inclusion policies. */
function counts(constraint: TopologySpreadConstraint, pod: Pod, info: NodeInfo): boolean {
  return info.labels[constraint.topologyKey] !== undefined
    && ((constraint.nodeAffinityPolicy ?? 'Honor') === 'Ignore' || matchesNodeAffinity(pod.spec, info.node))
    && ((constraint.nodeTaintsPolicy ?? 'Ignore') === 'Ignore' || untolerated(info.node.spec?.taints, pod.spec.tolerations, ['NoSchedule', 'NoExecute']).length === 0);
}

/** Pods per domain that a spread constraint of `pod` counts. */
export function spreadCounts(constraint: TopologySpreadConstraint, pod: Pod, cluster: Cluster): Map<string, number> {
  const term: PodAffinityTerm = {
    topologyKey: constraint.topologyKey, ...(constraint.labelSelector === undefined ? {} : { labelSelector: constraint.labelSelector }),
  };
  return domains(term, pod, { ...cluster, nodes: cluster.nodes.filter((info) => counts(constraint, pod, info)) });
}

function spreadVerdict(pod: Pod, cluster: Cluster): NodeVerdict {
  const constraints = (pod.spec.topologySpreadConstraints ?? []).filter((one) => one.whenUnsatisfiable === 'DoNotSchedule');
  if (constraints.length === 0) {
    return accept;
  }
  const counted = constraints.map((constraint) => {
    const perDomain = spreadCounts(constraint, pod, cluster);
    const fewest = perDomain.size < (constraint.minDomains ?? 1) ? 0 : Math.min(...perDomain.values());
    const self = matchesLabels(selectorFromObject(constraint.labelSelector), pod.metadata.labels) ? 1 : 0;
    return { constraint, perDomain, fewest, self };
  });
  return (info) => {
    for (const { constraint, perDomain, fewest, self } of counted) {
      const domain = info.labels[constraint.topologyKey];
      if (domain === undefined) {
        return "node(s) didn't match pod topology spread constraints (missing required label)";
      }
      if ((perDomain.get(domain) ?? 0) + self - fewest > constraint.maxSkew) {
        return "node(s) didn't match pod topology spread constraints";
      }
    }
    return undefined;
  };
}

/** All rules between pods as one judge of nodes; what is common to all nodes is counted once. */
export function interPodVerdict(pod: Pod, cluster: Cluster): NodeVerdict {
  const verdicts = [
    spreadVerdict(pod, cluster), affinityVerdict(pod, cluster), antiAffinityVerdict(pod, cluster), existingAntiAffinityVerdict(pod, cluster),
  ].filter((verdict) => verdict !== accept);
  return verdicts.length === 0 ? accept : (info) => {
    for (const verdict of verdicts) {
      const reason = verdict(info);
      if (reason !== undefined) {
        return reason;
      }
    }
    return undefined;
  };
}

/** Preferred terms: their weights times the matches in the node's domain. */
export function interPodPreference(pod: Pod, cluster: Cluster): (info: NodeInfo) => number {
  const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {};
  const weighted = [
    ...(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((one) => ({ ...one, sign: 1 })),
    ...(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((one) => ({ ...one, sign: -1 })),
  ].map(({ podAffinityTerm: term, weight, sign }) => ({ term, weight: weight * sign, perDomain: domains(term, pod, cluster) }));
  return (info) => weighted.reduce((sum, { term, weight, perDomain }) => sum + weight * (perDomain.get(info.labels[term.topologyKey] ?? '') ?? 0), 0);
}
