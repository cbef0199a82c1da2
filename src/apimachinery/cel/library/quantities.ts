/** Kubernetes' quantity library. */
import { fail, noSuchOverload } from '../errors.ts';
import { formatQuantity, parseQuantity, QuantityError, type Quantity } from '../../quantity.ts';
import { overload, text, traversal, type Overload, type Run } from '../overload.ts';
import { CelOpaque, type CelValue } from '../values.ts';

const NANOS = 1_000_000_000n;

export class CelQuantity extends CelOpaque {
  readonly typeName = 'kubernetes.Quantity';
  readonly quantity: Quantity;
  constructor(quantity: Quantity) {
    super();
    this.quantity = quantity;
  }

  get nanos(): bigint { return this.quantity.nanos; }
  equals(other: CelOpaque): boolean {
    return other instanceof CelQuantity && other.nanos === this.nanos;
  }
}

function parsed(value: CelValue | undefined): CelQuantity | string {
  const source = text(value);
  try {
    return new CelQuantity(parseQuantity(source));
  } catch (error) {
    if (error instanceof QuantityError) {
      return error.message;
    }
    throw error;
  }
}

const quantity: Run = ([value]) => {
  const result = parsed(value);
  return typeof result === 'string' ? fail(result) : result;
};

const of = (value: CelValue | undefined): CelQuantity => (value instanceof CelQuantity ? value : noSuchOverload());
/** Operands of `add` and `sub` may be ints. */
const nanosOf = (value: CelValue | undefined): bigint => (typeof value === 'bigint' ? value * NANOS : of(value).nanos);

const isInteger = (value: CelQuantity): boolean => value.nanos % NANOS === 0n && BigInt.asIntN(64, value.nanos / NANOS) === value.nanos / NANOS;
const asInteger: Run = ([value]) => (isInteger(of(value)) ? of(value).nanos / NANOS : fail('cannot convert value to integer'));
const asFloat: Run = ([value]) => Number(of(value).nanos / NANOS) + Number(of(value).nanos % NANOS) / 1e9;
const sign = (nanos: bigint): bigint => (nanos < 0n ? -1n : nanos > 0n ? 1n : 0n);

const combined = (combine: (a: bigint, b: bigint) => bigint): Run => ([a, b]) =>
  new CelQuantity({ nanos: combine(of(a).nanos, nanosOf(b)), format: of(a).quantity.format });

const both = (name: string, run: Run): Overload[] => [
  overload(name, 'kubernetes.Quantity.(kubernetes.Quantity): kubernetes.Quantity', run), overload(name, 'kubernetes.Quantity.(int): kubernetes.Quantity', run),
];

export const quantities: readonly Overload[] = [
  overload('quantity', '(string): kubernetes.Quantity', quantity, traversal),
  overload('isQuantity', '(string): bool', ([value]) => typeof parsed(value) !== 'string', traversal),
  overload('sign', 'kubernetes.Quantity.(): int', ([value]) => sign(of(value).nanos)),
  overload('isInteger', 'kubernetes.Quantity.(): bool', ([value]) => isInteger(of(value))),
  overload('asInteger', 'kubernetes.Quantity.(): int', asInteger),
  overload('asApproximateFloat', 'kubernetes.Quantity.(): double', asFloat),
  overload('isGreaterThan', 'kubernetes.Quantity.(kubernetes.Quantity): bool', ([a, b]) => of(a).nanos > of(b).nanos),
  overload('isLessThan', 'kubernetes.Quantity.(kubernetes.Quantity): bool', ([a, b]) => of(a).nanos < of(b).nanos),
  overload('compareTo', 'kubernetes.Quantity.(kubernetes.Quantity): int', ([a, b]) => sign(of(a).nanos - of(b).nanos)),
  ...both('add', combined((a, b) => a + b)),
  ...both('sub', combined((a, b) => a - b)),
  overload('string', '(kubernetes.Quantity): string', ([value]) => formatQuantity(of(value).quantity)),
];
