/**
 * Which fields Kubernetes' own types hold by value, so that they are there, empty, whenever the struct around them is. Facts of
 * k8s.io/api: a struct field that is no pointer is never left out of its JSON. Custom resources have none.
 */
import type { MessageType } from '../typetable.ts';

/** Beside `metadata`, `spec` and `status` of every kind: message and its fields. */
const BY_VALUE: Readonly<Record<string, readonly string[]>> = {
  'apiextensions/v1.CustomResourceDefinitionSpec': ['names'],
  'apiextensions/v1.CustomResourceDefinitionStatus': ['acceptedNames'],
  'apps/v1.DaemonSetSpec': ['template', 'updateStrategy'],
  'apps/v1.DeploymentSpec': ['strategy', 'template'],
  'apps/v1.ReplicaSetSpec': ['template'],
  'apps/v1.StatefulSetSpec': ['template', 'updateStrategy'],
  'autoscaling/v1.HorizontalPodAutoscalerSpec': ['scaleTargetRef'],
  'autoscaling/v2.HorizontalPodAutoscalerSpec': ['scaleTargetRef'],
  'batch/v1.CronJobSpec': ['jobTemplate'],
  'batch/v1.JobSpec': ['template'],
  'batch/v1.JobTemplateSpec': ['metadata', 'spec'],
  'core/v1.Container': ['resources'],
  'core/v1.Event': ['involvedObject', 'source'],
  'core/v1.NodeDaemonEndpoints': ['kubeletEndpoint'],
  'core/v1.NodeStatus': ['daemonEndpoints', 'nodeInfo'],
  'core/v1.PersistentVolumeClaimSpec': ['resources'],
  'core/v1.PodTemplate': ['template'],
  'core/v1.PodTemplateSpec': ['metadata', 'spec'],
  'core/v1.ServiceStatus': ['loadBalancer'],
  'events/v1.Event': ['deprecatedSource', 'regarding'],
  'networking/v1.IngressStatus': ['loadBalancer'],
};

const OF_KINDS: ReadonlySet<string> = new Set(['metadata', 'spec', 'status']);

/** Kinds without protobuf numbers are custom resources, which have no Go types on the server. */
const isBuiltin = (message: MessageType, field: string): boolean => (message.fields.get(field)?.number.length ?? 0) > 0;

/** Whether `field` of a struct counts as there when the struct is: held by value, or required and so written as null when empty. */
export function isAlwaysPresent(message: MessageType, field: string): boolean {
  const declared = message.fields.get(field);
  if (declared === undefined || declared.type.t === 'scalar' || !isBuiltin(message, field)) {
    return false;
  }
  if (message.isKind && OF_KINDS.has(field)) {
    return true;
  }
  // Required lists and maps have no `omitempty`; a required struct is held by value or, rarely, a null pointer.
  return declared.required || (Object.hasOwn(BY_VALUE, message.name) && BY_VALUE[message.name]?.includes(field) === true);
}
