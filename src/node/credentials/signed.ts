/** Has a new key certified through the API server: a CertificateSigningRequest, its approval, its certificate. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../../apimachinery/log.ts';
import { StartFault } from '../../apimachinery/startfault.ts';
import type { Client } from '../../client/client.ts';
import type { Resource } from '../../client/resource.ts';
import type { CertificateSigningRequest } from '../../kinds/generated/certificates.ts';
import type { KeyPair } from './files.ts';
import { newRequest, type Subject } from './request.ts';

const REQUESTS: Resource<CertificateSigningRequest> = { group: 'certificates.k8s.io', version: 'v1', plural: 'certificatesigningrequests', kind: 'CertificateSigningRequest', namespaced: false };
const FIRST_LOOK_MS = 50;
const LONGEST_PAUSE_MS = 5_000;
/** A request that waits for somebody is told of this often, ms. */
const TELL_MS = 60_000;

export interface Wanted {
  subject: Subject;
  signerName: string;
  /** `client auth` or `server auth`. */
  purpose: string;
}

/**
 * Waits as long as nobody decides; `signal` ends that. Throws StartFault NotCertified when it is denied or cannot be signed, and what the
 * server answers to who may not ask.
 */
export async function certified(client: Client, { subject, signerName, purpose }: Wanted, log: Log, signal: AbortSignal): Promise<KeyPair> {
  const { key, request } = newRequest(subject);
  const { metadata: { name } } = await client.create(REQUESTS, {
    apiVersion: 'certificates.k8s.io/v1', kind: 'CertificateSigningRequest', metadata: { name: '', generateName: 'csr-' },
    // Keys that are no RSA keys encipher nothing.
    spec: { request: Buffer.from(request).toString('base64'), signerName, usages: ['digital signature', purpose] },
  });
  let told = Date.now();
  for (let pause = FIRST_LOOK_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    await sleep(pause, undefined, { signal });
    const { status } = await client.get(REQUESTS, name);
    if (status?.certificate) {
      return { cert: Buffer.from(status.certificate, 'base64').toString(), key };
    }
    const refused = status?.conditions?.find(({ type, status: holds }) => (type === 'Denied' || type === 'Failed') && holds === 'True');
    if (refused !== undefined) {
      const why = `the certificate request ${name} for ${subject.commonName} is ${refused.type.toLowerCase()}: ${refused.message ?? refused.reason ?? 'no reason given'}`;
      throw new StartFault('NotCertified', { why }, why);
    }
    if (Date.now() - told > TELL_MS) {
      told = Date.now();
      log.warn({ request: name, signerName }, 'the certificate request waits: approve it with kubectl certificate approve');
    }
  }
}
