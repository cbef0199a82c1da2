/** Conditions of a status: lists with one entry per type whose transition time moves only with the status. */
import { formatTime } from './object.ts';

/** The members that all of Kubernetes' condition types share. */
export interface ConditionLike {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
  observedGeneration?: number;
}

export function findCondition<T extends { type: string }>(conditions: readonly T[] | undefined, type: string): T | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/** True when the condition exists with status `True`. */
export function isConditionTrue(conditions: readonly { type: string; status: string }[] | undefined, type: string): boolean {
  return findCondition(conditions, type)?.status === 'True';
}

/**
 * Adds or updates one condition in place. `lastTransitionTime` is kept while the status is unchanged and is otherwise the
 * condition's own or `now`. Members the new condition leaves out (kind-specific times) are kept.
 * Returns whether anything changed.
 */
export function setCondition<T extends ConditionLike>(conditions: T[], condition: T, now: Date = new Date()): boolean {
  const existing = findCondition(conditions, condition.type);
  const since = condition.lastTransitionTime ?? formatTime(now);
  if (existing === undefined) {
    conditions.push({ ...condition, lastTransitionTime: since });
    return true;
  }
  const wanted: T = {
    ...existing, ...condition,
    lastTransitionTime: existing.status === condition.status ? existing.lastTransitionTime ?? since : since,
  };
  const before = new Map<string, unknown>(Object.entries(existing));
  const changed = Object.entries(wanted).some(([key, value]) => before.get(key) !== value);
  if (changed) {
    Object.assign(existing, wanted);
  }
  return changed;
}

/** Removes a condition in place; returns whether it was there. */
export function removeCondition(conditions: { type: string }[], type: string): boolean {
  const index = conditions.findIndex((condition) => condition.type === type);
  if (index < 0) {
    return false;
  }
  conditions.splice(index, 1);
  return true;
}
