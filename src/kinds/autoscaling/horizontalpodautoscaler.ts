import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { nonNegative } from '../checks.ts';
import { AGE, column, NAME } from '../columns.ts';
import type { HorizontalPodAutoscaler, HorizontalPodAutoscalerStatus, MetricSpec, MetricStatus, MetricTarget, MetricValueStatus } from '../generated/autoscaling.v2.ts';
import { inert } from '../inert.ts';
import { defineKind } from '../kind.ts';
import { ownStatus } from '../strategy.ts';
import { behaviorErrors, defaultBehavior, isMetricSource, METRIC_SOURCES, metricsErrors, referenceErrors } from './metrics.validate.ts';

const DEFAULT_UTILIZATION = 80;
const SHOWN = 2;
function target(metric: MetricSpec): MetricTarget | undefined {
  return isMetricSource(metric.type) ? metric[METRIC_SOURCES[metric.type]]?.target : undefined;
}

function current(metric: MetricSpec, status: readonly MetricStatus[], index: number): MetricValueStatus | undefined {
  const one = status[index];
  return one === undefined || one.type !== metric.type || !isMetricSource(one.type) ? undefined : one[METRIC_SOURCES[one.type]]?.current;
}

function metricText(metric: MetricSpec, status: readonly MetricStatus[], index: number): string {
  const [wanted, now] = [target(metric), current(metric, status, index)];
  const name = metric.type === 'Resource' ? `${metric.resource?.name ?? ''}: ` : '';
  if (wanted?.averageUtilization !== undefined) {
    return `${name}${now?.averageUtilization === undefined ? '<unknown>' : `${now.averageUtilization}%`}/${wanted.averageUtilization}%`;
  }
  return wanted?.averageValue === undefined
    ? `${name}${now?.value ?? '<unknown>'}/${wanted?.value ?? '<auto>'}` : `${name}${now?.averageValue ?? '<unknown>'}/${wanted.averageValue} (avg)`;
}

function targets({ spec, status }: HorizontalPodAutoscaler): string {
  const texts = (spec.metrics ?? []).map((metric, index) => metricText(metric, status?.currentMetrics ?? [], index));
  const rest = texts.length - SHOWN;
  return rest > 0 ? `${texts.slice(0, SHOWN).join(', ')} + ${rest} more...` : texts.join(', ') || '<none>';
}

/** What v1 and v2 have alike. */
export function boundsErrors({ minReplicas, maxReplicas = 0 }: { minReplicas?: number; maxReplicas?: number }): FieldError[] {
  return [
    ...(minReplicas !== undefined && minReplicas < 1 ? [fieldError.invalid('spec.minReplicas', minReplicas, 'must be greater than or equal to 1')] : []),
    ...(maxReplicas < 1 ? [fieldError.invalid('spec.maxReplicas', maxReplicas, 'must be greater than 0')] : []),
    ...(minReplicas !== undefined && maxReplicas < minReplicas
      ? [fieldError.invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`')] : []),
  ];
}

const validate = ({ spec }: HorizontalPodAutoscaler): FieldError[] => [
  ...boundsErrors(spec), ...referenceErrors('spec.scaleTargetRef', spec.scaleTargetRef),
  ...metricsErrors('spec.metrics', spec.metrics), ...behaviorErrors('spec.behavior', spec.behavior),
];

export const horizontalPodAutoscaler = defineKind<HorizontalPodAutoscaler>({
  group: 'autoscaling', version: 'v2', kind: 'HorizontalPodAutoscaler', plural: 'horizontalpodautoscalers', singular: 'horizontalpodautoscaler',
  namespaced: true, type: 'autoscaling/v2.HorizontalPodAutoscaler', origin: 'builtin',
  shortNames: ['hpa'], categories: ['all'], status: true,
  columns: [
    NAME,
    column('Reference', ({ spec }) => `${spec.scaleTargetRef.kind}/${spec.scaleTargetRef.name}`),
    column('Targets', targets),
    column('MinPods', ({ spec }) => (spec.minReplicas === undefined ? '<unset>' : String(spec.minReplicas))),
    column('MaxPods', ({ spec }) => spec.maxReplicas ?? 0),
    column('Replicas', ({ status }) => status?.currentReplicas ?? 0),
    AGE,
  ],
  rules: {
    ...ownStatus<HorizontalPodAutoscalerStatus>(() => ({ currentReplicas: 0, desiredReplicas: 0 })),
    generation: false,
    defaults(object) {
      object.spec ??= { scaleTargetRef: { kind: '', name: '' }, maxReplicas: 0 };
      object.spec.scaleTargetRef ??= { kind: '', name: '' };
      object.spec.minReplicas ??= 1;
      defaultBehavior(object.spec.behavior);
      object.spec.metrics ??= [
        { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: DEFAULT_UTILIZATION } } },
      ];
    },
    validate,
    validateStatus: ({ status }) => [
      ...nonNegative('status.currentReplicas', status?.currentReplicas), ...nonNegative('status.desiredReplicas', status?.desiredReplicas),
    ],
    warnings: inert('HorizontalPodAutoscaler'),
  },
});
