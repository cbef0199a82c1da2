/** Names and small values that claims, classes and slices share, and the sizes they are limited to. */
import { validateDns1123Label, validateDns1123Subdomain, validateLabelValue, validateQualifiedName } from '../../apimachinery/names.ts';
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { isObject } from '../../apimachinery/values.ts';
import { nameErrors } from '../checks.ts';
import type { DeviceTaint, DeviceToleration, OpaqueDeviceConfiguration, DeviceSelector } from '../generated/resource.ts';
import { driverName } from '../namechecks.ts';
import { deviceExpressionErrors } from './expressions.ts';

export const MAX_SELECTORS = 32;
export const MAX_CONFIGS = 32;
const MAX_POOL_NAME = 253;
const MAX_ID = 32;
const MAX_OPAQUE_BYTES = 10 * 1024;
const MAX_EXPRESSION = 10 * 1024;
const MAX_BINDING_CONDITIONS = 4;
const EFFECTS = ['NoExecute', 'NoSchedule', 'None'];
const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;
const IDENTIFIER_WORDS = "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_' "
  + "(e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is '[A-Za-z_][A-Za-z0-9_]*')";

/** The items' errors, or only that there are too many of them. */
export function limited<T>(field: string, items: readonly T[] | undefined, max: number, check: (at: string, item: T) => FieldError[]): FieldError[] {
  const list = items ?? [];
  return list.length > max ? [fieldError.tooMany(field, list.length, max)] : list.flatMap((item, index) => check(`${field}[${index}]`, item));
}

interface Keyed<T> {
  check: (at: string, item: T) => FieldError[];
  key: (item: T) => string;
}

/** As `limited`, where a key may stand once only. */
export function limitedSet<T>(field: string, items: readonly T[] | undefined, max: number, keyed: Keyed<T>): FieldError[] {
  const list = items ?? [];
  const errors = limited(field, list, max, keyed.check);
  if (list.length > max) {
    return errors;
  }
  const seen = new Set<string>();
  for (const [index, item] of list.entries()) {
    const key = keyed.key(item);
    if (seen.has(key)) {
      errors.push(fieldError.duplicate(`${field}[${index}]`, key));
    }
    seen.add(key);
  }
  return errors;
}

export const labelName = (field: string, value: string | undefined): FieldError[] => nameErrors(field, value ?? '', validateDns1123Label);

export const className = (field: string, value: string | undefined): FieldError[] =>
  (value ? nameErrors(field, value, validateDns1123Subdomain) : [fieldError.required(field)]);

/** Subdomains with slashes between them. */
export function poolName(field: string, value: string | undefined): FieldError[] {
  if (!value) {
    return [fieldError.required(field)];
  }
  return [
    ...(value.length > MAX_POOL_NAME ? [fieldError.tooLong(field, MAX_POOL_NAME)] : []),
    ...value.split('/').flatMap((part) => nameErrors(field, part, validateDns1123Subdomain)),
  ];
}

function identifier(field: string, value: string): FieldError[] {
  return [
    ...(value.length > MAX_ID ? [fieldError.tooLong(field, MAX_ID)] : []),
    ...(IDENTIFIER.test(value) ? [] : [fieldError.invalid(field, value, IDENTIFIER_WORDS)]),
  ];
}

/** `memory` or `driver.example.com/memory`. */
export function qualifiedName(field: string, value: string): FieldError[] {
  const [first = '', second, ...more] = value.split('/');
  if (second === undefined) {
    return identifier(field, first);
  }
  if (more.length > 0) {
    return [fieldError.invalid(field, value, 'must not contain more than one slash')];
  }
  return [
    ...(first === '' ? [fieldError.invalid(field, '', 'the domain must not be empty')] : driverName(field, first)),
    ...(second === '' ? [fieldError.invalid(field, '', 'the name must not be empty')] : identifier(field, second)),
  ];
}

export const fullyQualifiedName = (field: string, value: string): FieldError[] => [
  ...qualifiedName(field, value),
  ...(value.includes('/') ? [] : [fieldError.invalid(field, value, 'a fully qualified name must be a domain and a name separated by a slash')]),
];

