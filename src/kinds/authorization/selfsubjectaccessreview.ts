import { NAME } from '../columns.ts';
import type { SelfSubjectAccessReview } from '../generated/authorization.ts';
import { defineKind } from '../kind.ts';

/** A question: answered at once and never stored. */
export const selfSubjectAccessReview = defineKind<SelfSubjectAccessReview>({
  group: 'authorization.k8s.io', version: 'v1', kind: 'SelfSubjectAccessReview', plural: 'selfsubjectaccessreviews', singular: 'selfsubjectaccessreview',
  namespaced: false, type: 'authorization/v1.SelfSubjectAccessReview', origin: 'builtin', unstored: true, verbs: ['create'],
  columns: [NAME],
  rules: { generation: false },
});
