/**
 * Quantities (`500m`, `1.5Gi`, `2e3`): exact fixed-point numbers with nine decimal places, kept as nano units in a bigint.
 * Canonical text, rounding (away from zero) and caps follow k8s.io/apimachinery/pkg/api/resource.
 */

export type QuantityFormat = 'decimal' | 'binary' | 'exponent';

export interface Quantity {
  /** The value times 10^9. */
  readonly nanos: bigint;
  /** How it was written, which decides how it is written again. */
  readonly format: QuantityFormat;
}

/** The text is no quantity. The message is Kubernetes' own. */
export class QuantityError extends RangeError { override name = 'QuantityError'; }

/** Longer texts are refused: a bigint's parsing time grows faster than its text. */
const MAX_QUANTITY_LENGTH = 256;
/** What Kubernetes caps values at: 2^63 - 1. */
const MAX_NANOS = (2n ** 63n - 1n) * 1_000_000_000n;
/** No exponent beyond these changes the result: larger values are capped, smaller ones round to one nano. */
const MAX_EXPONENT = 400;
/** Parsed quantities that are remembered. */
const MAX_RECENT = 1_000;
const NANO_DIGITS = 9;
const KIBI = 1024n;

const WRONG_FORMAT = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const WRONG_SUFFIX = "unable to parse quantity's suffix";

const DECIMAL_EXPONENTS: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const DECIMAL_SUFFIXES = new Map(Object.entries(DECIMAL_EXPONENTS).map(([suffix, exponent]) => [exponent, suffix]));
const BINARY_SUFFIXES = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

