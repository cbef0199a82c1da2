import { NAME } from '../columns.ts';
import type { SelfSubjectRulesReview } from '../generated/authorization.ts';
import { defineKind } from '../kind.ts';

/** A question: answered at once and never stored. */
export const selfSubjectRulesReview = defineKind<SelfSubjectRulesReview>({
  group: 'authorization.k8s.io', version: 'v1', kind: 'SelfSubjectRulesReview', plural: 'selfsubjectrulesreviews', singular: 'selfsubjectrulesreview',
  namespaced: false, type: 'authorization/v1.SelfSubjectRulesReview', origin: 'builtin', unstored: true, verbs: ['create'],
  columns: [NAME],
  rules: { generation: false },
});
