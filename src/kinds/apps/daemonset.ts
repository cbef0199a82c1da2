import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { immutable, intOrPercent, nonNegative, scaledValue } from '../checks.ts';
import { AGE, column, formatLabels, formatSelector, NAME, templateColumns, wide } from '../columns.ts';
import { alwaysRestarts, defaultTemplate, validateOwnSelector, validateTemplate } from '../core/podspec/template.ts';
import { templateWarnings } from '../core/podspec/warnings.ts';
import type { DaemonSet, DaemonSetSpec } from '../generated/apps.ts';
import { inert } from '../inert.ts';
import { defineKind, type Column } from '../kind.ts';
import { ownStatus } from '../strategy.ts';

function defaults(set: DaemonSet): void {
  // A selector that is missing is for validation to name, not for defaults to make up.
  const spec: DaemonSetSpec = set.spec ?? ({} as Partial<DaemonSetSpec> as DaemonSetSpec);
  set.spec = spec;
  spec.template = defaultTemplate(spec.template);
  spec.updateStrategy ??= {};
  spec.updateStrategy.type ||= 'RollingUpdate';
  if (spec.updateStrategy.type === 'RollingUpdate') {
    spec.updateStrategy.rollingUpdate ??= {};
    spec.updateStrategy.rollingUpdate.maxUnavailable ??= 1;
    spec.updateStrategy.rollingUpdate.maxSurge ??= 0;
  }
  spec.revisionHistoryLimit ??= 10;
}

const OWNER = { kind: 'DaemonSet', word: 'daemonset' };
const STRATEGIES = ['RollingUpdate', 'OnDelete'];

function strategyErrors({ updateStrategy }: DaemonSetSpec): FieldError[] {
  const field = 'spec.updateStrategy.rollingUpdate';
  const { maxUnavailable, maxSurge } = updateStrategy?.rollingUpdate ?? {};
  const errors = [
    ...(updateStrategy?.type === undefined || STRATEGIES.includes(updateStrategy.type) ? [] : [fieldError.notSupported('spec.updateStrategy', updateStrategy, STRATEGIES)]),
    ...intOrPercent(`${field}.maxUnavailable`, maxUnavailable), ...intOrPercent(`${field}.maxSurge`, maxSurge),
  ];
  if (errors.length > 0 || updateStrategy?.type !== 'RollingUpdate') {
    return errors;
  }
  const [unavailable, surge] = [scaledValue(maxUnavailable), scaledValue(maxSurge)];
  if (unavailable > 0 && surge > 0) {
    errors.push(fieldError.invalid(`${field}.maxSurge`, maxSurge, 'may not be set when maxUnavailable is non-zero'));
  }
  if (unavailable === 0 && surge === 0) {
    errors.push(fieldError.required(`${field}.maxUnavailable`, 'cannot be 0 when maxSurge is 0'));
  }
  return errors;
}

const COUNTS = [
  'currentNumberScheduled', 'numberMisscheduled', 'desiredNumberScheduled', 'numberReady', 'observedGeneration', 'updatedNumberScheduled', 'numberAvailable',
  'numberUnavailable', 'collisionCount',
] as const;

const count = (name: string, value: (status: NonNullable<DaemonSet['status']>) => number | undefined): Column<DaemonSet> =>
  column(name, ({ status }) => (status === undefined ? 0 : value(status) ?? 0), { type: 'integer' });

export const daemonSet = defineKind<DaemonSet>({
  group: 'apps', version: 'v1', kind: 'DaemonSet', plural: 'daemonsets', singular: 'daemonset',
  namespaced: true, type: 'apps/v1.DaemonSet', origin: 'builtin',
  shortNames: ['ds'], categories: ['all', 'workloads'], status: true,
  columns: [
    NAME,
    count('Desired', (status) => status.desiredNumberScheduled), count('Current', (status) => status.currentNumberScheduled),
    count('Ready', (status) => status.numberReady), count('Up-to-date', (status) => status.updatedNumberScheduled),
    count('Available', (status) => status.numberAvailable),
    column('Node Selector', ({ spec }) => formatLabels(spec.template.spec?.nodeSelector)),
    AGE,
    ...templateColumns<DaemonSet>(({ spec }) => spec.template),
    wide('Selector', ({ spec }) => formatSelector(spec.selector)),
  ],
  rules: {
    ...ownStatus(() => ({ currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 })),
    defaults,
    validate: ({ spec }) => [
      ...validateOwnSelector('spec', spec.selector, spec.template, OWNER), ...validateTemplate('spec.template', spec.template),
      ...alwaysRestarts('spec.template', spec.template, OWNER), ...strategyErrors(spec),
      ...nonNegative('spec.minReadySeconds', spec.minReadySeconds), ...nonNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit),
    ],
    validateStatus: ({ status }) => COUNTS.flatMap((name) => nonNegative(`status.${name}`, status?.[name])),
    validateUpdate: (object, old) => immutable('spec.selector', object.spec.selector, old.spec.selector),
    warnings: ({ spec }) => [...inert('DaemonSet')(), ...templateWarnings(spec.template)],
  },
});
