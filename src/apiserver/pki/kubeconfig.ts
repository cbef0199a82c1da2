/** The kubeconfig of the instance's administrator. */
import type { KeyPair } from './issue.ts';
import type { Pki } from './pki.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** A kubeconfig (YAML) for `server`, e.g. `https://127.0.0.1:6443`, with the certificates inside. */
export function kubeconfig(ca: string, client: KeyPair, user: string, server: string): string {
  return `apiVersion: v1
kind: Config
clusters:
- name: telar
  cluster:
    server: ${JSON.stringify(server)}
    certificate-authority-data: ${base64(ca)}
users:
- name: ${JSON.stringify(user)}
  user:
    client-certificate-data: ${base64(client.cert)}
    client-key-data: ${base64(client.key)}
contexts:
- name: telar
  context:
    cluster: telar
    user: ${JSON.stringify(user)}
current-context: telar
`;
}

export function adminKubeconfig(pki: Pick<Pki, 'ca' | 'admin'>, server: string): string {
  return kubeconfig(pki.ca.cert, pki.admin, 'kubernetes-admin', server);
}
