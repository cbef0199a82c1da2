import { NAME } from '../columns.ts';
import type { SubjectAccessReview } from '../generated/authorization.ts';
import { defineKind } from '../kind.ts';

/** A question: answered at once and never stored. */
export const subjectAccessReview = defineKind<SubjectAccessReview>({
  group: 'authorization.k8s.io', version: 'v1', kind: 'SubjectAccessReview', plural: 'subjectaccessreviews', singular: 'subjectaccessreview',
  namespaced: false, type: 'authorization/v1.SubjectAccessReview', origin: 'builtin', unstored: true, verbs: ['create'],
  columns: [NAME],
  rules: { generation: false },
});
