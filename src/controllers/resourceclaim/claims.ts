/** What of claims and pods belongs together. Pure. */
import { controllerOf } from '../../apimachinery/object.ts';
import type { Pod } from '../../kinds/generated/core.ts';
import type { ResourceClaim, ResourceClaimConsumerReference, ResourceClaimTemplate } from '../../kinds/generated/resource.ts';
import { isTerminal } from '../shared/pods.ts';

/** Which entry of its pod a claim was made for. */
export const POD_CLAIM_ANNOTATION = 'resource.kubernetes.io/pod-claim-name';

/** A pod that uses no device any more and never will: it has ended, or goes before it had a node. */
export const isDone = (pod: Pod): boolean => isTerminal(pod) || (pod.metadata.deletionTimestamp !== undefined && !pod.spec.nodeName);

/** The pod that a claim was made for. */
export const podOwning = (claim: ResourceClaim): { name: string; uid: string } | undefined => {
  const owner = controllerOf(claim);
  return owner?.kind === 'Pod' && owner.apiVersion === 'v1' ? owner : undefined;
};

/** A claim for an entry of a pod, as its template has it; the server names it. */
export function claimFromTemplate(pod: Pod, entry: string, { spec: { metadata, spec } }: ResourceClaimTemplate): ResourceClaim {
  const { name, namespace, uid = '' } = pod.metadata;
  return {
    apiVersion: 'resource.k8s.io/v1', kind: 'ResourceClaim',
    metadata: {
      name: '', generateName: `${name}-${entry}-`, ...(namespace === undefined ? {} : { namespace }), ...(metadata?.labels === undefined ? {} : { labels: { ...metadata.labels } }),
      annotations: { ...metadata?.annotations, [POD_CLAIM_ANNOTATION]: entry },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name, uid, controller: true, blockOwnerDeletion: true }],
    },
    spec,
  };
}

/** Names of the claims a pod uses, as far as they are known. */
export function claimNamesOf(pod: Pod): string[] {
  const made = new Map((pod.status?.resourceClaimStatuses ?? []).map(({ name, resourceClaimName }) => [name, resourceClaimName]));
  return [...(pod.spec.resourceClaims ?? []).map(({ name, resourceClaimName }) => resourceClaimName ?? made.get(name)), pod.status?.extendedResourceClaimStatus?.resourceClaimName]
    .filter((name) => name !== undefined);
}

/** Those of a claim's holders that still count. `pod` answers by name with what the server has. */
export async function holders(claim: ResourceClaim, pod: (name: string) => Promise<Pod | undefined>): Promise<ResourceClaimConsumerReference[]> {
  const kept: ResourceClaimConsumerReference[] = [];
  for (const one of claim.status?.reservedFor ?? []) {
    const isPod = one.resource === 'pods' && (one.apiGroup ?? '') === '';
    const found = isPod ? await pod(one.name) : undefined;
    // What is no pod is not ours to judge.
    if (!isPod || (found !== undefined && found.metadata.uid === one.uid && !isDone(found))) {
      kept.push(one);
    }
  }
  return kept;
}
