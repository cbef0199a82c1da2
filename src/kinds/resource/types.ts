/** Messages of resource/v1: field, type, protobuf number, rules. The grammar is in apimachinery/typetable.ts. */
export const resourceV1Types = `
AllocatedDeviceStatus
  driver string 1 !
  pool string 2 !
  device string 3 !
  conditions []meta/v1.Condition 4 map=type
  data any 5
  networkData NetworkDeviceData 6
  shareID string 7

AllocationResult
  devices DeviceAllocationResult 1
  nodeSelector core/v1.NodeSelector 3
  allocationTimestamp Time 5

CELDeviceSelector
  expression string 1 !

CapacityRequestPolicy
  default Quantity 1
  validValues []Quantity 3 atomic
  validRange CapacityRequestPolicyRange 4

CapacityRequestPolicyRange
  min Quantity 1 !
  max Quantity 2
  step Quantity 3

CapacityRequirements
  requests map:Quantity 1

Counter
  value Quantity 1 !

CounterSet
  name string 1 !
  counters map:Counter 2 !

Device
  name string 1 !
  attributes map:DeviceAttribute 2
  capacity map:DeviceCapacity 3
  consumesCounters []DeviceCounterConsumption 4 atomic
  nodeName string 5
  nodeSelector core/v1.NodeSelector 6
  allNodes bool 7
  taints []DeviceTaint 8 atomic
  bindsToNode bool 9
  bindingConditions []string 10 atomic
  bindingFailureConditions []string 11 atomic
  allowMultipleAllocations bool 12
  nodeAllocatableResourceMappings map:NodeAllocatableResourceMapping 13

DeviceAllocationConfiguration
  source string 1 ! enum=FromClaim|FromClass
  requests []string 2 atomic
  opaque OpaqueDeviceConfiguration 3.1

DeviceAllocationResult
  results []DeviceRequestAllocationResult 1 atomic
  config []DeviceAllocationConfiguration 2 atomic

DeviceAttribute
  int int64 2
  bool bool 3
  string string 4
  version string 5
  ints []int64 6 atomic
  bools []bool 7 atomic
  strings []string 8 atomic
  versions []string 9 atomic

DeviceCapacity
  value Quantity 1 !
  requestPolicy CapacityRequestPolicy 2

DeviceClaim
  requests []DeviceRequest 1 atomic
  constraints []DeviceConstraint 2 atomic
  config []DeviceClaimConfiguration 3 atomic

DeviceClaimConfiguration
  requests []string 1 atomic
  opaque OpaqueDeviceConfiguration 2.1

DeviceClass kind
  metadata meta/v1.ObjectMeta 1
  spec DeviceClassSpec 2 !

DeviceClassConfiguration
  opaque OpaqueDeviceConfiguration 1.1

DeviceClassSpec
  selectors []DeviceSelector 1 atomic
  config []DeviceClassConfiguration 2 atomic
  extendedResourceName string 4

DeviceConstraint
  requests []string 1 atomic
  matchAttribute string 2
  distinctAttribute string 3

DeviceCounterConsumption
  counterSet string 1 !
  counters map:Counter 2 !

DeviceRequest
  name string 1 !
  exactly ExactDeviceRequest 2
  firstAvailable []DeviceSubRequest 3 atomic

DeviceRequestAllocationResult
  request string 1 !
  driver string 2 !
  pool string 3 !
  device string 4 !
  adminAccess bool 5
  tolerations []DeviceToleration 6 atomic
  bindingConditions []string 7 atomic
  bindingFailureConditions []string 8 atomic
  shareID string 9
  consumedCapacity map:Quantity 10

DeviceSelector
  cel CELDeviceSelector 1

DeviceSubRequest
  name string 1 !
  deviceClassName string 2 !
  selectors []DeviceSelector 3 atomic
  allocationMode string 4 enum=All|ExactCount
  count int64 5
  tolerations []DeviceToleration 6 atomic
  capacity CapacityRequirements 7

DeviceTaint
  key string 1 !
  value string 2
  effect string 3 ! enum=NoExecute|NoSchedule|None
  timeAdded Time 4

DeviceToleration
  key string 1
  operator string 2 enum=Equal|Exists
  value string 3
  effect string 4 enum=NoExecute|NoSchedule|None
  tolerationSeconds int64 5

ExactDeviceRequest
  deviceClassName string 1 !
  selectors []DeviceSelector 2 atomic
  allocationMode string 3 enum=All|ExactCount
  count int64 4
  adminAccess bool 5
  tolerations []DeviceToleration 6 atomic
  capacity CapacityRequirements 7

NetworkDeviceData
  interfaceName string 1
  ips []string 2 atomic
  hardwareAddress string 3

NodeAllocatableResourceMapping
  capacityKey string 1
  allocationMultiplier Quantity 2

OpaqueDeviceConfiguration
  driver string 1 !
  parameters any 2 !

ResourceClaim kind
  metadata meta/v1.ObjectMeta 1
  spec ResourceClaimSpec 2 !
  status ResourceClaimStatus 3

ResourceClaimConsumerReference
  apiGroup string 1
  resource string 3 !
  name string 4 !
  uid string 5 !

ResourceClaimSpec
  devices DeviceClaim 1

ResourceClaimStatus
  allocation AllocationResult 1
  reservedFor []ResourceClaimConsumerReference 2 map=uid patch=merge:uid
  devices []AllocatedDeviceStatus 4 map=driver,device,pool,shareID

ResourceClaimTemplate kind
  metadata meta/v1.ObjectMeta 1
  spec ResourceClaimTemplateSpec 2 !

ResourceClaimTemplateSpec
  metadata meta/v1.ObjectMeta 1
  spec ResourceClaimSpec 2 !

ResourcePool
  name string 1 !
  generation int64 2 !
  resourceSliceCount int64 3 !

ResourceSlice kind
  metadata meta/v1.ObjectMeta 1
  spec ResourceSliceSpec 2 !

ResourceSliceSpec
  driver string 1 !
  pool ResourcePool 2 !
  nodeName string 3
  nodeSelector core/v1.NodeSelector 4
  allNodes bool 5
  devices []Device 6 atomic
  perDeviceNodeSelection bool 7
  sharedCounters []CounterSet 8 atomic
`;
