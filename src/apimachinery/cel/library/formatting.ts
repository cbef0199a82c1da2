/** `'%s is %d'.format([…])`: the clauses s, d, f, e, b, o, x and X of the strings extension. */
import type { CostMeter } from '../budget.ts';
import { fail } from '../errors.ts';
import { STRING_COST } from '../overload.ts';
import { CelDuration, CelList, CelMap, CelOpaque, CelOptional, CelRecord, CelTimestamp, CelTypeValue, CelUint, typeNameOf, type CelValue } from '../values.ts';
import { toText } from './conversions.ts';

/** Decimals of `%f` and `%e` at most. */
const MAX_PRECISION = 100;
const DEFAULT_PRECISION = 6;
/** Levels of lists and maps that `%s` writes. */
const MAX_DEPTH = 50;

const quote = (value: string): string => JSON.stringify(value);

function inner(value: CelValue, depth: number, meter: CostMeter): string {
  if (typeof value === 'string') {
    return quote(value);
  }
  if (typeof value === 'number') {
    return fixed(value, DEFAULT_PRECISION);
  }
  if (value instanceof CelTimestamp) {
    return `timestamp(${quote(toText(value))})`;
  }
  return value instanceof CelDuration ? `duration(${quote(toText(value))})` : shown(value, depth, meter);
}

function shownMap(value: CelMap, depth: number, meter: CostMeter): string {
  const entries = [...value.keys()].map((key) => `${inner(key, depth + 1, meter)}: ${inner(value.get(key) ?? null, depth + 1, meter)}`);
  return `{${entries.sort().join(', ')}}`;
}

/** `%s`. */
function shown(value: CelValue, depth: number, meter: CostMeter): string {
  meter.spend(1);
  if (depth > MAX_DEPTH) {
    return fail('error during formatting: the value is nested too deeply');
  }
  if (value === null) {
    return 'null';
  }
  if (value instanceof CelList) {
    meter.spend(value.length);
    return `[${[...value].map((one) => inner(one, depth + 1, meter)).join(', ')}]`;
  }
  if (value instanceof CelMap) {
    meter.spend(value.size);
    return shownMap(value, depth, meter);
  }
  if (value instanceof CelTypeValue) {
    return value.name;
  }
  const plain = value instanceof CelRecord || value instanceof CelOptional || value instanceof CelOpaque
    ? fail(`error during formatting: string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps, was given ${typeNameOf(value)}`)
    : toText(value);
  meter.spend(Math.ceil(plain.length * STRING_COST));
  return plain;
}

const special = (value: number): string | undefined => (Number.isNaN(value) ? 'NaN' : Number.isFinite(value) ? undefined : value > 0 ? 'Infinity' : '-Infinity');

/** JavaScript turns to exponents from 1e21 on; such numbers are whole. */
const whole21 = (value: number, precision: number): string => `${BigInt(value)}${precision === 0 ? '' : `.${'0'.repeat(precision)}`}`;
const fixed = (value: number, precision: number): string => special(value) ?? (Math.abs(value) < 1e21 ? value.toFixed(precision) : whole21(value, precision));

function scientific(value: number, precision: number): string {
  const [digits = '', exponent = ''] = value.toExponential(precision).split('e');
  return special(value) ?? `${digits}e${exponent.startsWith('-') ? '-' : '+'}${exponent.replace(/^[+-]/, '').padStart(2, '0')}`;
}

function toDouble(value: CelValue, clause: string): number {
  const number = value instanceof CelUint ? Number(value.value) : typeof value === 'bigint' ? Number(value) : value;
  return typeof number === 'number' ? number : fail(`error during formatting: ${clause} clause can only be used on doubles, was given ${typeNameOf(value)}`);
}

function whole(value: CelValue, clause: string, kinds: string): bigint {
  if (value instanceof CelUint) {
    return value.value;
  }
  return typeof value === 'bigint' ? value : fail(`error during formatting: ${clause} clause can only be used on ${kinds}, was given ${typeNameOf(value)}`);
}

function hex(value: CelValue): string {
  if (typeof value === 'string' || value instanceof Uint8Array) {
    return Buffer.from(value).toString('hex');
  }
  return whole(value, 'hex', 'integers, byte buffers, and strings').toString(16);
}

function decimal(value: CelValue): string {
  return typeof value === 'number' && special(value) !== undefined ? String(special(value)) : whole(value, 'decimal', 'integers').toString();
}

function binary(value: CelValue): string {
  return typeof value === 'boolean' ? (value ? '1' : '0') : whole(value, 'binary', 'integers and bools').toString(2);
}

const CLAUSES: Readonly<Record<string, (value: CelValue, precision: number, meter: CostMeter) => string>> = {
  s: (value, _precision, meter) => shown(value, 0, meter),
  d: decimal,
  f: (value, precision) => fixed(toDouble(value, 'fixed-point'), precision),
  e: (value, precision) => scientific(toDouble(value, 'scientific'), precision),
  b: binary,
  o: (value) => whole(value, 'octal', 'integers').toString(8),
  x: hex,
  X: (value) => hex(value).toUpperCase(),
};

/** Fills the clauses of `template` with `args`, in order. Throws CelEvaluationError. */
export function formatText(template: string, args: CelList, meter: CostMeter): string {
  let next = 0;
  return template.replace(/%(?:(%)|(?:\.(\d+))?([A-Za-z])|([^]?))/g, (whole: string, percent?: string, precision?: string, letter?: string) => {
    if (percent !== undefined) {
      return '%';
    }
    const clause = letter !== undefined && Object.hasOwn(CLAUSES, letter) ? CLAUSES[letter] : undefined;
    if (clause === undefined) {
      return fail(letter === undefined && whole.length < 2 ? 'unexpected end of string' : `could not parse formatting clause: unrecognized formatting clause "${letter ?? whole.slice(1)}"`);
    }
    const places = precision === undefined ? DEFAULT_PRECISION : Number(precision);
    if (places > MAX_PRECISION) {
      return fail(`error during formatting: precision ${places} is too large`);
    }
    const index = next;
    next += 1;
    return index < args.length ? clause(args.at(index), places, meter) : fail(`index ${index} out of range`);
  });
}
