/** A Job's podFailurePolicy and successPolicy: what a failed pod means, and which successes suffice. */
import { findCondition } from '../../apimachinery/conditions.ts';
import type { Job, PodFailurePolicyRule } from '../../kinds/generated/batch.ts';
import type { Pod } from '../../kinds/generated/core.ts';
import { parseIndexes } from './indexes.ts';

export type FailureAction = 'FailJob' | 'FailIndex' | 'Ignore' | 'Count';

export interface FailureVerdict {
  action: FailureAction;
  /** Why, for the Job's condition. */
  message: string;
}

function isAction(text: string): text is FailureAction {
  return text === 'FailJob' || text === 'FailIndex' || text === 'Ignore' || text === 'Count';
}

interface ExitCode {
  container: string;
  code: number;
}

function exitCodes(pod: Pod): ExitCode[] {
  const statuses = [...pod.status?.initContainerStatuses ?? [], ...pod.status?.containerStatuses ?? []];
  return statuses.flatMap((status) =>
    (status.state?.terminated === undefined || status.state.terminated.exitCode === 0 ? [] : [{ container: status.name, code: status.state.terminated.exitCode }]));
}

/** Why a rule applies to a failed pod, or undefined. */
function matchRule(rule: PodFailurePolicyRule, at: number, pod: Pod): string | undefined {
  const name = `${pod.metadata.namespace ?? ''}/${pod.metadata.name}`;
  const requirement = rule.onExitCodes;
  if (requirement !== undefined) {
    const hit = exitCodes(pod).find(({ container, code }) =>
      (requirement.containerName === undefined || requirement.containerName === container)
      && (requirement.operator === 'In') === requirement.values.includes(code));
    return hit === undefined ? undefined
      : `Container ${hit.container} for pod ${name} failed with exit code ${hit.code} matching ${rule.action} rule at index ${at}`;
  }
  const pattern = rule.onPodConditions?.find((one) => findCondition(pod.status?.conditions, one.type)?.status === (one.status ?? 'True'));
  return pattern === undefined ? undefined : `Pod ${name} has condition ${pattern.type} matching ${rule.action} rule at index ${at}`;
}

/** The first rule that applies decides; without one a failure counts. */
export function judgeFailure(job: Job, pod: Pod): FailureVerdict {
  for (const [at, rule] of (job.spec.podFailurePolicy?.rules ?? []).entries()) {
    const message = pod.status?.phase === 'Failed' ? matchRule(rule, at, pod) : undefined;
    if (message !== undefined && isAction(rule.action)) {
      return { action: rule.action, message };
    }
  }
  return { action: 'Count', message: '' };
}

/** The text of the success rule that is met, or undefined. */
export function metSuccessPolicy(job: Job, succeeded: ReadonlySet<number>): string | undefined {
  const completions = job.spec.completions ?? 0;
  for (const [at, rule] of (job.spec.successPolicy?.rules ?? []).entries()) {
    const wanted = rule.succeededIndexes === undefined ? undefined : parseIndexes(rule.succeededIndexes, completions);
    const matching = wanted === undefined ? succeeded.size : [...wanted].filter((index) => succeeded.has(index)).length;
    const needed = rule.succeededCount ?? wanted?.size ?? completions;
    if (matching >= needed) {
      return `Matched rules at index ${at}`;
    }
  }
  return undefined;
}
