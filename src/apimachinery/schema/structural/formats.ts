/**
 * Formats of strings that Kubernetes checks in custom resources (k8s.io/apiextensions-apiserver/pkg/apiserver/validation/formats.go);
 * all others are ignored. Texts longer than MAX_FORMAT_LENGTH have no format.
 */
import { isIP, isIPv4, isIPv6 } from 'node:net';
import { validateDns1123Label, validateDns1123Subdomain } from '../../namerules.ts';
import { parseDuration } from '../times.ts';

const MAX_FORMAT_LENGTH = 64 * 1024;

const matches = (pattern: RegExp) => (text: string): boolean => pattern.test(text);
const HEX = '[0-9a-fA-F]';
const uuid = (version: string, variant = HEX): RegExp => new RegExp(`^${HEX}{8}-?${HEX}{4}-?${version}${HEX}{3}-?${variant}${HEX}{3}-?${HEX}{12}$`);

/** RFC 3339's clock: `2026-01-02`, and with a time `2026-01-02T03:04:05Z`. */
const DATE = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/;
const DATE_TIME = /^([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})$/;

function isDate(text: string): boolean {
  const [, year = 0, month = 0, day = 0] = (DATE.exec(text) ?? []).map(Number);
  return month >= 1 && month <= 12 && day >= 1 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate();
}

function isDateTime(text: string): boolean {
  const match = DATE_TIME.exec(text);
  return match !== null && isDate(match[1] ?? '') && Number(match[2]) < 24 && Number(match[3]) < 60 && Number(match[4]) < 60;
}

function isDuration(text: string): boolean {
  try {
    parseDuration(text);
    return true;
  } catch (error) {
    if (error instanceof Error && error.name === 'ValueError') {
      return /^[0-9]+\s*(?:ns|us|µs|ms|s|m|h|d|w|nano|micro|milli|second|minute|hour|day|week)s?$/.test(text);
    }
    throw error;
  }
}

function isCidr(text: string): boolean {
  const slash = text.lastIndexOf('/');
  const [address, bits] = [text.slice(0, slash), text.slice(slash + 1)];
  return slash > 0 && /^(?:0|[1-9][0-9]{0,2})$/.test(bits) && isIP(address) !== 0 && Number(bits) <= (isIPv4(address) ? 32 : 128);
}

/** As Go's url.ParseRequestURI: an absolute URI or an absolute path. */
function isUri(text: string): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are just what no URI may hold
  return !/[\x00-\x20\x7f]/.test(text) && !/%(?![0-9a-fA-F]{2})/.test(text) && (text.startsWith('/') || /^[a-zA-Z][a-zA-Z0-9+.-]*:./.test(text));
}

/** A mailbox as Go's mail.ParseAddress takes it: bare, or in angle brackets after a name. */
function isEmail(text: string): boolean {
  const bare = /<([^<>]*)>\s*$/.exec(text)?.[1] ?? text.trim();
  const at = bare.lastIndexOf('@');
  return at > 0 && /^(?:[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+|"[^"\\]*")$/.test(bare.slice(0, at)) && !/^\.|\.\.|\.$/.test(bare.slice(0, at))
    && /^[^\s@<>(),;:\\"[\]]+$/.test(bare.slice(at + 1));
}

const HOSTNAME = /^[a-zA-Z0-9\u0080-\uffff](?:[a-zA-Z0-9\u0080-\uffff-]{0,62}[a-zA-Z0-9\u0080-\uffff])?(?:\.[a-zA-Z0-9\u0080-\uffff](?:[a-zA-Z0-9\u0080-\uffff-]{0,62}[a-zA-Z0-9\u0080-\uffff])?)*\.?$/;
const isHostname = (text: string): boolean => text.length <= 255 && HOSTNAME.test(text);

/** Luhn's check digit. */
function isCreditCard(text: string): boolean {
  const digits = text.replace(/[^0-9]+/g, '');
  if (!/^(?:4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14}|6(?:011|5[0-9]{2})[0-9]{12}|3[47][0-9]{13}|3(?:0[0-5]|[68][0-9])[0-9]{11}|(?:2131|1800|35[0-9]{3})[0-9]{11})$/.test(digits)) {
    return false;
  }
  const sum = digits.split('').reverse().reduce((total, digit, index) => {
    const value = Number(digit) * (index % 2 === 1 ? 2 : 1);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}

function isIsbn10(text: string): boolean {
  const plain = text.replace(/[\s-]+/g, '');
  return /^[0-9]{9}[0-9X]$/.test(plain)
    && plain.split('').reduce((sum, digit, index) => sum + (10 - index) * (digit === 'X' ? 10 : Number(digit)), 0) % 11 === 0;
}

function isIsbn13(text: string): boolean {
  const plain = text.replace(/[\s-]+/g, '');
  return /^[0-9]{13}$/.test(plain) && plain.split('').reduce((sum, digit, index) => sum + (index % 2 === 0 ? 1 : 3) * Number(digit), 0) % 10 === 0;
}

const RGB_PART = '\\s*(?:0|[1-9][0-9]?|1[0-9][0-9]?|2[0-4][0-9]|25[0-5])\\s*';

const CHECKS: Readonly<Record<string, (text: string) => boolean>> = {
  bsonobjectid: matches(/^[0-9a-fA-F]{24}$/),
  uri: isUri,
  email: isEmail,
  hostname: isHostname,
  ipv4: isIPv4,
  ipv6: isIPv6,
  cidr: isCidr,
  mac: matches(/^(?:[0-9a-fA-F]{2}([:-]))(?:[0-9a-fA-F]{2}\1){4}(?:[0-9a-fA-F]{2})$|^(?:[0-9a-fA-F]{4}\.){2}[0-9a-fA-F]{4}$|^(?:[0-9a-fA-F]{2}([:-]))(?:[0-9a-fA-F]{2}\2){6}[0-9a-fA-F]{2}$/),
  uuid: matches(uuid(HEX)),
  uuid3: matches(uuid('3')),
  uuid4: matches(uuid('4', '[89abAB]')),
  uuid5: matches(uuid('5', '[89abAB]')),
  isbn: (text) => isIsbn10(text) || isIsbn13(text),
  isbn10: isIsbn10,
  isbn13: isIsbn13,
  creditcard: isCreditCard,
  ssn: matches(/^[0-9]{3}[- ]?[0-9]{2}[- ]?[0-9]{4}$/),
  hexcolor: matches(/^#?(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/),
  rgbcolor: matches(new RegExp(`^rgb\\(${RGB_PART},${RGB_PART},${RGB_PART}\\)$`)),
  byte: matches(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/),
  password: () => true,
  date: isDate,
  'date-time': isDateTime,
  datetime: isDateTime,
  duration: isDuration,
  'k8s-short-name': (text) => validateDns1123Label(text).length === 0,
  'k8s-long-name': (text) => validateDns1123Subdomain(text).length === 0,
};

/** The check of a format; undefined for one that is not checked. */
export function formatCheck(format: string): ((text: string) => boolean) | undefined {
  // Kubernetes writes formats with and without dashes.
  const known = Object.hasOwn(CHECKS, format) ? CHECKS[format] : undefined;
  return known === undefined ? undefined : (text) => text.length <= MAX_FORMAT_LENGTH && known(text);
}
