/** Checks that many kinds share, worded as k8s.io/apimachinery words them. Each returns what is wrong, so an empty list is good. */
import { validateLabelValue, validateQualifiedName } from '../apimachinery/names.ts';
import { validateLabels } from '../apimachinery/objectmeta.ts';
import { compareQuantities, parseQuantity, QuantityError } from '../apimachinery/quantity.ts';
import { fieldError, type FieldError } from '../apimachinery/status.ts';
import { deepEqual } from '../apimachinery/values.ts';
import type * as meta from './generated/meta.ts';

export const IMMUTABLE = 'field is immutable';
const NON_NEGATIVE = 'must be greater than or equal to 0';
const GREATER_THAN_ZERO = 'must be greater than 0';

/** The messages of a name rule, put on a field. */
export const nameErrors = (field: string, value: string, rule: (value: string) => string[]): FieldError[] =>
  rule(value).map((why) => fieldError.invalid(field, value, why));

export const nonNegative = (field: string, value: number | undefined): FieldError[] =>
  value !== undefined && value < 0 ? [fieldError.invalid(field, value, NON_NEGATIVE)] : [];

export const positive = (field: string, value: number | undefined): FieldError[] =>
  value !== undefined && value <= 0 ? [fieldError.invalid(field, value, GREATER_THAN_ZERO)] : [];

/** A value out of a closed set; absent and empty count as not set. */
export function oneOf(field: string, value: string | undefined, allowed: readonly string[]): FieldError[] {
  return value === undefined || value === '' || allowed.includes(value) ? [] : [fieldError.notSupported(field, value, allowed)];
}

/** As `oneOf`, and required. */
export function requiredOneOf(field: string, value: string | undefined, allowed: readonly string[]): FieldError[] {
  return value === undefined || value === '' ? [fieldError.required(field)] : oneOf(field, value, allowed);
}

export const requiredText = (field: string, value: string | undefined, why = ''): FieldError[] =>
  value === undefined || value === '' ? [fieldError.required(field, why)] : [];

/** A port number, 1 to 65535. */
export function portNumber(field: string, value: number | undefined): FieldError[] {
  return value !== undefined && Number.isInteger(value) && value >= 1 && value <= 65535
    ? [] : [fieldError.invalid(field, value ?? 0, 'must be between 1 and 65535, inclusive')];
}

/** IANA_SVC_NAME: what ports may be called. */
export function portName(value: string): string[] {
  const errors: string[] = [];
  if (value.length > 15) {
    errors.push('must be no more than 15 characters');
  }
  if (!/^[-a-z0-9]+$/.test(value)) {
    errors.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  }
  if (!/[a-z]/.test(value)) {
    errors.push('must contain at least one letter (a-z)');
  }
  if (value.includes('--')) {
    errors.push('must not contain consecutive hyphens');
  }
  if (value.startsWith('-') || value.endsWith('-')) {
    errors.push('must not begin or end with a hyphen');
  }
  return errors;
}

/** A port by number or by name. */
export function portOrName(field: string, value: number | string | undefined): FieldError[] {
  return typeof value === 'string' ? nameErrors(field, value, portName) : portNumber(field, value);
}

/** A number or a percentage, not negative; percentages may be limited to 100. */
export function intOrPercent(field: string, value: number | string | undefined): FieldError[] {
  if (value === undefined) {
    return [];
  }
  if (typeof value === 'string') {
    return /^\d+%$/.test(value) ? [] : [fieldError.invalid(field, value, "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')")];
  }
  return nonNegative(field, value);
}

/** What a number-or-percentage comes to; 0 where there is none. */
export const scaledValue = (value: number | string | undefined): number =>
  (typeof value === 'string' ? Number.parseInt(value, 10) : value ?? 0);

/** Whether the text is a quantity at all; the decoder has usually said so before. */
export function quantity(field: string, value: string): FieldError[] {
  try {
    parseQuantity(value);
    return [];
  } catch (error) {
    if (error instanceof QuantityError) {
      return [fieldError.invalid(field, value, error.message)];
    }
    throw error;
  }
}

export function nonNegativeQuantity(field: string, value: string): FieldError[] {
  const errors = quantity(field, value);
  return errors.length > 0 || compareQuantities(value, '0') >= 0 ? errors : [fieldError.invalid(field, value, NON_NEGATIVE)];
}

export function positiveQuantity(field: string, value: string): FieldError[] {
  const errors = quantity(field, value);
  return errors.length > 0 || compareQuantities(value, '0') > 0 ? errors : [fieldError.invalid(field, value, 'must be greater than zero')];
}

export const immutable = (field: string, value: unknown, old: unknown): FieldError[] =>
  (deepEqual(value, old) ? [] : [fieldError.invalid(field, value, IMMUTABLE)]);

