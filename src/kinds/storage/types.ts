/** Messages of storage/v1: field, type, protobuf number, rules. The grammar is in apimachinery/typetable.ts. */
export const storageV1Types = `
CSIDriver kind
  metadata meta/v1.ObjectMeta 1
  spec CSIDriverSpec 2 !

CSIDriverSpec
  attachRequired bool 1
  podInfoOnMount bool 2
  volumeLifecycleModes []string 3 set
  storageCapacity bool 4
  fsGroupPolicy string 5
  tokenRequests []TokenRequest 6 atomic
  requiresRepublish bool 7
  seLinuxMount bool 8
  nodeAllocatableUpdatePeriodSeconds int64 9
  serviceAccountTokenInSecrets bool 10
  preventPodSchedulingIfMissing bool 11

CSINode kind
  metadata meta/v1.ObjectMeta 1
  spec CSINodeSpec 2 !

CSINodeDriver
  name string 1 !
  nodeID string 2 !
  topologyKeys []string 3 atomic
  allocatable VolumeNodeResources 4

CSINodeSpec
  drivers []CSINodeDriver 1 ! map=name patch=merge:name

CSIStorageCapacity kind
  metadata meta/v1.ObjectMeta 1
  nodeTopology meta/v1.LabelSelector 2
  storageClassName string 3 !
  capacity Quantity 4
  maximumVolumeSize Quantity 5

StorageClass kind
  metadata meta/v1.ObjectMeta 1
  provisioner string 2 !
  parameters map:string 3
  reclaimPolicy string 4 enum=Delete|Recycle|Retain
  mountOptions []string 5 atomic
  allowVolumeExpansion bool 6
  volumeBindingMode string 7 enum=Immediate|WaitForFirstConsumer
  allowedTopologies []core/v1.TopologySelectorTerm 8 atomic

TokenRequest
  audience string 1 !
  expirationSeconds int64 2

VolumeAttachment kind
  metadata meta/v1.ObjectMeta 1
  spec VolumeAttachmentSpec 2 !
  status VolumeAttachmentStatus 3

VolumeAttachmentSource
  persistentVolumeName string 1
  inlineVolumeSpec core/v1.PersistentVolumeSpec 2

VolumeAttachmentSpec
  attacher string 1 !
  source VolumeAttachmentSource 2 !
  nodeName string 3 !

VolumeAttachmentStatus
  attached bool 1 !
  attachmentMetadata map:string 2
  attachError VolumeError 3
  detachError VolumeError 4

VolumeAttributesClass kind
  metadata meta/v1.ObjectMeta 1
  driverName string 2 !
  parameters map:string 3

VolumeError
  time Time 1
  message string 2
  errorCode int32 3

VolumeNodeResources
  count int32 1
`;
