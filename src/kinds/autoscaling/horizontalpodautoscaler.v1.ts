import type { KubeObject } from '../../apimachinery/object.ts';
import { isObject } from '../../apimachinery/values.ts';
import { column, NAME, AGE } from '../columns.ts';
import type { HorizontalPodAutoscaler } from '../generated/autoscaling.ts';
import { inert } from '../inert.ts';
import { defineKind } from '../kind.ts';
import { ownStatus } from '../strategy.ts';
import { boundsErrors } from './horizontalpodautoscaler.ts';
import { referenceErrors } from './metrics.validate.ts';

/** Where v1 keeps what it has no fields for, as Kubernetes does. */
const METRICS = 'autoscaling.alpha.kubernetes.io/metrics';
const BEHAVIOR = 'autoscaling.alpha.kubernetes.io/behavior';

type Member = Record<string, unknown>;

const member = (object: unknown, name: string): Member => {
  const value = isObject(object) ? object[name] : undefined;
  return isObject(value) ? value : {};
};

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** The one metric that v1 has a field for. */
const isCpu = (metric: unknown): boolean =>
  isObject(metric) && metric['type'] === 'Resource' && member(metric, 'resource')['name'] === 'cpu'
  && member(member(metric, 'resource'), 'target')['averageUtilization'] !== undefined;

const cpuMetric = (percentage: unknown): Member =>
  ({ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: percentage } } });

function parsed(text: string | undefined): unknown {
  if (text === undefined) {
    return undefined;
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) {
      return undefined;
    }
    throw error;
  }
}

/** v1 → v2. */
function encode(object: KubeObject): KubeObject {
  const { targetCPUUtilizationPercentage: cpu, ...spec } = member(object, 'spec');
  const { currentCPUUtilizationPercentage: _current, ...status } = member(object, 'status');
  const { [METRICS]: others, [BEHAVIOR]: behaviorText, ...annotations } = object.metadata.annotations ?? {};
  const metrics = [...(cpu === undefined ? [] : [cpuMetric(cpu)]), ...listOf(parsed(others))];
  const behavior = parsed(behaviorText);
  const metadata = { ...object.metadata, ...(Object.keys(annotations).length === 0 ? {} : { annotations }) };
  if (Object.keys(annotations).length === 0) {
    delete metadata.annotations;
  }
  const stored = { apiVersion: 'autoscaling/v2', kind: object.kind, metadata, spec: { ...spec, ...(metrics.length === 0 ? {} : { metrics }), ...(isObject(behavior) ? { behavior } : {}) }, status };
  return stored;
}

/** v2 → v1. */
function decode(stored: KubeObject): KubeObject {
  const { metrics, behavior, ...spec } = member(stored, 'spec');
  const { currentMetrics: _metrics, conditions: _conditions, ...status } = member(stored, 'status');
  const list = listOf(metrics);
  const cpu = list.find(isCpu);
  const others = list.filter((one) => one !== cpu);
  const annotations = {
    ...stored.metadata.annotations,
    ...(others.length === 0 ? {} : { [METRICS]: JSON.stringify(others) }), ...(behavior === undefined ? {} : { [BEHAVIOR]: JSON.stringify(behavior) }),
  };
  const percentage = member(member(cpu, 'resource'), 'target')['averageUtilization'];
  const object = {
    apiVersion: 'autoscaling/v1', kind: stored.kind,
    metadata: { ...stored.metadata, ...(Object.keys(annotations).length === 0 ? {} : { annotations }) },
    spec: { ...spec, ...(percentage === undefined ? {} : { targetCPUUtilizationPercentage: percentage }) }, status,
  };
  return object;
}

export const horizontalPodAutoscalerV1 = defineKind<HorizontalPodAutoscaler>({
  group: 'autoscaling', version: 'v1', kind: 'HorizontalPodAutoscaler', plural: 'horizontalpodautoscalers', singular: 'horizontalpodautoscaler',
  namespaced: true, type: 'autoscaling/v1.HorizontalPodAutoscaler', origin: 'builtin',
  shortNames: ['hpa'], categories: ['all'], status: true,
  storedAs: { group: 'autoscaling', version: 'v2', plural: 'horizontalpodautoscalers', encode, decode },
  columns: [
    NAME,
    column('Reference', ({ spec }) => `${spec.scaleTargetRef.kind}/${spec.scaleTargetRef.name}`),
    column('Targets', ({ spec, status }) => (spec.targetCPUUtilizationPercentage === undefined ? '<none>'
      : `cpu: ${status?.currentCPUUtilizationPercentage === undefined ? '<unknown>' : `${status.currentCPUUtilizationPercentage}%`}/${spec.targetCPUUtilizationPercentage}%`)),
    column('MinPods', ({ spec }) => (spec.minReplicas === undefined ? '<unset>' : String(spec.minReplicas))),
    column('MaxPods', ({ spec }) => spec.maxReplicas ?? 0),
    column('Replicas', ({ status }) => status?.currentReplicas ?? 0),
    AGE,
  ],
  rules: {
    ...ownStatus(() => ({ currentReplicas: 0, desiredReplicas: 0 })),
    generation: false,
    defaults(object) {
      object.spec ??= { scaleTargetRef: { kind: '', name: '' }, maxReplicas: 0 };
      object.spec.scaleTargetRef ??= { kind: '', name: '' };
      object.spec.minReplicas ??= 1;
      if (object.metadata.annotations?.[METRICS] === undefined) {
        object.spec.targetCPUUtilizationPercentage ??= 80;
      }
    },
    validate: ({ spec }) => [...boundsErrors(spec), ...referenceErrors('spec.scaleTargetRef', spec.scaleTargetRef)],
    warnings: inert('HorizontalPodAutoscaler'),
  },
});
