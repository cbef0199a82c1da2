import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../apimachinery/object.ts';
import { cronJob } from '../batch/cronjob.ts';
import { job } from '../batch/job.ts';
import { at, create, set, update } from '../testing.ts';
import { daemonSet } from './daemonset.ts';
import { deployment } from './deployment.ts';
import { replicaSet } from './replicaset.ts';
import { statefulSet } from './statefulset.ts';

const pods = (spec: JsonObject = {}): JsonObject => ({ metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i:1' }], ...spec } });
const workload = (spec: JsonObject = {}): JsonObject => ({ spec: { selector: { matchLabels: { a: 'b' } }, template: pods(), ...spec } });

test('a deployment gets its defaults', () => {
  const { object, errors } = create(deployment, workload());
  assert.deepEqual(errors, []);
  assert.deepEqual(at(object, 'spec.strategy'), { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } });
  assert.deepEqual(['replicas', 'revisionHistoryLimit', 'progressDeadlineSeconds'].map((name) => at(object, `spec.${name}`)), [1, 10, 600]);
  assert.equal(at(object, 'spec.template.spec.containers.0.imagePullPolicy'), 'IfNotPresent');
  assert.equal(at(object, 'spec.template.spec.tolerations'), undefined);
  assert.deepEqual(at(object, 'status'), {});
});

const NO_MATCH = 'spec.template.metadata.labels: Invalid value: {}: `selector` does not match template `labels`';

test('deployments are checked', () => {
  const cases: [JsonObject, string][] = [
    [{ selector: { matchLabels: { a: 'other' } } }, 'spec.template.metadata.labels: Invalid value: {"a":"b"}: `selector` does not match template `labels`'],
    [{ selector: {} }, 'spec.selector: Invalid value: {}: empty selector is invalid for deployment'],
    [{ replicas: -1 }, 'spec.replicas: Invalid value: -1: must be greater than or equal to 0'],
    [{ template: pods({ restartPolicy: 'Never' }) }, 'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'],
    [{ strategy: { type: 'Recreate', rollingUpdate: {} } }, "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"],
    [{ strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } } }, 'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0'],
    [{ strategy: { type: 'Blue' } }, 'spec.strategy.type: Unsupported value: "Blue": supported values: "Recreate", "RollingUpdate"'],
    [{ progressDeadlineSeconds: 5, minReadySeconds: 5 }, 'spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds'],
  ];
  for (const [spec, message] of cases) {
    assert.deepEqual(create(deployment, workload(spec)).errors, [message]);
  }
  assert.deepEqual(create(deployment, { spec: {} }).errors, ['spec.selector: Required value', NO_MATCH, 'spec.template.spec.containers: Required value']);
  assert.deepEqual(create(replicaSet, {}).errors, ['spec.selector: Required value', NO_MATCH, 'spec.template.spec.containers: Required value']);
});

test('selectors of workloads do not change', () => {
  for (const kind of [deployment, replicaSet, daemonSet]) {
    const { object } = create(kind, workload());
    const { errors } = update(kind, object, (changed) => {
      set(changed, 'spec.selector', { matchLabels: { a: 'c' } });
      set(changed, 'spec.template.metadata.labels', { a: 'c' });
    });
    assert.deepEqual(errors, ['spec.selector: Invalid value: {"matchLabels":{"a":"c"}}: field is immutable'], kind.kind);
  }
});

test('stateful sets take their claims for volumes, and change in few fields', () => {
  const claim = { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } };
  const template = pods();
  set(template, 'spec.containers.0.volumeMounts', [{ name: 'data', mountPath: '/d' }]);
  const { object, errors } = create(statefulSet, workload({ serviceName: 's', template, volumeClaimTemplates: [claim] }));
  assert.deepEqual(errors, []);
  assert.deepEqual(update(statefulSet, object, (changed) => { set(changed, 'spec.replicas', 3); }).errors, []);
  assert.match(update(statefulSet, object, (changed) => { set(changed, 'spec.serviceName', 't'); }).errors.join(), /updates to statefulset spec for fields other than/);
});

