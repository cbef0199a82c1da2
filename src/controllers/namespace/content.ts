/** Deleting everything in a namespace, and saying what is left. */
import { setCondition } from '../../apimachinery/conditions.ts';
import { isStatusError } from '../../apimachinery/status.ts';
import type { Client } from '../../client/client.ts';
import type { DiscoveredResource } from '../../client/discovery.ts';
import { resourceName } from '../../client/resource.ts';
import type { NamespaceCondition } from '../../kinds/generated/core.ts';
import { messageOf } from '../shared/errors.ts';

export interface Remains {
  /** `pods` → how many are left. */
  resources: Map<string, number>;
  /** Finalizer → how many objects wait for it. */
  finalizers: Map<string, number>;
  errors: string[];
}

/** Asks for the deletion of all objects of the resource, and counts what is there afterwards. */
async function clear(client: Client, resource: DiscoveredResource, namespace: string, remains: Remains): Promise<void> {
  try {
    const before = await client.list(resource, { namespace });
    if (before.items.length === 0) {
      return;
    }
    if (resource.verbs.has('deletecollection')) {
      await client.deleteCollection(resource, { namespace }, { propagationPolicy: 'Background' });
    } else {
      await Promise.all(before.items.map((item) => client.delete(resource, item.metadata.name, namespace, { propagationPolicy: 'Background' })));
    }
    const { items } = await client.list(resource, { namespace });
    if (items.length > 0) {
      remains.resources.set(resourceName(resource), items.length);
    }
    for (const finalizer of items.flatMap((item) => item.metadata.finalizers ?? [])) {
      remains.finalizers.set(finalizer, (remains.finalizers.get(finalizer) ?? 0) + 1);
    }
  } catch (error) {
    if (!isStatusError(error, 'NotFound') && !isStatusError(error, 'MethodNotAllowed')) {
      remains.errors.push(`${resourceName(resource)}: ${messageOf(error)}`);
    }
  }
}

/** Pods go first: what they use must not vanish under them. */
export async function clearNamespace(client: Client, resources: readonly DiscoveredResource[], namespace: string): Promise<Remains> {
  const remains: Remains = { resources: new Map(), finalizers: new Map(), errors: [] };
  const deletable = resources.filter((one) => one.namespaced && one.verbs.has('list') && one.verbs.has('delete'));
  const isPods = (one: DiscoveredResource): boolean => one.group === '' && one.plural === 'pods';
  await Promise.all(deletable.filter(isPods).map((one) => clear(client, one, namespace, remains)));
  if (remains.resources.size === 0 && remains.errors.length === 0) {
    await Promise.all(deletable.filter((one) => !isPods(one)).map((one) => clear(client, one, namespace, remains)));
  }
  return remains;
}

/** The conditions that tell a user why a namespace does not go away. Changed in place; true when anything did. */
export function noteRemains(conditions: NamespaceCondition[], remains: Remains, discoveryFailures: ReadonlyMap<string, string>): boolean {
  const failures = [...discoveryFailures].map(([name, why]) => `${name}: ${why}`).sort();
  const left = [...remains.resources].map(([name, count]) => `${name.includes('.') ? name : `${name}.`} has ${count} resource instances`).sort();
  const waiting = [...remains.finalizers].map(([name, count]) => `${name} in ${count} resource instances`).sort();
  const put = (type: string, bad: boolean, [badReason, goodReason]: [string, string], [badText, goodText]: [string, string]): boolean =>
    setCondition(conditions, { type, status: bad ? 'True' : 'False', reason: bad ? badReason : goodReason, message: bad ? badText : goodText });
  return [
    put('NamespaceDeletionDiscoveryFailure', failures.length > 0, ['DiscoveryFailed', 'ResourcesDiscovered'],
      [`Discovery failed for some groups, ${failures.length} failing: ${failures.join(', ')}`, 'All resources successfully discovered']),
    put('NamespaceDeletionGroupVersionParsingFailure', false, ['GroupVersionParsingFailed', 'ParsedGroupVersions'],
      ['', 'All legacy kube types successfully parsed']),
    put('NamespaceDeletionContentFailure', remains.errors.length > 0, ['ContentDeletionFailed', 'ContentDeleted'],
      [`Failed to delete all resource types, ${remains.errors.length} remaining: ${remains.errors.join(', ')}`,
        'All content successfully deleted, may be waiting on finalization']),
    put('NamespaceContentRemaining', left.length > 0, ['SomeResourcesRemain', 'ContentRemoved'],
      [`Some resources are remaining: ${left.join(', ')}`, 'All content successfully removed']),
    put('NamespaceFinalizersRemaining', waiting.length > 0, ['SomeFinalizersRemain', 'ContentHasNoFinalizers'],
      [`Some content in the namespace has finalizers remaining: ${waiting.join(', ')}`, 'All content-preserving finalizers finished']),
  ].some((changed) => changed);
}
