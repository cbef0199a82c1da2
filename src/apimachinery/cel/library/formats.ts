/** Kubernetes' named formats: `format.dns1123Label().validate(name)`. */
import { validateDns1035Label, validateDns1123Label, validateDns1123Subdomain, validateLabelValue, validateQualifiedName } from '../../names.ts';
import { noSuchOverload } from '../errors.ts';
import { overload, REGEX_COST, STRING_COST, text, type Cost, type Overload } from '../overload.ts';
import { parseTimestamp } from '../time.ts';
import { ArrayList, CelOpaque, CelOptional, sizeOf, type CelValue } from '../values.ts';
import { parseRequestUri, UrlError } from './uri.ts';

/** What is wrong with a text; nothing when it has the format. */
type Validate = (value: string) => readonly string[];

/** A prefix may end with a dash, as names are that the server completes. */
const prefix = (validate: Validate): Validate => (value) => validate(value.endsWith('-') ? `${value.slice(0, -1)}a` : value);

const shape = (pattern: RegExp, message: string): Validate => (value) => (pattern.test(value) ? [] : [message]);

function uri(value: string): readonly string[] {
  try {
    parseRequestUri(value);
    return [];
  } catch (error) {
    if (error instanceof UrlError) {
      return [`parse ${JSON.stringify(value)}: ${error.message}`];
    }
    throw error;
  }
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

const FORMATS: Readonly<Record<string, Validate>> = {
  dns1123Label: validateDns1123Label,
  dns1123Subdomain: validateDns1123Subdomain,
  dns1035Label: validateDns1035Label,
  qualifiedName: validateQualifiedName,
  dns1123LabelPrefix: prefix(validateDns1123Label),
  dns1123SubdomainPrefix: prefix(validateDns1123Subdomain),
  dns1035LabelPrefix: prefix(validateDns1035Label),
  labelValue: validateLabelValue,
  uri,
  uuid: shape(/^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i, 'does not match the UUID format'),
  byte: shape(BASE64, 'invalid base64'),
  date: (value) => (/^\d{4}-\d\d-\d\d$/.test(value) && parseTimestamp(`${value}T00:00:00Z`) !== undefined ? [] : ['invalid date']),
  datetime: (value) => (parseTimestamp(value) === undefined ? ['invalid datetime'] : []),
};

/** Characters of the pattern that a format comes to, by which Kubernetes charges its validation. */
const PATTERN_LENGTHS: Readonly<Record<string, number>> = {
  dns1123Label: 30, dns1123Subdomain: 60, dns1035Label: 30, qualifiedName: 60, dns1123LabelPrefix: 30, dns1123SubdomainPrefix: 60, dns1035LabelPrefix: 30, labelValue: 40, date: 20,
};
/** Of formats that are no single pattern, and where the format is not known. */
export const LONGEST_PATTERN = 128;

export class CelFormat extends CelOpaque {
  readonly typeName = 'kubernetes.NamedFormat';
  readonly name: string;
  readonly validate: Validate;
  constructor(name: string, validate: Validate) {
    super();
    this.name = name;
    this.validate = validate;
  }

  equals(other: CelOpaque): boolean {
    return other instanceof CelFormat && other.name === this.name;
  }
}

const KNOWN = new Map(Object.entries(FORMATS).map(([name, validate]) => [name, new CelFormat(name, validate)]));

function validate([format, value]: readonly CelValue[]): CelValue {
  const problems = (format instanceof CelFormat ? format : noSuchOverload()).validate(text(value));
  return problems.length === 0 ? CelOptional.NONE : new CelOptional(new ArrayList(problems));
}

const validationCost: Cost = ([format, value]) => Math.ceil((1 + sizeOf(value ?? null)) * STRING_COST)
  * Math.ceil((format instanceof CelFormat ? PATTERN_LENGTHS[format.name] ?? LONGEST_PATTERN : LONGEST_PATTERN) * REGEX_COST);

export const formats: readonly Overload[] = [
  overload('format.named', '(string): optional<kubernetes.NamedFormat>', ([name]) => new CelOptional(KNOWN.get(text(name)))),
  ...[...KNOWN].map(([name, format]) => overload(`format.${name}`, '(): kubernetes.NamedFormat', () => format)),
  overload('validate', 'kubernetes.NamedFormat.(string): optional<list<string>>', validate, validationCost),
];
