/** Which children belong to a controller: found by controller reference, adopted and released by selector. */
import { controllerOf, controllerReference, type KubeObject, type OwnerReference } from '../../apimachinery/object.ts';
import { matchesLabels, type LabelSelector } from '../../apimachinery/selectors.ts';
import { isStatusError } from '../../apimachinery/status.ts';
import type { Client } from '../../client/client.ts';
import type { Informer } from '../../client/informer.ts';
import type { Resource } from '../../client/resource.ts';

/** Index: uid of the controller, or `orphan/<namespace>` for objects without one. */
const CONTROLLER_INDEX = 'controller';

export function addControllerIndex<T extends KubeObject>(informer: Informer<T>): void {
  informer.addIndex(CONTROLLER_INDEX, (object) => [controllerOf(object)?.uid ?? `orphan/${object.metadata.namespace ?? ''}`]);
}

export function childrenOf<T extends KubeObject>(informer: Informer<T>, owner: KubeObject): T[] {
  return informer.byIndex(CONTROLLER_INDEX, owner.metadata.uid ?? '');
}

export function orphansIn<T extends KubeObject>(informer: Informer<T>, namespace: string): T[] {
  return informer.byIndex(CONTROLLER_INDEX, `orphan/${namespace}`);
}

/** The cached object a controller reference means; undefined for another kind, or a namesake with another uid. */
export function resolveController<T extends KubeObject>(
  informer: Informer<T>, namespace: string | undefined, reference: OwnerReference | undefined,
): T | undefined {
  if (reference?.kind !== informer.resource.kind) {
    return undefined;
  }
  const found = informer.get(`${namespace ?? ''}/${reference.name}`);
  return found?.metadata.uid === reference.uid ? found : undefined;
}

export interface Claim<O extends KubeObject, T extends KubeObject> {
  client: Client;
  owner: O;
  ownerResource: Resource<O>;
  children: Informer<T>;
  selector: LabelSelector;
}

/**
 * The children of `owner`: those it controls that still match (others are released), and orphans that match,
 * which are adopted — after a look at the server, because a cached owner may be gone already.
 */
export async function claimChildren<O extends KubeObject, T extends KubeObject>(claim: Claim<O, T>): Promise<T[]> {
  const { owner, children, selector } = claim;
  const claimed: T[] = [];
  for (const child of childrenOf(children, owner)) {
    if (matchesLabels(selector, child.metadata.labels)) {
      claimed.push(child);
    } else if (owner.metadata.deletionTimestamp === undefined) {
      await release(claim, child);
    }
  }
  const orphans = owner.metadata.deletionTimestamp === undefined
    ? orphansIn(children, owner.metadata.namespace ?? '').filter((one) =>
      one.metadata.deletionTimestamp === undefined && matchesLabels(selector, one.metadata.labels))
    : [];
  if (orphans.length > 0 && await mayAdopt(claim)) {
    for (const orphan of orphans) {
      const adopted = await adopt(claim, orphan);
      if (adopted !== undefined) {
        claimed.push(adopted);
      }
    }
  }
  return claimed;
}

async function mayAdopt<O extends KubeObject, T extends KubeObject>({ client, owner, ownerResource }: Claim<O, T>): Promise<boolean> {
  try {
    const live = await client.get(ownerResource, owner.metadata.name, owner.metadata.namespace);
    return live.metadata.uid === owner.metadata.uid && live.metadata.deletionTimestamp === undefined;
  } catch (error) {
    if (isStatusError(error, 'NotFound')) {
      return false;
    }
    throw error;
  }
}

async function adopt<O extends KubeObject, T extends KubeObject>(claim: Claim<O, T>, child: T): Promise<T | undefined> {
  return await setOwners(claim, child, [...child.metadata.ownerReferences ?? [], controllerReference(claim.owner)]);
}

async function release<O extends KubeObject, T extends KubeObject>(claim: Claim<O, T>, child: T): Promise<void> {
  const others = (child.metadata.ownerReferences ?? []).filter((reference) => reference.uid !== claim.owner.metadata.uid);
  await setOwners(claim, child, others);
}

/** Undefined when the child is gone. A child changed meanwhile is a Conflict: the caller is retried. */
async function setOwners<O extends KubeObject, T extends KubeObject>(
  { client, children }: Claim<O, T>, child: T, ownerReferences: OwnerReference[],
): Promise<T | undefined> {
  const { name, namespace, resourceVersion, uid } = child.metadata;
  try {
    return await client.patch(children.resource, {
      name, namespace, type: 'merge', body: { metadata: { uid, resourceVersion, ownerReferences } },
    });
  } catch (error) {
    if (isStatusError(error, 'NotFound')) {
      return undefined;
    }
    throw error;
  }
}
