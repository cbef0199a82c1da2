/** Whom a node that is a process of its own is, to the API server and to those that call it. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Log } from '../../apimachinery/log.ts';
import { StartFault } from '../../apimachinery/startfault.ts';
import { isObject } from '../../apimachinery/values.ts';
import { Client } from '../../client/client.ts';
import { httpsTransport, type Connection } from '../../client/https.ts';
import type { NodePki } from '../server/listener.ts';
import { readPair, writePair, type KeyPair } from './files.ts';
import { certified } from './signed.ts';
import { RenewableTransport } from './transport.ts';

const CHECK_INTERVAL_MS = 3_600_000;
/** Certificates with less than this share of their life left are renewed. */
const RENEW_SHARE = 0.2;
const NODES = 'system:nodes';
const WHO_AM_I = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
const SIGNERS = { client: 'kubernetes.io/kube-apiserver-client-kubelet', serving: 'kubernetes.io/kubelet-serving' } as const;
const FILES = { client: 'kubelet-client', serving: 'kubelet-serving' } as const;

export interface CredentialsOptions {
  /** Directory of the keys; only root reads it. */
  dir: string;
  /** Of the kubeconfig: the node's own, or that of somebody who may ask for a node's certificate. */
  connection: Connection;
  nodeName: string;
  log: Log;
  signal: AbortSignal;
  /** For tests: the clock, ms. */
  now?: () => number;
}

/** Signed by one of these authorities, for this key and name, and not near its end. */
export function isUsable({ cert, key }: KeyPair, ca: string, commonName: string, now: number): boolean {
  const certificate = new X509Certificate(cert);
  const [from, to] = [certificate.validFromDate.getTime(), certificate.validToDate.getTime()];
  return now >= from && to - now > (to - from) * RENEW_SHARE
    && certificate.subject.split('\n').includes(`CN=${commonName}`)
    && certificate.checkPrivateKey(createPrivateKey(key))
    && authoritiesOf(ca).some((authority) => certificate.checkIssued(authority) && certificate.verify(authority.publicKey));
}

const authoritiesOf = (ca: string): X509Certificate[] =>
  (ca.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map((pem) => new X509Certificate(pem));

/** The name the server knows the kubeconfig's user by. */
async function whoIs(connection: Connection): Promise<string> {
  const transport = httpsTransport(connection);
  try {
    const answer = await transport.request({ method: 'POST', path: WHO_AM_I, body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' } });
    const status = isObject(answer) ? answer['status'] : undefined;
    const user = isObject(status) ? status['userInfo'] : undefined;
    const name = isObject(user) ? user['username'] : undefined;
    return typeof name === 'string' ? name : '';
  } finally {
    transport.close();
  }
}

function fault(why: string): StartFault {
  return new StartFault('NotCertified', { why }, why);
}

export class NodeCredentials {
  readonly transport: RenewableTransport;
  readonly #options: CredentialsOptions;
  readonly #ca: string;
  readonly #user: string;
  /** The node's own from the kubeconfig, when it is. */
  readonly #given: boolean;
  #client: KeyPair | undefined;
  #serving: KeyPair | undefined;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();

  private constructor(options: CredentialsOptions, ca: string, found: { client: KeyPair | undefined; serving: KeyPair | undefined; given: boolean }) {
    this.#options = options;
    this.#ca = ca;
    this.#user = `system:node:${options.nodeName}`;
    this.#client = found.client;
    this.#serving = found.serving;
    this.#given = found.given;
    this.transport = new RenewableTransport(this.#connection());
  }

  /**
   * Takes what is on disk while it is good, otherwise asks for it. Throws StartFault NotCertified when the kubeconfig cannot lead to a
   * node's certificate.
   */
  static async open(options: CredentialsOptions): Promise<NodeCredentials> {
    const { dir, connection, nodeName } = options;
    const { ca } = connection;
    if (ca === undefined) {
      throw fault('The kubeconfig names no certificate authority, by which the node would know the API server');
    }
    const stored = async (name: string): Promise<KeyPair | undefined> => {
      const pair = await readPair(dir, name);
      return pair !== undefined && isUsable(pair, ca, `system:node:${nodeName}`, (options.now ?? Date.now)()) ? pair : undefined;
    };
    const [client, serving] = await Promise.all([stored(FILES.client), stored(FILES.serving)]);
    // Who has a certificate of its own needs the kubeconfig's user no more, who may be gone by now.
    const user = client === undefined ? await whoIs(connection) : '';
    if (user.startsWith('system:node:') && user !== `system:node:${nodeName}`) {
      throw fault(`The kubeconfig is ${user}'s, and this node is ${nodeName}: choose its name with --node-name`);
    }
    const credentials = new NodeCredentials(options, ca, { client, serving, given: user.startsWith('system:node:') });
    try {
      await credentials.#complete();
    } catch (error) {
      credentials.transport.close();
      throw error;
    }
    return credentials;
  }

  /** What the node's HTTPS port shows, and whose certificates it takes. */
  get pki(): NodePki {
    if (this.#serving === undefined) {
      throw new Error('the node has no serving certificate yet');
    }
    return { ca: { cert: this.#ca }, kubeletServing: this.#serving };
  }

  /** Renews in good time from now on; `renewed` is told of a new serving certificate. */
  follow(renewed: (pki: NodePki) => void): void {
    this.#timer = setInterval(() => { void this.renew(renewed); }, CHECK_INTERVAL_MS).unref();
  }

  /** Looks now. Never rejects: what went wrong is logged and tried again at the next look. */
  renew(renewed: (pki: NodePki) => void): Promise<void> {
    this.#running = this.#running.then(() => this.#renew(renewed)).catch((error: unknown) => {
      if (!this.#options.signal.aborted) {
        this.#options.log.error({ error: error instanceof Error ? error.message : String(error) }, 'certificates of the node could not be renewed; trying again in an hour');
      }
    });
    return this.#running;
  }

  async #renew(renewed: (pki: NodePki) => void): Promise<void> {
    const now = (this.#options.now ?? Date.now)();
    const before = this.#serving;
    const usable = (pair: KeyPair | undefined): boolean => pair !== undefined && isUsable(pair, this.#ca, this.#user, now);
    await this.#complete({ client: !this.#given && !usable(this.#client), serving: !usable(this.#serving) });
    if (this.#serving !== before) {
      renewed(this.pki);
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
    this.transport.close();
  }

  /** Asks for what is missing: the client's certificate as whoever it is now, the serving one as the node. */
  async #complete(missing = { client: !this.#given && this.#client === undefined, serving: this.#serving === undefined }): Promise<void> {
    const { dir, nodeName, log, signal } = this.#options;
    const client = new Client(this.transport);
    const subject = { commonName: this.#user, organization: NODES };
    if (missing.client) {
      this.#client = await certified(client, { subject: { ...subject, dns: [] }, signerName: SIGNERS.client, purpose: 'client auth' }, log, signal);
      await writePair(dir, FILES.client, this.#client);
      this.transport.use(this.#connection());
    }
    if (missing.serving) {
      this.#serving = await certified(client, { subject: { ...subject, dns: [nodeName] }, signerName: SIGNERS.serving, purpose: 'server auth' }, log, signal);
      await writePair(dir, FILES.serving, this.#serving);
    }
  }

  #connection(): Connection {
    const { server, ca, tlsServerName } = this.#options.connection;
    return this.#client === undefined ? this.#options.connection
      : { server, ...this.#client, ...(ca === undefined ? {} : { ca }), ...(tlsServerName === undefined ? {} : { tlsServerName }) };
  }
}
