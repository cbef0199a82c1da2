/** The roles of Kubernetes' controllers, `system:controller:<name>`, each bound to the service account of its name in kube-system. */

export const CONTROLLER_ROLES: Readonly<Record<string, string>> = {
  'attachdetach-controller': `
    list,watch            -               persistentvolumeclaims,persistentvolumes
    read                  -               nodes
    patch,update          -               nodes/status
    list,watch            -               pods
    event
    create,delete,get,list,watch  storage.k8s.io  volumeattachments
    read                  storage.k8s.io  csidrivers
    read                  storage.k8s.io  csinodes`,
  'certificate-controller': `
    delete,get,list,watch certificates.k8s.io  certificatesigningrequests
    update                certificates.k8s.io  certificatesigningrequests/approval,certificatesigningrequests/status
    approve               certificates.k8s.io  signers  kubernetes.io/kube-apiserver-client-kubelet
    sign                  certificates.k8s.io  signers  kubernetes.io/kube-apiserver-client,kubernetes.io/kube-apiserver-client-kubelet,kubernetes.io/kubelet-serving,kubernetes.io/legacy-unknown
    create                authorization.k8s.io subjectaccessreviews
    event`,
  'clusterrole-aggregation-controller': 'escalate,get,list,patch,update,watch rbac.authorization.k8s.io clusterroles',
  'cronjob-controller': `
    get,list,update,watch batch  cronjobs
    create,delete,get,list,patch,update,watch  batch  jobs
    update                batch  cronjobs/status
    update                batch  cronjobs/finalizers
    delete,list,watch     -      pods
    event`,
  'daemon-set-controller': `
    read                  apps,extensions  daemonsets
    update                apps,extensions  daemonsets/status
    update                apps,extensions  daemonsets/finalizers
    list,watch            -                nodes
    create,delete,list,patch,watch  -      pods
    create                -                pods/binding
    create,delete,get,list,patch,update,watch  apps  controllerrevisions
    event`,
  'deployment-controller': `
    get,list,update,watch apps,extensions  deployments
    update                apps,extensions  deployments/status
    update                apps,extensions  deployments/finalizers
    create,delete,get,list,patch,update,watch  apps,extensions  replicasets
    get,list,update,watch -                pods
    event`,
  'device-taint-eviction-controller': `
    delete,get,list,watch -                pods
    patch,update          -                pods/status
    read                  resource.k8s.io  resourceclaims
    read                  resource.k8s.io  resourceslices
    read                  resource.k8s.io  deviceclasses
    event`,
  'disruption-controller': `
    read                  apps,extensions  deployments
    read                  apps,extensions  replicasets
    read                  -                replicationcontrollers
    read                  policy           poddisruptionbudgets
    read                  apps             statefulsets
    update                policy           poddisruptionbudgets/status
    patch,update          -                pods/status
    get                   *                */scale
    event`,
  'endpoint-controller': `
    read                  -  pods,services
    create,delete,get,list,update,watch  -  endpoints
    create                -  endpoints/restricted
    event`,
  'endpointslice-controller': `
    read                  -  nodes,pods,services
    update                -  services/finalizers
    create,delete,get,list,update,watch  discovery.k8s.io  endpointslices
    event`,
  'endpointslicemirroring-controller': `
    read                  -  endpoints,services
    update                -  services/finalizers
    update                -  endpoints/finalizers
    create,delete,get,list,update,watch  discovery.k8s.io  endpointslices
    event`,
  'ephemeral-volume-controller': `
    read                  -  pods
    update                -  pods/finalizers
    create,get,list,watch -  persistentvolumeclaims
    event`,
  'expand-controller': `
    get,list,patch,update,watch  -  persistentvolumes
    patch,update          -  persistentvolumeclaims/status
    read                  -  persistentvolumeclaims
    event`,
  'generic-garbage-collector': `
    delete,get,list,patch,update,watch  *  *
    event`,
  'horizontal-pod-autoscaler': `
    read                  autoscaling  horizontalpodautoscalers
    update                autoscaling  horizontalpodautoscalers/status
    get,update            *            */scale
    list,watch            -            pods
    list,watch            metrics.k8s.io           pods
    read                  custom.metrics.k8s.io    *
    read                  external.metrics.k8s.io  *
    event`,
  'job-controller': `
    get,list,patch,update,watch  batch  jobs
    update                batch  jobs/status
    update                batch  jobs/finalizers
    create,delete,list,patch,watch  -  pods
    event`,
  'legacy-service-account-token-cleaner': `
    get                   -  configmaps  kube-apiserver-legacy-service-account-token-tracking
    delete,patch          -  secrets`,
  'namespace-controller': `
    delete,get,list,watch -  namespaces
    update                -  namespaces/finalize,namespaces/status
    delete,deletecollection,get,list,watch  *  *`,
  'node-controller': `
    delete,get,list,patch,update,watch  -  nodes
    patch,update          -  nodes/status
    patch,update          -  pods/status
    delete,get,list,watch -  pods
    event`,
  'persistent-volume-binder': `
    create,delete,get,list,update,watch  -  persistentvolumes
    update                -  persistentvolumes/status
    get,list,update,watch -  persistentvolumeclaims
    update                -  persistentvolumeclaims/status
    create,delete,get,list,watch  -  pods
    read                  storage.k8s.io  storageclasses
    list,watch            -  nodes
    event
    watch                 -  events`,
  'pod-garbage-collector': `
    delete,list,watch     -  pods
    read                  -  nodes
    patch                 -  pods/status`,
  'pv-protection-controller': `
    get,list,update,watch -  persistentvolumes
    event`,
  'pvc-protection-controller': `
    get,list,update,watch -  persistentvolumeclaims
    update                -  persistentvolumeclaims/status
    read                  -  pods
    event`,
  'replicaset-controller': `
    get,list,update,watch apps,extensions  replicasets
    update                apps,extensions  replicasets/status
    update                apps,extensions  replicasets/finalizers
    create,delete,list,patch,watch  -  pods
    event`,
  'replication-controller': `
    get,list,update,watch -  replicationcontrollers
    update                -  replicationcontrollers/status
    update                -  replicationcontrollers/finalizers
    create,delete,list,patch,watch  -  pods
    event`,
  'resource-claim-controller': `
    read                  -  pods
    update                -  pods/finalizers
    create,delete,get,list,watch  resource.k8s.io  resourceclaims
    patch,update          resource.k8s.io  resourceclaims,resourceclaims/status
    patch,update          -  pods/status
    event
    patch,update          resource.k8s.io  resourceclaims/binding`,
  'resourcequota-controller': `
    list,watch            *  *
    update                -  resourcequotas/status
    event`,
  'root-ca-cert-publisher': `
    create,update         -  configmaps
    event`,
  'route-controller': `
    list,watch            -  nodes
    patch                 -  nodes/status
    event`,
  'selinux-warning-controller': `
    event
    read                  -  persistentvolumes
    read                  -  persistentvolumeclaims
    read                  -  pods
    read                  storage.k8s.io  csidrivers`,
  'service-account-controller': `
    create                -  serviceaccounts
    event`,
  'service-cidrs-controller': `
    get,list,patch,update,watch  networking.k8s.io  servicecidrs
    patch,update          networking.k8s.io  servicecidrs/finalizers
    patch,update          networking.k8s.io  servicecidrs/status
    read                  networking.k8s.io  ipaddresses
    event`,
  'service-controller': `
    read                  -  services
    patch,update          -  services/status
    list,watch            -  nodes
    event`,
  'statefulset-controller': `
    list,watch            -     pods
    read                  apps  statefulsets
    update                apps  statefulsets/status
    update                apps  statefulsets/finalizers
    create,delete,get,patch,update  -  pods
    create,delete,get,list,patch,update,watch  apps  controllerrevisions
    create,get,list,watch -     persistentvolumeclaims
    delete,update         -     persistentvolumeclaims
    update                -     pods/finalizers
    event`,
  'ttl-after-finished-controller': `
    delete,get,list,watch batch  jobs
    event`,
  'ttl-controller': `
    list,patch,update,watch  -  nodes
    event`,
  'validatingadmissionpolicy-status-controller': `
    read                  admissionregistration.k8s.io  validatingadmissionpolicies
    get,patch,update      admissionregistration.k8s.io  validatingadmissionpolicies/status
    event`,
  'volumeattributesclass-protection-controller': `
    read                  -               persistentvolumeclaims
    read                  -               persistentvolumes
    get,list,update,watch storage.k8s.io  volumeattributesclasses
    event`,
};
