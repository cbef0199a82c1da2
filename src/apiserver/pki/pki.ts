/**
 * The instance's own certificate authority and everything it vouches for. What is on disk and still good is
 * reused; what is missing, about to expire or made for other names is issued again. All keys are ECDSA P-256.
 */
import { createPrivateKey, generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import type { Instance } from '../../apimachinery/instance.ts';
import { ensureSecretDir, readSecret, writeSecret } from './files.ts';
import type { KeyPair, LeafRequest } from './issue.ts';

/** Everything the processes of an instance need to know and to trust one another. PEM texts. */
export interface Pki {
  ca: KeyPair;
  /** Whom clients' certificates may be from: the authority and, while it lasts, the one before it. */
  clientCas: string;
  /** The API server's serving certificate. */
  serving: KeyPair;
  /** O=system:masters, CN=kubernetes-admin. */
  admin: KeyPair;
  /** CN=system:kube-controller-manager. */
  controller: KeyPair;
  /** What the node shows to the API server: O=system:nodes, CN=system:node:<name>. */
  kubeletClient: KeyPair;
  /** What the node's own HTTPS port shows. */
  kubeletServing: KeyPair;
  /** What the API server shows to a node's HTTPS port: CN=kube-apiserver-kubelet-client. */
  apiserverKubeletClient: KeyPair;
  /** Signs service-account tokens (ES256). PEM, PKCS #8. */
  serviceAccountKey: string;
  /** Bearer token of a member of system:masters, for clients that cannot show a certificate. */
  adminToken: string;
}

export interface PkiOptions {
  instance: Pick<Instance, 'clusterDomain' | 'apiAddress' | 'nodeAddress' | 'nodeName' | 'listen'>;
  /** Further IP addresses the API server answers on. */
  addresses?: readonly string[];
  /** Further DNS names the API server answers to. */
  names?: readonly string[];
  /** The time, ms since the epoch; default the clock's. */
  now?: number;
}

/** The common name a node expects of the API server. */
export const APISERVER_KUBELET_CLIENT = 'kube-apiserver-kubelet-client';
/** Leaves with less life left than this are issued again at the next start. */
const RENEW_BEFORE_MS = 60 * 86_400_000;
const TOKEN_BYTES = 32;
/** The certificate of the authority that was replaced; also where who replaces it by hand puts it. */
const PREVIOUS_CA = 'ca-previous.crt';

const WILDCARDS = ['0.0.0.0', '::'];

/** Nobody connects to a wildcard. */
const isUsable = (name: string): boolean => name !== '' && !WILDCARDS.includes(name);

/** Addresses of the machine: where a server that listens everywhere is reached. */
const ownAddresses = (): string[] => Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  .filter(({ internal, family }) => !internal && family === 'IPv4').map(({ address }) => address);

function servingNames(options: PkiOptions): string[] {
  const { instance } = options;
  return [...new Set([
    'localhost', hostname(), instance.nodeName, 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc', `kubernetes.default.svc.${instance.clusterDomain}`,
    '127.0.0.1', '::1', instance.listen, ...(WILDCARDS.includes(instance.listen) ? ownAddresses() : []), instance.apiAddress, instance.nodeAddress, ...options.addresses ?? [], ...options.names ?? [],
  ])].filter(isUsable);
}

function leaves(options: PkiOptions): Record<'serving' | 'admin' | 'controller' | 'kubeletClient' | 'kubeletServing' | 'apiserverKubeletClient', LeafRequest> {
  const { nodeName, nodeAddress } = options.instance;
  const node = `system:node:${nodeName}`;
  return {
    serving: { commonName: 'kube-apiserver', organizations: [], usages: ['server'], names: servingNames(options) },
    admin: { commonName: 'kubernetes-admin', organizations: ['system:masters'], usages: ['client'], names: [] },
    controller: { commonName: 'system:kube-controller-manager', organizations: [], usages: ['client'], names: [] },
    kubeletClient: { commonName: node, organizations: ['system:nodes'], usages: ['client'], names: [] },
    kubeletServing: {
      commonName: node, organizations: ['system:nodes'], usages: ['server'],
      names: [...new Set([nodeName, hostname(), 'localhost', '127.0.0.1', nodeAddress])].filter(isUsable),
    },
    apiserverKubeletClient: { commonName: APISERVER_KUBELET_CLIENT, organizations: [], usages: ['client'], names: [] },
  };
}

const FILE_NAMES = {
  ca: 'ca', serving: 'apiserver', admin: 'admin', controller: 'controller', kubeletClient: 'kubelet-client',
  kubeletServing: 'kubelet-serving', apiserverKubeletClient: 'apiserver-kubelet-client',
} as const;

async function readPair(dir: string, name: keyof typeof FILE_NAMES): Promise<KeyPair | undefined> {
  const [cert, key] = await Promise.all([readSecret(join(dir, `${FILE_NAMES[name]}.crt`)), readSecret(join(dir, `${FILE_NAMES[name]}.key`))]);
  return cert === undefined || key === undefined ? undefined : { cert, key };
}

async function writePair(dir: string, name: keyof typeof FILE_NAMES, pair: KeyPair): Promise<void> {
  await writeSecret(join(dir, `${FILE_NAMES[name]}.key`), pair.key);
  await writeSecret(join(dir, `${FILE_NAMES[name]}.crt`), pair.cert);
}

function hasNames(certificate: X509Certificate, names: readonly string[]): boolean {
  const count = certificate.subjectAltName === undefined ? 0 : certificate.subjectAltName.split(', ').length;
  return count === names.length
    && names.every((name) => (isIP(name) === 0 ? certificate.checkHost(name, { subject: 'never' }) : certificate.checkIP(name)) !== undefined);
}

function isGood(pair: KeyPair, ca: X509Certificate, request: LeafRequest, now: number): boolean {
  const certificate = new X509Certificate(pair.cert);
  return certificate.validToDate.getTime() - now > RENEW_BEFORE_MS
    && certificate.validFromDate.getTime() <= now
    && certificate.checkIssued(ca) && certificate.verify(ca.publicKey)
    && certificate.checkPrivateKey(createPrivateKey(pair.key))
    && certificate.subject.split('\n').includes(`CN=${request.commonName}`)
    && hasNames(certificate, request.names);
}

async function ensureCa(dir: string, now: number): Promise<KeyPair> {
  const found = await readPair(dir, 'ca');
  if (found !== undefined && new X509Certificate(found.cert).validToDate.getTime() - now > RENEW_BEFORE_MS) {
    return found;
  }
  if (found !== undefined) {
    // Those it vouched for come in until their certificates end.
    await writeSecret(join(dir, PREVIOUS_CA), found.cert);
  }
  const { issueCa } = await import('./issue.ts');
  const made = issueCa('telar-ca');
  await writePair(dir, 'ca', made);
  return made;
}

/** The authority before this one, while it is valid; empty when there is none. */
async function previousCa(dir: string, now: number): Promise<string> {
  const found = await readSecret(join(dir, PREVIOUS_CA));
  return found === undefined || new X509Certificate(found).validToDate.getTime() <= now ? '' : found;
}

async function ensureServiceAccountKey(dir: string): Promise<string> {
  const path = join(dir, 'service-account.key');
  const found = await readSecret(path);
  if (found !== undefined) {
    return found;
  }
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  await writeSecret(path, pem);
  return pem;
}

async function ensureAdminToken(dir: string): Promise<string> {
  const path = join(dir, 'admin.token');
  const found = (await readSecret(path))?.trim();
  if (found !== undefined && found !== '') {
    return found;
  }
  const token = randomBytes(TOKEN_BYTES).toString('hex');
  await writeSecret(path, `${token}\n`);
  return token;
}

/** Reads or makes everything below `dir` (mode 0700, files 0600). Quick when nothing must be issued. */
export async function ensurePki(dir: string, options: PkiOptions): Promise<Pki> {
  await ensureSecretDir(dir);
  const { now = Date.now() } = options;
  const ca = await ensureCa(dir, now);
  const authority = new X509Certificate(ca.cert);
  const requests = leaves(options);
  const ensureLeaf = async (name: keyof typeof requests): Promise<KeyPair> => {
    const found = await readPair(dir, name);
    if (found !== undefined && isGood(found, authority, requests[name], now)) {
      return found;
    }
    const { issueLeaf } = await import('./issue.ts');
    const made = issueLeaf(ca, requests[name]);
    await writePair(dir, name, made);
    return made;
  };
  const [serving, admin, controller, kubeletClient, kubeletServing, apiserverKubeletClient, serviceAccountKey, adminToken] = await Promise.all([
    ensureLeaf('serving'), ensureLeaf('admin'), ensureLeaf('controller'), ensureLeaf('kubeletClient'), ensureLeaf('kubeletServing'),
    ensureLeaf('apiserverKubeletClient'), ensureServiceAccountKey(dir), ensureAdminToken(dir),
  ]);
  return { ca, clientCas: ca.cert + await previousCa(dir, now), serving, admin, controller, kubeletClient, kubeletServing, apiserverKubeletClient, serviceAccountKey, adminToken };
}
