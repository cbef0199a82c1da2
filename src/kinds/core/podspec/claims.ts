/** Validation of the devices a pod claims, and of which container uses which. */
import { validateDns1123Label, validateDns1123Subdomain } from '../../../apimachinery/names.ts';
import { fieldError, type FieldError } from '../../../apimachinery/status.ts';
import { nameErrors } from '../../checks.ts';
import type { PodResourceClaim, ResourceClaim } from '../../generated/core.ts';

const ONE_SOURCE = 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`';

export function validateClaims(field: string, claims: readonly PodResourceClaim[]): FieldError[] {
  const seen = new Set<string>();
  return claims.flatMap(({ name, resourceClaimName: claim, resourceClaimTemplateName: template }, index) => {
    const at = `${field}[${index}]`;
    const errors = name ? nameErrors(`${at}.name`, name, validateDns1123Label) : [fieldError.required(`${at}.name`)];
    if (name && seen.has(name)) {
      errors.push(fieldError.duplicate(`${at}.name`, name));
    }
    seen.add(name);
    if (claim !== undefined && template !== undefined) {
      errors.push(fieldError.invalid(at, { name, resourceClaimName: claim, resourceClaimTemplateName: template }, 'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified'));
    }
    if (claim === undefined && template === undefined) {
      errors.push(fieldError.invalid(at, { name }, ONE_SOURCE));
    }
    return [
      ...errors,
      ...(claim === undefined ? [] : nameErrors(`${at}.resourceClaimName`, claim, validateDns1123Subdomain)),
      ...(template === undefined ? [] : nameErrors(`${at}.resourceClaimTemplateName`, template, validateDns1123Subdomain)),
    ];
  });
}

/** Claims of one container: those of the pod, each once and whole or request by request. */
export function claimRefErrors(field: string, refs: readonly ResourceClaim[] | undefined, known: ReadonlySet<string>): FieldError[] {
  const seen = new Set<string>();
  return (refs ?? []).flatMap(({ name, request }, index) => {
    const at = `${field}[${index}]`;
    if (!name) {
      return [fieldError.required(`${at}.name`)];
    }
    const whole = request ? `${name}/${request}` : name;
    const errors = seen.has(whole) || (request && seen.has(name)) ? [fieldError.duplicate(at, whole)] : [];
    seen.add(whole);
    return known.has(name) ? errors : [...errors, fieldError.notFound(`${at}.name`, name)];
  });
}
