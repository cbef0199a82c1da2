/** Messages of kubevirt.io/v1: field, type, `-` (custom resources have no protobuf numbers), rules. The grammar is in apimachinery/typetable.ts. */
export const kubevirtV1Types = `
ACPI
  msdmNameRef string -
  slicNameRef string -

AccessCredential
  sshPublicKey SSHPublicKeyAccessCredential -
  userPassword UserPasswordAccessCredential -

AccessCredentialSecretSource
  secretName string - !

AddVolumeOptions
  disk Disk - !
  dryRun []string - atomic
  name string - !
  volumeSource HotplugVolumeSource - !

BIOS
  useSerial bool -

BackupVolumeInfo
  volumeName string - !

BlockSize
  custom CustomBlockSize -
  matchVolume FeatureState -

Bootloader
  bios BIOS -
  efi EFI -

CDRomTarget
  bus string -
  readonly bool -
  tray string -

CPU
  cores int32 -
  dedicatedCpuPlacement bool -
  features []CPUFeature -
  isolateEmulatorThread bool -
  maxSockets int32 -
  model string -
  numa NUMA -
  realtime Realtime -
  sockets int32 -
  threads int32 -

CPUFeature
  name string - !
  policy string -

CPUTopology
  cores int32 -
  sockets int32 -
  threads int32 -

ChangedBlockTrackingStatus
  backupStatus VirtualMachineInstanceBackupStatus -
  state string - !

Chassis
  asset string -
  manufacturer string -
  serial string -
  sku string -
  version string -

ClientPassthrough

Clock
  timer Timer -
  timezone string -
  utc ClockOffsetUTC -

ClockOffsetUTC
  offsetSeconds int64 -

CloudInitConfigDriveSource
  networkData string -
  networkDataBase64 string -
  networkDataSecretRef core/v1.LocalObjectReference -
  secretRef core/v1.LocalObjectReference -
  userData string -
  userDataBase64 string -

CloudInitNoCloudSource
  networkData string -
  networkDataBase64 string -
  networkDataSecretRef core/v1.LocalObjectReference -
  secretRef core/v1.LocalObjectReference -
  userData string -
  userDataBase64 string -

ConfigDriveSSHPublicKeyAccessCredentialPropagation

ConfigMapVolumeSource
  name string - default=""
  optional bool -
  volumeLabel string -

ContainerDiskInfo
  checksum int64 -

ContainerDiskSource
  image string - !
  imagePullPolicy string -
  imagePullSecret string -
  path string -

ContainerPathVolumeSource
  path string - !
  readOnly bool - default=true

CustomBlockSize
  discardGranularity int64 -
  logical int64 -
  physical int64 -

DHCPOptions
  bootFileName string -
  ntpServers []string -
  privateOptions []DHCPPrivateOptions -
  tftpServerName string -

DHCPPrivateOptions
  option int64 - !
  value string - !

DataVolumeBlankImage

DataVolumeCheckpoint
  current string - !
  previous string - !

DataVolumeSource
  blank DataVolumeBlankImage -
  gcs DataVolumeSourceGCS -
  http DataVolumeSourceHTTP -
  imageio DataVolumeSourceImageIO -
  pvc DataVolumeSourcePVC -
  registry DataVolumeSourceRegistry -
  s3 DataVolumeSourceS3 -
  snapshot DataVolumeSourceSnapshot -
  upload DataVolumeSourceUpload -
  vddk DataVolumeSourceVDDK -

DataVolumeSourceGCS
  secretRef string -
  url string - !

DataVolumeSourceHTTP
  certConfigMap string -
  extraHeaders []string -
  secretExtraHeaders []string -
  secretRef string -
  url string - !

DataVolumeSourceImageIO
  certConfigMap string -
  diskId string - !
  insecureSkipVerify bool -
  secretRef string -
  url string - !

DataVolumeSourcePVC
  name string - !
  namespace string - !

DataVolumeSourceRef
  kind string - !
  name string - !
  namespace string -

DataVolumeSourceRegistry
  certConfigMap string -
  imageStream string -
  platform PlatformOptions -
  pullMethod string -
  secretRef string -
  url string -

DataVolumeSourceS3
  certConfigMap string -
  secretRef string -
  url string - !

DataVolumeSourceSnapshot
  name string - !
  namespace string - !

DataVolumeSourceUpload

DataVolumeSourceVDDK
  backingFile string -
  extraArgs string -
  initImageURL string -
  secretRef string -
  thumbprint string -
  url string -
  uuid string -

DataVolumeSpec
  checkpoints []DataVolumeCheckpoint -
  contentType string - enum=kubevirt|archive
  finalCheckpoint bool -
  preallocation bool -
  priorityClassName string -
  pvc core/v1.PersistentVolumeClaimSpec -
  source DataVolumeSource -
  sourceRef DataVolumeSourceRef -
  storage StorageSpec -

DataVolumeTemplateDummyStatus

DataVolumeTemplateSpec
  apiVersion string -
  kind string -
  metadata meta/v1.ObjectMeta -
  spec DataVolumeSpec - !
  status DataVolumeTemplateDummyStatus -

DataVolumeVolumeSource
  hotpluggable bool -
  name string - !

DeprecatedInterfaceMacvtap

DeprecatedInterfacePasst

DeprecatedInterfaceSlirp

Devices
  autoattachGraphicsDevice bool -
  autoattachInputDevice bool -
  autoattachMemBalloon bool -
  autoattachPodInterface bool -
  autoattachSerialConsole bool -
  autoattachVSOCK bool -
  blockMultiQueue bool -
  clientPassthrough ClientPassthrough -
  disableHotplug bool -
  disks []Disk -
  downwardMetrics DownwardMetrics -
  filesystems []Filesystem - atomic
  gpus []GPU - atomic
  hostDevices []HostDevice - atomic
  inputs []Input -
  interfaces []Interface -
  logSerialConsole bool -
  networkInterfaceMultiqueue bool -
  panicDevices []PanicDevice -
  rng Rng -
  sound SoundDevice -
  tpm TPMDevice -
  useVirtioTransitional bool -
  video VideoDevice -
  watchdog Watchdog -

Diag288Watchdog
  action string -

Disk
  blockSize BlockSize -
  bootOrder int64 -
  cache string -
  cdrom CDRomTarget -
  changedBlockTracking bool -
  dedicatedIOThread bool -
  disk DiskTarget -
  errorPolicy string -
  io string -
  lun LunTarget -
  name string - !
  serial string -
  shareable bool -
  tag string -

DiskIOThreads
  supplementalPoolThreadCount int32 -

DiskTarget
  bus string -
  pciAddress string -
  readonly bool -

DomainMemoryDumpInfo
  claimName string -
  endTimestamp Time -
  startTimestamp Time -
  targetFileName string -

DomainSpec
  chassis Chassis -
  clock Clock -
  cpu CPU -
  devices Devices - !
  features Features -
  firmware Firmware -
  ioThreads DiskIOThreads -
  ioThreadsPolicy string -
  launchSecurity LaunchSecurity -
  machine Machine -
  memory Memory -
  rebootPolicy string - enum=Reboot|Terminate
  resources ResourceRequirements -

DownwardAPIVolumeSource
  fields []core/v1.DownwardAPIVolumeFile -
  volumeLabel string -

DownwardMetrics

EFI
  persistent bool -
  secureBoot bool -

EmptyDiskSource
  capacity Quantity - !

EphemeralPersistentVolumeClaim
  claimName string - !
  readOnly bool -

EphemeralVolumeSource
  persistentVolumeClaim EphemeralPersistentVolumeClaim -

Exec
  command []string - atomic

ExperimentalMigrationConfiguration
  compression string - enum=none|zstd
  downtimeTuning MigrationDowntimeTuning -
  stallDetector MigrationStallDetector -

FeatureAPIC
  enabled bool -
  endOfInterrupt bool -

FeatureHyperv
  evmcs FeatureState -
  frequencies FeatureState -
  ipi FeatureState -
  reenlightenment FeatureState -
  relaxed FeatureState -
  reset FeatureState -
  runtime FeatureState -
  spinlocks FeatureSpinlocks -
  synic FeatureState -
  synictimer SyNICTimer -
  tlbflush TLBFlush -
  vapic FeatureState -
  vendorid FeatureVendorID -
  vpindex FeatureState -

FeatureKVM
  hidden bool -

FeatureSpinlocks
  enabled bool -
  spinlocks int32 -

FeatureState
  enabled bool -

FeatureVendorID
  enabled bool -
  vendorid string -

Features
  acpi FeatureState -
  apic FeatureAPIC -
  hyperv FeatureHyperv -
  hypervPassthrough HyperVPassthrough -
  kvm FeatureKVM -
  pvspinlock FeatureState -
  smm FeatureState -

Filesystem
  name string - !
  virtiofs FilesystemVirtiofs - !

FilesystemVirtiofs

Firmware
  acpi ACPI -
  bootloader Bootloader -
  kernelBoot KernelBoot -
  serial string -
  uuid string -

GPU
  claimName string -
  deviceName string -
  name string - !
  requestName string -
  tag string -
  virtualGPUOptions VGPUOptions -

GuestAgentPing

HPETTimer
  present bool -
  tickPolicy string -

HostDevice
  claimName string -
  deviceName string -
  name string - !
  requestName string -
  tag string -

HostDisk
  capacity Quantity -
  path string - !
  shared bool -
  type string - !

HotplugVolumeSource
  dataVolume DataVolumeVolumeSource -
  persistentVolumeClaim PersistentVolumeClaimVolumeSource -

HotplugVolumeStatus
  attachPodName string -
  attachPodUID string -

Hugepages
  pageSize string -

HyperVPassthrough
  enabled bool -

HypervTimer
  present bool -

I6300ESBWatchdog
  action string -

InitrdInfo
  checksum int64 -

Input
  bus string -
  name string - !
  type string - !

InstancetypeMatcher
  inferFromVolume string -
  inferFromVolumeFailurePolicy string -
  kind string -
  name string -
  revisionName string -

InstancetypeStatusRef
  controllerRevisionRef core/v1.LocalObjectReference -
  inferFromVolume string -
  inferFromVolumeFailurePolicy string -
  kind string -
  name string -

Interface
  acpiIndex int64 -
  binding PluginBinding -
  bootOrder int64 -
  bridge InterfaceBridge -
  dhcpOptions DHCPOptions -
  macAddress string -
  macvtap DeprecatedInterfaceMacvtap -
  masquerade InterfaceMasquerade -
  model string -
  name string - !
  passt DeprecatedInterfacePasst -
  passtBinding InterfacePasstBinding -
  pciAddress string -
  portRanges []PortRange - atomic
  ports []Port -
  slirp DeprecatedInterfaceSlirp -
  sriov InterfaceSRIOV -
  state string -
  tag string -

InterfaceBridge

InterfaceMasquerade

InterfacePasstBinding

InterfaceSRIOV

KVMTimer
  present bool -

KernelBoot
  container KernelBootContainer -
  kernelArgs string -

KernelBootContainer
  image string - !
  imagePullPolicy string -
  imagePullSecret string -
  initrdPath string -
  kernelPath string -

KernelBootStatus
  initrdInfo InitrdInfo -
  kernelInfo KernelInfo -

KernelInfo
  checksum int64 -

LaunchSecurity
  sev SEV -
  snp SEVSNP -
  tdx TDX -

LunTarget
  bus string -
  readonly bool -
  reservation bool -

Machine
  type string -

Memory
  guest Quantity -
  hugepages Hugepages -
  maxGuest Quantity -
  reservedOverhead ReservedOverhead -

MemoryDumpVolumeSource
  claimName string - !
  hotpluggable bool -
  readOnly bool -

MemoryStatus
  guestAtBoot Quantity -
  guestCurrent Quantity -
  guestRequested Quantity -
  memoryOverhead Quantity -

MigrationConfiguration
  allowAutoConverge bool -
  allowPostCopy bool -
  allowWorkloadDisruption bool -
  bandwidthPerMigration Quantity -
  completionTimeoutPerGiB int64 -
  disableTLS bool -
  experimental ExperimentalMigrationConfiguration -
  matchSELinuxLevelOnMigration bool -
  maxDowntimeMs int64 -
  network string -
  nodeDrainTaintKey string -
  parallelMigrationsPerCluster int32 -
  parallelOutboundMigrationsPerNode int32 -
  progressTimeout int64 -
  unsafeMigrationOverride bool -
  utilityVolumesTimeout int64 -

MigrationDowntimeTuning
  cooldownSeconds int32 -
  initialMs int64 -
  startAfterIteration int64 -
  steps int32 -

MigrationStallDetector
  completionTimeoutFactor Quantity -
  ewmaAlpha Quantity -
  patienceWindowDecayFactor Quantity -
  precopyPossibleFactor Quantity -
  searchLocalMinima bool -
  stallMargin int64 -
  stallProgressTimeout int64 -
  switchoverTimeout int64 -

MultusNetwork
  default bool -
  networkName string - !

NUMA
  guestMappingPassthrough NUMAGuestMappingPassthrough -

NUMAGuestMappingPassthrough

Network
  multus MultusNetwork -
  name string - !
  pod PodNetwork -
  resourceClaim ResourceClaimNetworkSource -

NoCloudSSHPublicKeyAccessCredentialPropagation

PITTimer
  present bool -
  tickPolicy string -

PanicDevice
  model string -

PersistentVolumeClaimInfo
  accessModes []string - atomic
  capacity map:Quantity -
  claimName string -
  filesystemOverhead string -
  preallocated bool -
  requests map:Quantity -
  volumeMode string -

PersistentVolumeClaimVolumeSource
  claimName string - !
  hotpluggable bool -
  readOnly bool -

PlatformOptions
  architecture string -

PluginBinding
  name string - !

PodNetwork
  vmIPv6NetworkCIDR string -
  vmNetworkCIDR string -

Port
  name string -
  port int32 - !
  protocol string -

PortRange
  end int32 - !
  protocol string - !
  start int32 - !

PreferenceMatcher
  inferFromVolume string -
  inferFromVolumeFailurePolicy string -
  kind string -
  name string -
  revisionName string -

Probe
  exec Exec -
  failureThreshold int32 -
  guestAgentPing GuestAgentPing -
  httpGet core/v1.HTTPGetAction -
  initialDelaySeconds int32 -
  periodSeconds int32 -
  successThreshold int32 -
  tcpSocket core/v1.TCPSocketAction -
  timeoutSeconds int32 -

QemuGuestAgentSSHPublicKeyAccessCredentialPropagation
  users []string - ! set

QemuGuestAgentUserPasswordAccessCredentialPropagation

RTCTimer
  present bool -
  tickPolicy string -
  track string -

Realtime
  mask string -

RemoveVolumeOptions
  dryRun []string - atomic
  name string - !

ReservedOverhead
  addedOverhead Quantity -
  memLock string - enum=NotRequired|Required

ResourceClaimNetworkSource
  claimName string -
  requestName string -

ResourceRequirements
  limits map:Quantity -
  overcommitGuestOverhead bool -
  requests map:Quantity -

Rng

SEV
  attestation SEVAttestation -
  dhCert string -
  policy SEVPolicy -
  session string -

SEVAttestation

SEVPolicy
  encryptedState bool -

SEVSNP

SSHPublicKeyAccessCredential
  propagationMethod SSHPublicKeyAccessCredentialPropagationMethod - !
  source SSHPublicKeyAccessCredentialSource - !

SSHPublicKeyAccessCredentialPropagationMethod
  configDrive ConfigDriveSSHPublicKeyAccessCredentialPropagation -
  noCloud NoCloudSSHPublicKeyAccessCredentialPropagation -
  qemuGuestAgent QemuGuestAgentSSHPublicKeyAccessCredentialPropagation -

SSHPublicKeyAccessCredentialSource
  secret AccessCredentialSecretSource -

SecretVolumeSource
  optional bool -
  secretName string -
  volumeLabel string -

ServiceAccountVolumeSource
  serviceAccountName string -

SoundDevice
  model string -
  name string - !

StorageMigratedVolumeInfo
  destinationPVCInfo PersistentVolumeClaimInfo -
  sourcePVCInfo PersistentVolumeClaimInfo -
  volumeName string - !

StorageSpec
  accessModes []string -
  dataSource core/v1.TypedLocalObjectReference -
  dataSourceRef core/v1.TypedObjectReference -
  resources core/v1.VolumeResourceRequirements -
  selector meta/v1.LabelSelector -
  storageClassName string -
  volumeMode string -
  volumeName string -

SyNICTimer
  direct FeatureState -
  enabled bool -

SysprepSource
  configMap core/v1.LocalObjectReference -
  secret core/v1.LocalObjectReference -

TDX

TLBFlush
  direct FeatureState -
  enabled bool -
  extended FeatureState -

TPMDevice
  enabled bool -
  persistent bool -

Timer
  hpet HPETTimer -
  hyperv HypervTimer -
  kvm KVMTimer -
  pit PITTimer -
  rtc RTCTimer -

TopologyHints
  tscFrequency int64 -

UserPasswordAccessCredential
  propagationMethod UserPasswordAccessCredentialPropagationMethod - !
  source UserPasswordAccessCredentialSource - !

UserPasswordAccessCredentialPropagationMethod
  qemuGuestAgent QemuGuestAgentUserPasswordAccessCredentialPropagation -

UserPasswordAccessCredentialSource
  secret AccessCredentialSecretSource -

UtilityVolume
  claimName string - !
  name string - !
  readOnly bool -
  type string -

VGPUDisplayOptions
  enabled bool -
  ramFB FeatureState -

VGPUOptions
  display VGPUDisplayOptions -

VideoDevice
  type string -

VirtualMachine kind
  metadata meta/v1.ObjectMeta -
  spec VirtualMachineSpec - !
  status VirtualMachineStatus -

VirtualMachineCondition
  lastProbeTime Time -
  lastTransitionTime Time -
  message string -
  reason string -
  status string - !
  type string - !

VirtualMachineInstance kind
  metadata meta/v1.ObjectMeta -
  spec VirtualMachineInstanceSpec - !
  status VirtualMachineInstanceStatus -

VirtualMachineInstanceBackupStatus
  backupMsg string -
  backupName string -
  checkpointName string -
  completed bool -
  endTimestamp Time -
  failed bool -
  quiesceStatus string -
  startTimestamp Time -
  volumes []BackupVolumeInfo - atomic

VirtualMachineInstanceCondition
  lastProbeTime Time -
  lastTransitionTime Time -
  message string -
  reason string -
  status string - !
  type string - !

VirtualMachineInstanceGuestOSInfo
  id string -
  kernelRelease string -
  kernelVersion string -
  machine string -
  name string -
  prettyName string -
  version string -
  versionId string -

VirtualMachineInstanceMigrationSourceState
  domainName string -
  domainNamespace string -
  migrationUID string -
  node string -
  nodeSelectors map:string -
  persistentStatePVCName string -
  pod string -
  selinuxContext string -
  syncAddress string -
  virtualMachineInstanceUID string -

VirtualMachineInstanceMigrationState
  abortRequested bool -
  abortStatus string -
  completed bool -
  endTimestamp Time -
  failed bool -
  failureReason string -
  migrationConfiguration MigrationConfiguration -
  migrationNetworkType string -
  migrationPolicyName string -
  migrationUid string -
  mode string -
  sourceNode string -
  sourcePersistentStatePVCName string -
  sourcePod string -
  sourceState VirtualMachineInstanceMigrationSourceState -
  startTimestamp Time -
  targetAttachmentPodUID string -
  targetCPUSet []int64 - atomic
  targetDirectMigrationNodePorts map:int64 -
  targetMemoryOverhead Quantity -
  targetNode string -
  targetNodeAddress string -
  targetNodeDomainDetected bool -
  targetNodeDomainReadyTimestamp Time -
  targetNodeTopology string -
  targetPersistentStatePVCName string -
  targetPod string -
  targetState VirtualMachineInstanceMigrationTargetState -

VirtualMachineInstanceMigrationTargetState
  attachmentPodUID string -
  cpuSet []int64 - atomic
  directMigrationNodePorts map:int64 -
  domainDetected bool -
  domainName string -
  domainNamespace string -
  domainReadyTimestamp Time -
  migrationUID string -
  node string -
  nodeAddress string -
  nodeTopology string -
  persistentStatePVCName string -
  pod string -
  selinuxContext string -
  syncAddress string -
  virtualMachineInstanceUID string -

VirtualMachineInstanceNetworkInterface
  infoSource string -
  interfaceName string -
  ipAddress string -
  ipAddresses []string -
  linkState string -
  mac string -
  name string -
  podInterfaceName string -
  queueCount int32 -

VirtualMachineInstancePhaseTransitionTimestamp
  phase string -
  phaseTransitionTimestamp Time -

VirtualMachineInstanceSpec
  accessCredentials []AccessCredential - atomic
  affinity core/v1.Affinity -
  architecture string -
  dnsConfig core/v1.PodDNSConfig -
  dnsPolicy string -
  domain DomainSpec - !
  evictionStrategy string -
  hostname string -
  livenessProbe Probe -
  networks []Network -
  nodeSelector map:string -
  priorityClassName string -
  readinessProbe Probe -
  resourceClaims []core/v1.PodResourceClaim - map=name
  schedulerName string -
  serviceAccountName string -
  startStrategy string -
  subdomain string -
  terminationGracePeriodSeconds int64 -
  tolerations []core/v1.Toleration -
  topologySpreadConstraints []core/v1.TopologySpreadConstraint - map=topologyKey,whenUnsatisfiable
  utilityVolumes []UtilityVolume - map=name
  volumes []Volume -

VirtualMachineInstanceStatus
  VSOCKCID int64 -
  activePods map:string -
  changedBlockTracking ChangedBlockTrackingStatus -
  conditions []VirtualMachineInstanceCondition -
  currentCPUTopology CPUTopology -
  evacuationNodeName string -
  fsFreezeStatus string -
  guestOSInfo VirtualMachineInstanceGuestOSInfo -
  interfaces []VirtualMachineInstanceNetworkInterface -
  kernelBootStatus KernelBootStatus -
  launcherContainerImageVersion string -
  machine Machine -
  memory MemoryStatus -
  migratedVolumes []StorageMigratedVolumeInfo - atomic
  migrationMethod string -
  migrationState VirtualMachineInstanceMigrationState -
  migrationTransport string -
  nodeName string -
  phase string -
  phaseTransitionTimestamps []VirtualMachineInstancePhaseTransitionTimestamp - atomic
  qosClass string -
  reason string -
  runtimeUser int64 -
  selinuxContext string -
  topologyHints TopologyHints -
  virtualMachineRevisionName string -
  volumeStatus []VolumeStatus - atomic

VirtualMachineInstanceTemplateSpec
  metadata meta/v1.ObjectMeta -
  spec VirtualMachineInstanceSpec -

VirtualMachineMemoryDumpRequest
  claimName string - !
  endTimestamp Time -
  fileName string -
  message string -
  phase string - !
  remove bool -
  startTimestamp Time -

VirtualMachineSpec
  dataVolumeTemplates []DataVolumeTemplateSpec -
  instancetype InstancetypeMatcher -
  preference PreferenceMatcher -
  runStrategy string -
  running bool -
  template VirtualMachineInstanceTemplateSpec - !
  updateVolumesStrategy string -

VirtualMachineStartFailure
  consecutiveFailCount int64 -
  lastFailedVMIUID string -
  retryAfterTimestamp Time -

VirtualMachineStateChangeRequest
  action string - !
  data map:string -
  uid string -

VirtualMachineStatus
  changedBlockTracking ChangedBlockTrackingStatus -
  conditions []VirtualMachineCondition -
  created bool -
  desiredGeneration int64 -
  instancetypeRef InstancetypeStatusRef -
  memoryDumpRequest VirtualMachineMemoryDumpRequest -
  observedGeneration int64 -
  preferenceRef InstancetypeStatusRef -
  printableStatus string - default="Stopped"
  ready bool -
  restoreInProgress string -
  runStrategy string -
  snapshotInProgress string -
  startFailure VirtualMachineStartFailure -
  stateChangeRequests []VirtualMachineStateChangeRequest -
  volumeRequests []VirtualMachineVolumeRequest - atomic
  volumeSnapshotStatuses []VolumeSnapshotStatus -
  volumeUpdateState VolumeUpdateState -

VirtualMachineVolumeRequest
  addVolumeOptions AddVolumeOptions -
  removeVolumeOptions RemoveVolumeOptions -

Volume
  cloudInitConfigDrive CloudInitConfigDriveSource -
  cloudInitNoCloud CloudInitNoCloudSource -
  configMap ConfigMapVolumeSource - atomic
  containerDisk ContainerDiskSource -
  containerPath ContainerPathVolumeSource -
  dataVolume DataVolumeVolumeSource -
  downwardAPI DownwardAPIVolumeSource -
  downwardMetrics DownwardMetrics -
  emptyDisk EmptyDiskSource -
  ephemeral EphemeralVolumeSource -
  hostDisk HostDisk -
  memoryDump MemoryDumpVolumeSource -
  name string - !
  persistentVolumeClaim PersistentVolumeClaimVolumeSource -
  secret SecretVolumeSource -
  serviceAccount ServiceAccountVolumeSource -
  sysprep SysprepSource -

VolumeMigrationState
  migratedVolumes []StorageMigratedVolumeInfo - atomic

VolumeSnapshotStatus
  enabled bool - !
  name string - !
  reason string -

VolumeStatus
  containerDiskVolume ContainerDiskInfo -
  hotplugVolume HotplugVolumeStatus -
  memoryDumpVolume DomainMemoryDumpInfo -
  message string -
  name string - !
  persistentVolumeClaimInfo PersistentVolumeClaimInfo -
  phase string -
  reason string -
  size int64 -
  target string - !

VolumeUpdateState
  volumeMigrationState VolumeMigrationState -

Watchdog
  diag288 Diag288Watchdog -
  i6300esb I6300ESBWatchdog -
  name string - !
`;
