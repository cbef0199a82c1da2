/** The cluster roles that kube-apiserver 1.36 makes (plugin/pkg/auth/authorizer/rbac/bootstrappolicy), without the controllers' own. */

export interface RoleText {
  readonly rules: string;
  /** Labels beside `kubernetes.io/bootstrapping`: the roles this one is added to. */
  readonly into?: readonly ('admin' | 'edit' | 'view')[];
}

const AGGREGATE_TO_EDIT = `
  read           -            pods/attach,pods/exec,pods/portforward,pods/proxy,secrets,services/proxy
  impersonate    -            serviceaccounts
  write          -            pods,pods/attach,pods/exec,pods/portforward,pods/proxy
  create         -            pods/eviction
  write          -            configmaps,events,persistentvolumeclaims,replicationcontrollers,replicationcontrollers/scale,secrets,serviceaccounts,services,services/proxy
  create         -            serviceaccounts/token
  write          apps         daemonsets,deployments,deployments/rollback,deployments/scale,replicasets,replicasets/scale,statefulsets,statefulsets/scale
  write          autoscaling  horizontalpodautoscalers
  write          batch        cronjobs,jobs
  write          extensions   daemonsets,deployments,deployments/rollback,deployments/scale,ingresses,networkpolicies,replicasets,replicasets/scale,replicationcontrollers/scale
  write          policy       poddisruptionbudgets
  write          networking.k8s.io    ingresses,networkpolicies
  all            coordination.k8s.io  leases
  write          resource.k8s.io      resourceclaims,resourceclaimtemplates`;

const AGGREGATE_TO_VIEW = `
  read  -                 configmaps,endpoints,persistentvolumeclaims,persistentvolumeclaims/status,pods,replicationcontrollers,replicationcontrollers/scale,serviceaccounts,services,services/status
  read  -                 bindings,events,limitranges,namespaces/status,pods/log,pods/status,replicationcontrollers/status,resourcequotas,resourcequotas/status
  read  -                 namespaces
  read  discovery.k8s.io  endpointslices
  read  apps              controllerrevisions,daemonsets,daemonsets/status,deployments,deployments/scale,deployments/status,replicasets,replicasets/scale,replicasets/status,statefulsets,statefulsets/scale,statefulsets/status
  read  autoscaling       horizontalpodautoscalers,horizontalpodautoscalers/status
  read  batch             cronjobs,cronjobs/status,jobs,jobs/status
  read  extensions        daemonsets,daemonsets/status,deployments,deployments/scale,deployments/status,ingresses,ingresses/status,networkpolicies,replicasets,replicasets/scale,replicasets/status,replicationcontrollers/scale
  read  policy            poddisruptionbudgets,poddisruptionbudgets/status
  read  networking.k8s.io ingresses,ingresses/status,networkpolicies
  read  resource.k8s.io   resourceclaims,resourceclaims/status,resourceclaimtemplates`;

/** What every node may do; of some kinds the node authorizer narrows it down to what is the node's own. */
export const NODE_RULES = `
  create               authentication.k8s.io  tokenreviews
  create               authorization.k8s.io   localsubjectaccessreviews,subjectaccessreviews
  read                 -                      services
  create,get,list,watch  -                    nodes
  patch,update         -                      nodes/status
  patch,update         -                      nodes
  create,patch,update  -                      events
  read                 -                      pods
  create,delete        -                      pods
  patch,update         -                      pods/status
  create               -                      pods/eviction
  read                 -                      configmaps,secrets
  get                  -                      persistentvolumeclaims,persistentvolumes
  get                  -                      endpoints
  create,get,list,watch  certificates.k8s.io  certificatesigningrequests
  create,delete,get,patch,update  coordination.k8s.io  leases
  get                  storage.k8s.io         volumeattachments
  create               -                      serviceaccounts/token
  get,patch,update     -                      persistentvolumeclaims/status
  read                 storage.k8s.io         csidrivers
  create,delete,get,patch,update  storage.k8s.io  csinodes
  read                 node.k8s.io            runtimeclasses
  get                  resource.k8s.io        resourceclaims
  deletecollection     resource.k8s.io        resourceslices
  read                 certificates.k8s.io    clustertrustbundles
  get                  -                      serviceaccounts`;

const KUBE_CONTROLLER_MANAGER = `
  event
  create         coordination.k8s.io    leases
  get,update     coordination.k8s.io    leases  kube-controller-manager
  create         -                      secrets,serviceaccounts
  delete         -                      secrets
  get            -                      configmaps,namespaces,secrets,serviceaccounts
  update         -                      secrets,serviceaccounts
  create         authentication.k8s.io  tokenreviews
  create         authorization.k8s.io   subjectaccessreviews
  list,watch     *                      *
  create         -                      serviceaccounts/token`;

