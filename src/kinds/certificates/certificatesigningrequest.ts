import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { humanDuration } from '../../apimachinery/tables.ts';
import { deepEqual } from '../../apimachinery/values.ts';
import { AGE, column, NAME, NONE } from '../columns.ts';
import type { CertificateSigningRequest, CertificateSigningRequestCondition } from '../generated/certificates.ts';
import { defineKind } from '../kind.ts';
import { signerName } from '../namechecks.ts';

const USAGES = [
  'any', 'cert sign', 'client auth', 'code signing', 'content commitment', 'crl sign', 'data encipherment', 'decipher only', 'digital signature',
  'email protection', 'encipher only', 'ipsec end system', 'ipsec tunnel', 'ipsec user', 'key agreement', 'key encipherment', 'microsoft sgc',
  'netscape sgc', 'ocsp signing', 's/mime', 'server auth', 'signing', 'timestamping',
];
const MIN_EXPIRATION_SECONDS = 600;
const DECISIONS: readonly string[] = ['Approved', 'Denied'];
/** Conditions that can only be said, not unsaid. */
const TRUE_ONLY: readonly string[] = [...DECISIONS, 'Failed'];
const PEM_REQUEST = /-----BEGIN CERTIFICATE REQUEST-----[\s\S]+-----END CERTIFICATE REQUEST-----/;

function requestErrors(request: string | undefined): FieldError[] {
  const text = Buffer.from(request ?? '', 'base64').toString('latin1');
  return PEM_REQUEST.test(text) ? [] : [fieldError.invalid('spec.request', [...Buffer.from(request ?? '', 'base64')].join(' '), 'PEM block type must be CERTIFICATE REQUEST')];
}

function usageErrors(usages: readonly string[]): FieldError[] {
  if (usages.length === 0) {
    return [fieldError.required('spec.usages')];
  }
  const seen = new Set<string>();
  return usages.flatMap((usage, index) => {
    const at = `spec.usages[${index}]`;
    const errors = USAGES.includes(usage) ? [] : [fieldError.notSupported(at, usage, USAGES)];
    if (seen.has(usage)) {
      errors.push(fieldError.duplicate(at, usage));
    }
    seen.add(usage);
    return errors;
  });
}

function conditionErrors(conditions: readonly Partial<CertificateSigningRequestCondition>[]): FieldError[] {
  const seen = new Set<string>();
  return conditions.flatMap(({ type = '', status = '' }, index) => {
    const at = `status.conditions[${index}]`;
    const allowed = TRUE_ONLY.includes(type) ? ['True'] : ['False', 'True', 'Unknown'];
    const errors: FieldError[] = [];
    if (type === '') {
      errors.push(fieldError.required(`${at}.type`));
    }
    if (status === '') {
      errors.push(fieldError.required(`${at}.status`));
    } else if (!allowed.includes(status)) {
      errors.push(fieldError.notSupported(`${at}.status`, status, allowed));
    }
    if (DECISIONS.includes(type) && DECISIONS.some((other) => other !== type && seen.has(other))) {
      errors.push(fieldError.invalid(`${at}.type`, type, 'Approved and Denied conditions are mutually exclusive'));
    }
    if (seen.has(type)) {
      errors.push(fieldError.duplicate(`${at}.type`, type));
    }
    seen.add(type);
    return errors;
  });
}

function validate({ spec, status }: CertificateSigningRequest): FieldError[] {
  const { request, usages = [], signerName: signer, expirationSeconds } = spec ?? {};
  return [
    ...requestErrors(request),
    ...usageErrors(usages),
    ...(signer === 'kubernetes.io/legacy-unknown'
      ? [fieldError.invalid('spec.signerName', signer, 'the legacy signerName is not allowed via this API version')] : signerName('spec.signerName', signer)),
    ...(expirationSeconds !== undefined && expirationSeconds < MIN_EXPIRATION_SECONDS
      ? [fieldError.invalid('spec.expirationSeconds', expirationSeconds, `may not specify a duration less than ${MIN_EXPIRATION_SECONDS} seconds (10 minutes)`)] : []),
    ...conditionErrors(status?.conditions ?? []),
  ];
}

const decisionsOf = ({ status }: CertificateSigningRequest): readonly CertificateSigningRequestCondition[] =>
  (status?.conditions ?? []).filter(({ type }) => DECISIONS.includes(type));

/** Approval is given at `/approval` only, and what was decided is not taken back. */
function validateStatus(object: CertificateSigningRequest, old: CertificateSigningRequest): FieldError[] {
  const errors = conditionErrors(object.status?.conditions ?? []);
  const [now, before] = [decisionsOf(object), decisionsOf(old)];
  for (const { type } of before) {
    if (!now.some((one) => one.type === type)) {
      errors.push(fieldError.forbidden('status.conditions', `updates may not remove a condition of type "${type}"`));
    }
  }
  for (const { type } of now) {
    if (!before.some((one) => one.type === type)) {
      errors.push(fieldError.forbidden('status.conditions', `updates may not add a condition of type "${type}"`));
    }
  }
  const certificate = old.status?.certificate;
  if (certificate && !deepEqual(object.status?.certificate, certificate)) {
    errors.push(fieldError.forbidden('status.certificate', 'updates may not set certificate content to different content'));
  }
  return errors;
}

/** What `kubectl get csr` shows: `Pending`, `Approved,Issued`, `Denied`… */
export function requestState({ status }: CertificateSigningRequest): string {
  const types = new Set((status?.conditions ?? []).map(({ type }) => type));
  const decision = types.has('Denied') ? 'Denied' : types.has('Approved') ? 'Approved' : 'Pending';
  return [decision, ...(types.has('Failed') ? ['Failed'] : []), ...(status?.certificate ? ['Issued'] : [])].join(',');
}

export const certificateSigningRequest = defineKind<CertificateSigningRequest>({
  group: 'certificates.k8s.io', version: 'v1', kind: 'CertificateSigningRequest', plural: 'certificatesigningrequests', singular: 'certificatesigningrequest',
  namespaced: false, type: 'certificates/v1.CertificateSigningRequest', origin: 'builtin',
  shortNames: ['csr'], status: true,
  subresources: { approval: { kind: 'CertificateSigningRequest', verbs: ['get', 'patch', 'update'] } },
  columns: [
    NAME, AGE,
    column('SignerName', ({ spec }) => spec.signerName || NONE),
    column('Requestor', ({ spec }) => spec.username ?? ''),
    column('RequestedDuration', ({ spec: { expirationSeconds } }) => (expirationSeconds === undefined ? NONE : humanDuration(expirationSeconds * 1000))),
    column('Condition', (object) => requestState(object)),
  ],
  selectableFields: { 'spec.signerName': ({ spec }) => spec.signerName ?? '' },
  rules: {
    name: 'pathSegment',
    generation: false,
    defaults(object) { object.spec ??= { request: '', signerName: '' }; },
    prepareCreate(object) { object.status = {}; },
    /** Nothing of a request changes once it stands; metadata may. */
    prepareUpdate(object, old) { object.spec = old.spec; },
    validate,
    validateStatus,
  },
});
