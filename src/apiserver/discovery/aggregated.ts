/** Aggregated discovery (apidiscovery.k8s.io): everything under `/api` or `/apis` in one document. Pure; the caller caches. */
import type { JsonObject } from '../../apimachinery/object.ts';
import type { Registry } from '../../kinds/registry.ts';
import { groupVersions, resourcesOf, type ResourceInfo } from './resources.ts';

const responseKind = ({ group, version, kind }: ResourceInfo): JsonObject => ({ group, version, kind });

function mainEntry(info: ResourceInfo): JsonObject {
  return {
    resource: info.resource,
    responseKind: responseKind(info),
    scope: info.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: info.singular,
    verbs: [...info.verbs],
    ...(info.shortNames === undefined ? {} : { shortNames: [...info.shortNames] }),
    ...(info.categories === undefined ? {} : { categories: [...info.categories] }),
  };
}

/** A parent that is not served itself (subresources.kubevirt.io): named, without verbs, as kube-aggregator does. */
const absentParent = (info: ResourceInfo): JsonObject => ({
  resource: info.resource, responseKind: { group: '', version: '', kind: '' }, scope: info.namespaced ? 'Namespaced' : 'Cluster', singularResource: '', verbs: [],
});

function resourceEntries(infos: readonly ResourceInfo[]): JsonObject[] {
  const entries = new Map<string, { entry: JsonObject; subs: JsonObject[] }>();
  for (const info of infos) {
    let found = entries.get(info.resource);
    if (found === undefined) {
      found = { entry: info.sub === undefined ? mainEntry(info) : absentParent(info), subs: [] };
      entries.set(info.resource, found);
    }
    if (info.sub !== undefined) {
      found.subs.push({ subresource: info.sub, responseKind: responseKind(info), verbs: [...info.verbs] });
    }
  }
  return [...entries.values()].map(({ entry, subs }) => (subs.length === 0 ? entry : { ...entry, subresources: subs }));
}

/** Another server that does not answer: what it has is not known. */
const isStale = (registry: Registry, group: string, version: string): boolean =>
  registry.remote.some((one) => one.group === group && one.version === version && !one.fresh);

/** `/api` (the core group) or `/apis` (all others) as APIGroupDiscoveryList; v2 and v2beta1 differ in their apiVersion only. */
export function apiGroupDiscoveryList(registry: Registry, root: 'api' | 'apis', version: 'v2' | 'v2beta1' = 'v2'): JsonObject {
  const items = [...groupVersions(registry)]
    .filter(([group]) => (group === '') === (root === 'api'))
    .map(([group, versions]) => ({
      metadata: { ...(group === '' ? {} : { name: group }), creationTimestamp: null },
      versions: versions.map((one) => ({
        version: one, resources: resourceEntries(resourcesOf(registry, group, one) ?? []), freshness: isStale(registry, group, one) ? 'Stale' : 'Current',
      })),
    }));
  return { kind: 'APIGroupDiscoveryList', apiVersion: `apidiscovery.k8s.io/${version}`, metadata: {}, items };
}