function labelRequirement(field: string, requirement: meta.LabelSelectorRequirement): FieldError[] {
  const values = requirement.values ?? [];
  const errors: FieldError[] = [];
  if (requirement.operator === 'In' || requirement.operator === 'NotIn') {
    if (values.length === 0) {
      errors.push(fieldError.required(`${field}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
    }
  } else if (requirement.operator === 'Exists' || requirement.operator === 'DoesNotExist') {
    if (values.length > 0) {
      errors.push(fieldError.forbidden(`${field}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
    }
  } else {
    errors.push(fieldError.invalid(`${field}.operator`, requirement.operator ?? '', 'not a valid selector operator'));
  }
  errors.push(...nameErrors(`${field}.key`, requirement.key ?? '', validateQualifiedName));
  for (const [index, value] of values.entries()) {
    errors.push(...nameErrors(`${field}.values[${index}]`, value, validateLabelValue));
  }
  return errors;
}

export function labelSelector(field: string, selector: meta.LabelSelector | undefined): FieldError[] {
  return [
    ...validateLabels(selector?.matchLabels, `${field}.matchLabels`),
    ...(selector?.matchExpressions ?? []).flatMap((one, index) => labelRequirement(`${field}.matchExpressions[${index}]`, one)),
  ];
}

export const isEmptySelector = (selector: meta.LabelSelector | undefined): boolean =>
  Object.keys(selector?.matchLabels ?? {}).length + (selector?.matchExpressions?.length ?? 0) === 0;

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)$/;

/** True for an IPv4 or IPv6 address in text. */
export function isIp(value: string): boolean {
  if (IPV4.test(value)) {
    return true;
  }
  return value.includes(':') && /^[0-9a-fA-F:.]+$/.test(value) && URL.canParse(`http://[${value}]/`);
}

export const ipAddress = (field: string, value: string): FieldError[] =>
  (isIp(value) ? [] : [fieldError.invalid(field, value, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)')]);

/** Addresses that cannot be somebody else's: of this host, of this link, of everybody. */
export function notSpecialIp(field: string, value: string): FieldError[] {
  const text = value.toLowerCase();
  const why = text === '0.0.0.0' || text === '::' ? `may not be unspecified (${value})`
    : text.startsWith('127.') || text === '::1' ? 'may not be in the loopback range (127.0.0.0/8, ::1/128)'
      : text.startsWith('169.254.') || /^fe[89ab]/.test(text) ? 'may not be in the link-local range (169.254.0.0/16, fe80::/10)'
        : text.startsWith('224.0.0.') || text.startsWith('ff02:') ? 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)' : '';
  return why === '' ? [] : [fieldError.invalid(field, value, why)];
}

/** True for `address/prefix`. */
export function isCidr(value: string): boolean {
  const slash = value.indexOf('/');
  const [address, prefix] = [value.slice(0, slash), value.slice(slash + 1)];
  return slash > 0 && isIp(address) && /^\d{1,3}$/.test(prefix) && Number(prefix) <= (address.includes(':') ? 128 : 32);
}

/** An IP address as a number of 32 or 128 bits. */
function addressBits(address: string): bigint {
  if (!address.includes(':')) {
    return address.split('.').reduce((value, part) => value * 256n + BigInt(part), 0n);
  }
  // The URL parser writes IPv6 addresses in one way; dotted quads at the end become two groups.
  const canonical = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [head = '', tail] = canonical.split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const [before, after] = [groups(head), groups(tail ?? '')];
  const all = tail === undefined ? before : [...before, ...Array.from({ length: 8 - before.length - after.length }, () => '0'), ...after];
  return all.reduce((value, group) => value * 65_536n + BigInt(`0x${group}`), 0n);
}

/** Whether `inner` is a part of `outer` and smaller; both are valid. */
export function isStrictSubnet(inner: string, outer: string): boolean {
  const [[address = '', prefix = ''], [base = '', length = '']] = [inner.split('/'), outer.split('/')];
  if (address.includes(':') !== base.includes(':') || Number(prefix) <= Number(length)) {
    return false;
  }
  const shift = BigInt((base.includes(':') ? 128 : 32) - Number(length));
  return addressBits(address) >> shift === addressBits(base) >> shift;
}

export const INVALID_CIDR = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';

/** Values that occur twice, each reported once at its second place. */
export function duplicates(values: readonly string[], field: (index: number) => string): FieldError[] {
  const seen = new Set<string>();
  return values.flatMap((value, index) => {
    if (value !== '' && seen.has(value)) {
      return [fieldError.duplicate(field(index), value)];
    }
    seen.add(value);
    return [];
  });
}

/** Keys of a ConfigMap or Secret, which become file names. */
export function configKey(value: string): string[] {
  const errors: string[] = [];
  if (value.length > 253) {
    errors.push('must be no more than 253 characters');
  }
  if (!/^[-._a-zA-Z0-9]+$/.test(value)) {
    errors.push("a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')");
  }
  if (value === '.' || value === '..') {
    errors.push(`must not be '${value}'`);
  } else if (value.startsWith('..')) {
    errors.push("must not start with '..'");
  }
  return errors;
}
