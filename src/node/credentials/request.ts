/** A key pair and the request (PKCS #10, RFC 2986) to have it certified: ECDSA P-256 with SHA-256. */
import { generateKeyPairSync, sign } from 'node:crypto';
import { bits, elements, explicit, implicit, integer, octets, oid, sequence, set, text } from '../../apimachinery/der.ts';

export interface Subject {
  commonName: string;
  organization: string;
  /** Subject alternative names. */
  dns: readonly string[];
}

const OID = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2', commonName: '2.5.4.3', organization: '2.5.4.10', extensionRequest: '1.2.840.113549.1.9.14', subjectAltName: '2.5.29.17',
} as const;
const DNS_NAME = 2;
const LINE = /.{1,64}/g;

function attributesOf(dns: readonly string[]): Buffer[] {
  if (dns.length === 0) {
    return [];
  }
  const names = sequence(...dns.map((name) => implicit(DNS_NAME, Buffer.from(name, 'latin1'))));
  return [sequence(oid(OID.extensionRequest), set(sequence(sequence(oid(OID.subjectAltName), octets(names)))))];
}

/** `key`: PEM, PKCS #8; `request`: PEM. */
export function newRequest({ commonName, organization, dns }: Subject): { key: string; request: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const [spki] = elements(publicKey.export({ format: 'der', type: 'spki' }));
  if (spki === undefined) {
    throw new Error('a new key has no public half');
  }
  const subject = sequence(set(sequence(oid(OID.organization), text(organization))), set(sequence(oid(OID.commonName), text(commonName))));
  const body = sequence(integer(Buffer.from([0])), subject, spki.whole, explicit(0, ...attributesOf(dns)));
  const der = sequence(body, sequence(oid(OID.ecdsaWithSha256)), bits(sign('sha256', body, privateKey)));
  const lines = der.toString('base64').match(LINE) ?? [];
  return {
    key: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    request: `-----BEGIN CERTIFICATE REQUEST-----\n${lines.join('\n')}\n-----END CERTIFICATE REQUEST-----\n`,
  };
}
