/** Conversions between types, `size`, `type` and `dyn`. */
import { fail, noSuchOverload } from '../errors.ts';
import { any, overload, text, traversal, type Cost, type Overload, type Run } from '../overload.ts';
import { durationText, MAX_TIMESTAMP, MIN_TIMESTAMP, parseDuration, parseTimestamp, timestampText } from '../time.ts';
import { CelDuration, CelList, CelMap, CelTimestamp, CelTypeValue, CelUint, sizeOf, typeNameOf, type CelValue } from '../values.ts';

const SECOND = 1_000_000_000n;
const INT_MAX = 2n ** 63n - 1n;
const INT_MIN = -(2n ** 63n);
const UINT_MAX = 2n ** 64n - 1n;
/** Digits of a number in a text; longer ones are no 64-bit numbers. */
const MAX_DIGITS = 100;

const notConvertible = (from: string, to: string): never => fail(`type conversion error from '${from}' to '${to}'`);

/** A double as Go's `%g` with the least digits writes it. */
export function doubleText(value: number): string {
  if (!Number.isFinite(value)) {
    return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
  }
  const [digits = '0', exponent = '0'] = value.toExponential().split('e');
  const power = Number(exponent);
  // Go turns to exponents from a million on, and below 1e-4.
  if (value !== 0 && (power < -4 || power >= 6)) {
    return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
  }
  return Object.is(value, -0) ? '-0' : String(value);
}

function toInt(value: CelValue): CelValue {
  if (typeof value === 'bigint') {
    return value;
  }
  if (value instanceof CelUint) {
    return value.value > INT_MAX ? fail('integer overflow') : value.value;
  }
  if (typeof value === 'number') {
    return value > -(2 ** 63) && value < 2 ** 63 ? BigInt(Math.trunc(value)) : fail('integer overflow');
  }
  if (value instanceof CelTimestamp) {
    return (value.nanos - (((value.nanos % SECOND) + SECOND) % SECOND)) / SECOND;
  }
  return value instanceof CelDuration ? value.nanos : noSuchOverload();
}

function intOf(source: string): CelValue {
  const value = /^[+-]?\d+$/.test(source) && source.length <= MAX_DIGITS ? BigInt(source.replace(/^\+/, '')) : notConvertible('string', 'int');
  return value > INT_MAX || value < INT_MIN ? notConvertible('string', 'int') : value;
}

function uintOf(source: string): CelValue {
  const value = /^\d+$/.test(source) && source.length <= MAX_DIGITS ? BigInt(source) : notConvertible('string', 'uint');
  return value > UINT_MAX ? notConvertible('string', 'uint') : new CelUint(value);
}

function toUint(value: CelValue): CelValue {
  if (value instanceof CelUint) {
    return value;
  }
  if (typeof value === 'bigint') {
    return value < 0n ? fail('unsigned integer overflow') : new CelUint(value);
  }
  if (typeof value === 'number') {
    return value >= 0 && value < 2 ** 64 ? new CelUint(BigInt(Math.trunc(value))) : fail('unsigned integer overflow');
  }
  return noSuchOverload();
}

const DOUBLE_TEXT = /^[+-]?(?:\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|inf(?:inity)?|nan)$/i;

function doubleOf(source: string): CelValue {
  if (!DOUBLE_TEXT.test(source)) {
    return notConvertible('string', 'double');
  }
  const special = /^([+-]?)(inf|nan)/i.exec(source);
  return special === null ? Number(source) : /nan/i.test(source) ? Number.NaN : special[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

const toDouble = (value: CelValue): CelValue => (typeof value === 'number' ? value : typeof value === 'bigint' ? Number(value)
  : value instanceof CelUint ? Number(value.value) : noSuchOverload());

function bytesText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) {
      return fail('invalid UTF-8 in bytes, cannot convert to string');
    }
    throw error;
  }
}

/** `string(value)`. */
export function toText(value: CelValue): string {
  switch (typeof value) {
    case 'string': return value;
    case 'bigint': case 'boolean': return String(value);
    case 'number': return doubleText(value);
    default: break;
  }
  if (value instanceof CelUint) {
    return String(value.value);
  }
  if (value instanceof CelTimestamp) {
    return timestampText(value.nanos);
  }
  if (value instanceof CelDuration) {
    return durationText(value.nanos);
  }
  return value instanceof Uint8Array ? bytesText(value) : noSuchOverload();
}

