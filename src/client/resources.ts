/** The resources Telar's own code speaks of. What is only met at run time (discovery) is a plain `Resource`. */
import type { KubeObject } from '../apimachinery/object.ts';
import type { ControllerRevision, DaemonSet, Deployment, ReplicaSet, StatefulSet } from '../kinds/generated/apps.ts';
import type { Job } from '../kinds/generated/batch.ts';
import type { Lease } from '../kinds/generated/coordination.ts';
import type {
  ConfigMap, Endpoints, Event, Namespace, Node, PersistentVolume, PersistentVolumeClaim, Pod, ReplicationController, ResourceQuota, Secret, Service,
  ServiceAccount,
} from '../kinds/generated/core.ts';
import type { EndpointSlice } from '../kinds/generated/discovery.ts';
import type { VirtualMachine, VirtualMachineInstance } from '../kinds/generated/kubevirt.ts';
import type { PodDisruptionBudget } from '../kinds/generated/policy.ts';
import type { ClusterRole } from '../kinds/generated/rbac.ts';
import type { DeviceClass, ResourceClaim, ResourceClaimTemplate, ResourceSlice } from '../kinds/generated/resource.ts';
import type { PriorityClass } from '../kinds/generated/scheduling.ts';
import type { Resource } from './resource.ts';

function resource<T extends KubeObject>(group: string, version: string, plural: string, kind: string, namespaced = true): Resource<T> {
  return { group, version, plural, kind, namespaced };
}

export const PODS = resource<Pod>('', 'v1', 'pods', 'Pod');
export const NODES = resource<Node>('', 'v1', 'nodes', 'Node', false);
export const NAMESPACES = resource<Namespace>('', 'v1', 'namespaces', 'Namespace', false);
export const SERVICES = resource<Service>('', 'v1', 'services', 'Service');
export const ENDPOINTS = resource<Endpoints>('', 'v1', 'endpoints', 'Endpoints');
export const CONFIGMAPS = resource<ConfigMap>('', 'v1', 'configmaps', 'ConfigMap');
export const SECRETS = resource<Secret>('', 'v1', 'secrets', 'Secret');
export const SERVICEACCOUNTS = resource<ServiceAccount>('', 'v1', 'serviceaccounts', 'ServiceAccount');
export const EVENTS = resource<Event>('', 'v1', 'events', 'Event');
export const REPLICATIONCONTROLLERS = resource<ReplicationController>('', 'v1', 'replicationcontrollers', 'ReplicationController');
export const RESOURCEQUOTAS = resource<ResourceQuota>('', 'v1', 'resourcequotas', 'ResourceQuota');
export const PERSISTENTVOLUMECLAIMS = resource<PersistentVolumeClaim>('', 'v1', 'persistentvolumeclaims', 'PersistentVolumeClaim');
export const PERSISTENTVOLUMES = resource<PersistentVolume>('', 'v1', 'persistentvolumes', 'PersistentVolume', false);
export const PODDISRUPTIONBUDGETS = resource<PodDisruptionBudget>('policy', 'v1', 'poddisruptionbudgets', 'PodDisruptionBudget');
export const ENDPOINTSLICES = resource<EndpointSlice>('discovery.k8s.io', 'v1', 'endpointslices', 'EndpointSlice');
export const LEASES = resource<Lease>('coordination.k8s.io', 'v1', 'leases', 'Lease');
export const DEPLOYMENTS = resource<Deployment>('apps', 'v1', 'deployments', 'Deployment');
export const REPLICASETS = resource<ReplicaSet>('apps', 'v1', 'replicasets', 'ReplicaSet');
export const STATEFULSETS = resource<StatefulSet>('apps', 'v1', 'statefulsets', 'StatefulSet');
export const DAEMONSETS = resource<DaemonSet>('apps', 'v1', 'daemonsets', 'DaemonSet');
export const CONTROLLERREVISIONS = resource<ControllerRevision>('apps', 'v1', 'controllerrevisions', 'ControllerRevision');
export const JOBS = resource<Job>('batch', 'v1', 'jobs', 'Job');
export const PRIORITYCLASSES = resource<PriorityClass>('scheduling.k8s.io', 'v1', 'priorityclasses', 'PriorityClass', false);
export const RESOURCECLAIMS = resource<ResourceClaim>('resource.k8s.io', 'v1', 'resourceclaims', 'ResourceClaim');
export const RESOURCECLAIMTEMPLATES = resource<ResourceClaimTemplate>('resource.k8s.io', 'v1', 'resourceclaimtemplates', 'ResourceClaimTemplate');
export const RESOURCESLICES = resource<ResourceSlice>('resource.k8s.io', 'v1', 'resourceslices', 'ResourceSlice', false);
export const DEVICECLASSES = resource<DeviceClass>('resource.k8s.io', 'v1', 'deviceclasses', 'DeviceClass', false);
export const CLUSTERROLES = resource<ClusterRole>('rbac.authorization.k8s.io', 'v1', 'clusterroles', 'ClusterRole', false);
export const VIRTUALMACHINES = resource<VirtualMachine>('kubevirt.io', 'v1', 'virtualmachines', 'VirtualMachine');
export const VIRTUALMACHINEINSTANCES =
  resource<VirtualMachineInstance>('kubevirt.io', 'v1', 'virtualmachineinstances', 'VirtualMachineInstance');
