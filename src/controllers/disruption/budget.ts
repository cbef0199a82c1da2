/** What a PodDisruptionBudget's status should say. Pure. */
import { setCondition } from '../../apimachinery/conditions.ts';
import type { Pod } from '../../kinds/generated/core.ts';
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from '../../kinds/generated/policy.ts';
import { isReady } from '../shared/pods.ts';

/** An eviction that was allowed but whose pod stays counts no longer after this, ms: its deletion was lost. */
const DISRUPTED_TIMEOUT_MS = 120_000;

/** How many pods their controllers want in all, those without one left out; or why that is not known. */
export type Scale = { readonly size: number } | { readonly problem: string };

export interface BudgetInput {
  readonly budget: PodDisruptionBudget;
  /** The pods it selects. */
  readonly pods: readonly Pod[];
  readonly scale: Scale;
  /** Milliseconds. */
  readonly now: number;
}

export interface BudgetResult {
  readonly status: PodDisruptionBudgetStatus;
  /** Until an entry of `disruptedPods` expires. */
  readonly requeueAfterMs?: number;
  /** A sentence for an event: the numbers cannot be had. */
  readonly problem?: string;
}

/** A number, or a share of `total`, rounded up. */
function scaled(value: number | string, total: number): number {
  return typeof value === 'number' ? value : Math.ceil(Number.parseFloat(value) * total / 100);
}

/** How many pods there should be, and how many of them must be healthy; or why that cannot be known. */
function expectation({ budget: { spec }, pods, scale }: BudgetInput): { expected: number; desired: number } | { problem: string } {
  const least = spec.minAvailable ?? 1;
  if (spec.maxUnavailable === undefined && typeof least === 'number') {
    return { expected: pods.length, desired: least };
  }
  if ('problem' in scale) {
    return scale;
  }
  const { size } = scale;
  return { expected: size, desired: spec.maxUnavailable === undefined ? scaled(least, size) : Math.max(0, size - scaled(spec.maxUnavailable, size)) };
}

interface Disrupted {
  readonly pods: Record<string, string>;
  readonly expiresInMs: number | undefined;
}

/** Evictions that were allowed and are not seen to have happened yet. */
function stillDisrupted({ budget, pods, now }: BudgetInput): Disrupted {
  const kept: Record<string, string> = {};
  let expiresInMs: number | undefined;
  const names = new Map(pods.map((pod) => [pod.metadata.name, pod]));
  for (const [name, since] of Object.entries(budget.status?.disruptedPods ?? {})) {
    const pod = names.get(name);
    const rest = Date.parse(since) + DISRUPTED_TIMEOUT_MS - now;
    if (pod !== undefined && pod.metadata.deletionTimestamp === undefined && rest > 0) {
      kept[name] = since;
      expiresInMs = Math.min(expiresInMs ?? Infinity, rest);
    }
  }
  return { pods: kept, expiresInMs };
}

function conditionsOf({ status, metadata }: PodDisruptionBudget, allowed: number, problem: string | undefined, now: number): NonNullable<PodDisruptionBudgetStatus['conditions']> {
  const conditions = (status?.conditions ?? []).map((condition) => ({ ...condition }));
  const [value, reason] = problem !== undefined ? ['False', 'SyncFailed'] as const
    : allowed > 0 ? ['True', 'SufficientPods'] as const : ['False', 'InsufficientPods'] as const;
  setCondition(conditions, {
    type: 'DisruptionAllowed', status: value, reason, message: problem ?? '', observedGeneration: metadata.generation ?? 0,
    lastTransitionTime: `${new Date(now).toISOString().slice(0, 19)}Z`,
  }, new Date(now));
  return conditions;
}

export function budgetStatus(input: BudgetInput): BudgetResult {
  const { budget, pods, now } = input;
  const disrupted = stillDisrupted(input);
  const found = expectation(input);
  const problem = 'problem' in found ? found.problem : undefined;
  const { expected, desired } = 'problem' in found ? { expected: 0, desired: 0 } : found;
  const healthy = pods.filter((pod) => pod.metadata.deletionTimestamp === undefined && disrupted.pods[pod.metadata.name] === undefined && isReady(pod)).length;
  const allowed = expected <= 0 ? 0 : Math.max(0, healthy - desired);
  const status: PodDisruptionBudgetStatus = {
    conditions: conditionsOf(budget, allowed, problem, now),
    currentHealthy: healthy, desiredHealthy: desired, disruptionsAllowed: allowed, expectedPods: expected,
    ...(Object.keys(disrupted.pods).length === 0 ? {} : { disruptedPods: disrupted.pods }),
    ...(budget.metadata.generation === undefined ? {} : { observedGeneration: budget.metadata.generation }),
  };
  return {
    status, ...(disrupted.expiresInMs === undefined ? {} : { requeueAfterMs: disrupted.expiresInMs }), ...(problem === undefined ? {} : { problem }),
  };
}
