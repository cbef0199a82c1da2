/** The resource metrics API (`kubectl top`): answered from what nodes measure, never stored. Its handler is in src/apiserver/metrics/. */
export const METRICS_GROUP = 'metrics.k8s.io';
export const METRICS_VERSION = 'v1beta1';

export interface MetricsResource {
  readonly plural: 'nodes' | 'pods';
  readonly kind: string;
  readonly namespaced: boolean;
}

export const METRICS_RESOURCES: readonly MetricsResource[] = [
  { plural: 'nodes', kind: 'NodeMetrics', namespaced: false }, { plural: 'pods', kind: 'PodMetrics', namespaced: true },
];
export const METRICS_VERBS = ['get', 'list'] as const;
