import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReplicaSet } from '../../kinds/generated/apps.ts';
import type { Pod } from '../../kinds/generated/core.ts';
import { replicaSetStatus } from './status.ts';

const now = Date.parse('2026-01-01T00:01:00Z');
const set: ReplicaSet = {
  apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name: 'web', generation: 3 },
  spec: { replicas: 3, minReadySeconds: 30, selector: {}, template: { metadata: { name: '', labels: { app: 'web' } } } },
};
const pod = (since: string | undefined, labels: Record<string, string> = { app: 'web' }): Pod => ({
  apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', labels }, spec: { containers: [] },
  status: { phase: 'Running', ...(since === undefined ? {} : { conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: since }] }) },
});

test('a pod is available once it was ready long enough, and the next look is when it will be', () => {
  const pods = [pod('2026-01-01T00:00:00Z'), pod('2026-01-01T00:00:40Z'), pod(undefined, {})];
  const { status, availableInMs } = replicaSetStatus(set, pods, undefined, now);
  assert.deepEqual(status, {
    replicas: 3, fullyLabeledReplicas: 2, readyReplicas: 2, availableReplicas: 1, terminatingReplicas: 0, observedGeneration: 3,
  });
  assert.equal(availableInMs, 10_000);
});

test('finished and ending pods are not counted, a failure is a condition', () => {
  const ending: Pod = { ...pod('2026-01-01T00:00:00Z'), metadata: { name: 'e', deletionTimestamp: '2026-01-01T00:00:59Z' } };
  const finished: Pod = { ...pod(undefined), status: { phase: 'Failed' } };
  const { status } = replicaSetStatus(set, [ending, finished], new Error('quota'), now);
  assert.equal(status.replicas, 0);
  assert.equal(status.terminatingReplicas, 1);
  assert.deepEqual(status.conditions, [
    { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'quota', lastTransitionTime: '2026-01-01T00:01:00Z' },
  ]);
});
