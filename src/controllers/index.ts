/** The table of controllers, and starting those that are asked for. The next controller is added to this table. */
import type { Controller } from '../client/controller.ts';
import type { ControllerContext, ControllerFactory } from './context.ts';
import { clusterRoleAggregationController } from './clusterroleaggregation/clusterroleaggregation.ts';
import { deploymentController } from './deployment/deployment.ts';
import { disruptionController } from './disruption/disruption.ts';
import { serviceEndpointsController } from './endpointslice/index.ts';
import { eventTtlController } from './eventttl/eventttl.ts';
import { identityOf } from './identities.ts';
import { garbageCollector } from './garbagecollector/garbagecollector.ts';
import { jobController } from './job/job.ts';
import { namespaceController } from './namespace/namespace.ts';
import { nodeController } from './node/nodecontroller.ts';
import { replicaSetController } from './replicaset/replicaset.ts';
import { resourceClaimController } from './resourceclaim/resourceclaim.ts';
import { resourceQuotaController } from './resourcequota/resourcequota.ts';
import { schedulerController } from './scheduler/scheduler.ts';
import { serviceAccountController } from './serviceaccount/serviceaccount.ts';
import { claimProtectionController, volumeProtectionController } from './storageprotection/storageprotection.ts';
import { newVirtualMachineController } from './virtualmachine/index.ts';

export type { ControllerContext, ControllerFactory } from './context.ts';

export const CONTROLLERS: Readonly<Record<string, ControllerFactory>> = {
  clusterroleaggregation: clusterRoleAggregationController,
  deployment: deploymentController,
  disruption: disruptionController,
  endpointslice: serviceEndpointsController,
  eventttl: eventTtlController,
  garbagecollector: garbageCollector,
  job: jobController,
  namespace: namespaceController,
  node: nodeController,
  pvcprotection: claimProtectionController,
  pvprotection: volumeProtectionController,
  replicaset: replicaSetController,
  resourceclaim: resourceClaimController,
  resourcequota: resourceQuotaController,
  scheduler: schedulerController,
  serviceaccount: serviceAccountController,
  virtualmachine: newVirtualMachineController,
};

export class UnknownControllerError extends Error {
  override name = 'UnknownControllerError';
}

/**
 * The names a selection means: `*` all, `name` one, `-name` not that one; what is named last counts. Throws
 * UnknownControllerError for a name that is none.
 */
export function selectControllers(selection: string): string[] {
  const chosen = new Set<string>();
  for (const word of selection.split(',').map((one) => one.trim()).filter((one) => one !== '')) {
    const name = word.replace(/^-/, '');
    if (word === '*') {
      Object.keys(CONTROLLERS).forEach((one) => chosen.add(one));
    } else if (!Object.hasOwn(CONTROLLERS, name)) {
      throw new UnknownControllerError(`there is no controller ${name}: known are ${Object.keys(CONTROLLERS).join(', ')}`);
    } else if (word.startsWith('-')) {
      chosen.delete(name);
    } else {
      chosen.add(name);
    }
  }
  return [...chosen];
}

export interface RunningControllers {
  names: readonly string[];
  /** Resolves, after the signal aborted, when no controller is at work any more. */
  stopped: Promise<void>;
}

/** Builds and starts the selected controllers and their informers; resolves when all of them work. */
export async function startControllers(context: ControllerContext, selection: string, signal: AbortSignal): Promise<RunningControllers> {
  const names = selectControllers(selection);
  const controllers: Controller[] = [];
  for (const name of names) {
    const factory = CONTROLLERS[name];
    if (factory !== undefined) {
      const client = context.clientOf?.(identityOf(name));
      controllers.push(factory(client === undefined ? context : { ...context, client }));
    }
  }
  const informers = context.informers.start(signal);
  const results = await Promise.allSettled([informers, ...controllers.map((controller) => controller.start(signal))]);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) {
    throw failed.reason;
  }
  context.log.debug({ controllers: names }, 'controllers started');
  const stopped = Promise.all(controllers.map(async (controller) => {
    await controller.stopped;
  }));
  return { names, stopped: stopped.then(() => undefined) };
}
