/** Optional values. `or` and `orValue` evaluate their argument only when it is needed, which is the planner's business. */
import { fail, noSuchOverload } from '../errors.ts';
import { any, list, overload, type Overload } from '../overload.ts';
import { ArrayList, CelList, CelMap, CelOptional, CelRecord, CelUint, type CelValue } from '../values.ts';

const optional = (value: CelValue | undefined): CelOptional => (value instanceof CelOptional ? value : noSuchOverload());

/** Values that say nothing: 0, '', false, null, empty lists and maps. */
function isZero(value: CelValue): boolean {
  if (value instanceof CelList) {
    return value.length === 0;
  }
  if (value instanceof CelMap) {
    return value.size === 0;
  }
  if (value instanceof CelRecord) {
    return [...value.names()].length === 0;
  }
  return value === null || value === false || value === 0 || value === 0n || value === '' || (value instanceof CelUint && value.value === 0n)
    || (value instanceof Uint8Array && value.length === 0);
}

/** What it holds; undefined when it holds nothing (it may hold null). */
const held = (value: CelValue | undefined): CelValue => {
  const inner = optional(value).value;
  return inner === undefined ? fail('optional.none() dereference') : inner;
};

const unwrap = (value: CelValue | undefined): CelValue =>
  new ArrayList([...list(value)].map((one) => optional(one).value).filter((one) => one !== undefined));

export const optionals: readonly Overload[] = [
  overload('optional.of', '(A): optional<A>', ([value]) => new CelOptional(any(value))),
  overload('optional.ofNonZeroValue', '(A): optional<A>', ([value]) => (isZero(any(value)) ? CelOptional.NONE : new CelOptional(any(value)))),
  overload('optional.none', '(): optional<A>', () => CelOptional.NONE),
  overload('optional.unwrap', '(list<optional<A>>): list<A>', ([value]) => unwrap(value)),
  overload('unwrapOpt', 'list<optional<A>>.(): list<A>', ([value]) => unwrap(value)),
  overload('hasValue', 'optional<A>.(): bool', ([value]) => optional(value).value !== undefined),
  overload('value', 'optional<A>.(): A', ([value]) => held(value)),
  overload('or', 'optional<A>.(optional<A>): optional<A>', ([value, other]) => (optional(value).value === undefined ? optional(other) : optional(value))),
  overload('orValue', 'optional<A>.(A): A', ([value, other]) => (optional(value).value === undefined ? any(other) : held(value))),
];