const GRAMMAR = /^([+-]?)([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)$/;
/** Texts that are canonical as they stand, which is what nearly all manifests hold. */
const CANONICAL = /^(?:[1-9][0-9]{0,2}(?:[num]|k|[MGTP]i?|Ki)?|0)$/;

function parseSuffix(suffix: string): { base: 2n | 10n; exponent: number; format: QuantityFormat } {
  const decimal = Object.hasOwn(DECIMAL_EXPONENTS, suffix) ? DECIMAL_EXPONENTS[suffix] : undefined;
  if (decimal !== undefined) {
    return { base: 10n, exponent: decimal, format: 'decimal' };
  }
  const binary = BINARY_SUFFIXES.indexOf(suffix);
  if (binary > 0) {
    return { base: 2n, exponent: binary * 10, format: 'binary' };
  }
  if (/^[eE][-+]?[0-9]+$/.test(suffix)) {
    const exponent = Math.max(-MAX_EXPONENT, Math.min(MAX_EXPONENT, Number(suffix.slice(1))));
    return { base: 10n, exponent, format: 'exponent' };
  }
  throw new QuantityError(WRONG_SUFFIX);
}

/** Division that rounds away from zero; both operands are positive. */
const divideUp = (value: bigint, by: bigint): bigint => (value + by - 1n) / by;

/** The last texts read: the same few come again with every container. */
const recent = new Map<string, Quantity>();

/** Throws QuantityError with Kubernetes' wording. */
export function parseQuantity(text: string): Quantity {
  const known = recent.get(text);
  if (known !== undefined) {
    return known;
  }
  const quantity = readQuantity(text);
  if (recent.size >= MAX_RECENT) {
    recent.clear();
  }
  recent.set(text, quantity);
  return quantity;
}

function readQuantity(text: string): Quantity {
  const match = text.length > MAX_QUANTITY_LENGTH ? null : GRAMMAR.exec(text);
  const [, sign = '', whole = '', fraction = '', suffix = ''] = match ?? [];
  if (match === null || whole + fraction === '') {
    throw new QuantityError(WRONG_FORMAT);
  }
  const { base, exponent, format } = parseSuffix(suffix);
  let numerator = BigInt(whole + fraction);
  let tens = NANO_DIGITS - fraction.length;
  if (base === 2n) {
    numerator *= 2n ** BigInt(exponent);
  } else {
    tens += exponent;
  }
  let nanos = tens >= 0 ? numerator * 10n ** BigInt(tens) : divideUp(numerator, 10n ** BigInt(-tens));
  if (nanos > MAX_NANOS) {
    nanos = MAX_NANOS;
  }
  return { nanos: sign === '-' ? -nanos : nanos, format };
}

/** Divides by `factor` as often as it goes without a rest. */
function removeFactors(value: bigint, factor: bigint, most: number): { value: bigint; times: number } {
  let rest = value;
  let times = 0;
  while (times < most && rest % factor === 0n) {
    rest /= factor;
    times += 1;
  }
  return { value: rest, times };
}

function formatDecimal(nanos: bigint, exponentForm: boolean): string {
  // Thousands only: the exponent stays a multiple of three.
  const { value, times } = removeFactors(nanos, 1000n, exponentForm ? MAX_EXPONENT : 9);
  const exponent = times * 3 - NANO_DIGITS;
  if (exponentForm) {
    return exponent === 0 ? `${value}` : `${value}e${exponent}`;
  }
  return `${value}${DECIMAL_SUFFIXES.get(exponent) ?? ''}`;
}

/** The canonical text: no fraction, the largest suffix that keeps the value exact. */
export function formatQuantity(quantity: Quantity): string {
  const { nanos, format } = quantity;
  if (nanos === 0n) {
    return '0';
  }
  const units = nanos / 1_000_000_000n;
  const exact = units * 1_000_000_000n === nanos;
  if (format !== 'binary' || !exact || (units > -KIBI && units < KIBI)) {
    return formatDecimal(nanos, format === 'exponent');
  }
  const { value, times } = removeFactors(units, KIBI, BINARY_SUFFIXES.length - 1);
  return `${value}${BINARY_SUFFIXES[times] ?? ''}`;
}

/** The text as the API server stores it: `0.5` → `500m`, `1024Mi` → `1Gi`. Throws QuantityError. */
export function canonicalQuantity(text: string): string {
  return CANONICAL.test(text) ? text : formatQuantity(parseQuantity(text));
}

/** The value as a number: bytes or cores. */
export function quantityToNumber(text: string): number {
  const { nanos } = parseQuantity(text);
  return Number(nanos / 1_000_000_000n) + Number(nanos % 1_000_000_000n) / 1e9;
}

/** Thousandths, rounded up as Kubernetes does: 1 for `1n`. */
export function quantityToMilli(text: string): number {
  const { nanos } = parseQuantity(text);
  return nanos < 0n ? -Number(divideUp(-nanos, 1_000_000n)) : Number(divideUp(nanos, 1_000_000n));
}

/** The sum, in the format of the first operand that is not zero. */
export function addQuantities(a: string, b: string): string {
  const [left, right] = [parseQuantity(a), parseQuantity(b)];
  return formatQuantity({ nanos: left.nanos + right.nanos, format: left.nanos === 0n ? right.format : left.format });
}

export function subtractQuantities(a: string, b: string): string {
  const [left, right] = [parseQuantity(a), parseQuantity(b)];
  return formatQuantity({ nanos: left.nanos - right.nanos, format: left.nanos === 0n ? right.format : left.format });
}

/** Negative, zero or positive, for sorting. */
export function compareQuantities(a: string, b: string): number {
  const difference = parseQuantity(a).nanos - parseQuantity(b).nanos;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** Bytes for people: `512`, `1.5Ki`, `12Mi`, `3.2Gi`: one decimal place below ten. */
export function formatBytes(bytes: number): string {
  let value = Math.abs(bytes);
  let power = 0;
  while (value >= 1024 && power < BINARY_SUFFIXES.length - 1) {
    value /= 1024;
    power += 1;
  }
  const rounded = power === 0 || value >= 10 ? Math.round(value) : Math.round(value * 10) / 10;
  return `${bytes < 0 ? '-' : ''}${rounded}${BINARY_SUFFIXES[power] ?? ''}`;
}
