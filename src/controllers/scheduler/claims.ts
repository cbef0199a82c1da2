/**
 * Writing what was decided about claims, before the pod is bound: allocation and reservation in one write for each, so that a crash between
 * any two leaves claims that are free, or that are reserved for their pod and found again. Every step may be repeated.
 */
import { controllerReference } from '../../apimachinery/object.ts';
import { isStatusError } from '../../apimachinery/status.ts';
import { deepEqual } from '../../apimachinery/values.ts';
import type { Client } from '../../client/client.ts';
import { PODS, RESOURCECLAIMS } from '../../client/resources.ts';
import type { Pod, PodExtendedResourceClaimStatus } from '../../kinds/generated/core.ts';
import type { AllocationResult, DeviceRequest, ResourceClaim, ResourceClaimConsumerReference } from '../../kinds/generated/resource.ts';
import { isReservedFor } from '../../placement/devices/needs.ts';

export const CLAIM_FINALIZER = 'resource.kubernetes.io/delete-protection';
export const EXTENDED_CLAIM = 'resource.kubernetes.io/extended-resource-claim';

/** One claim of a pod, decided. */
export type ClaimWrite =
  /** Has its devices: only the reservation is missing. */
  | { readonly type: 'reserve'; readonly claim: ResourceClaim }
  | { readonly type: 'allocate'; readonly claim: ResourceClaim; readonly allocation: AllocationResult }
  /** For what the pod asks for without a claim. */
  | { readonly type: 'extended'; readonly name: string; readonly requests: DeviceRequest[]; readonly allocation: AllocationResult; readonly status: PodExtendedResourceClaimStatus }
  /** Its claim is written already; the pod may not say so yet. */
  | { readonly type: 'mapped'; readonly status: PodExtendedResourceClaimStatus };

const consumerOf = ({ metadata: { name, uid = '' } }: Pod): ResourceClaimConsumerReference => ({ resource: 'pods', name, uid });

export class ClaimWriter {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  /** All writes of a pod, in order. What an error leaves is for `undo` and, after a crash, for the next attempt. */
  async write(pod: Pod, writes: readonly ClaimWrite[]): Promise<void> {
    for (const one of writes) {
      switch (one.type) {
        case 'reserve': await this.#reserve(pod, one.claim, undefined); break;
        case 'allocate': await this.#reserve(pod, await this.#protect(one.claim), one.allocation); break;
        case 'extended': await this.#extended(pod, one); break;
        default: await this.#tell(pod, one.status);
      }
    }
  }

  /** Lets go of what the pod alone holds; what others use stays. The answer of the server decides, not a cache. */
  async undo(pod: Pod, names: readonly string[]): Promise<void> {
    for (const name of names) {
      try {
        await this.release(pod, await this.#client.get(RESOURCECLAIMS, name, pod.metadata.namespace));
      } catch (error) {
        if (!isStatusError(error, 'NotFound')) {
          throw error;
        }
      }
    }
  }

  /** The same for a claim as it is known. */
  async release(pod: Pod, claim: ResourceClaim): Promise<void> {
    const held = claim.status?.reservedFor ?? [];
    const others = held.filter(({ uid }) => uid !== pod.metadata.uid);
    if (claim.status?.allocation !== undefined && (others.length < held.length || held.length === 0)) {
      await this.#status(claim, others.length > 0 ? { reservedFor: others } : { reservedFor: null, allocation: null, devices: null });
    }
  }

  async #protect(claim: ResourceClaim): Promise<ResourceClaim> {
    const { name, namespace, uid, resourceVersion, finalizers = [] } = claim.metadata;
    return finalizers.includes(CLAIM_FINALIZER) ? claim : this.#client.patch(RESOURCECLAIMS, {
      name, namespace, type: 'merge', body: { metadata: { uid, resourceVersion, finalizers: [...finalizers, CLAIM_FINALIZER] } },
    });
  }

  async #reserve(pod: Pod, claim: ResourceClaim, allocation: AllocationResult | undefined): Promise<void> {
    if (!isReservedFor(claim, pod) || allocation !== undefined) {
      const held = claim.status?.reservedFor ?? [];
      const reservedFor = isReservedFor(claim, pod) ? held : [...held, consumerOf(pod)];
      await this.#status(claim, { ...(allocation === undefined ? {} : { allocation }), reservedFor });
    }
  }

  #status({ metadata: { name, namespace, uid, resourceVersion } }: ResourceClaim, status: Record<string, unknown>): Promise<ResourceClaim> {
    return this.#client.patch(RESOURCECLAIMS, { name, namespace, type: 'merge', subresource: 'status', body: { metadata: { uid, resourceVersion }, status } });
  }

  async #extended(pod: Pod, { name, requests, allocation, status }: Extract<ClaimWrite, { type: 'extended' }>): Promise<void> {
    const claim = await this.#make(pod, name, requests);
    await this.#reserve(pod, claim, allocation);
    await this.#tell(pod, status);
  }

  async #make(pod: Pod, name: string, requests: DeviceRequest[]): Promise<ResourceClaim> {
    const { namespace } = pod.metadata;
    const claim: ResourceClaim = {
      apiVersion: 'resource.k8s.io/v1', kind: 'ResourceClaim',
      metadata: {
        name, ...(namespace === undefined ? {} : { namespace }), annotations: { [EXTENDED_CLAIM]: 'true' }, finalizers: [CLAIM_FINALIZER],
        ownerReferences: [controllerReference(pod)],
      },
      spec: { devices: { requests } },
    };
    try {
      return await this.#client.create(RESOURCECLAIMS, claim);
    } catch (error) {
      if (!isStatusError(error, 'AlreadyExists')) {
        throw error;
      }
    }
    const found = await this.#client.get(RESOURCECLAIMS, name, namespace);
    const own = (found.metadata.ownerReferences ?? []).some(({ uid }) => uid === pod.metadata.uid);
    if (!own) {
      throw new Error(`resourceclaim "${name}" is in the way: it was not made for this pod`);
    }
    if (found.status?.allocation === undefined && deepEqual(found.spec.devices?.requests, requests)) {
      return this.#protect(found);
    }
    // Left by an attempt that ended between its writes, with other devices in mind.
    if (found.status?.allocation === undefined) {
      await this.#discard(found);
      return this.#client.create(RESOURCECLAIMS, claim);
    }
    throw new Error(`resourceclaim "${name}" has its devices already`);
  }

  async #discard({ metadata: { name, namespace, uid, resourceVersion } }: ResourceClaim): Promise<void> {
    await this.#client.patch(RESOURCECLAIMS, { name, namespace, type: 'merge', body: { metadata: { uid, resourceVersion, finalizers: null } } });
    await this.#client.delete(RESOURCECLAIMS, name, namespace, uid === undefined ? {} : { preconditions: { uid } });
  }

  async #tell(pod: Pod, extendedResourceClaimStatus: PodExtendedResourceClaimStatus): Promise<void> {
    const { name, namespace, uid } = pod.metadata;
    if (!deepEqual(pod.status?.extendedResourceClaimStatus, extendedResourceClaimStatus)) {
      await this.#client.patch(PODS, { name, namespace, type: 'merge', subresource: 'status', body: { metadata: { uid }, status: { extendedResourceClaimStatus } } });
    }
  }
}
