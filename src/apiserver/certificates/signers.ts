/** Kubernetes' signers: what each certifies, and its words when it does not. */
import type { CertificateRequest } from './request.ts';

export const SIGNER = {
  client: 'kubernetes.io/kube-apiserver-client', kubeletClient: 'kubernetes.io/kube-apiserver-client-kubelet',
  kubeletServing: 'kubernetes.io/kubelet-serving', legacy: 'kubernetes.io/legacy-unknown',
} as const;

export const NODES = 'system:nodes';
export const NODE_PREFIX = 'system:node:';
const KUBELET_CLIENT_USAGES = ['client auth', 'digital signature', 'key encipherment'];
const KUBELET_SERVING_USAGES = ['digital signature', 'key encipherment', 'server auth'];

const sameUsages = (usages: readonly string[], wanted: readonly string[]): boolean =>
  usages.length === wanted.length && wanted.every((usage) => usages.includes(usage));

/** Keys that are no RSA keys encipher nothing. */
const usagesMatch = (usages: readonly string[], wanted: readonly string[]): boolean =>
  sameUsages(usages, wanted) || sameUsages(usages, wanted.filter((usage) => usage !== 'key encipherment'));

const isNodeSubject = ({ organizations }: CertificateRequest): boolean => organizations.length === 1 && organizations[0] === NODES;

/** What is wrong with a kubelet's request for a client certificate; undefined when nothing is. */
export function kubeletClientError(request: CertificateRequest, usages: readonly string[]): string | undefined {
  const { names, commonName } = request;
  const problems: [boolean, string][] = [
    [!isNodeSubject(request), `subject organization is not ${NODES}`],
    [names.dns.length > 0, 'DNS subjectAltNames are not allowed'],
    [names.email.length > 0, 'Email subjectAltNames are not allowed'],
    [names.ip.length > 0, 'IP subjectAltNames are not allowed'],
    [names.uri.length > 0, 'URI subjectAltNames are not allowed'],
    [!commonName.startsWith(NODE_PREFIX), `subject common name does not begin with ${NODE_PREFIX}`],
    [!usagesMatch(usages, KUBELET_CLIENT_USAGES), `usages did not match [${KUBELET_CLIENT_USAGES.join(' ')}]`],
  ];
  return problems.find(([wrong]) => wrong)?.[1];
}

function kubeletServingError(request: CertificateRequest, usages: readonly string[]): string | undefined {
  const { names, commonName } = request;
  const problems: [boolean, string][] = [
    [!isNodeSubject(request), `subject organization is not ${NODES}`],
    [names.dns.length === 0 && names.ip.length === 0, 'DNS or IP subjectAltName is required'],
    [names.email.length > 0, 'Email subjectAltNames are not allowed'],
    [names.uri.length > 0, 'URI subjectAltNames are not allowed'],
    [!usagesMatch(usages, KUBELET_SERVING_USAGES), `usages did not match [${KUBELET_SERVING_USAGES.join(' ')}]`],
    [!commonName.startsWith(NODE_PREFIX), `subject common name does not begin with ${NODE_PREFIX}`],
  ];
  return problems.find(([wrong]) => wrong)?.[1];
}

function clientError(usages: readonly string[]): string | undefined {
  const strange = usages.find((usage) => !KUBELET_CLIENT_USAGES.includes(usage));
  if (strange !== undefined) {
    return `invalid usage for client certificate: ${strange}`;
  }
  return usages.includes('client auth') ? undefined : 'missing required usage for client certificate: client auth';
}

/** Whether one of Kubernetes' signers is asked. `legacy-unknown` cannot be asked for through v1. */
export const isKnownSigner = (name: string): boolean => name === SIGNER.client || name === SIGNER.kubeletClient || name === SIGNER.kubeletServing;

/** Why a signer does not sign an approved request; undefined when it does. */
export function signerError(signer: string, request: CertificateRequest, usages: readonly string[]): string | undefined {
  switch (signer) {
    case SIGNER.kubeletClient: return kubeletClientError(request, usages);
    case SIGNER.kubeletServing: return kubeletServingError(request, usages);
    case SIGNER.client: return clientError(usages);
    default: return `signer ${signer} is not one of this server's`;
  }
}
