import { AGE, column, NAME, wide } from '../columns.ts';
import type { RoleBinding } from '../generated/rbac.ts';
import { defineKind } from '../kind.ts';
import { accountNames, defaultBinding, groupNames, roleRefUnchanged, userNames, validateBinding } from './rules.ts';

export const roleBinding = defineKind<RoleBinding>({
  group: 'rbac.authorization.k8s.io', version: 'v1', kind: 'RoleBinding', plural: 'rolebindings', singular: 'rolebinding',
  namespaced: true, type: 'rbac/v1.RoleBinding', origin: 'builtin',
  columns: [
    NAME, column('Role', ({ roleRef }) => `${roleRef.kind}/${roleRef.name}`), AGE,
    wide<RoleBinding>('Users', userNames), wide<RoleBinding>('Groups', groupNames), wide<RoleBinding>('ServiceAccounts', accountNames),
  ],
  rules: {
    name: 'pathSegment',
    generation: false,
    defaults: defaultBinding,
    validate: (object) => validateBinding(object, true),
    validateUpdate: roleRefUnchanged,
  },
});
