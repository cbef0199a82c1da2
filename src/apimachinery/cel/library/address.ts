/** IP addresses as bytes, read as strictly as Go's net/netip does. */

/** The text is no address; the message is Go's. */
export class AddressError extends Error { override name = 'AddressError'; }

/** No address is longer, zone aside. */
const MAX_ADDRESS_LENGTH = 128;

function failed(text: string, why: string): never {
  throw new AddressError(`ParseAddr(${JSON.stringify(text)}): ${why}`);
}

function parseV4(text: string, whole: string): number[] {
  const fields = text.split('.');
  const wrong = /[^0-9.]/.exec(text)?.[0];
  if (wrong !== undefined) {
    failed(whole, `unexpected character (at ${JSON.stringify(text.slice(text.indexOf(wrong)))})`);
  }
  if (fields.includes('')) {
    failed(whole, 'IPv4 field must have at least one digit');
  }
  if (fields.some((field) => field.length > 1 && field.startsWith('0'))) {
    failed(whole, 'IPv4 field has octet with leading zero');
  }
  if (fields.some((field) => field.length > 3 || Number(field) > 255)) {
    failed(whole, 'IPv4 field has value >255');
  }
  return fields.length === 4 ? fields.map(Number) : failed(whole, fields.length < 4 ? 'IPv4 address too short' : 'IPv4 address too long');
}

/** Groups of one side of `::`; the last may be an IPv4 address. */
function parseGroups(side: string, whole: string, isLast: boolean): number[] {
  if (side === '') {
    return [];
  }
  const groups = side.split(':');
  return groups.flatMap((group, index) => {
    if (isLast && index === groups.length - 1 && group.includes('.')) {
      return parseV4(group, whole);
    }
    if (!/^[0-9a-fA-F]{1,4}$/.test(group)) {
      failed(whole, group.length > 4 ? 'each group must have 4 or fewer digits' : 'each colon-separated field must have at least one digit');
    }
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

function parseV6(text: string): number[] {
  const sides = text.split('::');
  if (sides.length > 2) {
    failed(text, 'multiple :: in address');
  }
  const [left = '', right] = sides;
  const head = parseGroups(left, text, right === undefined);
  const tail = right === undefined ? [] : parseGroups(right, text, true);
  const missing = 16 - head.length - tail.length;
  if (right === undefined ? missing !== 0 : missing < 2) {
    failed(text, missing > 0 ? 'address string too short' : 'trailing garbage after address');
  }
  return [...head, ...Array.from({ length: missing }, () => 0), ...tail];
}

/** Four or sixteen bytes. Throws AddressError; addresses with zones and IPv4 ones mapped into IPv6 are refused as Kubernetes does. */
export function parseAddress(text: string): Uint8Array {
  if (text === '' || text.length > MAX_ADDRESS_LENGTH || !/[.:]/.test(text)) {
    failed(text, 'unable to parse IP');
  }
  if (text.includes('%')) {
    throw new AddressError(`IP address ${JSON.stringify(text)} with zone value is not allowed`);
  }
  const bytes = Uint8Array.from(text.includes(':') ? parseV6(text) : parseV4(text, text));
  if (isMapped(bytes)) {
    throw new AddressError(`IPv4-mapped IPv6 address ${JSON.stringify(text)} is not allowed`);
  }
  return bytes;
}

const isMapped = (bytes: Uint8Array): boolean => bytes.length === 16 && bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;

/** The canonical text: lower case, the longest run of zero groups shortened (RFC 5952). */
export function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) {
    return bytes.join('.');
  }
  const groups = Array.from({ length: 8 }, (_, index) => ((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0));
  let best = { start: -1, length: 1 };
  for (let start = 0; start < 8; start += 1) {
    let end = start;
    while (end < 8 && groups[end] === 0) {
      end += 1;
    }
    if (end - start > best.length) {
      best = { start, length: end - start };
    }
  }
  const shown = (part: number[]): string => part.map((group) => group.toString(16)).join(':');
  return best.start < 0 ? shown(groups) : `${shown(groups.slice(0, best.start))}::${shown(groups.slice(best.start + best.length))}`;
}

export interface Cidr { readonly address: Uint8Array; readonly bits: number }

/** Throws AddressError. */
export function parseCidr(text: string): Cidr {
  const slash = text.lastIndexOf('/');
  const failure = (why: string): never => {
    throw new AddressError(`netip.ParsePrefix(${JSON.stringify(text)}): ${why}`);
  };
  if (slash < 0) {
    return failure("no '/'");
  }
  let address: Uint8Array;
  try {
    address = parseAddress(text.slice(0, slash));
  } catch (error) {
    return error instanceof AddressError ? failure(error.message) : failure(String(error));
  }
  const suffix = text.slice(slash + 1);
  if (!/^(?:0|[1-9]\d{0,2})$/.test(suffix)) {
    return failure(`bad bits after slash: ${JSON.stringify(suffix)}`);
  }
  return Number(suffix) > address.length * 8 ? failure('prefix length out of range') : { address, bits: Number(suffix) };
}

/** The address with the bits behind the prefix cleared. */
export function masked({ address, bits }: Cidr): Uint8Array {
  return address.map((byte, index) => {
    const kept = Math.max(0, Math.min(8, bits - index * 8));
    return byte & (0xff << (8 - kept)) & 0xff;
  });
}

export function containsAddress(cidr: Cidr, address: Uint8Array): boolean {
  return address.length === cidr.address.length && Buffer.compare(masked(cidr), masked({ address, bits: cidr.bits })) === 0;
}