test('a job picks its own pods', () => {
  const { object, errors } = create(job, { metadata: { uid: 'u' }, spec: { template: pods({ restartPolicy: 'Never' }) } });
  assert.deepEqual(errors, []);
  assert.deepEqual(at(object, 'spec.selector'), { matchLabels: { 'batch.kubernetes.io/controller-uid': 'u' } });
  assert.deepEqual(at(object, 'spec.template.metadata.labels'), {
    a: 'b', 'controller-uid': 'u', 'job-name': 'x', 'batch.kubernetes.io/controller-uid': 'u', 'batch.kubernetes.io/job-name': 'x',
  });
  assert.deepEqual(['completions', 'parallelism', 'backoffLimit', 'completionMode', 'suspend', 'podReplacementPolicy', 'manualSelector'].map((name) => at(object, `spec.${name}`)),
    [1, 1, 6, 'NonIndexed', false, 'TerminatingOrFailed', undefined]);
  const bare = create(job, { metadata: { uid: 'u' }, spec: { template: { spec: { containers: [{ name: 'c', image: 'i' }], restartPolicy: 'Never' } } } });
  assert.deepEqual(bare.errors, []);
  assert.equal(at(bare.object, 'spec.template.metadata.name'), undefined);
});

test('jobs are checked', () => {
  const cases: [JsonObject, string][] = [
    [{ template: pods() }, 'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
    [{ template: pods({ restartPolicy: 'Never' }), completionMode: 'Indexed', parallelism: 2 }, 'spec.completions: Required value: when completion mode is Indexed'],
    [{ template: pods({ restartPolicy: 'Never' }), backoffLimit: -1 }, 'spec.backoffLimit: Invalid value: -1: must be greater than or equal to 0'],
    [{ template: pods({ restartPolicy: 'Never' }), manualSelector: true }, 'spec.selector: Required value'],
  ];
  for (const [spec, message] of cases) {
    assert.deepEqual(create(job, { spec }).errors, [message]);
  }
});

test('of a job the template is fixed, parallelism and suspension are not', () => {
  const { object } = create(job, { metadata: { uid: 'u' }, spec: { template: pods({ restartPolicy: 'Never' }) } });
  assert.deepEqual(update(job, object, (changed) => { set(changed, 'spec.parallelism', 3); set(changed, 'spec.suspend', true); }).errors, []);
  assert.match(update(job, object, (changed) => { set(changed, 'spec.template.spec.containers.0.image', 'j'); }).errors.join(), /^spec.template: Invalid value: .*: field is immutable$/);
  assert.deepEqual(update(job, object, (changed) => { set(changed, 'spec.completions', 5); }).errors, ['spec.completions: Invalid value: 5: field is immutable']);
  assert.deepEqual(update(job, object, (changed) => { set(changed, 'spec.selector', undefined); }).errors, []);
});

test('cron jobs: schedule, time zone, template', () => {
  const jobTemplate = { spec: { template: pods({ restartPolicy: 'OnFailure' }) } };
  const { object, errors } = create(cronJob, { spec: { schedule: '*/5 0-6 * jan,mar mon', timeZone: 'Europe/Madrid', jobTemplate } });
  assert.deepEqual(errors, []);
  assert.deepEqual([at(object, 'spec.concurrencyPolicy'), at(object, 'spec.suspend'), at(object, 'spec.jobTemplate.spec.backoffLimit')], ['Allow', false, undefined]);
  for (const schedule of ['* * * *', '60 * * * *', '*/0 * * * *', '@often']) {
    assert.match(create(cronJob, { spec: { schedule, jobTemplate } }).errors.join(), /^spec.schedule: Invalid value/, schedule);
  }
  assert.deepEqual(create(cronJob, { spec: { schedule: '@daily', timeZone: 'Mars/Base', jobTemplate } }).errors, ['spec.timeZone: Invalid value: "Mars/Base": unknown time zone Mars/Base']);
});
