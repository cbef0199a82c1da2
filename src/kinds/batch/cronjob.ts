import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { nonNegative, requiredOneOf } from '../checks.ts';
import { AGE, column, formatSelector, NAME, NONE, since, templateColumns, wide } from '../columns.ts';
import type { CronJob, CronJobSpec, JobSpec } from '../generated/batch.ts';
import { inert } from '../inert.ts';
import { defineKind } from '../kind.ts';
import { ownStatus } from '../strategy.ts';
import { scheduleErrors } from './schedule.ts';
import { defaultJobSpec } from './job.ts';
import { validateJobSpec } from './job.validate.ts';

/** Jobs are named after their CronJob with 11 more characters. */
const MAX_NAME = 52;

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch (error) {
    if (error instanceof RangeError) {
      return false;
    }
    throw error;
  }
}

function defaults(cron: CronJob): void {
  const spec: CronJobSpec = cron.spec ?? ({} as Partial<CronJobSpec> as CronJobSpec);
  cron.spec = spec;
  spec.concurrencyPolicy ||= 'Allow';
  spec.suspend ??= false;
  spec.successfulJobsHistoryLimit ??= 3;
  spec.failedJobsHistoryLimit ??= 1;
  spec.jobTemplate ??= {};
  spec.jobTemplate.spec ??= {} as Partial<JobSpec> as JobSpec;
  const template = spec.jobTemplate.spec;
  const { template: pods } = template;
  // A Job's own numbers are set when the Job is made; here only the pods' defaults show.
  const completed: JobSpec = { template: pods };
  defaultJobSpec(completed);
  template.template = completed.template;
}

function zoneErrors({ schedule, timeZone }: CronJobSpec): FieldError[] {
  const errors: FieldError[] = [];
  if (schedule?.includes('TZ')) {
    errors.push(fieldError.invalid('spec.schedule', schedule, timeZone === undefined
      ? 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead' : 'cannot use both timeZone field and TZ or CRON_TZ in schedule'));
  }
  if (timeZone !== undefined) {
    const why = timeZone === '' ? 'timeZone must not be empty' : timeZone.toLowerCase() === 'local' ? 'timeZone must be an explicit time zone'
      : isTimeZone(timeZone) ? '' : `unknown time zone ${timeZone}`;
    errors.push(...(why === '' ? [] : [fieldError.invalid('spec.timeZone', timeZone, why)]));
  }
  return errors;
}

function validate({ spec, metadata }: CronJob): FieldError[] {
  const { selector, manualSelector } = spec.jobTemplate.spec ?? {};
  const errors = [
    ...(spec.schedule ? [] : [fieldError.required('spec.schedule')]),
    ...(spec.schedule ? scheduleErrors(spec.schedule).map((why) => fieldError.invalid('spec.schedule', spec.schedule, why)) : []),
    ...zoneErrors(spec),
    ...(selector === undefined ? [] : [fieldError.invalid('spec.jobTemplate.spec.selector', selector, '`selector` will be auto-generated')]),
    ...(manualSelector === true ? [fieldError.notSupported('spec.jobTemplate.spec.manualSelector', manualSelector, ['nil', 'false'])] : []),
    ...requiredOneOf('spec.concurrencyPolicy', spec.concurrencyPolicy, ['Allow', 'Forbid', 'Replace']),
    ...(['startingDeadlineSeconds', 'successfulJobsHistoryLimit', 'failedJobsHistoryLimit'] as const).flatMap((name) => nonNegative(`spec.${name}`, spec[name])),
  ];
  if (metadata.name.length > MAX_NAME) {
    errors.push(fieldError.invalid('metadata.name', metadata.name, `must be no more than ${MAX_NAME} characters`));
  }
  return spec.jobTemplate.spec === undefined ? errors : [...errors, ...validateJobSpec('spec.jobTemplate.spec', spec.jobTemplate.spec)];
}

const pods = ({ spec }: CronJob): JobSpec['template'] | undefined => spec.jobTemplate.spec?.template;

export const cronJob = defineKind<CronJob>({
  group: 'batch', version: 'v1', kind: 'CronJob', plural: 'cronjobs', singular: 'cronjob',
  namespaced: true, type: 'batch/v1.CronJob', origin: 'builtin',
  shortNames: ['cj'], categories: ['all', 'workloads'], status: true,
  columns: [
    NAME,
    column('Schedule', ({ spec }) => spec.schedule ?? ''),
    column('Timezone', ({ spec }) => spec.timeZone ?? NONE),
    column('Suspend', ({ spec }) => (spec.suspend === true ? 'True' : 'False')),
    column('Active', ({ status }) => status?.active?.length ?? 0, { type: 'integer' }),
    column('Last Schedule', ({ status }, now) => (status?.lastScheduleTime === undefined ? NONE : since(status.lastScheduleTime, now))),
    AGE,
    ...templateColumns<CronJob>(pods),
    wide('Selector', ({ spec }) => formatSelector(spec.jobTemplate.spec?.selector)),
  ],
  rules: { ...ownStatus(() => ({})), defaults, validate, warnings: inert('CronJob') },
});
