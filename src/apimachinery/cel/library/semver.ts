/** Kubernetes' semantic version library (semver 2.0.0). */
import { fail, noSuchOverload } from '../errors.ts';
import { overload, text, traversal, type Overload, type Run } from '../overload.ts';
import { CelOpaque, type CelValue } from '../values.ts';

interface Version { readonly numbers: readonly [bigint, bigint, bigint]; readonly prerelease: readonly string[]; readonly build: string }

/** Longer texts are no versions. */
const MAX_VERSION_LENGTH = 256;
const NUMBER = '(0|[1-9]\\d*)';
const GRAMMAR = new RegExp(`^${NUMBER}\\.${NUMBER}\\.${NUMBER}(?:-([0-9A-Za-z.-]+))?(?:\\+([0-9A-Za-z.-]+))?$`);
const UINT_MAX = 2n ** 64n - 1n;

export class CelSemver extends CelOpaque {
  readonly typeName = 'kubernetes.Semver';
  readonly version: Version;
  constructor(version: Version) {
    super();
    this.version = version;
  }

  equals(other: CelOpaque): boolean {
    return other instanceof CelSemver && compare(this.version, other.version) === 0;
  }
}

const validIdentifiers = (list: readonly string[], numbersStrict: boolean): boolean => list.every((one) => one !== '' && !(numbersStrict && /^0\d+$/.test(one)));

function parse(source: string): Version | undefined {
  const match = source.length > MAX_VERSION_LENGTH ? null : GRAMMAR.exec(source);
  if (match === null) {
    return undefined;
  }
  const [major = 0n, minor = 0n, patch = 0n] = match.slice(1, 4).map(BigInt);
  const prerelease = match[4]?.split('.') ?? [];
  const build = match[5]?.split('.') ?? [];
  const fine = [major, minor, patch].every((one) => one <= UINT_MAX) && validIdentifiers(prerelease, true) && validIdentifiers(build, false);
  return fine ? { numbers: [major, minor, patch], prerelease, build: match[5] ?? '' } : undefined;
}

/** `v1.2` → `1.2.0`, `01.2.3` → `1.2.3`. */
function normalize(source: string): string {
  const [numbers = '', ...rest] = source.replace(/^v/, '').split(/(?=[-+])/);
  const fields = numbers.split('.').map((field) => field.replace(/^0+(?=\d)/, ''));
  const filled = rest.length > 0 || fields.length >= 3 ? fields : [...fields, '0', '0'].slice(0, 3);
  return filled.join('.') + rest.join('');
}

const numeric = (one: string): boolean => /^\d+$/.test(one);

function compareIdentifiers(a: string, b: string): number {
  if (numeric(a) && numeric(b)) {
    return BigInt(a) < BigInt(b) ? -1 : BigInt(a) > BigInt(b) ? 1 : 0;
  }
  return numeric(a) ? -1 : numeric(b) ? 1 : a < b ? -1 : a > b ? 1 : 0;
}

function comparePrereleases(a: readonly string[], b: readonly string[]): number {
  if (a.length === 0 || b.length === 0) {
    return Math.sign(b.length - a.length);
  }
  for (let index = 0; index < Math.min(a.length, b.length); index += 1) {
    const order = compareIdentifiers(a[index] ?? '', b[index] ?? '');
    if (order !== 0) {
      return order;
    }
  }
  return Math.sign(a.length - b.length);
}

function compare(a: Version, b: Version): number {
  for (const index of [0, 1, 2] as const) {
    if (a.numbers[index] !== b.numbers[index]) {
      return a.numbers[index] < b.numbers[index] ? -1 : 1;
    }
  }
  return comparePrereleases(a.prerelease, b.prerelease);
}

const parsed = (args: readonly CelValue[]): Version | undefined => parse(args[1] === true ? normalize(text(args[0])) : text(args[0]));
const semver: Run = (args) => new CelSemver(parsed(args) ?? fail(`cannot parse ${JSON.stringify(text(args[0]))} as a semantic version`));
const of = (value: CelValue | undefined): Version => (value instanceof CelSemver ? value.version : noSuchOverload());

export const semvers: readonly Overload[] = [
  overload('semver', '(string): kubernetes.Semver', semver, traversal),
  overload('semver', '(string, bool): kubernetes.Semver', semver, traversal),
  overload('isSemver', '(string): bool', (args) => parsed(args) !== undefined, traversal),
  overload('isSemver', '(string, bool): bool', (args) => parsed(args) !== undefined, traversal),
  overload('major', 'kubernetes.Semver.(): int', ([value]) => of(value).numbers[0]),
  overload('minor', 'kubernetes.Semver.(): int', ([value]) => of(value).numbers[1]),
  overload('patch', 'kubernetes.Semver.(): int', ([value]) => of(value).numbers[2]),
  overload('isGreaterThan', 'kubernetes.Semver.(kubernetes.Semver): bool', ([a, b]) => compare(of(a), of(b)) > 0),
  overload('isLessThan', 'kubernetes.Semver.(kubernetes.Semver): bool', ([a, b]) => compare(of(a), of(b)) < 0),
  overload('compareTo', 'kubernetes.Semver.(kubernetes.Semver): int', ([a, b]) => BigInt(compare(of(a), of(b)))),
];
