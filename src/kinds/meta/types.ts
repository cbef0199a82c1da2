/** Messages of meta/v1: field, type, protobuf number, rules. The grammar is in apimachinery/typetable.ts. */
export const metaV1Types = `
APIGroup
  name string 1 !
  versions []GroupVersionForDiscovery 2 ! atomic
  preferredVersion GroupVersionForDiscovery 3
  serverAddressByClientCIDRs []ServerAddressByClientCIDR 4 atomic

APIGroupList
  groups []APIGroup 1 ! atomic

APIResource
  name string 1 !
  namespaced bool 2 !
  kind string 3 !
  verbs []string 4 !
  shortNames []string 5 atomic
  singularName string 6 !
  categories []string 7 atomic
  group string 8
  version string 9
  storageVersionHash string 10

APIResourceList
  groupVersion string 1 !
  resources []APIResource 2 ! atomic

APIVersions
  versions []string 1 ! atomic
  serverAddressByClientCIDRs []ServerAddressByClientCIDR 2 ! atomic

Condition
  type string 1 !
  status string 2 !
  observedGeneration int64 3
  lastTransitionTime Time 4 !
  reason string 5 !
  message string 6 !

DeleteOptions
  gracePeriodSeconds int64 1
  preconditions Preconditions 2
  orphanDependents bool 3
  propagationPolicy string 4
  dryRun []string 5 atomic
  ignoreStoreReadErrorWithClusterBreakingPotential bool 6

FieldSelectorRequirement
  key string 1 !
  operator string 2 !
  values []string 3 atomic

GroupVersionForDiscovery
  groupVersion string 1 !
  version string 2 !

LabelSelector atomic
  matchLabels map:string 1
  matchExpressions []LabelSelectorRequirement 2 atomic

LabelSelectorRequirement
  key string 1 !
  operator string 2 !
  values []string 3 atomic

ListMeta
  selfLink string 1
  resourceVersion string 2
  continue string 3
  remainingItemCount int64 4
  shardInfo ShardInfo 5

ManagedFieldsEntry
  manager string 1
  operation string 2
  apiVersion string 3
  time Time 4
  fieldsType string 6
  fieldsV1 FieldsV1 7
  subresource string 8

ObjectMeta
  name string 1
  generateName string 2
  namespace string 3
  selfLink string 4
  uid string 5
  resourceVersion string 6
  generation int64 7
  creationTimestamp Time 8
  deletionTimestamp Time 9
  deletionGracePeriodSeconds int64 10
  labels map:string 11
  annotations map:string 12
  ownerReferences []OwnerReference 13 map=uid patch=merge:uid
  finalizers []string 14 set patch=merge
  managedFields []ManagedFieldsEntry 17 atomic

OwnerReference atomic
  kind string 1 !
  name string 3 !
  uid string 4 !
  apiVersion string 5 !
  controller bool 6
  blockOwnerDeletion bool 7

Patch

Preconditions
  uid string 1
  resourceVersion string 2

ServerAddressByClientCIDR
  clientCIDR string 1 !
  serverAddress string 2 !

ShardInfo
  selector string 1 !

Status kind
  metadata ListMeta 1
  status string 2
  message string 3
  reason string 4
  details StatusDetails 5
  code int32 6

StatusCause
  reason string 1
  message string 2
  field string 3

StatusDetails
  name string 1
  group string 2
  kind string 3
  causes []StatusCause 4 atomic
  retryAfterSeconds int32 5
  uid string 6

WatchEvent
  type string 1 !
  object any 2 !
`;
