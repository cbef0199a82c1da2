/** What the client must know of a kind to form its paths; the object type rides along for the compiler. */
import { apiVersionOf, type KubeObject } from '../apimachinery/object.ts';

export interface Resource<T extends KubeObject = KubeObject> {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Never present: ties T to the constant. */
  readonly example?: T;
}

export interface ResourcePath {
  namespace?: string | undefined;
  name?: string | undefined;
  subresource?: string | undefined;
}

/**
 * `/api/v1/namespaces/ns/pods/name/status` and its like. A namespaced resource without a namespace is
 * addressed across all namespaces, which only list and watch may do.
 */
export function resourcePath(resource: Resource, at: ResourcePath = {}): string {
  const root = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const namespace = resource.namespaced && at.namespace ? `/namespaces/${encodeURIComponent(at.namespace)}` : '';
  const name = at.name === undefined ? '' : `/${encodeURIComponent(at.name)}`;
  const subresource = at.subresource === undefined ? '' : `/${at.subresource}`;
  return `${root}${namespace}/${resource.plural}${name}${subresource}`;
}

export function resourceApiVersion(resource: Resource): string {
  return apiVersionOf(resource);
}

/** `pods` or `deployments.apps`: names a resource in logs, maps and errors. */
export function resourceName(resource: Resource): string {
  return resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`;
}