const KUBE_SCHEDULER = `
  event
  create               coordination.k8s.io    leases
  get,list,update,watch  coordination.k8s.io  leases  kube-scheduler
  all                  coordination.k8s.io    leasecandidates
  read                 -                      nodes
  delete,get,list,watch  -                    pods
  create               -                      bindings,pods/binding
  patch,update         -                      pods/status
  read                 -                      replicationcontrollers,services
  read                 apps,extensions        replicasets
  read                 apps                   statefulsets
  read                 policy                 poddisruptionbudgets
  read                 -                      persistentvolumeclaims,persistentvolumes
  create               authentication.k8s.io  tokenreviews
  create               authorization.k8s.io   subjectaccessreviews
  read                 storage.k8s.io         csinodes
  read                 storage.k8s.io         volumeattachments
  read                 -                      namespaces
  read                 storage.k8s.io         csidrivers
  read                 storage.k8s.io         csistoragecapacities
  read                 resource.k8s.io        deviceclasses
  get,list,patch,update,watch  resource.k8s.io  resourceclaims
  get,list,patch,update,watch  resource.k8s.io  resourceclaims/status
  get,list,patch,update,watch  -              pods/finalizers
  read                 resource.k8s.io        resourceslices`;

const approver = (signer: string): RoleText => ({ rules: `approve certificates.k8s.io signers ${signer}` });

export const CLUSTER_ROLES: Readonly<Record<string, RoleText>> = {
  'cluster-admin': { rules: '* * *\n* url *' },
  'system:discovery': { rules: 'get url /api,/api/*,/apis,/apis/*,/healthz,/livez,/openapi,/openapi/*,/readyz,/version,/version/' },
  'system:monitoring': {
    rules: 'get url /healthz,/healthz/*,/livez,/livez/*,/metrics,/metrics/slis,/readyz,/readyz/*\nget url /flagz\nget url /statusz',
  },
  'system:public-info-viewer': { rules: 'get url /healthz,/livez,/readyz,/version,/version/' },
  'system:basic-user': {
    rules: 'create authorization.k8s.io selfsubjectaccessreviews,selfsubjectrulesreviews\ncreate authentication.k8s.io selfsubjectreviews',
  },
  'system:aggregate-to-admin': {
    rules: 'create authorization.k8s.io localsubjectaccessreviews\nall rbac.authorization.k8s.io rolebindings,roles', into: ['admin'],
  },
  'system:aggregate-to-edit': { rules: AGGREGATE_TO_EDIT, into: ['edit'] },
  'system:aggregate-to-view': { rules: AGGREGATE_TO_VIEW, into: ['view'] },
  'system:heapster': { rules: 'read - events,namespaces,nodes,pods\nread extensions deployments' },
  'system:node': { rules: NODE_RULES },
  'system:node-problem-detector': { rules: 'get - nodes\npatch - nodes/status\nevent' },
  'system:kubelet-api-admin': {
    rules: 'read - nodes\nproxy - nodes\n* - nodes/log,nodes/metrics,nodes/proxy,nodes/stats\n* - nodes/configz,nodes/healthz,nodes/pods',
  },
  'system:node-bootstrapper': { rules: 'create,get,list,watch certificates.k8s.io certificatesigningrequests' },
  'system:auth-delegator': { rules: 'create authentication.k8s.io tokenreviews\ncreate authorization.k8s.io subjectaccessreviews' },
  'system:kube-aggregator': { rules: 'read - endpoints,services' },
  'system:kube-controller-manager': { rules: KUBE_CONTROLLER_MANAGER },
  'system:kube-dns': { rules: 'list,watch - endpoints,services' },
  'system:kube-scheduler': { rules: KUBE_SCHEDULER },
  'system:volume-scheduler': {
    rules: 'get,list,patch,update,watch - persistentvolumes\nread storage.k8s.io storageclasses\nget,list,patch,update,watch - persistentvolumeclaims',
  },
  'system:persistent-volume-provisioner': {
    rules: `create,delete,get,list,watch - persistentvolumes\nget,list,update,watch - persistentvolumeclaims
      read storage.k8s.io storageclasses\nwatch - events\nevent`,
  },
  'system:node-proxier': {
    rules: 'list,watch - endpoints,services\nread - nodes\nevent\nlist,watch networking.k8s.io servicecidrs\nlist,watch discovery.k8s.io endpointslices',
  },
  'system:service-account-issuer-discovery': {
    rules: 'get url /.well-known/openid-configuration,/.well-known/openid-configuration/,/openid/v1/jwks,/openid/v1/jwks/',
  },
  'system:certificates.k8s.io:certificatesigningrequests:nodeclient': { rules: 'create certificates.k8s.io certificatesigningrequests/nodeclient' },
  'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient': { rules: 'create certificates.k8s.io certificatesigningrequests/selfnodeclient' },
  'system:certificates.k8s.io:kube-apiserver-client-approver': approver('kubernetes.io/kube-apiserver-client'),
  'system:certificates.k8s.io:kube-apiserver-client-kubelet-approver': approver('kubernetes.io/kube-apiserver-client-kubelet'),
  'system:certificates.k8s.io:kubelet-serving-approver': approver('kubernetes.io/kubelet-serving'),
  'system:certificates.k8s.io:legacy-unknown-approver': approver('kubernetes.io/legacy-unknown'),
};

/** Roles put together from others by their labels, and into which of one another they go themselves. */
export const AGGREGATED: Readonly<Record<'admin' | 'edit' | 'view', readonly ('admin' | 'edit' | 'view')[]>> = { admin: [], edit: ['admin'], view: ['edit'] };
