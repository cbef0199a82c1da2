/** Subjects of bindings. */
import type { Subject } from '../../../kinds/generated/rbac.ts';
import { RBAC_GROUP } from '../rbac/roleindex.ts';

export const user = (name: string): Subject => ({ kind: 'User', apiGroup: RBAC_GROUP, name });
export const group = (name: string): Subject => ({ kind: 'Group', apiGroup: RBAC_GROUP, name });
/** A service account of kube-system. */
export const account = (name: string): Subject => ({ kind: 'ServiceAccount', name, namespace: 'kube-system' });
