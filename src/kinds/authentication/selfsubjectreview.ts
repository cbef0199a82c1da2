import { NAME } from '../columns.ts';
import type { SelfSubjectReview } from '../generated/authentication.ts';
import { defineKind } from '../kind.ts';

/** A question: answered at once and never stored. */
export const selfSubjectReview = defineKind<SelfSubjectReview>({
  group: 'authentication.k8s.io', version: 'v1', kind: 'SelfSubjectReview', plural: 'selfsubjectreviews', singular: 'selfsubjectreview',
  namespaced: false, type: 'authentication/v1.SelfSubjectReview', origin: 'builtin', unstored: true, verbs: ['create'],
  columns: [NAME],
  rules: { generation: false },
});
