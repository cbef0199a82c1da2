/** What a pod needs of devices: claims that have theirs already, claims to find some for, and what it asks for without a claim. */
import type { Node, Pod } from '../../kinds/generated/core.ts';
import type { ResourceClaim } from '../../kinds/generated/resource.ts';
import { matchesTerm } from '../nodeaffinity.ts';
import type { NodeInfo } from '../nodeinfo.ts';
import { asksOfClaim, ClaimError, type ClaimAsk } from './asks.ts';
import { extendedAsk, type ExtendedAsk } from './extended.ts';
import { claimKey, type DeviceInventory } from './inventory.ts';

/** Pods one claim can be reserved for (resource.k8s.io). */
export const MAX_CONSUMERS = 256;
const ADMIN_LABEL = 'resource.kubernetes.io/admin-access';

export interface Sources {
  readonly inventory: DeviceInventory;
  /** By `namespace/name`. */
  readonly claim: (key: string) => ResourceClaim | undefined;
  readonly namespaceLabels: (namespace: string) => Readonly<Record<string, string>> | undefined;
}

export interface Needs {
  /** Have their devices; the pod must go where those are. */
  readonly allocated: readonly ResourceClaim[];
  /** To find devices for. */
  readonly pending: readonly ClaimAsk[];
  /** Among `pending`, unless its claim is allocated already. */
  readonly extended?: ExtendedAsk;
}

const isOwnedBy = (claim: ResourceClaim, pod: Pod): boolean => (claim.metadata.ownerReferences ?? []).some(({ uid, controller }) => controller === true && uid === pod.metadata.uid);

/** Name of the claim behind an entry of the pod; undefined when the entry needs none. Throws ClaimError while it is not made yet. */
export function claimNameOf(pod: Pod, entry: { name: string; resourceClaimName?: string }): string | undefined {
  if (entry.resourceClaimName !== undefined) {
    return entry.resourceClaimName;
  }
  const status = pod.status?.resourceClaimStatuses?.find(({ name }) => name === entry.name);
  if (status === undefined) {
    throw new ClaimError(`waiting for dynamic resource controller to create the resourceclaim for pod "${pod.metadata.namespace ?? ''}/${pod.metadata.name}"`);
  }
  return status.resourceClaimName;
}

export const isReservedFor = (claim: ResourceClaim, { metadata: { uid } }: Pod): boolean => (claim.status?.reservedFor ?? []).some((one) => one.uid === uid);

function usable(claim: ResourceClaim, pod: Pod, { namespaceLabels, inventory }: Sources): ResourceClaim {
  const { name } = claim.metadata;
  if (claim.status?.allocation === undefined && inventory.isHeld(claimKey(claim))) {
    throw new ClaimError(`resourceclaim "${name}" is being allocated for another pod`);
  }
  if (claim.metadata.deletionTimestamp !== undefined) {
    throw new ClaimError(`resourceclaim "${name}" is being deleted`);
  }
  if (!isReservedFor(claim, pod) && (claim.status?.reservedFor ?? []).length >= MAX_CONSUMERS) {
    throw new ClaimError(`resourceclaim "${name}" is reserved for ${MAX_CONSUMERS} pods already, which is as many as there can be`);
  }
  const admin = (claim.spec.devices?.requests ?? []).some(({ exactly }) => exactly?.adminAccess === true);
  if (admin && namespaceLabels(pod.metadata.namespace ?? '')?.[ADMIN_LABEL] !== 'true') {
    throw new ClaimError(`resourceclaim "${name}" asks for adminAccess, which needs the label ${ADMIN_LABEL}: "true" on its namespace`);
  }
  return claim;
}

function claimsOf(pod: Pod, sources: Sources): ResourceClaim[] {
  const { namespace = '' } = pod.metadata;
  return (pod.spec.resourceClaims ?? []).flatMap((entry) => {
    const name = claimNameOf(pod, entry);
    if (name === undefined) {
      return [];
    }
    const claim = sources.claim(`${namespace}/${name}`);
    if (claim === undefined) {
      throw new ClaimError(`resourceclaim "${name}" not found`);
    }
    if (entry.resourceClaimTemplateName !== undefined && !isOwnedBy(claim, pod)) {
      throw new ClaimError(`resourceclaim "${name}" was not made for this pod`);
    }
    return [usable(claim, pod, sources)];
  });
}

/** Undefined when the pod needs no device. Throws ClaimError, SelectorError, AcceleratorRequestError with what is in the way. */
export function needsOf(pod: Pod, sources: Sources): Needs | undefined {
  const claims = claimsOf(pod, sources);
  const extended = extendedAsk(pod, sources.inventory);
  if (claims.length === 0 && extended === undefined) {
    return undefined;
  }
  const made = extended === undefined ? undefined : sources.claim(extended.claim.key);
  const has = (claim: ResourceClaim): boolean => claim.status?.allocation !== undefined;
  const own = made !== undefined && isOwnedBy(made, pod) && has(made) ? [made] : [];
  return {
    allocated: [...claims.filter(has), ...own],
    pending: [...claims.filter((claim) => !has(claim)).map((claim) => asksOfClaim(claim, sources.inventory)), ...(extended === undefined || own.length > 0 ? [] : [extended.claim])],
    ...(extended === undefined ? {} : { extended }),
  };
}

/** Whether a node without devices counts by itself what others publish devices for. */
export const countsByItself = ({ resources }: ExtendedAsk, { node, allocatable }: NodeInfo, inventory: DeviceInventory): boolean =>
  inventory.devicesOf(node).length === 0 && resources.values().some((name) => (allocatable[name] ?? 0) > 0);

/** Claims to find devices for on a node. */
export function pendingOn({ extended, pending }: Needs, info: NodeInfo, inventory: DeviceInventory): readonly ClaimAsk[] {
  return extended !== undefined && countsByItself(extended, info, inventory) ? pending.filter((one) => one !== extended.claim) : pending;
}

/** Whether the devices that claims have can be used on a node. */
export const reaches = (claims: readonly ResourceClaim[], node: Node): boolean => claims.every(({ status }) => {
  const terms = status?.allocation?.nodeSelector?.nodeSelectorTerms;
  return terms === undefined || terms.some((term) => matchesTerm(term, node));
});

