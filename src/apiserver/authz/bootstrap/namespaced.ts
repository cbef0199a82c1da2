/** The roles kube-apiserver makes in single namespaces, and who is bound to them. */
import type { Subject } from '../../../kinds/generated/rbac.ts';
import { account, group, user } from './subjects.ts';

export interface NamespacedRole {
  readonly namespace: string;
  readonly name: string;
  readonly rules: string;
  /** Name of the role binding, and its subjects; a role may stand unbound. */
  readonly binding?: { readonly name: string; readonly subjects: readonly Subject[] };
}

const LOCK = 'create,get,list,update,watch coordination.k8s.io leases\ncreate,get,list,update,watch coordination.k8s.io leasecandidates';

export const NAMESPACED_ROLES: readonly NamespacedRole[] = [
  {
    namespace: 'kube-public', name: 'system:controller:bootstrap-signer', rules: 'read - configmaps\nupdate - configmaps cluster-info\nevent',
    binding: { name: 'system:controller:bootstrap-signer', subjects: [account('bootstrap-signer')] },
  },
  {
    namespace: 'kube-system', name: 'extension-apiserver-authentication-reader', rules: 'read - configmaps extension-apiserver-authentication',
    binding: { name: 'system::extension-apiserver-authentication-reader', subjects: [user('system:kube-controller-manager'), user('system:kube-scheduler')] },
  },
  {
    namespace: 'kube-system', name: 'system::leader-locking-kube-controller-manager', rules: LOCK,
    binding: {
      name: 'system::leader-locking-kube-controller-manager', subjects: [user('system:kube-controller-manager'), account('kube-controller-manager')],
    },
  },
  {
    namespace: 'kube-system', name: 'system::leader-locking-kube-scheduler', rules: LOCK,
    binding: { name: 'system::leader-locking-kube-scheduler', subjects: [user('system:kube-scheduler'), account('kube-scheduler')] },
  },
  {
    namespace: 'kube-system', name: 'system:controller:bootstrap-signer', rules: 'read - secrets',
    binding: { name: 'system:controller:bootstrap-signer', subjects: [account('bootstrap-signer')] },
  },
  {
    namespace: 'kube-system', name: 'system:controller:cloud-provider', rules: 'create,get,list,watch - configmaps',
    binding: { name: 'system:controller:cloud-provider', subjects: [account('cloud-provider')] },
  },
  {
    namespace: 'kube-system', name: 'system:controller:token-cleaner', rules: 'delete,get,list,watch - secrets\nevent',
    binding: { name: 'system:controller:token-cleaner', subjects: [account('token-cleaner')] },
  },
];

/** Cluster roles and whom kube-apiserver binds them to, cluster-wide. `system:node` has nobody: the node authorizer does its work. */
export const CLUSTER_BINDINGS: Readonly<Record<string, readonly Subject[]>> = {
  'cluster-admin': [group('system:masters')],
  'system:monitoring': [group('system:monitoring')],
  'system:discovery': [group('system:authenticated')],
  'system:basic-user': [group('system:authenticated')],
  'system:public-info-viewer': [group('system:authenticated'), group('system:unauthenticated')],
  'system:node-proxier': [user('system:kube-proxy')],
  'system:kube-controller-manager': [user('system:kube-controller-manager')],
  'system:kube-dns': [account('kube-dns')],
  'system:kube-scheduler': [user('system:kube-scheduler')],
  'system:volume-scheduler': [user('system:kube-scheduler')],
  'system:node': [],
  'system:service-account-issuer-discovery': [group('system:serviceaccounts')],
};
