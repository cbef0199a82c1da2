/** Certificates and keys of an instance: see pki.ts. */
export { adminKubeconfig, kubeconfig } from './kubeconfig.ts';
export type { KeyPair } from './issue.ts';
export { APISERVER_KUBELET_CLIENT, ensurePki, type Pki, type PkiOptions } from './pki.ts';
export { Renewal, type RenewalOptions } from './renewal.ts';
export { addUser, issuedUsers, removeUser, RevokedCertificates, UserError, type IssuedUser, type NewUser } from './users.ts';