const labelKey = (field: string, value: string | undefined): FieldError[] => nameErrors(field, value ?? '', validateQualifiedName);

export function taintErrors(field: string, { key, value, effect }: DeviceTaint): FieldError[] {
  return [
    ...labelKey(`${field}.key`, key),
    ...(value ? nameErrors(`${field}.value`, value, validateLabelValue) : []),
    ...(effect ? EFFECTS.includes(effect) ? [] : [fieldError.notSupported(`${field}.effect`, effect, EFFECTS)] : [fieldError.required(`${field}.effect`)]),
  ];
}

export function tolerationErrors(field: string, { key, operator, value = '', effect }: DeviceToleration): FieldError[] {
  const errors = key ? labelKey(`${field}.key`, key) : [];
  switch (operator) {
    case 'Exists':
      errors.push(...(value === '' ? [] : [fieldError.invalid(`${field}.value`, value, 'must be empty for operator `Exists`')]));
      break;
    case 'Equal': errors.push(...nameErrors(`${field}.value`, value, validateLabelValue)); break;
    case undefined: case '': errors.push(fieldError.required(`${field}.operator`)); break;
    default: errors.push(fieldError.notSupported(`${field}.operator`, operator, ['Equal', 'Exists']));
  }
  return effect && !EFFECTS.includes(effect) ? [...errors, fieldError.notSupported(`${field}.effect`, effect, EFFECTS)] : errors;
}

/** Something a driver reads and nobody else: an object of limited size. */
export function rawErrors(field: string, value: unknown, max: number): FieldError[] {
  if (value === undefined || value === null) {
    return [fieldError.required(field)];
  }
  if (Buffer.byteLength(JSON.stringify(value)) > max) {
    return [fieldError.tooLong(field, max)];
  }
  return isObject(value) ? [] : [fieldError.invalid(field, '<value omitted>', 'must be a valid JSON object')];
}

export function configErrors(field: string, { opaque }: { opaque?: OpaqueDeviceConfiguration }): FieldError[] {
  return opaque === undefined ? [fieldError.required(`${field}.opaque`)] : [
    ...driverName(`${field}.opaque.driver`, opaque.driver), ...rawErrors(`${field}.opaque.parameters`, opaque.parameters, MAX_OPAQUE_BYTES),
  ];
}

export const selectorErrors = (field: string, selectors: readonly DeviceSelector[] | undefined): FieldError[] =>
  limited(field, selectors, MAX_SELECTORS, (at, { cel }) => {
    if (cel === undefined) {
      return [fieldError.required(`${at}.cel`)];
    }
    const expression = cel.expression ?? '';
    return expression.length > MAX_EXPRESSION ? [fieldError.tooLong(`${at}.cel.expression`, MAX_EXPRESSION)] : deviceExpressionErrors(`${at}.cel.expression`, expression);
  });

interface BindingConditions {
  bindingConditions?: readonly string[];
  bindingFailureConditions?: readonly string[];
}

/** Conditions a device must reach before its pod is bound, and those that mean it never will: both or neither. */
export function bindingErrors(field: string, { bindingConditions: good = [], bindingFailureConditions: bad = [] }: BindingConditions): FieldError[] {
  const keyed = { check: labelKey, key: (name: string): string => name };
  return [
    ...limitedSet(`${field}.bindingConditions`, good, MAX_BINDING_CONDITIONS, keyed),
    ...limitedSet(`${field}.bindingFailureConditions`, bad, MAX_BINDING_CONDITIONS, keyed),
    ...bad.flatMap((name, index) => (good.includes(name)
      ? [fieldError.invalid(`${field}.bindingFailureConditions[${index}]`, name, 'bindingFailureConditions must not overlap with bindingConditions')] : [])),
    ...(good.length === 0 && bad.length > 0
      ? [fieldError.invalid(`${field}.bindingConditions`, good, 'bindingConditions are required to use bindingFailureConditions')] : []),
    ...(bad.length === 0 && good.length > 0
      ? [fieldError.invalid(`${field}.bindingFailureConditions`, bad, 'bindingFailureConditions are required to use bindingConditions')] : []),
  ];
}
