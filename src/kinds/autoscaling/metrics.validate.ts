/** What an autoscaler may be told to look at, and how fast it may act (k8s.io/kubernetes/pkg/apis/autoscaling/validation). */
import { validatePathSegment } from '../../apimachinery/names.ts';
import { compareQuantities } from '../../apimachinery/quantity.ts';
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { labelSelector, nameErrors, requiredText } from '../checks.ts';
import type {
  ContainerResourceMetricSource, CrossVersionObjectReference, ExternalMetricSource, HorizontalPodAutoscalerBehavior, HPAScalingPolicy, HPAScalingRules,
  MetricIdentifier, MetricSpec, MetricTarget, ObjectMetricSource, PodsMetricSource, ResourceMetricSource,
} from '../generated/autoscaling.v2.ts';
import { requiredPathName } from '../namechecks.ts';

const MAX_WINDOW_SECONDS = 3600;
const MAX_PERIOD_SECONDS = 1800;
const TARGETS = ['Utilization', 'Value', 'AverageValue'];
/** Type of a metric → the field that holds it. */
export const METRIC_SOURCES = {
  Object: 'object', Pods: 'pods', Resource: 'resource', ContainerResource: 'containerResource', External: 'external',
} as const;

export const isMetricSource = (type: string): type is keyof typeof METRIC_SOURCES => Object.hasOwn(METRIC_SOURCES, type);

export const referenceErrors = (field: string, ref: Partial<CrossVersionObjectReference>): FieldError[] =>
  [...requiredPathName(`${field}.kind`, ref.kind), ...requiredPathName(`${field}.name`, ref.name)];

const isPositive = (value: string): boolean => compareQuantities(value, '0') > 0;

const amount = (field: string, value: string | undefined): FieldError[] =>
  (value === undefined || isPositive(value) ? [] : [fieldError.invalid(field, value, 'must be positive')]);

function targetErrors(field: string, { type = '', value, averageValue, averageUtilization }: Partial<MetricTarget>): FieldError[] {
  return [
    ...(type === '' ? [fieldError.required(`${field}.type`, 'must specify a metric target type')] : []),
    ...(TARGETS.includes(type) ? [] : [fieldError.invalid(`${field}.type`, type, 'must be either Utilization, Value, or AverageValue')]),
    ...amount(`${field}.value`, value), ...amount(`${field}.averageValue`, averageValue),
    ...(averageUtilization !== undefined && averageUtilization < 1
      ? [fieldError.invalid(`${field}.averageUtilization`, averageUtilization, 'must be greater than 0')] : []),
  ];
}

const identifierErrors = (field: string, { name, selector }: Partial<MetricIdentifier>): FieldError[] => [
  ...(name ? nameErrors(`${field}.name`, name, validatePathSegment) : [fieldError.required(`${field}.name`, 'must specify a metric name')]),
  ...labelSelector(`${field}.selector`, selector),
];

function objectErrors(field: string, { describedObject = {}, metric = {}, target = {} }: Partialled<ObjectMetricSource>): FieldError[] {
  return [
    ...referenceErrors(`${field}.describedObject`, describedObject), ...identifierErrors(`${field}.metric`, metric), ...targetErrors(`${field}.target`, target),
    ...(target.value === undefined && target.averageValue === undefined
      ? [fieldError.required(`${field}.target.averageValue`, 'must set either a target value or averageValue')] : []),
  ];
}

function externalErrors(field: string, { metric = {}, target = {} }: Partialled<ExternalMetricSource>): FieldError[] {
  const { value, averageValue } = target;
  return [
    ...identifierErrors(`${field}.metric`, metric), ...targetErrors(`${field}.target`, target),
    ...(value === undefined && averageValue === undefined
      ? [fieldError.required(`${field}.target.averageValue`, 'must set either a target value for metric or a per-pod target')] : []),
    ...(value !== undefined && averageValue !== undefined
      ? [fieldError.forbidden(`${field}.target.value`, 'may not set both a target value for metric and a per-pod target')] : []),
  ];
}

const podsErrors = (field: string, { metric = {}, target = {} }: Partialled<PodsMetricSource>): FieldError[] => [
  ...identifierErrors(`${field}.metric`, metric), ...targetErrors(`${field}.target`, target),
  ...(target.averageValue === undefined || !isPositive(target.averageValue)
    ? [fieldError.required(`${field}.target.averageValue`, 'must specify a positive target averageValue')] : []),
];

function resourceErrors(field: string, { name, target = {} }: Partialled<ResourceMetricSource>): FieldError[] {
  const { averageUtilization, averageValue } = target;
  return [
    ...requiredText(`${field}.name`, name, 'must specify a resource name'), ...targetErrors(`${field}.target`, target),
    ...(averageUtilization === undefined && averageValue === undefined
      ? [fieldError.required(`${field}.target.averageUtilization`, 'must set either a target raw value or a target utilization')] : []),
    ...(averageUtilization !== undefined && averageValue !== undefined
      ? [fieldError.forbidden(`${field}.target.averageValue`, 'may not set both a target raw value and a target utilization')] : []),
  ];
}

