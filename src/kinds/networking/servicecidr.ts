import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { IMMUTABLE, isCidr } from '../checks.ts';
import { AGE, column, NAME } from '../columns.ts';
import type { ServiceCIDR } from '../generated/networking.ts';
import { inert } from '../inert.ts';
import { defineKind } from '../kind.ts';
import { ownStatus } from '../strategy.ts';

const FIELD = 'spec.cidrs';
const MAX_CIDRS = 2;
const family = (cidr: string): 4 | 6 => (cidr.includes(':') ? 6 : 4);

function validate({ spec }: ServiceCIDR): FieldError[] {
  const cidrs = spec?.cidrs ?? [];
  if (cidrs.length === 0) {
    return [fieldError.required(FIELD, 'at least one CIDR required')];
  }
  if (cidrs.length > MAX_CIDRS) {
    return [fieldError.invalid(FIELD, cidrs, `may only hold up to ${MAX_CIDRS} values`)];
  }
  const errors = cidrs.flatMap((cidr, index) => (isCidr(cidr) ? []
    : [fieldError.invalid(`${FIELD}[${index}]`, cidr, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)')]));
  const families = new Set(cidrs.map(family));
  return cidrs.length === MAX_CIDRS && families.size === 1
    ? [...errors, fieldError.invalid(FIELD, cidrs, 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64')] : errors;
}

/** Ranges stay; a second family may be added. */
function validateUpdate({ spec }: ServiceCIDR, { spec: old }: ServiceCIDR): FieldError[] {
  const [now, before] = [spec?.cidrs ?? [], old?.cidrs ?? []];
  if (now.length !== before.length && !(before.length === 1 && now.length === MAX_CIDRS)) {
    return [fieldError.invalid(FIELD, now, IMMUTABLE)];
  }
  return before.flatMap((cidr, index) => (now[index] === cidr ? [] : [fieldError.invalid(`${FIELD}[${index}]`, now[index], IMMUTABLE)]));
}

export const serviceCidr = defineKind<ServiceCIDR>({
  group: 'networking.k8s.io', version: 'v1', kind: 'ServiceCIDR', plural: 'servicecidrs', singular: 'servicecidr',
  namespaced: false, type: 'networking/v1.ServiceCIDR', origin: 'builtin', status: true,
  columns: [NAME, column('CIDRs', ({ spec }) => (spec?.cidrs ?? []).join(',')), AGE],
  rules: {
    ...ownStatus(() => ({})),
    generation: false,
    validate,
    validateUpdate,
    warnings: inert('ServiceCIDR', 'addresses come from the range that the instance was started with'),
  },
});
