import { NAME } from '../columns.ts';
import type { LocalSubjectAccessReview } from '../generated/authorization.ts';
import { defineKind } from '../kind.ts';

/** A question: answered at once and never stored. */
export const localSubjectAccessReview = defineKind<LocalSubjectAccessReview>({
  group: 'authorization.k8s.io', version: 'v1', kind: 'LocalSubjectAccessReview', plural: 'localsubjectaccessreviews', singular: 'localsubjectaccessreview',
  namespaced: true, type: 'authorization/v1.LocalSubjectAccessReview', origin: 'builtin', unstored: true, verbs: ['create'],
  columns: [NAME],
  rules: { generation: false },
});