const containerErrors = (field: string, source: Partialled<ContainerResourceMetricSource>): FieldError[] => [
  ...requiredText(`${field}.container`, source.container, 'must specify a container'), ...resourceErrors(field, source),
];

/** A decoded message: what is required may be missing all the same. */
type Partialled<T> = { [K in keyof T]?: Partial<T[K]> };

function sourceErrors(field: string, name: (typeof METRIC_SOURCES)[keyof typeof METRIC_SOURCES], metric: MetricSpec): FieldError[] {
  const at = `${field}.${name}`;
  switch (name) {
    case 'object': return objectErrors(at, metric.object ?? {});
    case 'pods': return podsErrors(at, metric.pods ?? {});
    case 'resource': return resourceErrors(at, metric.resource ?? {});
    case 'containerResource': return containerErrors(at, metric.containerResource ?? {});
    case 'external': return externalErrors(at, metric.external ?? {});
    default: return name satisfies never;
  }
}

function metricErrors(field: string, metric: MetricSpec): FieldError[] {
  const type = metric.type ?? '';
  const present = Object.values(METRIC_SOURCES).filter((name) => metric[name] !== undefined);
  const expected = isMetricSource(type) ? METRIC_SOURCES[type] : undefined;
  const [first] = present;
  return [
    ...(type === '' ? [fieldError.required(`${field}.type`, 'must specify a metric source type')] : []),
    ...(expected === undefined ? [fieldError.notSupported(`${field}.type`, type, Object.keys(METRIC_SOURCES).sort())] : []),
    ...(first === undefined ? [] : sourceErrors(field, first, metric)),
    ...(expected !== undefined && !present.includes(expected)
      ? [fieldError.required(`${field}.${expected}`, 'must populate information for the given metric source')] : []),
    ...(present.length > 1 ? present.filter((name) => name !== expected)
      .map((name) => fieldError.forbidden(`${field}.${name}`, 'must populate the given metric source only')) : []),
  ];
}

export const metricsErrors = (field: string, metrics: readonly MetricSpec[] | undefined): FieldError[] =>
  (metrics ?? []).flatMap((metric, index) => metricErrors(`${field}[${index}]`, metric));

function policyErrors(field: string, { type = '', value = 0, periodSeconds = 0 }: Partial<HPAScalingPolicy>): FieldError[] {
  return [
    ...(type === 'Percent' || type === 'Pods' ? [] : [fieldError.notSupported(`${field}.type`, type, ['Percent', 'Pods'])]),
    ...(value > 0 ? [] : [fieldError.invalid(`${field}.value`, value, 'must be greater than zero')]),
    ...(periodSeconds > 0 ? [] : [fieldError.invalid(`${field}.periodSeconds`, periodSeconds, 'must be greater than zero')]),
    ...(periodSeconds > MAX_PERIOD_SECONDS
      ? [fieldError.invalid(`${field}.periodSeconds`, periodSeconds, `must be less than or equal to ${MAX_PERIOD_SECONDS}`)] : []),
  ];
}

function rulesErrors(field: string, rules: HPAScalingRules | undefined): FieldError[] {
  if (rules === undefined) {
    return [];
  }
  const { stabilizationWindowSeconds: window = 0, selectPolicy, policies = [], tolerance } = rules;
  return [
    ...(window < 0 ? [fieldError.invalid(`${field}.stabilizationWindowSeconds`, window, 'must be greater than or equal to zero')] : []),
    ...(window > MAX_WINDOW_SECONDS
      ? [fieldError.invalid(`${field}.stabilizationWindowSeconds`, window, `must be less than or equal to ${MAX_WINDOW_SECONDS}`)] : []),
    ...(selectPolicy === undefined || ['Disabled', 'Max', 'Min'].includes(selectPolicy) ? []
      : [fieldError.notSupported(`${field}.selectPolicy`, selectPolicy, ['Disabled', 'Max', 'Min'])]),
    ...(policies.length === 0 ? [fieldError.required(`${field}.policies`, 'must specify at least one Policy')] : []),
    ...policies.flatMap((one, index) => policyErrors(`${field}.policies[${index}]`, one)),
    ...(tolerance !== undefined && compareQuantities(tolerance, '0') < 0
      ? [fieldError.invalid(`${field}.tolerance`, tolerance, 'must be greater than or equal to 0')] : []),
  ];
}

export const behaviorErrors = (field: string, behavior: HorizontalPodAutoscalerBehavior | undefined): FieldError[] =>
  [...rulesErrors(`${field}.scaleUp`, behavior?.scaleUp), ...rulesErrors(`${field}.scaleDown`, behavior?.scaleDown)];

/** Kubernetes' own pace, where a behaviour is given but not all of it. */
export function defaultBehavior(behavior: HorizontalPodAutoscalerBehavior | undefined): void {
  if (behavior !== undefined) {
    behavior.scaleUp = {
      stabilizationWindowSeconds: 0, selectPolicy: 'Max',
      policies: [{ type: 'Pods', value: 4, periodSeconds: 15 }, { type: 'Percent', value: 100, periodSeconds: 15 }], ...behavior.scaleUp,
    };
    behavior.scaleDown = { selectPolicy: 'Max', policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }], ...behavior.scaleDown };
  }
}
