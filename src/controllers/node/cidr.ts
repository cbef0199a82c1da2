/** Pod ranges of nodes that registered without one. Pure; IPv4. */

/** Length of a node's prefix within the cluster's range. */
const NODE_BITS = 24;

interface Range {
  start: number;
  size: number;
}

function parse(cidr: string): Range | undefined {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(cidr);
  const [a = -1, b = -1, c = -1, d = -1, bits = -1] = (match ?? []).slice(1).map(Number);
  if (match === null || bits > 32 || [a, b, c, d].some((part) => part > 255)) {
    return undefined;
  }
  const size = 2 ** (32 - bits);
  const address = ((a * 256 + b) * 256 + c) * 256 + d;
  return { start: address - (address % size), size };
}

function format(start: number): string {
  return [2 ** 24, 2 ** 16, 2 ** 8, 1].map((unit) => Math.floor(start / unit) % 256).join('.');
}

/** The first free range of `cluster` that overlaps none of `taken`; undefined when all are taken. */
export function freeRange(cluster: string, taken: readonly string[]): string | undefined {
  const range = parse(cluster);
  if (range === undefined) {
    return undefined;
  }
  const size = Math.min(range.size, 2 ** (32 - NODE_BITS));
  const used = taken.map(parse).filter((one) => one !== undefined);
  for (let start = range.start; start < range.start + range.size; start += size) {
    if (!used.some((one) => one.start < start + size && start < one.start + one.size)) {
      return `${format(start)}/${32 - Math.log2(size)}`;
    }
  }
  return undefined;
}
