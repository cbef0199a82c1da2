/** Creating and deleting a controller's pods: in batches that grow while the server says yes, each with its event. */
import type { KubeObject } from '../../apimachinery/object.ts';
import { StatusError, isStatusError } from '../../apimachinery/status.ts';
import type { Client } from '../../client/client.ts';
import type { EventRecorder } from '../../client/events.ts';
import { PODS } from '../../client/resources.ts';
import type { Pod } from '../../kinds/generated/core.ts';
import { messageOf } from './errors.ts';
import type { Expectations } from './expectations.ts';

/** Pods created or deleted in one reconcile; the rest follows in the next. */
export const BURST = 500;

export interface PodControl {
  client: Client;
  recorder: EventRecorder;
  expectations: Expectations<Pod>;
}

/** The namespace is going away: nothing can be created there and nobody needs to be told. */
export function isNamespaceTerminating(error: unknown): boolean {
  return error instanceof StatusError && error.reason === 'Forbidden'
    && error.status.details?.causes?.some((cause) => cause.reason === 'NamespaceTerminating') === true;
}

/**
 * Runs `tasks` in batches of 1, 2, 4, …: a server that refuses the first is not asked a hundred times.
 * Stops at the first batch with a failure and throws that failure.
 */
export async function slowStart(tasks: readonly (() => Promise<void>)[]): Promise<void> {
  let size = 1;
  for (let from = 0; from < tasks.length; size *= 2) {
    const batch = tasks.slice(from, from + size);
    const results = await Promise.allSettled(batch.map((task) => task()));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) {
      throw failed.reason;
    }
    from += batch.length;
  }
}

export async function createPod(control: PodControl, ownerKey: string, owner: KubeObject, pod: Pod): Promise<Pod | undefined> {
  try {
    const created = await control.client.create(PODS, pod);
    control.expectations.created(ownerKey, created);
    control.recorder.event(owner, 'Normal', 'SuccessfulCreate', `Created pod: ${created.metadata.name}`);
    return created;
  } catch (error) {
    if (isNamespaceTerminating(error)) {
      return undefined;
    }
    control.recorder.event(owner, 'Warning', 'FailedCreate', `Error creating: ${messageOf(error)}`);
    throw error;
  }
}

export async function deletePod(control: PodControl, ownerKey: string, owner: KubeObject, pod: Pod): Promise<void> {
  const { name, namespace, uid } = pod.metadata;
  try {
    await control.client.delete(PODS, name, namespace, uid === undefined ? {} : { preconditions: { uid } });
  } catch (error) {
    if (isStatusError(error, 'NotFound')) {
      return;
    }
    control.recorder.event(owner, 'Warning', 'FailedDelete', `Error deleting: ${messageOf(error)}`);
    throw error;
  }
  control.expectations.deleted(ownerKey, pod);
  control.recorder.event(owner, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`);
}
