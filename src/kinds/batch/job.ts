import { randomUUID } from 'node:crypto';
import { humanDuration } from '../../apimachinery/tables.ts';
import { findCondition, isConditionTrue } from '../../apimachinery/conditions.ts';
import { deepClone } from '../../apimachinery/values.ts';
import { AGE, column, formatSelector, NAME, templateColumns, wide } from '../columns.ts';
import { defaultTemplate } from '../core/podspec/template.ts';
import { templateWarnings } from '../core/podspec/warnings.ts';
import type { Job, JobSpec, JobStatus } from '../generated/batch.ts';
import type { LabelSelector } from '../generated/meta.ts';
import { defineKind } from '../kind.ts';
import { keepStatus } from '../strategy.ts';
import { validateJob, validateJobStatus, validateJobUpdate } from './job.validate.ts';

const CONTROLLER_UID = 'batch.kubernetes.io/controller-uid';
const JOB_NAME = 'batch.kubernetes.io/job-name';
/** Before 1.27; clients still select by them. */
const LEGACY_CONTROLLER_UID = 'controller-uid';
const LEGACY_JOB_NAME = 'job-name';
const MAX_BACKOFF = 2 ** 31 - 1;

function defaultCounts(spec: JobSpec): void {
  if (spec.completions === undefined && spec.parallelism === undefined) {
    spec.completions = 1;
  }
  spec.parallelism ??= 1;
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : MAX_BACKOFF;
  if (spec.backoffLimitPerIndex !== undefined && spec.maxFailedIndexes === undefined) {
    delete spec.maxFailedIndexes;
  }
}

/** Defaults of a Job's spec; also those of a CronJob's template. */
export function defaultJobSpec(spec: JobSpec): void {
  spec.template = defaultTemplate(spec.template);
  defaultCounts(spec);
  spec.completionMode ||= 'NonIndexed';
  spec.suspend ??= false;
  spec.podReplacementPolicy ||= spec.podFailurePolicy === undefined ? 'TerminatingOrFailed' : 'Failed';
  spec.manualSelector ??= false;
  for (const rule of spec.podFailurePolicy?.rules ?? []) {
    for (const pattern of rule.onPodConditions ?? []) {
      pattern.status ||= 'True';
    }
  }
}

function defaults(job: Job): void {
  // A template that is missing is for validation to name what it lacks.
  const spec: JobSpec = job.spec ?? ({} as Partial<JobSpec> as JobSpec);
  job.spec = spec;
  defaultJobSpec(spec);
  if (spec.manualSelector === false) {
    delete spec.manualSelector;
  }
  const labels = spec.template.metadata?.labels;
  if (job.metadata.labels === undefined && labels !== undefined) {
    job.metadata.labels = { ...labels };
  }
}

/** A Job picks its own pods by its uid, unless it says that it brings its selector along. */
function generateSelector(job: Job): void {
  const uid = job.metadata.uid ?? randomUUID();
  job.metadata.uid = uid;
  const template = job.spec.template;
  template.metadata ??= { name: '' };
  const given = template.metadata.labels ?? {};
  template.metadata.labels = {
    ...given, [LEGACY_CONTROLLER_UID]: uid, [LEGACY_JOB_NAME]: job.metadata.name, [CONTROLLER_UID]: uid, [JOB_NAME]: job.metadata.name,
  };
  if (template.metadata.name === '') {
    Reflect.deleteProperty(template.metadata, 'name');
  }
  const selector: LabelSelector = job.spec.selector ?? {};
  selector.matchLabels = { ...selector.matchLabels, [CONTROLLER_UID]: uid };
  job.spec.selector = selector;
}

function prepareCreate(job: Job): void {
  job.status = {};
  if (job.spec.manualSelector !== true) {
    generateSelector(job);
  }
  // Kubernetes defaults again when it reads what it stored; by then the template has these labels.
  job.metadata.labels ??= { ...job.spec.template.metadata?.labels };
}

function statusWord({ metadata, status, spec }: Job): string {
  const conditions = status?.conditions;
  if (isConditionTrue(conditions, 'Complete')) {
    return 'Complete';
  }
  if (isConditionTrue(conditions, 'Failed')) {
    return 'Failed';
  }
  if (metadata.deletionTimestamp !== undefined) {
    return 'Terminating';
  }
  if (isConditionTrue(conditions, 'Suspended') || (spec.suspend === true && status?.startTime === undefined)) {
    return 'Suspended';
  }
  if (isConditionTrue(conditions, 'FailureTarget')) {
    return 'FailureTarget';
  }
  return isConditionTrue(conditions, 'SuccessCriteriaMet') ? 'SuccessCriteriaMet' : 'Running';
}

function completions({ spec, status }: Job): string {
  const done = status?.succeeded ?? 0;
  if (spec.completions !== undefined) {
    return `${done}/${spec.completions}`;
  }
  return (spec.parallelism ?? 0) > 1 ? `${done}/1 of ${spec.parallelism}` : `${done}/1`;
}

function duration({ status = {} }: Job, now: number): string {
  if (status.startTime === undefined) {
    return '';
  }
  const failed = findCondition(status.conditions, 'Failed');
  const end = status.completionTime ?? (failed?.status === 'True' ? failed.lastTransitionTime : undefined);
  return humanDuration((end === undefined ? now : Date.parse(end)) - Date.parse(status.startTime));
}

export const job = defineKind<Job>({
  group: 'batch', version: 'v1', kind: 'Job', plural: 'jobs', singular: 'job',
  namespaced: true, type: 'batch/v1.Job', origin: 'builtin',
  categories: ['all', 'workloads'], status: true,
  columns: [
    NAME,
    column('Status', statusWord, { description: 'Status of the job.' }),
    column('Completions', completions),
    column('Duration', duration, { description: 'Time required to complete the job.' }),
    AGE,
    ...templateColumns<Job>(({ spec }) => spec.template),
    wide('Selector', ({ spec }) => formatSelector(spec.selector)),
  ],
  selectableFields: { 'status.successful': ({ status }) => String(status?.succeeded ?? 0) },
  rules: {
    defaults,
    prepareCreate,
    prepareUpdate(object, old) {
      keepStatus(object, old);
      // What the server generated need not be sent back.
      if (object.spec.selector === undefined && old.spec.selector !== undefined) {
        object.spec.selector = deepClone(old.spec.selector);
      }
    },
    validate: validateJob,
    validateUpdate: validateJobUpdate,
    warnings: ({ spec }) => templateWarnings(spec.template),
    validateStatus: (object, old) => validateJobStatus(object.status ?? {}, old.status ?? ({} satisfies JobStatus)),
  },
});
