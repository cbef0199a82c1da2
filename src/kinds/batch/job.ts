import type { Job } from '../generated/batch.ts';
import { defineKind } from '../kind.ts';

export const job = defineKind<Job>({
  group: 'batch', version: 'v1', kind: 'Job', plural: 'jobs', singular: 'job',
  namespaced: true, type: 'batch/v1.Job', origin: 'builtin',
  categories: ['all', 'workloads'], status: true,
  columns: [],
  rules: {},
});
