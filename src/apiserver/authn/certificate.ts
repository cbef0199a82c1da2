/** Users by client certificate: the common name is the user, organisations are its groups. */
import type { TLSSocket } from 'node:tls';
import type { User } from '../types.ts';

const AUTHENTICATED = 'system:authenticated';
/** What tells one certificate from another in audit logs, as Kubernetes names it. */
const CREDENTIAL_ID = 'authentication.kubernetes.io/credential-id';

const asList = (value: string | string[] | undefined): string[] => (value === undefined ? [] : Array.isArray(value) ? value : [value]);

export interface CertificateUser {
  /** Undefined when the connection showed no certificate, or none that counts. */
  readonly user: User | undefined;
  /** Whether it showed any. */
  readonly shown: boolean;
  /** When the certificate expires, milliseconds since the epoch. */
  readonly until: number;
  /** SHA-256 of the certificate, hexadecimal in lower case. */
  readonly fingerprint: string;
}

/** Certificates that count no longer, by fingerprint. */
export interface Revocations {
  has(fingerprint: string): boolean;
}

const NOBODY: CertificateUser = { user: undefined, shown: false, until: Infinity, fingerprint: '' };
const STRANGER: CertificateUser = { ...NOBODY, shown: true };

/** The user of a connection; none for a certificate that our authority did not sign, that names nobody or that has expired. */
export function certificateUser(socket: TLSSocket): CertificateUser {
  const certificate = socket.getPeerCertificate();
  if (certificate === null || Object.keys(certificate).length === 0) {
    return NOBODY;
  }
  // Of several the last counts, as where requests for certificates are checked: signers must not be shown another one.
  const name = asList(certificate.subject.CN).at(-1);
  if (!socket.authorized || name === undefined || name === '') {
    return STRANGER;
  }
  const fingerprint = certificate.fingerprint256.replaceAll(':', '').toLowerCase();
  return {
    user: { name, groups: [...asList(certificate.subject.O), AUTHENTICATED], extra: { [CREDENTIAL_ID]: [`X509SHA256=${fingerprint}`] } },
    shown: true, until: Date.parse(certificate.valid_to), fingerprint,
  };
}
