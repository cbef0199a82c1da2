/** NodeRestriction: a node writes only its own Node, its own Lease and the pods bound to it. Kubernetes' admission plugin, with its texts. */
import { conflict, forbidden, notFound, type StatusError } from '../../../apimachinery/status.ts';
import { deepEqual, isObject } from '../../../apimachinery/values.ts';
import type { KubeObject, OwnerReference } from '../../../apimachinery/object.ts';
import type { Node, Pod } from '../../../kinds/generated/core.ts';
import { typed } from '../../../kinds/typed.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../../admission/admission.ts';
import type { Lookup, ResourcePath } from '../../lookup.ts';
import { NODE_LEASES } from './authorizer.ts';
import { specReferences, type NodeGraph, type Referred } from './graph.ts';
import { nodeOf } from './identity.ts';
import { forbiddenChanges } from './labels.ts';

const PODS: ResourcePath = ['', 'v1', 'pods'];
const MIRROR = 'kubernetes.io/config.mirror';

type Check = (node: string, request: AdmissionRequest) => void;

const quoted = (text: string): string => JSON.stringify(text);

const refusal = ({ kind, name }: AdmissionRequest, why: string): StatusError => forbidden({ group: kind.group, resource: kind.plural, name }, why);

const REFERRED: readonly (readonly [Referred, string])[] = [
  ['serviceaccounts', 'a service account'], ['secrets', 'secrets'], ['configmaps', 'configmaps'], ['persistentvolumeclaims', 'persistentvolumeclaims'],
];

/** What a mirror pod may not refer to, in words, and does. */
function referredKinds(pod: Pod): string[] {
  const kinds = new Set([...specReferences(pod)].filter(([, name]) => name !== '').map(([what]) => what));
  return REFERRED.filter(([what]) => kinds.has(what)).map(([, words]) => words);
}

const isOwn = (node: string, { apiVersion, kind, name, controller, blockOwnerDeletion }: OwnerReference): boolean =>
  apiVersion === 'v1' && kind === 'Node' && name === node && controller === true && blockOwnerDeletion !== true;

function createPod(node: string, request: AdmissionRequest, pod: Pod): void {
  if (pod.metadata.annotations?.[MIRROR] === undefined) {
    throw refusal(request, `pod does not have ${quoted(MIRROR)} annotation, node ${quoted(node)} can only create mirror pods`);
  }
  if (pod.spec?.nodeName !== node) {
    throw refusal(request, `node ${quoted(node)} can only create pods with spec.nodeName set to itself`);
  }
  // Owned by something else it would look as if that had made it.
  if (!(pod.metadata.ownerReferences ?? []).every((owner) => isOwn(node, owner))) {
    throw refusal(request, `node ${quoted(node)} can only create pods with an owner reference set to itself`);
  }
  const [referred] = referredKinds(pod);
  if (referred !== undefined) {
    throw refusal(request, `node ${quoted(node)} can not create pods that reference ${referred}`);
  }
}

const nodeNameOf = (pod: KubeObject | undefined): string => (pod === undefined ? '' : typed('v1 Pod', pod).spec.nodeName ?? '');

function podStatus(node: string, request: AdmissionRequest): void {
  const { object, old } = request;
  if (nodeNameOf(old) !== node) {
    throw refusal(request, `node ${quoted(node)} can only update pod status for pods with spec.nodeName set to itself`);
  }
  if (!deepEqual(old?.metadata.labels ?? {}, object?.metadata.labels ?? {})) {
    throw refusal(request, `node ${quoted(node)} cannot update labels through pod status`);
  }
}

function pods(node: string, request: AdmissionRequest, graph: NodeGraph): void {
  const { operation, subresource, object, old } = request;
  if (subresource === 'status') {
    podStatus(node, request);
    return;
  }
  if (operation === 'CREATE' && subresource === '' && object !== undefined) {
    createPod(node, request, typed('v1 Pod', object));
    return;
  }
  if (subresource === 'eviction') {
    if (!graph.refers(node, 'pods', request.namespace, request.name)) {
      throw refusal(request, `node ${node} can only evict pods with spec.nodeName set to itself`);
    }
    return;
  }
  if (operation === 'DELETE') {
    if (nodeNameOf(old) !== node) {
      throw refusal(request, `node ${quoted(node)} can only delete pods with spec.nodeName set to itself`);
    }
    return;
  }
  throw refusal(request, `unexpected operation ${quoted(operation)}, node ${quoted(node)} can only create and delete mirror pods`);
}

function nodes(node: string, request: AdmissionRequest): void {
  if (request.name !== node) {
    throw refusal(request, `node ${quoted(node)} is not allowed to modify node ${quoted(request.name)}`);
  }
  if (request.object !== undefined) {
    ownNode(node, request, typed('v1 Node', request.object), request.old === undefined ? undefined : typed('v1 Node', request.old));
  }
}

