/** Makes X.509 certificates (RFC 5280; ECDSA P-256 with SHA-256) from what node:crypto has: see docs/adr for why not with a library. */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign, X509Certificate, type KeyObject } from 'node:crypto';
import { isIP, isIPv4 } from 'node:net';
import { bits, boolean, elements, explicit, implicit, integer, octets, oid, sequence, set, text, time } from '../../apimachinery/der.ts';

export interface KeyPair {
  /** PEM. */
  cert: string;
  /** PEM, PKCS #8. */
  key: string;
}

export interface LeafRequest {
  commonName: string;
  organizations: readonly string[];
  usages: readonly ('server' | 'client')[];
  /** Subject alternative names: DNS names and IP addresses. */
  names: readonly string[];
  /** Life in days; default a year. */
  days?: number;
}

const CA_DAYS = 3650;
const LEAF_DAYS = 365;
const DAY_MS = 86_400_000;
/** Certificates are valid from a little before now, for clocks that disagree. */
const BACKDATE_MS = 5 * 60_000;
const SERIAL_BYTES = 16;

const OID = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2', commonName: '2.5.4.3', organization: '2.5.4.10',
  subjectKeyIdentifier: '2.5.29.14', keyUsage: '2.5.29.15', subjectAltName: '2.5.29.17', basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35', extendedKeyUsage: '2.5.29.37', serverAuth: '1.3.6.1.5.5.7.3.1', clientAuth: '1.3.6.1.5.5.7.3.2',
} as const;

const SIGNATURE = sequence(oid(OID.ecdsaWithSha256));
/** digitalSignature; with keyCertSign and cRLSign for an authority. Bits count from the left. */
const LEAF_USAGE = bits(Buffer.from([0x80]), 7);
const CA_USAGE = bits(Buffer.from([0x86]), 1);

const attribute = (type: string, value: string): Buffer => set(sequence(oid(type), text(value)));

const nameOf = (commonName: string, organizations: readonly string[]): Buffer =>
  sequence(...organizations.map((organization) => attribute(OID.organization, organization)), attribute(OID.commonName, commonName));

const extension = (id: string, critical: boolean, value: Uint8Array): Buffer => sequence(oid(id), ...(critical ? [boolean(true)] : []), octets(value));

const spkiOf = (key: KeyObject): Buffer => (key.type === 'public' ? key : createPublicKey(key)).export({ format: 'der', type: 'spki' });

/** SHA-1 of the public key's bits, as RFC 5280 proposes: an identifier, not a signature. */
function keyIdentifier(spki: Buffer): Buffer {
  const [outer] = elements(spki);
  const key = outer === undefined ? undefined : elements(outer.content)[1];
  return createHash('sha1').update(key?.content.subarray(1) ?? spki).digest();
}

/** The subject as it stands in a certificate, byte for byte: what issuers must repeat. */
function subjectOf(certificate: X509Certificate): Buffer {
  const [outer] = elements(certificate.raw);
  const [body] = outer === undefined ? [] : elements(outer.content);
  // version, serial number, signature, issuer, validity, subject
  const subject = body === undefined ? undefined : elements(body.content)[5];
  if (subject === undefined) {
    throw new Error('the authority\'s certificate has no subject');
  }
  return subject.whole;
}

/** Sixteen bytes of an IPv6 address, four of an IPv4 one. */
export function addressBytes(address: string): Buffer {
  if (isIPv4(address)) {
    return Buffer.from(address.split('.').map(Number));
  }
  // The parser of URLs writes an embedded IPv4 address out in hexadecimal.
  const [left = '', right] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const head = groups(left);
  const tail = groups(right ?? '');
  const all = [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => '0'), ...tail];
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

const alternativeName = (name: string): Buffer => (isIP(name) === 0 ? implicit(2, Buffer.from(name, 'latin1')) : implicit(7, addressBytes(name)));

interface Body {
  subject: Buffer;
  issuer: Buffer;
  notAfter: Date;
  publicKey: Buffer;
  extensions: readonly Buffer[];
}

