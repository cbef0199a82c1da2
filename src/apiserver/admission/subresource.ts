/** Admission of what is posted to a subresource and not stored as it is: bindings, evictions, tokens, connections. */
import type { GroupVersionKind, JsonObject } from '../../apimachinery/object.ts';
import { isObject } from '../../apimachinery/values.ts';
import type { AnyKind } from '../../kinds/kind.ts';
import type { Admission } from './admission.ts';
import { newRequest, type RequestContext } from './request.ts';

export interface SubresourceRequest {
  readonly operation: 'CREATE' | 'CONNECT';
  readonly kind: AnyKind;
  readonly namespace: string;
  readonly name: string;
  readonly subresource: string;
  /** What was posted, decoded; for CONNECT the options (`PodExecOptions`…). */
  readonly object: JsonObject;
  readonly objectKind: GroupVersionKind;
}

/** Shows the request to all plugins; resolves with the posted object as they leave it. Throws StatusErrors. */
export async function admitSubresource(admission: Admission, context: RequestContext, subject: SubresourceRequest): Promise<Record<string, unknown>> {
  const { group, version, kind } = subject.objectKind;
  // What is posted has no more in common with a stored object than a kind and, at most, metadata.
  const object = {
    ...subject.object, apiVersion: group === '' ? version : `${group}/${version}`, kind,
    metadata: { name: subject.name, namespace: subject.namespace, ...(isObject(subject.object['metadata']) ? subject.object['metadata'] : {}) },
  };
  const request = newRequest(context, { ...subject, object, old: undefined });
  await admission.admit(request);
  await admission.validate(request);
  return { ...request.object };
}
