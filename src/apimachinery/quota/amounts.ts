/** Named quantities (`cpu`, `requests.memory`, `count/pods`) and sums of them, exact. */
import { formatQuantity, parseQuantity, type Quantity } from '../quantity.ts';

export type Amounts = Readonly<Record<string, Quantity>>;

const ZERO: Quantity = { nanos: 0n, format: 'decimal' };
export const ONE: Quantity = { nanos: 1_000_000_000n, format: 'decimal' };

export const whole = (count: number): Quantity => ({ nanos: BigInt(count) * 1_000_000_000n, format: 'decimal' });

/** Reads a map of quantities as objects have it. Throws QuantityError: what is stored has been validated. */
export function amountsOf(quantities: Readonly<Record<string, string>> | undefined): Amounts {
  const amounts: Record<string, Quantity> = {};
  for (const [name, text] of Object.entries(quantities ?? {})) {
    amounts[name] = parseQuantity(text);
  }
  return amounts;
}

export function textsOf(amounts: Amounts): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const name of Object.keys(amounts).sort()) {
    texts[name] = formatQuantity(amounts[name] ?? ZERO);
  }
  return texts;
}

export const amountOf = (amounts: Amounts, name: string): Quantity => (Object.hasOwn(amounts, name) ? amounts[name] ?? ZERO : ZERO);

/** Sums keep the format of the first operand that is not zero, as Kubernetes does. */
const combined = (a: Quantity, nanos: bigint, b: Quantity): Quantity => ({ nanos, format: a.nanos === 0n ? b.format : a.format });

export function plus(a: Amounts, b: Amounts): Amounts {
  const sum: Record<string, Quantity> = { ...a };
  for (const [name, more] of Object.entries(b)) {
    const present = amountOf(a, name);
    sum[name] = combined(present, present.nanos + more.nanos, more);
  }
  return sum;
}

/** `a` without `b`; names that only `b` has become negative. */
export function minus(a: Amounts, b: Amounts): Amounts {
  const rest: Record<string, Quantity> = { ...a };
  for (const [name, less] of Object.entries(b)) {
    const present = amountOf(a, name);
    rest[name] = combined(present, present.nanos - less.nanos, less);
  }
  return rest;
}

/** Of each name the greater amount. */
export function greatest(a: Amounts, b: Amounts): Amounts {
  const top: Record<string, Quantity> = { ...a };
  for (const [name, other] of Object.entries(b)) {
    if (!Object.hasOwn(a, name) || amountOf(a, name).nanos < other.nanos) {
      top[name] = other;
    }
  }
  return top;
}

/** Only these names, where there are any. */
export function only(amounts: Amounts, names: Iterable<string>): Amounts {
  const some: Record<string, Quantity> = {};
  for (const name of names) {
    if (Object.hasOwn(amounts, name)) {
      some[name] = amountOf(amounts, name);
    }
  }
  return some;
}

/** `cpu=1,memory=2Gi`: how quota errors show amounts. */
export const shown = (amounts: Amounts): string => Object.entries(textsOf(amounts)).map(([name, text]) => `${name}=${text}`).join(',');
