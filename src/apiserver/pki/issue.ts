/**
 * Makes X.509 certificates (ECDSA P-256). The only file that needs @peculiar/x509, which costs about 0.1 s of CPU to
 * load: import it dynamically, when something must be issued.
 */
import 'reflect-metadata';
import { createPrivateKey, randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import * as x509 from '@peculiar/x509';
import type { KeyPair, LeafRequest } from './pki.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const CA_YEARS = 10;
const LEAF_DAYS = 365;
const DAY_MS = 86_400_000;
/** Certificates are valid from a little before now, for clocks that disagree. */
const BACKDATE_MS = 5 * 60_000;

x509.cryptoProvider.set(webcrypto);

const serial = (): string => {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0] ?? 0) & 0x7f | 0x01;
  return bytes.toString('hex');
};

/** One name attribute each, so that no value is ever read as distinguished-name syntax. */
const subjectOf = (commonName: string, organizations: readonly string[]): x509.JsonName => [
  ...organizations.map((organization) => ({ O: [organization] })), { CN: [commonName] },
];

async function newKey(): Promise<{ keys: webcrypto.CryptoKeyPair; pem: string }> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const pem = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }).export({ format: 'pem', type: 'pkcs8' }).toString();
  return { keys, pem };
}

export async function issueCa(commonName: string): Promise<KeyPair> {
  const { keys, pem } = await newKey();
  const now = Date.now();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: subjectOf(commonName, []),
    notBefore: new Date(now - BACKDATE_MS),
    notAfter: new Date(now + CA_YEARS * LEAF_DAYS * DAY_MS),
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign | x509.KeyUsageFlags.digitalSignature, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { cert: `${certificate.toString('pem')}\n`, key: pem };
}

async function importCaKey(pem: string): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(pem).export({ format: 'der', type: 'pkcs8' });
  return webcrypto.subtle.importKey('pkcs8', Uint8Array.from(der), ALGORITHM, false, ['sign']);
}

export async function issueLeaf(ca: KeyPair, request: LeafRequest): Promise<KeyPair> {
  const { keys, pem } = await newKey();
  const authority = new x509.X509Certificate(ca.cert);
  const now = Date.now();
  const names = request.names.map((name): x509.JsonGeneralName => ({ type: isIP(name) === 0 ? 'dns' : 'ip', value: name }));
  const usages = request.usages.map((usage) => (usage === 'server' ? x509.ExtendedKeyUsage.serverAuth : x509.ExtendedKeyUsage.clientAuth));
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: subjectOf(request.commonName, request.organizations),
    issuer: authority.subject,
    notBefore: new Date(now - BACKDATE_MS),
    notAfter: new Date(Math.min(now + LEAF_DAYS * DAY_MS, authority.notAfter.getTime())),
    publicKey: keys.publicKey,
    signingKey: await importCaKey(ca.key),
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(usages),
      await x509.AuthorityKeyIdentifierExtension.create(authority),
      ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)]),
    ],
  });
  return { cert: `${certificate.toString('pem')}\n`, key: pem };
}
