import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { immutable, intOrPercent, nonNegative, oneOf, scaledValue } from '../checks.ts';
import { AGE, column, formatSelector, NAME, templateColumns, wide } from '../columns.ts';
import { alwaysRestarts, defaultTemplate, validateOwnSelector, validateTemplate } from '../core/podspec/template.ts';
import { templateWarnings } from '../core/podspec/warnings.ts';
import type { Deployment, DeploymentSpec, DeploymentStrategy } from '../generated/apps.ts';
import { defineKind } from '../kind.ts';
import { ownStatus } from '../strategy.ts';
import { replicaStatusErrors } from './status.ts';

/** Half the way to the largest: what Kubernetes uses for "as long as it takes". */
const NO_DEADLINE = 2 ** 31 - 1;

function defaults(deployment: Deployment): void {
  // A selector that is missing is for validation to name, not for defaults to make up.
  const spec: DeploymentSpec = deployment.spec ?? ({} as Partial<DeploymentSpec> as DeploymentSpec);
  deployment.spec = spec;
  spec.replicas ??= 1;
  spec.template = defaultTemplate(spec.template);
  spec.strategy ??= {};
  spec.strategy.type ||= 'RollingUpdate';
  if (spec.strategy.type === 'RollingUpdate') {
    spec.strategy.rollingUpdate ??= {};
    spec.strategy.rollingUpdate.maxUnavailable ??= '25%';
    spec.strategy.rollingUpdate.maxSurge ??= '25%';
  }
  spec.revisionHistoryLimit ??= 10;
  spec.progressDeadlineSeconds ??= 600;
}

/** Of both numbers one must let the rollout move; a percentage of unavailable pods ends at 100. */
function strategyErrors({ type, rollingUpdate }: DeploymentStrategy): FieldError[] {
  const field = 'spec.strategy.rollingUpdate';
  if (type === 'Recreate') {
    return rollingUpdate === undefined ? []
      : [fieldError.forbidden(field, "may not be specified when strategy `type` is 'Recreate'")];
  }
  const { maxUnavailable, maxSurge } = rollingUpdate ?? {};
  const errors = [
    ...oneOf('spec.strategy.type', type, ['Recreate', 'RollingUpdate']),
    ...intOrPercent(`${field}.maxUnavailable`, maxUnavailable), ...intOrPercent(`${field}.maxSurge`, maxSurge),
  ];
  if (errors.length > 0) {
    return errors;
  }
  if (scaledValue(maxUnavailable) === 0 && scaledValue(maxSurge) === 0) {
    errors.push(fieldError.invalid(`${field}.maxUnavailable`, maxUnavailable, 'may not be 0 when `maxSurge` is 0'));
  }
  if (typeof maxUnavailable === 'string' && scaledValue(maxUnavailable) > 100) {
    errors.push(fieldError.invalid(`${field}.maxUnavailable`, maxUnavailable, 'must not be greater than 100%'));
  }
  return errors;
}

function validate({ spec }: Deployment): FieldError[] {
  const { progressDeadlineSeconds = NO_DEADLINE, minReadySeconds = 0 } = spec;
  return [
    ...nonNegative('spec.replicas', spec.replicas),
    ...validateOwnSelector('spec', spec.selector, spec.template),
    ...validateTemplate('spec.template', spec.template),
    ...alwaysRestarts('spec.template', spec.template),
    ...strategyErrors(spec.strategy ?? {}),
    ...nonNegative('spec.minReadySeconds', spec.minReadySeconds),
    ...nonNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit),
    ...nonNegative('spec.progressDeadlineSeconds', progressDeadlineSeconds),
    ...(progressDeadlineSeconds <= minReadySeconds
      ? [fieldError.invalid('spec.progressDeadlineSeconds', progressDeadlineSeconds, 'must be greater than minReadySeconds')] : []),
  ];
}

const STATUS = {
  counts: ['observedGeneration', 'updatedReplicas', 'readyReplicas', 'availableReplicas', 'unavailableReplicas', 'collisionCount'],
  parts: ['updatedReplicas', 'readyReplicas', 'availableReplicas'], ready: 'cannot be greater than readyReplicas',
};

export const deployment = defineKind<Deployment>({
  group: 'apps', version: 'v1', kind: 'Deployment', plural: 'deployments', singular: 'deployment',
  namespaced: true, type: 'apps/v1.Deployment', origin: 'builtin',
  shortNames: ['deploy'], categories: ['all', 'workloads'], status: true,
  scale: { specReplicas: '.spec.replicas', statusReplicas: '.status.replicas', selector: '.spec.selector' },
  columns: [
    NAME,
    column('Ready', ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec.replicas ?? 0}`, { description: 'Number of the pod with ready state' }),
    column('Up-to-date', ({ status }) => status?.updatedReplicas ?? 0),
    column('Available', ({ status }) => status?.availableReplicas ?? 0),
    AGE,
    ...templateColumns<Deployment>(({ spec }) => spec.template),
    wide('Selector', ({ spec }) => formatSelector(spec.selector)),
  ],
  rules: {
    ...ownStatus(() => ({})),
    defaults,
    validate,
    validateUpdate: (object, old) => immutable('spec.selector', object.spec.selector, old.spec.selector),
    warnings: ({ spec }) => templateWarnings(spec.template),
    validateStatus: ({ status }) => replicaStatusErrors({ ...status }, STATUS),
  },
});
