/** POST pods/{name}/eviction: a deletion that a PodDisruptionBudget can refuse. `kubectl drain` lives on it. */
import { isConditionTrue, setCondition } from '../../apimachinery/conditions.ts';
import { formatTime, type JsonObject, type KubeObject } from '../../apimachinery/object.ts';
import { matchesLabels, selectorFromObject } from '../../apimachinery/selectors.ts';
import { badRequest, failure, forbidden, isStatusError, StatusError } from '../../apimachinery/status.ts';
import { deepClone, isObject } from '../../apimachinery/values.ts';
import type { Pod, PodCondition } from '../../kinds/generated/core.ts';
import type { PodDisruptionBudget } from '../../kinds/generated/policy.ts';
import { typed } from '../../kinds/typed.ts';
import { admitSubresource } from '../admission/subresource.ts';
import type { ResourcePath } from '../lookup.ts';
import type { Answer, Call } from '../types.ts';
import { readTyped } from '../verbs/body.ts';
import type { Core, Target } from '../verbs/core.ts';
import { deleteObject } from '../verbs/deletes.ts';
import { deleteOptions, writeOptions } from '../verbs/options.ts';
import { updateObject, type WriteContext } from '../verbs/writes.ts';

/** kubectl before 1.22 posts v1beta1, which Kubernetes goes on taking here. */
const EVICTION = { apiVersion: 'policy/v1', formerly: 'policy/v1beta1', kind: 'Eviction', type: 'policy/v1.Eviction' };
const BUDGETS: ResourcePath = ['policy', 'v1', 'poddisruptionbudgets'];
const SUCCESS: JsonObject = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };

const REFUSAL = 'Cannot evict pod as it would violate the pod\'s disruption budget.';
/** Evictions of one budget that its controller has not seen yet; more are refused. */
const MAX_DISRUPTED_PODS = 2000;
/** Until a new budget's numbers are known, seconds. */
const PROCESSING_RETRY_SECONDS = 10;

/** What nothing is running in need not be asked for. */
function isUnguarded({ metadata, status }: Pod): boolean {
  const phase = status?.phase;
  return phase === 'Succeeded' || phase === 'Failed' || phase === 'Pending' || phase === undefined || metadata.deletionTimestamp !== undefined;
}

/** The budget that guards a pod. Throws an error of 500 when there are several, as Kubernetes does. */
function budgetOf(core: Core, pod: Pod): PodDisruptionBudget | undefined {
  const [budget, second] = core.lookup.list(BUDGETS, pod.metadata.namespace ?? '').map((object) => typed('policy/v1 PodDisruptionBudget', object))
    .filter(({ spec }) => matchesLabels(selectorFromObject(spec.selector), pod.metadata.labels));
  if (second !== undefined) {
    throw new StatusError({
      status: 'Failure', code: 500, message: 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    });
  }
  return budget;
}

/** A pod that is not ready anyway may go when its budget says so, or when enough others are ready. */
function mayGoUnhealthy(pod: Pod, { spec, status }: PodDisruptionBudget): boolean {
  if (isConditionTrue(pod.status?.conditions, 'Ready')) {
    return false;
  }
  const desired = status?.desiredHealthy ?? 0;
  return spec.unhealthyPodEvictionPolicy === 'AlwaysAllow' || ((status?.currentHealthy ?? 0) >= desired && desired > 0);
}

function refusal(cause: string, retryAfterSeconds: number): StatusError {
  return failure('TooManyRequests', REFUSAL, {
    causes: [{ reason: 'DisruptionBudget', message: cause }], ...(retryAfterSeconds === 0 ? {} : { retryAfterSeconds }),
  });
}

