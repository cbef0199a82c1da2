import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { intOrPercent, labelSelector, nonNegative, oneOf } from '../checks.ts';
import { AGE, column, NAME } from '../columns.ts';
import { conditionsErrors } from '../conditions.ts';
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from '../generated/policy.ts';
import { defineKind } from '../kind.ts';
import { ownStatus } from '../strategy.ts';

const COUNTS = ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] as const;

const shown = (value: number | string | undefined): string => (value === undefined ? 'N/A' : String(value));

function validate({ spec }: PodDisruptionBudget): FieldError[] {
  const { minAvailable, maxUnavailable } = spec;
  return [
    ...(minAvailable !== undefined && maxUnavailable !== undefined
      ? [fieldError.invalid('spec', spec, 'minAvailable and maxUnavailable cannot be both set')] : []),
    ...intOrPercent('spec.minAvailable', minAvailable), ...intOrPercent('spec.maxUnavailable', maxUnavailable),
    ...labelSelector('spec.selector', spec.selector),
    ...oneOf('spec.unhealthyPodEvictionPolicy', spec.unhealthyPodEvictionPolicy, ['AlwaysAllow', 'IfHealthyBudget']),
  ];
}

export const podDisruptionBudget = defineKind<PodDisruptionBudget>({
  group: 'policy', version: 'v1', kind: 'PodDisruptionBudget', plural: 'poddisruptionbudgets', singular: 'poddisruptionbudget',
  namespaced: true, type: 'policy/v1.PodDisruptionBudget', origin: 'builtin',
  shortNames: ['pdb'], status: true,
  columns: [
    NAME,
    column('Min Available', ({ spec }) => shown(spec.minAvailable)), column('Max Unavailable', ({ spec }) => shown(spec.maxUnavailable)),
    column('Allowed Disruptions', ({ status }) => status?.disruptionsAllowed ?? 0, { type: 'integer' }), AGE,
  ],
  rules: {
    ...ownStatus<PodDisruptionBudgetStatus>(() => ({ disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 })),
    defaults(object) { object.spec ??= {}; },
    validate,
    validateStatus: ({ status }) => [
      ...conditionsErrors('status.conditions', status?.conditions),
      ...COUNTS.flatMap((name) => nonNegative(`status.${name}`, status?.[name])),
    ],
  },
});
