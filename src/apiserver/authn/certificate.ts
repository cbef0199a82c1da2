/** Users by client certificate: the common name is the user, organisations are its groups. */
import type { TLSSocket } from 'node:tls';
import { unauthorized } from '../../apimachinery/status.ts';
import type { User } from '../types.ts';

const AUTHENTICATED = 'system:authenticated';

const asList = (value: string | string[] | undefined): string[] => (value === undefined ? [] : Array.isArray(value) ? value : [value]);

/**
 * The user of a connection; undefined when it showed no certificate. Throws Unauthorized for a certificate that
 * our authority did not sign or that has expired.
 */
export function certificateUser(socket: TLSSocket): User | undefined {
  const certificate = socket.getPeerCertificate();
  if (certificate === null || Object.keys(certificate).length === 0) {
    return undefined;
  }
  const [name] = asList(certificate.subject.CN);
  if (!socket.authorized || name === undefined || name === '') {
    throw unauthorized();
  }
  return { name, groups: [...asList(certificate.subject.O), AUTHENTICATED] };
}
