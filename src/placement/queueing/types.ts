/**
 * Queues, quotas and what waits for them, as plain data: Kueue's objects (kueue.x-k8s.io/v1beta2) without their API. Amounts are whole
 * numbers by resource name: `cpu` in thousandths of a core, all else in units (bytes, devices, `pods`).
 */
import type { NodeSelectorTerm, Taint, Toleration } from '../../kinds/generated/core.ts';

export type Amounts = Readonly<Record<string, number>>;

/** ResourceFlavor. */
export interface Flavor {
  readonly name: string;
  readonly nodeLabels: Readonly<Record<string, string>>;
  readonly nodeTaints: readonly Taint[];
  readonly tolerations: readonly Toleration[];
  readonly topology?: string;
}

/** Absent limits are none. */
export interface Quota {
  readonly nominal: number;
  readonly borrowingLimit?: number;
  readonly lendingLimit?: number;
}

export interface FlavorQuotas {
  readonly flavor: string;
  readonly resources: Readonly<Record<string, Quota>>;
}

/** Resources that are given out together, from the first of the flavors that fits. */
export interface ResourceGroup {
  readonly resources: readonly string[];
  readonly flavors: readonly FlavorQuotas[];
}

export type FungibilityPolicy = 'MayStopSearch' | 'TryNextFlavor';
export type PreemptionPolicy = 'Never' | 'LowerPriority' | 'LowerOrNewerEqualPriority' | 'Any';

export interface ClusterQueue {
  readonly name: string;
  readonly cohort?: string;
  readonly groups: readonly ResourceGroup[];
  readonly strategy: 'StrictFIFO' | 'BestEffortFIFO';
  readonly fungibility: {
    readonly whenCanBorrow: FungibilityPolicy;
    readonly whenCanPreempt: FungibilityPolicy;
    readonly preference: 'BorrowingOverPreemption' | 'PreemptionOverBorrowing';
  };
  readonly preemption: {
    readonly withinClusterQueue: 'Never' | 'LowerPriority' | 'LowerOrNewerEqualPriority';
    readonly reclaimWithinCohort: 'Never' | 'LowerPriority' | 'Any';
    /** Only without fair sharing. */
    readonly borrowWithinCohort?: { readonly maxPriorityThreshold?: number };
  };
  /** Default 1; 0 gives way to everybody as soon as it borrows. */
  readonly fairWeight: number;
  /** Nothing new is admitted: stopped, or not in order. */
  readonly stopped: boolean;
  /** Orders what waits by what its LocalQueues used lately. */
  readonly usageBased: boolean;
}

/** Quota of its own is on top of that of its members. Cohorts that are only named by queues need no entry. */
export interface Cohort {
  readonly name: string;
  readonly parent?: string;
  readonly groups: readonly ResourceGroup[];
  readonly fairWeight: number;
}

export interface LocalQueue {
  /** `namespace/name`. */
  readonly key: string;
  readonly clusterQueue: string;
  readonly fairWeight: number;
  /** What waits in it is left aside. */
  readonly stopped: boolean;
}

export interface TopologyRequest {
  readonly mode: 'required' | 'preferred' | 'unconstrained';
  /** Label of the level; not for `unconstrained`. */
  readonly level?: string;
  /** Pods that must share a domain of `sliceLevel`. */
  readonly sliceSize?: number;
  readonly sliceLevel?: string;
}

export interface PodSet {
  readonly name: string;
  readonly count: number;
  /** It may start with as few. */
  readonly minCount?: number;
  /** Of one pod. */
  readonly requests: Amounts;
  readonly nodeSelector: Readonly<Record<string, string>>;
  /** Terms of required node affinity; any of them. */
  readonly nodeAffinity: readonly NodeSelectorTerm[];
  readonly tolerations: readonly Toleration[];
  readonly topology?: TopologyRequest;
}

/** Pods of one domain, by the values of the topology's levels from the widest to the narrowest. */
export interface TopologyAssignment {
  readonly levels: readonly string[];
  readonly domains: readonly { readonly values: readonly string[]; readonly count: number }[];
}

export interface PodSetAssignment {
  readonly name: string;
  /** Flavor of each resource. */
  readonly flavors: Readonly<Record<string, string>>;
  /** Of all its pods together. */
  readonly usage: Amounts;
  readonly count: number;
  readonly topology?: TopologyAssignment;
}

/** What holds quota. */
export interface Admission {
  readonly clusterQueue: string;
  readonly assignments: readonly PodSetAssignment[];
  /** Milliseconds since 1970. */
  readonly reservedAt: number;
}

export interface Workload {
  /** `namespace/name`. */
  readonly key: string;
  readonly uid: string;
  /** Key of its LocalQueue. */
  readonly queue: string;
  readonly priority: number;
  /** What the order among equals goes by, milliseconds since 1970: creation, or the eviction after which it waits again. */
  readonly since: number;
  /** Pods of a set that have ended need no quota any more: `podSets` counts without them. */
  readonly podSets: readonly PodSet[];
  readonly admission?: Admission;
  /** It is on its way out and still holds its quota. */
  readonly evicted?: boolean;
  /** Seconds after which it is stopped; the longest it can hold its quota. */
  readonly maximumExecutionSeconds?: number;
}

export type PreemptionReason = 'InClusterQueue' | 'InCohortReclamation' | 'InCohortFairSharing' | 'InCohortReclaimWhileBorrowing';

export interface Victim {
  readonly workload: string;
  readonly reason: PreemptionReason;
}

/** Why something waits: the reasons of `QuotaReserved=False`. */
export type WaitReason = 'Pending' | 'NoMatchingFlavor' | 'WaitingForQuota' | 'ExceedsMaxQuota' | 'TopologyPlacementFailed' | 'WaitingForPreemptedWorkloads'
  | 'Misconfigured' | 'Suspended';

export type Decision =
  /** Quota is reserved in the state already; `release` it should the API refuse. */
  | { readonly type: 'admit'; readonly workload: string; readonly admission: Admission; readonly borrowing: boolean }
  /** The victims are to be evicted; `workload` is tried again when they have let go. */
  | { readonly type: 'preempt'; readonly workload: string; readonly victims: readonly Victim[]; readonly message: string }
  | { readonly type: 'wait'; readonly workload: string; readonly reason: WaitReason; readonly message: string };

/** Kueue's Configuration, as far as it concerns decisions. */
export interface Settings {
  readonly fairSharing?: { readonly strategies: readonly ('LessThanOrEqualToFinalShare' | 'LessThanInitialShare')[] };
  /** Admission fair sharing: after so many seconds of nothing used, half of what a LocalQueue used is forgotten. */
  readonly usageHalfLifeSeconds?: number;
  /** Weights of resources in a LocalQueue's usage; default 1. */
  readonly usageWeights?: Amounts;
}

/**
 * Whether the pods can really be placed, flavors given; undefined when they can, else why not. Asked only for what fits its quota. What it
 * finds room for should count as placed until the workload is released, so that later answers of the same cycle see it.
 */
export type Place = (workload: Workload, admission: Admission) => string | undefined;

/** Where a waiting workload stands. */
export interface Standing {
  /** From 1, among what waits in its ClusterQueue. */
  readonly position: number;
  readonly waiting: number;
  /** Milliseconds since 1970, when what runs ends as it usually does or must; absent when nothing tells. */
  readonly estimatedStart?: number;
  /** What the estimate rests on. */
  readonly basis?: 'limits' | 'experience';
}
