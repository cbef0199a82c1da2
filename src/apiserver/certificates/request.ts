/** PKCS #10 certificate requests (RFC 2986): who asks for what, and that they hold the key. */
import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { elements, type Element } from '../../apimachinery/der.ts';
import { bitsOf, DerError, elementAt, extensionOf, oidText, sequenceOf, setOf, stringOf } from '../pki/readder.ts';

const OID = { commonName: '2.5.4.3', organization: '2.5.4.10', extensionRequest: '1.2.840.113549.1.9.14', subjectAltName: '2.5.29.17' } as const;
/** Signature algorithm → the digest that `verify` takes; null for those that hash by themselves. */
const ALGORITHMS: Readonly<Record<string, string | null>> = {
  '1.2.840.113549.1.1.11': 'sha256', '1.2.840.113549.1.1.12': 'sha384', '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.3.2': 'sha256', '1.2.840.10045.4.3.3': 'sha384', '1.2.840.10045.4.3.4': 'sha512', '1.3.101.112': null,
};
const ATTRIBUTES_TAG = 0xa0;
const NAME_TAGS = { email: 0x81, dns: 0x82, uri: 0x86, ip: 0x87 } as const;
const PEM = /-----BEGIN CERTIFICATE REQUEST-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE REQUEST-----/;

export class CertificateRequestError extends Error { override name = 'CertificateRequestError'; }

export interface AlternativeNames {
  dns: string[];
  ip: Buffer[];
  email: string[];
  uri: string[];
}

export interface CertificateRequest {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly names: AlternativeNames;
  /** The subject as it stands in the request, DER. */
  readonly subject: Buffer;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Buffer;
}

/** Attributes of a name by type; one type may come several times. */
function attributesOf(name: Element): [string, string][] {
  return sequenceOf(name).flatMap((relative) => setOf(relative).map((one): [string, string] => {
    const parts = sequenceOf(one);
    const type = oidText(elementAt(parts, 0));
    // Other attributes may be of any type: they are passed on, not read.
    return [type, type === OID.commonName || type === OID.organization ? stringOf(elementAt(parts, 1)) : ''];
  }));
}

function alternativeNames(value: Buffer): AlternativeNames {
  const names: AlternativeNames = { dns: [], ip: [], email: [], uri: [] };
  for (const { tag, content } of sequenceOf(elementAt(elements(value), 0))) {
    switch (tag) {
      case NAME_TAGS.dns: names.dns.push(content.toString('latin1')); break;
      case NAME_TAGS.email: names.email.push(content.toString('latin1')); break;
      case NAME_TAGS.uri: names.uri.push(content.toString('latin1')); break;
      case NAME_TAGS.ip: names.ip.push(content); break;
      default: throw new DerError('a kind of alternative name that is not known');
    }
  }
  return names;
}

/** The alternative names among the extensions asked for. */
function requestedNames(attributes: Element | undefined): AlternativeNames {
  const none: AlternativeNames = { dns: [], ip: [], email: [], uri: [] };
  for (const attribute of attributes?.tag === ATTRIBUTES_TAG ? elements(attributes.content) : []) {
    const parts = sequenceOf(attribute);
    if (oidText(elementAt(parts, 0)) !== OID.extensionRequest) {
      continue;
    }
    const extensions = sequenceOf(elementAt(setOf(elementAt(parts, 1)), 0)).map(extensionOf);
    const found = extensions.find(({ id }) => id === OID.subjectAltName);
    return found === undefined ? none : alternativeNames(found.value);
  }
  return none;
}

function publicKeyOf(spki: Buffer): KeyObject {
  try {
    return createPublicKey({ key: spki, format: 'der', type: 'spki' });
  } catch (error) {
    throw new DerError('the public key cannot be read', { cause: error });
  }
}

function checkSignature(body: Element, algorithm: Element, signature: Element, key: KeyObject): void {
  const id = oidText(elementAt(sequenceOf(algorithm), 0));
  const digest = Object.hasOwn(ALGORITHMS, id) ? ALGORITHMS[id] : undefined;
  if (digest === undefined) {
    throw new CertificateRequestError('x509: cannot verify signature: algorithm unimplemented');
  }
  if (!verify(digest, body.whole, key, bitsOf(signature))) {
    throw new CertificateRequestError('x509: signature of the request does not verify: its author does not hold the key');
  }
}

function parse(der: Buffer): CertificateRequest {
  const [body, algorithm, signature] = [0, 1, 2].map((at) => elementAt(sequenceOf(elementAt(elements(der), 0)), at));
  if (body === undefined || algorithm === undefined || signature === undefined) {
    throw new DerError('malformed structure');
  }
  // version, subject, public key, attributes
  const parts = sequenceOf(body);
  const [subject, publicKey] = [elementAt(parts, 1), elementAt(parts, 2)];
  checkSignature(body, algorithm, signature, publicKeyOf(publicKey.whole));
  const attributes = attributesOf(subject);
  const of = (type: string): string[] => attributes.flatMap(([one, value]) => (one === type ? [value] : []));
  return {
    commonName: of(OID.commonName).at(-1) ?? '', organizations: of(OID.organization), names: requestedNames(parts[3]),
    subject: subject.whole, publicKey: publicKey.whole,
  };
}

/** Reads `spec.request` (base64 of PEM) and checks its signature. Throws CertificateRequestError with a sentence. */
export function parseCertificateRequest(request: string): CertificateRequest {
  const base64 = PEM.exec(Buffer.from(request, 'base64').toString('latin1'))?.[1];
  if (base64 === undefined) {
    throw new CertificateRequestError('PEM block type must be CERTIFICATE REQUEST');
  }
  try {
    return parse(Buffer.from(base64, 'base64'));
  } catch (error) {
    if (error instanceof CertificateRequestError) {
      throw error;
    }
    // Whatever is cut short or no key at all shows as one of several errors.
    throw new CertificateRequestError(`x509: malformed certificate request: ${error instanceof Error ? error.message : 'unreadable'}`, { cause: error });
  }
}
