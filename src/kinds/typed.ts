/** Objects of the server seen with the static type of their kind. */
import type { KubeObject } from '../apimachinery/object.ts';
import type {
  MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding, MutatingWebhookConfiguration, ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding,
  ValidatingWebhookConfiguration,
} from './generated/admissionregistration.ts';
import type { CustomResourceDefinition } from './generated/apiextensions.ts';
import type { APIService } from './generated/apiregistration.ts';
import type { DaemonSet, Deployment, ReplicaSet, StatefulSet } from './generated/apps.ts';
import type { CronJob, Job } from './generated/batch.ts';
import type {
  LimitRange, Namespace, Node, PersistentVolume, PersistentVolumeClaim, Pod, PodTemplate, ReplicationController, ResourceQuota, Secret, Service, ServiceAccount,
} from './generated/core.ts';
import type { CertificateSigningRequest } from './generated/certificates.ts';
import type { EndpointSlice } from './generated/discovery.ts';
import type { FlowSchema, PriorityLevelConfiguration } from './generated/flowcontrol.ts';
import type { VirtualMachine, VirtualMachineInstance } from './generated/kubevirt.ts';
import type { Ingress, IngressClass } from './generated/networking.ts';
import type { RuntimeClass } from './generated/node.ts';
import type { PodDisruptionBudget } from './generated/policy.ts';
import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from './generated/rbac.ts';
import type { PriorityClass } from './generated/scheduling.ts';
import type { StorageClass } from './generated/storage.ts';

/** apiVersion and kind → what an object of it looks like. */
interface Types {
  'v1 LimitRange': LimitRange;
  'v1 Namespace': Namespace;
  'v1 Node': Node;
  'v1 PersistentVolume': PersistentVolume;
  'v1 PersistentVolumeClaim': PersistentVolumeClaim;
  'v1 Pod': Pod;
  'v1 PodTemplate': PodTemplate;
  'v1 ReplicationController': ReplicationController;
  'v1 ResourceQuota': ResourceQuota;
  'v1 Secret': Secret;
  'v1 Service': Service;
  'v1 ServiceAccount': ServiceAccount;
  'admissionregistration.k8s.io/v1 MutatingAdmissionPolicy': MutatingAdmissionPolicy;
  'admissionregistration.k8s.io/v1 MutatingAdmissionPolicyBinding': MutatingAdmissionPolicyBinding;
  'admissionregistration.k8s.io/v1 MutatingWebhookConfiguration': MutatingWebhookConfiguration;
  'admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy': ValidatingAdmissionPolicy;
  'admissionregistration.k8s.io/v1 ValidatingAdmissionPolicyBinding': ValidatingAdmissionPolicyBinding;
  'admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration': ValidatingWebhookConfiguration;
  'apps/v1 DaemonSet': DaemonSet;
  'apps/v1 Deployment': Deployment;
  'apps/v1 ReplicaSet': ReplicaSet;
  'apps/v1 StatefulSet': StatefulSet;
  'batch/v1 CronJob': CronJob;
  'batch/v1 Job': Job;
  'certificates.k8s.io/v1 CertificateSigningRequest': CertificateSigningRequest;
  'apiextensions.k8s.io/v1 CustomResourceDefinition': CustomResourceDefinition;
  'apiregistration.k8s.io/v1 APIService': APIService;
  'discovery.k8s.io/v1 EndpointSlice': EndpointSlice;
  'flowcontrol.apiserver.k8s.io/v1 FlowSchema': FlowSchema;
  'flowcontrol.apiserver.k8s.io/v1 PriorityLevelConfiguration': PriorityLevelConfiguration;
  'networking.k8s.io/v1 Ingress': Ingress;
  'networking.k8s.io/v1 IngressClass': IngressClass;
  'policy/v1 PodDisruptionBudget': PodDisruptionBudget;
  'rbac.authorization.k8s.io/v1 ClusterRole': ClusterRole;
  'rbac.authorization.k8s.io/v1 ClusterRoleBinding': ClusterRoleBinding;
  'rbac.authorization.k8s.io/v1 Role': Role;
  'rbac.authorization.k8s.io/v1 RoleBinding': RoleBinding;
  'scheduling.k8s.io/v1 PriorityClass': PriorityClass;
  'storage.k8s.io/v1 StorageClass': StorageClass;
  'node.k8s.io/v1 RuntimeClass': RuntimeClass;
  'kubevirt.io/v1 VirtualMachine': VirtualMachine;
  'kubevirt.io/v1 VirtualMachineInstance': VirtualMachineInstance;
}

/**
 * The same object with the type that its apiVersion and kind promise: whatever the server holds has been decoded
 * against the message of its kind. Throws when it is of another kind, which is an error of the caller's.
 */
export function typed<Name extends keyof Types>(name: Name, object: KubeObject): Types[Name] {
  if (`${object.apiVersion} ${object.kind}` !== name) {
    throw new Error(`expected ${name}, found ${object.apiVersion} ${object.kind}`);
  }
  // Sound by the check above; the compiler cannot tell one decoded kind from another.
  return object as unknown as Types[Name];
}