function ownNode(node: string, request: AdmissionRequest, object: Node, old: Node | undefined): void {
  const labels = forbiddenChanges(object.metadata.labels ?? {}, old?.metadata.labels ?? {});
  if (labels.length > 0) {
    const what = old === undefined ? 'set the following labels' : 'modify labels';
    throw refusal(request, `node ${quoted(node)} is not allowed to ${what}: ${labels.join(', ')}`);
  }
  if (old !== undefined && !deepEqual(old.spec.taints ?? [], object.spec.taints ?? [])) {
    throw refusal(request, `node ${quoted(node)} is not allowed to modify taints`);
  }
  if (old !== undefined && !deepEqual(old.metadata.ownerReferences ?? [], object.metadata.ownerReferences ?? [])) {
    throw refusal(request, `node ${quoted(node)} is not allowed to modify ownerReferences`);
  }
}

function leases(node: string, request: AdmissionRequest): void {
  if (request.namespace !== NODE_LEASES) {
    throw refusal(request, `can only access leases in the ${quoted(NODE_LEASES)} system namespace`);
  }
  if (request.name !== node) {
    throw refusal(request, 'can only access node lease with the same name as the requesting node');
  }
}

function csiNodes(node: string, request: AdmissionRequest): void {
  if (request.name !== node) {
    throw refusal(request, 'can only access CSINode with the same name as the requesting node');
  }
}

function slices(node: string, request: AdmissionRequest): void {
  const spec: unknown = request.object === undefined ? undefined : Reflect.get(request.object, 'spec');
  if (request.object !== undefined && (!isObject(spec) || spec['nodeName'] !== node)) {
    throw refusal(request, 'can only create ResourceSlice with the same NodeName as the requesting node');
  }
}

/** A node asks for tokens only on behalf of its pods: the request must be bound to one of them. */
function tokens(lookup: Lookup): Check {
  return (node, request) => {
    if (request.subresource !== 'token') {
      return;
    }
    const { kind, name, uid } = boundObjectOf(request.object);
    if (kind !== 'Pod' || typeof name !== 'string') {
      throw refusal(request, 'node requested token not bound to a pod');
    }
    if (typeof uid !== 'string' || uid === '') {
      throw refusal(request, 'node requested token with a pod binding without a uid');
    }
    const pod = lookup.get(PODS, request.namespace, name);
    if (pod === undefined) {
      throw notFound({ group: '', resource: 'pods', name });
    }
    if (pod.metadata.uid !== uid) {
      throw conflict({ group: '', resource: 'pods', name },
        `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`);
    }
    if (nodeNameOf(pod) !== node) {
      throw refusal(request, 'node requested token bound to a pod scheduled on a different node');
    }
    checkAudience(request, typed('v1 Pod', pod));
  };
}

/** The audience must be one that a volume of the pod names; none stands for the API server. */
function checkAudience(request: AdmissionRequest, pod: Pod): void {
  const spec: unknown = request.object === undefined ? undefined : Reflect.get(request.object, 'spec');
  const audiences: unknown = isObject(spec) ? spec['audiences'] : undefined;
  const [asked = '', second] = Array.isArray(audiences) ? audiences.map(String) : [];
  if (second !== undefined) {
    throw refusal(request, 'node may only request 0 or 1 audiences');
  }
  const named = (pod.spec.volumes ?? []).flatMap(({ projected }) => projected?.sources ?? [])
    .some(({ serviceAccountToken }) => serviceAccountToken !== undefined && (serviceAccountToken.audience ?? '') === asked);
  if (!named) {
    throw refusal(request, `audience ${quoted(asked)} not found in pod spec volume`);
  }
}

/** What a TokenRequest is to be bound to. */
function boundObjectOf(object: KubeObject | undefined): Record<string, unknown> {
  const spec: unknown = object === undefined ? undefined : Reflect.get(object, 'spec');
  const reference = isObject(spec) ? spec['boundObjectRef'] : undefined;
  return isObject(reference) ? reference : {};
}

/** `graph` knows which pods and machines a node runs. */
export function nodeRestriction(lookup: Lookup, graph: NodeGraph): AdmissionPlugin {
  const machines: Check = (node, request) => {
    if (!graph.machines(node, request.namespace).has(request.name)) {
      throw refusal(request, `node ${quoted(node)} can only change virtual machine instances that run on it`);
    }
  };
  const checks = new Map<string, Check>([
    ['/pods', (node, request) => pods(node, request, graph)], ['/nodes', nodes], ['coordination.k8s.io/leases', leases], ['storage.k8s.io/csinodes', csiNodes],
    ['resource.k8s.io/resourceslices', slices], ['kubevirt.io/virtualmachineinstances', machines], ['/serviceaccounts', tokens(lookup)],
  ]);
  return {
    name: 'NodeRestriction',
    admit(request): void {
      const node = nodeOf(request.user);
      if (node === undefined) {
        return;
      }
      if (node === '') {
        throw refusal(request, `could not determine node from user ${quoted(request.user.name)}`);
      }
      checks.get(`${request.kind.group}/${request.kind.plural}`)?.(node, request);
    },
  };
}
