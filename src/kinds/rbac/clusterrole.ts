import { fieldError } from '../../apimachinery/status.ts';
import { labelSelector } from '../checks.ts';
import { column, NAME } from '../columns.ts';
import type { ClusterRole } from '../generated/rbac.ts';
import { defineKind } from '../kind.ts';
import { validateRules } from './rules.ts';

export const clusterRole = defineKind<ClusterRole>({
  group: 'rbac.authorization.k8s.io', version: 'v1', kind: 'ClusterRole', plural: 'clusterroles', singular: 'clusterrole',
  namespaced: false, type: 'rbac/v1.ClusterRole', origin: 'builtin',
  columns: [NAME, column('Created At', ({ metadata }) => metadata.creationTimestamp ?? '<unknown>')],
  rules: {
    name: 'pathSegment',
    generation: false,
    validate: ({ rules, aggregationRule }) => [
      ...validateRules(rules, false),
      ...(aggregationRule !== undefined && !aggregationRule.clusterRoleSelectors?.length
        ? [fieldError.required('aggregationRule.clusterRoleSelectors', 'at least one clusterRoleSelector required if aggregationRule is non-nil')] : []),
      ...(aggregationRule?.clusterRoleSelectors ?? []).flatMap((one, index) => labelSelector(`aggregationRule.clusterRoleSelectors[${index}]`, one)),
    ],
  },
});
