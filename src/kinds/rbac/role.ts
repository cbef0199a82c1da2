import { column, NAME } from '../columns.ts';
import type { Role } from '../generated/rbac.ts';
import { defineKind } from '../kind.ts';
import { validateRules } from './rules.ts';

export const role = defineKind<Role>({
  group: 'rbac.authorization.k8s.io', version: 'v1', kind: 'Role', plural: 'roles', singular: 'role',
  namespaced: true, type: 'rbac/v1.Role', origin: 'builtin',
  columns: [NAME, column('Created At', ({ metadata }) => metadata.creationTimestamp ?? '<unknown>')],
  rules: {
    name: 'pathSegment',
    generation: false,
    validate: ({ rules }) => validateRules(rules, true),
  },
});
