/**
 * Roles that kube-apiserver does not make: what Telar's own processes need beyond Kubernetes' roles for the same work, and those
 * that KubeVirt's installer brings for its kinds, which are served here from the start.
 */
import type { Subject } from '../../../kinds/generated/rbac.ts';
import type { RoleText } from './clusterroles.ts';
import { account, group, user } from './subjects.ts';

/** Beside `system:controller:<name>`, for the service account of that name in kube-system. */
export const EXTRA_CONTROLLER_RULES: Readonly<Record<string, string>> = {
  // Marks the newest revision on the deployment itself with a patch.
  'deployment-controller': 'patch apps deployments',
  // Finished jobs with a time to live are deleted by the same controller.
  'job-controller': 'delete batch jobs',
  // The older Endpoints are written together with the slices.
  'endpointslice-controller': 'create,delete,get,list,update,watch - endpoints\ncreate - endpoints/restricted',
  // The authority's certificate is published together with the account.
  'service-account-controller': 'create,get,update - configmaps',
  'event-ttl-controller': 'delete,list - events',
  'virtualmachine-controller': `
    get,list,patch,update,watch  kubevirt.io  virtualmachines
    get,patch,update             kubevirt.io  virtualmachines/status
    create,delete,get,list,patch,update,watch  kubevirt.io  virtualmachineinstances
    create,delete,get,list,patch,watch  -  pods
    create,delete,get,list,patch,watch  apps  controllerrevisions
    event`,
};

/** What nodes need of KubeVirt's kinds, as virt-handler does, and of services, as kube-proxy does. */
export const NODE_EXTRA = 'system:telar:node';

const READ = 'get,list,watch';
const WRITE = 'create,delete,get,list,patch,update,watch';
const OBJECTS = 'virtualmachines,virtualmachineinstances,virtualmachineinstancepresets,virtualmachineinstancereplicasets,virtualmachineinstancemigrations';
const LOOKING = 'virtualmachineinstances/guestosinfo,virtualmachineinstances/filesystemlist,virtualmachineinstances/userlist';
const ACTING = ['pause', 'unpause', 'freeze', 'unfreeze', 'softreboot', 'reset', 'addvolume', 'removevolume'].map((name) => `virtualmachineinstances/${name}`).join(',');
const SWITCHING = ['start', 'stop', 'restart', 'addvolume', 'removevolume', 'memorydump'].map((name) => `virtualmachines/${name}`).join(',');
const USING = `
  get     subresources.kubevirt.io  virtualmachineinstances/console,virtualmachineinstances/vnc,virtualmachineinstances/portforward,${LOOKING}
  update  subresources.kubevirt.io  ${ACTING}
  get     subresources.kubevirt.io  virtualmachines/expand-spec,virtualmachines/portforward
  update  subresources.kubevirt.io  ${SWITCHING},expand-vm-spec`;

/** The scheduler writes the claims of pods that ask for devices without one, and evicts what it moves. */
const SCHEDULER_EXTRA = 'system:telar:kube-scheduler';

export const TELAR_ROLES: Readonly<Record<string, RoleText>> = {
  [SCHEDULER_EXTRA]: { rules: 'create,delete resource.k8s.io resourceclaims\ncreate - pods/eviction' },
  [NODE_EXTRA]: { rules: 'get,list,watch,update kubevirt.io virtualmachineinstances\nlist,watch discovery.k8s.io endpointslices' },
  'kubevirt.io:default': { rules: 'get,list subresources.kubevirt.io version,guestfs,healthz' },
  'kubevirt.io:admin': { rules: `${USING}\ndeletecollection,${WRITE} kubevirt.io ${OBJECTS}`, into: ['admin'] },
  'kubevirt.io:edit': { rules: `${USING}\n${WRITE} kubevirt.io ${OBJECTS}`, into: ['edit'] },
  'kubevirt.io:view': { rules: `get subresources.kubevirt.io virtualmachines/expand-spec,${LOOKING}\n${READ} kubevirt.io ${OBJECTS}`, into: ['view'] },
};

export const TELAR_BINDINGS: Readonly<Record<string, readonly Subject[]>> = {
  [NODE_EXTRA]: [group('system:nodes')],
  [SCHEDULER_EXTRA]: [user('system:kube-scheduler'), account('kube-scheduler')],
  'kubevirt.io:default': [group('system:authenticated')],
};

/** The name of a controller's role with its extra rules. */
export const extraRoleName = (name: string): string => `system:telar:${name}`;

export const extraSubject = (name: string): Subject => account(name);
