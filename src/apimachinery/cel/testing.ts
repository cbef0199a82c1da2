/** For tests: expressions with their values, written as CEL writes them. */
import { compile } from './compile.ts';
import { CostBudget } from './budget.ts';
import { toText } from './library/conversions.ts';
import type { CelEnvironment } from './program.ts';
import { CelList, CelMap, CelOptional, CelRecord, CelTypeValue, CelUint, CelOpaque, type CelValue } from './values.ts';
import { DYN, type CelType } from './types.ts';

/** A value as a literal of CEL, more or less: ints without, doubles with a point, uints with a `u`. */
export function shown(value: CelValue): string {
  if (typeof value === 'string') {
    return JSON.stringify(value);
  }
  if (typeof value === 'number') {
    return Number.isInteger(value) ? value.toFixed(1) : String(value);
  }
  if (value === null || typeof value !== 'object') {
    return String(value);
  }
  if (value instanceof CelUint) {
    return `${value.value}u`;
  }
  if (value instanceof CelList) {
    return `[${[...value].map(shown).join(', ')}]`;
  }
  if (value instanceof CelMap) {
    return `{${[...value.keys()].map((key) => `${shown(key)}: ${shown(value.get(key) ?? null)}`).join(', ')}}`;
  }
  if (value instanceof CelRecord) {
    return `${value.typeName}{${[...value.names()].map((name) => `${name}: ${shown(value.get(name) ?? null)}`).join(', ')}}`;
  }
  if (value instanceof CelOptional) {
    return value.value === undefined ? 'optional.none()' : `optional.of(${shown(value.value)})`;
  }
  if (value instanceof CelTypeValue) {
    return value.name;
  }
  return value instanceof CelOpaque ? `<${value.typeName}>` : value instanceof Uint8Array ? `b${JSON.stringify(Buffer.from(value).toString('latin1'))}` : toText(value);
}

export interface Outcome {
  readonly text: string;
  readonly cost: number;
}

const BUDGET = 100_000_000;

/** The value of an expression with what it cost, or the message of what went wrong, after `compile: ` or `error: `. */
export function outcomeOf(source: string, bindings: Readonly<Record<string, unknown>> = {}, types: Readonly<Record<string, CelType>> = {}, env: Partial<CelEnvironment> = {}): Outcome {
  const variables: Record<string, CelType> = { ...Object.fromEntries(Object.keys(bindings).map((name) => [name, DYN])), ...types };
  let program;
  try {
    program = compile(source, { variables, ...env });
  } catch (error) {
    return { text: `compile: ${error instanceof Error ? error.message : String(error)}`, cost: 0 };
  }
  const budget = new CostBudget(BUDGET);
  try {
    const value = program.evaluate(bindings, budget);
    return { text: shown(value), cost: BUDGET - budget.remaining };
  } catch (error) {
    return { text: `error: ${error instanceof Error ? error.message : String(error)}`, cost: BUDGET - budget.remaining };
  }
}

/** The first line of a compiler's message without its place. */
export const firstIssue = (text: string): string => (text.split('\n')[0] ?? '').replace(/^compile: (?:ERROR: <input>:\d+:\d+: )?/, 'compile: ');
