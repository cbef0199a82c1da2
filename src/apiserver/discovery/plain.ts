/** Discovery as it was before aggregation: APIVersions, APIGroupList, APIGroup, APIResourceList. All pure; the caller caches. */
import { apiVersionOf } from '../../apimachinery/object.ts';
import type { Json, JsonObject } from '../../apimachinery/object.ts';
import type { Registry } from '../../kinds/registry.ts';
import { groupVersions, resourcesOf, type ResourceInfo } from './resources.ts';

/** `/api` in its plain form. `serverAddress` is `host:port` as clients may reach it. */
export function apiVersions(serverAddress = ''): JsonObject {
  return {
    kind: 'APIVersions', versions: ['v1'],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }],
  };
}

function groupOf(group: string, versions: readonly string[]): JsonObject {
  const list = versions.map((version) => ({ groupVersion: apiVersionOf({ group, version }), version }));
  return { name: group, versions: list, preferredVersion: list[0] ?? null };
}

/** `/apis` in its plain form. */
export function apiGroupList(registry: Registry): JsonObject {
  const groups = [...groupVersions(registry)].filter(([group]) => group !== '').map(([group, versions]) => groupOf(group, versions));
  return { kind: 'APIGroupList', apiVersion: 'v1', groups };
}

/** `/apis/{group}`; undefined where the group is not served. */
export function apiGroup(registry: Registry, group: string): JsonObject | undefined {
  const versions = groupVersions(registry).get(group);
  return versions === undefined || group === '' ? undefined : { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(group, versions) };
}

function plainResource(info: ResourceInfo, group: string, version: string): JsonObject {
  const foreign = info.group !== group || info.version !== version;
  return {
    name: info.sub === undefined ? info.resource : `${info.resource}/${info.sub}`,
    singularName: info.singular,
    namespaced: info.namespaced,
    ...(foreign ? { group: info.group, version: info.version } : {}),
    kind: info.kind,
    verbs: [...info.verbs],
    ...(info.shortNames === undefined ? {} : { shortNames: [...info.shortNames] }),
    ...(info.categories === undefined ? {} : { categories: [...info.categories] }),
    ...(info.storageVersionHash === undefined ? {} : { storageVersionHash: info.storageVersionHash }),
  };
}

/** `/api/v1` and `/apis/{group}/{version}`; undefined where the group-version is not served. */
export function apiResourceList(registry: Registry, group: string, version: string): JsonObject | undefined {
  const resources: Json[] | undefined = resourcesOf(registry, group, version)?.map((info) => plainResource(info, group, version));
  return resources === undefined ? undefined : {
    kind: 'APIResourceList', ...(group === '' ? {} : { apiVersion: 'v1' }), groupVersion: apiVersionOf({ group, version }), resources,
  };
}
