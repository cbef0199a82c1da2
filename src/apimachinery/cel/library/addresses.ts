/** Kubernetes' IP and CIDR libraries. */
import { fail, noSuchOverload } from '../errors.ts';
import { doubleTraversal, overload, STRING_COST, text, traversal, type Cost, type Overload, type Run } from '../overload.ts';
import { CelOpaque, sizeOf, type CelValue } from '../values.ts';
import { AddressError, addressText, containsAddress, masked, parseAddress, parseCidr, type Cidr } from './address.ts';

export class CelIp extends CelOpaque {
  readonly typeName = 'net.IP';
  readonly bytes: Uint8Array;
  constructor(bytes: Uint8Array) {
    super();
    this.bytes = bytes;
  }

  override get size(): number { return this.bytes.length; }
  equals(other: CelOpaque): boolean {
    return other instanceof CelIp && Buffer.compare(other.bytes, this.bytes) === 0;
  }
}

export class CelCidr extends CelOpaque {
  readonly typeName = 'net.CIDR';
  readonly cidr: Cidr;
  constructor(cidr: Cidr) {
    super();
    this.cidr = cidr;
  }

  override get size(): number { return Math.ceil(this.cidr.bits / 8); }
  equals(other: CelOpaque): boolean {
    return other instanceof CelCidr && other.cidr.bits === this.cidr.bits && Buffer.compare(other.cidr.address, this.cidr.address) === 0;
  }
}

/** The parsed value, or what is wrong with the text. */
function attempt<T>(parse: () => T): T | AddressError {
  try {
    return parse();
  } catch (error) {
    if (error instanceof AddressError) {
      return error;
    }
    throw error;
  }
}

function ipOf(source: string): Uint8Array {
  const parsed = attempt(() => parseAddress(source));
  return parsed instanceof AddressError ? fail(`IP Address ${JSON.stringify(source)} parse error during conversion from string: ${parsed.message}`) : parsed;
}

function cidrOf(source: string): Cidr {
  const parsed = attempt(() => parseCidr(source));
  return parsed instanceof AddressError ? fail(`network address parse error during conversion from string: ${parsed.message}`) : parsed;
}

const address = (value: CelValue | undefined): Uint8Array => (value instanceof CelIp ? value.bytes : typeof value === 'string' ? ipOf(value) : noSuchOverload());
const network = (value: CelValue | undefined): Cidr => (value instanceof CelCidr ? value.cidr : typeof value === 'string' ? cidrOf(value) : noSuchOverload());

type Test = (bytes: Uint8Array) => boolean;
const [first, second]: [(bytes: Uint8Array) => number, (bytes: Uint8Array) => number] = [(bytes) => bytes[0] ?? 0, (bytes) => bytes[1] ?? 0];
const isV4: Test = (bytes) => bytes.length === 4;
const isUnspecified: Test = (bytes) => bytes.every((byte) => byte === 0);
const isLoopback: Test = (bytes) => (isV4(bytes) ? first(bytes) === 127 : bytes.every((byte, index) => byte === (index === 15 ? 1 : 0)));
const isMulticast: Test = (bytes) => (isV4(bytes) ? (first(bytes) & 0xf0) === 0xe0 : first(bytes) === 0xff);
const isLinkLocalMulticast: Test = (bytes) => (isV4(bytes) ? first(bytes) === 224 && second(bytes) === 0 && bytes[2] === 0 : first(bytes) === 0xff && (second(bytes) & 0x0f) === 2);
const isLinkLocalUnicast: Test = (bytes) => (isV4(bytes) ? first(bytes) === 169 && second(bytes) === 254 : first(bytes) === 0xfe && (second(bytes) & 0xc0) === 0x80);
const isGlobalUnicast: Test = (bytes) => !isUnspecified(bytes) && !isLoopback(bytes) && !isMulticast(bytes) && !isLinkLocalUnicast(bytes)
  && !(isV4(bytes) && bytes.every((byte) => byte === 255));

const test = (name: string, holds: Test): Overload => overload(name, 'net.IP.(): bool', ([value]) => holds(address(value)));

function isCanonical([value]: readonly CelValue[]): CelValue {
  const source = text(value);
  return addressText(ipOf(source)) === source;
}

const inside: Run = ([outer, inner]) => {
  const [large, small] = [network(outer), network(inner)];
  return small.bits >= large.bits && containsAddress(large, small.address);
};

/** Two addresses are compared up to the prefix; a text must be read first. */
const insideCost = (more: number): Cost => (args) => Math.ceil(2 * sizeOf(args[0] ?? null) * STRING_COST) + more
  + (typeof args[1] === 'string' ? Math.ceil(args[1].length * STRING_COST) : 0);

const cidrText = ({ address: bytes, bits }: Cidr): string => `${addressText(bytes)}/${bits}`;

export const addresses: readonly Overload[] = [
  overload('ip', '(string): net.IP', ([value]) => new CelIp(ipOf(text(value))), traversal),
  overload('isIP', '(string): bool', ([value]) => !(attempt(() => parseAddress(text(value))) instanceof AddressError), traversal),
  overload('ip.isCanonical', '(string): bool', isCanonical, doubleTraversal),
  overload('string', '(net.IP): string', ([value]) => addressText(address(value))),
  overload('family', 'net.IP.(): int', ([value]) => (isV4(address(value)) ? 4n : 6n)),
  test('isUnspecified', isUnspecified),
  test('isLoopback', isLoopback),
  test('isLinkLocalMulticast', isLinkLocalMulticast),
  test('isLinkLocalUnicast', isLinkLocalUnicast),
  test('isGlobalUnicast', isGlobalUnicast),
  overload('cidr', '(string): net.CIDR', ([value]) => new CelCidr(cidrOf(text(value))), traversal),
  overload('isCIDR', '(string): bool', ([value]) => !(attempt(() => parseCidr(text(value))) instanceof AddressError), traversal),
  overload('string', '(net.CIDR): string', ([value]) => cidrText(network(value))),
  overload('containsIP', 'net.CIDR.(net.IP): bool', ([outer, inner]) => containsAddress(network(outer), address(inner)), insideCost(0)),
  overload('containsIP', 'net.CIDR.(string): bool', ([outer, inner]) => containsAddress(network(outer), address(inner)), insideCost(0)),
  overload('containsCIDR', 'net.CIDR.(net.CIDR): bool', inside, insideCost(2)),
  overload('containsCIDR', 'net.CIDR.(string): bool', inside, insideCost(2)),
  overload('ip', 'net.CIDR.(): net.IP', ([value]) => new CelIp(network(value).address)),
  overload('masked', 'net.CIDR.(): net.CIDR', ([value]) => new CelCidr({ address: masked(network(value)), bits: network(value).bits })),
  overload('prefixLength', 'net.CIDR.(): int', ([value]) => BigInt(network(value).bits)),
];
