/** Messages of apps/v1: field, type, protobuf number, rules. The grammar is in apimachinery/typetable.ts. */
export const appsV1Types = `
ControllerRevision kind
  metadata meta/v1.ObjectMeta 1
  data any 2
  revision int64 3 !

DaemonSet kind
  metadata meta/v1.ObjectMeta 1
  spec DaemonSetSpec 2
  status DaemonSetStatus 3

DaemonSetCondition
  type string 1 !
  status string 2 !
  lastTransitionTime Time 3
  reason string 4
  message string 5

DaemonSetSpec
  selector meta/v1.LabelSelector 1 !
  template core/v1.PodTemplateSpec 2 !
  updateStrategy DaemonSetUpdateStrategy 3
  minReadySeconds int32 4
  revisionHistoryLimit int32 6

DaemonSetStatus
  currentNumberScheduled int32 1 !
  numberMisscheduled int32 2 !
  desiredNumberScheduled int32 3 !
  numberReady int32 4 !
  observedGeneration int64 5
  updatedNumberScheduled int32 6
  numberAvailable int32 7
  numberUnavailable int32 8
  collisionCount int32 9
  conditions []DaemonSetCondition 10 map=type patch=merge:type

DaemonSetUpdateStrategy
  type string 1 enum=OnDelete|RollingUpdate
  rollingUpdate RollingUpdateDaemonSet 2

Deployment kind
  metadata meta/v1.ObjectMeta 1
  spec DeploymentSpec 2
  status DeploymentStatus 3

DeploymentCondition
  type string 1 !
  status string 2 !
  reason string 4
  message string 5
  lastUpdateTime Time 6
  lastTransitionTime Time 7

DeploymentSpec
  replicas int32 1
  selector meta/v1.LabelSelector 2 !
  template core/v1.PodTemplateSpec 3 !
  strategy DeploymentStrategy 4 patch=retainKeys
  minReadySeconds int32 5
  revisionHistoryLimit int32 6
  paused bool 7
  progressDeadlineSeconds int32 9

DeploymentStatus
  observedGeneration int64 1
  replicas int32 2
  updatedReplicas int32 3
  availableReplicas int32 4
  unavailableReplicas int32 5
  conditions []DeploymentCondition 6 map=type patch=merge:type
  readyReplicas int32 7
  collisionCount int32 8
  terminatingReplicas int32 9

DeploymentStrategy
  type string 1 enum=Recreate|RollingUpdate
  rollingUpdate RollingUpdateDeployment 2

ReplicaSet kind
  metadata meta/v1.ObjectMeta 1
  spec ReplicaSetSpec 2
  status ReplicaSetStatus 3

ReplicaSetCondition
  type string 1 !
  status string 2 !
  lastTransitionTime Time 3
  reason string 4
  message string 5

ReplicaSetSpec
  replicas int32 1
  selector meta/v1.LabelSelector 2 !
  template core/v1.PodTemplateSpec 3
  minReadySeconds int32 4

ReplicaSetStatus
  replicas int32 1 !
  fullyLabeledReplicas int32 2
  observedGeneration int64 3
  readyReplicas int32 4
  availableReplicas int32 5
  conditions []ReplicaSetCondition 6 map=type patch=merge:type
  terminatingReplicas int32 7

RollingUpdateDaemonSet
  maxUnavailable IntOrString 1
  maxSurge IntOrString 2

RollingUpdateDeployment
  maxUnavailable IntOrString 1
  maxSurge IntOrString 2

RollingUpdateStatefulSetStrategy
  partition int32 1
  maxUnavailable IntOrString 2

StatefulSet kind
  metadata meta/v1.ObjectMeta 1
  spec StatefulSetSpec 2
  status StatefulSetStatus 3

StatefulSetCondition
  type string 1 !
  status string 2 !
  lastTransitionTime Time 3
  reason string 4
  message string 5

StatefulSetOrdinals
  start int32 1

StatefulSetPersistentVolumeClaimRetentionPolicy
  whenDeleted string 1
  whenScaled string 2

StatefulSetSpec
  replicas int32 1
  selector meta/v1.LabelSelector 2 !
  template core/v1.PodTemplateSpec 3 !
  volumeClaimTemplates []core/v1.PersistentVolumeClaim 4 atomic
  serviceName string 5
  podManagementPolicy string 6 enum=OrderedReady|Parallel
  updateStrategy StatefulSetUpdateStrategy 7
  revisionHistoryLimit int32 8
  minReadySeconds int32 9
  persistentVolumeClaimRetentionPolicy StatefulSetPersistentVolumeClaimRetentionPolicy 10
  ordinals StatefulSetOrdinals 11

StatefulSetStatus
  observedGeneration int64 1
  replicas int32 2 !
  readyReplicas int32 3
  currentReplicas int32 4
  updatedReplicas int32 5
  currentRevision string 6
  updateRevision string 7
  collisionCount int32 9
  conditions []StatefulSetCondition 10 map=type patch=merge:type
  availableReplicas int32 11

StatefulSetUpdateStrategy
  type string 1 enum=OnDelete|RollingUpdate
  rollingUpdate RollingUpdateStatefulSetStrategy 2
`;
