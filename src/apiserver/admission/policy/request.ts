/** The request as webhooks get it and as expressions see it: AdmissionRequest of admission.k8s.io/v1. */
import type { Json, JsonObject } from '../../../apimachinery/object.ts';
import type { User } from '../../types.ts';
import type { AdmissionRequest } from '../admission.ts';
import type { Match } from './match.ts';
import { shownKind } from './views.ts';

function userInfo(user: User): JsonObject {
  const extra = Object.entries(user.extra ?? {}).map(([key, values]): [string, Json] => [key, [...values]]);
  return {
    ...(user.name === '' ? {} : { username: user.name }), ...(user.uid === undefined || user.uid === '' ? {} : { uid: user.uid }),
    ...(user.groups.length === 0 ? {} : { groups: [...user.groups] }), ...(extra.length === 0 ? {} : { extra: Object.fromEntries(extra) }),
  };
}

/** Everything but the objects. `name` is empty for a create that leaves naming to the server, in Kubernetes as here. */
export function requestFields(request: AdmissionRequest, match: Match): JsonObject {
  const { subresource, name, namespace, options } = request;
  return {
    kind: { ...match.kind }, resource: { ...match.resource }, ...(subresource === '' ? {} : { subResource: subresource }),
    requestKind: { ...shownKind(request) }, requestResource: { ...request.requestResource },
    ...(request.requestSubresource === '' ? {} : { requestSubResource: request.requestSubresource }),
    ...(name === '' ? {} : { name }), ...(namespace === '' ? {} : { namespace }),
    operation: request.operation, userInfo: userInfo(request.user), dryRun: request.dryRun, ...(options === undefined ? {} : { options }),
  };
}

/** `request` in expressions, where fields that JSON leaves out are empty. */
export function celRequest(request: AdmissionRequest, match: Match): JsonObject {
  return { subResource: '', requestSubResource: '', name: '', namespace: '', options: null, ...requestFields(request, match) };
}