/** Takes one disruption off a budget's status. Throws TooManyRequests or Forbidden when there is none. */
function disrupt(current: KubeObject, podName: string, now: Date): KubeObject {
  const next = deepClone(current);
  const budget = typed('policy/v1 PodDisruptionBudget', next);
  const { name, generation = 0 } = budget.metadata;
  const status = budget.status ?? {};
  const allowed = status.disruptionsAllowed ?? 0;
  if ((status.observedGeneration ?? 0) < generation) {
    throw refusal(`The disruption budget ${name} is still being processed by the server.`, PROCESSING_RETRY_SECONDS);
  }
  if (allowed < 0) {
    throw forbidden({ group: 'policy', resource: 'poddisruptionbudget', name }, 'pdb disruptions allowed is negative');
  }
  if (Object.keys(status.disruptedPods ?? {}).length > MAX_DISRUPTED_PODS) {
    throw forbidden({ group: 'policy', resource: 'poddisruptionbudget', name }, 'DisruptedPods map too big - too many evictions not confirmed by PDB controller');
  }
  if (allowed === 0) {
    throw refusal(`The disruption budget ${name} needs ${status.desiredHealthy ?? 0} healthy pods and has ${status.currentHealthy ?? 0} currently`, 0);
  }
  status.disruptionsAllowed = allowed - 1;
  status.disruptedPods = { ...status.disruptedPods, [podName]: formatTime(now) };
  if (allowed === 1) {
    const conditions = [...status.conditions ?? []];
    const observedGeneration = status.observedGeneration ?? 0;
    setCondition(conditions, { type: 'DisruptionAllowed', status: 'False', reason: 'InsufficientPods', message: '', lastTransitionTime: formatTime(now), observedGeneration });
    status.conditions = conditions;
  }
  budget.status = status;
  return next;
}

async function charge(core: Core, target: Target, budget: PodDisruptionBudget, context: WriteContext): Promise<void> {
  const kind = core.registry.byResource(...BUDGETS);
  if (kind === undefined) {
    return;
  }
  const place: Target = { kind, namespace: target.namespace, name: budget.metadata.name };
  try {
    await updateObject(core, { target: place, scope: { part: 'status' }, mutate: (current) => disrupt(current, target.name, new Date()) }, context);
  } catch (error) {
    if (isStatusError(error, 'Conflict')) {
      throw failure('TooManyRequests', `couldn't update PodDisruptionBudget ${JSON.stringify(budget.metadata.name)} due to conflicts`, { retryAfterSeconds: PROCESSING_RETRY_SECONDS });
    }
    throw error;
  }
}

/** Says in the pod's status why it goes: Jobs' failure policies look for it. */
async function tell(core: Core, target: Target, context: WriteContext): Promise<void> {
  await updateObject(core, {
    target, scope: { part: 'status' },
    mutate: (current) => {
      const next = deepClone(current);
      const pod = typed('v1 Pod', next);
      const conditions: PodCondition[] = [...pod.status?.conditions ?? []];
      setCondition(conditions, { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI', message: 'Eviction API: evicting' });
      pod.status = { ...pod.status, conditions };
      return next;
    },
  }, context);
}

export async function eviction(core: Core, call: Call, target: Target): Promise<Answer> {
  const written = writeOptions(call, 'CreateOptions');
  const posted = readTyped(call, core.registry, EVICTION).object;
  const name = isObject(posted['metadata']) ? posted['metadata']['name'] : undefined;
  if (typeof name === 'string' && name !== '' && name !== target.name) {
    throw badRequest('name in URL does not match name in Eviction object');
  }
  const body = await admitSubresource(core.admission, written.context, {
    operation: 'CREATE', kind: target.kind, namespace: target.namespace, name: target.name, subresource: 'eviction', object: posted,
    objectKind: { group: 'policy', version: 'v1', kind: 'Eviction' },
  });
  const { options, context } = deleteOptions(call, isObject(body['deleteOptions']) ? body['deleteOptions'] : {});
  const dryRun = context.dryRun || written.context.dryRun;
  const doing: WriteContext = { ...context, dryRun };
  const pod = typed('v1 Pod', core.require(target).object);
  const { uid } = pod.metadata;
  const budget = isUnguarded(pod) ? undefined : budgetOf(core, pod);
  if (budget !== undefined && !mayGoUnhealthy(pod, budget)) {
    await charge(core, target, budget, doing);
  }
  if (!isUnguarded(pod) && !dryRun) {
    await tell(core, target, doing);
  }
  // The pod that was looked at, not one that has taken its name meanwhile.
  await deleteObject(core, target, { ...(uid === undefined ? {} : { uid }), ...options }, doing);
  return { type: 'object', code: 201, object: SUCCESS };
}
