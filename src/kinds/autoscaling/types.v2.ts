/** Messages of autoscaling/v2: field, type, protobuf number, rules. The grammar is in apimachinery/typetable.ts. */
export const autoscalingV2Types = `
ContainerResourceMetricSource
  name string 1 !
  target MetricTarget 2 !
  container string 3 !

ContainerResourceMetricStatus
  name string 1 !
  current MetricValueStatus 2 !
  container string 3 !

CrossVersionObjectReference
  kind string 1 !
  name string 2 !
  apiVersion string 3

ExternalMetricSource
  metric MetricIdentifier 1 !
  target MetricTarget 2 !

ExternalMetricStatus
  metric MetricIdentifier 1 !
  current MetricValueStatus 2 !

HPAScalingPolicy
  type string 1 !
  value int32 2 !
  periodSeconds int32 3 !

HPAScalingRules
  selectPolicy string 1
  policies []HPAScalingPolicy 2 atomic
  stabilizationWindowSeconds int32 3
  tolerance Quantity 4

HorizontalPodAutoscaler kind
  metadata meta/v1.ObjectMeta 1
  spec HorizontalPodAutoscalerSpec 2 !
  status HorizontalPodAutoscalerStatus 3

HorizontalPodAutoscalerBehavior
  scaleUp HPAScalingRules 1
  scaleDown HPAScalingRules 2

HorizontalPodAutoscalerCondition
  type string 1 !
  status string 2 !
  lastTransitionTime Time 3
  reason string 4
  message string 5

HorizontalPodAutoscalerSpec
  scaleTargetRef CrossVersionObjectReference 1 !
  minReplicas int32 2
  maxReplicas int32 3 !
  metrics []MetricSpec 4 atomic
  behavior HorizontalPodAutoscalerBehavior 5

HorizontalPodAutoscalerStatus
  observedGeneration int64 1
  lastScaleTime Time 2
  currentReplicas int32 3
  desiredReplicas int32 4 !
  currentMetrics []MetricStatus 5 atomic
  conditions []HorizontalPodAutoscalerCondition 6 map=type patch=merge:type

MetricIdentifier
  name string 1 !
  selector meta/v1.LabelSelector 2

MetricSpec
  type string 1 !
  object ObjectMetricSource 2
  pods PodsMetricSource 3
  resource ResourceMetricSource 4
  external ExternalMetricSource 5
  containerResource ContainerResourceMetricSource 7

MetricStatus
  type string 1 !
  object ObjectMetricStatus 2
  pods PodsMetricStatus 3
  resource ResourceMetricStatus 4
  external ExternalMetricStatus 5
  containerResource ContainerResourceMetricStatus 7

MetricTarget
  type string 1 !
  value Quantity 2
  averageValue Quantity 3
  averageUtilization int32 4

MetricValueStatus
  value Quantity 1
  averageValue Quantity 2
  averageUtilization int32 3

ObjectMetricSource
  describedObject CrossVersionObjectReference 1 !
  target MetricTarget 2 !
  metric MetricIdentifier 3 !

ObjectMetricStatus
  metric MetricIdentifier 1 !
  current MetricValueStatus 2 !
  describedObject CrossVersionObjectReference 3 !

PodsMetricSource
  metric MetricIdentifier 1 !
  target MetricTarget 2 !

PodsMetricStatus
  metric MetricIdentifier 1 !
  current MetricValueStatus 2 !

ResourceMetricSource
  name string 1 !
  target MetricTarget 2 !

ResourceMetricStatus
  name string 1 !
  current MetricValueStatus 2 !
`;
