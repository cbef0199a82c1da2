/** Which shared libraries a program or library names: enough of the ELF format (64 bits, little-endian) to check that an image has all it needs. */

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const DT_NEEDED = 1n;
const DT_STRTAB = 5n;
const PROGRAM_HEADER_BYTES = 56;
const DYNAMIC_BYTES = 16;
/** More program headers or entries than any real file has. */
const MAX_ENTRIES = 4096;

interface Segment {
  type: number;
  offset: number;
  address: bigint;
  size: number;
}

function segments(data: Buffer): Segment[] {
  const start = Number(data.readBigUInt64LE(32));
  const count = Math.min(data.readUInt16LE(56), MAX_ENTRIES);
  return Array.from({ length: count }, (_, index) => {
    const at = start + index * PROGRAM_HEADER_BYTES;
    return {
      type: data.readUInt32LE(at), offset: Number(data.readBigUInt64LE(at + 8)), address: data.readBigUInt64LE(at + 16), size: Number(data.readBigUInt64LE(at + 32)),
    };
  });
}

/** File names such as `libc.so.6`; none for what is no ELF file or is linked statically. */
export function neededLibraries(data: Buffer): string[] {
  if (data.length < 64 || data.readUInt32BE(0) !== 0x7f454c46 || data[4] !== 2 || data[5] !== 1) {
    return [];
  }
  const all = segments(data);
  const dynamic = all.find(({ type }) => type === PT_DYNAMIC);
  if (dynamic === undefined) {
    return [];
  }
  const entries = Array.from({ length: Math.min(Math.floor(dynamic.size / DYNAMIC_BYTES), MAX_ENTRIES) }, (_, index) => {
    const at = dynamic.offset + index * DYNAMIC_BYTES;
    return { tag: data.readBigInt64LE(at), value: data.readBigUInt64LE(at + 8) };
  });
  const table = entries.find(({ tag }) => tag === DT_STRTAB)?.value ?? 0n;
  const segment = all.find(({ type, address, size }) => type === PT_LOAD && table >= address && table < address + BigInt(size));
  if (segment === undefined) {
    return [];
  }
  const strings = segment.offset + Number(table - segment.address);
  return entries.filter(({ tag }) => tag === DT_NEEDED).map(({ value }) => {
    const from = strings + Number(value);
    return data.toString('latin1', from, data.indexOf(0, from));
  });
}
