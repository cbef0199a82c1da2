/** Takes the finalizers off claims and volumes that are being deleted, once no pod uses the claim and no claim holds the volume. */
import { keyOf, type KubeObject } from '../../apimachinery/object.ts';
import { newController, type Controller } from '../../client/controller.ts';
import { PERSISTENTVOLUMECLAIMS, PERSISTENTVOLUMES, PODS } from '../../client/resources.ts';
import type { Pod } from '../../kinds/generated/core.ts';
import type { ControllerContext } from '../context.ts';
import { isTerminal } from '../shared/pods.ts';

const CLAIM_FINALIZER = 'kubernetes.io/pvc-protection';
const VOLUME_FINALIZER = 'kubernetes.io/pv-protection';
const BY_CLAIM = 'byClaim';

const isHeldBy = (finalizer: string, { metadata }: KubeObject): boolean =>
  metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).includes(finalizer);

/** The object without the finalizer, as an update is given it. */
function without<T extends KubeObject>(object: T, finalizer: string): T {
  return { ...object, metadata: { ...object.metadata, finalizers: (object.metadata.finalizers ?? []).filter((one) => one !== finalizer) } };
}

/** Keys of the claims a pod uses, those made for its ephemeral volumes included. */
function claimsOf({ metadata, spec }: Pod): string[] {
  return (spec.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }) => {
    const claim = persistentVolumeClaim?.claimName ?? (ephemeral === undefined ? undefined : `${metadata.name}-${name}`);
    return claim === undefined ? [] : [`${metadata.namespace ?? ''}/${claim}`];
  });
}

export function claimProtectionController(context: ControllerContext): Controller {
  const { client, informers } = context;
  const claims = informers.for(PERSISTENTVOLUMECLAIMS);
  const pods = informers.for(PODS);
  pods.addIndex(BY_CLAIM, claimsOf);
  const controller = newController({
    name: 'pvcprotection', log: context.log, before: (signal) => Promise.all([claims.start(signal), pods.start(signal)]),
    async reconcile(key) {
      const claim = claims.get(key);
      // A pod that is not placed yet will not be placed when its claim goes; one that has ended holds nothing.
      const inUse = pods.byIndex(BY_CLAIM, key).some((pod) => !isTerminal(pod) && (pod.spec.nodeName ?? '') !== '');
      if (claim !== undefined && !inUse && isHeldBy(CLAIM_FINALIZER, claim)) {
        await client.update(PERSISTENTVOLUMECLAIMS, without(claim, CLAIM_FINALIZER));
      }
    },
  });
  const look = (claim: KubeObject): void => controller.queue.add(keyOf(claim));
  claims.on({ added: look, updated: look });
  const release = (pod: Pod): void => claimsOf(pod).forEach((key) => controller.queue.add(key));
  pods.on({ updated: release, deleted: release });
  return controller;
}

export function volumeProtectionController(context: ControllerContext): Controller {
  const { client, informers } = context;
  const volumes = informers.for(PERSISTENTVOLUMES);
  const controller = newController({
    name: 'pvprotection', log: context.log, before: (signal) => volumes.start(signal),
    async reconcile(key) {
      const volume = volumes.get(key);
      if (volume !== undefined && volume.status?.phase !== 'Bound' && isHeldBy(VOLUME_FINALIZER, volume)) {
        await client.update(PERSISTENTVOLUMES, without(volume, VOLUME_FINALIZER));
      }
    },
  });
  const look = (volume: KubeObject): void => controller.queue.add(keyOf(volume));
  volumes.on({ added: look, updated: look });
  return controller;
}
