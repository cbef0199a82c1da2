import { AGE, column, NAME, wide } from '../columns.ts';
import type { ClusterRoleBinding } from '../generated/rbac.ts';
import { defineKind } from '../kind.ts';
import { accountNames, defaultBinding, groupNames, roleRefUnchanged, userNames, validateBinding } from './rules.ts';

export const clusterRoleBinding = defineKind<ClusterRoleBinding>({
  group: 'rbac.authorization.k8s.io', version: 'v1', kind: 'ClusterRoleBinding', plural: 'clusterrolebindings', singular: 'clusterrolebinding',
  namespaced: false, type: 'rbac/v1.ClusterRoleBinding', origin: 'builtin',
  columns: [
    NAME, column('Role', ({ roleRef }) => `${roleRef.kind}/${roleRef.name}`), AGE,
    wide<ClusterRoleBinding>('Users', userNames), wide<ClusterRoleBinding>('Groups', groupNames), wide<ClusterRoleBinding>('ServiceAccounts', accountNames),
  ],
  rules: {
    name: 'pathSegment',
    generation: false,
    defaults: defaultBinding,
    validate: (object) => validateBinding(object, false),
    validateUpdate: roleRefUnchanged,
  },
});
