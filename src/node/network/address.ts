/** IPv4 arithmetic: pure. Addresses are dotted quads outside and unsigned 32-bit numbers inside. */

export class AddressError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'AddressError';
  }
}

export interface Range {
  /** First address, as a number. */
  first: number;
  /** Last address, as a number. */
  last: number;
  prefix: number;
}

/** The number of a dotted quad, or undefined when it is none. */
export function parseAddress(text: string): number | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) {
    return undefined;
  }
  let value = 0;
  for (const part of match.slice(1)) {
    const octet = Number(part);
    if (octet > 255) {
      return undefined;
    }
    value = value * 256 + octet;
  }
  return value;
}

export function formatAddress(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
}

/** `10.42.0.0/16` → its range. Throws AddressError. */
export function parseRange(cidr: string): Range {
  const [text = '', bits = '32', ...rest] = cidr.split('/');
  const address = parseAddress(text);
  const prefix = /^\d{1,2}$/.test(bits) ? Number(bits) : 33;
  if (address === undefined || prefix > 32 || rest.length > 0) {
    throw new AddressError(`${cidr} is not an IPv4 range such as 10.42.0.0/16`);
  }
  const size = 2 ** (32 - prefix);
  const first = address - (address % size);
  return { first, last: first + size - 1, prefix };
}

export function formatRange(range: Range): string {
  return `${formatAddress(range.first)}/${range.prefix}`;
}

export function inRange(range: Range, address: number): boolean {
  return address >= range.first && address <= range.last;
}

export function overlaps(a: Range, b: Range): boolean {
  return a.first <= b.last && b.first <= a.last;
}

/** Prefix of the part of the pod range that one node hands out, as a cluster's controller manager cuts it. */
const NODE_PREFIX = 24;

/** This node's part of the pod range: the /24 around `nodeAddress`, or all of a smaller range. */
export function nodeRange(podCidr: string, nodeAddress: string): Range {
  const pods = parseRange(podCidr);
  const prefix = Math.max(pods.prefix, NODE_PREFIX);
  const node = parseRange(`${nodeAddress}/${prefix}`);
  if (!overlaps(pods, node)) {
    throw new AddressError(`the node's address ${nodeAddress} is not in the pod range ${podCidr}`);
  }
  return node;
}