function certificate(body: Body, signer: KeyObject): string {
  const serial = randomBytes(SERIAL_BYTES);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  const signed = sequence(
    explicit(0, integer(Buffer.from([2]))), integer(serial), SIGNATURE, body.issuer,
    sequence(time(new Date(Date.now() - BACKDATE_MS)), time(body.notAfter)), body.subject, body.publicKey, explicit(3, sequence(...body.extensions)),
  );
  const der = sequence(signed, SIGNATURE, bits(sign('sha256', signed, signer)));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function newKey(): { key: KeyObject; pem: string; spki: Buffer } {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { key: privateKey, pem: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(), spki: spkiOf(privateKey) };
}

export function issueCa(commonName: string): KeyPair {
  const { key, pem, spki } = newKey();
  const name = nameOf(commonName, []);
  const cert = certificate({
    subject: name, issuer: name, publicKey: spki, notAfter: new Date(Date.now() + CA_DAYS * DAY_MS),
    extensions: [
      // An authority that signs no further authorities.
      extension(OID.basicConstraints, true, sequence(boolean(true), integer(Buffer.from([0])))),
      extension(OID.keyUsage, true, CA_USAGE),
      extension(OID.subjectKeyIdentifier, false, octets(keyIdentifier(spki))),
    ],
  }, key);
  return { cert, key: pem };
}

export function issueLeaf(ca: KeyPair, request: LeafRequest): KeyPair {
  const { pem, spki } = newKey();
  const authority = new X509Certificate(ca.cert);
  const usages = request.usages.map((usage) => oid(usage === 'server' ? OID.serverAuth : OID.clientAuth));
  const cert = certificate({
    subject: nameOf(request.commonName, request.organizations), issuer: subjectOf(authority), publicKey: spki,
    notAfter: new Date(Math.min(Date.now() + (request.days ?? LEAF_DAYS) * DAY_MS, authority.validToDate.getTime())),
    extensions: [
      extension(OID.basicConstraints, true, sequence()),
      extension(OID.keyUsage, true, LEAF_USAGE),
      extension(OID.extendedKeyUsage, false, sequence(...usages)),
      extension(OID.authorityKeyIdentifier, false, sequence(implicit(0, keyIdentifier(spkiOf(authority.publicKey))))),
      ...(request.names.length === 0 ? [] : [extension(OID.subjectAltName, false, sequence(...request.names.map(alternativeName)))]),
    ],
  }, createPrivateKey(ca.key));
  return { cert, key: pem };
}

/** What an approved certificate request is to become. */
export interface SignedRequest {
  /** DER, as it stands in the request. */
  subject: Buffer;
  /** SubjectPublicKeyInfo, DER. */
  publicKey: Buffer;
  /** Kubernetes' names: `client auth`, `digital signature`… */
  usages: readonly string[];
  names: { dns: readonly string[]; ip: readonly Buffer[]; email: readonly string[]; uri: readonly string[] };
  /** Seconds from now. */
  lifetime: number;
}

/** Bits of KeyUsage, counted from the left (RFC 5280, 4.2.1.3). */
const KEY_USAGE_BITS: Readonly<Record<string, number>> = {
  'digital signature': 0, signing: 0, 'content commitment': 1, 'key encipherment': 2, 'data encipherment': 3, 'key agreement': 4, 'cert sign': 5, 'crl sign': 6,
  'encipher only': 7, 'decipher only': 8,
};
const EXTENDED_USAGES: Readonly<Record<string, string>> = {
  any: '2.5.29.37.0', 'server auth': OID.serverAuth, 'client auth': OID.clientAuth, 'code signing': '1.3.6.1.5.5.7.3.3', 'email protection': '1.3.6.1.5.5.7.3.4',
  's/mime': '1.3.6.1.5.5.7.3.4', 'ipsec end system': '1.3.6.1.5.5.7.3.5', 'ipsec tunnel': '1.3.6.1.5.5.7.3.6', 'ipsec user': '1.3.6.1.5.5.7.3.7',
  timestamping: '1.3.6.1.5.5.7.3.8', 'ocsp signing': '1.3.6.1.5.5.7.3.9', 'microsoft sgc': '1.3.6.1.4.1.311.10.3.3', 'netscape sgc': '2.16.840.1.113730.4.1',
};

/** The bit string of some usages; DER leaves out zeros at its end. */
function usageBits(usages: readonly string[]): Buffer | undefined {
  const set = usages.flatMap((usage) => KEY_USAGE_BITS[usage] ?? []);
  if (set.length === 0) {
    return undefined;
  }
  const last = Math.max(...set);
  const bytes = Buffer.alloc(Math.floor(last / 8) + 1);
  for (const bit of set) {
    const at = Math.floor(bit / 8);
    bytes[at] = (bytes[at] ?? 0) | (0x80 >> (bit % 8));
  }
  return bits(bytes, 7 - (last % 8));
}

/** The certificate (PEM) for an approved request; it never outlives its authority. */
export function issueRequested(ca: KeyPair, request: SignedRequest): string {
  const authority = new X509Certificate(ca.cert);
  const { names, usages } = request;
  const keyUsage = usageBits(usages);
  const extended = [...new Set(usages.flatMap((usage) => EXTENDED_USAGES[usage] ?? []))].map(oid);
  const alternatives = [
    ...names.email.map((name) => implicit(1, Buffer.from(name, 'latin1'))), ...names.dns.map((name) => implicit(2, Buffer.from(name, 'latin1'))),
    ...names.uri.map((name) => implicit(6, Buffer.from(name, 'latin1'))), ...names.ip.map((address) => implicit(7, address)),
  ];
  return certificate({
    subject: request.subject, issuer: subjectOf(authority), publicKey: request.publicKey,
    notAfter: new Date(Math.min(Date.now() + request.lifetime * 1000, authority.validToDate.getTime())),
    extensions: [
      ...(keyUsage === undefined ? [] : [extension(OID.keyUsage, true, keyUsage)]),
      ...(extended.length === 0 ? [] : [extension(OID.extendedKeyUsage, false, sequence(...extended))]),
      extension(OID.basicConstraints, true, sequence()),
      extension(OID.authorityKeyIdentifier, false, sequence(implicit(0, keyIdentifier(spkiOf(authority.publicKey))))),
      ...(alternatives.length === 0 ? [] : [extension(OID.subjectAltName, false, sequence(...alternatives))]),
    ],
  }, createPrivateKey(ca.key));
}
