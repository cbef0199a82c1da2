/**
 * What kube-controller-manager does for certificate requests, here beside the authority's key: approves kubelets' requests for client
 * certificates where their author may have them, signs what is approved, and forgets what is done with.
 */
import { formatTime } from '../../apimachinery/object.ts';
import { deepClone } from '../../apimachinery/values.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import type { CertificateSigningRequest, CertificateSigningRequestCondition } from '../../kinds/generated/certificates.ts';
import { typed } from '../../kinds/typed.ts';
import type { AnyKind } from '../../kinds/kind.ts';
import type { AdmissionPlugin } from '../admission/admission.ts';
import type { Attributes } from '../authz/authorizer.ts';
import { CSR_CLEAN_INTERVAL_MS } from '../limits.ts';
import type { KeyPair } from '../pki/index.ts';
import { serverContext, unlessGone } from '../self.ts';
import type { User } from '../types.ts';
import type { Core, Target } from '../verbs/core.ts';
import { deleteObject } from '../verbs/deletes.ts';
import { updateObject, type UpdateScope } from '../verbs/writes.ts';
import { CertificateRequestError, parseCertificateRequest, type CertificateRequest } from './request.ts';
import { isKnownSigner, kubeletClientError, NODE_PREFIX, NODES, SIGNER, signerError } from './signers.ts';

const GROUP = 'certificates.k8s.io';
const TYPE = 'certificates.k8s.io/v1 CertificateSigningRequest';
/** A certificate lives this long unless its request asks for less, seconds. */
const DEFAULT_LIFETIME = 365 * 86_400;
const MIN_LIFETIME = 600;
const HOUR_MS = 3_600_000;
/** Requests nobody has decided on are kept this long; decided ones an hour. */
const PENDING_MS = 24 * HOUR_MS;
const APPROVAL: UpdateScope = { part: 'other', subresource: 'approval', check: 'object', generation: false };

const has = ({ status }: CertificateSigningRequest, type: string): boolean =>
  (status?.conditions ?? []).some((condition) => condition.type === type && condition.status === 'True');

/** When a request may be forgotten, ms; what was issued an hour after it was approved. */
function expiryOf(csr: CertificateSigningRequest): number {
  const decided = (csr.status?.conditions ?? []).filter(({ type }) => type === 'Approved' || type === 'Denied' || type === 'Failed');
  const [condition] = decided;
  const waiting = condition === undefined || (condition.type === 'Approved' && !csr.status?.certificate && !has(csr, 'Failed'));
  return waiting ? Date.parse(csr.metadata.creationTimestamp ?? '') + PENDING_MS : Date.parse(condition.lastUpdateTime ?? '') + HOUR_MS;
}

/** Kinds of access that let somebody have a kubelet's certificate without being asked. */
const AUTOMATIC = [
  { subresource: 'selfnodeclient', own: true, message: 'Auto approving self kubelet client certificate after SubjectAccessReview.' },
  { subresource: 'nodeclient', own: false, message: 'Auto approving kubelet client certificate after SubjectAccessReview.' },
] as const;

/** Names of the API server itself: a node of that name must not be taken for it. */
const SERVERS_NAMES = /^(localhost|kubernetes(\.default(\.svc(\..*)?)?)?)$/;

/**
 * Kubernetes leaves serving certificates to an approver of the cluster's choice; this one is as strict as can be: a node, for its own name
 * and no address, which is all that this server checks when it calls a node.
 */
function isOwnServing({ spec }: CertificateSigningRequest, request: CertificateRequest): boolean {
  const { dns, ip } = request.names;
  const name = request.commonName.slice(NODE_PREFIX.length);
  return signerError(SIGNER.kubeletServing, request, spec.usages ?? []) === undefined
    && spec.username === request.commonName && (spec.groups ?? []).includes(NODES)
    && dns.length === 1 && dns[0] === name && ip.length === 0 && !SERVERS_NAMES.test(name);
}

export class CertificateController implements AdmissionPlugin {
  readonly name = 'CertificateController';
  readonly #ca: () => KeyPair;
  readonly #context = serverContext();
  readonly #waiting = new Set<string>();
  #core: Core | undefined;
  #work: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  /** `ca`: the authority of the moment. */
  constructor(ca: () => KeyPair) {
    this.#ca = ca;
  }

  /** Takes up what was left from before, and what comes from now on. */
  start(core: Core): void {
    this.#core = core;
    for (const { metadata } of core.lookup.list([GROUP, 'v1', 'certificatesigningrequests'])) {
      this.#take(metadata.name);
    }
    this.#timer = setInterval(() => { this.#then(() => this.clean()); }, CSR_CLEAN_INTERVAL_MS).unref();
  }

