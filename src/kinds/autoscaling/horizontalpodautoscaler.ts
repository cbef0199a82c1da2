import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { positive, requiredOneOf, requiredText } from '../checks.ts';
import { AGE, column, NAME } from '../columns.ts';
import type { HorizontalPodAutoscaler, HorizontalPodAutoscalerStatus, MetricSpec, MetricStatus, MetricTarget, MetricValueStatus } from '../generated/autoscaling.v2.ts';
import { inert } from '../inert.ts';
import { defineKind } from '../kind.ts';
import { ownStatus } from '../strategy.ts';

const DEFAULT_UTILIZATION = 80;
const SHOWN = 2;
const SOURCES = { Object: 'object', Pods: 'pods', Resource: 'resource', ContainerResource: 'containerResource', External: 'external' } as const;

const isSource = (type: string): type is keyof typeof SOURCES => Object.hasOwn(SOURCES, type);

function target(metric: MetricSpec): MetricTarget | undefined {
  return isSource(metric.type) ? metric[SOURCES[metric.type]]?.target : undefined;
}

function current(metric: MetricSpec, status: readonly MetricStatus[], index: number): MetricValueStatus | undefined {
  const one = status[index];
  return one === undefined || one.type !== metric.type || !isSource(one.type) ? undefined : one[SOURCES[one.type]]?.current;
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

function validate({ spec }: HorizontalPodAutoscaler): FieldError[] {
  const { scaleTargetRef, minReplicas } = spec;
  const maxReplicas = spec.maxReplicas ?? 0;
  const errors = [
    ...requiredText('spec.scaleTargetRef.kind', scaleTargetRef?.kind), ...requiredText('spec.scaleTargetRef.name', scaleTargetRef?.name),
    ...positive('spec.minReplicas', minReplicas), ...positive('spec.maxReplicas', maxReplicas),
    ...(spec.metrics ?? []).flatMap((metric, index) => {
      const path = `spec.metrics[${index}]`;
      const wrong = requiredOneOf(`${path}.type`, metric.type, Object.keys(SOURCES));
      const source = isSource(metric.type) ? SOURCES[metric.type] : undefined;
      return source !== undefined && metric[source] === undefined
        ? [...wrong, fieldError.required(`${path}.${source}`, `must populate information for the given metric source`)] : wrong;
    }),
  ];
  if (minReplicas !== undefined && maxReplicas < minReplicas) {
    errors.push(fieldError.invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`'));
  }
  return errors;
}

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
      object.spec.metrics ??= [
        { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: DEFAULT_UTILIZATION } } },
      ];
    },
    validate,
    warnings: inert('HorizontalPodAutoscaler'),
  },
});
