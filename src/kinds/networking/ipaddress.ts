import { validateDns1123Subdomain, validatePathSegment } from '../../apimachinery/names.ts';
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { immutable, isIp, nameErrors } from '../checks.ts';
import { AGE, column, NAME, NONE } from '../columns.ts';
import type { IPAddress, ParentReference } from '../generated/networking.ts';
import { defineKind } from '../kind.ts';
import { requiredPathName } from '../namechecks.ts';

function parentErrors(field: string, parent: ParentReference | undefined): FieldError[] {
  if (parent === undefined) {
    return [fieldError.required(field)];
  }
  const { group, resource, namespace, name } = parent;
  return [
    ...(group ? nameErrors(`${field}.group`, group, validateDns1123Subdomain) : []),
    ...requiredPathName(`${field}.resource`, resource),
    ...requiredPathName(`${field}.name`, name),
    ...(namespace ? nameErrors(`${field}.namespace`, namespace, validatePathSegment) : []),
  ];
}

/** Addresses are named after themselves, so each exists once however it may be written. */
function addressErrors(name: string): FieldError[] {
  if (!isIp(name)) {
    return [fieldError.invalid('metadata.name', name, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)')];
  }
  const canonical = name.includes(':') ? new URL(`http://[${name}]/`).hostname.slice(1, -1) : name;
  return name === canonical ? [] : [fieldError.invalid('metadata.name', name, `must be in canonical form ("${canonical}")`)];
}

/** `services/default/web`; groups other than the core one after a dot. */
function parentText({ spec }: IPAddress): string {
  const parent = spec?.parentRef;
  if (parent === undefined) {
    return NONE;
  }
  const { group, namespace } = parent;
  const resource = parent.resource ?? '';
  return [(group ? `${resource}.${group}` : resource).toLowerCase(), ...(namespace ? [namespace] : []), parent.name ?? ''].join('/');
}

export const ipAddress = defineKind<IPAddress>({
  group: 'networking.k8s.io', version: 'v1', kind: 'IPAddress', plural: 'ipaddresses', singular: 'ipaddress',
  namespaced: false, type: 'networking/v1.IPAddress', origin: 'builtin',
  shortNames: ['ip'],
  columns: [NAME, column('ParentRef', (object) => parentText(object)), AGE],
  rules: {
    name: 'pathSegment',
    generation: false,
    validate: ({ metadata, spec }) => [...addressErrors(metadata.name), ...parentErrors('spec.parentRef', spec?.parentRef)],
    validateUpdate: (object, old) => immutable('spec.parentRef', object.spec?.parentRef, old.spec?.parentRef),
  },
});
