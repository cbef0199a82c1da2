/**
 * CertificateSigningRequests on their way in: who asks is written by the server, who may approve and sign is asked of the authorizer, and
 * nobody becomes a member of system:masters this way. Kubernetes' plugins CertificateApproval, CertificateSigning and CertificateSubjectRestriction.
 */
import { fieldError, forbidden, invalid, type StatusError } from '../../apimachinery/status.ts';
import { deepEqual } from '../../apimachinery/values.ts';
import type { CertificateSigningRequest } from '../../kinds/generated/certificates.ts';
import { typed } from '../../kinds/typed.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../admission/admission.ts';
import type { Attributes, Authorizer } from '../authz/authorizer.ts';
import { MASTERS } from '../authz/masters.ts';
import { CertificateRequestError, parseCertificateRequest, type CertificateRequest } from './request.ts';
import { SIGNER } from './signers.ts';

const GROUP = 'certificates.k8s.io';
const TYPE = 'certificates.k8s.io/v1 CertificateSigningRequest';

const isCsr = ({ kind }: AdmissionRequest): boolean => kind.group === GROUP && kind.plural === 'certificatesigningrequests';

const refusal = ({ name }: AdmissionRequest, why: string): StatusError => forbidden({ group: GROUP, resource: 'certificatesigningrequests', name }, why);

/** The signer's own name, or all signers of its domain. */
async function mayActFor(authorizer: Authorizer, request: AdmissionRequest, verb: 'approve' | 'sign', signer: string): Promise<boolean> {
  const names = [signer, `${signer.slice(0, signer.indexOf('/'))}/*`];
  for (const name of names) {
    const attributes: Attributes = {
      user: request.user, verb, isResource: true, group: GROUP, version: 'v1', resource: 'signers', subresource: '', namespace: '', name, path: '',
    };
    if ((await authorizer.authorize(attributes)).allowed) {
      return true;
    }
  }
  return false;
}

/** Throws Invalid for what is no request, or is not signed with the key it is about. */
function parsed(request: AdmissionRequest, csr: CertificateSigningRequest): CertificateRequest {
  try {
    return parseCertificateRequest(csr.spec.request);
  } catch (error) {
    if (error instanceof CertificateRequestError) {
      throw invalid({ group: GROUP, resource: 'CertificateSigningRequest', name: request.name }, [fieldError.invalid('spec.request', csr.spec.request, error.message)]);
    }
    throw error;
  }
}

const requester: AdmissionPlugin = {
  name: 'CertificateRequester',
  admit(request): void {
    const { operation, object, user } = request;
    if (operation !== 'CREATE' || object === undefined || !isCsr(request)) {
      return;
    }
    const { spec } = typed(TYPE, object);
    spec.username = user.name;
    spec.groups = [...user.groups];
    if (user.uid === undefined) {
      delete spec.uid;
    } else {
      spec.uid = user.uid;
    }
    if (user.extra === undefined) {
      delete spec.extra;
    } else {
      spec.extra = Object.fromEntries(Object.entries(user.extra).map(([key, values]) => [key, [...values]]));
    }
  },
};

const subjectRestriction: AdmissionPlugin = {
  name: 'CertificateSubjectRestriction',
  validate(request): void {
    const { operation, object } = request;
    if (operation !== 'CREATE' || object === undefined || !isCsr(request)) {
      return;
    }
    const csr = typed(TYPE, object);
    const { organizations } = parsed(request, csr);
    if (csr.spec.signerName === SIGNER.client && organizations.includes(MASTERS)) {
      throw refusal(request, `use of ${SIGNER.client} signer with ${MASTERS} group is not allowed`);
    }
  },
};

/** Whether an update of `/status` issues a certificate or says that none will be. */
function signs(now: CertificateSigningRequest, before: CertificateSigningRequest): boolean {
  const failures = ({ status }: CertificateSigningRequest): readonly unknown[] => (status?.conditions ?? []).filter(({ type }) => type === 'Failed');
  return now.status?.certificate !== before.status?.certificate || !deepEqual(failures(now), failures(before));
}

const decision = (authorizer: Authorizer, name: string, subresource: string, verb: 'approve' | 'sign'): AdmissionPlugin => ({
  name,
  async validate(request): Promise<void> {
    const { operation, object, old } = request;
    if (operation !== 'UPDATE' || request.subresource !== subresource || object === undefined || old === undefined || !isCsr(request)) {
      return;
    }
    const before = typed(TYPE, old);
    if ((verb === 'approve' || signs(typed(TYPE, object), before)) && !await mayActFor(authorizer, request, verb, before.spec.signerName)) {
      throw refusal(request, `user not permitted to ${verb} requests with signerName ${JSON.stringify(before.spec.signerName)}`);
    }
  },
});

export const certificatePlugins = (authorizer: Authorizer): AdmissionPlugin[] => [
  requester, subjectRestriction, decision(authorizer, 'CertificateApproval', 'approval', 'approve'), decision(authorizer, 'CertificateSigning', 'status', 'sign'),
];
