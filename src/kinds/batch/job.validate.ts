/** What a Job may say and change (k8s.io/kubernetes/pkg/apis/batch/validation). */
import { matchesLabels, selectorFromObject } from '../../apimachinery/selectors.ts';
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { deepEqual } from '../../apimachinery/values.ts';
import { immutable, labelSelector, nonNegative, oneOf, requiredOneOf } from '../checks.ts';
import { validateTemplate } from '../core/podspec/template.ts';
import type { Job, JobSpec, JobStatus, PodFailurePolicyRule, SuccessPolicyRule } from '../generated/batch.ts';
import { domainPath } from '../namechecks.ts';

const COUNTS = ['parallelism', 'completions', 'activeDeadlineSeconds', 'backoffLimit', 'ttlSecondsAfterFinished', 'backoffLimitPerIndex', 'maxFailedIndexes'] as const;
const MAX_INDEXED = 100_000;
const MAX_RULES = 20;
const MAX_MANAGER = 63;

function indexed(field: string, spec: JobSpec): FieldError[] {
  if (spec.completionMode !== 'Indexed') {
    return (['backoffLimitPerIndex', 'maxFailedIndexes'] as const).flatMap((name) => (spec[name] === undefined ? []
      : [fieldError.invalid(`${field}.${name}`, spec[name], `requires indexed completion mode`)]));
  }
  const errors: FieldError[] = [];
  if (spec.completions === undefined) {
    errors.push(fieldError.required(`${field}.completions`, 'when completion mode is Indexed'));
  }
  if ((spec.parallelism ?? 0) > MAX_INDEXED) {
    errors.push(fieldError.invalid(`${field}.parallelism`, spec.parallelism, `must be less than or equal to ${MAX_INDEXED} when completion mode is Indexed`));
  }
  if (spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined) {
    errors.push(fieldError.required(`${field}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified'));
  }
  return errors;
}

function failureRule(field: string, rule: PodFailurePolicyRule): FieldError[] {
  const errors = requiredOneOf(`${field}.action`, rule.action, ['Count', 'FailIndex', 'FailJob', 'Ignore']);
  const { onExitCodes, onPodConditions } = rule;
  if (onExitCodes !== undefined && onPodConditions !== undefined) {
    errors.push(fieldError.invalid(field, rule, 'specifying both OnExitCodes and OnPodConditions is not supported'));
  } else if (onExitCodes === undefined && onPodConditions === undefined) {
    errors.push(fieldError.invalid(field, rule, 'specifying one of OnExitCodes and OnPodConditions is required'));
  }
  if (onExitCodes !== undefined) {
    const at = `${field}.onExitCodes`;
    errors.push(...requiredOneOf(`${at}.operator`, onExitCodes.operator, ['In', 'NotIn']));
    if (!onExitCodes.values?.length) {
      errors.push(fieldError.invalid(`${at}.values`, onExitCodes.values, 'at least one value is required'));
    } else if (onExitCodes.operator === 'In' && onExitCodes.values.includes(0)) {
      errors.push(fieldError.invalid(`${at}.values[${onExitCodes.values.indexOf(0)}]`, 0, "must not be 0 for the In operator"));
    }
  }
  for (const [index, { status }] of (onPodConditions ?? []).entries()) {
    errors.push(...oneOf(`${field}.onPodConditions[${index}].status`, status, ['False', 'True', 'Unknown']));
  }
  return errors;
}

function failurePolicy(field: string, spec: JobSpec): FieldError[] {
  const rules = spec.podFailurePolicy?.rules;
  if (rules === undefined) {
    return [];
  }
  return [
    ...(spec.template.spec?.restartPolicy === 'Never' ? []
      : [fieldError.invalid(`${field}.template.spec.restartPolicy`, spec.template.spec?.restartPolicy, 'only "Never" is supported when podFailurePolicy is specified')]),
    ...(rules.length > MAX_RULES ? [fieldError.tooMany(`${field}.podFailurePolicy.rules`, rules.length, MAX_RULES)] : []),
    ...rules.flatMap((rule, index) => failureRule(`${field}.podFailurePolicy.rules[${index}]`, rule)),
  ];
}

const INDEX_RANGE = /^\d+(?:-\d+)?$/;

/** How many indexes `0,2-5` names; undefined when it cannot be read. */
function countIndexes(text: string): number | undefined {
  let count = 0;
  let last = -1;
  for (const part of text.split(',')) {
    const [from = 0, to = from] = part.split('-').map(Number);
    if (!INDEX_RANGE.test(part) || from <= last || to < from) {
      return undefined;
    }
    count += to - from + 1;
    last = to;
  }
  return count;
}

function successRule(field: string, { succeededIndexes: indexes, succeededCount: count }: SuccessPolicyRule, completions: number): FieldError[] {
  const errors = indexes === undefined && count === undefined
    ? [fieldError.required(field, 'at least one of succeededCount or succeededIndexes must be specified')] : [];
  const named = indexes === undefined ? undefined : countIndexes(indexes);
  if (indexes !== undefined && named === undefined) {
    errors.push(fieldError.invalid(`${field}.succeededIndexes`, indexes, `error parsing succeededIndexes: cannot convert string to integer for index: ${JSON.stringify(indexes)}`));
  }
  errors.push(...nonNegative(`${field}.succeededCount`, count));
  if (count !== undefined && count > completions) {
    errors.push(fieldError.invalid(`${field}.succeededCount`, count, `must be less than or equal to ${completions} (the number of specified completions)`));
  }
  if (count !== undefined && named !== undefined && count > named) {
    errors.push(fieldError.invalid(`${field}.succeededCount`, count, `must be less than or equal to ${named} (the number of indexes in the specified succeededIndexes field)`));
  }
  return errors;
}

function successPolicy(field: string, { successPolicy: policy, completionMode, completions = 0 }: JobSpec): FieldError[] {
  if (policy === undefined) {
    return [];
  }
  const rules = policy.rules ?? [];
  return [
    ...(completionMode === 'Indexed' ? [] : [fieldError.invalid(field, policy, 'requires indexed completion mode')]),
    ...(rules.length === 0 ? [fieldError.required(`${field}.rules`, 'at least one rules must be specified when the successPolicy is specified')] : []),
    ...(rules.length > MAX_RULES ? [fieldError.tooMany(`${field}.rules`, rules.length, MAX_RULES)] : []),
    ...rules.flatMap((rule, index) => successRule(`${field}.rules[${index}]`, rule, completions)),
  ];
}

/** Everything but the selector, which a CronJob's template does not have. */
export function validateJobSpec(field: string, spec: JobSpec): FieldError[] {
  const restart = spec.template.spec?.restartPolicy;
  const errors = [
    ...COUNTS.flatMap((name) => nonNegative(`${field}.${name}`, spec[name])),
    ...oneOf(`${field}.completionMode`, spec.completionMode, ['Indexed', 'NonIndexed']),
    ...oneOf(`${field}.podReplacementPolicy`, spec.podReplacementPolicy, ['Failed', 'TerminatingOrFailed']),
    ...indexed(field, spec),
    ...validateTemplate(`${field}.template`, spec.template),
    ...failurePolicy(field, spec), ...successPolicy(`${field}.successPolicy`, spec),
    ...(spec.managedBy === undefined ? [] : domainPath(`${field}.managedBy`, spec.managedBy, MAX_MANAGER)),
    ...(spec.podFailurePolicy !== undefined && spec.podReplacementPolicy === 'TerminatingOrFailed'
      ? [fieldError.notSupported(`${field}.podReplacementPolicy`, spec.podReplacementPolicy, ['Failed'])] : []),
  ];
  if (restart !== 'OnFailure' && restart !== 'Never') {
    errors.push(restart === undefined || restart === 'Always'
      ? fieldError.required(`${field}.template.spec.restartPolicy`, 'valid values: "OnFailure", "Never"')
      : fieldError.notSupported(`${field}.template.spec.restartPolicy`, restart, ['OnFailure', 'Never']));
  }
  return errors;
}

export function validateJob({ spec }: Job): FieldError[] {
  const errors = validateJobSpec('spec', spec);
  if (spec.selector === undefined) {
    errors.push(fieldError.required('spec.selector'));
  } else {
    const labels = spec.template.metadata?.labels ?? {};
    errors.push(...labelSelector('spec.selector', spec.selector));
    if (errors.length === 0 && !matchesLabels(selectorFromObject(spec.selector), labels)) {
      errors.push(fieldError.invalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'));
    }
  }
  return errors;
}

export function validateJobUpdate({ spec, status }: Job, { spec: old }: Job): FieldError[] {
  // Before it has ever run, a suspended job may still be told where and with what to run.
  const unstarted = old.suspend === true && status?.startTime === undefined;
  const indexedResize = old.completionMode === 'Indexed' && spec.completions === spec.parallelism;
  return [
    ...(indexedResize ? [] : immutable('spec.completions', spec.completions, old.completions)),
    ...immutable('spec.selector', spec.selector, old.selector),
    ...(unstarted || deepEqual(spec.template, old.template) ? [] : [fieldError.invalid('spec.template', spec.template, 'field is immutable')]),
    ...immutable('spec.completionMode', spec.completionMode, old.completionMode),
    ...immutable('spec.podFailurePolicy', spec.podFailurePolicy, old.podFailurePolicy),
    ...immutable('spec.backoffLimitPerIndex', spec.backoffLimitPerIndex, old.backoffLimitPerIndex),
    ...immutable('spec.managedBy', spec.managedBy, old.managedBy),
    ...immutable('spec.successPolicy', spec.successPolicy, old.successPolicy),
  ];
}

const isFinal = ({ conditions }: JobStatus, type: string): boolean => conditions?.some((one) => one.type === type && one.status === 'True') === true;

/** A job that has ended does not go on. */
export function validateJobStatus(status: JobStatus, old: JobStatus): FieldError[] {
  const errors = (['active', 'succeeded', 'failed', 'ready', 'terminating'] as const).flatMap((name) => nonNegative(`status.${name}`, status[name]));
  for (const type of ['Complete', 'Failed']) {
    if (isFinal(old, type) && !isFinal(status, type)) {
      errors.push(fieldError.invalid('status.conditions', type, `cannot disable the terminal ${type}=True condition`));
    }
  }
  if (isFinal(status, 'Complete') && isFinal(status, 'Failed')) {
    errors.push(fieldError.invalid('status.conditions', 'Failed', 'cannot set Complete=True and Failed=true conditions'));
  }
  return errors;
}
