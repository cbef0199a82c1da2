/** Messages of core/v1: field, type, protobuf number, rules. The grammar is in apimachinery/typetable.ts. */
export const coreV1Types = `
AWSElasticBlockStoreVolumeSource
  volumeID string 1 !
  fsType string 2
  partition int32 3
  readOnly bool 4

Affinity
  nodeAffinity NodeAffinity 1
  podAffinity PodAffinity 2
  podAntiAffinity PodAntiAffinity 3

AppArmorProfile
  type string 1 ! enum=Localhost|RuntimeDefault|Unconfined
  localhostProfile string 2

AttachedVolume
  name string 1 !
  devicePath string 2 !

AzureDiskVolumeSource
  diskName string 1 !
  diskURI string 2 !
  cachingMode string 3 enum=None|ReadOnly|ReadWrite
  fsType string 4
  readOnly bool 5
  kind string 6 enum=Dedicated|Managed|Shared

AzureFilePersistentVolumeSource
  secretName string 1 !
  shareName string 2 !
  readOnly bool 3
  secretNamespace string 4

AzureFileVolumeSource
  secretName string 1 !
  shareName string 2 !
  readOnly bool 3

Binding kind
  metadata meta/v1.ObjectMeta 1
  target ObjectReference 2 !

CSIPersistentVolumeSource
  driver string 1 !
  volumeHandle string 2 !
  readOnly bool 3
  fsType string 4
  volumeAttributes map:string 5
  controllerPublishSecretRef SecretReference 6
  nodeStageSecretRef SecretReference 7
  nodePublishSecretRef SecretReference 8
  controllerExpandSecretRef SecretReference 9
  nodeExpandSecretRef SecretReference 10

CSIVolumeSource
  driver string 1 !
  readOnly bool 2
  fsType string 3
  volumeAttributes map:string 4
  nodePublishSecretRef LocalObjectReference 5

Capabilities
  add []string 1 atomic
  drop []string 2 atomic

CephFSPersistentVolumeSource
  monitors []string 1 ! atomic
  path string 2
  user string 3
  secretFile string 4
  secretRef SecretReference 5
  readOnly bool 6

CephFSVolumeSource
  monitors []string 1 ! atomic
  path string 2
  user string 3
  secretFile string 4
  secretRef LocalObjectReference 5
  readOnly bool 6

CinderPersistentVolumeSource
  volumeID string 1 !
  fsType string 2
  readOnly bool 3
  secretRef SecretReference 4

CinderVolumeSource
  volumeID string 1 !
  fsType string 2
  readOnly bool 3
  secretRef LocalObjectReference 4

ClientIPConfig
  timeoutSeconds int32 1

ClusterTrustBundleProjection
  name string 1
  signerName string 2
  labelSelector meta/v1.LabelSelector 3
  path string 4 !
  optional bool 5

ComponentCondition
  type string 1 !
  status string 2 !
  message string 3
  error string 4

ComponentStatus kind
  metadata meta/v1.ObjectMeta 1
  conditions []ComponentCondition 2 map=type patch=merge:type

ConfigMap kind
  metadata meta/v1.ObjectMeta 1
  data map:string 2
  binaryData map:bytes 3
  immutable bool 4

ConfigMapEnvSource
  name string 1.1
  optional bool 2

ConfigMapKeySelector atomic
  name string 1.1
  key string 2 !
  optional bool 3

ConfigMapNodeConfigSource
  namespace string 1 !
  name string 2 !
  uid string 3
  resourceVersion string 4
  kubeletConfigKey string 5 !

ConfigMapProjection
  name string 1.1
  items []KeyToPath 2 atomic
  optional bool 4

ConfigMapVolumeSource
  name string 1.1
  items []KeyToPath 2 atomic
  defaultMode int32 3
  optional bool 4

Container
  name string 1 !
  image string 2
  command []string 3 atomic
  args []string 4 atomic
  workingDir string 5
  ports []ContainerPort 6 map=containerPort,protocol patch=merge:containerPort
  env []EnvVar 7 map=name patch=merge:name
  resources ResourceRequirements 8
  volumeMounts []VolumeMount 9 map=mountPath patch=merge:mountPath
  livenessProbe Probe 10
  readinessProbe Probe 11
  lifecycle Lifecycle 12
  terminationMessagePath string 13
  imagePullPolicy string 14 enum=Always|IfNotPresent|Never
  securityContext SecurityContext 15
  stdin bool 16
  stdinOnce bool 17
  tty bool 18
  envFrom []EnvFromSource 19 atomic
  terminationMessagePolicy string 20 enum=FallbackToLogsOnError|File
  volumeDevices []VolumeDevice 21 map=devicePath patch=merge:devicePath
  startupProbe Probe 22
  resizePolicy []ContainerResizePolicy 23 atomic
  restartPolicy string 24
  restartPolicyRules []ContainerRestartRule 25 atomic

ContainerExtendedResourceRequest
  containerName string 1 !
  resourceName string 2 !
  requestName string 3 !

ContainerImage
  names []string 1 atomic
  sizeBytes int64 2

ContainerPort
  name string 1
  hostPort int32 2
  containerPort int32 3 !
  protocol string 4 enum=SCTP|TCP|UDP
  hostIP string 5

ContainerResizePolicy
  resourceName string 1 !
  restartPolicy string 2 !

ContainerRestartRule
  action string 1 !
  exitCodes ContainerRestartRuleOnExitCodes 2

ContainerRestartRuleOnExitCodes
  operator string 1 !
  values []int32 2 set

ContainerState
  waiting ContainerStateWaiting 1
  running ContainerStateRunning 2
  terminated ContainerStateTerminated 3

ContainerStateRunning
  startedAt Time 1

ContainerStateTerminated
  exitCode int32 1 !
  signal int32 2
  reason string 3
  message string 4
  startedAt Time 5
  finishedAt Time 6
  containerID string 7

ContainerStateWaiting
  reason string 1
  message string 2

ContainerStatus
  name string 1 !
  state ContainerState 2
  lastState ContainerState 3
  ready bool 4 !
  restartCount int32 5 !
  image string 6 !
  imageID string 7 !
  containerID string 8
  started bool 9
  allocatedResources map:Quantity 10
  resources ResourceRequirements 11
  volumeMounts []VolumeMountStatus 12 map=mountPath patch=merge:mountPath
  user ContainerUser 13
  allocatedResourcesStatus []ResourceStatus 14 map=name patch=merge:name
  stopSignal string 15 enum=SIGABRT|SIGALRM|SIGBUS|SIGCHLD|SIGCLD|SIGCONT|SIGFPE|SIGHUP|SIGILL|SIGINT|SIGIO|SIGIOT|SIGKILL|SIGPIPE|SIGPOLL|SIGPROF|SIGPWR|SIGQUIT|SIGRTMAX|SIGRTMAX-1|SIGRTMAX-10|SIGRTMAX-11|SIGRTMAX-12|SIGRTMAX-13|SIGRTMAX-14|SIGRTMAX-2|SIGRTMAX-3|SIGRTMAX-4|SIGRTMAX-5|SIGRTMAX-6|SIGRTMAX-7|SIGRTMAX-8|SIGRTMAX-9|SIGRTMIN|SIGRTMIN+1|SIGRTMIN+10|SIGRTMIN+11|SIGRTMIN+12|SIGRTMIN+13|SIGRTMIN+14|SIGRTMIN+15|SIGRTMIN+2|SIGRTMIN+3|SIGRTMIN+4|SIGRTMIN+5|SIGRTMIN+6|SIGRTMIN+7|SIGRTMIN+8|SIGRTMIN+9|SIGSEGV|SIGSTKFLT|SIGSTOP|SIGSYS|SIGTERM|SIGTRAP|SIGTSTP|SIGTTIN|SIGTTOU|SIGURG|SIGUSR1|SIGUSR2|SIGVTALRM|SIGWINCH|SIGXCPU|SIGXFSZ

ContainerUser
  linux LinuxContainerUser 1

DaemonEndpoint
  Port int32 1 !

DownwardAPIProjection
  items []DownwardAPIVolumeFile 1 atomic

DownwardAPIVolumeFile
  path string 1 !
  fieldRef ObjectFieldSelector 2
  resourceFieldRef ResourceFieldSelector 3
  mode int32 4

DownwardAPIVolumeSource
  items []DownwardAPIVolumeFile 1 atomic
  defaultMode int32 2

EmptyDirVolumeSource
  medium string 1
  sizeLimit Quantity 2

EndpointAddress atomic
  ip string 1 !
  targetRef ObjectReference 2
  hostname string 3
  nodeName string 4

EndpointPort atomic
  name string 1
  port int32 2 !
  protocol string 3 enum=SCTP|TCP|UDP
  appProtocol string 4

EndpointSubset
  addresses []EndpointAddress 1 atomic
  notReadyAddresses []EndpointAddress 2 atomic
  ports []EndpointPort 3 atomic

Endpoints kind
  metadata meta/v1.ObjectMeta 1
  subsets []EndpointSubset 2 atomic

EnvFromSource
  prefix string 1
  configMapRef ConfigMapEnvSource 2
  secretRef SecretEnvSource 3

EnvVar
  name string 1 !
  value string 2
  valueFrom EnvVarSource 3

EnvVarSource
  fieldRef ObjectFieldSelector 1
  resourceFieldRef ResourceFieldSelector 2
  configMapKeyRef ConfigMapKeySelector 3
  secretKeyRef SecretKeySelector 4
  fileKeyRef FileKeySelector 5

EphemeralContainer
  args []string 1.4 atomic
  command []string 1.3 atomic
  env []EnvVar 1.7 map=name patch=merge:name
  envFrom []EnvFromSource 1.19 atomic
  image string 1.2
  imagePullPolicy string 1.14 enum=Always|IfNotPresent|Never
  lifecycle Lifecycle 1.12
  livenessProbe Probe 1.10
  name string 1.1 !
  ports []ContainerPort 1.6 map=containerPort,protocol patch=merge:containerPort
  readinessProbe Probe 1.11
  resizePolicy []ContainerResizePolicy 1.23 atomic
  resources ResourceRequirements 1.8
  restartPolicy string 1.24
  restartPolicyRules []ContainerRestartRule 1.25 atomic
  securityContext SecurityContext 1.15
  startupProbe Probe 1.22
  stdin bool 1.16
  stdinOnce bool 1.17
  terminationMessagePath string 1.13
  terminationMessagePolicy string 1.20 enum=FallbackToLogsOnError|File
  tty bool 1.18
  volumeDevices []VolumeDevice 1.21 map=devicePath patch=merge:devicePath
  volumeMounts []VolumeMount 1.9 map=mountPath patch=merge:mountPath
  workingDir string 1.5
  targetContainerName string 2

EphemeralVolumeSource
  volumeClaimTemplate PersistentVolumeClaimTemplate 1

Event kind
  metadata meta/v1.ObjectMeta 1 !
  involvedObject ObjectReference 2 !
  reason string 3
  message string 4
  source EventSource 5
  firstTimestamp Time 6
  lastTimestamp Time 7
  count int32 8
  type string 9
  eventTime MicroTime 10
  series EventSeries 11
  action string 12
  related ObjectReference 13
  reportingComponent string 14
  reportingInstance string 15

EventSeries
  count int32 1
  lastObservedTime MicroTime 2

EventSource
  component string 1
  host string 2

ExecAction
  command []string 1 atomic

FCVolumeSource
  targetWWNs []string 1 atomic
  lun int32 2
  fsType string 3
  readOnly bool 4
  wwids []string 5 atomic

FileKeySelector atomic
  volumeName string 1 !
  path string 2 !
  key string 3 !
  optional bool 4

FlexPersistentVolumeSource
  driver string 1 !
  fsType string 2
  secretRef SecretReference 3
  readOnly bool 4
  options map:string 5

FlexVolumeSource
  driver string 1 !
  fsType string 2
  secretRef LocalObjectReference 3
  readOnly bool 4
  options map:string 5

FlockerVolumeSource
  datasetName string 1
  datasetUUID string 2

GCEPersistentDiskVolumeSource
  pdName string 1 !
  fsType string 2
  partition int32 3
  readOnly bool 4

GRPCAction
  port int32 1 !
  service string 2

GitRepoVolumeSource
  repository string 1 !
  revision string 2
  directory string 3

GlusterfsPersistentVolumeSource
  endpoints string 1 !
  path string 2 !
  readOnly bool 3
  endpointsNamespace string 4

GlusterfsVolumeSource
  endpoints string 1 !
  path string 2 !
  readOnly bool 3

HTTPGetAction
  path string 1
  port IntOrString 2 !
  host string 3
  scheme string 4 enum=HTTP|HTTPS
  httpHeaders []HTTPHeader 5 atomic

HTTPHeader
  name string 1 !
  value string 2 !

HostAlias
  ip string 1 !
  hostnames []string 2 atomic

HostIP
  ip string 1 !

HostPathVolumeSource
  path string 1 !
  type string 2 enum=""|BlockDevice|CharDevice|Directory|DirectoryOrCreate|File|FileOrCreate|Socket

ISCSIPersistentVolumeSource
  targetPortal string 1 !
  iqn string 2 !
  lun int32 3 !
  iscsiInterface string 4
  fsType string 5
  readOnly bool 6
  portals []string 7 atomic
  chapAuthDiscovery bool 8
  secretRef SecretReference 10
  chapAuthSession bool 11
  initiatorName string 12

ISCSIVolumeSource
  targetPortal string 1 !
  iqn string 2 !
  lun int32 3 !
  iscsiInterface string 4
  fsType string 5
  readOnly bool 6
  portals []string 7 atomic
  chapAuthDiscovery bool 8
  secretRef LocalObjectReference 10
  chapAuthSession bool 11
  initiatorName string 12

ImageVolumeSource
  reference string 1
  pullPolicy string 2 enum=Always|IfNotPresent|Never

ImageVolumeStatus
  imageRef string 1 !

KeyToPath
  key string 1 !
  path string 2 !
  mode int32 3

Lifecycle
  postStart LifecycleHandler 1
  preStop LifecycleHandler 2
  stopSignal string 3 enum=SIGABRT|SIGALRM|SIGBUS|SIGCHLD|SIGCLD|SIGCONT|SIGFPE|SIGHUP|SIGILL|SIGINT|SIGIO|SIGIOT|SIGKILL|SIGPIPE|SIGPOLL|SIGPROF|SIGPWR|SIGQUIT|SIGRTMAX|SIGRTMAX-1|SIGRTMAX-10|SIGRTMAX-11|SIGRTMAX-12|SIGRTMAX-13|SIGRTMAX-14|SIGRTMAX-2|SIGRTMAX-3|SIGRTMAX-4|SIGRTMAX-5|SIGRTMAX-6|SIGRTMAX-7|SIGRTMAX-8|SIGRTMAX-9|SIGRTMIN|SIGRTMIN+1|SIGRTMIN+10|SIGRTMIN+11|SIGRTMIN+12|SIGRTMIN+13|SIGRTMIN+14|SIGRTMIN+15|SIGRTMIN+2|SIGRTMIN+3|SIGRTMIN+4|SIGRTMIN+5|SIGRTMIN+6|SIGRTMIN+7|SIGRTMIN+8|SIGRTMIN+9|SIGSEGV|SIGSTKFLT|SIGSTOP|SIGSYS|SIGTERM|SIGTRAP|SIGTSTP|SIGTTIN|SIGTTOU|SIGURG|SIGUSR1|SIGUSR2|SIGVTALRM|SIGWINCH|SIGXCPU|SIGXFSZ

LifecycleHandler
  exec ExecAction 1
  httpGet HTTPGetAction 2
  tcpSocket TCPSocketAction 3
  sleep SleepAction 4

LimitRange kind
  metadata meta/v1.ObjectMeta 1
  spec LimitRangeSpec 2

LimitRangeItem
  type string 1 !
  max map:Quantity 2
  min map:Quantity 3
  default map:Quantity 4
  defaultRequest map:Quantity 5
  maxLimitRequestRatio map:Quantity 6

LimitRangeSpec
  limits []LimitRangeItem 1 ! atomic

LinuxContainerUser
  uid int64 1 !
  gid int64 2 !
  supplementalGroups []int64 3 atomic

LoadBalancerIngress
  ip string 1
  hostname string 2
  ipMode string 3
  ports []PortStatus 4 atomic

LoadBalancerStatus
  ingress []LoadBalancerIngress 1 atomic

LocalObjectReference atomic
  name string 1

LocalVolumeSource
  path string 1 !
  fsType string 2

ModifyVolumeStatus
  targetVolumeAttributesClassName string 1
  status string 2 ! enum=InProgress|Infeasible|Pending

NFSVolumeSource
  server string 1 !
  path string 2 !
  readOnly bool 3

Namespace kind
  metadata meta/v1.ObjectMeta 1
  spec NamespaceSpec 2
  status NamespaceStatus 3

NamespaceCondition
  type string 1 !
  status string 2 !
  lastTransitionTime Time 4
  reason string 5
  message string 6

NamespaceSpec
  finalizers []string 1 atomic

NamespaceStatus
  phase string 1 enum=Active|Terminating
  conditions []NamespaceCondition 2 map=type patch=merge:type

Node kind
  metadata meta/v1.ObjectMeta 1
  spec NodeSpec 2
  status NodeStatus 3

NodeAddress
  type string 1 !
  address string 2 !

NodeAffinity
  requiredDuringSchedulingIgnoredDuringExecution NodeSelector 1
  preferredDuringSchedulingIgnoredDuringExecution []PreferredSchedulingTerm 2 atomic

NodeAllocatableResourceClaimStatus
  resourceClaimName string 1 !
  containers []string 2 set
  resources map:Quantity 3 !

NodeCondition
  type string 1 !
  status string 2 !
  lastHeartbeatTime Time 3
  lastTransitionTime Time 4
  reason string 5
  message string 6

NodeConfigSource
  configMap ConfigMapNodeConfigSource 2

NodeConfigStatus
  assigned NodeConfigSource 1
  active NodeConfigSource 2
  lastKnownGood NodeConfigSource 3
  error string 4

NodeDaemonEndpoints
  kubeletEndpoint DaemonEndpoint 1

NodeFeatures
  supplementalGroupsPolicy bool 1

NodeRuntimeHandler
  name string 1
  features NodeRuntimeHandlerFeatures 2

NodeRuntimeHandlerFeatures
  recursiveReadOnlyMounts bool 1
  userNamespaces bool 2

NodeSelector atomic
  nodeSelectorTerms []NodeSelectorTerm 1 ! atomic

NodeSelectorRequirement
  key string 1 !
  operator string 2 ! enum=DoesNotExist|Exists|Gt|In|Lt|NotIn
  values []string 3 atomic

NodeSelectorTerm atomic
  matchExpressions []NodeSelectorRequirement 1 atomic
  matchFields []NodeSelectorRequirement 2 atomic

NodeSpec
  podCIDR string 1
  externalID string 2
  providerID string 3
  unschedulable bool 4
  taints []Taint 5 atomic
  configSource NodeConfigSource 6
  podCIDRs []string 7 set patch=merge

NodeStatus
  capacity map:Quantity 1
  allocatable map:Quantity 2
  phase string 3 enum=Pending|Running|Terminated
  conditions []NodeCondition 4 map=type patch=merge:type
  addresses []NodeAddress 5 map=type patch=merge:type
  daemonEndpoints NodeDaemonEndpoints 6
  nodeInfo NodeSystemInfo 7
  images []ContainerImage 8 atomic
  volumesInUse []string 9 atomic
  volumesAttached []AttachedVolume 10 atomic
  config NodeConfigStatus 11
  runtimeHandlers []NodeRuntimeHandler 12 atomic
  features NodeFeatures 13
  declaredFeatures []string 14 atomic

NodeSwapStatus
  capacity int64 1

NodeSystemInfo
  machineID string 1 !
  systemUUID string 2 !
  bootID string 3 !
  kernelVersion string 4 !
  osImage string 5 !
  containerRuntimeVersion string 6 !
  kubeletVersion string 7 !
  kubeProxyVersion string 8 !
  operatingSystem string 9 !
  architecture string 10 !
  swap NodeSwapStatus 11

ObjectFieldSelector atomic
  apiVersion string 1
  fieldPath string 2 !

ObjectReference atomic
  kind string 1
  namespace string 2
  name string 3
  uid string 4
  apiVersion string 5
  resourceVersion string 6
  fieldPath string 7

PersistentVolume kind
  metadata meta/v1.ObjectMeta 1
  spec PersistentVolumeSpec 2
  status PersistentVolumeStatus 3

PersistentVolumeClaim kind
  metadata meta/v1.ObjectMeta 1
  spec PersistentVolumeClaimSpec 2
  status PersistentVolumeClaimStatus 3

PersistentVolumeClaimCondition
  type string 1 !
  status string 2 !
  lastProbeTime Time 3
  lastTransitionTime Time 4
  reason string 5
  message string 6

PersistentVolumeClaimSpec
  accessModes []string 1 atomic enum=ReadOnlyMany|ReadWriteMany|ReadWriteOnce|ReadWriteOncePod
  resources VolumeResourceRequirements 2
  volumeName string 3
  selector meta/v1.LabelSelector 4
  storageClassName string 5
  volumeMode string 6 enum=Block|Filesystem
  dataSource TypedLocalObjectReference 7
  dataSourceRef TypedObjectReference 8
  volumeAttributesClassName string 9

PersistentVolumeClaimStatus
  phase string 1 enum=Bound|Lost|Pending
  accessModes []string 2 atomic enum=ReadOnlyMany|ReadWriteMany|ReadWriteOnce|ReadWriteOncePod
  capacity map:Quantity 3
  conditions []PersistentVolumeClaimCondition 4 map=type patch=merge:type
  allocatedResources map:Quantity 5
  allocatedResourceStatuses map:string 7 granular
  currentVolumeAttributesClassName string 8
  modifyVolumeStatus ModifyVolumeStatus 9

PersistentVolumeClaimTemplate
  metadata meta/v1.ObjectMeta 1
  spec PersistentVolumeClaimSpec 2 !

PersistentVolumeClaimVolumeSource
  claimName string 1 !
  readOnly bool 2

PersistentVolumeSpec
  capacity map:Quantity 1
  awsElasticBlockStore AWSElasticBlockStoreVolumeSource 2.2
  azureDisk AzureDiskVolumeSource 2.16
  azureFile AzureFilePersistentVolumeSource 2.13
  cephfs CephFSPersistentVolumeSource 2.9
  cinder CinderPersistentVolumeSource 2.8
  csi CSIPersistentVolumeSource 2.22
  fc FCVolumeSource 2.10
  flexVolume FlexPersistentVolumeSource 2.12
  flocker FlockerVolumeSource 2.11
  gcePersistentDisk GCEPersistentDiskVolumeSource 2.1
  glusterfs GlusterfsPersistentVolumeSource 2.4
  hostPath HostPathVolumeSource 2.3
  iscsi ISCSIPersistentVolumeSource 2.7
  local LocalVolumeSource 2.20
  nfs NFSVolumeSource 2.5
  photonPersistentDisk PhotonPersistentDiskVolumeSource 2.17
  portworxVolume PortworxVolumeSource 2.18
  quobyte QuobyteVolumeSource 2.15
  rbd RBDPersistentVolumeSource 2.6
  scaleIO ScaleIOPersistentVolumeSource 2.19
  storageos StorageOSPersistentVolumeSource 2.21
  vsphereVolume VsphereVirtualDiskVolumeSource 2.14
  accessModes []string 3 atomic enum=ReadOnlyMany|ReadWriteMany|ReadWriteOnce|ReadWriteOncePod
  claimRef ObjectReference 4 granular
  persistentVolumeReclaimPolicy string 5 enum=Delete|Recycle|Retain
  storageClassName string 6
  mountOptions []string 7 atomic
  volumeMode string 8 enum=Block|Filesystem
  nodeAffinity VolumeNodeAffinity 9
  volumeAttributesClassName string 10

PersistentVolumeStatus
  phase string 1 enum=Available|Bound|Failed|Pending|Released
  message string 2
  reason string 3
  lastPhaseTransitionTime Time 4

PhotonPersistentDiskVolumeSource
  pdID string 1 !
  fsType string 2

Pod kind
  metadata meta/v1.ObjectMeta 1
  spec PodSpec 2
  status PodStatus 3

PodAffinity
  requiredDuringSchedulingIgnoredDuringExecution []PodAffinityTerm 1 atomic
  preferredDuringSchedulingIgnoredDuringExecution []WeightedPodAffinityTerm 2 atomic

PodAffinityTerm
  labelSelector meta/v1.LabelSelector 1
  namespaces []string 2 atomic
  topologyKey string 3 !
  namespaceSelector meta/v1.LabelSelector 4
  matchLabelKeys []string 5 atomic
  mismatchLabelKeys []string 6 atomic

PodAntiAffinity
  requiredDuringSchedulingIgnoredDuringExecution []PodAffinityTerm 1 atomic
  preferredDuringSchedulingIgnoredDuringExecution []WeightedPodAffinityTerm 2 atomic

PodCertificateProjection
  signerName string 1 !
  keyType string 2 !
  maxExpirationSeconds int32 3
  credentialBundlePath string 4
  keyPath string 5
  certificateChainPath string 6
  userAnnotations map:string 7

PodCondition
  type string 1 !
  status string 2 !
  lastProbeTime Time 3
  lastTransitionTime Time 4
  reason string 5
  message string 6
  observedGeneration int64 7

PodDNSConfig
  nameservers []string 1 atomic
  searches []string 2 atomic
  options []PodDNSConfigOption 3 atomic

PodDNSConfigOption
  name string 1
  value string 2

PodExtendedResourceClaimStatus
  requestMappings []ContainerExtendedResourceRequest 1 ! atomic
  resourceClaimName string 2 !

PodIP
  ip string 1 !

PodOS
  name string 1 !

PodReadinessGate
  conditionType string 1 !

PodResourceClaim
  name string 1 !
  resourceClaimName string 3
  resourceClaimTemplateName string 4

PodResourceClaimStatus
  name string 1 !
  resourceClaimName string 2

PodSchedulingGate
  name string 1 !

PodSchedulingGroup
  podGroupName string 1

PodSecurityContext
  seLinuxOptions SELinuxOptions 1
  runAsUser int64 2
  runAsNonRoot bool 3
  supplementalGroups []int64 4 atomic
  fsGroup int64 5
  runAsGroup int64 6
  sysctls []Sysctl 7 atomic
  windowsOptions WindowsSecurityContextOptions 8
  fsGroupChangePolicy string 9 enum=Always|OnRootMismatch
  seccompProfile SeccompProfile 10
  appArmorProfile AppArmorProfile 11
  supplementalGroupsPolicy string 12 enum=Merge|Strict
  seLinuxChangePolicy string 13

PodSpec
  volumes []Volume 1 map=name patch=merge,retainKeys:name
  containers []Container 2 ! map=name patch=merge:name
  restartPolicy string 3 enum=Always|Never|OnFailure
  terminationGracePeriodSeconds int64 4
  activeDeadlineSeconds int64 5
  dnsPolicy string 6 enum=ClusterFirst|ClusterFirstWithHostNet|Default|None
  nodeSelector map:string 7 atomic
  serviceAccountName string 8
  serviceAccount string 9
  nodeName string 10
  hostNetwork bool 11
  hostPID bool 12
  hostIPC bool 13
  securityContext PodSecurityContext 14
  imagePullSecrets []LocalObjectReference 15 map=name patch=merge:name
  hostname string 16
  subdomain string 17
  affinity Affinity 18
  schedulerName string 19
  initContainers []Container 20 map=name patch=merge:name
  automountServiceAccountToken bool 21
  tolerations []Toleration 22 atomic
  hostAliases []HostAlias 23 map=ip patch=merge:ip
  priorityClassName string 24
  priority int32 25
  dnsConfig PodDNSConfig 26
  shareProcessNamespace bool 27
  readinessGates []PodReadinessGate 28 atomic
  runtimeClassName string 29
  enableServiceLinks bool 30
  preemptionPolicy string 31 enum=Never|PreemptLowerPriority
  overhead map:Quantity 32
  topologySpreadConstraints []TopologySpreadConstraint 33 map=topologyKey,whenUnsatisfiable patch=merge:topologyKey
  ephemeralContainers []EphemeralContainer 34 map=name patch=merge:name
  setHostnameAsFQDN bool 35
  os PodOS 36
  hostUsers bool 37
  schedulingGates []PodSchedulingGate 38 map=name patch=merge:name
  resourceClaims []PodResourceClaim 39 map=name patch=merge,retainKeys:name
  resources ResourceRequirements 40
  hostnameOverride string 41
  schedulingGroup PodSchedulingGroup 43

PodStatus
  phase string 1 enum=Failed|Pending|Running|Succeeded|Unknown
  conditions []PodCondition 2 map=type patch=merge:type
  message string 3
  reason string 4
  hostIP string 5
  podIP string 6
  startTime Time 7
  containerStatuses []ContainerStatus 8 atomic
  qosClass string 9 enum=BestEffort|Burstable|Guaranteed
  initContainerStatuses []ContainerStatus 10 atomic
  nominatedNodeName string 11
  podIPs []PodIP 12 map=ip patch=merge:ip
  ephemeralContainerStatuses []ContainerStatus 13 atomic
  resize string 14
  resourceClaimStatuses []PodResourceClaimStatus 15 map=name patch=merge,retainKeys:name
  hostIPs []HostIP 16 atomic patch=merge:ip
  observedGeneration int64 17
  extendedResourceClaimStatus PodExtendedResourceClaimStatus 18
  allocatedResources map:Quantity 19
  resources ResourceRequirements 20
  nodeAllocatableResourceClaimStatuses []NodeAllocatableResourceClaimStatus 21 atomic

PodTemplate kind
  metadata meta/v1.ObjectMeta 1
  template PodTemplateSpec 2

PodTemplateSpec
  metadata meta/v1.ObjectMeta 1
  spec PodSpec 2

PortStatus
  port int32 1 !
  protocol string 2 ! enum=SCTP|TCP|UDP
  error string 3

PortworxVolumeSource
  volumeID string 1 !
  fsType string 2
  readOnly bool 3

PreferredSchedulingTerm
  weight int32 1 !
  preference NodeSelectorTerm 2 !

Probe
  exec ExecAction 1.1
  grpc GRPCAction 1.4
  httpGet HTTPGetAction 1.2
  tcpSocket TCPSocketAction 1.3
  initialDelaySeconds int32 2
  timeoutSeconds int32 3
  periodSeconds int32 4
  successThreshold int32 5
  failureThreshold int32 6
  terminationGracePeriodSeconds int64 7

ProjectedVolumeSource
  sources []VolumeProjection 1 atomic
  defaultMode int32 2

QuobyteVolumeSource
  registry string 1 !
  volume string 2 !
  readOnly bool 3
  user string 4
  group string 5
  tenant string 6

RBDPersistentVolumeSource
  monitors []string 1 ! atomic
  image string 2 !
  fsType string 3
  pool string 4
  user string 5
  keyring string 6
  secretRef SecretReference 7
  readOnly bool 8

RBDVolumeSource
  monitors []string 1 ! atomic
  image string 2 !
  fsType string 3
  pool string 4
  user string 5
  keyring string 6
  secretRef LocalObjectReference 7
  readOnly bool 8

ReplicationController kind
  metadata meta/v1.ObjectMeta 1
  spec ReplicationControllerSpec 2
  status ReplicationControllerStatus 3

ReplicationControllerCondition
  type string 1 !
  status string 2 !
  lastTransitionTime Time 3
  reason string 4
  message string 5

ReplicationControllerSpec
  replicas int32 1
  selector map:string 2 atomic
  template PodTemplateSpec 3
  minReadySeconds int32 4

ReplicationControllerStatus
  replicas int32 1 !
  fullyLabeledReplicas int32 2
  observedGeneration int64 3
  readyReplicas int32 4
  availableReplicas int32 5
  conditions []ReplicationControllerCondition 6 map=type patch=merge:type

ResourceClaim
  name string 1 !
  request string 2

ResourceFieldSelector atomic
  containerName string 1
  resource string 2 !
  divisor Quantity 3

ResourceHealth
  resourceID string 1 !
  health string 2
  message string 6

ResourceQuota kind
  metadata meta/v1.ObjectMeta 1
  spec ResourceQuotaSpec 2
  status ResourceQuotaStatus 3

ResourceQuotaSpec
  hard map:Quantity 1
  scopes []string 2 atomic enum=BestEffort|CrossNamespacePodAffinity|NotBestEffort|NotTerminating|PriorityClass|Terminating|VolumeAttributesClass
  scopeSelector ScopeSelector 3

ResourceQuotaStatus
  hard map:Quantity 1
  used map:Quantity 2

ResourceRequirements
  limits map:Quantity 1
  requests map:Quantity 2
  claims []ResourceClaim 3 map=name

ResourceStatus
  name string 1 !
  resources []ResourceHealth 2 map=resourceID

SELinuxOptions
  user string 1
  role string 2
  type string 3
  level string 4

ScaleIOPersistentVolumeSource
  gateway string 1 !
  system string 2 !
  secretRef SecretReference 3 !
  sslEnabled bool 4
  protectionDomain string 5
  storagePool string 6
  storageMode string 7
  volumeName string 8
  fsType string 9
  readOnly bool 10

ScaleIOVolumeSource
  gateway string 1 !
  system string 2 !
  secretRef LocalObjectReference 3 !
  sslEnabled bool 4
  protectionDomain string 5
  storagePool string 6
  storageMode string 7
  volumeName string 8
  fsType string 9
  readOnly bool 10

ScopeSelector atomic
  matchExpressions []ScopedResourceSelectorRequirement 1 atomic

ScopedResourceSelectorRequirement
  scopeName string 1 ! enum=BestEffort|CrossNamespacePodAffinity|NotBestEffort|NotTerminating|PriorityClass|Terminating|VolumeAttributesClass
  operator string 2 ! enum=DoesNotExist|Exists|In|NotIn
  values []string 3 atomic

SeccompProfile
  type string 1 ! enum=Localhost|RuntimeDefault|Unconfined
  localhostProfile string 2

Secret kind
  metadata meta/v1.ObjectMeta 1
  data map:bytes 2
  type string 3
  stringData map:string 4
  immutable bool 5

SecretEnvSource
  name string 1.1
  optional bool 2

SecretKeySelector atomic
  name string 1.1
  key string 2 !
  optional bool 3

SecretProjection
  name string 1.1
  items []KeyToPath 2 atomic
  optional bool 4

SecretReference atomic
  name string 1
  namespace string 2

SecretVolumeSource
  secretName string 1
  items []KeyToPath 2 atomic
  defaultMode int32 3
  optional bool 4

SecurityContext
  capabilities Capabilities 1
  privileged bool 2
  seLinuxOptions SELinuxOptions 3
  runAsUser int64 4
  runAsNonRoot bool 5
  readOnlyRootFilesystem bool 6
  allowPrivilegeEscalation bool 7
  runAsGroup int64 8
  procMount string 9 enum=Default|Unmasked
  windowsOptions WindowsSecurityContextOptions 10
  seccompProfile SeccompProfile 11
  appArmorProfile AppArmorProfile 12

Service kind
  metadata meta/v1.ObjectMeta 1
  spec ServiceSpec 2
  status ServiceStatus 3

ServiceAccount kind
  metadata meta/v1.ObjectMeta 1
  secrets []ObjectReference 2 map=name patch=merge:name
  imagePullSecrets []LocalObjectReference 3 atomic
  automountServiceAccountToken bool 4

ServiceAccountTokenProjection
  audience string 1
  expirationSeconds int64 2
  path string 3 !

ServicePort
  name string 1
  protocol string 2 enum=SCTP|TCP|UDP
  port int32 3 !
  targetPort IntOrString 4
  nodePort int32 5
  appProtocol string 6

ServiceSpec
  ports []ServicePort 1 map=port,protocol patch=merge:port
  selector map:string 2 atomic
  clusterIP string 3
  type string 4 enum=ClusterIP|ExternalName|LoadBalancer|NodePort
  externalIPs []string 5 atomic
  sessionAffinity string 7 enum=ClientIP|None
  loadBalancerIP string 8
  loadBalancerSourceRanges []string 9 atomic
  externalName string 10
  externalTrafficPolicy string 11 enum=Cluster|Local
  healthCheckNodePort int32 12
  publishNotReadyAddresses bool 13
  sessionAffinityConfig SessionAffinityConfig 14
  ipFamilyPolicy string 17 enum=PreferDualStack|RequireDualStack|SingleStack
  clusterIPs []string 18 atomic
  ipFamilies []string 19 atomic enum=""|IPv4|IPv6
  allocateLoadBalancerNodePorts bool 20
  loadBalancerClass string 21
  internalTrafficPolicy string 22 enum=Cluster|Local
  trafficDistribution string 23

ServiceStatus
  loadBalancer LoadBalancerStatus 1
  conditions []meta/v1.Condition 2 map=type patch=merge:type

SessionAffinityConfig
  clientIP ClientIPConfig 1

SleepAction
  seconds int64 1 !

StorageOSPersistentVolumeSource
  volumeName string 1
  volumeNamespace string 2
  fsType string 3
  readOnly bool 4
  secretRef ObjectReference 5

StorageOSVolumeSource
  volumeName string 1
  volumeNamespace string 2
  fsType string 3
  readOnly bool 4
  secretRef LocalObjectReference 5

Sysctl
  name string 1 !
  value string 2 !

TCPSocketAction
  port IntOrString 1 !
  host string 2

Taint
  key string 1 !
  value string 2
  effect string 3 ! enum=NoExecute|NoSchedule|PreferNoSchedule
  timeAdded Time 4

Toleration
  key string 1
  operator string 2 enum=Equal|Exists|Gt|Lt
  value string 3
  effect string 4 enum=NoExecute|NoSchedule|PreferNoSchedule
  tolerationSeconds int64 5

TopologySelectorLabelRequirement
  key string 1 !
  values []string 2 ! atomic

TopologySelectorTerm atomic
  matchLabelExpressions []TopologySelectorLabelRequirement 1 atomic

TopologySpreadConstraint
  maxSkew int32 1 !
  topologyKey string 2 !
  whenUnsatisfiable string 3 ! enum=DoNotSchedule|ScheduleAnyway
  labelSelector meta/v1.LabelSelector 4
  minDomains int32 5
  nodeAffinityPolicy string 6 enum=Honor|Ignore
  nodeTaintsPolicy string 7 enum=Honor|Ignore
  matchLabelKeys []string 8 atomic

TypedLocalObjectReference atomic
  apiGroup string 1
  kind string 2 !
  name string 3 !

TypedObjectReference
  apiGroup string 1
  kind string 2 !
  name string 3 !
  namespace string 4

Volume
  name string 1 !
  awsElasticBlockStore AWSElasticBlockStoreVolumeSource 2.4
  azureDisk AzureDiskVolumeSource 2.22
  azureFile AzureFileVolumeSource 2.18
  cephfs CephFSVolumeSource 2.14
  cinder CinderVolumeSource 2.13
  configMap ConfigMapVolumeSource 2.19
  csi CSIVolumeSource 2.28
  downwardAPI DownwardAPIVolumeSource 2.16
  emptyDir EmptyDirVolumeSource 2.2
  ephemeral EphemeralVolumeSource 2.29
  fc FCVolumeSource 2.17
  flexVolume FlexVolumeSource 2.12
  flocker FlockerVolumeSource 2.15
  gcePersistentDisk GCEPersistentDiskVolumeSource 2.3
  gitRepo GitRepoVolumeSource 2.5
  glusterfs GlusterfsVolumeSource 2.9
  hostPath HostPathVolumeSource 2.1
  image ImageVolumeSource 2.30
  iscsi ISCSIVolumeSource 2.8
  nfs NFSVolumeSource 2.7
  persistentVolumeClaim PersistentVolumeClaimVolumeSource 2.10
  photonPersistentDisk PhotonPersistentDiskVolumeSource 2.23
  portworxVolume PortworxVolumeSource 2.24
  projected ProjectedVolumeSource 2.26
  quobyte QuobyteVolumeSource 2.21
  rbd RBDVolumeSource 2.11
  scaleIO ScaleIOVolumeSource 2.25
  secret SecretVolumeSource 2.6
  storageos StorageOSVolumeSource 2.27
  vsphereVolume VsphereVirtualDiskVolumeSource 2.20

VolumeDevice
  name string 1 !
  devicePath string 2 !

VolumeMount
  name string 1 !
  readOnly bool 2
  mountPath string 3 !
  subPath string 4
  mountPropagation string 5 enum=Bidirectional|HostToContainer|None
  subPathExpr string 6
  recursiveReadOnly string 7

VolumeMountStatus
  name string 1 !
  mountPath string 2 !
  readOnly bool 3
  recursiveReadOnly string 4
  volumeStatus VolumeStatus 5

VolumeNodeAffinity
  required NodeSelector 1

VolumeProjection
  secret SecretProjection 1
  downwardAPI DownwardAPIProjection 2
  configMap ConfigMapProjection 3
  serviceAccountToken ServiceAccountTokenProjection 4
  clusterTrustBundle ClusterTrustBundleProjection 5
  podCertificate PodCertificateProjection 6

VolumeResourceRequirements
  limits map:Quantity 1
  requests map:Quantity 2

VolumeStatus
  image ImageVolumeStatus 1

VsphereVirtualDiskVolumeSource
  volumePath string 1 !
  fsType string 2
  storagePolicyName string 3
  storagePolicyID string 4

WeightedPodAffinityTerm
  weight int32 1 !
  podAffinityTerm PodAffinityTerm 2 !

WindowsSecurityContextOptions
  gmsaCredentialSpecName string 1
  gmsaCredentialSpec string 2
  runAsUserName string 3
  hostProcess bool 4
`;
