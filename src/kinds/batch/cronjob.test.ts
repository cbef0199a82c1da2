/** The rules of CronJobs, one by one; those of Jobs stand with the Jobs. */
import { cronJob } from './cronjob.ts';
import { testRules } from '../ruletable.ts';

testRules(cronJob, {
  base: { spec: { schedule: '*/5 * * * *', jobTemplate: { spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } } } } } },
  create: [
    ['spec.schedule', '', 'spec.schedule: Required value'],
    ['spec.schedule', 'often', 'spec.schedule: Invalid value: "often": expected exactly 5 fields, found 1: [often]'],
    ['spec.schedule', 'TZ=UTC * * * * *', 'spec.schedule: Invalid value: "TZ=UTC * * * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead'],
    ['spec.schedule', '61 * * * *', 'spec.schedule: Invalid value: "61 * * * *": end of range (61) above maximum (59): 61'],
    ['spec.schedule', '5-1 * * * *', 'spec.schedule: Invalid value: "5-1 * * * *": beginning of range (5) beyond end of range (1): 5-1'],
    ['spec.schedule', '*/0 * * * *', 'spec.schedule: Invalid value: "*/0 * * * *": step of range should be a positive number: */0'],
    ['spec.schedule', '@often', 'spec.schedule: Invalid value: "@often": unrecognized descriptor: @often'],
    ['spec.schedule', 'a * * * *', 'spec.schedule: Invalid value: "a * * * *": failed to parse int from a: strconv.Atoi: parsing "a": invalid syntax'],
    ['spec.schedule', '1-2-3 * * * *', 'spec.schedule: Invalid value: "1-2-3 * * * *": too many hyphens: 1-2-3'],
    ['spec.schedule', '1/2/3 * * * *', 'spec.schedule: Invalid value: "1/2/3 * * * *": too many slashes: 1/2/3'],
    ['spec.schedule', '* * 0 * *', 'spec.schedule: Invalid value: "* * 0 * *": beginning of range (0) below minimum (1): 0'],
    ['spec.schedule', '* * * * 7', 'spec.schedule: Invalid value: "* * * * 7": end of range (7) above maximum (6): 7'],
    ['spec.timeZone', '', 'spec.timeZone: Invalid value: "": timeZone must not be empty'],
    ['spec.timeZone', 'local', 'spec.timeZone: Invalid value: "local": timeZone must be an explicit time zone'],
    ['spec.timeZone', 'Mars/Base', 'spec.timeZone: Invalid value: "Mars/Base": unknown time zone Mars/Base'],
    ['spec.concurrencyPolicy', 'Race', 'spec.concurrencyPolicy: Unsupported value: "Race": supported values: "Allow", "Forbid", "Replace"'],
    ['spec.startingDeadlineSeconds', -1, 'spec.startingDeadlineSeconds: Invalid value: -1: must be greater than or equal to 0'],
    ['spec.successfulJobsHistoryLimit', -1, 'spec.successfulJobsHistoryLimit: Invalid value: -1: must be greater than or equal to 0'],
    ['spec.failedJobsHistoryLimit', -1, 'spec.failedJobsHistoryLimit: Invalid value: -1: must be greater than or equal to 0'],
    ['metadata', { name: 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' },
      'metadata.name: Invalid value: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx": must be no more than 52 characters'],
    ['spec.jobTemplate.spec.selector', { matchLabels: { a: 'b' } },
      'spec.jobTemplate.spec.selector: Invalid value: {"matchLabels":{"a":"b"}}: `selector` will be auto-generated'],
    ['spec.jobTemplate.spec.manualSelector', true, 'spec.jobTemplate.spec.manualSelector: Unsupported value: true: supported values: "nil", "false"'],
    ['spec.jobTemplate.spec.parallelism', -1, 'spec.jobTemplate.spec.parallelism: Invalid value: -1: must be greater than or equal to 0'],
    ['spec.jobTemplate.spec.template.spec.restartPolicy', 'Always',
      'spec.jobTemplate.spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
  ],
});
