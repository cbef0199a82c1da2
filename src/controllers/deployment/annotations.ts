/** What a Deployment's controller writes on its ReplicaSets, and how revisions are counted. */
import type { KubeObject } from '../../apimachinery/object.ts';
import type { Deployment, ReplicaSet } from '../../kinds/generated/apps.ts';

export const REVISION = 'deployment.kubernetes.io/revision';
export const REVISION_HISTORY = 'deployment.kubernetes.io/revision-history';
export const DESIRED_REPLICAS = 'deployment.kubernetes.io/desired-replicas';
export const MAX_REPLICAS = 'deployment.kubernetes.io/max-replicas';
/** Longest revision history kept on a set, bytes. */
const HISTORY_MAX = 2000;

/** Never copied from the deployment: they say something of that object alone. */
const OWN = new Set([
  'kubectl.kubernetes.io/last-applied-configuration', REVISION, REVISION_HISTORY, DESIRED_REPLICAS, MAX_REPLICAS,
  'deprecated.deployment.rollback.to',
]);

export function revisionOf(object: KubeObject): number {
  const text = object.metadata.annotations?.[REVISION] ?? '';
  return /^\d+$/.test(text) ? Number(text) : 0;
}

export function annotatedReplicas(set: ReplicaSet, name: string): number | undefined {
  const text = set.metadata.annotations?.[name] ?? '';
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

/**
 * The annotations of the newest set: the deployment's own (the cause of the change among them) and the revision.
 * A set that is rolled back to gets a new revision and remembers the one it had.
 */
export function newSetAnnotations(deployment: Deployment, current: Readonly<Record<string, string>>, revision: number): Record<string, string> {
  const result: Record<string, string> = { ...current };
  for (const [key, value] of Object.entries(deployment.metadata.annotations ?? {})) {
    if (!OWN.has(key)) {
      result[key] = value;
    }
  }
  const old = Number(current[REVISION] ?? 0) || 0;
  if (old < revision) {
    result[REVISION] = String(revision);
    if (old > 0) {
      const history = [...(current[REVISION_HISTORY]?.split(',') ?? []), String(old)];
      while (history.join(',').length > HISTORY_MAX) {
        history.shift();
      }
      result[REVISION_HISTORY] = history.join(',');
    }
  }
  return result;
}
