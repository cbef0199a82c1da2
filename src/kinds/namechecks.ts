/** Checks of composed names and references that several groups share, worded as Kubernetes words them. */
import { validateDns1123Label, validateDns1123Subdomain, validatePathSegment } from '../apimachinery/names.ts';
import { fieldError, type FieldError } from '../apimachinery/status.ts';
import { ipAddress, isIp, nameErrors } from './checks.ts';

const MAX_DRIVER_NAME = 63;
const MAX_DOMAIN = 253;
/** A domain, a slash and a path of the longest lengths; the domain's last label leaves room for its dot. */
const MAX_SIGNER_NAME = 571;

/** The name of a CSI or DRA driver: a lower-case-able domain of at most 63 characters. */
export function driverName(field: string, value: string | undefined): FieldError[] {
  if (value === undefined || value === '') {
    return [fieldError.required(field)];
  }
  return [
    ...(value.length > MAX_DRIVER_NAME ? [fieldError.tooLong(field, MAX_DRIVER_NAME)] : []),
    ...validateDns1123Subdomain(value.toLowerCase()).map((why) => fieldError.invalid(field, value, why)),
  ];
}

/** A name that says whose it is: a domain of at least three parts. */
export function fullyQualified(field: string, value: string | undefined): FieldError[] {
  if (value === undefined || value === '') {
    return [fieldError.required(field)];
  }
  const errors = validateDns1123Subdomain(value);
  if (errors.length > 0) {
    return [fieldError.invalid(field, value, errors.join(','))];
  }
  return value.split('.').length < 3
    ? [fieldError.invalid(field, value, 'should be a domain with at least three segments separated by dots')] : [];
}

/** `example.com/signer`, of certificate requests and trust bundles. */
export function signerName(field: string, value: string | undefined): FieldError[] {
  if (value === undefined || value === '') {
    return [fieldError.required(field)];
  }
  const [domain = '', path, ...more] = value.split('/');
  if (path === undefined || more.length > 0) {
    return [fieldError.invalid(field, value, "must be a fully qualified domain and path of the form 'example.com/signer-name'")];
  }
  const labels = domain.split('.');
  const errors = [
    ...(domain.length > MAX_DOMAIN ? [fieldError.tooLong(field, MAX_DOMAIN)] : []),
    ...labels.flatMap((label) => validateDns1123Label(label).map((why) => fieldError.invalid(field, domain, `validating label "${label}": ${why}`))),
    ...(labels.length < 2 ? [fieldError.invalid(field, domain, 'should be a domain with at least two segments separated by dots')] : []),
  ];
  for (const label of path.split('.')) {
    errors.push(...validateDns1123Subdomain(label).map((why) => fieldError.invalid(field, path, `validating label "${label}": ${why}`)));
  }
  return value.length > MAX_SIGNER_NAME ? [...errors, fieldError.tooLong(field, MAX_SIGNER_NAME)] : errors;
}

/** What may follow the domain. */
const PATH = /^[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/;

/** `acme.io/foo`, of at most `max` bytes: who looks after an object. */
export function domainPath(field: string, value: string, max: number): FieldError[] {
  const errors = value.length > max ? [fieldError.tooLong(field, max)] : [];
  const [host = '', ...rest] = value.split('/');
  const path = rest.join('/');
  if (host === '' || path === '') {
    return [...errors, fieldError.invalid(field, value, 'must be a domain-prefixed path (such as "acme.io/foo")')];
  }
  return [
    ...errors,
    ...validateDns1123Subdomain(host).map((why) => fieldError.invalid(field, host, why)),
    ...(PATH.test(path) ? [] : [fieldError.invalid(field, path, "Invalid path (e.g. 'foo/bar', regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')")]),
  ];
}

/** A required name that may be anything which can stand in a path. */
export const requiredPathName = (field: string, value: string | undefined): FieldError[] =>
  (value === undefined || value === '' ? [fieldError.required(field)] : nameErrors(field, value, validatePathSegment));

export const notAddress = (field: string, name: string): FieldError[] =>
  (isIp(name) ? [fieldError.invalid(field, name, 'must be a DNS name, not an IP address')] : []);

/** Where a load balancer of a Service or an Ingress can be reached. */
export const balancerPointErrors = (field: string, { ip, hostname }: { ip?: string; hostname?: string }): FieldError[] => [
  ...(ip ? ipAddress(`${field}.ip`, ip) : []),
  ...(hostname ? [...nameErrors(`${field}.hostname`, hostname, validateDns1123Subdomain), ...notAddress(`${field}.hostname`, hostname)] : []),
];