  /** Resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#core = undefined;
    await this.#work;
  }

  committed(kind: AnyKind, now: KubeObject | undefined): void {
    if (now !== undefined && kind.group === GROUP && kind.plural === 'certificatesigningrequests') {
      this.#take(now.metadata.name);
    }
  }

  #take(name: string): void {
    if (this.#core === undefined || this.#waiting.has(name)) {
      return;
    }
    this.#waiting.add(name);
    this.#then(() => {
      this.#waiting.delete(name);
      return this.#handle(name);
    });
  }

  /** One after the other: requests are few, and each writes itself again. */
  #then(step: () => Promise<void>): void {
    this.#work = this.#work.then(step).catch((error: unknown) => {
      this.#core?.log.warn({ error: error instanceof Error ? error.message : String(error) }, 'a certificate request could not be handled');
    });
  }

  #target(name: string): Target | undefined {
    const kind = this.#core?.registry.byResource(GROUP, 'v1', 'certificatesigningrequests');
    return kind === undefined ? undefined : { kind, namespace: '', name };
  }

  async #handle(name: string): Promise<void> {
    const target = this.#target(name);
    const object = target === undefined ? undefined : this.#core?.get(target)?.object;
    if (target === undefined || object === undefined) {
      return;
    }
    const csr = typed(TYPE, object);
    if (!isKnownSigner(csr.spec.signerName) || csr.status?.certificate || has(csr, 'Denied') || has(csr, 'Failed')) {
      return;
    }
    let request: CertificateRequest;
    try {
      request = parseCertificateRequest(csr.spec.request);
    } catch (error) {
      if (!(error instanceof CertificateRequestError)) {
        throw error;
      }
      return;
    }
    await (has(csr, 'Approved') ? this.#sign(target, csr, request) : this.#approve(target, csr, request));
  }

  async #approve(target: Target, csr: CertificateSigningRequest, request: CertificateRequest): Promise<void> {
    if (csr.spec.signerName === SIGNER.kubeletServing && isOwnServing(csr, request)) {
      await this.#write(target, APPROVAL, (status) => {
        status.conditions = [...status.conditions ?? [], condition('Approved', 'AutoApproved', 'Auto approving a kubelet serving certificate for the name of the node that asks for it.')];
      });
      return;
    }
    if (csr.spec.signerName !== SIGNER.kubeletClient || kubeletClientError(request, csr.spec.usages ?? []) !== undefined) {
      return;
    }
    for (const { subresource, own, message } of AUTOMATIC) {
      if ((!own || csr.spec.username === request.commonName) && await this.#mayHave(csr, subresource)) {
        await this.#write(target, APPROVAL, (status) => {
          status.conditions = [...status.conditions ?? [], condition('Approved', 'AutoApproved', message)];
        });
        return;
      }
    }
  }

  async #mayHave({ spec }: CertificateSigningRequest, subresource: string): Promise<boolean> {
    const user: User = { name: spec.username ?? '', groups: spec.groups ?? [], ...(spec.uid === undefined ? {} : { uid: spec.uid }) };
    const attributes: Attributes = {
      user, verb: 'create', isResource: true, group: GROUP, version: '*', resource: 'certificatesigningrequests', subresource, namespace: '', name: '', path: '',
    };
    return (await this.#core?.authorizer.authorize(attributes))?.allowed ?? false;
  }

  async #sign(target: Target, csr: CertificateSigningRequest, request: CertificateRequest): Promise<void> {
    const { signerName, usages = [], expirationSeconds } = csr.spec;
    const problem = signerError(signerName, request, usages);
    if (problem !== undefined) {
      await this.#write(target, { part: 'status' }, (status) => {
        status.conditions = [...status.conditions ?? [], condition('Failed', 'SignerValidationFailure', problem)];
      });
      return;
    }
    const { issueRequested } = await import('../pki/issue.ts');
    const lifetime = Math.max(MIN_LIFETIME, Math.min(expirationSeconds ?? DEFAULT_LIFETIME, DEFAULT_LIFETIME));
    const certificate = issueRequested(this.#ca(), { ...request, usages, lifetime });
    await this.#write(target, { part: 'status' }, (status) => { status.certificate = Buffer.from(certificate).toString('base64'); });
  }

  async #write(target: Target, scope: UpdateScope, change: (status: NonNullable<CertificateSigningRequest['status']>) => void): Promise<void> {
    const core = this.#core;
    if (core === undefined) {
      return;
    }
    const mutate = (current: KubeObject): KubeObject => {
      const next = deepClone(current);
      const csr = typed(TYPE, next);
      csr.status ??= {};
      change(csr.status);
      return next;
    };
    await unlessGone(updateObject(core, { target, scope, mutate }, this.#context));
  }

  /** Deletes requests that are done with. */
  async clean(now: number = Date.now()): Promise<void> {
    const core = this.#core;
    for (const object of core?.lookup.list([GROUP, 'v1', 'certificatesigningrequests']) ?? []) {
      const target = this.#target(object.metadata.name);
      if (core !== undefined && target !== undefined && expiryOf(typed(TYPE, object)) < now) {
        await unlessGone(deleteObject(core, target, {}, this.#context));
      }
    }
  }
}

const condition = (type: string, reason: string, message: string): CertificateSigningRequestCondition =>
  ({ type, status: 'True', reason, message, lastUpdateTime: formatTime(), lastTransitionTime: formatTime() });
