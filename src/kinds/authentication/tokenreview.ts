import { NAME } from '../columns.ts';
import type { TokenReview } from '../generated/authentication.ts';
import { defineKind } from '../kind.ts';

/** A question: answered at once and never stored. */
export const tokenReview = defineKind<TokenReview>({
  group: 'authentication.k8s.io', version: 'v1', kind: 'TokenReview', plural: 'tokenreviews', singular: 'tokenreview',
  namespaced: false, type: 'authentication/v1.TokenReview', origin: 'builtin', unstored: true, verbs: ['create'],
  columns: [NAME],
  rules: { generation: false },
});