const BOOLS: Readonly<Record<string, boolean>> = {
  '1': true, t: true, T: true, TRUE: true, true: true, True: true, '0': false, f: false, F: false, FALSE: false, false: false, False: false,
};

function timestampOf(value: CelValue): CelValue {
  if (value instanceof CelTimestamp) {
    return value;
  }
  const nanos = typeof value === 'bigint' ? value * SECOND : parseTimestamp(text(value)) ?? notConvertible('string', 'google.protobuf.Timestamp');
  return nanos > MAX_TIMESTAMP || nanos < MIN_TIMESTAMP ? fail('timestamp overflow') : new CelTimestamp(nanos);
}

function durationOf(value: CelValue): CelValue {
  if (value instanceof CelDuration) {
    return value;
  }
  return new CelDuration(typeof value === 'bigint' ? value : parseDuration(text(value)) ?? notConvertible('string', 'google.protobuf.Duration'));
}

/** Code points of a text. */
export function textLength(value: string): number {
  let pairs = 0;
  for (let at = 0; at < value.length - 1; at += 1) {
    const unit = value.charCodeAt(at);
    if (unit >= 0xd800 && unit <= 0xdbff) {
      const next = value.charCodeAt(at + 1);
      pairs += next >= 0xdc00 && next <= 0xdfff ? 1 : 0;
    }
  }
  return value.length - pairs;
}

const size: Run = ([value]) => {
  if (typeof value === 'string') {
    return BigInt(textLength(value));
  }
  return value instanceof Uint8Array || value instanceof CelList ? BigInt(value.length) : value instanceof CelMap ? BigInt(value.size) : noSuchOverload();
};

/** cel-go charges 1; counting a very long text is charged as what it is. */
const sizeCost: Cost = (args) => Math.max(1, Math.ceil(sizeOf(args[0] ?? null) / 1000));

const convert = (name: string, types: readonly string[], result: string, how: (value: CelValue) => CelValue, cost?: Cost): Overload[] =>
  types.map((type) => overload(name, `(${type}): ${result}`, ([value]) => how(any(value)), cost));

export const conversions: readonly Overload[] = [
  ...convert('int', ['int', 'uint', 'double', 'timestamp', 'duration'], 'int', toInt),
  ...convert('int', ['string'], 'int', (value) => intOf(text(value))),
  ...convert('uint', ['uint', 'int', 'double'], 'uint', toUint),
  ...convert('uint', ['string'], 'uint', (value) => uintOf(text(value))),
  ...convert('double', ['double', 'int', 'uint'], 'double', toDouble),
  ...convert('double', ['string'], 'double', (value) => doubleOf(text(value))),
  ...convert('string', ['string', 'bool', 'int', 'uint', 'double', 'timestamp', 'duration'], 'string', toText),
  ...convert('string', ['bytes'], 'string', toText, traversal),
  ...convert('bytes', ['bytes'], 'bytes', (value) => value),
  ...convert('bytes', ['string'], 'bytes', (value) => new TextEncoder().encode(text(value)), traversal),
  ...convert('bool', ['bool'], 'bool', (value) => value),
  ...convert('bool', ['string'], 'bool', (value) => {
    const source = text(value);
    return (Object.hasOwn(BOOLS, source) ? BOOLS[source] : undefined) ?? notConvertible('string', 'bool');
  }),
  ...convert('timestamp', ['timestamp', 'string', 'int'], 'timestamp', timestampOf),
  ...convert('duration', ['duration', 'string', 'int'], 'duration', durationOf),
  ...convert('dyn', ['A'], 'dyn', (value) => value),
  ...convert('type', ['A'], 'type<A>', (value) => new CelTypeValue(typeNameOf(value))),
  ...['string', 'bytes', 'list<A>', 'map<A, B>'].flatMap((type) => [
    overload('size', `(${type}): int`, size, sizeCost), overload('size', `${type}.(): int`, size, sizeCost),
  ]),
];
