/** IPv4 addresses and ranges as numbers. */

const parts = (address: string): number[] | undefined => {
  const numbers = /^\d{1,3}(\.\d{1,3}){3}$/.test(address) ? address.split('.').map(Number) : undefined;
  return numbers?.every((number) => number <= 255) === true ? numbers : undefined;
};

/** Undefined for what is no IPv4 address. */
export function parseIpv4(address: string): number | undefined {
  return parts(address)?.reduce((value, part) => value * 256 + part, 0);
}

export function formatIpv4(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}

/** First and last address of a range like `10.43.0.0/16`. Throws on anything else: ranges come from our own flags. */
export function parseCidr(cidr: string): { first: number; last: number } {
  const [address, prefix] = cidr.split('/');
  const base = parseIpv4(address ?? '');
  const bits = Number(prefix);
  if (base === undefined || !Number.isInteger(bits) || bits < 8 || bits > 28) {
    throw new Error(`${cidr} is no IPv4 range of /8 to /28`);
  }
  const size = 2 ** (32 - bits);
  const first = Math.floor(base / size) * size;
  return { first, last: first + size - 1 };
}
