/** What names, labels and keys may look like, in Kubernetes' own words (k8s.io/apimachinery/pkg/util/validation). */
import { randomInt } from 'node:crypto';

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const LABEL_1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const QUALIFIED = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const LABEL_VALUE = `(${QUALIFIED})?`;

const whole = (expression: string): RegExp => new RegExp(`^(?:${expression})$`);
const labelPattern = whole(LABEL);
const label1035Pattern = whole(LABEL_1035);
const qualifiedPattern = whole(QUALIFIED);

export const MAX_LABEL_LENGTH = 63;
export const MAX_SUBDOMAIN_LENGTH = 253;
/** Characters `generateName` adds. */
const RANDOM_LENGTH = 5;
/** No vowels and no look-alikes, so that no word and no misreading comes out. */
const RANDOM_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

export const maxLengthError = (length: number): string => `must be no more than ${length} bytes`;

function regexError(message: string, expression: string, ...examples: string[]): string {
  const shown = examples.map((example) => `'${example}', `).join(' or ');
  return `${message} (${shown === '' ? '' : `e.g. ${shown}`}regex used for validation is '${expression}')`;
}

const LABEL_ERROR = regexError(
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
  LABEL, 'my-name', '123-abc');
const SUBDOMAIN_ERROR = regexError(
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
  SUBDOMAIN, 'example.com');
const LABEL_1035_ERROR = regexError(
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
  LABEL_1035, 'my-name', 'abc-123');
const QUALIFIED_ERROR = regexError(
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  QUALIFIED, 'MyName', 'my.name', '123-abc');
const LABEL_VALUE_ERROR = regexError(
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  LABEL_VALUE, 'MyValue', 'my_value', '12345');

const tooLong = (value: string, length: number): boolean => value.length > length || Buffer.byteLength(value) > length;

/** A subdomain label by label: linear where the nested expression could backtrack on hostile input. */
function isSubdomain(value: string): boolean {
  return !tooLong(value, MAX_SUBDOMAIN_LENGTH) && value.split('.').every((label) => labelPattern.test(label));
}

/** Every function below returns what is wrong, nothing when all is well. */
export function validateDns1123Label(value: string): string[] {
  const errors = tooLong(value, MAX_LABEL_LENGTH) ? [maxLengthError(MAX_LABEL_LENGTH)] : [];
  if (!labelPattern.test(value)) {
    errors.push(isSubdomain(value) ? 'must not contain dots' : LABEL_ERROR);
  }
  return errors;
}

export function validateDns1123Subdomain(value: string): string[] {
  if (tooLong(value, MAX_SUBDOMAIN_LENGTH)) {
    return value.split('.').every((label) => labelPattern.test(label))
      ? [maxLengthError(MAX_SUBDOMAIN_LENGTH)]
      : [maxLengthError(MAX_SUBDOMAIN_LENGTH), SUBDOMAIN_ERROR];
  }
  return isSubdomain(value) ? [] : [SUBDOMAIN_ERROR];
}

export function validateDns1035Label(value: string): string[] {
  return [
    ...(tooLong(value, MAX_LABEL_LENGTH) ? [maxLengthError(MAX_LABEL_LENGTH)] : []),
    ...(label1035Pattern.test(value) ? [] : [LABEL_1035_ERROR]),
  ];
}

function validateNamePart(name: string): string[] {
  return [
    ...(name === '' ? ['name part must be non-empty'] : []),
    ...(tooLong(name, MAX_LABEL_LENGTH) ? [`name part ${maxLengthError(MAX_LABEL_LENGTH)}`] : []),
    ...(qualifiedPattern.test(name) ? [] : [`name part ${QUALIFIED_ERROR}`]),
  ];
}

/** Label and annotation keys, finalizers: `name` or `prefix/name`. */
export function validateQualifiedName(value: string): string[] {
  const parts = value.split('/');
  if (parts.length > 2) {
    return [`a qualified name ${QUALIFIED_ERROR} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  }
  const [first = '', second] = parts;
  if (second === undefined) {
    return validateNamePart(first);
  }
  const prefixErrors = first === ''
    ? ['prefix part must be non-empty']
    : validateDns1123Subdomain(first).map((error) => `prefix part ${error}`);
  return [...prefixErrors, ...validateNamePart(second)];
}

export function validateLabelValue(value: string): string[] {
  return [
    ...(tooLong(value, MAX_LABEL_LENGTH) ? [maxLengthError(MAX_LABEL_LENGTH)] : []),
    ...(value === '' || qualifiedPattern.test(value) ? [] : [LABEL_VALUE_ERROR]),
  ];
}

/** Names that only have to fit into a URL path (RBAC roles). */
export function validatePathSegment(value: string): string[] {
  if (value === '.' || value === '..') {
    return [`may not be '${value}'`];
  }
  return ['/', '%'].filter((character) => value.includes(character)).map((character) => `may not contain '${character}'`);
}

/** `length` characters of the alphabet Kubernetes uses for generated names. */
export function randomSuffix(length: number = RANDOM_LENGTH): string {
  let text = '';
  for (let index = 0; index < length; index += 1) {
    text += RANDOM_ALPHABET.charAt(randomInt(RANDOM_ALPHABET.length));
  }
  return text;
}

/** A name for `metadata.generateName`: the base, cut to 58 characters, and five random ones. */
export function generateName(base: string): string {
  return `${base.slice(0, MAX_LABEL_LENGTH - RANDOM_LENGTH)}${randomSuffix()}`;
}
