/** Declarations of functions. A library is a list of overloads; which of them a call means is the checker's and the dispatcher's business. */
import type { CostMeter } from './budget.ts';
import { noSuchOverload } from './errors.ts';
import { parseTypeText, parseTypeTexts, type CelType } from './types.ts';
import {
  CelDuration, CelList, CelMap, CelOpaque, CelOptional, CelRecord, CelTimestamp, CelTypeValue, CelUint, sizeOf, typeNameOf, type CelValue,
} from './values.ts';

/** The receiver of a method is the first argument. */
export type Run = (args: readonly CelValue[], meter: CostMeter) => CelValue;
/** What a call costs, counted before it runs. Default: 1. */
export type Cost = (args: readonly CelValue[]) => number;

export interface Overload {
  readonly name: string;
  /** Called as `target.name(…)`. */
  readonly member: boolean;
  /** The receiver of a method included. */
  readonly params: readonly CelType[];
  readonly result: CelType;
  readonly run: Run;
  readonly cost: Cost | undefined;
}

const SIGNATURE = /^(?:(.+)\.)?\((.*)\): (.+)$/;

/**
 * One overload of the function `name`. Signatures: `(string, int): bool` for functions and operators, `string.(int): bool` for methods; types as in
 * `parseTypeText`. Throws on a signature it cannot read: the declarations are ours.
 */
export function overload(name: string, signature: string, run: Run, cost?: Cost): Overload {
  const [, receiver, params = '', result = ''] = SIGNATURE.exec(signature) ?? [];
  if (result === '') {
    throw new Error(`cel: cannot read the signature ${signature} of ${name}`);
  }
  const types = parseTypeTexts(params);
  return { name, run, cost, member: receiver !== undefined, params: receiver === undefined ? types : [parseTypeText(receiver), ...types], result: parseTypeText(result) };
}

/** Factors by which cel-go charges work on texts and patterns. */
export const STRING_COST = 0.1;
export const REGEX_COST = 0.25;

/** The cost of going through the first argument once. */
export const traversal: Cost = (args) => Math.ceil(sizeOf(args[0] ?? null) * STRING_COST);
export const doubleTraversal: Cost = (args) => Math.ceil(sizeOf(args[0] ?? null) * 2 * STRING_COST);
/** The cost of matching the second argument, a pattern, against the first. */
export const patternCost: Cost = (args) =>
  Math.ceil((1 + sizeOf(args[0] ?? null)) * STRING_COST) * Math.ceil(sizeOf(args[1] ?? null) * REGEX_COST);

// What functions take out of their arguments. With dynamic types an argument may be anything: then there is no such overload.
export const text = (value: CelValue | undefined): string => (typeof value === 'string' ? value : noSuchOverload());
export const int = (value: CelValue | undefined): bigint => (typeof value === 'bigint' ? value : noSuchOverload());
export const list = (value: CelValue | undefined): CelList => (value instanceof CelList ? value : noSuchOverload());
export const any = (value: CelValue | undefined): CelValue => (value === undefined ? noSuchOverload() : value);

type Guard = (value: CelValue) => boolean;

const GUARDS: Readonly<Record<string, Guard>> = {
  bool: (value) => typeof value === 'boolean',
  int: (value) => typeof value === 'bigint',
  double: (value) => typeof value === 'number',
  string: (value) => typeof value === 'string',
  null: (value) => value === null,
  uint: (value) => value instanceof CelUint,
  bytes: (value) => value instanceof Uint8Array,
  timestamp: (value) => value instanceof CelTimestamp,
  duration: (value) => value instanceof CelDuration,
  list: (value) => value instanceof CelList,
  map: (value) => value instanceof CelMap || value instanceof CelRecord,
  object: (value) => value instanceof CelRecord,
  type: (value) => value instanceof CelTypeValue,
};

/** A test whether a value can be meant by a parameter of this type. Elements of containers are not looked at, as in cel-go. */
export function guardOf(type: CelType): Guard {
  if (type.kind === 'opaque') {
    const { name } = type;
    return name === 'optional_type' ? (value): boolean => value instanceof CelOptional
      : (value): boolean => value instanceof CelOpaque && typeNameOf(value) === name;
  }
  return GUARDS[type.kind] ?? ((): boolean => true);
}
